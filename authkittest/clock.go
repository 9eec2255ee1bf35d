// A clock that a test moves by hand, and the real one.

package authkittest

import (
	"sync"
	"time"
)

// Clock is where the fake takes the time from. *FakeClock implements it.
type Clock interface {
	Now() time.Time
	AfterFunc(d time.Duration, f func()) (stop func() bool)
}

// FakeClock stands still until a test moves it. Give the same one to the fake and to the code under test, so that both
// agree on what has expired. It is safe for concurrent use.
type FakeClock struct {
	moving sync.Mutex // held by Advance and Set for as long as they run, so that two movers take turns

	mu     sync.Mutex // guards now and timers
	now    time.Time
	timers []*timer
	added  sync.Cond // tells AwaitTimers of a new timer
}

type timer struct {
	at time.Time
	f  func()
}

// NewFakeClock returns a clock that shows start.
func NewFakeClock(start time.Time) *FakeClock {
	c := &FakeClock{now: start}
	c.added.L = &c.mu
	return c
}

// Now returns the time that the clock shows.
func (c *FakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// AfterFunc calls f once the clock has been moved d ahead; stop reports whether it came before that. As with
// time.AfterFunc, a d of zero or less calls f at once in a goroutine of its own.
func (c *FakeClock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	if d <= 0 {
		go f()
		return func() bool { return false }
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &timer{at: c.now.Add(d), f: f}
	c.timers = append(c.timers, t)
	c.added.Broadcast()
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.remove(t)
	}
}

// Advance moves the clock d ahead. Functions that fall due are called one after the other, in order of time, on the
// caller's goroutine, each while the clock shows its own time; they may start timers but must not move the clock.
func (c *FakeClock) Advance(d time.Duration) {
	c.moving.Lock()
	defer c.moving.Unlock()
	c.moveTo(c.Now().Add(d))
}

// Set moves the clock to t, as Advance does. An earlier t moves it back and calls nothing.
func (c *FakeClock) Set(t time.Time) {
	c.moving.Lock()
	defer c.moving.Unlock()
	c.moveTo(t)
}

// AwaitTimers blocks until at least n functions wait for the clock: after it, Advance reaches code that was about to
// wait on another goroutine.
func (c *FakeClock) AwaitTimers(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.timers) < n {
		c.added.Wait()
	}
}

func (c *FakeClock) moveTo(target time.Time) {
	for {
		c.mu.Lock()
		next := c.earliest()
		if next == nil || next.at.After(target) {
			c.now = target
			c.mu.Unlock()
			return
		}
		c.remove(next)
		if next.at.After(c.now) {
			c.now = next.at
		}
		c.mu.Unlock()
		next.f()
	}
}

// earliest returns the timer that is due first, the older one of two that are due together.
func (c *FakeClock) earliest() *timer {
	var first *timer
	for _, t := range c.timers {
		if first == nil || t.at.Before(first.at) {
			first = t
		}
	}
	return first
}

func (c *FakeClock) remove(t *timer) bool {
	for i, pending := range c.timers {
		if pending == t {
			c.timers = append(c.timers[:i], c.timers[i+1:]...)
			return true
		}
	}
	return false
}

// realTime is the time source of a fake that was started without WithClock.
type realTime struct{}

func (realTime) Now() time.Time { return time.Now() }

func (realTime) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	return time.AfterFunc(d, f).Stop
}
