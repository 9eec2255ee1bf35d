// Due sessions whose refresh is slow, fails or is refused.

package behaviour

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// newChangingWithClock is newChanging with an observed clock.
func newChangingWithClock(t *testing.T, opts ...authkit.Option) (a *App, c *Changes, cookie string, clock observedClock) {
	clock = newObservedClock()
	a = newSwitchingAppWithClock(t, &clock, opts...)
	c = ChangesOf(a)
	cookie = a.AcmeCookie()
	a.Clock.Advance(time.Second)
	return a, c, cookie, clock
}

// An attempt ends after five seconds, and all of them after ten.
func TestARequestOfADueSessionWaitsForASlowRefresh(t *testing.T) {
	for name, fault := range map[string]authkittest.Fault{
		"four seconds":  {Delay: 4 * time.Second, Times: 1},
		"eight seconds": {Delay: 8 * time.Second, Times: 1},
		"eight seconds, after the token was rotated": {Delay: 8 * time.Second, Times: 1, TakeEffect: true},
	} {
		t.Run(name, func(t *testing.T) {
			a, c, cookie, clock := newChangingWithClock(t)
			a.Fake.InjectFault(authkittest.RouteRefresh, fault)
			c.SetRole("org_acme", "guest")
			answer := a.SendAsync(Request{Target: "/me", Cookie: cookie})
			a.Fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
			a.Clock.AwaitTimers(3) // of the waiting request, the attempt and the fault
			a.Clock.Advance(min(fault.Delay, 5*time.Second))
			var resp Response
			for waiting := true; waiting; {
				select {
				case resp = <-answer:
					waiting = false
				case d := <-clock.set:
					if d < 2*time.Second { // the pause before the second attempt
						a.Clock.Advance(d)
					}
				}
			}
			assert.Equal(t, "guest", decoded(t, resp)["role"])
			assert.NotEqual(t, cookie, resp.NewCookie(t))
			assert.Equal(t, 1, a.exchanges())
		})
	}
}

func TestADueSessionIsServedWithItsOldTokenWhileWorkOSDoesNotAnswer(t *testing.T) {
	for name, fault := range map[string]authkittest.Fault{
		"503":                {Status: 503},
		"500 with a code":    {Status: 500, Body: `{"error":"server_error"}`},
		"408":                {Status: 408},
		"429":                {Status: 429, Body: `{"error":"too_many_requests"}`},
		"a connection reset": {Reset: true},
	} {
		t.Run(name, func(t *testing.T) {
			a, c, cookie, clock := newChangingWithClock(t)
			a.Fake.InjectFault(authkittest.RouteRefresh, fault)
			c.SetRole("org_acme", "guest")
			for range 3 {
				resp := a.sendWhileTimePasses(clock, Request{Target: "/me", Cookie: cookie})
				assert.Equal(t, "admin", decoded(t, resp)["role"])
				assert.Empty(t, resp.SetCookies(t))
			}
			calls := a.Fake.Calls(authkittest.RouteRefresh)
			assert.Equal(t, "admin", decoded(t, a.sendWhileTimePasses(clock, Request{Target: "/me", Cookie: cookie}))["role"])
			assert.Equal(t, calls, a.Fake.Calls(authkittest.RouteRefresh), "WorkOS is not called again before the pause ends")

			a.Fake.ClearFault(authkittest.RouteRefresh)
			a.Clock.Advance(5 * time.Second)
			me, _ := a.meAfter(cookie)
			assert.Equal(t, "guest", me["role"])
			assert.Equal(t, 1, a.exchanges())
		})
	}
}

// The answer may be about this session alone, so it is no reason to serve the old rights. It
// signs the user out no more than another failure does.
func TestADueSessionIsNotServedAfterAnAnswerThatIsNoOutage(t *testing.T) {
	for name, fault := range map[string]authkittest.Fault{
		"a page with 403":         {Status: 403, Body: "<html>blocked</html>"},
		"401":                     {Status: 401, Body: `{"message":"Unauthorized"}`},
		"400 invalid_client":      {Status: 400, Body: `{"error":"invalid_client"}`},
		"400 without any JSON":    {Status: 400, Body: "Bad Request"},
		"403 unauthorized_client": {Status: 403, Body: `{"error":"unauthorized_client"}`},
	} {
		t.Run(name, func(t *testing.T) {
			a, c, cookie := newChanging(t)
			a.Fake.InjectFault(authkittest.RouteRefresh, fault)
			c.SetRole("org_acme", "guest")
			for range 2 {
				resp := a.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
				assert.Equal(t, http.StatusServiceUnavailable, resp.Status)
				assert.NotEmpty(t, resp.Header.Get("Retry-After"))
				assert.Empty(t, resp.SetCookies(t), "the cookie stays")
			}
			a.Fake.ClearFault(authkittest.RouteRefresh)
			a.Clock.Advance(5 * time.Second)
			me, _ := a.meAfter(cookie)
			assert.Equal(t, "guest", me["role"])
			assert.Equal(t, 1, a.exchanges())
		})
	}
}

