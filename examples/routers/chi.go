// authkit with go-chi/chi: its middleware has the form of net/http.

package routers

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/authkit-go/authkit"
)

func onChi(ak *authkit.AuthKit, p pages) http.Handler {
	r := chi.NewRouter()
	r.Use(ak.Middleware)
	r.Method(http.MethodGet, "/login", ak.Login())
	r.Method(http.MethodGet, "/callback", ak.Callback())
	r.Method(http.MethodPost, "/logout", ak.Logout())
	r.Get("/", p.home)
	r.Group(func(r chi.Router) {
		r.Use(ak.RequireAuth)
		r.Get("/account", p.account)
		r.Get("/caching", p.caching)
		r.Get("/stream", p.stream)
		r.Get("/socket", p.socket)
	})
	r.With(ak.RequireRole("admin")).Get("/admin", p.account)
	return r
}
