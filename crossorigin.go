// Which requests a handler accepts: from which origin, with which method, and no prefetch.

package authkit

import (
	"fmt"
	"net/http"
	"slices"
)

// crossOrigin is the protection of the POST handlers.
type crossOrigin struct {
	all    *http.CrossOriginProtection            // trusts the origins of all hosts
	byHost map[string]*http.CrossOriginProtection // by the redirect URL of one of several hosts
}

// newCrossOrigin returns the protection of the POST handlers. A request to a host of the
// list is trusted from this host alone, and from those of [WithTrustedOrigins]. A request
// to another host comes through a proxy that rewrites Host, so the page may be at any
// host of the list.
func newCrossOrigin(c *config) (p crossOrigin, err error) {
	if p.all, err = trusting(slices.Concat(c.trustedOrigins, c.redirectURLs())); err != nil {
		return p, err
	}
	p.byHost = map[string]*http.CrossOriginProtection{}
	for _, own := range c.redirectURLs() {
		if p.byHost[own], err = trusting(append(slices.Clone(c.trustedOrigins), own)); err != nil {
			return p, err
		}
	}
	return p, nil
}

func trusting(urls []string) (*http.CrossOriginProtection, error) {
	protection := http.NewCrossOriginProtection()
	for _, url := range urls {
		if err := protection.AddTrustedOrigin(originOf(url)); err != nil {
			return nil, newConfigError("WithTrustedOrigins", ReasonMalformed, err.Error())
		}
	}
	return protection, nil
}

// checkOrigin returns an error for an unsafe request from an origin that is not trusted.
func (a *AuthKit) checkOrigin(r *http.Request) error {
	if own := a.redirectURLs.listed(r); own != nil {
		return a.crossOrigin.byHost[own.url].Check(r)
	}
	return a.crossOrigin.all.Check(r)
}

// RefuseCrossOrigin returns a handler that answers 403 ([ErrCrossOriginRefused]) to
// a POST or another unsafe method from a page of another origin, and passes every
// other request to next. Wrap it around every handler that changes something for
// the signed-in user or signs a user in. The origin of the redirect URL and those of
// [WithTrustedOrigins] are trusted. Of several redirect URLs, it is the one of the
// request's Host; if it is not in the list, all are trusted, because a proxy may rewrite
// Host. It panics if next is nil.
func (a *AuthKit) RefuseCrossOrigin(next http.Handler) http.Handler {
	mustHaveHandler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := a.checkOrigin(r); err != nil {
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
