// A clock that reports the timers which the code under test sets.

package behaviour

import (
	"time"

	"github.com/authkit-go/authkit/authkittest"
)

// WaitTimeout is the real time that a test waits for an event which the fake clock does not cause.
const WaitTimeout = 15 * time.Second

// observedClock is a FakeClock that sends the duration of each new timer to a channel.
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

// await blocks until a timer of at least min and at most max has been set. It returns the duration of that timer.
func (c observedClock) await(min, max time.Duration) time.Duration {
	for d := range c.set {
		if min <= d && d <= max {
			return d
		}
	}
	return 0
}
