// Command headless is an application with its own sign-in pages. Users see a page of WorkOS or of an identity provider
// only where an application cannot have its own: for single sign-on, for sign-in with another provider, and for steps
// that WorkOS's API does not have.
//
//	go run ./examples/headless
//
// runs it with a built-in fake AuthKit, and prints each email and SMS instead of sending it. If WORKOS_API_KEY, WORKOS_CLIENT_ID
// and WORKOS_COOKIE_PASSWORD are set, it uses WorkOS. In the WorkOS dashboard, set the password reset URL to the
// application's /reset-password then, and the invitation URL to its /invitation. ADDR sets the address to listen on; the
// default is localhost:8080.
//
// At /team, an administrator invites people. In the fake AuthKit that is ada@harborpress.test. With WorkOS it is a user with
// the permission members:manage.
//
// Start reading in routes.go, then password.go and result.go. Each form calls WorkOS and passes the result to
// handleResult in result.go, which signs the user in, redirects to the next step, or shows the form again.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/examples/internal/demo"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	server, err := demo.ListenForForms()
	if err != nil {
		return err
	}
	defer server.Close()

	app := &application{}
	app.authkit, err = authkit.FromEnv(append(server.Options(), app.options()...)...)
	if err != nil {
		return err
	}
	app.workos = app.authkit.Client()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	go app.authkit.Follow(ctx, nil, "")
	return server.Serve(ctx, app.routes())
}
