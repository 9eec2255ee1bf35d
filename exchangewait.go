// The requests that wait for an exchange: how many, for which exchange, and for how long.

package authkit

import (
	"sync"
	"sync/atomic"
	"time"
)

// exchangeWaits counts, for each refresh token, the requests that wait for its exchange.
type exchangeWaits struct {
	mu     sync.Mutex
	tokens map[string]*exchangeWait // guarded by mu
	number atomic.Uint64            // of the last exchange
}

// exchangeWait is what is known about one refresh token while requests wait for its exchange, or while it runs.
type exchangeWait struct {
	requests int    // guarded by exchangeWaits.mu
	number   uint64 // guarded by exchangeWaits.mu: of the last exchange, 0 if none has begun
	running  bool   // guarded by exchangeWaits.mu: the exchange has not ended
}

// of returns the wait of a refresh token. It adds a wait if the token has none. w.mu must be held.
func (w *exchangeWaits) of(token string) *exchangeWait {
	wait := w.tokens[token]
	if wait == nil {
		if w.tokens == nil {
			w.tokens = map[string]*exchangeWait{}
		}
		wait = &exchangeWait{}
		w.tokens[token] = wait
	}
	return wait
}

// forget removes a wait that has no request and no running exchange. w.mu must be held.
func (w *exchangeWaits) forget(token string, wait *exchangeWait) {
	if wait.requests == 0 && !wait.running {
		delete(w.tokens, token)
	}
}

// join is called for a request before it waits.
func (w *exchangeWaits) join(token string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.of(token).requests++
}

// leave is called for a request after it has waited. It returns the number of the exchange.
func (w *exchangeWaits) leave(token string, round *exchangeRound) (number uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	round.left = true
	wait := w.of(token)
	wait.requests--
	w.forget(token, wait)
	return wait.number
}

// begin returns the number of a new exchange. It is remembered until end, also if all requests leave.
func (w *exchangeWaits) begin(token string) (number uint64) {
	number = w.number.Add(1)
	w.mu.Lock()
	defer w.mu.Unlock()
	wait := w.of(token)
	wait.number, wait.running = number, true
	return number
}

// end is called when an exchange has ended.
func (w *exchangeWaits) end(token string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	wait := w.of(token)
	wait.running = false
	w.forget(token, wait)
}

// waiting returns how many requests wait for an exchange, besides the one that started it.
func (w *exchangeWaits) waiting(token string, starter *exchangeRound) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	requests := w.of(token).requests
	if !starter.left {
		requests--
	}
	return requests
}

// flown is the result of a flight.
type flown struct {
	outcome *outcome // nil if only a new refresh token is known
	number  uint64   // of the exchange, 0 if an earlier flight has made it
	result  string   // an Outcome constant
	starter *exchangeRound
}

// err returns the error of the outcome.
func (f *flown) err() error {
	if f.outcome == nil {
		return nil
	}
	return f.outcome.err
}

// exchangeRound is one wait of one request.
type exchangeRound struct {
	begin time.Time
	old   *Session
	left  bool // guarded by exchangeWaits.mu
}
