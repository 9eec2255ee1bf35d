// A clock that a test sets.

package authkit

import "time"

// setClock shows the time that a test sets.
type setClock struct{ now time.Time }

func newSetClock() *setClock { return &setClock{time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)} }

func (c *setClock) Now() time.Time { return c.now }

func (c *setClock) AfterFunc(time.Duration, func()) (stop func() bool) {
	panic("setClock runs no timers")
}
