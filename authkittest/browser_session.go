// The session of the fake in a browser (single sign-on): after one sign-in, the next authorization request needs no page.

package authkittest

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// cookieName returns a name that contains the port, because all ports of a host share their cookies.
func (f *Server) cookieName() string {
	return "fake-authkit-" + f.base[strings.LastIndexByte(f.base, ':')+1:]
}

// cookie returns the session cookie. It has no Secure attribute, because the fake uses plain HTTP. An empty id expires the
// cookie.
func (f *Server) cookie(id string) *http.Cookie {
	c := &http.Cookie{Name: f.cookieName(), Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if id == "" {
		c.MaxAge = -1
	}
	return c
}

// browserSession returns the sign-in that the browser of a request has at the fake.
func (f *Server) browserSession(r *http.Request) (signInResult, bool) {
	c, err := r.Cookie(f.cookieName())
	if err != nil {
		return signInResult{}, false
	}
	result, ok := f.browserSessions[c.Value]
	return result, ok
}

// startBrowserSession replaces the browser's session by a new one and returns result with the browserID of the session.
func (f *Server) startBrowserSession(r *http.Request, result signInResult) signInResult {
	if old, ok := f.browserSession(r); ok {
		delete(f.browserSessions, old.browserID)
	}
	result.browserID = newID("browser")
	f.browserSessions[result.browserID] = result
	return result
}

// updateBrowserSession stores what has changed in the sign-in of a browser session, unless the session was replaced meanwhile.
func (f *Server) updateBrowserSession(result signInResult) {
	if _, found := f.browserSessions[result.browserID]; found {
		f.browserSessions[result.browserID] = result
	}
}

// satisfies reports whether the sign-in of a browser session is enough for an authorization request.
func (f *Server) satisfies(result signInResult, a *authorization, q url.Values) bool {
	if maxAge := q.Get("max_age"); maxAge != "" {
		seconds, _ := strconv.Atoi(maxAge) // authorizationError has checked it
		if f.clock.Now().Sub(result.authTime) >= time.Duration(seconds)*time.Second {
			return false
		}
	}
	user := f.accountByID(result.userID)
	_, member := user.membership(a.organizationID)
	switch {
	case q.Get("prompt") == "login", q.Get("screen_hint") == "sign-up",
		a.hint != "" && !strings.EqualFold(a.hint, user.Email),
		a.method != "" && a.method != result.method,
		a.organizationID != "" && !member:
		return false
	}
	return true
}
