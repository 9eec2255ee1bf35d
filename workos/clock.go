// The time by which deadlines and retries run.

package workos

import "time"

// Clock tells the time and calls back later. Every deadline and delay of a [Client] runs on its clock, so that a test
// can decide when time passes. A Clock must be safe for concurrent use.
type Clock interface {
	// Now is the current time.
	Now() time.Time
	// AfterFunc calls f once, on a goroutine of the clock's choice, when d has passed. The returned function calls
	// that off and reports whether it did, as [time.Timer.Stop] does.
	AfterFunc(d time.Duration, f func()) (stop func() bool)
}

type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) AfterFunc(d time.Duration, f func()) func() bool {
	return time.AfterFunc(d, f).Stop
}
