// Identifiers in the format of production.

package authkittest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
)

// crockfordAlphabet is the alphabet of the ULIDs in WorkOS identifiers.
const crockfordAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

var crockford = base32.NewEncoding(crockfordAlphabet).WithPadding(base32.NoPadding)

// newID returns a random identifier such as session_01H….
func newID(prefix string) string {
	return prefix + "_" + ulid(rand.Text())
}

// stableID returns an identifier derived from name, so that a user has the same ID after a restart.
func stableID(prefix, name string) string {
	return prefix + "_" + ulid(name)
}

// ulid derives 26 characters that look like a ULID from a seed: a plausible time, then 24 characters of a hash.
func ulid(seed string) string {
	sum := sha256.Sum256([]byte(seed))
	return "01" + crockford.EncodeToString(sum[:15])
}
