// Fields of a response's header.

package authkit

import (
	"net/http"
	"strings"
)

// noStore keeps an answer out of every cache, the browser's and those on the
// way. A browser may keep the whole page for the way back all the same; Logout
// tells it not to.
func noStore(h http.Header) { h.Set("Cache-Control", "private, no-store") }

// varyOn adds a request header to those that Vary names (RFC 9110, section
// 12.5.5), unless it is among them.
func varyOn(h http.Header, name string) {
	for _, line := range h["Vary"] {
		for field := range strings.SplitSeq(line, ",") {
			if field = strings.TrimSpace(field); field == "*" || strings.EqualFold(field, name) {
				return
			}
		}
	}
	h.Add("Vary", name)
}
