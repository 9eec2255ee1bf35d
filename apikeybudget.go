// The budget for the validation of unknown API keys.

package authkit

import "time"

const (
	// unknownBudget is how many validations of unknown keys a full budget holds.
	unknownBudget = 200
	// unknownPause is the time in which the budget grows by one validation. That is
	// 600 a minute, a tenth of WorkOS's limit.
	unknownPause = 100 * time.Millisecond
)

// keyBudget is a token bucket of unknownBudget validations. A validation is
// reserved when a request needs it. Its reservation ends with it. It is charged then,
// unless it found a valid key.
type keyBudget struct {
	reserved int
	charged  time.Duration // the time in which the bucket refills what was charged
	at       time.Time     // the time to which charged refers
}

// reserve reserves a validation and returns zero. If the bucket is empty, it returns
// the time to wait for one.
func (b *keyBudget) reserve(now time.Time) (wait time.Duration) {
	b.refill(now)
	if wait := b.charged + time.Duration(b.reserved+1-unknownBudget)*unknownPause; wait > 0 {
		return wait
	}
	b.reserved++
	return 0
}

// release ends a reservation, and charges it if charge is true.
func (b *keyBudget) release(now time.Time, charge bool) {
	b.refill(now)
	b.reserved--
	if charge {
		b.charged += unknownPause
	}
}

func (b *keyBudget) refill(now time.Time) {
	b.charged = max(0, b.charged-max(0, now.Sub(b.at)))
	b.at = now
}