func TestADueSessionWhoseRefreshIsRefusedIsAnonymousAtOnce(t *testing.T) {
	for name, fault := range map[string]authkittest.Fault{
		"400 with a code":     {Status: 400, Body: `{"code":"some_code","message":"No."}`},
		"404 with JSON":       {Status: 404, Body: `{"message":"Not found"}`},
		"a switch is refused": {Status: 400, Body: `{"error":"organization_membership_not_found"}`},
	} {
		t.Run(name, func(t *testing.T) {
			a, c, cookie := newChanging(t)
			a.Fake.InjectFault(authkittest.RouteRefresh, fault)
			require.Equal(t, http.StatusOK, a.Status(t, cookie))
			c.SetRole("org_acme", "guest")
			for range 3 {
				a.checkAnonymous(cookie)
				a.Clock.Advance(10 * time.Second)
			}
			assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh), "WorkOS is not called again within a minute")

			a.Fake.ClearFault(authkittest.RouteRefresh)
			a.Clock.Advance(31 * time.Second)
			me, _ := a.meAfter(cookie)
			assert.Equal(t, "guest", me["role"], "the cookie is still good")
		})
	}
}

// A refusal from before the change counts too: the old token must not serve.
func TestARememberedRefusalMakesADueSessionAnonymous(t *testing.T) {
	a, c, cookie := newChanging(t)
	a.Clock.Advance(4*time.Minute + 5*time.Second)
	a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 404, Body: `{"message":"Not found"}`})
	require.Equal(t, http.StatusOK, a.Status(t, cookie), "the token is still good")
	require.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
	a.Clock.Advance(time.Second)
	c.SetRole("org_acme", "guest")
	a.checkAnonymous(cookie)
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
}

// Otherwise a removed member could make a handler run with the old rights: the client would only have to give up.
func TestARequestThatItsClientGivesUpIsNotServedWithADueSession(t *testing.T) {
	a, c, cookie := newChanging(t)
	a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true})
	c.SetRole("org_acme", "guest")
	me, giveUp := a.SendAndGiveUp(cookie)
	a.Fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
	giveUp()
	assert.Empty(t, <-me, "the request has no session")
}

func TestADueSessionThatWorkOSHasEndedIsCleared(t *testing.T) {
	a, c, cookie := newChanging(t)
	a.Fake.RevokeSession(a.SessionID())
	require.Equal(t, http.StatusOK, a.Status(t, cookie), "the event has not arrived")
	c.Now(workos.EventUserUpdated, UserData("user_kim"))
	resp := a.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
	assert.Equal(t, http.StatusUnauthorized, resp.Status)
	assert.Empty(t, JarAfter(cookie, resp))
	assert.Equal(t, http.StatusUnauthorized, a.Status(t, cookie))
}

