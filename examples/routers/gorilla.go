// authkit with gorilla/mux. Router.Use covers only paths that have a route, so the middleware is around the router.

package routers

import (
	"net/http"

	"github.com/gorilla/mux"

	"github.com/authkit-go/authkit"
)

func onGorilla(ak *authkit.AuthKit, p pages) http.Handler {
	r := mux.NewRouter()
	r.Handle("/login", ak.Login()).Methods(http.MethodGet)
	r.Handle("/callback", ak.Callback()).Methods(http.MethodGet)
	r.Handle("/logout", ak.Logout()).Methods(http.MethodPost)
	r.HandleFunc("/", p.home).Methods(http.MethodGet)
	r.Handle("/admin", ak.RequireRole("admin")(http.HandlerFunc(p.account))).Methods(http.MethodGet)

	guarded := r.NewRoute().Subrouter()
	guarded.Use(ak.RequireAuth)
	guarded.HandleFunc("/account", p.account).Methods(http.MethodGet)
	guarded.HandleFunc("/caching", p.caching).Methods(http.MethodGet)
	guarded.HandleFunc("/stream", p.stream).Methods(http.MethodGet)
	guarded.HandleFunc("/socket", p.socket).Methods(http.MethodGet)
	return ak.Middleware(r)
}
