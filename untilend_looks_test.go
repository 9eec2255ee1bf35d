// UntilEnd beside other instances: when the watch of a stream asks the store for a refresh.

package authkit_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/internal/behaviour"
)

// refreshAtTwo refreshes the session at the other instance, with a cookie of it. It returns the new one.
func (s *watchedStream) refreshAtTwo(t *testing.T, cookie string) string {
	t.Helper()
	return s.two.Send(behaviour.Request{Target: "/account", Cookie: cookie}).NewCookie(t)
}

// assertOpen checks that the stream goes on: it ends with a sign-out at its instance.
func (s *watchedStream) assertOpen(t *testing.T, cookie string) {
	t.Helper()
	assert.True(t, s.IsOpen())
	s.one.SignOut(t, cookie)
	assert.ErrorContains(t, s.Cause(), "signed out")
}

// The store fails at the end of the minute after the expiry. It has answered a question within that minute, whenever the stream
// has begun.
func TestARefreshAtAnotherInstanceKeepsAStreamDuringAnOutageOfTheStore(t *testing.T) {
	for _, begin := range []time.Duration{0, 15 * time.Second, 30 * time.Second, 45 * time.Second, 50 * time.Second, 55 * time.Second, 59 * time.Second} {
		t.Run(begin.String(), func(t *testing.T) {
			s := openWatchedAfter(t, begin)
			s.looks.pass(5*time.Minute + 5*time.Second - begin)
			fresh := s.refreshAtTwo(t, s.cookie)
			s.looks.pass(43 * time.Second)
			s.store.SetDown(true)
			s.looks.pass(15 * time.Second) // to a minute and three seconds after the expiry
			s.store.SetDown(false)
			s.assertOpen(t, fresh)
		})
	}
}

// The idle timeout is over before the token expires.
func TestARefreshAtAnotherInstanceKeepsAStreamWithAnIdleTimeout(t *testing.T) {
	for name, down := range map[string]bool{"the store answers": false, "the store fails at the end of the timeout": true} {
		t.Run(name, func(t *testing.T) {
			s := openWatchedAfter(t, 0, authkit.WithIdleTimeout(4*time.Minute))
			s.looks.pass(150 * time.Second)
			fresh := s.refreshAtTwo(t, s.cookie)
			s.looks.pass(80 * time.Second)
			s.store.SetDown(down)
			s.looks.pass(15 * time.Second)
			s.store.SetDown(false)
			s.assertOpen(t, fresh)
		})
	}
}

// The same holds for the second token of a stream.
func TestASecondRefreshAtAnotherInstanceKeepsAStreamDuringAnOutageOfTheStore(t *testing.T) {
	s := openWatched(t)
	s.looks.pass(5*time.Minute + 5*time.Second)
	second := s.refreshAtTwo(t, s.cookie) // its token expires after 10:05
	s.looks.pass(5*time.Minute + 5*time.Second)
	third := s.refreshAtTwo(t, second)
	s.looks.pass(48 * time.Second)
	s.store.SetDown(true)
	s.looks.pass(10 * time.Second)
	s.assertOpen(t, third)
}

func TestAStreamAsksTheStoreOnlyInTheMinuteAfterTheExpiry(t *testing.T) {
	for _, begin := range []time.Duration{0, 10 * time.Second, 30 * time.Second, 50 * time.Second} {
		t.Run(begin.String(), func(t *testing.T) {
			s := openWatchedAfter(t, begin)
			s.looks.pass(time.Second)
			s.store.ResetCommands()
			s.looks.pass(5*time.Minute - begin - 2*time.Second)
			assert.Zero(t, s.store.Commands().Get, "before the expiry")
			s.looks.pass(time.Second)
			assert.Equal(t, 1, s.store.Commands().Get, "at the expiry")
			s.looks.pass(time.Second)
			s.refreshAtTwo(t, s.cookie) // its token expires after 10:01
			s.store.ResetCommands()
			s.looks.pass(time.Minute)
			assert.Equal(t, 2, s.store.Commands().Get, "the record of the refresh, and none of a later one")
			s.store.ResetCommands()
			s.looks.pass(239 * time.Second)
			assert.Zero(t, s.store.Commands().Get, "until the new token expires")
			s.looks.pass(61 * time.Second)
			assert.ErrorContains(t, s.Cause(), "expired")
			assert.Equal(t, 4, s.store.Commands().Get, "at the expiry, after 20, 40 and 60 seconds")
		})
	}
}

func TestAStreamWithABearerTokenAsksNoStore(t *testing.T) {
	r := behaviour.NewReplicas(t, 1, behaviour.AppOptions{AuthKit: []authkit.Option{authkit.WithBearerTokens()}})
	one := r.Instances[0]
	looks := watchLooks(one)
	session, err := one.VerifyToken(t.Context(), one.Fake.BearerToken(behaviour.Kim))
	require.NoError(t, err)
	r.Store.ResetCommands()
	ctx := one.UntilEnd(authkit.NewContext(t.Context(), session))
	looks.pass(session.ExpiresAt().Sub(r.Clock.Now()) + 59*time.Second)
	require.NoError(t, ctx.Err())
	looks.pass(time.Second)
	require.Error(t, ctx.Err())
	assert.Zero(t, r.Store.Commands().Get)
}

// The end is exact, whenever the stream has begun and whatever the store does.
func TestAStreamBesideAStoreEndsAtItsTime(t *testing.T) {
	for name, c := range map[string]struct {
		begin time.Duration
		opts  []authkit.Option
		end   time.Duration // after the sign-in
		fail  func(*watchedStream)
	}{
		"a minute after the expiry":                {0, nil, 6 * time.Minute, nil},
		"as above, begun after 33 seconds":         {33 * time.Second, nil, 6 * time.Minute, nil},
		"as above, begun after 59 seconds":         {59 * time.Second, nil, 6 * time.Minute, nil},
		"a limit after the expiry":                 {0, []authkit.Option{authkit.WithAbsoluteTimeout(327 * time.Second)}, 327 * time.Second, nil},
		"a limit after the expiry, the store down": {0, []authkit.Option{authkit.WithAbsoluteTimeout(327 * time.Second)}, 327 * time.Second, func(s *watchedStream) { s.store.SetDown(true) }},
		"a limit after the expiry, the store hangs": {0, []authkit.Option{authkit.WithAbsoluteTimeout(327 * time.Second)}, 327 * time.Second,
			func(s *watchedStream) { s.store.SetFrozen(true) }},
		"a limit that no refresh moves": {50 * time.Second, []authkit.Option{authkit.WithAbsoluteTimeout(7 * time.Minute)}, 7 * time.Minute,
			func(s *watchedStream) {
				require.Equal(t, http.StatusOK, s.two.Send(behaviour.Request{Target: "/account", Cookie: s.cookie}).Status)
			}},
	} {
		t.Run(name, func(t *testing.T) {
			s := openWatchedAfter(t, c.begin, c.opts...)
			s.looks.pass(5*time.Minute + 5*time.Second - c.begin)
			if c.fail != nil {
				c.fail(s)
			}
			s.looks.pass(c.end - 5*time.Minute - 6*time.Second)
			assert.True(t, s.IsOpen(), "a second before its end")
			s.looks.pass(time.Second)
			assert.ErrorContains(t, s.Cause(), "expired")
		})
	}
}
