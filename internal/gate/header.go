// The headers of a request that only the gate may set, and those between two hops.

package gate

import (
	"net/http"
	"strings"
)

// prefix begins the names of the gate's own headers.
const prefix = "x-authkit-"

// pathHeaders are the normal names of headers that some frameworks take the path from instead of the request line, so that the
// rules would have been asked about another path.
var pathHeaders = map[string]bool{
	"x-original-url": true, "x-original-uri": true, "x-rewrite-url": true, "x-forwarded-uri": true, "x-forwarded-path": true,
	"x-envoy-original-path": true, "x-waws-unencoded-url": true,
}

// reservedNames are the names of headers that a client may not send to the upstream.
type reservedNames struct{ extra map[string]bool } // normal names

func newReservedNames(extra map[string]string) *reservedNames {
	names := &reservedNames{map[string]bool{}}
	for name := range extra {
		names.extra[normalName(name)] = true
	}
	return names
}

// removeFrom removes the reserved headers of a client, in every spelling.
func (n *reservedNames) removeFrom(h http.Header) {
	for name := range h {
		normal := normalName(name)
		if strings.HasPrefix(normal, prefix) || n.extra[normal] || pathHeaders[normal] {
			delete(h, name)
		}
	}
}

// normalName returns the name as the CGI family reads it: case does not matter, and every byte that is neither a letter nor a
// digit is the same (RFC 3875, section 4.1.18, for "-"; PHP does so for "." too). X_Authkit_User is X-Authkit-User there.
func normalName(name string) string {
	isNormal := true
	for i := range len(name) {
		c := name[i]
		isNormal = isNormal && ('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-')
	}
	if isNormal {
		return name
	}
	b := []byte(name)
	for i, c := range b {
		switch {
		case 'A' <= c && c <= 'Z':
			b[i] = c + 'a' - 'A'
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9':
		default:
			b[i] = '-'
		}
	}
	return string(b)
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
