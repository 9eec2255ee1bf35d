// Command chi is a small application with AuthKit sign-in on go-chi/chi. examples/stdlib is the same application on
// net/http alone.
//
//	go run ./examples/chi
//
// runs it with a built-in fake AuthKit. If WORKOS_API_KEY, WORKOS_CLIENT_ID and WORKOS_COOKIE_PASSWORD are set, it uses
// WorkOS. ADDR sets the address to listen on; the default is localhost:8080. If WORKOS_WEBHOOK_SECRET is set, it receives
// the webhooks of WorkOS at /webhooks/workos.
//
// Start reading at routes: it contains all uses of authkit but two, the calls of authkit.FromEnv and Follow in run.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"

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

	// FromEnv reads the WORKOS_ variables. An option overrides a variable. With the fake AuthKit, server.Options contains
	// its settings. With WorkOS, it contains at most a default redirect URL.
	ak, err := authkit.FromEnv(server.Options()...)
	if err != nil {
		return err
	}
	// ctx ends when the program is told to stop. Follow ends with it, and Serve finishes the requests in progress.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once

	// Follow reads the events of WorkOS. So a change there, such as a revoked session or another role, holds here within
	// seconds.
	go ak.Follow(ctx, nil, "")

	return server.Serve(ctx, routes(ak))
}

// routes returns the handler of the whole application.
func routes(ak *authkit.AuthKit) http.Handler {
	r := chi.NewRouter()

	// Do not add middleware.Logger: it logs whole URLs, and the URL of /callback contains the authorization code.
	r.Use(middleware.Recoverer)
	r.Use(middleware.GetHead)

	// The middleware loads the session of every request, and refreshes it when necessary.
	r.Use(ak.Middleware)

	// The handlers of authkit: the start of a sign-in and of a sign-up, the callback that ends both, and sign-out.
	r.Method(http.MethodGet, "/login", ak.Login())
	r.Method(http.MethodGet, "/signup", ak.Login(authkit.LoginParams{ScreenHint: "sign-up"}))
	r.Method(http.MethodGet, "/callback", ak.Callback())
	r.Handle("/logout", ak.Logout()) // all methods: Logout answers a GET with a page that leads home

	// WorkOS sends its events here. This is faster than Follow. The handler accepts only what WorkOS has signed.
	if secret := os.Getenv("WORKOS_WEBHOOK_SECRET"); secret != "" {
		r.Method(http.MethodPost, "/webhooks/workos", ak.Webhook(nil, secret))
	}

	// Public.
	r.Get("/", home)
	r.Get("/style.css", demo.Style)
	r.Get("/healthz", demo.Healthy)

	// Only for signed-in users. RequireAuth redirects a browser to the sign-in, which returns to the page. A program gets
	// 401.
	r.Group(func(r chi.Router) {
		r.Use(ak.RequireAuth)
		r.Get("/account", account)
		r.Get("/api/me", me)
	})
	return r
}

// home works with and without a session. The error says why a session could not be checked, for example in an outage.
func home(w http.ResponseWriter, r *http.Request) {
	session, _ := authkit.FromContext(r.Context())
	demo.ShowHome(w, session, authkit.ErrorFromContext(r.Context()))
}

// account is behind RequireAuth, so the session exists.
func account(w http.ResponseWriter, r *http.Request) {
	session, _ := authkit.FromContext(r.Context())
	demo.ShowAccount(w, session)
}

// me returns the session as JSON.
func me(w http.ResponseWriter, r *http.Request) {
	session, _ := authkit.FromContext(r.Context())
	demo.WriteMe(w, session)
}
