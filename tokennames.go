// The names of refresh tokens in the store.

package authkit

import (
	"time"

	"github.com/authkit-go/authkit/internal/expiring"
	"github.com/authkit-go/authkit/internal/replica"
)

const (
	// nameLifetime is how long a name is known: as long as the successor of a token.
	nameLifetime = 24 * time.Hour
	nameLimit    = 1 << 16
	nameBytes    = 8 << 20
)

// tokenNames finds the refresh tokens that were exchanged or replaced by their names
// in the store. Without a store it is nil, and holds nothing.
type tokenNames struct {
	clock  Clock
	tokens *expiring.Map[string] // by name
}

func newTokenNames(clock Clock) *tokenNames {
	lengthOf := func(token string) int { return len(token) }
	return &tokenNames{clock, expiring.New[string](clock.Now, nameLimit).LimitBytes(nameBytes, lengthOf)}
}

// add adds a token for as long as its successor is known.
func (n *tokenNames) add(token string) {
	if n != nil {
		n.tokens.Put(replica.Hash(token), token, n.clock.Now().Add(nameLifetime))
	}
}

// token returns the token with a name.
func (n *tokenNames) token(name string) (token string, ok bool) { return n.tokens.Get(name) }

// originOf returns the origin of a session that a token is exchanged for, "" without a
// store ([payload.Session.Origin]).
func (n *tokenNames) originOf(token string) string {
	if n == nil {
		return ""
	}
	return replica.Hash(token)
}
