// A process as an instance that shares a store with others. It can be killed at each of its steps.

package soak

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/authkit-go/authkit/authkittest"
)

// standing is the least duration of a timer that settle does not wait for: such a timer belongs to the log, or limits
// something else that settle waits for.
const standing = 10 * time.Second

// instance is the links of one process: to the store, to WorkOS and to the clock. A kill cuts all of them in one step.
// After it, no call of the process has an effect, although its goroutines run on.
type instance struct {
	number uint64
	shared *sharedStore
	base   http.RoundTripper
	life   context.Context
	end    context.CancelFunc // ends life
	kill   func()             // kills the process and starts another in its slot, at its first call

	fuse          atomic.Int64 // the steps until the kill; no kill if it is not positive
	timers, calls atomic.Int64 // pending timers and calls of WorkOS in progress
}

func (w *sharedStore) newInstance(s *slot, p *process) *instance {
	i := &instance{number: p.number, shared: w, base: p.upstream.base}
	i.life, i.end = context.WithCancel(context.Background())
	i.kill = sync.OnceFunc(func() {
		i.die()
		w.kills.Add(1)
		s.replace(*s.passwords.Load()...)
	})
	w.ledger.start(i.number)
	return i
}

// die cuts all links of the process.
func (i *instance) die() {
	i.end()
	i.shared.ledger.kill(i.number)
}

// step is called before and after each call of the store and of WorkOS.
func (i *instance) step() {
	if i.fuse.Load() > 0 && i.fuse.Add(-1) == 0 {
		i.kill()
	}
}

// call makes a call of the store, which ends with the life of the process.
func (i *instance) call(ctx context.Context, f func(context.Context) error) error {
	i.step()
	alive, cancel := context.WithCancel(i.life)
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := f(alive); err != nil {
		return err
	}
	i.step()
	return i.life.Err()
}

func (i *instance) Get(ctx context.Context, key string) (value []byte, left time.Duration, found bool, err error) {
	err = i.call(ctx, func(ctx context.Context) (err error) {
		value, left, found, err = i.shared.store.Get(ctx, key)
		return err
	})
	return value, left, found, err
}

func (i *instance) Swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) (current []byte, left time.Duration, swapped bool, err error) {
	err = i.call(ctx, func(ctx context.Context) (err error) {
		current, left, swapped, err = i.shared.store.Swap(ctx, key, old, value, ttl)
		if err == nil && swapped {
			i.shared.ledger.stored(key, value)
		}
		return err
	})
	return current, left, swapped, err
}

func (i *instance) Append(ctx context.Context, notice []byte) error {
	return i.call(ctx, func(ctx context.Context) error { return i.shared.store.Append(ctx, notice) })
}

func (i *instance) Follow(ctx context.Context, f func([]byte), caughtUp func()) error {
	return i.call(ctx, func(ctx context.Context) error { return i.shared.store.Follow(ctx, f, caughtUp) })
}

// RoundTrip sends a request to WorkOS. A request that the kill meets may have been processed.
func (i *instance) RoundTrip(r *http.Request) (*http.Response, error) {
	i.step()
	i.calls.Add(1)
	defer i.calls.Add(-1)
	token := refreshToken(r)
	if !i.shared.ledger.present(i.number, token) {
		return nil, context.Canceled
	}
	ctx, cancel := context.WithCancel(i.life)
	defer cancel()
	defer context.AfterFunc(r.Context(), cancel)()
	resp, body, err := i.roundTrip(r.WithContext(ctx))
	i.shared.ledger.answer(i.number, token, resp, body)
	if err != nil {
		return nil, err
	}
	i.step()
	if err := i.life.Err(); err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

func (i *instance) roundTrip(r *http.Request) (*http.Response, []byte, error) {
	resp, err := i.base.RoundTrip(r)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, nil, err
	}
	return resp, body, nil
}

// instanceClock is the clock of an instance. It counts the pending timers.
type instanceClock struct {
	*clock
	i *instance
}

func (c *instanceClock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	if d >= standing {
		return c.FakeClock.AfterFunc(d, f)
	}
	c.i.timers.Add(1)
	stopTimer := c.FakeClock.AfterFunc(d, func() {
		f() // it may start the next timer
		c.i.timers.Add(-1)
	})
	return func() bool {
		stopped := stopTimer()
		if stopped {
			c.i.timers.Add(-1)
		}
		return stopped
	}
}

// settle returns when no process waits for WorkOS or for a timer.
func (w *world) settle() {
	if w.shared == nil {
		w.clock.settle()
		return
	}
	const (
		enough = 10 // ticks, because a goroutine may be about to start a timer
		limit  = time.Minute
	)
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for began, quiet := time.Now(), 0; quiet < enough; quiet++ {
		<-ticker.C
		w.require().Less(time.Since(began), limit, "a process always waits for something")
		forward := restStep
		for _, s := range w.slots {
			i := s.process.Load().instance
			if i.timers.Load()+i.calls.Load() > 0 {
				quiet = 0
			}
			if i.calls.Load() > 0 { // a longer step could exceed the time limit of the call
				forward = time.Duration(w.clock.step.Load())
			}
		}
		if quiet == 0 {
			w.clock.move(forward)
		}
	}
}

var _ authkittest.Clock = (*instanceClock)(nil)
