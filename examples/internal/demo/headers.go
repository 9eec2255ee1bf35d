// The security headers of every response. The pages of authkit itself replace them with their own.

package demo

import (
	"net/http"
	"strconv"
	"strings"
)

// WithHeaders adds the headers to the responses of app. FormTarget is an origin or a scheme to which a form may lead, in
// addition to app's own origin.
func WithHeaders(app http.Handler, formTarget string) http.Handler {
	policy := strings.Join([]string{
		"default-src 'none'",
		"style-src 'self'",
		"form-action 'self' " + formTarget,
		"base-uri 'none'",
		"frame-ancestors 'none'",
	}, "; ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		// Not no-referrer: browsers then send "Origin: null" with the sign-out form, which looks like another origin.
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		app.ServeHTTP(w, r)
	})
}

// formTarget returns where the sign-out form leads. Chromium applies form-action to every redirect after a form (and
// names /logout when it blocks one). A sign-out has several redirects: from POST /logout to the WorkOS API, from there to
// the AuthKit domain or to the sign-out redirect. The last two are settings in the WorkOS dashboard. The example does not
// know them, so it allows every https URL, and http URLs if WORKOS_API_HTTPS is false, for an emulator. An application
// that knows its URLs should name them here.
func (s *Server) formTarget() string {
	if s.fake != nil {
		return s.fake.URL() // the fake redirects back to 'self'
	}
	if secure, err := strconv.ParseBool(variable("WORKOS_API_HTTPS")); err == nil && !secure {
		return "http:" // also allows https
	}
	return "https:"
}
