// A clock that only a test moves.

package workos_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit/workos"
)

type fakeClock struct {
	started chan time.Duration // the durations of the started timers, in order

	mu     sync.Mutex
	now    time.Time
	timers map[*fakeTimer]struct{}
}

type fakeTimer struct {
	due time.Time
	f   func()
}

func newFakeClock() *fakeClock {
	return &fakeClock{
		started: make(chan time.Duration, 100),
		now:     time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC),
		timers:  map[*fakeTimer]struct{}{},
	}
}

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) AfterFunc(d time.Duration, f func()) func() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	timer := &fakeTimer{due: c.now.Add(d), f: f}
	c.timers[timer] = struct{}{}
	c.started <- d
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, pending := c.timers[timer]
		delete(c.timers, timer)
		return pending
	}
}

// next waits for the start of another timer and returns its duration.
func (c *fakeClock) next() time.Duration { return <-c.started }

// advance moves the clock and runs the functions that are due.
func (c *fakeClock) advance(d time.Duration) {
	c.mu.Lock()
	c.now = c.now.Add(d)
	var due []func()
	for timer := range c.timers {
		if !timer.due.After(c.now) {
			due = append(due, timer.f)
			delete(c.timers, timer)
		}
	}
	c.mu.Unlock()
	for _, f := range due {
		f()
	}
}

// pending returns the number of active timers.
func (c *fakeClock) pending() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.timers)
}

// requireWait takes the next timer as the wait before a retry, from d to d+jitter, and advances the clock by it.
func (c *fakeClock) requireWait(t *testing.T, d, jitter time.Duration) time.Duration {
	t.Helper()
	wait := c.next()
	assert.GreaterOrEqual(t, wait, d)
	assert.LessOrEqual(t, wait, d+jitter)
	c.advance(wait)
	return wait
}

var _ workos.Clock = (*fakeClock)(nil)
