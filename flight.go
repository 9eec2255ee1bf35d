// Flights: the exchanges that run, and the requests that wait for them.

package authkit

import (
	"context"
	"sync"
	"sync/atomic"
)

// flights holds the exchanges that run, at most one for a refresh token.
type flights struct {
	mu     sync.Mutex
	flying map[string]*flight // by refresh token; guarded by mu
	number atomic.Uint64      // of the last exchange
}

// flight is the exchange of a refresh token. All requests that wait for it wait for the same
// channel, so that a wait takes no memory of its own.
type flight struct {
	ended    chan struct{} // closed when landed is set
	landed   flown
	requests int           // guarded by flights.mu: that have joined, without the one that started it, and have not left
	number   atomic.Uint64 // of the exchange, 0 before it begins
}

// flown is the result of a flight.
type flown struct {
	outcome *outcome // nil if only a new refresh token is known
	number  uint64   // of the exchange, 0 if an earlier flight has made it
	result  string   // an Outcome constant
}

// err returns the error of the outcome.
func (f *flown) err() error {
	if f.outcome == nil {
		return nil
	}
	return f.outcome.err
}

// join returns the flight of a refresh token. If that has none, it returns a new one, and
// starts is true: the caller must make the exchange and call end.
func (f *flights) join(token string) (joined *flight, starts bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if joined = f.flying[token]; joined != nil {
		joined.requests++
		return joined, false
	}
	if f.flying == nil {
		f.flying = map[string]*flight{}
	}
	joined = &flight{ended: make(chan struct{})}
	f.flying[token] = joined
	return joined, true
}

// leave is called for a request that does not wait until the end of a flight that another
// request has started.
func (f *flights) leave(left *flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	left.requests--
}

// waiting returns how many requests wait for a flight, besides the one that has started it.
func (f *flights) waiting(by *flight) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return by.requests
}

// end removes a flight, and answers the requests that wait for it. A request that comes later
// starts a new flight.
func (f *flights) end(token string, ending *flight) {
	f.mu.Lock()
	delete(f.flying, token)
	f.mu.Unlock()
	close(ending.ended)
}

// await waits for the end of a flight. It reports false if ctx has ended before. Its frame is
// small: the stack of a waiting request, of which there may be thousands, then stays small too.
//
//go:noinline
func (f *flight) await(ctx context.Context) bool {
	select {
	case <-f.ended:
		return true
	case <-ctx.Done():
		return false
	}
}
