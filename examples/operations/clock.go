// The clocks: that of the world, which can leap, and that of this machine, which can be wrong.

package main

import (
	"sync/atomic"
	"time"

	"github.com/authkit-go/authkit"
)

// movableClock is a clock that can leap.
type movableClock interface {
	authkit.Clock
	Advance(d time.Duration)
}

// clock is another clock plus an offset. Its timers are those of the other clock: the offset does not move them.
type clock struct {
	authkit.Clock
	offset atomic.Int64 // in nanoseconds
}

// Now returns the time that the clock shows.
func (c *clock) Now() time.Time { return c.Clock.Now().Add(time.Duration(c.offset.Load())) }

// Advance moves the clock forward by d.
func (c *clock) Advance(d time.Duration) { c.offset.Add(int64(d)) }

// set makes the clock differ from the other one by d.
func (c *clock) set(d time.Duration) { c.offset.Store(int64(d)) }

// systemClock is the clock of the system.
type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	return time.AfterFunc(d, f).Stop
}
