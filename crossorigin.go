// Requests that other sites make a browser send, and those that a handler does not serve.

package authkit

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// newCrossOrigin protects the POST handlers. A proxy may rewrite Host, so the
// redirect URL's own origin is trusted whatever the request says.
func newCrossOrigin(c *config) (*http.CrossOriginProtection, error) {
	protection := http.NewCrossOriginProtection()
	origins := c.trustedOrigins
	if own := originOf(c.redirectURL); own != "" {
		origins = append(origins[:len(origins):len(origins)], own)
	}
	for _, origin := range origins {
		if err := protection.AddTrustedOrigin(originOf(origin)); err != nil {
			return nil, newConfigError("WithTrustedOrigins", ReasonMalformed, err.Error())
		}
	}
	return protection, nil
}

// originOf is the origin of a URL as browsers write it in the Origin header
// (RFC 6454, section 6.2): in lower case and without the scheme's own port.
func originOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return ""
	}
	host := strings.ToLower(u.Host)
	switch u.Scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	}
	return u.Scheme + "://" + host
}

// RefuseCrossOrigin answers 403 to a form that was posted from another site's
// page, and lets everything else through. It belongs around every handler that
// changes something for whoever is signed in, or signs somebody in. Trusted
// are the redirect URL's origin and those of [WithTrustedOrigins].
func (a *AuthKit) RefuseCrossOrigin(next http.Handler) http.Handler {
	mustHaveHandler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := a.crossOrigin.Check(r); err != nil {
			a.fail(w, r, fmt.Errorf("%w: %w", ErrCrossOriginRefused, err), "")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// post is a handler for the forms of this application's own pages: POST only,
// and from nowhere else.
func (a *AuthKit) post(handler http.HandlerFunc) http.Handler {
	guarded := a.RefuseCrossOrigin(handler)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.onlyMethod(w, r, http.MethodPost) {
			guarded.ServeHTTP(w, r)
		}
	})
}

// acceptsSignIn reports whether a request may start or finish a sign-in. It
// answers those that may not: another method than GET, a prefetch, and what
// another origin's page fetches without going there.
func (a *AuthKit) acceptsSignIn(w http.ResponseWriter, r *http.Request) bool {
	if !a.onlyMethod(w, r, http.MethodGet) {
		return false
	}
	mode := r.Header.Get("Sec-Fetch-Mode")
	switch {
	case isPrefetch(r):
		a.fail(w, r, ErrPrefetchRefused, "")
	case isCrossOrigin(r) && mode != "" && mode != "navigate":
		a.fail(w, r, fmt.Errorf("%w: it fetched the login or callback path", ErrCrossOriginRefused), "")
	default:
		return true
	}
	return false
}

// onlyMethod refuses every method but one. A ServeMux pattern for GET serves
// HEAD too, and link scanners that send it must not use anything up.
func (a *AuthKit) onlyMethod(w http.ResponseWriter, r *http.Request, method string) bool {
	if r.Method == method {
		return true
	}
	w.Header().Set("Allow", method)
	a.fail(w, r, fmt.Errorf("%w: %s", ErrMethodNotAllowed, r.Method), "")
	return false
}
