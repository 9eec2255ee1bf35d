// Cached sessions about which time changes nothing for a while: each change has its effect at the same instant as without the
// cache.

package behaviour

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// outcomeOfCookie sends a request and returns what the statistics count it as.
func (c *cachingApp) outcomeOfCookie(cookie string) string {
	c.T.Helper()
	before := countersOf(c.Stats())
	c.Send(Request{Target: "/seen", Cookie: cookie})
	for path, n := range moved(before, countersOf(c.Stats())) {
		if outcome, ok := strings.CutPrefix(path, "Requests."); ok && n > 0 {
			return outcome
		}
	}
	return "not counted"
}

// steadyCookie is cachedCookie, with enough requests that the later ones need no more than the comparison with the clock.
func (c *cachingApp) steadyCookie() (cookie string) {
	c.T.Helper()
	cookie = c.cachedCookie()
	require.Equal(c.T, "cached", c.outcomeOfCookie(cookie))
	return cookie
}

// keepSteady sets the clock to a time, and sends requests until the keys are fresh and the session is steady then.
func (c *cachingApp) keepSteady(cookie string, at time.Time) {
	c.T.Helper()
	c.Clock.Set(at)
	c.outcomeOfCookie(cookie)
	require.Eventually(c.T, func() bool { return c.Stats().Keys.Age < 10*time.Minute }, WaitTimeout, time.Millisecond)
	c.outcomeOfCookie(cookie)
	c.outcomeOfCookie(cookie)
}

func TestTheAgeOfACachedSessionHasItsEffectAtItsInstant(t *testing.T) {
	const nanosecond = time.Nanosecond
	for name, c := range map[string]struct {
		opts   []authkit.Option
		fault  bool          // WorkOS makes no refresh
		at     time.Duration // after the sign-in
		before string
		then   string
	}{
		"refresh ahead of the expiry":   {at: 59 * time.Minute, before: "cached", then: "refreshed"},
		"refresh without WorkOS":        {at: 59 * time.Minute, fault: true, before: "cached", then: "cached"},
		"expiry of the token":           {at: time.Hour + time.Minute, fault: true, before: "cached", then: "unavailable"},
		"absolute timeout":              {opts: []authkit.Option{authkit.WithAbsoluteTimeout(20 * time.Minute)}, at: 20 * time.Minute, before: "cached", then: "ended"},
		"half of the idle timeout":      {opts: []authkit.Option{authkit.WithIdleTimeout(20 * time.Minute)}, at: 10 * time.Minute, before: "cached", then: "refreshed"},
		"idle timeout, without WorkOS":  {opts: []authkit.Option{authkit.WithIdleTimeout(20 * time.Minute)}, at: 20 * time.Minute, fault: true, before: "cached", then: "ended"},
		"a minute before it was issued": {at: -time.Minute, before: "token_refused", then: "cached"},
	} {
		t.Run(name, func(t *testing.T) {
			app := newCachingApp(t, c.opts...)
			cookie := app.steadyCookie()
			if c.fault {
				app.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: http.StatusUnauthorized, Body: `{"message":"Unauthorized"}`})
			}
			at := Start.Add(c.at)
			app.keepSteady(cookie, at.Add(-time.Minute))
			app.Clock.Set(at.Add(-nanosecond))
			assert.Equal(t, c.before, app.outcomeOfCookie(cookie))
			app.Clock.Set(at)
			assert.Equal(t, c.then, app.outcomeOfCookie(cookie))
			app.Clock.Set(at.Add(-nanosecond))
			assert.Equal(t, c.before, app.outcomeOfCookie(cookie), "the clock was set back")
		})
	}
}

func TestTheKeysOfACachedSessionAreFetchedWhenTheyAreTenMinutesOld(t *testing.T) {
	c := newCachingApp(t)
	cookie := c.steadyCookie()
	fetches := func() uint64 { return c.Stats().Keys.Fetches }
	before := fetches()
	c.Clock.Set(Start.Add(10*time.Minute - time.Nanosecond))
	assert.Equal(t, "cached", c.outcomeOfCookie(cookie))
	assert.Equal(t, before, fetches())
	assert.Equal(t, 1, c.Fake.Calls(authkittest.RouteJWKS))
	c.Clock.Set(Start.Add(10 * time.Minute))
	assert.Equal(t, "cached", c.outcomeOfCookie(cookie), "the fetch is behind the request")
	c.Fake.AwaitCalls(t, authkittest.RouteJWKS, 2)
	require.Eventually(t, func() bool { return fetches() == before+1 }, WaitTimeout, time.Millisecond)
	for range 3 {
		assert.Equal(t, "cached", c.outcomeOfCookie(cookie), "with the new keys")
	}
	assert.Equal(t, 2, c.Fake.Calls(authkittest.RouteJWKS))
}

