// Organization switches, alone and at the same time as a refresh, a sign-out or another switch.

package behaviour

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

func TestASwitchMovesTheSessionToTheOtherOrganization(t *testing.T) {
	a := NewSwitchingApp(t)
	b := a.Browser()
	_, err := b.SignIn(a.URL+"/login?return_to=/switcher", Kim)
	require.NoError(t, err)
	before := a.Me(b.CookieHeader())
	page, err := b.Submit("Beta", nil)
	require.NoError(t, err)
	assert.Equal(t, a.URL+"/account?x=1", page.URL.String())
	after := a.Me(b.CookieHeader())
	assert.Equal(t, map[string]any{
		"organization": "org_beta", "role": "viewer", "permissions": []any{"posts:read"}, "session": before["session"],
	}, after)
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
}

func TestTheRefreshHookGetsTheSessionsBeforeAndAfterASwitch(t *testing.T) {
	var events []authkit.RefreshEvent
	a := NewSwitchingApp(t, authkit.WithOnRefresh(func(_ context.Context, e authkit.RefreshEvent) { events = append(events, e) }))
	require.Equal(t, http.StatusOK, a.SwitchTo("org_beta", a.AcmeCookie(), Scripted()).Status)
	require.Len(t, events, 1)
	assert.Equal(t, "org_acme", events[0].Previous.OrganizationID())
	assert.Equal(t, "org_beta", events[0].Session.OrganizationID())
	assert.Equal(t, events[0].Previous.ID(), events[0].Session.ID())
}

func TestASwitchByAScriptReturnsTheReturnPathAsJSON(t *testing.T) {
	a := NewSwitchingApp(t)
	resp := a.SwitchTo("org_beta", a.AcmeCookie(), Scripted())
	assert.Equal(t, http.StatusOK, resp.Status)
	assert.JSONEq(t, `{"return_to":"/account"}`, resp.Body)
	assert.Equal(t, "org_beta", a.Me(resp.NewCookie(t))["organization"])
}

func TestASwitchOfARevokedSessionSignsOut(t *testing.T) {
	a := NewSwitchingApp(t)
	cookie := a.AcmeCookie()
	a.Fake.RevokeSession(a.SessionID())
	resp := a.SwitchTo("org_beta", cookie, Scripted())
	assert.Equal(t, http.StatusUnauthorized, resp.Status)
	assert.Negative(t, resp.SetCookies(t)["authkit-session"].MaxAge)
}

func TestASwitchToAnOrganizationThatRequiresASignInLeadsThroughIt(t *testing.T) {
	for name, requirement := range map[string]func(*authkittest.Organization){
		"single sign-on":         func(o *authkittest.Organization) { o.RequireSSO, o.Connections = true, []string{"conn_beta"} },
		"MFA":                    func(o *authkittest.Organization) { o.RequireMFA = true },
		"another sign-in method": func(o *authkittest.Organization) { o.AllowedMethods = []string{"GoogleOAuth"} },
	} {
		t.Run(name, func(t *testing.T) {
			a := NewSwitchingApp(t)
			a.Fake.UpdateOrganization("org_beta", requirement)
			b := a.Browser()
			_, err := b.SignIn(a.URL+"/login?return_to=/switcher", Kim)
			require.NoError(t, err)
			before := b.CookieHeader()
			require.Equal(t, http.StatusForbidden, a.SwitchTo("org_beta", before, Scripted()).Status)
			require.Equal(t, "org_acme", a.Me(before)["organization"])

			page, err := b.Submit("Beta", nil)
			require.NoError(t, err)
			if strings.HasPrefix(page.URL.String(), a.Fake.URL()) {
				page, err = b.Submit("Kim", nil)
				require.NoError(t, err)
			}
			assert.Equal(t, a.URL+"/account?x=1", page.URL.String())
			assert.Equal(t, "org_beta", a.Me(b.CookieHeader())["organization"])
		})
	}
}

