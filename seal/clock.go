// The clock that decides whether an iron text has expired.

package seal

import "time"

// Clock tells the time. The clocks of package authkit and its other packages
// implement it. A Clock must be safe for concurrent use.
type Clock interface {
	// Now returns the current time.
	Now() time.Time
}

type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }
