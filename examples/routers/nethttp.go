// authkit with net/http alone.

package routers

import (
	"net/http"

	"github.com/authkit-go/authkit"
)

func onNetHTTP(ak *authkit.AuthKit, p pages) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /login", ak.Login())
	mux.Handle("GET /callback", ak.Callback())
	mux.Handle("POST /logout", ak.Logout())
	mux.HandleFunc("GET /{$}", p.home)
	mux.Handle("GET /account", ak.RequireAuth(http.HandlerFunc(p.account)))
	mux.Handle("GET /caching", ak.RequireAuth(http.HandlerFunc(p.caching)))
	mux.Handle("GET /stream", ak.RequireAuth(http.HandlerFunc(p.stream)))
	mux.Handle("GET /socket", ak.RequireAuth(http.HandlerFunc(p.socket)))
	mux.Handle("GET /admin", ak.RequireRole("admin")(http.HandlerFunc(p.account)))
	return ak.Middleware(mux)
}
