// One exchange of a refresh token for all requests that need it.

package authkit

import (
	"context"
	"errors"
	"fmt"
)

// exchangeFunc makes an exchange, or verifies what an earlier one came to.
type exchangeFunc func(ctx context.Context, old *Session, want exchangeTarget, earlier *outcome) exchangeResult

// await returns what a session became in an organization: its own for a
// refresh, another for a switch. The exchange is not cancelled by the request
// that started it. At most one runs for a refresh token, so that a switch that
// meets another exchange goes on from what that came to.
func (f *rotations) exchange(ctx context.Context, old *Session, want exchangeTarget, exchange exchangeFunc) (*outcome, error) {
	const exchangesMet = 5 // in a row, each by another request
	for range exchangesMet {
		var next *outcome
		old, next = f.findOutcome(old, want)
		if next == nil || !next.verified() {
			f.reached("recalled")
			flight := f.flights.DoChan(old.sealed.RefreshToken, func() (any, error) {
				return f.runExchange(context.WithoutCancel(ctx), old, want, exchange), nil
			})
			select {
			case result := <-flight:
				next = result.Val.(*outcome)
			case <-ctx.Done():
				return nil, unavailable(context.Cause(ctx), 0)
			}
		}
		switch {
		case next == nil:
		case !next.verified():
			return next, unavailable(errors.New("the new token could not be verified yet"), 0)
		case next.answers(want):
			return next, next.err
		case next.session != nil:
			old = next.session
		}
	}
	return nil, unavailable(errors.New("the session is being refreshed by too many requests at once"), 0)
}

// run makes the one exchange of a refresh token, unless it was made meanwhile.
// It runs on singleflight's goroutine: a panic there would end the program, and
// after runtime.Goexit no waiting request would be answered.
func (f *rotations) runExchange(ctx context.Context, old *Session, want exchangeTarget, exchange exchangeFunc) *outcome {
	latest, known := f.findOutcome(old, want)
	switch {
	case known != nil && known.verified():
		return known
	case latest != old: // it was made meanwhile, and came to no more than a refresh token
		return nil
	}
	var result exchangeResult
	if err := callContained(func() { result = exchange(ctx, old, want, known) }); err != nil {
		result = exchangeResult{
			outcome: failedOutcome(old, want, unavailable(fmt.Errorf("the exchange %w", err), 0)),
			until:   f.clock.Now().Add(retryPause),
		}
	}
	f.reached("exchanged")
	f.commitOutcome(old, want, known, result)
	f.reached("committed")
	if result.notify != nil {
		result.notify()
	}
	f.reached("notified")
	return result.outcome
}

// contained calls f on a goroutine of its own and waits for it. The error says
// that f panicked or called runtime.Goexit, as the application's own transport
// may do: neither reaches the caller.
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
