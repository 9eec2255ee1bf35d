// The cache of API keys: what WorkOS replied about each.

package authkit

import (
	"time"

	"github.com/authkit-go/authkit/internal/expiring"
)

const (
	// keyResultLifetime is how long a reply of WorkOS about a key is used. A deleted
	// key works for as long, unless an event reports the deletion.
	keyResultLifetime = 30 * time.Second

	// provenLifetime is how long a key stays proven after WorkOS last called it
	// valid. A longer grace replaces it.
	provenLifetime = 7 * 24 * time.Hour
	// provenLimit and provenBytes bound the cache of proven keys.
	provenLimit = 1 << 14
	provenBytes = 32 << 20

	// unknownLimit bounds the cache of results about unknown keys. It is more than
	// the budget allows within the longest lifetime of a result.
	unknownLimit = 1 << 12
)

// keyResult is the result of a validation: the key, nil if it is not valid, or an
// error if the validation failed.
type keyResult struct {
	key     *APIKey
	err     error
	askedAt time.Time // when the validation started, zero if it never did
	until   time.Time // when the result expires

	unanswered bool // with err: WorkOS did not reply about this key
	limited    bool // with err: there are too many validations; an unknown key is answered 429
}

// provenKey is a key that WorkOS has called valid.
type provenKey struct {
	key     *APIKey   // as WorkOS last described it
	validAt time.Time // when the validation that found it valid last started
	result  keyResult // the latest
	refused bool      // WorkOS has refused the key since validAt
}

// keyCache holds the results of validations. Proven keys and unknown keys are
// apart, so that unknown ones evict no proven one.
type keyCache struct {
	clock   Clock
	grace   time.Duration
	changed *keyChanges
	proven  *expiring.Map[provenKey] // by the hash of a key
	unknown *expiring.Map[keyResult] // by the hash of a key
}

func newKeyCache(clock Clock, grace time.Duration, changed *keyChanges) *keyCache {
	return &keyCache{
		clock: clock, grace: grace, changed: changed,
		proven:  expiring.New[provenKey](clock.Now, provenLimit).LimitBytes(provenBytes, provenKey.size),
		unknown: expiring.New[keyResult](clock.Now, unknownLimit),
	}
}

// size estimates the bytes that a proven key takes in memory.
func (p provenKey) size() int {
	k := p.key
	size := 512 + len(k.ID) + len(k.Name) + len(k.Owner.Type) + len(k.Owner.ID) + len(k.Owner.OrganizationID) + len(k.ObfuscatedValue)
	for _, slug := range k.Permissions {
		size += 16 + len(slug)
	}
	return size
}

// isProven reports whether a key is proven.
func (c *keyCache) isProven(hash string) bool {
	_, proven := c.proven.Get(hash)
	return proven
}

// get returns the result about a key, unless it has expired, or the key was changed since.
func (c *keyCache) get(hash string) (result keyResult, ok bool) {
	if p, proven := c.proven.Get(hash); proven {
		return p.result, c.clock.Now().Before(p.result.until) && !c.changed.outdates(p.result.key, p.result.askedAt)
	}
	return c.unknown.Get(hash)
}

// put stores a result. A valid key becomes proven. A failure leaves a proven key
// proven, for no longer than before. No two calls of put may run concurrently.
func (c *keyCache) put(hash string, result keyResult) {
	known, proven := c.proven.Get(hash)
	switch {
	case result.key != nil:
		known = provenKey{key: result.key, validAt: result.askedAt, result: result}
	case result.err != nil && proven:
		known.result = result
		known.refused = known.refused || !result.unanswered
	default:
		c.proven.Delete(hash)
		c.unknown.Put(hash, result, result.until)
		return
	}
	c.proven.Put(hash, known, known.validAt.Add(max(provenLifetime, c.grace)))
}

// graceKey returns the proven key whose grace applies, or nil. WorkOS must not have
// refused or changed the key since it was last valid.
func (c *keyCache) graceKey(hash string) *APIKey {
	known, proven := c.proven.Get(hash)
	if proven && !known.refused && !c.changed.outdates(known.key, known.validAt) && c.grace > 0 && c.clock.Now().Before(known.validAt.Add(c.grace)) {
		return known.key
	}
	return nil
}
