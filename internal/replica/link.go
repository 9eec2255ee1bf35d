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
	// responseBudget is how long a response waits for the store, in total.
	responseBudget = 100 * time.Millisecond
	// claimBudget is how long a claim may take. After claimRetryAfter without an
	// answer, it is asked once more with the same nonce.
	claimBudget     = time.Second
	claimRetryAfter = 700 * time.Millisecond
	// backgroundBudget is how long a call takes that no request waits for.
	backgroundBudget = 2 * time.Second

	// breakerFailures is how many failures in a row open the breaker, for
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
	clock Clock

	commands, failures atomic.Uint64

	mu        sync.Mutex
	inARow    int       // guarded by mu: failures since the last success
	openUntil time.Time // guarded by mu
	lastError error     // guarded by mu: nil after a success
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
func (l *link) call(ctx context.Context, f func(context.Context) (results func(), err error)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := l.closed(); err != nil {
		return err
	}
	l.commands.Add(1)
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
		l.record(a.err)
		if a.err == nil {
			a.results()
		}
		return a.err
	case <-ctx.Done():
		err := context.Cause(ctx)
		l.record(err)
		return err
	}
}

// closed returns an error if the breaker is open.
func (l *link) closed() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.clock.Now().Before(l.openUntil) {
		return fmt.Errorf("%w: %w", errBreaker, l.lastError)
	}
	return nil
}

// record counts the result of a call. The end of a request is not a failure of the
// store.
func (l *link) record(err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lastError = err
	if err == nil {
		l.inARow, l.openUntil = 0, time.Time{}
		return
	}
	l.failures.Add(1)
	l.inARow++
	if l.inARow >= breakerFailures {
		l.openUntil = l.clock.Now().Add(breakerTime)
	}
}

// state returns the last error, nil after a success, and whether the breaker is open.
func (l *link) state() (lastError error, open bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lastError, l.clock.Now().Before(l.openUntil)
}

// LinkState is the state of the link to the store.
type LinkState struct {
	Err                error // of the last call, nil if it has succeeded
	Open               bool  // calls fail at once, after several failures in a row
	Waiting            int   // changes that are tried again
	Commands, Failures uint64
}

// LinkState returns the state of the link to the store.
func (p *Protocol) LinkState() LinkState {
	lastError, open := p.link.state()
	return LinkState{
		Err: lastError, Open: open, Waiting: p.retries.len(),
		Commands: p.link.commands.Load(), Failures: p.link.failures.Load(),
	}
}
