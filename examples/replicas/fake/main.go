// Command fake runs a fake AuthKit for the instances of an application. It prints the environment variables that each
// instance needs, and at last CONTROL_URL, the address of authkittest's control handler:
//
//	go run ./fake -strict -latency 2s
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/authkit-go/authkit/authkittest"
)

func main() {
	if err := run(os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	application, opts, err := options(args)
	if err != nil {
		return err
	}
	fake, err := authkittest.Start(opts...)
	if err != nil {
		return err
	}
	defer fake.Close()
	control, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: fake.Control(), ReadHeaderTimeout: 5 * time.Second}
	defer server.Close()
	served := make(chan error, 1)
	go func() { served <- server.Serve(control) }()

	for name, value := range fake.Env() {
		fmt.Printf("%s=%s\n", name, value)
	}
	// The instances read each other's session cookies, so all have the same password.
	fmt.Printf("WORKOS_COOKIE_PASSWORD=%s\n", rand.Text()+rand.Text())
	secret := rand.Text()
	fake.AddWebhookEndpoint(application+"/webhooks/workos", secret)
	fmt.Printf("WORKOS_WEBHOOK_SECRET=%s\n", secret)
	fmt.Printf("CONTROL_URL=http://%s\n", control.Addr())

	interrupted, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	select {
	case err := <-served:
		return err
	case <-interrupted.Done():
		return nil
	}
}

// options returns the URL of the application and the options of the fake that the flags set.
func options(args []string) (application string, opts []authkittest.Option, err error) {
	flags := flag.NewFlagSet("fake", flag.ContinueOnError)
	flags.StringVar(&application, "app", "http://localhost:8080", "the `URL` of the application, which gets the callback and the webhooks")
	lifetime := flags.Duration("lifetime", 5*time.Minute, "how long an access token is valid")
	strict := flags.Bool("strict", false, "refuse a refresh token that was exchanged, without a replay window")
	lock := flags.Bool("lock", false, "answer parallel refreshes of a session 429")
	latency := flags.Duration("latency", 0, "how long a refresh takes")
	limit := flags.Int("limit", 0, "accepted API `calls` a second; 0 means no limit")
	if err := flags.Parse(args); err != nil {
		return "", nil, err
	}
	opts = []authkittest.Option{
		authkittest.WithAppName("Three instances"),
		authkittest.WithRedirectURIs(application + "/callback"),
		authkittest.WithSignOutRedirects(application + "/"),
		authkittest.WithAccessTokenLifetime(*lifetime),
		authkittest.WithRefreshLatency(*latency),
		authkittest.WithRateLimit(*limit),
	}
	if *strict {
		opts = append(opts, authkittest.WithStrictRotation())
	}
	if *lock {
		opts = append(opts, authkittest.WithSessionLock())
	}
	return application, opts, nil
}
