// A clock for tests inside this package.

package authkit

import "time"

// setClock is a clock that shows the time in now. It has no timers.
type setClock struct{ now time.Time }

func newSetClock() *setClock { return &setClock{time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)} }

func (c *setClock) Now() time.Time { return c.now }

func (c *setClock) AfterFunc(time.Duration, func()) (stop func() bool) {
	panic("setClock has no timers")
}
