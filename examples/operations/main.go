// Command operations is a small application whose operator watches it with Prometheus and Grafana, and breaks it:
//
//	go run .
//
// The site is at http://localhost:8080, with a fake AuthKit in this process. A second listener, at http://localhost:9464, is
// for the operator only: /metrics, /healthz, and a page with a button for each incident of docs/operations.md. ADDR and
// PRIVATE_ADDR set other addresses.
//
// Start reading at newSite (site.go) and newTelemetry (telemetry.go). The other files play the incidents.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run serves the site and the private listener until ctx ends.
func run(ctx context.Context, args []string, out io.Writer) (err error) {
	flags := flag.NewFlagSet("operations", flag.ContinueOnError)
	flags.SetOutput(out)
	lifetime := flags.Duration("lifetime", time.Minute, "of an access token; shorter ones are refreshed more often")
	traces := flags.Bool("traces", false, "print the spans as JSON")
	quiet := flags.Bool("no-traffic", false, "start without synthetic users")
	if err := flags.Parse(args); err != nil {
		return err
	}
	public, err := listen(cmp.Or(os.Getenv("ADDR"), "localhost:8080"))
	if err != nil {
		return err
	}
	defer public.Close()
	private, err := listen(cmp.Or(os.Getenv("PRIVATE_ADDR"), "localhost:9464"))
	if err != nil {
		return err
	}
	defer private.Close()

	var spans io.Writer
	if *traces {
		spans = out
	}
	s, err := newSite(options{home: public.url, lifetime: *lifetime, spans: spans, log: slog.Default()})
	if err != nil {
		return err
	}
	if !*quiet {
		if err := s.begin("traffic", 0); err != nil {
			return errors.Join(err, s.close(ctx))
		}
	}
	fmt.Fprintf(out, "Open %s\n", public.url)
	fmt.Fprintf(out, "For the operator: %s (incidents), %s/metrics, %s/healthz\n", private.url, private.url, private.url)
	fmt.Fprintf(out, "This is a fake AuthKit, at %s. Sign in as any of its users.\n", s.fake.URL())
	return errors.Join(serve(ctx, []server{{public, s}, {private, s.private()}}), s.close(context.WithoutCancel(ctx)))
}

// listener is an open listener, and its URL on this machine.
type listener struct {
	net.Listener
	url string
}

// listen opens a listener. The URL has the name localhost, because cookies and redirect URIs depend on the host.
func listen(addr string) (listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return listener{}, err
	}
	host, _, _ := net.SplitHostPort(addr) // net.Listen has accepted it
	_, port, _ := net.SplitHostPort(l.Addr().String())
	if host == "" || net.ParseIP(host).IsUnspecified() {
		host = "localhost"
	}
	return listener{l, "http://" + net.JoinHostPort(host, port)}, nil
}

// server is a handler with its listener.
type server struct {
	listener listener
	handler  http.Handler
}

// serve runs servers until ctx ends. Then it finishes the requests in progress.
func serve(ctx context.Context, servers []server) error {
	served := make(chan error, len(servers))
	running := make([]*http.Server, len(servers))
	for i, s := range servers {
		running[i] = &http.Server{
			Handler:           s.handler,
			ReadHeaderTimeout: 5 * time.Second,
			ReadTimeout:       10 * time.Second,
			WriteTimeout:      30 * time.Second, // a request may wait 10 s for a refresh or a code exchange
			IdleTimeout:       2 * time.Minute,
			MaxHeaderBytes:    64 << 10, // a session has up to 32 KB in eight cookies
		}
		go func() { served <- running[i].Serve(s.listener) }()
	}
	var err error
	select {
	case err = <-served:
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	for _, one := range running {
		err = errors.Join(err, one.Shutdown(grace))
	}
	return err
}
