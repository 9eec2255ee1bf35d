// Command chi is a small application behind AuthKit on go-chi/chi. Its twin in examples/stdlib does the same with
// net/http alone.
//
//	go run ./examples/chi
//
// runs it against a fake AuthKit inside; with WORKOS_API_KEY, WORKOS_CLIENT_ID and WORKOS_COOKIE_PASSWORD set it uses
// WorkOS. ADDR chooses the address, localhost:8080 by default.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

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
	r := chi.NewRouter()

	// middleware.Logger is not among these: it writes whole addresses, and that of /callback holds the code.
	r.Use(middleware.Recoverer)
	r.Use(middleware.GetHead)

	// Around everything below: it finds out who is asking, and renews the session when that is due.
	r.Use(ak.Middleware)

	// AuthKit's own: where a sign-in starts, where it comes back to, and the end of the session.
	r.Method(http.MethodGet, "/login", ak.Login())
	r.Method(http.MethodGet, "/signup", ak.Login(authkit.LoginParams{ScreenHint: "sign-up"}))
	r.Method(http.MethodGet, "/callback", ak.Callback())
	r.Method(http.MethodPost, "/logout", ak.Logout())

	// For everybody.
	r.Get("/", home)
	r.Get("/style.css", demo.Style)
	r.Get("/healthz", demo.Healthy)

	// For those who are signed in. A browser is taken to the sign-in and back; a program is told 401.
	r.Group(func(r chi.Router) {
		r.Use(ak.RequireAuth)
		r.Get("/account", account)
		r.Get("/api/me", me)
	})
	return r
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
