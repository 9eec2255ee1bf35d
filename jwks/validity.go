// Validity: for how long the result of a Recheck holds.

package jwks

import (
	"context"
	"math"
	"time"
)

// Validity is for how long claims stay valid if the KeySet keeps its keys. [Verifier.Validity] makes it. The zero value covers no
// time.
type Validity struct {
	keys *KeySet
	set  uint64 // the number of the fresh keys, one of which has signed the claims. The keys themselves would stay in memory
	// In microseconds since 1970, rounded to the shorter time. from is included, until is not. A time.Time takes three times the
	// memory, and a Validity is kept for each cached session.
	from, until int64
}

// Validity is [Verifier.Recheck] that also returns for how long its result holds. The Validity is that of a nil error, and zero
// otherwise, and while the keys are being fetched again.
func (v *Verifier) Validity(ctx context.Context, c *Claims) (Validity, error) {
	// The set is read before the check. If the check or another caller replaces it, Covers returns false.
	set := v.keys.current.Load()
	if err := v.Recheck(ctx, c); err != nil || set == nil {
		return Validity{}, err
	}
	// These are the times of checkTimes.
	from := int64(math.MinInt64)
	for _, begin := range [...]time.Time{c.NotBefore, c.IssuedAt} {
		if !begin.IsZero() {
			from = max(from, begin.Add(time.Microsecond-1-v.leeway).UnixMicro())
		}
	}
	return Validity{keys: v.keys, set: set.number, from: from, until: c.ExpiresAt.Add(v.leeway).UnixMicro()}, nil
}

// Before returns the part of the Validity that is before a time.
func (v Validity) Before(end time.Time) Validity {
	v.until = min(v.until, end.UnixMicro())
	return v
}

// Covers reports whether a Recheck at the time now would return nil, without making one. It reports false if the KeySet has
// fetched keys meanwhile, or if it should: then a Recheck decides. now is a time of the clock of the KeySet.
func (v *Validity) Covers(now time.Time) bool {
	if v.keys == nil {
		return false
	}
	if set := v.keys.current.Load(); set.number != v.set || !set.fresh(now) {
		return false
	}
	at := now.UnixMicro()
	return v.from <= at && at < v.until
}
