// The clock, and contexts that end on it.

package authkit

import (
	"context"
	"errors"
	"time"

	"github.com/authkit-go/authkit/jwks"
)

// Clock tells the time and calls functions later. An [AuthKit] uses it for every
// deadline and delay, so that a test can control the time. A Clock must be safe
// for concurrent use. It is the same interface as [workos.Clock].
type Clock interface {
	// Now returns the current time.
	Now() time.Time
	// AfterFunc calls f once, on any goroutine, after d has passed. stop cancels the
	// call and reports whether it did so, as [time.Timer.Stop] does.
	AfterFunc(d time.Duration, f func()) (stop func() bool)
}

type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	return time.AfterFunc(d, f).Stop
}

// clockSkew is the greatest difference that is allowed between two clocks.
const clockSkew = jwks.DefaultLeeway

// within returns a context that is cancelled after limit on the application's
// clock. Its cause is then an error with the text cause.
func (a *AuthKit) within(ctx context.Context, limit time.Duration, cause string) (bounded context.Context, stop func()) {
	bounded, cancel := context.WithCancelCause(ctx)
	stopTimer := a.clock.AfterFunc(limit, func() { cancel(errors.New(cause)) })
	return bounded, func() {
		stopTimer()
		cancel(nil)
	}
}

// ageOf returns the time since at. It is 0 if the clock was set back to before at.
func (a *AuthKit) ageOf(at time.Time) time.Duration { return max(0, a.clock.Now().Sub(at)) }

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
