// UntilEnd: when the watch of a stream looks at its session, which session it takes for the newest, and whose refusal ends it.

package authkit

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/replica"
)

// waitingClock records for how long its timers wait. None of them fires.
type waitingClock struct {
	setClock
	waits   []time.Duration
	stopped int
}

func (c *waitingClock) AfterFunc(d time.Duration, _ func()) (stop func() bool) {
	c.waits = append(c.waits, d)
	return func() bool {
		c.stopped++
		return true
	}
}

func TestTheWatchOfAStreamLooksAgainInTime(t *testing.T) {
	const minute = time.Minute
	for name, c := range map[string]struct {
		expires  time.Duration // from now
		before   time.Duration // within which another request may refresh the session
		store    bool
		bearer   bool          // the session has no refresh token
		deadline time.Duration // of revocations
		limit    time.Duration // of sessions whose times are known, which those of a bearer token are not
		want     time.Duration
	}{
		"a minute after the token has expired":                {expires: 5 * minute, want: 6 * minute},
		"at once":                                             {expires: -2 * minute, want: 0},
		"each minute as long as a refresh may come":           {expires: -2 * minute, before: 10 * minute, want: minute},
		"when no refresh may come any more":                   {expires: -2 * minute, before: 20 * time.Second, want: 20 * time.Second},
		"not before the expiry, although a refresh may come":  {expires: 5 * minute, before: 20 * minute, want: 6 * minute},
		"each minute with a store":                            {expires: 5 * minute, store: true, want: minute},
		"three times after the expiry with a store":           {expires: -30 * time.Second, store: true, want: 20 * time.Second},
		"once with a store for a bearer token":                {expires: -30 * time.Second, store: true, bearer: true, want: 30 * time.Second},
		"at the expiry with a store":                          {expires: 30 * time.Second, store: true, want: 30 * time.Second},
		"earlier than that with a store":                      {expires: -50 * time.Second, store: true, want: 10 * time.Second},
		"each minute with a store, although the token is old": {expires: -2 * minute, before: 10 * minute, store: true, want: minute},
		"within a short deadline":                             {expires: 5 * minute, store: true, deadline: 15 * time.Second, want: 15 * time.Second},
		"at the expiry of a bearer token, despite a limit":    {expires: 5 * minute, limit: minute, want: 6 * minute},
		"each minute with a long deadline":                    {expires: 5 * minute, store: true, deadline: 5 * minute, want: minute},
	} {
		t.Run(name, func(t *testing.T) {
			clock := &waitingClock{setClock: *newSetClock()}
			a := newOffline(t, clock)
			a.revocationDeadline, a.absoluteTimeout, a.idleTimeout = c.deadline, c.limit, c.limit
			if c.store {
				a.replicas = &replica.Protocol{}
			}
			ctx, cancel := context.WithCancelCause(t.Context())
			s := sessionFor(t, "session_1", time.Time{}, clock.now, clock.now.Add(c.expires))
			if c.bearer {
				s.sealed.RefreshToken = ""
			}
			u := &endWatch{authKit: a, ctx: ctx, cancel: cancel, session: s, newest: s, notBefore: clock.now.Add(c.before)}
			u.arm()
			assert.Equal(t, []time.Duration{c.want}, clock.waits)
			u.release()
			assert.Equal(t, 1, clock.stopped)
			cancel(ErrUnauthenticated)
			u.arm()
			assert.Len(t, clock.waits, 1, "not after its end")
		})
	}
}

func TestTheWatchOfAStreamTakesOnlyANewerSessionOfItsUser(t *testing.T) {
	const minute = time.Minute
	for name, c := range map[string]struct {
		refreshed, expires time.Duration // later than those of the session of the stream
		user               string
		bearer             bool
		taken              bool
	}{
		"a refresh":                              {refreshed: 4 * minute, expires: 4 * minute, taken: true},
		"a later use of a token":                 {refreshed: 4 * minute, taken: true},
		"a longer token":                         {refreshed: -minute, expires: 4 * minute, taken: true},
		"the same":                               {},
		"an old copy of the cookie":              {refreshed: -4 * minute, expires: -4 * minute},
		"another user":                           {refreshed: 4 * minute, expires: 4 * minute, user: "user_other"},
		"a cookie beside a stream with a bearer": {refreshed: 4 * minute, expires: 4 * minute, bearer: true},
	} {
		t.Run(name, func(t *testing.T) {
			now := newSetClock().now
			s := sessionFor(t, "session_1", now, now, now.Add(5*minute))
			s.sealed.RefreshedAt, s.bearer = now, c.bearer
			next := sessionFor(t, "session_1", now, now, now.Add(5*minute+c.expires))
			next.sealed.RefreshedAt = now.Add(c.refreshed)
			if c.user != "" {
				next.claims.Subject = c.user
			}
			u := &endWatch{session: s, newest: s}
			u.refreshed(next)
			if c.taken {
				assert.Same(t, next, u.newest)
			} else {
				assert.Same(t, s, u.newest)
			}
		})
	}
}

func TestUntilEndAfterReleasesItsTimersWhenTheRequestEnds(t *testing.T) {
	clock := &timerClock{}
	a := newOffline(t, clock)
	now := time.Now()
	s := sessionFor(t, "session_1", now, now, now.Add(time.Hour))
	request, end := context.WithCancel(t.Context())
	for range 10 {
		require.NoError(t, a.UntilEndAfter(NewContext(request, s), time.Hour).Err())
	}
	require.EqualValues(t, 20, clock.pending.Load())
	end()
	require.Eventually(t, func() bool { return clock.pending.Load() == 0 }, 10*time.Second, time.Millisecond)
}

func TestUntilEndAfterNoTimeEndsAtOnceWithoutASession(t *testing.T) {
	a := newOffline(t, &waitingClock{setClock: *newSetClock()})
	for _, d := range []time.Duration{0, -time.Second} {
		assert.ErrorIs(t, context.Cause(a.UntilEndAfter(t.Context(), d)), ErrUnauthenticated)
	}
	assert.NoError(t, a.UntilEndAfter(t.Context(), time.Second).Err())
}

func TestARefusalByWorkOSEndsTheStreamsOfTheNewestToken(t *testing.T) {
	for name, c := range map[string]struct {
		own, refused string
		exchanged    bool // a for b
		ends         bool
	}{
		"the token of the stream":                      {own: "a", refused: "a", ends: true},
		"the successor of the token of the stream":     {own: "a", refused: "b", exchanged: true, ends: true},
		"the predecessor, whose exchange was repeated": {own: "b", refused: "a", exchanged: true, ends: true},
		"an old token whose exchange is forgotten":     {own: "b", refused: "a"},
		"a token of which nothing is known":            {own: "a", refused: "b"},
	} {
		t.Run(name, func(t *testing.T) {
			clock := newSetClock()
			a := newOffline(t, clock)
			s := sessionFor(t, "session_1", clock.now, clock.now, clock.now.Add(time.Hour))
			if c.exchanged {
				a.rotations.commitOutcome(withToken(s, "a"), exchangeTarget{}, nil, exchangeResult{successor: "b"})
			}
			ctx, cancel := context.WithCancelCause(t.Context())
			u := &endWatch{authKit: a, ctx: ctx, cancel: cancel, session: s, newest: withToken(s, c.own)}
			u.endedByWorkOS(withToken(s, c.refused))
			assert.Equal(t, c.ends, ctx.Err() != nil)
		})
	}
}
