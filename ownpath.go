// The paths of this package's own handlers, as guards see them: a guard may be around the whole router.

package authkit

import (
	"net/http"
	"strings"
)

// isCallback reports whether AuthKit has redirected the browser to this request: a GET
// of exactly the path of the host's redirect URL, with a state, a code or an error in its
// query. The path is that of the request line, which http.StripPrefix does not change.
func (a *AuthKit) isCallback(r *http.Request) bool {
	if r.Method != http.MethodGet || a.redirectURLs.isEmpty() || !hasTargetPath(r, a.redirectURLs.of(r).target) {
		return false
	}
	query := r.URL.Query()
	return query.Has("state") || query.Has("code") || query.Has("error")
}

// isCallbackWithBasePath reports whether a request is a callback whose path has kept that
// of [WithBasePath], which a proxy should have removed. It must be of a pending sign-in of
// this browser: the path may also be that of a page. A guard that took the callback for a
// page would send the browser to AuthKit, which sends it back, without end.
func (a *AuthKit) isCallbackWithBasePath(r *http.Request) bool {
	if a.basePath == "" || r.Method != http.MethodGet || a.redirectURLs.isEmpty() || targetPath(r) != a.redirectURLs.of(r).publicTarget {
		return false
	}
	pending, _ := a.findPendingSignIn(r, r.URL.Query().Get("state"))
	return pending != nil
}

// isOpenPath reports whether guards pass a request to their handler, no matter who sent
// it: a GET, HEAD or POST of the application's own sign-in page ([WithSignInPage]), to
// which they redirect, and a sign-out, which must work for a session that has expired or
// lacks a right. With another method, the router may choose another handler for the path.
func (a *AuthKit) isOpenPath(r *http.Request) bool {
	path := targetPath(r)
	// A handler outside of the guard may have rewritten the path. Then the request is not
	// for the path of the request line. http.StripPrefix only shortens it.
	if !strings.HasSuffix(path, r.URL.EscapedPath()) {
		return false
	}
	switch r.Method {
	case http.MethodPost:
		return a.signInPage && path == a.loginPath || path == a.logoutPath
	case http.MethodGet, http.MethodHead:
		return a.signInPage && path == a.loginPath
	}
	return false
}

// targetPath returns the path of the request line.
func targetPath(r *http.Request) string {
	path, _, _ := strings.Cut(r.RequestURI, "?")
	return path
}

// hasTargetPath reports whether path, which has no "?", is that of the request line. It is cheaper than targetPath, which
// searches the whole request line for the "?" of each request.
func hasTargetPath(r *http.Request, path string) bool {
	rest, found := strings.CutPrefix(r.RequestURI, path)
	return found && (rest == "" || rest[0] == '?')
}
