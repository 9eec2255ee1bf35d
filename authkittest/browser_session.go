// The fake's own session in a browser: whoever has signed in once passes the next authorization without a page.

package authkittest

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// cookieName carries the port, since cookies do not tell the ports of a host apart.
func (f *Server) cookieName() string {
	return "fake-authkit-" + f.base[strings.LastIndexByte(f.base, ':')+1:]
}

// cookie is a session cookie, without Secure because the fake speaks plain HTTP. An empty id expires it.
func (f *Server) cookie(id string) *http.Cookie {
	c := &http.Cookie{Name: f.cookieName(), Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if id == "" {
		c.MaxAge = -1
	}
	return c
}

// remembered finds who has signed in with the browser of a request.
func (f *Server) browserSession(r *http.Request) (signInResult, bool) {
	c, err := r.Cookie(f.cookieName())
	if err != nil {
		return signInResult{}, false
	}
	result, ok := f.browserSessions[c.Value]
	return result, ok
}

// remember keeps a sign-in in place of whatever the browser had, and names it by a browserID.
func (f *Server) startBrowserSession(r *http.Request, result signInResult) signInResult {
	if old, ok := f.browserSession(r); ok {
		delete(f.browserSessions, old.browserID)
	}
	result.browserID = newID("browser")
	f.browserSessions[result.browserID] = result
	return result
}

// suffices tells whether a remembered sign-in answers an authorization.
func (f *Server) satisfies(result signInResult, a *authorization, q url.Values) bool {
	if maxAge := q.Get("max_age"); maxAge != "" {
		seconds, _ := strconv.Atoi(maxAge) // objection has checked it
		if f.clock.Now().Sub(result.authTime) >= time.Duration(seconds)*time.Second {
			return false
		}
	}
	person := f.accountByID(result.userID)
	_, member := person.membership(a.organizationID)
	switch {
	case q.Get("prompt") == "login", q.Get("screen_hint") == "sign-up",
		a.hint != "" && !strings.EqualFold(a.hint, person.Email),
		a.method != "" && a.method != result.method,
		a.organizationID != "" && !member:
		return false
	}
	return true
}
