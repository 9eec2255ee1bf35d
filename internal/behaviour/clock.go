// A clock that reports the timers of the code under test.

package behaviour

import (
	"time"

	"github.com/authkit-go/authkit/authkittest"
)

// Patience is how long, in real time, a test waits for what has to happen by
// itself.
const Patience = 15 * time.Second

// observedClock tells a test of each timer that the code under test sets.
type observedClock struct {
	*authkittest.FakeClock
	set chan time.Duration
}

func newObservedClock() observedClock {
	return observedClock{authkittest.NewFakeClock(Start), make(chan time.Duration, 1000)}
}

func (c observedClock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	stop = c.FakeClock.AfterFunc(d, f)
	c.set <- d
	return stop
}

// await blocks until a timer of at least min and at most max has been set, and
// returns how long it is.
func (c observedClock) await(min, max time.Duration) time.Duration {
	for d := range c.set {
		if min <= d && d <= max {
			return d
		}
	}
	return 0
}
