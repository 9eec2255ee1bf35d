// What every response tells the browser. authkit's own pages say their own instead.

package demo

import (
	"net/http"
	"strconv"
	"strings"
)

// WithHeaders makes app say it. Beyond is where its forms may lead, besides to app itself.
func WithHeaders(app http.Handler, beyond string) http.Handler {
	policy := strings.Join([]string{
		"default-src 'none'",
		"style-src 'self'",
		"form-action 'self' " + beyond,
		"base-uri 'none'",
		"frame-ancestors 'none'",
	}, "; ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		// Not no-referrer: browsers then send "Origin: null" with the sign-out form, as if it came from elsewhere.
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		app.ServeHTTP(w, r)
	})
}

// formTarget is where the sign-out form leads beyond this application. Chromium holds form-action against every
// redirect that follows a form (and blames /logout itself when it blocks one), and the way out has several: from POST
// /logout to WorkOS's API, from there to the AuthKit domain or straight to the sign-out redirect, both of which are
// settings of the WorkOS dashboard. All that is known of them here is that they are https, unless WORKOS_API_HTTPS
// leads to an emulator. An application that knows its own addresses names them.
func (s *Server) formTarget() string {
	if s.fake != nil {
		return s.fake.URL() // and from there back to 'self'
	}
	if secure, err := strconv.ParseBool(variable("WORKOS_API_HTTPS")); err == nil && !secure {
		return "http:" // https: included
	}
	return "https:"
}
