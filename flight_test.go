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

// sharedFlight is the exchange of the refresh token "a" that two requests wait for. It is at its step "exchanged".
type sharedFlight struct {
	*rotations
	exchanged []string         // the refresh tokens of the exchanges
	proceed   chan struct{}    // closed by land
	answers   chan flightReply // of both requests
}

// flightReply is what one request of a sharedFlight gets.
type flightReply struct {
	outcome *outcome
	err     error
}

// sessionWith returns a session with a refresh token. Two of them differ in the access token.
func sessionWith(refreshToken string) *Session {
	return makeSession(payload.Session{AccessToken: payload.NewToken("of " + refreshToken), RefreshToken: refreshToken}, &jwks.Claims{SessionID: "session_1"})
}

// newSharedFlight returns a flight whose exchanges have the results of exchange. atStep is called when it lands.
func newSharedFlight(t *testing.T, exchange func(old *Session) exchangeResult, atStep func()) *sharedFlight {
	s := &sharedFlight{rotations: newRotations(newSetClock()), proceed: make(chan struct{}), answers: make(chan flightReply, 2)}
	reached := make(chan struct{}, 9)
	s.step = func(name string) {
		if name == "exchanged" {
			reached <- struct{}{}
			<-s.proceed
			atStep()
		}
	}
	request := func() {
		next, err := s.exchange(context.Background(), sessionWith("a"), exchangeTarget{}, func(_ context.Context, old *Session, _ exchangeTarget, _ *outcome) exchangeResult {
			s.exchanged = append(s.exchanged, old.sealed.RefreshToken)
			return exchange(old)
		})
		s.answers <- flightReply{next, err}
	}
	go request()
	<-reached
	go request()
	require.Eventually(t, func() bool { return s.counters.waiting.Load() == 2 }, 15*time.Second, time.Millisecond)
	return s
}

// land lets the flight end, and returns what both requests have got.
func (s *sharedFlight) land() (one, two flightReply) {
	close(s.proceed)
	return <-s.answers, <-s.answers
}

// refreshedTo returns the result of an exchange that makes a session.
func refreshedTo(next *Session) exchangeResult {
	return exchangeResult{outcome: &outcome{sealed: *next.sealed, session: next}, until: newSetClock().now.Add(time.Hour)}
}

func TestAllRequestsOfAFlightThatLeavesASuccessorOnlyExchangeThatOnce(t *testing.T) {
	last := sessionWith("c")
	s := newSharedFlight(t, func(old *Session) exchangeResult {
		if old.sealed.RefreshToken == "a" {
			return exchangeResult{successor: "b", adopted: true}
		}
		return refreshedTo(last)
	}, func() {})
	one, two := s.land()
	require.NoError(t, one.err)
	require.NoError(t, two.err)
	assert.Same(t, last, one.outcome.session)
	assert.Same(t, last, two.outcome.session)
	assert.Equal(t, []string{"a", "b"}, s.exchanged)
	assert.Empty(t, s.flights.flying)
	assert.EqualValues(t, 1, s.counters.adopted.Load())
	assert.EqualValues(t, 1, s.counters.exchanged.Load())
}

// Other instances have refreshed the session more often than a request may wait for exchanges with other targets.
func TestARequestFollowsAnyNumberOfSuccessorsOfOtherInstances(t *testing.T) {
	r := newRotations(newSetClock())
	last, exchanges := sessionWith("last"), 0
	next, err := r.exchange(t.Context(), sessionWith("a"), exchangeTarget{}, func(_ context.Context, old *Session, _ exchangeTarget, _ *outcome) exchangeResult {
		if exchanges++; exchanges <= 20 {
			return exchangeResult{successor: old.sealed.RefreshToken + "a", adopted: true}
		}
		return refreshedTo(last)
	})
	require.NoError(t, err)
	assert.Same(t, last, next.session)
	assert.Equal(t, 21, exchanges)
}

// A failure whose pause is over at once is not remembered. It answers the requests of its flight and no later one.
func TestAnOutcomeThatIsNotRememberedAnswersTheRequestsOfItsFlight(t *testing.T) {
	s := newSharedFlight(t, func(old *Session) exchangeResult {
		return exchangeResult{outcome: failedOutcome(old, exchangeTarget{}, errRefreshRefused), until: newSetClock().now}
	}, func() {})
	one, two := s.land()
	assert.ErrorIs(t, one.err, errRefreshRefused)
	assert.ErrorIs(t, two.err, errRefreshRefused)
	assert.Equal(t, []string{"a"}, s.exchanged)
	assert.EqualValues(t, 1, s.counters.waiters.Load())

	next, err := s.exchange(t.Context(), sessionWith("a"), exchangeTarget{}, func(context.Context, *Session, exchangeTarget, *outcome) exchangeResult {
		return refreshedTo(sessionWith("b"))
	})
	require.NoError(t, err)
	assert.Equal(t, "b", next.session.sealed.RefreshToken)
}

// The goroutine ends before the outcome is stored. The requests must not take that for an answer of WorkOS.
func TestAllRequestsOfAFlightWhoseGoroutineEndsAreAnswered(t *testing.T) {
	s := newSharedFlight(t, func(*Session) exchangeResult {
		return exchangeResult{outcome: failedOutcome(sessionWith("a"), exchangeTarget{}, errSessionEnded), until: newSetClock().now.Add(time.Hour)}
	}, runtime.Goexit)
	one, two := s.land()
	for _, reply := range []flightReply{one, two} {
		assert.ErrorIs(t, reply.err, ErrUnavailable)
		assert.NotErrorIs(t, reply.err, errSessionEnded)
	}
	assert.Empty(t, s.flights.flying)
	assert.Zero(t, s.counters.waiting.Load())
	assert.Zero(t, s.counters.running.Load())
}

// Two requests find no outcome. Then another flight ends, and they start and join a flight that finds its outcome. They have waited
// for no exchange.
func TestTheRequestsOfAFlightThatFindsAnOutcomeAreNoWaiters(t *testing.T) {
	r := newRotations(newSetClock())
	next := sessionWith("b")
	r.commitOutcome(sessionWith("a"), exchangeTarget{}, nil, refreshedTo(next))
	answers := make(chan flightReply, 2)
	r.mu.Lock() // the flight does not look for the outcome before
	for range cap(answers) {
		go func() {
			found, err := r.awaitExchange(context.Background(), sessionWith("a"), exchangeTarget{}, nil)
			answers <- flightReply{found, err}
		}()
	}
	require.Eventually(t, func() bool { return r.counters.waiting.Load() == 2 }, 15*time.Second, time.Millisecond)
	r.mu.Unlock()
	for range cap(answers) {
		reply := <-answers
		require.NoError(t, reply.err)
		assert.Same(t, next, reply.outcome.session)
	}
	assert.Zero(t, r.counters.waiters.Load())
	assert.Zero(t, r.flights.number.Load())
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
