// The clock of the drills, which leaps by minutes.

package main

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit/authkittest"
)

// leapingClock is a FakeClock whose timers are called at the end of a leap. Advance calls them at their own times. A call of
// WorkOS that such a timer starts may then see the rest of the minute pass at once, and fail for its time limit.
type leapingClock struct {
	*authkittest.FakeClock

	mu      sync.Mutex
	leaping bool            // guarded by mu
	due     []*leapingTimer // guarded by mu: timers that wait for the end of the leap
}

type leapingTimer struct{ f func() }

// AfterFunc implements authkit.Clock.
func (c *leapingClock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	timer := &leapingTimer{f}
	stopBefore := c.FakeClock.AfterFunc(d, func() { c.fire(timer) })
	return func() bool { return stopBefore() || c.drop(timer) }
}

func (c *leapingClock) fire(timer *leapingTimer) {
	c.mu.Lock()
	held := c.leaping
	if held {
		c.due = append(c.due, timer)
	}
	c.mu.Unlock()
	if !held {
		timer.f()
	}
}

// drop removes a timer that waits for the end of a leap, and reports whether it does.
func (c *leapingClock) drop(timer *leapingTimer) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := slices.Index(c.due, timer)
	if at < 0 {
		return false
	}
	c.due = slices.Delete(c.due, at, at+1)
	return true
}

// Leap moves the clock forward by d, and then calls the timers that have become due.
func (c *leapingClock) Leap(d time.Duration) {
	c.mu.Lock()
	c.leaping = true
	c.mu.Unlock()
	c.Advance(d)
	for timer := c.next(); timer != nil; timer = c.next() {
		timer.f()
	}
}

// next returns the next timer that waits for the end of the leap. If there is no more, it ends the leap and returns nil.
func (c *leapingClock) next() (timer *leapingTimer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.due) == 0 {
		c.leaping = false
		return nil
	}
	timer, c.due = c.due[0], c.due[1:]
	return timer
}

func TestTimersAreCalledAtTheEndOfALeap(t *testing.T) {
	c := &leapingClock{FakeClock: authkittest.NewFakeClock(drillStart)}
	var called []time.Duration
	note := func() { called = append(called, c.Now().Sub(drillStart)) }
	c.AfterFunc(time.Second, func() {
		note()
		c.AfterFunc(time.Second, note)
	})
	c.AfterFunc(30*time.Second, note)
	stopped := c.AfterFunc(2*time.Second, note)
	assert.True(t, stopped())
	assert.False(t, stopped())
	var stopHeld func() bool
	c.AfterFunc(3*time.Second, func() { assert.True(t, stopHeld(), "a timer that waits for the end of the leap can be stopped") })
	stopHeld = c.AfterFunc(4*time.Second, note)

	c.Leap(time.Minute)
	assert.Equal(t, []time.Duration{time.Minute, time.Minute}, called)
	c.Leap(time.Second)
	assert.Equal(t, []time.Duration{time.Minute, time.Minute, time.Minute + time.Second}, called, "a timer of a timer")
	c.AfterFunc(time.Second, note)
	c.Advance(time.Minute)
	assert.Equal(t, time.Minute+2*time.Second, called[3], "Advance calls a timer at its time")
}
