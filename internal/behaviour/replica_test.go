// What instances that share a store do together.

package behaviour

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

func TestASignOutAtOneInstanceHoldsAtAll(t *testing.T) {
	r := NewReplicas(t, 3, AppOptions{})
	cookie := r.Instances[0].SignedIn(Kim).CookieHeader()
	for _, a := range r.Instances {
		require.Equal(t, http.StatusOK, a.Status(t, cookie))
	}
	r.Instances[0].SignOut(t, cookie)
	for i, a := range r.Instances {
		assert.Equal(t, http.StatusUnauthorized, a.Status(t, cookie), "instance %d", i)
	}
	late := r.Add(t, AppOptions{})
	assert.Equal(t, http.StatusUnauthorized, late.Status(t, cookie), "an instance that starts later")
	for _, beyond := range []time.Duration{10 * time.Minute, time.Hour} {
		r.Clock.Advance(beyond)
		for i, a := range r.Instances {
			assert.Equal(t, http.StatusUnauthorized, a.Status(t, cookie), "instance %d after %s", i, beyond)
		}
	}
}

func TestParallelRequestsAtThreeInstancesMakeOneExchange(t *testing.T) {
	r := NewReplicas(t, 3, AppOptions{})
	cookie := r.Instances[0].SignedIn(Kim).CookieHeader()
	r.expireTokens()
	var wg sync.WaitGroup
	for i := range 30 {
		wg.Go(func() {
			resp, err := r.Instances[i%3].Do(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
			assert.NoError(t, err)
			assert.Equal(t, http.StatusOK, resp.Status)
			assert.NotEmpty(t, resp.Header["Set-Cookie"])
		})
	}
	wg.Wait()
	assert.Equal(t, 1, r.Fake.Calls(authkittest.RouteRefresh))
}

func TestALostRefreshIsServedByAnotherInstanceWithinADay(t *testing.T) {
	r := NewReplicas(t, 2, AppOptions{})
	cookie := r.Instances[0].SignedIn(Kim).CookieHeader()
	r.expireTokens()
	r.Instances[0].Send(Request{Target: "/account", Cookie: cookie}).NewCookie(t) // the browser never gets it
	for _, later := range []time.Duration{33 * time.Second, 20 * time.Hour} {
		r.Clock.Advance(later)
		assert.Equal(t, http.StatusOK, r.Instances[1].Status(t, cookie), later)
	}
}

func TestASessionThatWorkOSEndedEndsAfterTheOtherInstancesWereAsked(t *testing.T) {
	r := NewReplicas(t, 2, AppOptions{})
	one := r.Instances[0]
	cookie := one.SignedIn(Kim).CookieHeader()
	require.Equal(t, http.StatusOK, r.Instances[1].Status(t, cookie))
	r.Fake.RevokeSession(one.SessionID())
	r.expireTokens()
	resp := one.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
	assert.Equal(t, http.StatusServiceUnavailable, resp.Status)
	assert.NotEmpty(t, resp.Header.Get("Retry-After"))
	took := r.awaitStatus(t, one, cookie, http.StatusUnauthorized)
	assert.GreaterOrEqual(t, took, 5*time.Second)
	assert.Equal(t, 1, r.Fake.Calls(authkittest.RouteRefresh))
}

func TestARefusalIsNotBelievedIfAnotherInstanceKnowsTheSuccessor(t *testing.T) {
	r := NewReplicas(t, 2, AppOptions{Fake: []authkittest.Option{authkittest.WithStrictRotation()}})
	one, two := r.Instances[0], r.Instances[1]
	cookie := one.SignedIn(Kim).CookieHeader()
	require.Equal(t, http.StatusOK, two.Status(t, cookie))
	r.expireTokens()
	require.Equal(t, http.StatusOK, one.Status(t, cookie), "the response is lost")
	r.Store.Flush() // with the record of the exchange
	r.settle(t)

	resp := two.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
	assert.Equal(t, http.StatusServiceUnavailable, resp.Status, "WorkOS refuses the token, and that is not believed")
	assert.Empty(t, resp.Header["Set-Cookie"])
	// The question and its answer need no clock. A clock that moves faster than a busy
	// machine would end the time for the answer first.
	require.Eventually(t, func() bool { return r.Store.Bytes() > 500 }, 10*time.Second, time.Millisecond, "the successor is not put back")
	r.awaitStatus(t, two, cookie, http.StatusOK)
	assert.Equal(t, 2, r.Fake.Calls(authkittest.RouteRefresh))
}

func TestALateResponseDoesNotUndoWhatHappenedAtAnotherInstance(t *testing.T) {
	for name, c := range map[string]struct {
		// elsewhere happens at another instance. It returns the browser's cookie.
		elsewhere func(t *testing.T, a *App, cookie string) string
	}{
		"a sign-out": {func(t *testing.T, a *App, cookie string) string {
			a.SignOut(t, cookie)
			return ""
		}},
		"a sign-in of another user": {func(t *testing.T, a *App, cookie string) string {
			pending := a.StartSignInAs("/login", lee)
			resp := a.Send(Request{Target: pending.Target(), Cookie: pending.Cookie + "; " + cookie, Header: Navigation()})
			return resp.session(t)
		}},
		"a switch": {func(t *testing.T, a *App, cookie string) string {
			resp := a.Send(Request{Method: http.MethodPost, Target: "/organization", Cookie: cookie, Header: Scripted(),
				Form: map[string][]string{"organization_id": {"org_acme"}}})
			require.Equal(t, http.StatusOK, resp.Status, resp.Body)
			return resp.session(t)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			began, proceed := make(chan struct{}), make(chan struct{})
			r := NewReplicas(t, 1, AppOptions{})
			slow := r.Instances[0]
			two := r.Add(t, AppOptions{})
			slow.Mux.HandleFunc("/slow", func(w http.ResponseWriter, _ *http.Request) {
				close(began)
				<-proceed
				w.Write([]byte("done"))
			})
			cookie := slow.SignedIn(Kim).CookieHeader()
			r.expireTokens()
			answered := slow.StartSlowRequest("/slow", cookie, began) // refreshes the session
			jar := c.elsewhere(t, two, cookie)
			close(proceed)
			resp := <-answered
			after := JarAfter(jar, resp)
			if jar == "" {
				assert.Empty(t, after, "the browser is signed in again")
				return
			}
			before := two.Send(Request{Target: "/api/me", Cookie: jar, Header: Scripted()}).Body
			assert.Equal(t, before, two.Send(Request{Target: "/api/me", Cookie: after, Header: Scripted()}).Body)
		})
	}
}

func TestTheStoreCommandsOfEachClassOfRequest(t *testing.T) {
	r := NewReplicas(t, 2, AppOptions{})
	one, two := r.Instances[0], r.Instances[1]
	cookie := one.SignedIn(Kim).CookieHeader()
	status := func(a *App, cookie string) func() {
		return func() { require.Equal(t, http.StatusOK, a.Status(t, cookie)) }
	}
	status(one, cookie)()
	none := authkittest.StoreCommands{}
	assert.Equal(t, none, r.commands(status(one, cookie)), "a warm request")
	assert.Equal(t, none, r.commands(status(two, cookie)), "the first request of a session that was never refreshed")

	r.expireTokens()
	var refreshed string
	assert.Equal(t, authkittest.StoreCommands{Get: 1, Swap: 2}, r.commands(func() {
		refreshed = one.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()}).session(t)
	}), "the instance that refreshes: claim, publication, and a look before the response")
	assert.Equal(t, authkittest.StoreCommands{Get: 1, Swap: 1}, r.commands(status(two, cookie)), "an instance that finds the outcome")
	assert.Equal(t, none, r.commands(func() { one.Status(t, "") }), "an anonymous request")

	r.Store.ResetCommands()
	status(two, refreshed)()
	assert.Eventually(t, func() bool {
		c := r.Store.Commands()
		return c.Get == 1 && c.Swap == 1
	}, WaitTimeout, time.Millisecond, "the first request of a refreshed session: the record of its origin is shortened, behind the response")
	r.Store.ResetCommands()
	status(one, refreshed)()
	assert.Eventually(t, func() bool { return r.Store.Commands().Get == 1 }, WaitTimeout, time.Millisecond)
	assert.Zero(t, r.Store.Commands().Swap, "it is short already")
	assert.Equal(t, none, r.commands(status(two, refreshed)), "a warm request")

	assert.Equal(t, authkittest.StoreCommands{Swap: 1, Append: 1}, r.commands(func() { two.SignOut(t, refreshed) }), "a sign-out")
	assert.Equal(t, none, r.commands(func() { one.Status(t, refreshed) }), "a signed-out cookie")
}

func TestASignOutWithAnOldCookieCostsOneCommandForEachRefresh(t *testing.T) {
	r := NewReplicas(t, 2, AppOptions{})
	first := r.Instances[0].SignedIn(Kim).CookieHeader()
	cookie := r.refreshTimes(t, 3, first)
	assert.Equal(t, authkittest.StoreCommands{Swap: 4, Append: 1}, r.commands(func() { r.Instances[1].SignOut(t, first) }))
	for i, a := range r.Instances {
		assert.Equal(t, http.StatusUnauthorized, a.Status(t, cookie), "instance %d", i)
	}
}
