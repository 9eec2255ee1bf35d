// Refreshes: lines 23 to 26 of the list.

package attack_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

// stale runs an attack with somebody's cookie against both examples and the minimal application. It is due for a refresh:
// tokens expire when they are issued, and serve within the skew.
func stale(t *testing.T, attack func(t *testing.T, a *target, cookie string)) {
	t.Helper()
	expired := authkittest.WithAccessTokenLifetime(time.Nanosecond)
	for _, example := range []string{"stdlib", "chi"} {
		t.Run(example, func(t *testing.T) {
			fake, err := authkittest.Start(people(), expired)
			require.NoError(t, err)
			a := start(t, example, fake, newPassword()).target(t)
			attack(t, a, a.notYetUsed(kim))
		})
	}
	t.Run("minimal", func(t *testing.T) {
		clock := authkittest.NewFakeClock(startOfTime)
		m := newProcess(t, authkittest.New(t, people(), expired, authkittest.WithClock(clock)), clock, newPassword())
		attack(t, m.target, m.notYetUsed(kim))
	})
}

// notYetUsed is the cookie of a sign-in with which no page has been asked for.
func (a *target) notYetUsed(email string) (cookie string) {
	a.t.Helper()
	cookie = a.finish(a.begin("/login", email)).session(a.t)
	require.NotEmpty(a.t, cookie)
	return cookie
}

func TestAHundredRequestsWithOneStaleCookieMakeOneExchange(t *testing.T) {
	stale(t, func(t *testing.T, a *target, cookie string) {
		sessions := map[string]int{}
		var mu sync.Mutex
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				resp, err := a.do(request{path: "/api/me", cookie: cookie, header: scripted()})
				mu.Lock()
				defer mu.Unlock()
				assert.NoError(t, err)
				assert.Equal(t, http.StatusOK, resp.status)
				sessions[resp.session(t)]++
			})
		}
		all.Wait()
		assert.Len(t, sessions, 1, "all get the same new session")
		assert.NotContains(t, sessions, "")
		assert.Equal(t, 1, a.fake.Calls(authkittest.RouteRefresh))
	})
}

func TestTheExchangeGoesOnWhenTheRequestThatStartedItGoesAway(t *testing.T) {
	stale(t, func(t *testing.T, a *target, cookie string) {
		a.fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, a.url+"/api/me", nil)
		require.NoError(t, err)
		r.Header.Set("Cookie", cookie)
		gone := make(chan error)
		go func() {
			_, err := direct.RoundTrip(r)
			gone <- err
		}()
		a.fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
		cancel()
		require.ErrorIs(t, <-gone, context.Canceled)
		a.fake.ClearFault(authkittest.RouteRefresh)
		resp := a.send(request{path: "/api/me", cookie: cookie, header: scripted()})
		assert.Equal(t, http.StatusOK, resp.status)
		assert.NotEmpty(t, resp.session(t))
		assert.Equal(t, 1, a.fake.Calls(authkittest.RouteRefresh))
	})
}

func TestARetiredTokenIsAnsweredWithoutASecondExchange(t *testing.T) {
	stale(t, func(t *testing.T, a *target, cookie string) {
		renewed := a.send(request{path: "/api/me", cookie: cookie}).session(t)
		for range 3 {
			resp := a.send(request{path: "/api/me", cookie: cookie})
			assert.Equal(t, http.StatusOK, resp.status)
			assert.Equal(t, renewed, resp.session(t))
		}
		assert.Equal(t, 1, a.fake.Calls(authkittest.RouteRefresh))
	})
	t.Run("twenty seconds after its successor came back", func(t *testing.T) {
		m := newMinimal(t)
		cookie := m.signIn(kim)
		m.expireTokens(2 * time.Minute)
		renewed := m.send(request{path: "/api/me", cookie: cookie}).session(t)
		assert.Equal(t, kim, m.visitor(renewed))
		m.clock.Advance(20 * time.Second)
		assert.Equal(t, renewed, m.send(request{path: "/api/me", cookie: cookie}).session(t))
		assert.Equal(t, 1, m.fake.Calls(authkittest.RouteRefresh))
	})
}

