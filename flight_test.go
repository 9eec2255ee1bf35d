// Flights: who starts one, who waits for it, and when it is forgotten.

package authkit

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/payload"
	"github.com/authkit-go/authkit/jwks"
)

func TestAFlightIsForgottenAtItsEndAlsoIfRequestsHaveLeft(t *testing.T) {
	for name, steps := range map[string]func(f *flights, flight *flight){
		"the request waits":    func(*flights, *flight) {},
		"the request has left": func(f *flights, flight *flight) { f.leave(flight) },
	} {
		t.Run(name, func(t *testing.T) {
			f := &flights{}
			flight, starts := f.join("token")
			assert.True(t, starts)
			assert.Zero(t, f.waiting(flight))
			joined, starts := f.join("token")
			assert.False(t, starts)
			assert.Same(t, flight, joined)
			assert.Equal(t, 1, f.waiting(flight))
			other, starts := f.join("another token")
			assert.True(t, starts)
			assert.NotSame(t, flight, other)
			steps(f, flight)
			f.end("token", flight)
			assert.Len(t, f.flying, 1)
			f.end("another token", other)
			assert.Empty(t, f.flying)

			assert.True(t, flight.await(t.Context()))
			later, starts := f.join("token")
			assert.True(t, starts)
			assert.NotSame(t, flight, later)
		})
	}
}

// readContext is a context that tells a test when it is read.
type readContext struct {
	context.Context
	read func()
}

func (c *readContext) Value(key any) any {
	c.read()
	return c.Context.Value(key)
}

// Stats counts the requests that wait, and the observation of an exchange counts its waiters. If Stats does not count a request
// any more, then the exchange must not count it either.
func TestARequestThatHasLeftIsNoWaiterWhenItDoesNotWaitAnyMore(t *testing.T) {
	r := newRotations(newSetClock())
	session := makeSession(payload.Session{AccessToken: payload.NewToken("1"), RefreshToken: "a"}, &jwks.Claims{})
	flight, starts := r.flights.join("a")
	require.True(t, starts)
	left, leave := context.WithCancelCause(t.Context())
	gone := errors.New("the client is gone")
	leave(gone)
	reads := 0
	ctx := &readContext{left, func() { // when the request makes its error
		reads++
		assert.Zero(t, r.counters.waiting.Load())
		assert.Zero(t, r.flights.waiting(flight))
	}}
	_, err := r.awaitExchange(ctx, session, exchangeTarget{}, nil)
	assert.ErrorIs(t, err, ErrUnavailable)
	assert.ErrorIs(t, err, gone)
	assert.Positive(t, reads)
	assert.EqualValues(t, 1, r.counters.waiters.Load())
}

// The calls of application code are contained, so nothing that is known ends the goroutine of a flight.
func TestAFlightWhoseGoroutineEndsAnswersItsRequests(t *testing.T) {
	r := newRotations(newSetClock())
	r.step = func(name string) {
		if name == "exchanged" {
			runtime.Goexit()
		}
	}
	session := makeSession(payload.Session{AccessToken: payload.NewToken("1"), RefreshToken: "a"}, &jwks.Claims{})
	exchanges := 0
	_, err := r.exchange(t.Context(), session, exchangeTarget{}, func(_ context.Context, old *Session, want exchangeTarget, _ *outcome) exchangeResult {
		exchanges++
		return exchangeResult{outcome: failedOutcome(old, want, errRefreshRefused), until: r.clock.Now().Add(time.Minute)}
	})
	assert.ErrorIs(t, err, ErrUnavailable)
	assert.Equal(t, 1, exchanges)
	assert.Empty(t, r.flights.flying)
}
