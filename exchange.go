// One exchange of a refresh token for all requests that need it.

package authkit

import (
	"context"
	"errors"
	"fmt"
)

// exchangeFunc makes an exchange, or verifies what an earlier one came to.
type exchangeFunc func(ctx context.Context, old *Session, want wanted, earlier *renewal) exchangeResult

// await returns what a session became in an organization: its own for a
// refresh, another for a switch. The exchange is not cancelled by the request
// that started it. At most one runs for a refresh token, so that a switch that
// meets another exchange goes on from what that came to.
func (f *refreshes) await(ctx context.Context, old *Session, want wanted, exchange exchangeFunc) (*renewal, error) {
	const exchangesMet = 5 // in a row, each by another request
	for range exchangesMet {
		var next *renewal
		old, next = f.recall(old, want)
		if next == nil || !next.settled() {
			f.at("recalled")
			flight := f.flights.DoChan(old.sealed.RefreshToken, func() (any, error) {
				return f.run(context.WithoutCancel(ctx), old, want, exchange), nil
			})
			select {
			case result := <-flight:
				next = result.Val.(*renewal)
			case <-ctx.Done():
				return nil, unavailable(context.Cause(ctx), 0)
			}
		}
		switch {
		case next == nil:
		case !next.settled():
			return next, unavailable(errors.New("the new token could not be verified yet"), 0)
		case next.serves(want):
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
func (f *refreshes) run(ctx context.Context, old *Session, want wanted, exchange exchangeFunc) *renewal {
	latest, known := f.recall(old, want)
	switch {
	case known != nil && known.settled():
		return known
	case latest != old: // it was made meanwhile, and came to no more than a refresh token
		return nil
	}
	var result exchangeResult
	if err := contained(func() { result = exchange(ctx, old, want, known) }); err != nil {
		result = exchangeResult{
			next:  failed(old, want, unavailable(fmt.Errorf("the exchange %w", err), 0)),
			until: f.clock.Now().Add(retryPause),
		}
	}
	f.at("exchanged")
	f.commit(old, want, known, result)
	f.at("committed")
	if result.notify != nil {
		result.notify()
	}
	f.at("notified")
	return result.next
}

// contained calls f on a goroutine of its own and waits for it. The error says
// that f panicked or called runtime.Goexit, as the application's own transport
// may do: neither reaches the caller.
func contained(f func()) (err error) {
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