func TestAFailureThatPassesCostsNoSessionAndARefusalEndsItOnce(t *testing.T) {
	stale(t, func(t *testing.T, a *target, cookie string) {
		for _, c := range []struct {
			name  string
			fault authkittest.Fault
		}{
			{"429 leaves the session", authkittest.Fault{Status: 429, Header: http.Header{"Retry-After": {"60"}}}},
			{"500 that asks for patience leaves the session", authkittest.Fault{Status: 500, Header: http.Header{"Retry-After": {"60"}}}},
			{"HTML leaves the session", authkittest.Fault{Body: "<html>maintenance</html>"}},
			{"a refusal of the API key leaves the session", authkittest.Fault{Status: 401, Body: `{"message":"Unauthorized"}`}},
			{"invalid_client leaves the session", authkittest.Fault{Status: 400, Body: `{"error":"invalid_client"}`}},
			{"a redirect leaves the session", authkittest.Fault{Status: 307, Header: http.Header{"Location": {"http://localhost:1/"}}}},
		} {
			t.Run(c.name, func(t *testing.T) {
				own := a.notYetUsed(lee) // nobody tries again at once, with the same
				before := a.fake.Calls(authkittest.RouteRefresh)
				a.fake.InjectFault(authkittest.RouteRefresh, c.fault)
				defer a.fake.ClearFault(authkittest.RouteRefresh)
				for range 3 {
					resp := a.send(request{path: "/api/me", cookie: own, header: scripted()})
					assert.Equal(t, lee, a.visitorOf(resp))
					assert.Empty(t, resp.header["Set-Cookie"])
				}
				assert.Equal(t, 1, a.fake.Calls(authkittest.RouteRefresh)-before)
			})
		}
		t.Run("invalid_grant ends it, once", func(t *testing.T) {
			before := a.fake.Calls(authkittest.RouteRefresh)
			a.fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 400, Body: `{"error":"invalid_grant"}`})
			defer a.fake.ClearFault(authkittest.RouteRefresh)
			for range 3 {
				resp := a.send(request{path: "/api/me", cookie: cookie, header: scripted()})
				assert.Equal(t, http.StatusUnauthorized, resp.status)
				assert.Negative(t, resp.setCookies(t)[sessionCookie].MaxAge)
			}
			resp := a.send(request{path: "/account", cookie: cookie, header: navigation()})
			assert.Equal(t, http.StatusSeeOther, resp.status, "a browser goes on to a new sign-in")
			assert.Equal(t, 1, a.fake.Calls(authkittest.RouteRefresh)-before)
		})
	})
	for name, fault := range map[string]authkittest.Fault{
		"a timeout leaves the session":            {Hang: true},
		"a connection that breaks leaves it, too": {Reset: true},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMinimal(t)
			cookie := m.signIn(kim)
			m.clock.Advance(4*time.Minute + 30*time.Second)
			m.fake.InjectFault(authkittest.RouteRefresh, fault)
			answered := make(chan response, 1)
			go func() {
				resp, err := m.do(request{path: "/api/me", cookie: cookie})
				assert.NoError(t, err)
				answered <- resp
			}()
			m.fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
			m.clock.AwaitTimers(2) // the request's, and the attempt's or the pause's
			m.clock.Advance(2 * time.Second)
			resp := <-answered
			assert.Equal(t, kim, m.visitorOf(resp))
			assert.Empty(t, resp.header["Set-Cookie"])
			m.fake.ClearFault(authkittest.RouteRefresh)
			m.clock.Advance(time.Minute)
			assert.Equal(t, kim, m.visitor(cookie)) // and has waited for the end of that exchange
			m.clock.Advance(6 * time.Second)
			assert.NotEmpty(t, m.send(request{path: "/api/me", cookie: cookie}).session(t), "it heals by itself")
		})
	}
}
