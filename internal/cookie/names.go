// The names of the cookies.

package cookie

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
)

const (
	// SharedName is the name of the session cookie that WorkOS's own AuthKit
	// libraries use, for their own format.
	SharedName = "wos-session"

	// HostPrefix and SecurePrefix begin names that browsers accept only with
	// certain attributes (RFC 6265bis, section 4.1.3).
	HostPrefix   = "__Host-"
	SecurePrefix = "__Secure-"
)

const (
	defaultSessionName = "authkit-session"

	statePrefix    = "authkit-state-"
	restartPrefix  = "authkit-restart-"
	stepPrefix     = "authkit-step-"
	conflictPrefix = "authkit-conflict-"
)

// HasPrefix reports whether a cookie name begins with a prefix, in upper or
// lower case, as browsers compare it (RFC 6265bis, section 4.1.3).
func HasPrefix(name, prefix string) bool {
	return len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix)
}

// IsReserved reports whether a name is taken by the cookies of sign-ins, of any
// application. A session cookie must not have such a name.
func IsReserved(name string) bool {
	for _, prefix := range []string{statePrefix, restartPrefix, stepPrefix, conflictPrefix} {
		if strings.Contains(name+"-", prefix) {
			return true
		}
	}
	return false
}

// defaultName returns the default name of the session cookie, without a prefix. Four
// octets of a hash are enough to keep the few applications of one host apart.
func defaultName(basePath string) string {
	if basePath == "" {
		return defaultSessionName
	}
	return defaultSessionName + "-" + nameHash(4, basePath)
}

// nameHash returns a part of a cookie name: the first octets of a hash of parts.
func nameHash(octets int, parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return base64.RawURLEncoding.EncodeToString(sum[:octets])
}

const (
	notSession   = -2
	wholeSession = -1
)

// chunkIndex returns the number of the chunk that a cookie name stands for. It
// returns wholeSession for the name of an undivided session cookie, and
// notSession for any other name.
func (c *Codec) chunkIndex(name string) int {
	rest, ok := strings.CutPrefix(name, c.sessionName)
	switch {
	case !ok:
		return notSession
	case rest == "":
		return wholeSession
	case len(rest) == 2 && rest[0] == '.' && '0' <= rest[1] && int(rest[1]-'0') < c.chunks:
		return int(rest[1] - '0')
	}
	return notSession
}

func (c *Codec) chunkName(index int) string { return fmt.Sprintf("%s.%d", c.sessionName, index) }

// isSessionName reports whether a cookie of this name holds a session or a
// chunk of one: this application's, or one of an accepted name.
func (c *Codec) isSessionName(name string) bool {
	return c.chunkIndex(name) != notSession || slices.Contains(c.acceptedNames, name)
}

// isOwnedName reports whether a cookie of this name is one that this package
// sets or expires.
func (c *Codec) isOwnedName(name string) bool {
	return c.isSessionName(name) || c.IsStateName(name) ||
		name == c.restartName || name == c.stepName || name == c.conflictName
}
