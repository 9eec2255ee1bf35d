// The HTTP server: its address, its timeouts and its shutdown.

// Package demo is the common part of the examples: pages, a server, and a fake AuthKit for a start without a WorkOS
// account. Nothing in it is needed to use authkit.
package demo

import (
	"cmp"
	"context"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/authkit-go/authkit/authkittest"
)

// defaultAddr is the address to listen on if ADDR is not set.
const defaultAddr = "localhost:8080"

// Server is an open listener, with the fake AuthKit of its application if it does not use WorkOS.
type Server struct {
	url      string
	listener net.Listener
	fake     *authkittest.Server // nil if the application uses WorkOS
	ownForms bool                // the application has its own sign-in forms
}

// Listen listens on the address in ADDR. If neither WORKOS_API_KEY nor WORKOS_CLIENT_ID is set, it also starts a fake
// AuthKit.
//
// It must be called before authkit.FromEnv, since the redirect URL contains the port.
func Listen() (*Server, error) {
	addr := cmp.Or(variable("ADDR"), defaultAddr)
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	s := &Server{url: address(addr, listener), listener: listener}
	if usesWorkOS() {
		return s, nil
	}
	if s.fake, err = startFake(s.url); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// URL returns the URL to open in a browser, without a trailing slash.
func (s *Server) URL() string { return s.url }

// address returns the URL of a listener for a browser on this machine.
func address(addr string, listener net.Listener) string {
	host, _, _ := net.SplitHostPort(addr) // net.Listen has accepted it
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	if host == "" || net.ParseIP(host).IsUnspecified() {
		host = "localhost" // the listener has all addresses, and browsers trust this one without https
	}
	return "http://" + net.JoinHostPort(host, port)
}

// Serve prints the URL and serves app until ctx is done or the program receives SIGINT or SIGTERM. Then it finishes the
// requests in progress and returns nil.
func (s *Server) Serve(ctx context.Context, app http.Handler) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	if s.ownForms {
		app = withMail(app, s.fake, os.Stdout)
	}
	server := &http.Server{
		Handler:           withInstance(WithHeaders(app, s.formTarget())),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second, // a request may wait 10 s for a refresh or a code exchange
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10, // a session has up to 32 KB in eight cookies, and other applications on localhost have cookies, too
	}
	s.printInstructions(os.Stdout)
	served := make(chan error, 1)
	go func() { served <- server.Serve(s.listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	stop() // a second signal ends the program at once
	grace, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return server.Shutdown(grace)
}

// Close closes the listener and stops the fake AuthKit.
func (s *Server) Close() {
	s.listener.Close()
	if s.fake != nil {
		s.fake.Close()
	}
}

// variable returns an environment variable without surrounding white space.
func variable(name string) string { return strings.TrimSpace(os.Getenv(name)) }
