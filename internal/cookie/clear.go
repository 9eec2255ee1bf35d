// Clearing the session cookie and its chunks.

package cookie

import (
	"net/http"
	"slices"
)

// ClearSession expires the session cookie, and every other session cookie and
// chunk that the request brings.
func (c *Codec) ClearSession(h http.Header, r *http.Request) {
	c.expireSession(h, r)
	setCookie(h, c.expired(c.sessionName))
}

// expireSession expires the session cookies and chunks that the request brings.
// It first removes those that the response sets: the middleware may have
// refreshed a session that a sign-in replaces or a logout ends.
func (c *Codec) expireSession(h http.Header, r *http.Request) {
	c.RemoveSetCookie(h)
	for _, name := range c.SessionNames(r.Header) {
		c.expireForms(h, name)
	}
}

// expireForms expires the cookie of a name with the Domain and Path in use.
func (c *Codec) expireForms(h http.Header, name string) {
	for _, expired := range c.expiredForms(name, c.domain, "/") {
		setCookie(h, expired)
	}
}

// SessionNames returns the names of the session cookies and chunks that a
// request brings, each once.
func (c *Codec) SessionNames(h http.Header) []string { return c.appendSessionNames(nil, h) }

func (c *Codec) appendSessionNames(names []string, h http.Header) []string {
	cookies := newReader(h)
	for {
		name, _, ok := cookies.next()
		if !ok {
			return names
		}
		if c.isSessionName(name) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
}

// repeatedSessionNames returns the names of the session cookies and chunks that a
// request brings at least twice, each once.
func (c *Codec) repeatedSessionNames(h http.Header) (names []string) {
	counts := map[string]int{}
	for name := range All(h) {
		if !c.isSessionName(name) {
			continue
		}
		if counts[name]++; counts[name] == 2 {
			names = append(names, name)
		}
	}
	return names
}
