// One exchange of a refresh token for all requests that need it.

package authkit

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// exchangeFunc exchanges the refresh token of old, or verifies the tokens of an
// earlier exchange that could not be verified.
type exchangeFunc func(ctx context.Context, old *Session, want exchangeTarget, earlier *outcome) exchangeResult

// exchange returns the outcome of an exchange for a session: a refresh in its own
// organization, or a switch to another one. It waits for a running exchange or
// starts one. At most one runs for a refresh token. If that was made for another
// target, exchange continues with the session that it returned.
//
// The end of ctx ends the wait and not the exchange, because other requests need
// its outcome too.
func (r *rotations) exchange(ctx context.Context, old *Session, want exchangeTarget, exchange exchangeFunc) (*outcome, error) {
	const maxExchanges = 5 // of other requests with other targets
	exchanges := 0
	for links := 0; exchanges < maxExchanges && links < maxChainLength; links++ {
		var next *outcome
		old, next = r.findOutcome(old, want)
		if next == nil || !next.isFinal() {
			r.reached("looked up")
			var err error
			if next, err = r.awaitExchange(ctx, old, want, exchange); err != nil {
				return nil, err
			}
		}
		switch {
		case next == nil:
			if _, linked := r.successorToken(old.sealed.RefreshToken); linked {
				continue // another instance has exchanged the token, or another flight
			}
		case !next.isFor(old):
			return failedOutcome(old, want, errTokenNotAccepted), errTokenNotAccepted
		case !next.isFinal():
			return next, unavailable(errors.New("the new token could not be verified yet"), 0)
		case old.sealed.Unsealed && errors.Is(next.err, errSessionEnded):
			// The session of the refresh token has ended. It may be another one.
			return next, fmt.Errorf("%w: %v", errRefreshRefused, next.err)
		case next.answers(want):
			return next, next.err
		case next.session != nil:
			old = next.session
		}
		exchanges++
	}
	return nil, unavailable(errors.New("too many requests refresh the session at once"), 0)
}

// awaitExchange waits for the exchange of a refresh token, which it starts if none is under way. It returns nil if only a new
// refresh token is known.
func (r *rotations) awaitExchange(ctx context.Context, old *Session, want exchangeTarget, exchange exchangeFunc) (*outcome, error) {
	round := &exchangeRound{begin: r.observers.begin(), old: old}
	token := old.sealed.RefreshToken
	var started atomic.Bool
	r.waits.join(token)
	flight := r.flights.DoChan(token, func() (any, error) {
		started.Store(true)
		done := r.runExchange(context.WithoutCancel(ctx), round, want, exchange)
		if done != nil {
			done.starter = round
		}
		return done, nil
	})
	r.counters.waiting.Add(1)
	defer r.counters.waiting.Add(-1)
	select {
	case result := <-flight:
		r.waits.leave(token, round)
		done := result.Val.(*flown)
		if done == nil {
			return nil, nil
		}
		if done.starter != round && done.number != 0 {
			r.observeWait(ctx, round, done.number, done.result, done.err())
		}
		return done.outcome, nil
	case <-ctx.Done():
		number := r.waits.leave(token, round)
		err := unavailable(context.Cause(ctx), 0)
		if !started.Load() {
			r.observeWait(ctx, round, number, OutcomeLeft, err)
		}
		return nil, err
	}
}

// exchangeNow refreshes a session with a call of WorkOS that begins after the call of
// exchangeNow. The outcome of an earlier exchange, or of one that is under way, does not
// answer it, and neither does that of another instance, whose begin is not known: their
// session is exchanged again. An earlier failure answers it, because WorkOS must not be
// called again before the pause ends.
func (r *rotations) exchangeNow(ctx context.Context, s *Session, exchange exchangeFunc) (*outcome, error) {
	const maxExchanges = 5 // at other instances
	before := r.begun.Load()
	for range maxExchanges {
		s, _ = r.newest(s)
		next, err := r.exchange(ctx, s, exchangeTarget{organization: s.OrganizationID()}, exchange)
		if err != nil || next.begun > before {
			return next, err
		}
		s = next.session
	}
	return nil, unavailable(errors.New("too many instances refresh the session at once"), 0)
}

// runExchange makes the exchange, unless another flight has made it. It returns
// nil if that flight left only a new refresh token.
//
// starter is the wait of the request that has started it. It may have left.
//
// runExchange runs on a goroutine of singleflight. A panic there would end the program,
// and after runtime.Goexit no waiting request would be answered. So the calls of
// application code are contained.
func (r *rotations) runExchange(ctx context.Context, starter *exchangeRound, want exchangeTarget, exchange exchangeFunc) *flown {
	old, token := starter.old, starter.old.sealed.RefreshToken
	latest, known := r.findOutcome(old, want)
	switch {
	case known != nil && known.isFinal():
		return &flown{outcome: known}
	case latest != old:
		return nil
	}
	seen := Observation{Begin: r.observers.begin(), Exchange: r.waits.begin(token)}
	defer r.waits.end(token)
	r.counters.running.Add(1)
	var result exchangeResult
	if err := callContained(func() { result = exchange(ctx, old, want, known) }); err != nil {
		result = exchangeResult{
			outcome: failedOutcome(old, want, unavailable(fmt.Errorf("the exchange %w", err), 0)),
			until:   r.clock.Now().Add(retryPause),
		}
	}
	r.counters.running.Add(-1)
	r.counters.add(result.kind())
	if r.observers != nil {
		seen.Duration, seen.Waiters = time.Since(seen.Begin), r.waits.waiting(token, starter)
	}
	r.reached("exchanged")
	r.commitOutcome(old, want, known, result)
	r.reached("committed")
	if result.notify != nil {
		result.notify()
	}
	r.reached("notified")
	r.observeExchange(ctx, old, seen, result)
	return &flown{outcome: result.outcome, number: seen.Exchange, result: result.kind()}
}

// callContained calls f on a new goroutine and waits for it. It returns an error
// if f panicked or called runtime.Goexit. The application's HTTP transport may do
// either.
func callContained(f func()) (err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		returned := false
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("panicked: %v", p)
			} else if !returned {
				err = errors.New("ended its goroutine")
			}
		}()
		f()
		returned = true
	}()
	<-done
	return err
}

// observeWait counts and reports the wait of a request for an exchange that another request had started.
func (r *rotations) observeWait(ctx context.Context, round *exchangeRound, number uint64, outcome string, err error) {
	r.counters.waiters.Add(1)
	if r.observers == nil {
		return // without the memory of an Observation, for each of many waiters
	}
	r.observers.observe(ctx, Observation{
		Kind: ObservedRefreshWait, Outcome: outcome, Err: err, Begin: round.begin, Exchange: number,
		UserID: round.old.UserID(), SessionID: round.old.ID(), OrganizationID: round.old.OrganizationID(),
	})
}

// observeExchange counts and reports an exchange that has ended.
func (r *rotations) observeExchange(ctx context.Context, old *Session, seen Observation, result exchangeResult) {
	seen.Kind, seen.Outcome = ObservedRefresh, result.kind()
	seen.UserID, seen.SessionID, seen.OrganizationID = old.UserID(), old.ID(), old.OrganizationID()
	if next := result.outcome; next != nil {
		seen.Err = next.err
		if next.session != nil {
			seen.OrganizationID = next.session.OrganizationID()
		}
	}
	r.observers.observe(ctx, seen)
}
