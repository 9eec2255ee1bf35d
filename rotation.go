// Rotation: which refresh token was exchanged for which, what the exchanges
// returned, and which refresh tokens must not be set again.
//
// An exchange consumes the refresh token. So all requests with the same refresh
// token share one exchange, which runs in a flight (exchange.go). Its outcome is
// remembered here for requests that come later with the old token.
//
// Requests, exchanges, sign-ins, sign-outs and switches of organization run at
// the same time. Every operation on the rotations holds mu, so that it is one step
// for all others. In addition, these orders must hold:
//
//  1. runExchange stores the outcome before its flight ends. A request that found
//     no outcome joins the flight or starts a new one, and a new flight looks for
//     the outcome again. In the other order, the new flight would exchange the
//     refresh token a second time.
//  2. commitOutcome makes the successor and the outcome visible in one step. If
//     the successor were visible alone, a request would take it for a token that
//     was not exchanged yet, and would exchange it.
//  3. A sign-in and a sign-out call supersede before their response is written.
//     An exchange that ends later finds its refresh token superseded, and its
//     successor is superseded from the start. So no late response sets the old
//     session again.
//  4. markSignedOut stores the mark before it calls supersede. Code that reads
//     both reads the rotations first and the mark last. So a request that gets a
//     session from the rotations after a sign-out also sees the mark, and does
//     not serve the session.
//  5. An outcome is stored before a response can carry its cookie. So
//     markDelivered finds everything that a presented session came from. It
//     retires all of it in one step, so that no request finds a part of it.
//  6. runExchange calls the hook after it has stored the outcome and before its
//     flight ends. A request that waited for the flight continues after the hook.
//     A later request finds the outcome, so that a slow hook does not delay it.
//  7. finalizeSession and finalizeClear decide about the cookie when the header
//     is written. A sign-in, a sign-out or another exchange may come after the
//     request was loaded, and the decision must include it.
//  8. A new session cookie is prepared when the request is loaded, but a clear is
//     not. An informational response (RFC 9110, section 15.2) would send the
//     clear, and the browser can sign in before the final response.
//  9. A refresh and a switch of the same refresh token share one flight (exchange).
//     The second of them continues with the outcome of the first. In two flights,
//     both would send the same refresh token.
//  10. storeOutcome stores an unverified outcome under its own refresh token only,
//     not under the exchanged one. Every request that leads to it joins the same
//     flight. So the token is verified once and the hook runs once.
//
// clearing.go and signedout.go list the orders of their own subjects.

package authkit

import (
	"errors"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"github.com/authkit-go/authkit/internal/expiring"
)

const (
	// replayWindow is how long an exchanged refresh token is answered from memory
	// after its browser has presented the successor. WorkOS has the same window.
	replayWindow = 30 * time.Second
	// consumedLifetime is how long a refresh token is known as consumed. It must
	// be longer than a handler takes to respond.
	consumedLifetime = time.Hour
	// successorLifetime is how long the successor of a refresh token is known, if
	// the browser does not present it.
	successorLifetime = 24 * time.Hour
	// maxChainLength limits how many successors are followed from a cookie. It is
	// more than the refreshes that a browser can miss in a day.
	maxChainLength = 1000

	tokenLimit   = 1 << 16 // entries of a map with small values
	outcomeLimit = 1 << 13 // entries of outcomes, each with a session and its sealed text

	// The memory for exchanges is 64 MiB, with refusalBytes and
	// refusalCountBytes.
	outcomeBytes = 36 << 20
	tokenBytes   = 8 << 20 // each of successors, predecessors and consumed
)

// rotations makes one exchange serve all requests with the same refresh token. A
// request during the exchange waits for it. A request after it, with the old
// refresh token, gets the new session. Such a request comes if the response
// with the new cookie was lost or is under way.
type rotations struct {
	clock   Clock
	flights flights
	begun   atomic.Uint64     // the number of calls of WorkOS that have begun
	step    func(name string) // called by reached, for tests

	counters  refreshCounters
	observers *observers // nil for none

	mu           sync.Mutex                 // makes each method one step; guards the fields below
	outcomes     *expiring.Map[*outcome]    // by refresh token, see storeOutcome
	successors   *expiring.Map[string]      // from an exchanged refresh token to the new one
	predecessors *expiring.Map[string]      // from a new refresh token to the exchanged one
	consumed     *expiring.Map[consumption] // refresh tokens that must not be set again
	refusals     *switchRefusals
	counts       counts

	names *tokenNames // nil without a store
}

