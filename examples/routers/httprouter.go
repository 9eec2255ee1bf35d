// authkit with julienschmidt/httprouter. A guarded handler is an http.Handler. httprouter.ParamsFromContext returns the
// parameters of its path.

package routers

import (
	"net/http"

	"github.com/julienschmidt/httprouter"

	"github.com/authkit-go/authkit"
)

func onHTTPRouter(ak *authkit.AuthKit, p pages) http.Handler {
	r := httprouter.New()
	r.Handler(http.MethodGet, "/login", ak.Login())
	r.Handler(http.MethodGet, "/callback", ak.Callback())
	r.Handler(http.MethodPost, "/logout", ak.Logout())
	r.HandlerFunc(http.MethodGet, "/", p.home)
	r.Handler(http.MethodGet, "/account", ak.RequireAuth(http.HandlerFunc(p.account)))
	r.Handler(http.MethodGet, "/caching", ak.RequireAuth(http.HandlerFunc(p.caching)))
	r.Handler(http.MethodGet, "/stream", ak.RequireAuth(http.HandlerFunc(p.stream)))
	r.Handler(http.MethodGet, "/socket", ak.RequireAuth(http.HandlerFunc(p.socket)))
	r.Handler(http.MethodGet, "/admin", ak.RequireRole("admin")(http.HandlerFunc(p.account)))
	return ak.Middleware(r)
}
