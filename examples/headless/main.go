// Command headless is an application with sign-in pages of its own. People see WorkOS's pages only where nothing else
// will do: for single sign-on, at another provider, and when WorkOS itself wants to look closer.
//
//	go run ./examples/headless
//
// runs it against a fake AuthKit inside, and prints the mail that would be sent; with WORKOS_API_KEY, WORKOS_CLIENT_ID
// and WORKOS_COOKIE_PASSWORD set it uses WorkOS, where the dashboard must know the page that password resets lead to:
// /reset-password. ADDR chooses the address, localhost:8080 by default.
//
// The heart of it is in next.go: it takes what WorkOS answers to any form, and finds the page that comes next.
package main

import (
	"context"
	"fmt"
	"os"

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
	return server.Serve(context.Background(), app.routes())
}
