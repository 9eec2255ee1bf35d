// The suite: refreshes: many at once, and those that fail.

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

// stale is a deployment of the application with a session that is due for a refresh: tokens expire when they are issued,
// and serve within the skew.
func (a *Instance) stale(t *testing.T) (fresh *Instance, cookie string) {
	t.Helper()
	fresh = a.fresh(t, authkittest.WithAccessTokenLifetime(time.Nanosecond))
	return fresh, fresh.notYetUsed(Kim)
}

// notYetUsed is the cookie of a sign-in with which no page has been asked for.
func (a *Instance) notYetUsed(email string) (cookie string) {
	a.T.Helper()
	cookie = a.finish(a.BeginAs("/login", email)).session(a.T)
	require.NotEmpty(a.T, cookie)
	return cookie
}

func TestAHundredRequestsWithOneStaleCookieMakeOneRefresh(t *testing.T, a *Instance) {
	a, cookie := a.stale(t)
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
	assert.Len(t, sessions, 1, "all get the same new session")
	assert.NotContains(t, sessions, "")
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
}

func TestARefreshContinuesWhenTheRequestThatStartedItIsCancelled(t *testing.T, a *Instance) {
	a, cookie := a.stale(t)
	a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, a.URL+"/api/me", nil)
	require.NoError(t, err)
	r.Header.Set("Cookie", cookie)
	gone := make(chan error)
	go func() {
		_, err := direct.RoundTrip(r)
		gone <- err
	}()
	a.Fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
	cancel()
	require.ErrorIs(t, <-gone, context.Canceled)
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
	a, cookie := a.stale(t)
	renewed := a.Send(Request{Target: "/api/me", Cookie: cookie}).session(t)
	for range 3 {
		resp := a.Send(Request{Target: "/api/me", Cookie: cookie})
		assert.Equal(t, http.StatusOK, resp.Status)
		assert.Equal(t, renewed, resp.session(t))
	}
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
}

func TestATemporaryRefreshFailureKeepsTheSessionAndARefusalEndsIt(t *testing.T, a *Instance) {
	a, cookie := a.stale(t)
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
			before := a.Fake.Calls(authkittest.RouteRefresh)
			a.Fake.InjectFault(authkittest.RouteRefresh, c.fault)
			defer a.Fake.ClearFault(authkittest.RouteRefresh)
			for range 3 {
				resp := a.Send(Request{Target: "/api/me", Cookie: own, Header: Scripted()})
				assert.Equal(t, lee, a.visitorOf(resp))
				assert.Empty(t, resp.Header["Set-Cookie"])
			}
			assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh)-before)
		})
	}
	t.Run("invalid_grant ends it, once", func(t *testing.T) {
		before := a.Fake.Calls(authkittest.RouteRefresh)
		a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 400, Body: `{"error":"invalid_grant"}`})
		defer a.Fake.ClearFault(authkittest.RouteRefresh)
		for range 3 {
			resp := a.Send(Request{Target: "/api/me", Cookie: cookie, Header: Scripted()})
			assert.Equal(t, http.StatusUnauthorized, resp.Status)
			assert.Negative(t, resp.SetCookies(t)[sessionCookie].MaxAge)
		}
		resp := a.Send(Request{Target: "/account", Cookie: cookie, Header: Navigation()})
		assert.Equal(t, http.StatusSeeOther, resp.Status, "a browser goes on to a new sign-in")
		assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh)-before)
	})
}