// A change that this process learns of has its effect at the next request, whatever is known of the session in advance.
func TestAMarkHasItsEffectAtTheNextRequestOfASteadySession(t *testing.T) {
	for name, c := range map[string]struct {
		mark func(t *testing.T, s *statsApp, cookie string)
		want string
	}{
		"a sign-out": {func(t *testing.T, s *statsApp, cookie string) { s.SignOut(t, cookie) }, "ended"},
		"EndSession": {func(t *testing.T, s *statsApp, _ string) {
			require.NoError(t, s.EndSession(t.Context(), s.SessionID()))
		}, "ended"},
		"EndUser": {func(t *testing.T, s *statsApp, _ string) { require.NoError(t, s.EndUser(t.Context(), "user_kim")) }, "ended"},
		"a delivered event": {func(t *testing.T, s *statsApp, _ string) {
			checkDelivered(t, s.deliver(sessionRevoked("event_1", s.SessionID())))
		}, "ended"},
		"RefreshUser": {func(t *testing.T, s *statsApp, _ string) { require.NoError(t, s.RefreshUser(t.Context(), "user_kim")) }, "refreshed"},
		"RefreshAll":  {func(t *testing.T, s *statsApp, _ string) { require.NoError(t, s.RefreshAll(t.Context())) }, "refreshed"},
		"another user's sign-out": {func(t *testing.T, s *statsApp, _ string) {
			s.SignOut(t, s.finishSignIn(s.StartSignInAs("/login", lee)).session(t))
		}, "cached"},
		"nothing": {func(*testing.T, *statsApp, string) {}, "cached"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStatsApp(t)
			app := &cachingApp{App: s.App}
			cookie := s.signedIn()
			require.Equal(t, "verified", app.outcomeOfCookie(cookie))
			for range 3 {
				require.Equal(t, "cached", app.outcomeOfCookie(cookie))
			}
			s.Clock.Advance(2 * time.Second)
			c.mark(t, s, cookie)
			assert.Equal(t, c.want, app.outcomeOfCookie(cookie))
		})
	}
}

func TestASignOutAtAnotherInstanceHasItsEffectOnASteadySession(t *testing.T) {
	r := NewReplicas(t, 2, AppOptions{AuthKit: []authkit.Option{authkit.WithSessionCache(100, 1<<20)}})
	one, two := r.Instances[0], r.Instances[1]
	cookie := one.SignedIn(Kim).CookieHeader()
	app := &cachingApp{App: two}
	require.Equal(t, "verified", app.outcomeOfCookie(cookie))
	for range 3 {
		require.Equal(t, "cached", app.outcomeOfCookie(cookie))
	}
	one.SignOut(t, cookie)
	r.settle(t)
	assert.Equal(t, "ended", app.outcomeOfCookie(cookie))
}

func TestTheRevocationDeadlineHoldsForASteadySession(t *testing.T) {
	r := NewReplicas(t, 1, AppOptions{AuthKit: []authkit.Option{authkit.WithSessionCache(100, 1<<20), authkit.WithRevocationDeadline(15 * time.Second)}})
	one := r.Instances[0]
	cookie := one.SignedIn(Kim).CookieHeader()
	app := &cachingApp{App: one}
	for range 3 {
		require.Equal(t, "cached", app.outcomeOfCookie(cookie))
	}
	r.Store.SetDown(true)
	readAt := one.Stats().Store.LogReadAt
	r.Clock.Set(readAt.Add(15 * time.Second))
	assert.Equal(t, "cached", app.outcomeOfCookie(cookie))
	r.Clock.Advance(time.Nanosecond)
	assert.Equal(t, "unavailable", app.outcomeOfCookie(cookie))
}

// A mark of a sign-out is kept as long as its session has tokens. A clock that is ahead for a while passes that time too.
func TestASignOutHasItsEffectAfterTheClockWasAheadForAWhile(t *testing.T) {
	for name, mark := range map[string]func(c *cachingApp, cookie string){
		"a sign-out": func(c *cachingApp, cookie string) { c.SignOut(c.T.(*testing.T), cookie) },
		"EndSession": func(c *cachingApp, cookie string) { require.NoError(c.T, c.EndSession(c.T.Context(), c.SessionID())) },
	} {
		t.Run(name, func(t *testing.T) {
			c := newCachingApp(t)
			cookie := c.steadyCookie()
			mark(c, cookie)
			c.Clock.Advance(3 * time.Hour)
			assert.NotEqual(t, "cached", c.outcomeOfCookie(cookie))
			c.Clock.Advance(-3 * time.Hour)
			for range 3 {
				assert.Equal(t, "ended", c.outcomeOfCookie(cookie), "the clock was set back")
			}
		})
	}
}
