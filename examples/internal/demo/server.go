// The HTTP server: where it listens, how long it waits for anybody, how it stops.

// Package demo is what the examples have in common and what has nothing to do with their routers: pages, a server, and
// a fake AuthKit for those who have no WorkOS account at hand.
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

// defaultAddr is the address to listen on where ADDR does not name one.
const defaultAddr = "localhost:8080"

// Server is an address that is listened on already, and the AuthKit that its application will use.
type Server struct {
	url      string
	listener net.Listener
	fake     *authkittest.Server // nil with WorkOS
	ownForms bool                // the fake is used by its API, not by its pages
}

// Listen takes the address that ADDR names. Unless the environment has an API key or a client ID of WorkOS, it starts a
// fake AuthKit too.
//
// Listening comes before everything else, since the redirect URL holds the port, which with port 0 nobody knows earlier.
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

// URL is the address to open in a browser, without a slash at the end.
func (s *Server) URL() string { return s.url }

// address is where a browser on this machine finds a listener.
func address(addr string, listener net.Listener) string {
	host, _, _ := net.SplitHostPort(addr) // or net.Listen would have refused it
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	if host == "" || net.ParseIP(host).IsUnspecified() {
		host = "localhost" // every address is listened on; this one is a name that browsers trust
	}
	return "http://" + net.JoinHostPort(host, port)
}

// Serve prints the address and serves app at it until ctx is done or the program is asked to stop (SIGINT, SIGTERM).
// Then it lets the requests under way finish and returns nil.
func (s *Server) Serve(ctx context.Context, app http.Handler) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	if s.ownForms {
		app = withMail(app, s.fake, os.Stdout)
	}
	server := &http.Server{
		Handler:           WithHeaders(app, s.formTarget()),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second, // a request may wait 10 s for a refresh, or for the exchange of its code
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10, // a session of eight cookies is 32 KB, and other applications on localhost add theirs
	}
	s.greet(os.Stdout)
	served := make(chan error, 1)
	go func() { served <- server.Serve(s.listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	stop() // asked a second time, the program ends at once
	grace, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return server.Shutdown(grace)
}

// Close gives the address back and stops the fake AuthKit.
func (s *Server) Close() {
	s.listener.Close()
	if s.fake != nil {
		s.fake.Close()
	}
}

// variable reads an environment variable; an empty one is an absent one.
func variable(name string) string { return strings.TrimSpace(os.Getenv(name)) }
