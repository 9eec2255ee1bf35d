// Trailers of the upstream: no field that only a header may have.

package gate

import (
	"net/http"
	"slices"
	"strings"
)

// headerOnly are the normal names of fields that a trailer may not have: those of framing, routing, authentication, response control
// and content format (RFC 9110, section 6.5.1), and those with which a browser is told what a page may do. A program between the gate and
// the browser may join the trailer and the header. Then such a field would replace what the gate has decided.
var headerOnly = []string{
	"age", "alt-svc", "authorization", "cache-control", "clear-site-data", "connection", "content-disposition", "content-encoding",
	"content-length", "content-location", "content-range", "content-type", "cookie", "date", "edge-control", "expect", "expires", "host",
	"keep-alive", "location", "max-forwards", "permissions-policy", "pragma", "proxy-authenticate", "proxy-authorization", "proxy-connection",
	"range", "referrer-policy", "refresh", "retry-after", "set-cookie", "set-cookie2", "strict-transport-security", "surrogate-control", "te",
	"trailer", "transfer-encoding", "upgrade", "vary", "warning", "www-authenticate", "x-content-type-options", "x-frame-options",
}

// headerOnlyPrefixes begin the normal names of more such fields.
var headerOnlyPrefixes = []string{"access-control-", "content-security-policy", "cross-origin-", "if-", "x-accel-", prefix}

// isHeaderOnly reports whether a trailer may not have a field.
func (g *Gate) isHeaderOnly(name string) bool {
	normal := normalName(name)
	return slices.Contains(headerOnly, normal) || slices.Contains(g.reserved, normal) || strings.HasSuffix(normal, "cdn-cache-control") ||
		slices.ContainsFunc(headerOnlyPrefixes, func(begin string) bool { return strings.HasPrefix(normal, begin) })
}

// removeFromAnnouncement removes such fields from the list of Trailer. A server sends a field that its handler sets after the header
// only if it is in that list, or begins with http.TrailerPrefix.
func (g *Gate) removeFromAnnouncement(h http.Header) {
	lines := h["Trailer"]
	if len(lines) == 0 {
		return
	}
	var kept []string
	for _, line := range lines {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.TrimSpace(name); name != "" && !g.isHeaderOnly(name) {
				kept = append(kept, name)
			}
		}
	}
	delete(h, "Trailer")
	if len(kept) > 0 {
		h["Trailer"] = []string{strings.Join(kept, ", ")}
	}
}

// removeUnannounced removes such fields from those that begin with http.TrailerPrefix.
func (g *Gate) removeUnannounced(h http.Header) {
	for key := range h {
		if name, isTrailer := strings.CutPrefix(key, http.TrailerPrefix); isTrailer && g.isHeaderOnly(name) {
			delete(h, key)
		}
	}
}
