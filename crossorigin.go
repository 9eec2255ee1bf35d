// Which requests a handler accepts: from which origin, with which method, and no prefetch.

package authkit

import (
	"fmt"
	"net/http"
	"slices"
)

// newCrossOrigin returns the protection of the POST handlers. It always trusts the
// origins of the redirect URLs, because a proxy may rewrite Host.
func newCrossOrigin(c *config) (*http.CrossOriginProtection, error) {
	protection := http.NewCrossOriginProtection()
	for _, origin := range slices.Concat(c.trustedOrigins, c.redirectURLs()) {
		if err := protection.AddTrustedOrigin(originOf(origin)); err != nil {
			return nil, newConfigError("WithTrustedOrigins", ReasonMalformed, err.Error())
		}
	}
	return protection, nil
}

// RefuseCrossOrigin returns a handler that answers 403 ([ErrCrossOriginRefused]) to
// a POST or another unsafe method from a page of another origin, and passes every
// other request to next. Wrap it around every handler that changes something for
// the signed-in user or signs a user in. The origins of the redirect URLs and those of
// [WithTrustedOrigins] are trusted. It panics if next is nil.
func (a *AuthKit) RefuseCrossOrigin(next http.Handler) http.Handler {
	mustHaveHandler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := a.crossOrigin.Check(r); err != nil {
			if a.requestAuthOf(r).session != nil {
				a.mistakes.OpaqueOrigin(r)
			}
			a.fail(w, r, fmt.Errorf("%w: %w", ErrCrossOriginRefused, err), "")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// mustHaveHandler panics if a guard's handler is nil.
func mustHaveHandler(next http.Handler) {
	if f, ok := next.(http.HandlerFunc); next == nil || ok && f == nil {
		panic("authkit: a guard needs a handler, and this one is nil")
	}
}

// post returns a handler for forms of this application's own pages. It accepts only
// POST, and only from the trusted origins.
func (a *AuthKit) post(handler http.HandlerFunc) http.Handler {
	guarded := a.RefuseCrossOrigin(handler)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.onlyMethod(w, r, http.MethodPost) {
			guarded.ServeHTTP(w, r)
		}
	})
}

// acceptsSignIn reports whether a request may start or finish a sign-in. If not, it
// answers the request: another method than GET, a prefetch, or a request that a page
// of another origin sends without a navigation, such as that of its script or image.
func (a *AuthKit) acceptsSignIn(w http.ResponseWriter, r *http.Request) bool {
	if !a.onlyMethod(w, r, http.MethodGet) {
		return false
	}
	mode := r.Header.Get("Sec-Fetch-Mode")
	switch {
	case isPrefetch(r):
		a.fail(w, r, ErrPrefetchRefused, "")
	case isCrossOrigin(r) && mode != "" && mode != "navigate":
		a.fail(w, r, fmt.Errorf("%w: a page of another origin requested the login or callback path without a navigation", ErrCrossOriginRefused), "")
	default:
		return true
	}
	return false
}

// onlyMethod reports whether a request has the given method. If not, it answers
// 405. A ServeMux pattern for GET serves HEAD too, and a link scanner that sends
// HEAD must not use up a code.
func (a *AuthKit) onlyMethod(w http.ResponseWriter, r *http.Request, method string) bool {
	if r.Method == method {
		return true
	}
	w.Header().Set("Allow", method)
	a.fail(w, r, fmt.Errorf("%w: %s", ErrMethodNotAllowed, r.Method), "")
	return false
}
