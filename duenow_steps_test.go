// Changes at WorkOS between two steps of an exchange. The header of duenow.go lists the
// orders that these tests check.

package authkit_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/behaviour"
)

// newWithChanges returns an application, the changes that are delivered to it, and the
// cookie of kim's session in org_acme, which is cached.
func newWithChanges(t *testing.T, opts ...authkit.Option) (a *behaviour.App, c *behaviour.Changes, cookie string) {
	a = behaviour.NewSwitchingApp(t, opts...)
	c = behaviour.ChangesOf(a)
	cookie = a.AcmeCookie()
	require.Equal(t, "admin", a.Me(cookie)["role"])
	a.Clock.Advance(time.Second)
	return a, c, cookie
}

// The clock stands still, so every token is of the second of the change.
func TestAChangeBetweenTwoStepsOfAnExchangeIsShownByTheNextRequest(t *testing.T) {
	for start, prepare := range map[string]func(a *behaviour.App, c *behaviour.Changes){
		"an expired token":    func(a *behaviour.App, _ *behaviour.Changes) { a.ExpireToken(2 * time.Minute) },
		"a token near expiry": func(a *behaviour.App, _ *behaviour.Changes) { a.Clock.Advance(4*time.Minute + 5*time.Second) },
		"an earlier change":   func(_ *behaviour.App, c *behaviour.Changes) { c.SetRole("org_acme", "editor") },
	} {
		for _, step := range []struct {
			name      string
			exchanges int  // of both requests
			shown     bool // in the response to the request during which the change became known
		}{
			{"looked up", 1, true},
			{"changes read", 2, true},
			{"exchanged", 2, true},
			{"committed", 2, true},
			{"notified", 2, true},
			{"awaited", 2, false},
		} {
			t.Run(start+", "+step.name, func(t *testing.T) {
				a, c, cookie := newWithChanges(t)
				prepare(a, c)
				h := holdAt(a, step.name)
				answer := a.SendAsync(behaviour.Request{Target: "/me", Cookie: cookie})
				<-h.reached
				a.Clock.Advance(time.Millisecond)
				c.SetRole("org_acme", "guest")
				h.release()
				resp := <-answer
				if step.shown {
					assert.Contains(t, resp.Body, `"role":"guest"`)
				}
				jar := resp.NewCookie(t)
				resp = a.Send(behaviour.Request{Target: "/me", Cookie: jar})
				assert.Contains(t, resp.Body, `"role":"guest"`)
				jar = behaviour.JarAfter(jar, resp)
				assert.Equal(t, "guest", a.Me(jar)["role"])
				assert.Equal(t, "guest", a.Me(cookie)["role"], "the old cookie leads to the new session")
				assert.Equal(t, step.exchanges, a.Fake.Refreshes().Exchanged)
			})
		}
	}
}

// WorkOS has changed the token when the change happens, and its reply is on the way.
func TestAChangeDuringTheCallOfWorkOSMakesOneMoreExchange(t *testing.T) {
	a, c, cookie := newWithChanges(t)
	c.SetRole("org_acme", "editor")
	a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{TakeEffect: true, Delay: time.Second, Times: 1})
	answer := a.SendAsync(behaviour.Request{Target: "/me", Cookie: cookie})
	a.Fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
	a.Clock.AwaitTimers(3) // of the waiting request, the attempt and the fault
	a.Clock.Advance(time.Millisecond)
	c.SetRole("org_acme", "guest")
	a.Clock.Advance(time.Second)
	resp := <-answer
	assert.Contains(t, resp.Body, `"role":"guest"`)
	assert.Equal(t, "guest", a.Me(resp.NewCookie(t))["role"])
	assert.Equal(t, 2, a.Fake.Refreshes().Exchanged)
}

// The change becomes known during an ordinary refresh, and WorkOS refuses what follows.
func TestARefusalAfterAChangeDuringARefreshMakesTheRequestAnonymous(t *testing.T) {
	for _, step := range []string{"looked up", "exchanged", "committed"} {
		t.Run(step, func(t *testing.T) {
			a, c, cookie := newWithChanges(t)
			a.Clock.Advance(4*time.Minute + 5*time.Second)
			h := holdAt(a, step)
			if step == "exchanged" { // the exchange itself was refused
				a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 404, Body: `{"message":"Not found"}`})
			}
			answer := a.SendAsync(behaviour.Request{Target: "/account", Cookie: cookie, Header: behaviour.Scripted()})
			<-h.reached
			a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 404, Body: `{"message":"Not found"}`})
			a.Clock.Advance(time.Millisecond)
			c.SetRole("org_acme", "guest")
			h.release()
			resp := <-answer
			assert.Equal(t, http.StatusUnauthorized, resp.Status)
			jar := behaviour.JarAfter(cookie, resp)
			require.NotEmpty(t, jar, "the cookie is kept")
			a.Fake.ClearFault(authkittest.RouteRefresh)
			a.Clock.Advance(time.Minute)
			assert.Equal(t, "guest", a.Me(jar)["role"])
		})
	}
}

