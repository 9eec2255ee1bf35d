// Command stdlib is a small application behind AuthKit on net/http alone. Its twin in examples/chi does the same with
// chi.
//
//	go run ./examples/stdlib
//
// runs it against a fake AuthKit inside; with WORKOS_API_KEY, WORKOS_CLIENT_ID and WORKOS_COOKIE_PASSWORD set it uses
// WorkOS. ADDR chooses the address, localhost:8080 by default.
package main

import (
	"context"
	"fmt"
	"net/http"
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
	server, err := demo.Listen()
	if err != nil {
		return err
	}
	defer server.Close()

	// FromEnv reads the WORKOS_ variables; an option beats a variable. The server's options are those of its fake
	// AuthKit, and none but a default redirect URL where WorkOS is used.
	ak, err := authkit.FromEnv(server.Options()...)
	if err != nil {
		return err
	}
	return server.Serve(context.Background(), routes(ak))
}

// routes is the whole application.
func routes(ak *authkit.AuthKit) http.Handler {
	mux := http.NewServeMux()

	// AuthKit's own: where a sign-in starts, where it comes back to, and the end of the session.
	mux.Handle("GET /login", ak.Login())
	mux.Handle("GET /signup", ak.Login(authkit.LoginParams{ScreenHint: "sign-up"}))
	mux.Handle("GET /callback", ak.Callback())
	mux.Handle("POST /logout", ak.Logout())

	// For everybody. {$} keeps "/" from matching every path that nothing else does.
	mux.HandleFunc("GET /{$}", home)
	mux.HandleFunc("GET /style.css", demo.Style)
	mux.HandleFunc("GET /healthz", demo.Healthy)

	// For those who are signed in. A browser is taken to the sign-in and back; a program is told 401.
	mux.Handle("GET /account", ak.RequireAuth(http.HandlerFunc(account)))
	mux.Handle("GET /api/me", ak.RequireAuth(http.HandlerFunc(me)))

	// Around everything: it finds out who is asking, and renews the session when that is due.
	return ak.Middleware(mux)
}

// home does well without a session. The error tells why there is none, when that could not be found out.
func home(w http.ResponseWriter, r *http.Request) {
	session, _ := authkit.FromContext(r.Context())
	demo.ShowHome(w, session, authkit.ErrorFromContext(r.Context()))
}

// account runs behind RequireAuth, so there is a session.
func account(w http.ResponseWriter, r *http.Request) {
	session, _ := authkit.FromContext(r.Context())
	demo.ShowAccount(w, session)
}

// me is account for programs.
func me(w http.ResponseWriter, r *http.Request) {
	session, _ := authkit.FromContext(r.Context())
	demo.WriteMe(w, session)
}
