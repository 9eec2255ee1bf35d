// One exchange of a refresh token for all requests that need it.

package authkit

import (
	"context"
	"errors"
	"fmt"
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
		if next == nil {
			if _, linked := r.successorToken(old.sealed.RefreshToken); linked {
				continue // another instance has exchanged the token, or another flight
			}
		} else if result, ok, err := next.resultFor(old, want); ok {
			return result, err
		} else if next.session != nil {
			old = next.session
		}
		exchanges++
	}
	return nil, unavailable(errors.New("too many requests refresh the session at once"), 0)
}

// resultFor returns what an exchange of old returns to a request that wants a target and has got the outcome. It reports false
// if another exchange is needed, of the session of the outcome.
func (o *outcome) resultFor(old *Session, want exchangeTarget) (result *outcome, ok bool, err error) {
	switch {
	case !o.isFor(old):
		return failedOutcome(old, want, errTokenNotAccepted), true, errTokenNotAccepted
	case !o.isFinal():
		return o, true, unavailable(errors.New("the new token could not be verified yet"), 0)
	case old.sealed.Unsealed && errors.Is(o.err, errSessionEnded):
		// The session of the refresh token has ended. It may be another one.
		return o, true, fmt.Errorf("%w: %v", errRefreshRefused, o.err)
	case o.answers(want):
		return o, true, o.err
	}
	return nil, false, nil
}

// awaitExchange waits for the exchange of a refresh token, which it starts if none is under way. It returns nil if only a new
// refresh token is known.
func (r *rotations) awaitExchange(ctx context.Context, old *Session, want exchangeTarget, exchange exchangeFunc) (*outcome, error) {
	begin := r.observers.begin()
	flight, starts := r.flights.join(old.sealed.RefreshToken)
	if starts {
		r.startFlight(ctx, flight, old, want, exchange)
	}
	r.counters.waiting.Add(1)
	ended := flight.await(ctx)
	if !ended && !starts {
		r.flights.leave(flight) // before waiting: a request that Stats does not count any more is no waiter of the exchange
		r.reached("left")
	}
	r.counters.waiting.Add(-1)
	if !ended {
		return nil, r.leftFlight(ctx, flight, starts, old, begin)
	}
	landed := &flight.landed
	if !starts && landed.number != 0 {
		r.observeWait(ctx, old, begin, landed.number, landed.result, landed.err())
	}
	return landed.outcome, nil
}

// leftFlight is called for a request whose wait has ended before the flight. It returns the error of the request.
func (r *rotations) leftFlight(ctx context.Context, f *flight, started bool, old *Session, begin time.Time) error {
	err := unavailable(context.Cause(ctx), 0)
	if !started {
		r.observeWait(ctx, old, begin, f.number.Load(), OutcomeLeft, err)
	}
	return err
}

// startFlight starts the goroutine of a flight.
func (r *rotations) startFlight(ctx context.Context, f *flight, old *Session, want exchangeTarget, exchange exchangeFunc) {
	go r.fly(context.WithoutCancel(ctx), f, old, want, exchange)
}

// fly makes the exchange of a flight on a goroutine of its own, because the request that starts it may leave.
//
// A panic on that goroutine ends the program, so the calls of application code are contained. If something ends the goroutine
// all the same, the requests are answered: they cannot know whether the refresh token is consumed.
func (r *rotations) fly(ctx context.Context, f *flight, old *Session, want exchangeTarget, exchange exchangeFunc) {
	defer r.flights.end(old.sealed.RefreshToken, f)
	f.landed.outcome = failedOutcome(old, want, unavailable(errors.New("the goroutine of the exchange has ended"), 0))
	f.landed = r.runExchange(ctx, f, old, want, exchange)
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
// no outcome if that flight left only a new refresh token.
func (r *rotations) runExchange(ctx context.Context, f *flight, old *Session, want exchangeTarget, exchange exchangeFunc) flown {
	latest, known := r.findOutcome(old, want)
	switch {
	case known != nil && known.isFinal():
		return flown{outcome: known}
	case latest != old:
		return flown{}
	}
	number := r.flights.number.Add(1)
	f.number.Store(number)
	seen := Observation{Begin: r.observers.begin(), Exchange: number}
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
		seen.Duration, seen.Waiters = time.Since(seen.Begin), r.flights.waiting(f)
	}
	r.reached("exchanged")
	r.commitOutcome(old, want, known, result)
	r.reached("committed")
	if result.notify != nil {
		result.notify()
	}
	r.reached("notified")
	r.observeExchange(ctx, old, seen, result)
	return flown{outcome: result.outcome, number: number, result: result.kind()}
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
func (r *rotations) observeWait(ctx context.Context, old *Session, begin time.Time, number uint64, outcome string, err error) {
	r.counters.waiters.Add(1)
	if r.observers != nil { // without the memory of an Observation, for each of many waiters
		r.reportWait(ctx, old, begin, number, outcome, err)
	}
}

// reportWait is not a part of observeWait, because an Observation takes much of the stack.
func (r *rotations) reportWait(ctx context.Context, old *Session, begin time.Time, number uint64, outcome string, err error) {
	r.observers.observe(ctx, Observation{
		Kind: ObservedRefreshWait, Outcome: outcome, Err: err, Begin: begin, Exchange: number,
		UserID: old.UserID(), SessionID: old.ID(), OrganizationID: old.OrganizationID(),
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
