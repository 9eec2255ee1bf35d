// Validity: for how long the result of a Recheck holds.

package jwks

import (
	"context"
	"time"
)

// Validity is for how long claims stay valid if the KeySet keeps its keys. [Verifier.Validity] makes it. The zero value covers no
// time.
type Validity struct {
	keys        *KeySet
	set         *snapshot // the fresh keys, one of which has signed the claims
	stale       time.Time // when the keys are no longer fresh
	from, until time.Time // from is included, until is not
}

// Validity is [Verifier.Recheck] that also returns for how long its result holds. The Validity is that of a nil error, and zero
// otherwise, and while the keys are being fetched again.
func (v *Verifier) Validity(ctx context.Context, c *Claims) (Validity, error) {
	// The set is read before the check. If the check or another caller replaces it, Covers returns false.
	set := v.keys.current.Load()
	if err := v.Recheck(ctx, c); err != nil || set == nil {
		return Validity{}, err
	}
	// These are the times of checkTimes and of fresh.
	from := c.NotBefore
	if c.IssuedAt.After(from) {
		from = c.IssuedAt
	}
	if !from.IsZero() {
		from = from.Add(-v.leeway)
	}
	return Validity{keys: v.keys, set: set, stale: set.fetched.Add(freshFor), from: from, until: c.ExpiresAt.Add(v.leeway)}, nil
}

// Before returns the part of the Validity that is before a time.
func (v Validity) Before(end time.Time) Validity {
	if end.Before(v.until) {
		v.until = end
	}
	return v
}

// Covers reports whether a Recheck at the time now would return nil, without making one. It reports false if the KeySet has
// fetched keys meanwhile, or if it should: then a Recheck decides. now is a time of the clock of the KeySet.
func (v *Validity) Covers(now time.Time) bool {
	return v.set != nil && v.keys.current.Load() == v.set && now.Before(v.stale) && now.Before(v.until) && !now.Before(v.from)
}
