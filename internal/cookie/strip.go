// Removing the cookies of this package from a request to another server.

package cookie

import (
	"net/http"
	"slices"
	"strings"
)

// WithoutOwned returns a header without the cookies of this package: sessions of this
// application and of accepted names, with their chunks, and the cookies of sign-ins. All
// other cookies stay byte for byte. It returns h itself if h has none of them, and does
// not change h.
func (c *Codec) WithoutOwned(h http.Header) http.Header {
	if !slices.ContainsFunc(h["Cookie"], c.hasOwned) {
		return h
	}
	h = h.Clone()
	var lines []string
	for _, line := range h["Cookie"] {
		if c.hasOwned(line) {
			line = c.withoutOwned(line)
		}
		if line != "" {
			lines = append(lines, line)
		}
	}
	if lines == nil {
		delete(h, "Cookie")
	} else {
		h["Cookie"] = lines
	}
	return h
}

// hasOwned reports whether a line of the Cookie header has a cookie of this package.
func (c *Codec) hasOwned(line string) bool {
	for pair := range strings.SplitSeq(line, ";") {
		if c.isOwnedPair(pair) {
			return true
		}
	}
	return false
}

// withoutOwned returns a line of the Cookie header without the cookies of this package.
func (c *Codec) withoutOwned(line string) string {
	kept := slices.DeleteFunc(strings.Split(line, ";"), c.isOwnedPair)
	return strings.TrimLeft(strings.Join(kept, ";"), " \t")
}

// isOwnedPair reports whether a pair of the Cookie header is a cookie of this package.
// It ignores white space around the name, as other servers may do.
func (c *Codec) isOwnedPair(pair string) bool {
	name, _, _ := strings.Cut(pair, "=")
	return c.isOwnedName(strings.TrimSpace(name))
}
