// The name of this instance, for an application that runs several times behind a load balancer.

package demo

import "net/http"

// instance returns the name of this instance, which is in INSTANCE. It is empty for an application that runs once. The pages
// show it.
func instance() string { return variable("INSTANCE") }

// withInstance adds the name of this instance to every response, in the header X-Instance.
func withInstance(app http.Handler) http.Handler {
	name := instance()
	if name == "" {
		return app
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Instance", name)
		app.ServeHTTP(w, r)
	})
}
