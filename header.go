// Header fields of responses.

package authkit

import (
	"net/http"
	"strings"
)

// noStore forbids all caches to store a response (RFC 9111, section 5.2.2). A
// browser may still keep the page for its back button (back/forward cache). Logout
// clears that cache with Clear-Site-Data.
func noStore(h http.Header) { h.Set("Cache-Control", "private, no-store") }

// varyOn adds a request header to Vary (RFC 9110, section 12.5.5), unless Vary
// lists it already.
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

// varyOnCredentials adds the request headers that credentials come in to Vary.
func (a *AuthKit) varyOnCredentials(h http.Header) {
	varyOn(h, "Cookie")
	if a.bearerVerifier != nil {
		varyOn(h, "Authorization")
	}
}
