// Command app is the application of examples/stdlib as one of several instances. It has the same routes and reads the same
// environment variables, and besides:
//
//   - REDIS_URL or DATABASE_URL: the store that the instances share. Without one, each instance has its own memory.
//   - INSTANCE: the name of this instance. Every page shows it, and the header X-Instance of every response.
//   - WORKOS_WEBHOOK_SECRET: the secret of the webhook endpoint POST /webhooks/workos. Without it, there is no such endpoint.
//
// It follows the events of WorkOS, so that a role that is taken away there is gone here without a new sign-in.
//
// It also has four routes that examples/stdlib lacks. With them one sees what instances do together: /slow, /organization,
// /api/key and /stats.
//
// The program in the folder above starts three instances.
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
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	server, err := demo.Listen()
	if err != nil {
		return err
	}
	defer server.Close()
	options, closeStore, err := openStore(ctx)
	if err != nil {
		return err
	}
	defer closeStore()
	ak, err := authkit.FromEnv(append(options, server.Options()...)...)
	if err != nil {
		return err
	}
	defer follow(ctx, ak)() // before the store is closed
	return server.Serve(ctx, routes(ak))
}

// routes returns the handler of the whole application. examples/stdlib explains it.
func routes(ak *authkit.AuthKit) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /login", ak.Login())
	mux.Handle("GET /signup", ak.Login(authkit.LoginParams{ScreenHint: "sign-up"}))
	mux.Handle("GET /callback", ak.Callback())
	mux.Handle("POST /logout", ak.Logout())

	mux.HandleFunc("GET /{$}", home)
	mux.HandleFunc("GET /style.css", demo.Style)
	mux.HandleFunc("GET /healthz", demo.Healthy)

	mux.Handle("GET /account", ak.RequireAuth(http.HandlerFunc(account)))
	mux.Handle("GET /api/me", ak.RequireAuth(http.HandlerFunc(me)))

	mux.Handle("GET /slow", ak.RequireAuth(http.HandlerFunc(slow)))
	mux.Handle("POST /organization", ak.SwitchOrganization())
	mux.Handle("GET /api/key", ak.RequireAPIKey()(http.HandlerFunc(key)))
	mux.Handle("GET /stats", stats(ak))
	receiveWebhooks(mux, ak)
	return ak.Middleware(mux)
}

func home(w http.ResponseWriter, r *http.Request) {
	session, _ := authkit.FromContext(r.Context())
	demo.ShowHome(w, session, authkit.ErrorFromContext(r.Context()))
}

func account(w http.ResponseWriter, r *http.Request) {
	session, _ := authkit.FromContext(r.Context())
	demo.ShowAccount(w, session)
}

func me(w http.ResponseWriter, r *http.Request) {
	session, _ := authkit.FromContext(r.Context())
	demo.WriteMe(w, session)
}