func TestARemovedMemberIsOutAtTheNextRequest(t *testing.T) {
	remove := func(a *App) {
		a.Fake.UpdateUser(Kim, func(u *authkittest.User) { u.Memberships = u.Memberships[1:] })
	}
	for name, deliver := range map[string]func(*Changes){
		"a removed member": func(c *Changes) {
			c.Now(workos.EventOrganizationMembershipDeleted, MembershipOf("user_kim", "org_acme"))
		},
		"a deleted organization": func(c *Changes) {
			c.Now(workos.EventOrganizationDeleted, map[string]any{"object": "organization", "id": "org_acme"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, c, cookie := newChanging(t)
			elsewhere := a.SwitchTo("org_beta", a.AcmeCookie(), Scripted()).NewCookie(t)
			remove(a)
			a.Clock.Advance(time.Second)
			deliver(c)
			a.checkAnonymous(cookie)
			a.Clock.Advance(5 * time.Minute)
			a.checkAnonymous(cookie)
			assert.Equal(t, "org_beta", a.Me(elsewhere)["organization"], "a session in another organization stays")
		})
	}
}

func TestTheSessionsOfARevokedOrDeletedUserEndAtOnce(t *testing.T) {
	for name, deliver := range map[string]func(a *App, c *Changes){
		"session revoked": func(a *App, c *Changes) {
			c.Now(workos.EventSessionRevoked, map[string]any{"object": "session", "id": a.SessionID(), "user_id": "user_kim"})
		},
		"user deleted": func(_ *App, c *Changes) { c.Now(workos.EventUserDeleted, UserData("user_kim")) },
	} {
		t.Run(name, func(t *testing.T) {
			a, c, cookie := newChanging(t)
			s := OpenStream(t.Context(), t, a, cookie)
			require.True(t, s.IsOpen())
			deliver(a, c)
			assert.ErrorIs(t, s.Cause(), authkit.ErrUnauthenticated)
			a.checkAnonymous(cookie)
			a.Clock.Advance(10 * time.Minute)
			a.checkAnonymous(cookie)
			assert.Zero(t, a.Fake.Calls(authkittest.RouteRefresh))
			if name == "session revoked" {
				assert.Equal(t, Kim, a.visitor(a.SignInAgain(cookie)), "a new sign-in is not ended")
			}
		})
	}
}

func TestTheHandlersDoNotWaitForTheRefreshOfADueSession(t *testing.T) {
	a, c, cookie := newChanging(t)
	pending := a.StartSignIn("/login")
	a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true})
	c.SetRole("org_acme", "guest")
	assert.Equal(t, http.StatusSeeOther, a.Send(Request{Target: "/login", Cookie: cookie, Header: Navigation()}).Status)
	callback := a.Send(Request{Target: pending.Target(), Cookie: cookie + "; " + pending.Cookie, Header: Navigation()})
	assert.Equal(t, http.StatusSeeOther, callback.Status)
	assert.Equal(t, http.StatusSeeOther, a.Send(Request{Method: http.MethodPost, Target: "/logout", Cookie: cookie, Header: Navigation()}).Status)
	assert.Zero(t, a.Fake.Calls(authkittest.RouteRefresh))
}

func TestAnUpgradeRequestOfADueSessionIsRefreshed(t *testing.T) {
	a, c, cookie := newChanging(t)
	upgrade := http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}}
	resp := a.Send(Request{Target: "/me", Cookie: cookie, Header: upgrade})
	require.Equal(t, "admin", decoded(t, resp)["role"])
	c.SetRole("org_acme", "guest")
	for range 2 { // the response of the first may not set the cookie
		resp = a.Send(Request{Target: "/me", Cookie: cookie, Header: upgrade})
		assert.Equal(t, "guest", decoded(t, resp)["role"])
	}
	assert.Equal(t, 1, a.exchanges())
}

func TestABearerTokenIsRefusedAfterAChangeOfRights(t *testing.T) {
	for name, c := range map[string]struct {
		event   string
		data    map[string]any
		refused bool
	}{
		"membership updated":            {workos.EventOrganizationMembershipUpdated, MembershipOf("user_kim", "org_acme"), true},
		"membership deleted":            {workos.EventOrganizationMembershipDeleted, MembershipOf("user_kim", "org_acme"), true},
		"organization deleted":          {workos.EventOrganizationDeleted, map[string]any{"id": "org_acme"}, true},
		"user updated":                  {workos.EventUserUpdated, UserData("user_kim"), false},
		"another organization":          {workos.EventOrganizationMembershipUpdated, MembershipOf("user_kim", "org_beta"), false},
		"another user":                  {workos.EventOrganizationMembershipUpdated, MembershipOf("user_lee", "org_acme"), false},
		"session of the token revoked":  {workos.EventSessionRevoked, map[string]any{"id": "session_native", "user_id": "user_kim"}, true},
		"another session of the user":   {workos.EventSessionRevoked, map[string]any{"id": "session_other", "user_id": "user_kim"}, false},
		"user of the token was deleted": {workos.EventUserDeleted, UserData("user_kim"), true},
	} {
		t.Run(name, func(t *testing.T) {
			a := newGuardedApp(t)
			changes := ChangesOf(a)
			token := a.nativeToken(nil)
			require.Equal(t, http.StatusOK, a.Send(Request{Target: "/auth", Header: Bearer(token)}).Status)
			a.Clock.Advance(time.Second)
			changes.Now(c.event, c.data)
			resp := a.Send(Request{Target: "/auth", Header: Bearer(token)})
			assert.Zero(t, a.Fake.Calls(authkittest.RouteRefresh))
			if !c.refused {
				assert.Equal(t, http.StatusOK, resp.Status)
				return
			}
			assert.Equal(t, http.StatusUnauthorized, resp.Status)
			assert.Contains(t, resp.Header.Get("WWW-Authenticate"), `error="invalid_token"`)
			if c.event == workos.EventOrganizationMembershipUpdated {
				a.Clock.Advance(time.Second)
				assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/auth", Header: Bearer(a.nativeToken(nil))}).Status, "a new token passes")
			}
		})
	}
}

