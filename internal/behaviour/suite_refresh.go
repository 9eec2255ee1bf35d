// The suite: concurrent, cancelled, late and failing refreshes.

package behaviour

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

// withStaleSession returns a deployment of the application and a session that needs a refresh. Its access tokens expire when
// they are issued, and are accepted within the clock skew.
func (a *Instance) withStaleSession(t *testing.T) (fresh *Instance, cookie string) {
	t.Helper()
	fresh = a.newDeployment(t, authkittest.WithAccessTokenLifetime(time.Nanosecond))
	return fresh, fresh.unusedSession(Kim)
}

// unusedSession signs in and returns a session cookie that no request has carried yet.
func (a *Instance) unusedSession(email string) (cookie string) {
	a.T.Helper()
	cookie = a.finishSignIn(a.StartSignInAs("/login", email)).session(a.T)
	require.NotEmpty(a.T, cookie)
	return cookie
}

func TestAHundredRequestsWithOneStaleCookieMakeOneRefresh(t *testing.T, a *Instance) {
	a, cookie := a.withStaleSession(t)
	a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true})
	sessions := map[string]int{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			resp, err := a.Do(Request{Target: "/api/me", Cookie: cookie, Header: Scripted()})
			mu.Lock()
			defer mu.Unlock()
			assert.NoError(t, err)
			assert.Equal(t, http.StatusOK, resp.Status)
			sessions[resp.session(t)]++
		})
	}
	a.Fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
	a.Fake.ClearFault(authkittest.RouteRefresh)
	all.Wait()
	assert.Len(t, sessions, 1, "every response sets the same new session")
	assert.NotContains(t, sessions, "")
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
}

func TestARefreshContinuesWhenTheRequestThatStartedItIsCancelled(t *testing.T, a *Instance) {
	a, cookie := a.withStaleSession(t)
	a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, a.URL+"/api/me", nil)
	require.NoError(t, err)
	r.Header.Set("Cookie", cookie)
	cancelled := make(chan error)
	go func() {
		_, err := direct.RoundTrip(r)
		cancelled <- err
	}()
	a.Fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
	cancel()
	require.ErrorIs(t, <-cancelled, context.Canceled)
	answered := make(chan Response)
	go func() {
		resp, _ := a.Do(Request{Target: "/api/me", Cookie: cookie, Header: Scripted()})
		answered <- resp
	}()
	a.Fake.ClearFault(authkittest.RouteRefresh)
	resp := <-answered
	assert.Equal(t, http.StatusOK, resp.Status)
	assert.NotEmpty(t, resp.session(t))
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
}

func TestARequestWithARotatedRefreshTokenGetsTheNewSession(t *testing.T, a *Instance) {
	a, cookie := a.withStaleSession(t)
	refreshed := a.Send(Request{Target: "/api/me", Cookie: cookie}).session(t)
	for range 3 {
		resp := a.Send(Request{Target: "/api/me", Cookie: cookie})
		assert.Equal(t, http.StatusOK, resp.Status)
		assert.Equal(t, refreshed, resp.session(t))
	}
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
}

func TestATemporaryRefreshFailureKeepsTheSessionAndARefusalEndsIt(t *testing.T, a *Instance) {
	a, cookie := a.withStaleSession(t)
	for _, c := range []struct {
		name  string
		fault authkittest.Fault
	}{
		{"status 429 keeps the session", authkittest.Fault{Status: 429, Header: http.Header{"Retry-After": {"60"}}}},
		{"status 500 with Retry-After keeps the session", authkittest.Fault{Status: 500, Header: http.Header{"Retry-After": {"60"}}}},
		{"HTML keeps the session", authkittest.Fault{Body: "<html>maintenance</html>"}},
		{"a refused API key keeps the session", authkittest.Fault{Status: 401, Body: `{"message":"Unauthorized"}`}},
		{"invalid_client keeps the session", authkittest.Fault{Status: 400, Body: `{"error":"invalid_client"}`}},
		{"a redirect keeps the session", authkittest.Fault{Status: 307, Header: http.Header{"Location": {"http://localhost:1/"}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			unused := a.unusedSession(lee) // after a failed refresh, the same session is not refreshed again at once
			before := a.Fake.Calls(authkittest.RouteRefresh)
			a.Fake.InjectFault(authkittest.RouteRefresh, c.fault)
			defer a.Fake.ClearFault(authkittest.RouteRefresh)
			for range 3 {
				resp := a.Send(Request{Target: "/api/me", Cookie: unused, Header: Scripted()})
				assert.Equal(t, lee, a.visitorOf(resp))
				assert.Empty(t, resp.Header["Set-Cookie"])
			}
			assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh)-before)
		})
	}
	t.Run("invalid_grant ends the session with one call", func(t *testing.T) {
		before := a.Fake.Calls(authkittest.RouteRefresh)
		a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 400, Body: `{"error":"invalid_grant"}`})
		defer a.Fake.ClearFault(authkittest.RouteRefresh)
		for range 3 {
			resp := a.Send(Request{Target: "/api/me", Cookie: cookie, Header: Scripted()})
			assert.Equal(t, http.StatusUnauthorized, resp.Status)
			assert.Negative(t, resp.SetCookies(t)[sessionCookie].MaxAge)
		}
		resp := a.Send(Request{Target: "/account", Cookie: cookie, Header: Navigation()})
		assert.Equal(t, http.StatusSeeOther, resp.Status, "a navigation is redirected to sign in")
		assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh)-before)
	})
}
