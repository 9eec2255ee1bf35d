// The headers of a request that only the gate may set, and those between two hops.

package gate

import (
	"net/http"
	"slices"
	"strings"
)

// prefix begins the names of the gate's own headers.
const prefix = "x-authkit-"

// pathHeaders are the normal names of headers that some frameworks take the path from instead of the request line, so that the
// rules would have been asked about another path.
var pathHeaders = []string{
	"x-original-url", "x-original-uri", "x-rewrite-url", "x-forwarded-uri", "x-forwarded-path", "x-envoy-original-path", "x-waws-unencoded-url",
}

// reservedNames are the normal names of headers that a client may not send to the upstream, besides those with the prefix.
type reservedNames []string

func newReservedNames(extra map[string]string) reservedNames {
	names := slices.Clone(pathHeaders)
	for name := range extra {
		names = append(names, normalName(name))
	}
	return names
}

// removeFrom removes the reserved headers of a client, in every spelling.
func (n reservedNames) removeFrom(h http.Header) {
	for name := range h {
		if len(name) >= len(prefix) && isNormally(name[:len(prefix)], prefix) || slices.ContainsFunc(n, func(own string) bool { return isNormally(name, own) }) {
			delete(h, name)
		}
	}
}

// isNormally reports whether a name has the normal name.
func isNormally(name, normal string) bool {
	if len(name) != len(normal) {
		return false
	}
	for i := range len(name) {
		if normalByte(name[i]) != normal[i] {
			return false
		}
	}
	return true
}

// normalName returns the name as the CGI family reads it: case does not matter, and every byte that is neither a letter nor a
// digit is the same (RFC 3875, section 4.1.18, for "-"; PHP does so for "." too). X_Authkit_User is X-Authkit-User there.
func normalName(name string) string {
	b := []byte(name)
	for i, c := range b {
		b[i] = normalByte(c)
	}
	return string(b)
}

func normalByte(c byte) byte {
	switch {
	case 'A' <= c && c <= 'Z':
		return c + 'a' - 'A'
	case 'a' <= c && c <= 'z' || '0' <= c && c <= '9':
		return c
	}
	return '-'
}

// stripHopByHop removes the headers that are for one hop, and those that Connection names (RFC 9110, section 7.6.1). A reverse
// proxy does so too, but after the gate has set its own headers, which Connection could name. TE for trailers stays, and an upgrade to
// WebSocket does. After another upgrade, such as that to h2c, the client could send requests to the upstream that no gate sees.
func stripHopByHop(h http.Header) {
	upgrades, trailers := false, false
	for _, line := range h["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			name = strings.TrimSpace(name)
			switch {
			case strings.EqualFold(name, "Upgrade"):
				upgrades = len(h["Upgrade"]) == 1 && strings.EqualFold(h.Get("Upgrade"), "websocket")
			case strings.EqualFold(name, "TE"):
			case name != "":
				h.Del(name)
			}
		}
	}
	for _, line := range h["Te"] {
		for coding := range strings.SplitSeq(line, ",") {
			trailers = trailers || strings.EqualFold(strings.TrimSpace(coding), "trailers")
		}
	}
	upgrade := h.Get("Upgrade")
	for _, name := range []string{"Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade"} {
		delete(h, name)
	}
	if upgrades {
		h.Set("Connection", "Upgrade")
		h.Set("Upgrade", upgrade)
	}
	if trailers {
		h.Set("Te", "trailers") // gRPC needs it
	}
}
