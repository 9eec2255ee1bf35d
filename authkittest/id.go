// Identifiers and secrets in the shape of production's.

package authkittest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
)

// crockford is the alphabet of the ULIDs in WorkOS identifiers.
var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// newID returns a random identifier such as session_01H….
func newID(prefix string) string {
	return prefix + "_" + ulid(rand.Text())
}

// stableID returns the identifier that always belongs to name, so that a user is the same one after a restart.
func stableID(prefix, name string) string {
	return prefix + "_" + ulid(name)
}

// ulid turns a seed into 26 characters that look like a ULID: a plausible time, then 24 characters of hash.
func ulid(seed string) string {
	sum := sha256.Sum256([]byte(seed))
	return "01" + crockford.EncodeToString(sum[:15])
}
