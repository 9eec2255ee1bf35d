// The clock that decides whether an iron text has expired.

package seal

import "time"

// Clock tells the time and calls functions later. It is the interface of every
// package of this module, so that one clock serves them all; this package uses
// Now alone. A Clock must be safe for concurrent use.
type Clock interface {
	// Now returns the current time.
	Now() time.Time
	// AfterFunc calls f once, on any goroutine, after d has passed. stop cancels
	// the call and reports whether it did so, as [time.Timer.Stop] does.
	AfterFunc(d time.Duration, f func()) (stop func() bool)
}

type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) AfterFunc(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop }
