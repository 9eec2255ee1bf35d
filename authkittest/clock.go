// Clock, the fake clock that a test moves, and the real clock.

package authkittest

import (
	"sync"
	"time"
)

// Clock tells the time and calls functions later. A [Server] uses its Clock, usually a [*FakeClock]. A Clock must be safe
// for concurrent use.
type Clock interface {
	// Now returns the current time.
	Now() time.Time
	// AfterFunc calls f once, on any goroutine, after d has passed. stop cancels the call and reports whether it did so, as
	// [time.Timer.Stop] does.
	AfterFunc(d time.Duration, f func()) (stop func() bool)
}

// FakeClock is a Clock that only moves when a test calls Advance, Set or AdvanceWhile. Give the same FakeClock to the fake and
// to the code under test, so that both agree on what has expired. It is safe for concurrent use.
//
// Retries and time limits of authkit run on this clock too. A request that meets a fault waits until the clock moves. [Run]
// moves it for such a request. Without Run, send the request in [FakeClock.AdvanceWhile].
type FakeClock struct {
	moving sync.Mutex // held by Advance and Set while they run, so that they do not run at the same time

	mu     sync.Mutex // guards everything below
	now    time.Time
	timers []*timer
	added  sync.Cond // wakes AwaitTimers when a timer is added

	stillness stillness
	waits     waits
}

type timer struct {
	at   time.Time
	f    func()
	drip bool // waits before the next byte of a response: see Fault.Drip
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

// AfterFunc calls f when the clock has moved forward by d. stop cancels the call and reports whether it was in time. If d is
// zero or negative, AfterFunc calls f immediately in a new goroutine, like time.AfterFunc.
func (c *FakeClock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	return c.afterFunc(d, f, false)
}

func (c *FakeClock) afterFunc(d time.Duration, f func(), drip bool) (stop func() bool) {
	if d <= 0 {
		go f()
		return func() bool { return false }
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &timer{at: c.now.Add(d), f: f, drip: drip}
	c.timers = append(c.timers, t)
	c.stillness.changes++
	c.added.Broadcast()
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.stillness.changes++
		return c.remove(t)
	}
}

// Advance moves the clock forward by d. It calls the functions that become due one after the other, in order of their time,
// on the caller's goroutine. During each call the clock shows the time of that function. The functions can start timers but
// must not move the clock.
func (c *FakeClock) Advance(d time.Duration) {
	c.moving.Lock()
	defer c.moving.Unlock()
	c.moveTo(c.Now().Add(d))
}

// Set moves the clock to t, like Advance. If t is earlier than Now, Set moves the clock back and calls no function.
func (c *FakeClock) Set(t time.Time) {
	c.moving.Lock()
	defer c.moving.Unlock()
	c.moveTo(t)
}

// AwaitTimers blocks until at least n functions of AfterFunc are pending. Call it before Advance if another goroutine is
// about to start a timer.
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
			c.stillness.changes++
			c.mu.Unlock()
			return
		}
		c.remove(next)
		c.stillness.changes++
		if next.at.After(c.now) {
			c.now = next.at
		}
		c.mu.Unlock()
		next.f()
	}
}

// earliest returns the timer that is due first. Of two timers for the same time it returns the older one.
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

// realTime is the default Clock.
type realTime struct{}

func (realTime) Now() time.Time { return time.Now() }

func (realTime) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	return time.AfterFunc(d, f).Stop
}
