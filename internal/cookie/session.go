// Setting, expiring and removing the session cookie in a response.

package cookie

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// maxChunks bounds a session to 32 KB. Servers refuse a larger request header
// anyway.
const maxChunks = 8

// TooLargeError says that a sealed session does not fit into its cookies.
type TooLargeError struct {
	Size, Most int // of the sealed session, in bytes
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%d bytes sealed, at most %d fit", e.Size, e.Most)
}

// CheckSize returns a [*TooLargeError] if a sealed session does not fit into
// its cookies.
func (c *Codec) CheckSize(text string) error {
	if most := max(MaxSize-len(c.sessionName), c.chunks*c.chunkSize()); len(text) > most {
		return &TooLargeError{Size: len(text), Most: most}
	}
	return nil
}

func (c *Codec) chunkSize() int { return MaxSize - len(c.chunkName(0)) }

// SetSession sets the session cookie, or its chunks if one cookie is too small.
// It expires all other session cookies that the request brings. It returns a
// [*TooLargeError] and sets nothing if the session does not fit.
func (c *Codec) SetSession(h http.Header, r *http.Request, text string) error {
	if err := c.CheckSize(text); err != nil {
		return err
	}
	names, values := []string{c.sessionName}, []string{text}
	if len(c.sessionName)+len(text) > MaxSize {
		size := c.chunkSize()
		names, values = nil, nil
		for len(text) > 0 {
			n := min(size, len(text))
			names, values = append(names, c.chunkName(len(names))), append(values, text[:n])
			text = text[n:]
		}
	}
	c.expireSession(h, r)
	for i, name := range names {
		setCookie(h, c.cookie(name, values[i], c.maxAge, c.sameSite))
	}
	return nil
}

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
		setCookie(h, c.expired(name))
	}
}

// SessionNames returns the names of the session cookies and chunks that a
// request brings, each once.
func (c *Codec) SessionNames(h http.Header) []string { return c.sessionNames(h, 1) }

// sessionNames returns the names of the session cookies and chunks that a
// request brings at least so many times, each once.
func (c *Codec) sessionNames(h http.Header, times int) (names []string) {
	counts := map[string]int{}
	for name := range All(h) {
		if !c.isSessionName(name) {
			continue
		}
		if counts[name]++; counts[name] == times {
			names = append(names, name)
		}
	}
	return names
}

// SetsSession reports whether a response sets or expires the session cookie or
// a chunk.
func (c *Codec) SetsSession(h http.Header) bool {
	return slices.ContainsFunc(h["Set-Cookie"], c.isSessionLine)
}

// RemoveSetCookie removes the lines that set or expire the session cookie or
// its chunks from a response.
func (c *Codec) RemoveSetCookie(h http.Header) {
	h["Set-Cookie"] = slices.DeleteFunc(h["Set-Cookie"], c.isSessionLine)
}

// RemoveSetCookieFor does what [Codec.RemoveSetCookie] does if the response
// sets exactly this sealed session, and reports whether it does. The text ""
// stands for a response that neither sets nor expires the session.
func (c *Codec) RemoveSetCookieFor(h http.Header, text string) bool {
	var values []string
	for _, line := range h["Set-Cookie"] {
		if !c.isSessionLine(line) {
			continue
		}
		if cookie, err := http.ParseSetCookie(line); err == nil && c.chunkIndex(cookie.Name) != notSession {
			values = append(values, cookie.Value)
		}
	}
	if strings.Join(values, "") != text || text == "" && len(values) > 0 {
		return false
	}
	c.RemoveSetCookie(h)
	return true
}

// RemoveExpiry does what [Codec.RemoveSetCookie] does, unless the response sets
// a session.
func (c *Codec) RemoveExpiry(h http.Header) {
	for _, line := range h["Set-Cookie"] {
		if !c.isSessionName(lineName(line)) {
			continue
		}
		if cookie, err := http.ParseSetCookie(line); err != nil || cookie.Value != "" {
			return
		}
	}
	c.RemoveSetCookie(h)
}

// isSessionLine reports whether a Set-Cookie line sets or expires the session
// cookie or a chunk, with the Domain and Path in use. The expiry of a duplicate
// has another Domain or Path, and leaves the session as it is.
func (c *Codec) isSessionLine(line string) bool {
	if !c.isSessionName(lineName(line)) {
		return false
	}
	domain, path := domainAndPath(line)
	return strings.EqualFold(domain, strings.TrimPrefix(c.domain, ".")) && path == "/"
}