// Another application has written a session without a refresh token.
func TestASessionWithoutARefreshTokenEndsWithTheRightsOfItsToken(t *testing.T) {
	for name, c := range map[string]struct {
		event  string
		data   map[string]any
		status int
	}{
		"membership updated":   {workos.EventOrganizationMembershipUpdated, MembershipOf("user_kim", "org_acme"), http.StatusUnauthorized},
		"organization deleted": {workos.EventOrganizationDeleted, map[string]any{"id": "org_acme"}, http.StatusUnauthorized},
		"user updated":         {workos.EventUserUpdated, UserData("user_kim"), http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			a := NewSharedSessionApp(t)
			changes := ChangesOf(a)
			session := a.Neighbour().Read(a.SignedIn(Kim).CookieHeader())
			cookie := a.Neighbour().Write(map[string]any{"accessToken": session["accessToken"], "refreshToken": "", "user": session["user"]})
			require.Equal(t, http.StatusOK, a.Status(t, cookie))
			a.Clock.Advance(time.Second)
			changes.Now(c.event, c.data)
			for range 2 {
				assert.Equal(t, c.status, a.Status(t, cookie))
			}
			assert.Zero(t, a.Fake.Calls(authkittest.RouteRefresh))
		})
	}
}

func TestADueSessionWithinItsIdleTimeoutIsRefreshedAndOneBeyondItIsNot(t *testing.T) {
	a, c, cookie := newChanging(t, authkit.WithIdleTimeout(2*time.Minute))
	a.Clock.Advance(30 * time.Second)
	c.SetRole("org_acme", "guest")
	me, jar := a.meAfter(cookie)
	assert.Equal(t, "guest", me["role"])
	a.Clock.Advance(119 * time.Second)
	assert.Equal(t, "guest", a.Me(jar)["role"], "the refresh counts as use")

	a.Clock.Advance(2 * time.Minute)
	before := a.exchanges()
	c.SetRole("org_acme", "editor")
	a.checkAnonymous(jar)
	assert.Equal(t, before, a.exchanges())
}

// The client chooses the refresh token of a session without a seal. So it can make the refresh fail, for example with a
// token that a firewall before WorkOS takes for an attack.
func TestAnUnsealedSessionCannotKeepItsRightsByAFailingRefresh(t *testing.T) {
	for name, fault := range map[string]authkittest.Fault{
		"the page of a firewall": {Status: 403, Body: "<html>blocked</html>"},
		"a page with 431":        {Status: 431, Body: "too large"},
		"503":                    {Status: 503},
	} {
		t.Run(name, func(t *testing.T) {
			clock := newObservedClock()
			a := NewApp(t, AppOptions{Clock: &clock, AuthKit: []authkit.Option{authkit.WithSharedSession()}})
			c := ChangesOf(a)
			cookie, _ := a.Neighbour().unsealedSession(Kim)
			require.Equal(t, http.StatusOK, a.Status(t, cookie))
			a.Clock.Advance(time.Second)
			a.Fake.InjectFault(authkittest.RouteRefresh, fault)
			c.Now(workos.EventUserUpdated, UserData("user_kim"))
			request := Request{Target: "/account", Cookie: cookie, Header: Scripted()}
			afterUserUpdated := http.StatusServiceUnavailable // no answer of these is an outage
			if fault.Status == 503 {
				afterUserUpdated = http.StatusOK // its rights have not changed
			}
			assert.Equal(t, afterUserUpdated, a.sendWhileTimePasses(clock, request).Status)
			a.Clock.Advance(time.Second)
			c.Now(workos.EventOrganizationMembershipDeleted, MembershipOf("user_kim", "org_acme"))
			assert.Equal(t, http.StatusServiceUnavailable, a.sendWhileTimePasses(clock, request).Status)
			a.Fake.ClearFault(authkittest.RouteRefresh)
			a.Clock.Advance(5 * time.Second)
			assert.Equal(t, http.StatusOK, a.Status(t, cookie))
		})
	}
}