// consumption says why a refresh token must not be set again.
type consumption struct {
	// replaced is true if the browser has a replacement: the successor, another
	// session, or no session after a sign-out.
	replaced bool
	// cleared is the number of the last response that cleared the cookie because
	// WorkOS had ended the session, or 0.
	cleared uint64
}

func newRotations(clock Clock) *rotations {
	lengthOf := func(token string) int { return len(token) }
	return &rotations{
		clock:        clock,
		outcomes:     expiring.New[*outcome](clock.Now, outcomeLimit).LimitBytes(outcomeBytes, (*outcome).size),
		successors:   expiring.New[string](clock.Now, tokenLimit).LimitBytes(tokenBytes, lengthOf),
		predecessors: expiring.New[string](clock.Now, tokenLimit).LimitBytes(tokenBytes, lengthOf),
		consumed:     expiring.New[consumption](clock.Now, tokenLimit).LimitBytes(tokenBytes, func(consumption) int { return 0 }),
		refusals:     newSwitchRefusals(clock),
	}
}

// reached tells a test that a request or an exchange has reached a step.
func (r *rotations) reached(name string) {
	if r.step != nil {
		r.step(name)
	}
}

// commitOutcome stores the result of an exchange in one step. earlier is the
// unverified outcome that the exchange started from, or nil.
func (r *rotations) commitOutcome(old *Session, want exchangeTarget, earlier *outcome, result exchangeResult) {
	r.mu.Lock()
	defer r.mu.Unlock()
	token, next, until := old.sealed.RefreshToken, result.outcome, result.until
	if next == nil {
		if result.successor != "" && result.successor != token {
			r.linkSuccessor(token, result.successor)
		}
		r.outcomes.Delete(token)
		return
	}
	if earlier == nil && next.sealed.RefreshToken != token {
		r.linkSuccessor(token, next.sealed.RefreshToken)
	}
	if want.switching {
		r.refusals.store(old, want, next, until)
	}
	if want.switching && next.err != nil && !errors.Is(next.err, errSessionEnded) {
		return // a refused switch must not fail a refresh
	}
	if consumed, _ := r.consumed.Get(token); consumed.replaced {
		until = earliest(until, r.clock.Now().Add(replayWindow))
	}
	r.storeOutcome(old, next, until)
}

// linkSuccessor records that a refresh token was exchanged for its successor. It
// deletes what was known of the successor, so that no chain becomes a circle.
// The caller holds mu.
func (r *rotations) linkSuccessor(token, successor string) {
	now := r.clock.Now()
	r.outcomes.Delete(token)
	r.outcomes.Delete(successor)
	r.successors.Delete(successor)
	r.consumed.Delete(successor)
	r.consumed.Add(token, consumption{}, now.Add(consumedLifetime))
	r.names.add(token)
	if consumed, _ := r.consumed.Get(token); consumed.replaced { // during the exchange
		r.markReplaced(successor)
		r.predecessors.Delete(successor)
		return
	}
	r.successors.Put(token, successor, now.Add(successorLifetime))
	r.predecessors.Put(successor, token, now.Add(successorLifetime))
}

// storeOutcome stores a session under the exchanged refresh token, and any other
// outcome under the refresh token that is left. The caller holds mu.
func (r *rotations) storeOutcome(old *Session, next *outcome, until time.Time) {
	now := r.clock.Now()
	if !until.After(now) {
		return
	}
	token := next.sealed.RefreshToken
	if next.session != nil {
		token = old.sealed.RefreshToken
	}
	r.outcomes.Put(token, next, earliest(until, now.Add(successorLifetime)))
}

// outcomeOf returns the outcome that is stored under a refresh token, or nil. If
// WorkOS does not rotate the token, the outcome of a session is the session
// itself, which has no outcome yet. The caller holds mu.
func (r *rotations) outcomeOf(token string, s *Session) *outcome {
	known, ok := r.outcomes.Get(token)
	if !ok || known.err == nil && known.sealed.AccessToken.Equal(&s.sealed.AccessToken) {
		return nil
	}
	return known
}

// withToken returns a session with a refresh token: s itself if it has that token.
func withToken(s *Session, token string) *Session {
	if token == s.sealed.RefreshToken {
		return s
	}
	return withOtherToken(s, token)
}