// If the second exchange fails for a transient reason, the first one serves the request.
func TestAFailureOfASecondExchangeServesTheFirst(t *testing.T) {
	a, c, cookie := newWithChanges(t)
	c.SetRole("org_acme", "editor")
	h := holdAt(a, "committed")
	answer := a.SendAsync(behaviour.Request{Target: "/me", Cookie: cookie})
	<-h.reached
	a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 429, Header: http.Header{"Retry-After": {"60"}}, Body: `{"error":"too_many_requests"}`})
	a.Clock.Advance(time.Millisecond)
	c.SetRole("org_acme", "guest")
	h.release()
	resp := <-answer
	assert.Contains(t, resp.Body, `"role":"editor"`)
	jar := resp.NewCookie(t)
	a.Fake.ClearFault(authkittest.RouteRefresh)
	a.Clock.Advance(time.Minute)
	assert.Equal(t, "guest", a.Me(jar)["role"])
}

// The other instances are asked whether they know the successor of the refused token.
func TestARefusalOfASecondExchangeDoesNotServeTheFirst(t *testing.T) {
	a, c, cookie := newWithChanges(t, authkit.WithStore(authkittest.NewMemoryStore(authkittest.NewFakeClock(time.Now()))))
	c.SetRole("org_acme", "editor")
	h := holdAt(a, "committed")
	answer := a.SendAsync(behaviour.Request{Target: "/account", Cookie: cookie, Header: behaviour.Scripted()})
	<-h.reached
	a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 400, Body: `{"error":"invalid_grant"}`})
	a.Clock.Advance(time.Millisecond)
	c.SetRole("org_acme", "guest")
	h.release()
	assert.Equal(t, http.StatusServiceUnavailable, (<-answer).Status)
}

func TestARequestThatItsClientGivesUpDuringASecondExchangeIsNotServedWithTheFirst(t *testing.T) {
	a, c, cookie := newWithChanges(t)
	c.SetRole("org_acme", "editor")
	h := holdAt(a, "committed")
	me, giveUp := a.SendAndGiveUp(cookie)
	<-h.reached
	a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true})
	a.Clock.Advance(time.Millisecond)
	c.SetRole("org_acme", "guest")
	h.release()
	a.Fake.AwaitCalls(t, authkittest.RouteRefresh, 2)
	giveUp()
	assert.Empty(t, <-me, "the request has no session")
}

func TestConcurrentRequestsDuringAChangeMakeOneMoreExchange(t *testing.T) {
	a, c, cookie := newWithChanges(t)
	c.SetRole("org_acme", "editor")
	h := holdAt(a, "changes read")
	var wg sync.WaitGroup
	bodies := make(chan string, 50)
	for range cap(bodies) {
		wg.Go(func() {
			if resp, err := a.Do(behaviour.Request{Target: "/me", Cookie: cookie}); assert.NoError(t, err) {
				bodies <- resp.Body
			}
		})
	}
	<-h.reached
	a.Clock.Advance(time.Millisecond)
	c.SetRole("org_acme", "guest")
	h.release()
	wg.Wait()
	close(bodies)
	for body := range bodies {
		assert.Contains(t, body, `"role":"guest"`)
	}
	assert.Equal(t, 2, a.Fake.Refreshes().Exchanged)
}

// The session in the other organization is due itself when the switch is answered from memory.
func TestARememberedSwitchShowsAChangeInItsOrganization(t *testing.T) {
	a, c, cookie := newWithChanges(t)
	a.SwitchTo("org_beta", cookie, behaviour.Scripted()).NewCookie(t) // the response is lost
	a.Clock.Advance(time.Second)
	c.SetRole("org_beta", "owner")
	var role string
	a.Mux.HandleFunc("POST /beta", func(w http.ResponseWriter, r *http.Request) {
		if s, err := a.AuthKit.SwitchTo(w, r, "org_beta"); assert.NoError(t, err) {
			role = s.Role()
		}
	})
	resp := a.Send(behaviour.Request{Method: http.MethodPost, Target: "/beta", Cookie: cookie, Header: behaviour.Scripted()})
	assert.Equal(t, "owner", role)
	assert.Equal(t, 2, a.Fake.Refreshes().Exchanged)
	me := a.Me(resp.NewCookie(t))
	assert.Equal(t, "org_beta", me["organization"])
	assert.Equal(t, "owner", me["role"])
	assert.Equal(t, 2, a.Fake.Refreshes().Exchanged)
}
