// The clock.

package resource

import "time"

// Clock tells the time and calls functions later, so that a test can control the time. It is the same interface as that of
// package jwks. A Clock must be safe for concurrent use.
type Clock interface {
	// Now returns the current time.
	Now() time.Time
	// AfterFunc calls f once, on any goroutine, after d has passed. stop cancels the call and reports whether it did so, as
	// [time.Timer.Stop] does.
	AfterFunc(d time.Duration, f func()) (stop func() bool)
}

type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	return time.AfterFunc(d, f).Stop
}