// An authorization request for an organization must not have the provider or the connection of WithLoginParams.
func TestASignInForASwitchIgnoresTheProviderAndConnectionOfTheLoginParams(t *testing.T) {
	for name, params := range map[string]authkit.LoginParams{
		"a provider": {Provider: "GoogleOAuth"}, "a connection": {Connection: "conn_acme"},
	} {
		t.Run(name, func(t *testing.T) {
			a := NewSwitchingApp(t, authkit.WithLoginParams(params))
			a.Fake.UpdateOrganization("org_beta", func(o *authkittest.Organization) { o.RequireMFA = true })
			plain := NewInstance(t, a.Fake, a.Clock, AppOptions{})
			resp := a.SwitchTo("org_beta", plain.SignedIn(Kim).CookieHeader(), Navigation())
			require.Equal(t, http.StatusSeeOther, resp.Status, resp.Body)
			location, err := resp.Location()
			require.NoError(t, err)
			assert.Equal(t, "authkit", location.Query().Get("provider"))
			assert.Equal(t, "org_beta", location.Query().Get("organization_id"))
			assert.Empty(t, location.Query().Get("connection_id"))
		})
	}
}

func TestConcurrentSwitchesInTwoTabsKeepTheUserSignedIn(t *testing.T) {
	for _, last := range []string{"org_beta", "org_gamma"} {
		t.Run("the browser keeps the cookie of "+last, func(t *testing.T) {
			a := NewSwitchingApp(t)
			cookie := a.AcmeCookie()
			a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true, Times: 1})
			var mu sync.Mutex
			cookies := map[string]string{}
			var wg sync.WaitGroup
			for _, organization := range []string{"org_beta", "org_gamma", "org_beta"} {
				wg.Go(func() {
					resp := a.SwitchTo(organization, cookie, Scripted())
					mu.Lock()
					defer mu.Unlock()
					if assert.Equal(t, http.StatusOK, resp.Status, resp.Body) {
						cookies[organization] = resp.NewCookie(t)
					}
				})
			}
			a.Fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
			a.Fake.ClearFault(authkittest.RouteRefresh)
			wg.Wait()

			// A response that is sent after the other switch has ended sets the session of that switch.
			assert.Contains(t, []any{"org_beta", "org_gamma"}, a.Me(cookies[last])["organization"])
			a.Clock.Advance(4*time.Minute + 30*time.Second)
			assert.NotEmpty(t, a.Me(cookies[last])["organization"], "the session is refreshed with the refresh token of the last switch at WorkOS")
		})
	}
}

func TestARefreshAndASwitchAtTheSameTimeBothSucceed(t *testing.T) {
	a := NewSwitchingApp(t)
	cookie := a.AcmeCookie()
	a.Clock.Advance(4*time.Minute + time.Second)
	a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true, Times: 1})
	responses := make(chan Response)
	go func() {
		resp, _ := a.Do(Request{Target: "/account", Cookie: cookie})
		responses <- resp
	}()
	a.Fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
	switched := make(chan Response)
	go func() { switched <- a.SwitchTo("org_beta", cookie, Scripted()) }()
	a.Fake.ClearFault(authkittest.RouteRefresh)
	assert.Equal(t, http.StatusOK, (<-responses).Status)
	assert.Equal(t, "org_beta", a.Me((<-switched).NewCookie(t))["organization"])
}

func TestAReplyForAnotherOrganizationIsRefusedAndTheSessionKept(t *testing.T) {
	a := NewSwitchingApp(t)
	cookie := a.AcmeCookie()
	a.Fake.UpdateUser(Kim, func(p *authkittest.User) { p.Claims = map[string]any{"org_id": "org_acme"} })
	resp := a.SwitchTo("org_beta", cookie, Scripted())
	assert.Equal(t, http.StatusForbidden, resp.Status)
	assert.Equal(t, "organization_refused", resp.Problem(t)["code"])
	refreshed := resp.NewCookie(t)
	a.ExpireToken(2 * time.Minute)
	assert.Equal(t, "org_acme", a.Me(refreshed)["organization"])
}

