// Set-Cookie lines of the session that a response already has.

package cookie

import (
	"net/http"
	"slices"
	"strings"
)

// SetsSession reports whether a response sets or expires the session cookie or
// a chunk.
func (c *Codec) SetsSession(h http.Header) bool {
	return slices.ContainsFunc(h["Set-Cookie"], c.isSessionLine)
}

// RemoveSetCookie removes the lines that set or expire the session cookie or
// its chunks from a response.
func (c *Codec) RemoveSetCookie(h http.Header) {
	if lines := h["Set-Cookie"]; len(lines) > 0 {
		h["Set-Cookie"] = slices.DeleteFunc(lines, c.isSessionLine)
	}
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
// cookie or a chunk, with the Domain and Path in use, partitioned or not. The expiry of a duplicate
// has another Domain or Path, and leaves the session as it is.
func (c *Codec) isSessionLine(line string) bool {
	if !c.isSessionName(lineName(line)) {
		return false
	}
	identity := identityOf(line)
	return strings.EqualFold(identity.domain, strings.TrimPrefix(c.domain, ".")) && identity.path == "/"
}

// lineName returns the cookie name in a Set-Cookie line.
func lineName(line string) string {
	name, _, _ := strings.Cut(line, "=")
	return strings.TrimSpace(name)
}

// identity is what tells cookies of one name apart.
type identity struct {
	domain, path string // the attributes, the Domain without a leading dot, "" for none
	partitioned  bool
}

// identityOf returns the identity of the cookie in a Set-Cookie line.
func identityOf(line string) (of identity) {
	_, attributes, _ := strings.Cut(line, ";")
	for attribute := range strings.SplitSeq(attributes, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(attribute), "=")
		switch {
		case strings.EqualFold(name, "Domain"):
			of.domain = strings.TrimPrefix(value, ".")
		case strings.EqualFold(name, "Path"):
			of.path = value
		case strings.EqualFold(name, "Partitioned"):
			of.partitioned = true
		}
	}
	return of
}
