// The link to the store: time limits, a circuit breaker and counters.

package replica

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Store is the store. authkit.Store documents its methods.
type Store interface {
	Get(ctx context.Context, key string) (value []byte, left time.Duration, found bool, err error)
	Swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) (current []byte, left time.Duration, swapped bool, err error)
	Append(ctx context.Context, notice []byte) error
	Follow(ctx context.Context, f func(notice []byte), caughtUp func()) error
}

// Clock is the clock of the application. authkit.Clock documents its methods.
type Clock interface {
	Now() time.Time
	AfterFunc(d time.Duration, f func()) (stop func() bool)
}

const (
	// breakerFailures is how many failures in a row open a breaker, for
	// breakerTime. While it is open, calls fail at once.
	breakerFailures = 3
	breakerTime     = time.Second
)

var (
	errBreaker = errors.New("the store has failed several times in a row")
	errExited  = errors.New("the store ended its goroutine")
)

// link calls a store. Time limits of calls run on the real clock, because they wait
// for a network.
type link struct {
	store Store
	hurry time.Duration // how long a response waits
	clock Clock

	onCall func(ctx context.Context, begin time.Time, duration time.Duration, err error) // may be nil

	commands, failures atomic.Uint64
	time               atomic.Int64 // of all calls, in nanoseconds

	mu sync.Mutex
	// A store may be too slow for a response and fast enough for a claim. A claim that
	// fails lets two instances exchange one token. So the calls of responses have a
	// breaker of their own, and their timeouts do not open the other one.
	hurried, patient breaker // guarded by mu
	lastError        error   // guarded by mu: nil after a success
}

// breaker counts failures in a row.
type breaker struct {
	failures  int // since the last success
	openUntil time.Time
}

// fail counts a failure.
func (b *breaker) fail(now time.Time) {
	b.failures++
	if b.failures >= breakerFailures {
		b.openUntil = now.Add(breakerTime)
	}
}

// value is what a key has: bytes, and how long they are still kept.
type value struct {
	bytes []byte
	left  time.Duration
}

// get returns the value of a key. Its bytes are nil if there is none.
func (l *link) get(ctx context.Context, key string) (v value, err error) {
	err = l.call(ctx, func(ctx context.Context) (func(), error) {
		bytes, left, found, err := l.store.Get(ctx, key)
		return func() {
			if found {
				v = value{bytes, left}
			}
		}, err
	})
	return v, err
}

// swap puts next in the place of old. It returns what the key has now.
func (l *link) swap(ctx context.Context, key string, old, next []byte, ttl time.Duration) (now value, swapped bool, err error) {
	err = l.call(ctx, func(ctx context.Context) (func(), error) {
		bytes, left, ok, err := l.store.Swap(ctx, key, old, next, ttl)
		return func() { now, swapped = value{bytes, left}, ok }, err
	})
	return now, swapped, err
}

// append adds a notice to the log.
func (l *link) append(ctx context.Context, notice []byte) error {
	return l.call(ctx, func(ctx context.Context) (func(), error) {
		return func() {}, l.store.Append(ctx, notice)
	})
}

// call makes a call to the store, unless the breaker is open. It returns when ctx
// ends, also if the store does not. f returns a function that stores the results,
// which is called if the call has succeeded in time.
func (l *link) call(ctx context.Context, f func(context.Context) (results func(), err error)) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	hurried := l.isHurried(ctx)
	if err := l.closed(hurried); err != nil {
		return err
	}
	l.commands.Add(1)
	begin := time.Now()
	defer func() {
		duration := time.Since(begin)
		l.time.Add(int64(duration))
		if l.onCall != nil {
			l.onCall(ctx, begin, duration, err)
		}
	}()
	type answer struct {
		results func()
		err     error
	}
	answers := make(chan answer, 1)
	go func() {
		a := answer{err: errExited}
		defer func() {
			if p := recover(); p != nil {
				a = answer{err: fmt.Errorf("the store panicked: %v", p)}
			}
			answers <- a
		}()
		a.results, a.err = f(ctx)
	}()
	select {
	case a := <-answers:
		l.record(ctx, hurried, a.err)
		if a.err == nil {
			a.results()
		}
		return a.err
	case <-ctx.Done():
		err := context.Cause(ctx)
		l.record(ctx, hurried, err)
		return err
	}
}

// isHurried reports whether a call waits no longer than a response may.
func (l *link) isHurried(ctx context.Context) bool {
	end, limited := ctx.Deadline()
	return limited && time.Until(end) <= l.hurry
}

// closed returns an error if the breaker of a call is open.
func (l *link) closed(hurried bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := &l.patient
	if hurried {
		b = &l.hurried
	}
	if l.clock.Now().Before(b.openUntil) {
		return fmt.Errorf("%w: %w", errBreaker, l.lastError)
	}
	return nil
}

// record counts the result of a call. The end of a request is not a failure of the
// store, whatever cause the application gives.
func (l *link) record(ctx context.Context, hurried bool, err error) {
	if err != nil && errors.Is(ctx.Err(), context.Canceled) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lastError = err
	if err == nil {
		l.patient = breaker{}
		if hurried {
			l.hurried = breaker{}
		}
		return
	}
	l.failures.Add(1)
	now := l.clock.Now()
	l.hurried.fail(now)
	if !hurried || !errors.Is(err, context.DeadlineExceeded) {
		l.patient.fail(now)
	}
}

// state returns the last error, nil after a success, and whether a breaker is open.
func (l *link) state() (lastError error, open bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	return l.lastError, now.Before(l.hurried.openUntil) || now.Before(l.patient.openUntil)
}

// LinkState is the state of the link to the store.
type LinkState struct {
	Err                error // of the last call, nil if it has succeeded
	Open               bool  // calls fail at once, after several failures in a row
	Waiting            int   // changes that are tried again
	Commands, Failures uint64
	Time               time.Duration // of all calls
}

// LinkState returns the state of the link to the store.
func (p *Protocol) LinkState() LinkState {
	lastError, open := p.link.state()
	return LinkState{
		Err: lastError, Open: open, Waiting: p.retries.len(),
		Commands: p.link.commands.Load(), Failures: p.link.failures.Load(), Time: time.Duration(p.link.time.Load()),
	}
}
