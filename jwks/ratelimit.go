// The rate limit for unknown keys: when a key that is not in the set may cause a fetch.

package jwks

import (
	"crypto/rsa"
	"maps"
	"time"
)

// maxRemembered bounds the withdrawn keys of a KeySet, and the misses of each rateLimit.
const maxRemembered = 64

// lookup is the key that a token needs.
type lookup struct {
	kid string
	// exclude is the key that has the ID in the current set but did not sign the token. It is nil if there is none.
	exclude *rsa.PublicKey
}

// in finds the key in a set.
func (l lookup) in(keys publicKeys) (key *rsa.PublicKey, found bool) {
	key, found = keys[l.kid]
	if found && l.exclude != nil && sameKey(key, l.exclude) {
		return nil, false
	}
	return key, found
}

// rateLimit decides when a lookup that finds nothing in the current set may cause a fetch. Each source of tokens has its
// own, so that tokens of one source cannot use up the fetches or push out the misses of another. The mutex of the KeySet
// guards it.
type rateLimit struct {
	skipWithdrawn bool                 // a withdrawn key causes no fetch
	notBefore     time.Time            // no fetch for a lookup before this time
	misses        map[lookup]time.Time // lookups that a fetch has not satisfied, and until when that counts
}

// rememberMiss records that a fetch did not bring the key.
func (r *rateLimit) rememberMiss(l lookup, now time.Time) {
	maps.DeleteFunc(r.misses, func(_ lookup, until time.Time) bool { return !now.Before(until) })
	if r.misses == nil {
		r.misses = make(map[lookup]time.Time)
	}
	if len(r.misses) < maxRemembered {
		r.misses[l] = now.Add(unknownKeyCoolDown)
	}
}

// remembersMiss reports whether a recent fetch did not bring the key.
func (r *rateLimit) remembersMiss(l lookup, now time.Time) bool { return now.Before(r.misses[l]) }
