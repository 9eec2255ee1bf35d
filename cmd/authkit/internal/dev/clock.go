// The clock of the fake: the time of the system, moved by an offset.

package dev

import (
	"sync"
	"time"
)

// clock is a clock that runs and that can be moved. It is safe for concurrent use.
type clock struct {
	mu     sync.Mutex // guards everything below
	offset time.Duration
	timers map[*clockTimer]bool
}

// clockTimer is a function that waits for its time on the clock.
type clockTimer struct {
	at    time.Time
	timer *time.Timer
}

func newClock(offset time.Duration) *clock {
	return &clock{offset: offset, timers: map[*clockTimer]bool{}}
}

// Now returns the time of the clock.
func (c *clock) Now() time.Time { return time.Now().Add(c.Offset()) }

// Offset returns how far the clock is ahead of the system's, negative if it is behind.
func (c *clock) Offset() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offset
}

// AfterFunc calls f in a goroutine when the clock has reached the time in d. stop cancels the call and reports whether it did so.
func (c *clock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &clockTimer{at: time.Now().Add(c.offset + d)}
	t.timer = time.AfterFunc(d, func() {
		c.remove(t)
		f()
	})
	c.timers[t] = true
	return func() bool {
		c.remove(t)
		return t.timer.Stop()
	}
}

func (c *clock) remove(t *clockTimer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.timers, t)
}

// Set moves the clock to an offset. Functions whose time has come by that are called.
func (c *clock) Set(offset time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset = offset
	now := time.Now().Add(offset)
	for t := range c.timers {
		if t.timer.Stop() { // otherwise its function is being called
			t.timer.Reset(max(t.at.Sub(now), 0))
		}
	}
}