func TestALogoutDuringASwitchIsNotUndone(t *testing.T) {
	a := NewSwitchingApp(t)
	cookie := a.AcmeCookie()
	a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true})
	switched := make(chan Response)
	go func() { switched <- a.SwitchTo("org_beta", cookie, Scripted()) }()
	a.Fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
	a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie})
	a.Fake.ClearFault(authkittest.RouteRefresh)
	resp := <-switched
	assert.Equal(t, http.StatusUnauthorized, resp.Status)
	assert.Empty(t, resp.SetCookies(t))
}

func TestAFailedSwitchDoesNotFailARefreshThatWaitedForIt(t *testing.T) {
	clock := newObservedClock()
	a := newSwitchingAppWithClock(t, &clock)
	cookie := a.AcmeCookie()
	a.Clock.Advance(5*time.Minute + 2*time.Minute)
	cookie = a.Send(Request{Target: "/account", Cookie: cookie}).NewCookie(t)
	session := a.sessionOf(cookie)
	a.Clock.Advance(4*time.Minute + time.Second)
	before := a.Fake.Calls(authkittest.RouteRefresh)
	a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{
		Delay: time.Second, Status: 400, Body: `{"error":"sso_required","connection_ids":["conn_1"]}`, Times: 1,
	})
	// The switch handler gets a session that the middleware has not refreshed.
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.SwitchOrganization().ServeHTTP(w, r.WithContext(authkit.NewContext(r.Context(), session)))
	})
	switched := make(chan Response)
	go func() {
		switched <- a.ServeDirectly(handler, Request{
			Method: "POST", Target: "/organization", Cookie: cookie,
			Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, Form: url.Values{"organization_id": {"org_beta"}},
		})
	}()
	a.Fake.AwaitCalls(t, authkittest.RouteRefresh, before+1)
	responses := make(chan Response)
	go func() {
		resp, _ := a.Do(Request{Target: "/account", Cookie: cookie})
		responses <- resp
	}()
	clock.await(2*time.Second, 2*time.Second)
	a.Clock.Advance(time.Second)
	assert.Equal(t, http.StatusForbidden, (<-switched).Status)
	(<-responses).NewCookie(t)
}

func TestASwitchFormBeyond64KiBIsRefused(t *testing.T) {
	a := NewSwitchingApp(t)
	cookie := a.AcmeCookie()
	send := func(padding int) Response {
		return a.Send(Request{Method: "POST", Target: "/organization", Cookie: cookie, Header: Scripted(), Form: url.Values{
			"organization_id": {"org_beta"}, "padding": {strings.Repeat("x", padding)},
		}})
	}
	resp := send(64 << 10)
	assert.Equal(t, http.StatusForbidden, resp.Status)
	assert.Empty(t, resp.SetCookies(t))
	assert.Zero(t, a.Fake.Calls(authkittest.RouteRefresh))
	assert.Equal(t, http.StatusOK, send(63<<10).Status)
}

func TestASwitchDoesNotGetTheResultOfAnEarlierSwitch(t *testing.T) {
	a := NewSwitchingApp(t)
	cookie := a.AcmeCookie()
	a.Fake.AddSigningKey()
	a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	r := a.SwitchTo("org_beta", cookie, Scripted())
	require.Equal(t, 503, r.Status)
	cookie = JarAfter(cookie, r)
	a.Fake.ClearFault(authkittest.RouteJWKS)
	a.Clock.Advance(40 * time.Second)
	r = a.SwitchTo("org_gamma", cookie, Scripted())
	assert.Equal(t, 200, r.Status, r.Body)
	cookie = JarAfter(cookie, r)
	assert.Equal(t, "org_gamma", a.Me(cookie)["organization"])
}

func TestTheSignInLinkOfARefusedSwitchDoesNotReturnToTheForm(t *testing.T) {
	a := NewSwitchingApp(t)
	r := a.Send(Request{Method: "POST", Target: "/organization", Header: http.Header{"Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}, "Accept": {"text/html"}},
		Form: url.Values{"organization_id": {"org_beta"}, "return_to": {"/account"}}})
	assert.Equal(t, 401, r.Status)
	assert.NotContains(t, r.Body, "return_to=%2Forganization")
}
