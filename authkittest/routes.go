// The routes of the fake, and what all of them share.

package authkittest

import "net/http"

// Route names an endpoint of the API, for counting its calls and for making it fail.
type Route string

// The endpoints of the API. A fault on RouteAuthenticate meets every grant that has none of its own, and its calls
// count all of them.
const (
	RouteAuthorize    Route = "GET /user_management/authorize"
	RouteAuthenticate Route = "POST /user_management/authenticate"
	RouteLogout       Route = "GET /user_management/sessions/logout"
	RouteJWKS         Route = "GET /sso/jwks/{client_id}"
	RouteDiscovery    Route = "GET /user_management/{client_id}/.well-known/openid-configuration"
)

// Single grants of RouteAuthenticate.
const (
	RouteCodeExchange Route = RouteAuthenticate + " authorization_code"
	RouteRefresh      Route = RouteAuthenticate + " refresh_token"
)

// handler routes every request. The API answers through admit, where calls are counted and faults strike; the pages
// that a person sees do not.
func (f *AuthKit) handler() http.Handler {
	mux := http.NewServeMux()
	api := func(route Route, h http.HandlerFunc) {
		f.traffic.add(route)
		mux.HandleFunc(string(route), func(w http.ResponseWriter, r *http.Request) { f.admit(w, r, h, route) })
	}
	api(RouteAuthorize, f.browse(f.authorize))
	api(RouteLogout, f.browse(f.logout))
	api(RouteJWKS, f.jwks)
	api(RouteDiscovery, f.discovery)

	f.traffic.add(RouteAuthenticate)
	for grantType := range grants {
		f.traffic.add(grantRoute(grantType))
	}
	mux.HandleFunc(string(RouteAuthenticate), f.authenticate)

	f.pages(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusNotFound, &refusal{Message: "Not Found"})
	})

	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !f.serving.TryRLock() {
			panic(http.ErrAbortHandler) // the fake is being closed
		}
		defer f.serving.RUnlock()
		w.Header().Set("X-Request-ID", newID("req"))
		mux.ServeHTTP(w, r)
	})
}
