// Command spa is a single-page application and its API, on two origins: http://localhost:8081 and http://localhost:8080.
//
//	go run .
//
// runs both with a built-in fake AuthKit. If WORKOS_API_KEY, WORKOS_CLIENT_ID and WORKOS_COOKIE_PASSWORD are set, the API
// uses WorkOS. ADDR and PAGE_ADDR set the addresses to listen on, and PAGE_ORIGIN the origin of the page if it is not that
// of PAGE_ADDR.
//
// Start reading at api in api.go. The page's part is in pages/app.js.
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	apiListener, apiOrigin, err := listen(cmp.Or(os.Getenv("ADDR"), "localhost:8080"))
	if err != nil {
		return err
	}
	defer apiListener.Close()
	pageListener, pageOrigin, err := listen(cmp.Or(os.Getenv("PAGE_ADDR"), "localhost:8081"))
	if err != nil {
		return err
	}
	defer pageListener.Close()
	pageOrigin = cmp.Or(os.Getenv("PAGE_ORIGIN"), pageOrigin)

	options, formTarget, stop, err := signInService(apiOrigin, pageOrigin)
	if err != nil {
		return err
	}
	defer stop()
	ctx, stopSignals := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stopSignals()
	api, err := newAPI(ctx, pageOrigin, options...)
	if err != nil {
		return err
	}
	page, err := newPage(apiOrigin, formTarget)
	if err != nil {
		return err
	}
	fmt.Printf("Open %s\nThe API is at %s\n", pageOrigin, apiOrigin)
	return serve(ctx, map[net.Listener]http.Handler{apiListener: api, pageListener: page})
}

// listen returns a listener and its origin for a browser on this machine.
func listen(addr string) (listener net.Listener, origin string, err error) {
	if listener, err = net.Listen("tcp", addr); err != nil {
		return nil, "", err
	}
	host, _, _ := net.SplitHostPort(addr)
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return listener, "http://" + net.JoinHostPort(cmp.Or(host, "localhost"), port), nil
}

// signInService returns the options for WorkOS, if the environment configures it, or those for a fake AuthKit, and where a
// form of the page may lead.
func signInService(api, page string) (options []authkit.Option, formTarget string, stop func(), err error) {
	if os.Getenv("WORKOS_API_KEY") != "" || os.Getenv("WORKOS_CLIENT_ID") != "" {
		if os.Getenv("WORKOS_REDIRECT_URI") == "" {
			options = append(options, authkit.WithRedirectURL(api+"/callback"))
		}
		return options, "https:", func() {}, nil // the AuthKit domain is a setting of the WorkOS dashboard
	}
	fake, err := authkittest.Start(
		authkittest.WithAppName("The single-page example"),
		authkittest.WithRedirectURIs(api+"/callback"),
		authkittest.WithSignOutRedirects(page+"/"),
	)
	if err != nil {
		return nil, "", nil, err
	}
	return []authkit.Option{
		authkit.WithBaseURL(fake.URL()),
		authkit.WithAPIKey(fake.APIKey()),
		authkit.WithClientID(fake.ClientID()),
		authkit.WithCookiePassword(rand.Text() + rand.Text()),
		authkit.WithRedirectURL(api + "/callback"),
		authkit.WithPostLogoutRedirectURL(page + "/"), // the page, not the API
	}, fake.URL(), fake.Close, nil
}

// serve serves until ctx ends or a server fails.
func serve(ctx context.Context, handlers map[net.Listener]http.Handler) error {
	served := make(chan error, len(handlers))
	var servers []*http.Server
	for listener, handler := range handlers {
		server := &http.Server{
			Handler:           handler,
			ReadHeaderTimeout: 5 * time.Second,
			WriteTimeout:      30 * time.Second, // a request may wait 10 s for a refresh or a code exchange
			MaxHeaderBytes:    64 << 10,         // a session has up to 32 KB in eight cookies
		}
		servers = append(servers, server)
		go func() { served <- server.Serve(listener) }()
	}
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for _, server := range servers {
		if err := server.Shutdown(grace); err != nil {
			return err
		}
	}
	return nil
}