// withOtherToken is not a part of its callers, because it needs 500 bytes of the stack.
//
//go:noinline
func withOtherToken(s *Session, token string) *Session {
	sealed := *s.sealed
	sealed.RefreshToken = token
	return makeSession(sealed, s.claims)
}

// findOutcome returns the outcome that a request can use for a session, or nil.
// It also returns the session to exchange if the request needs an exchange. That
// is s with the newest refresh token that leads to no outcome.
func (r *rotations) findOutcome(s *Session, want exchangeTarget) (*Session, *outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var known *outcome
	token := s.sealed.RefreshToken
	for range maxChainLength {
		if known = r.outcomeOf(token, s); known != nil {
			break
		}
		next, ok := r.successors.Get(token)
		if !ok {
			break
		}
		token = next
	}
	if known != nil && known.err != nil && !known.answers(want) {
		known = nil
	}
	if known == nil && want.switching {
		known = r.refusals.find(s, want)
	}
	return withToken(s, token), known
}

// markDelivered records that a browser has presented a session. If the session
// came from an exchange, its cookie has arrived. Everything that it came from is
// then replaced, and is answered from memory for replayWindow only.
func (r *rotations) markDelivered(s *Session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	until := r.clock.Now().Add(replayWindow)
	r.takePredecessors(s.sealed.RefreshToken, func(predecessor string) {
		r.outcomes.Shorten(predecessor, until)
		r.successors.Shorten(predecessor, until)
		r.markReplaced(predecessor)
	})
}

// forgetPredecessors forgets the outcomes of all refresh tokens that a session
// came from, so that none of them leads to it.
func (r *rotations) forgetPredecessors(s *Session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.takePredecessors(r.newestSuccessor(s).sealed.RefreshToken, func(predecessor string) {
		r.outcomes.Delete(predecessor)
		r.successors.Delete(predecessor)
	})
}

// takePredecessors calls f with each predecessor of a refresh token, the latest
// first, and removes the links to them. The caller holds mu.
func (r *rotations) takePredecessors(token string, f func(predecessor string)) {
	at := token
	for range maxChainLength {
		predecessor, ok := r.predecessors.Get(at)
		if !ok {
			return
		}
		r.predecessors.Delete(at)
		if predecessor == token { // the server issued the token twice
			return
		}
		f(predecessor)
		at = predecessor
	}
}

// successorOf returns the session that one exchange made of s. It reports false,
// and returns s, if no exchange is known. The caller holds mu.
func (r *rotations) successorOf(s *Session) (*Session, bool) {
	if known := r.outcomeOf(s.sealed.RefreshToken, s); known != nil && known.session != nil {
		if !known.isFor(s) {
			return s, false
		}
		return known.session, true
	}
	token, ok := r.successors.Get(s.sealed.RefreshToken)
	if !ok {
		return s, false
	}
	return withToken(s, token), true
}

// chain yields s, its successor, the successor of that and so on, as far as they
// are known. The caller holds mu.
func (r *rotations) chain(s *Session) iter.Seq[*Session] {
	return func(yield func(*Session) bool) {
		for range maxChainLength {
			if !yield(s) {
				return
			}
			next, ok := r.successorOf(s)
			if !ok {
				return
			}
			s = next
		}
	}
}

// newestSuccessor returns the last session of the chain of s. The caller holds
// mu.
func (r *rotations) newestSuccessor(s *Session) *Session {
	for next := range r.chain(s) {
		s = next
	}
	return s
}

// newest returns the newest successor of a session. It reports whether that must
// not be set, because its refresh token was exchanged, superseded or cleared.
func (r *rotations) newest(s *Session) (newest *Session, consumed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	newest = r.newestSuccessor(s)
	_, consumed = r.consumed.Get(newest.sealed.RefreshToken)
	return newest, consumed
}

// markReplaced records that the browser has a replacement for a refresh token.
// The caller holds mu.
func (r *rotations) markReplaced(token string) {
	consumed, _ := r.consumed.Get(token)
	consumed.replaced = true
	r.consumed.Put(token, consumed, r.clock.Now().Add(consumedLifetime))
	r.names.add(token)
}

// supersede records that the browser has another session in place of s, or none
// after a sign-out. No response that is still under way may set s or its
// successors again.
func (r *rotations) supersede(s *Session) {
	if s.sealed.RefreshToken == "" {
		return // the empty token is not unique to s
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for next := range r.chain(s) {
		r.markReplaced(next.sealed.RefreshToken)
	}
}
