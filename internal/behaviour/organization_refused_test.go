// Organization switches that WorkOS refuses, switches that fail, and the limit on the calls that they cause.

package behaviour

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/testrun"
)

func TestARefusedSwitchLeavesTheSessionUnchanged(t *testing.T) {
	a := NewSwitchingApp(t)
	for name, c := range map[string]struct {
		organization string
		header       http.Header
		fault        *authkittest.Fault
		status       int
		code         string
	}{
		"an empty ID":                                  {"", Scripted(), nil, 403, "organization_refused"},
		"an organization that does not exist":          {"org_nowhere", Scripted(), nil, 403, "organization_refused"},
		"an organization of other users":               {"org_others", Scripted(), nil, 403, "organization_refused"},
		"an unknown error code":                        {"org_beta", Scripted(), &authkittest.Fault{Status: 400, Body: `{"error":"too_many","error_description":"x"}`}, 403, "organization_refused"},
		"a request from another site":                  {"org_beta", http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}}, nil, 403, "cross_origin_refused"},
		"an organization that requires single sign-on": {"org_beta", Scripted(), &authkittest.Fault{Status: 400, Body: `{"error":"sso_required","connection_ids":["conn_1"]}`}, 403, "organization_sign_in_required"},
		"an organization that requires MFA":            {"org_beta", Scripted(), &authkittest.Fault{Status: 403, Body: `{"code":"mfa_enrollment","pending_authentication_token":"secret"}`}, 403, "organization_sign_in_required"},
		"a 401 of WorkOS":                              {"org_beta", Scripted(), &authkittest.Fault{Status: 401}, 503, "unavailable"},
		"a reply that is not JSON":                     {"org_beta", Scripted(), &authkittest.Fault{Body: "<html>"}, 503, "unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			cookie := a.AcmeCookie() // a new session each time: a refusal is remembered per session
			if c.fault != nil {
				a.Fake.InjectFault(authkittest.RouteRefresh, *c.fault)
				defer a.Fake.ClearFault(authkittest.RouteRefresh)
			}
			resp := a.SwitchTo(c.organization, cookie, c.header)
			assert.Equal(t, c.status, resp.Status, resp.Body)
			assert.Equal(t, c.code, resp.Problem(t)["code"])
			assert.Empty(t, resp.SetCookies(t))
			assert.Equal(t, "org_acme", a.Me(cookie)["organization"])
			a.Fake.ClearFault(authkittest.RouteRefresh)
			a.ExpireToken(2 * time.Minute)
			assert.Equal(t, "org_acme", a.Me(cookie)["organization"], "the session can still be refreshed")
		})
	}
}

func TestAMalformedOrganizationIDIsRefusedWithoutACall(t *testing.T) {
	a := NewSwitchingApp(t)
	cookie := a.AcmeCookie()
	for _, id := range []string{
		"", "acme", "org_", "ORG_acme", "user_kim", " org_acme", "org_acme ", "org_acme\n", "org_acme\x00", "org_a/../b", "org_a.b",
		"org_\u00e4cme", "org_\xff", "org_a\u200bb", "org_a&x=1", "{\"org_a\":1}", "org_" + strings.Repeat("a", 125), strings.Repeat("org_", 5000),
	} {
		resp := a.SwitchTo(id, cookie, Scripted())
		assert.Equal(t, http.StatusForbidden, resp.Status, "%.40q", id)
		assert.Equal(t, "organization_refused", resp.Problem(t)["code"])
		assert.Empty(t, resp.SetCookies(t))
	}
	assert.Zero(t, a.Fake.Calls(authkittest.RouteRefresh))

	for i, id := range []string{"org_" + strings.Repeat("a", 124), "org_0", "org_01EHWNCE74X7JSDV0X3SZ3KJNY", "org_a-b_C"} {
		assert.Equal(t, http.StatusForbidden, a.SwitchTo(id, cookie, Scripted()).Status)
		assert.Equal(t, i+1, a.Fake.Calls(authkittest.RouteRefresh), "%.40q is well-formed", id)
	}
}

func TestMadeUpOrganizationIDsCostAtMostTwentyCallsAMinute(t *testing.T) {
	a := NewSwitchingApp(t)
	cookie := a.AcmeCookie()
	guess := func(ids int) {
		for range 2 {
			for i := range ids {
				resp := a.SwitchTo(fmt.Sprintf("org_%d", i), cookie, Scripted())
				require.Equal(t, http.StatusForbidden, resp.Status)
				require.Equal(t, "organization_refused", resp.Problem(t)["code"])
				require.Empty(t, resp.SetCookies(t))
			}
		}
	}
	guess(testrun.Length(40, 200))
	assert.Equal(t, 20, a.Fake.Calls(authkittest.RouteRefresh))
	a.Clock.Advance(59 * time.Second)
	guess(30)
	assert.Equal(t, http.StatusForbidden, a.SwitchTo("org_beta", cookie, Scripted()).Status, "the limit also applies to an organization of the user")
	assert.Equal(t, 20, a.Fake.Calls(authkittest.RouteRefresh))
	assert.Equal(t, "org_acme", a.Me(cookie)["organization"])

	other := a.AcmeCookie()
	a.SwitchTo("org_beta", other, Scripted()).NewCookie(t)
	assert.Equal(t, 21, a.Fake.Calls(authkittest.RouteRefresh), "the limit is per session")

	a.Clock.Advance(time.Second)
	guess(30)
	assert.Equal(t, 41, a.Fake.Calls(authkittest.RouteRefresh))
	a.Clock.Advance(time.Minute)
	assert.Equal(t, "org_beta", a.Me(a.SwitchTo("org_beta", cookie, Scripted()).NewCookie(t))["organization"])
	assert.NotContains(t, a.Logs.String(), "WARN", "a client can cause this answer")
}

// The requests start together, so that none of them sees the refusal of another one before it calls WorkOS.
func TestConcurrentMadeUpOrganizationIDsCostAtMostTwentyCalls(t *testing.T) {
	a := NewSwitchingApp(t)
	cookie := a.AcmeCookie()
	a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true, Times: 1})
	var pending []chan Response
	for i := range 40 {
		pending = append(pending, a.SendAsync(Request{
			Method: "POST", Target: "/organization", Cookie: cookie, Header: Scripted(), Form: url.Values{"organization_id": {fmt.Sprintf("org_%d", i)}},
		}))
	}
	a.Fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
	a.Fake.ClearFault(authkittest.RouteRefresh)
	for _, responses := range pending {
		assert.Contains(t, []int{http.StatusForbidden, http.StatusServiceUnavailable}, (<-responses).Status)
	}
	assert.LessOrEqual(t, a.Fake.Calls(authkittest.RouteRefresh), 20)
	assert.Equal(t, "org_acme", a.Me(cookie)["organization"])
}

func TestSwitchesBetweenAUsersOwnOrganizationsAreNotLimited(t *testing.T) {
	a := NewSwitchingApp(t)
	cookie := a.AcmeCookie()
	for i := range 10 {
		for _, organization := range []string{"org_beta", "org_gamma", "org_acme"} {
			resp := a.SwitchTo(organization, cookie, Scripted())
			require.Equal(t, http.StatusOK, resp.Status, "round %d", i)
			cookie = resp.NewCookie(t)
			require.Equal(t, organization, a.Me(cookie)["organization"])
		}
	}
}

func TestASwitchToARefusedOrganizationIsTriedAgainAfterAMinute(t *testing.T) {
	a := NewSwitchingApp(t)
	cookie := a.AcmeCookie()
	for range 5 {
		assert.Equal(t, http.StatusForbidden, a.SwitchTo("org_delta", cookie, Scripted()).Status)
	}
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
	assert.Equal(t, http.StatusOK, a.SwitchTo("org_beta", cookie, Scripted()).Status, "another organization is not affected")
	a.Fake.UpdateUser(Kim, func(p *authkittest.User) {
		p.Memberships = append(p.Memberships, authkittest.Membership{OrganizationID: "org_delta", Role: "viewer"})
	})
	a.Clock.Advance(time.Minute - time.Millisecond)
	assert.Equal(t, http.StatusForbidden, a.SwitchTo("org_delta", cookie, Scripted()).Status)
	assert.Equal(t, 2, a.Fake.Calls(authkittest.RouteRefresh))
	a.Clock.Advance(time.Millisecond)
	assert.Equal(t, "org_delta", a.Me(a.SwitchTo("org_delta", cookie, Scripted()).NewCookie(t))["organization"])
}

// The organization required a sign-in, and the user has signed in since. The refusal belongs to the session before that
// sign-in.
func TestASignInForAnOrganizationClearsItsRememberedRefusal(t *testing.T) {
	a := NewSwitchingApp(t)
	cookie := a.AcmeCookie()
	a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 400, Body: `{"error":"sso_required"}`, Times: 1})
	resp := a.SwitchTo("org_beta", cookie, Scripted())
	assert.Equal(t, "organization_sign_in_required", resp.Problem(t)["code"])
	resp = a.SwitchTo("org_beta", cookie, Scripted())
	assert.Equal(t, "organization_sign_in_required", resp.Problem(t)["code"], "the remembered refusal has the same code")
	a.Clock.Advance(time.Second)
	assert.Equal(t, http.StatusOK, a.SwitchTo("org_beta", a.SignInAgain(cookie), Scripted()).Status)
	assert.Equal(t, 2, a.Fake.Calls(authkittest.RouteRefresh))
}

func TestATransientSwitchFailurePausesSwitchesButNotRefreshes(t *testing.T) {
	for name, c := range map[string]struct {
		fault authkittest.Fault
		pause time.Duration
	}{
		"no Retry-After: five seconds": {authkittest.Fault{Status: 401, Times: 1}, 5 * time.Second},
		"the time of Retry-After":      {authkittest.Fault{Status: 401, Header: http.Header{"Retry-After": {"40"}}, Times: 1}, 40 * time.Second},
		"invalid_client":               {authkittest.Fault{Status: 400, Body: `{"error":"invalid_client"}`, Times: 1}, 5 * time.Second},
		"a page with 403":              {authkittest.Fault{Status: 403, Body: "<html>", Times: 1}, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			a := NewSwitchingApp(t)
			cookie := a.AcmeCookie()
			a.Clock.Advance(3 * time.Minute)
			a.Fake.InjectFault(authkittest.RouteRefresh, c.fault)
			for range 3 {
				for _, organization := range []string{"org_beta", "org_gamma"} {
					resp := a.SwitchTo(organization, cookie, Scripted())
					assert.Equal(t, http.StatusServiceUnavailable, resp.Status)
					assert.Equal(t, fmt.Sprint(c.pause.Seconds()), resp.Header.Get("Retry-After"))
				}
			}
			assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
			a.Clock.Advance(c.pause - time.Millisecond)
			assert.Equal(t, http.StatusServiceUnavailable, a.SwitchTo("org_beta", cookie, Scripted()).Status)
			assert.Equal(t, "org_acme", a.Me(cookie)["organization"])
			assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
			a.Clock.Advance(time.Millisecond)
			assert.Equal(t, http.StatusOK, a.SwitchTo("org_beta", cookie, Scripted()).Status)
		})
	}
	t.Run("a refresh is made during the pause", func(t *testing.T) {
		a := NewSwitchingApp(t)
		cookie := a.AcmeCookie()
		a.Clock.Advance(4*time.Minute - time.Second)
		a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 401, Header: http.Header{"Retry-After": {"60"}}, Times: 1})
		require.Equal(t, http.StatusServiceUnavailable, a.SwitchTo("org_beta", cookie, Scripted()).Status)
		a.Clock.Advance(2 * time.Second)
		a.Send(Request{Target: "/account", Cookie: cookie}).NewCookie(t)
	})
}

func TestATransientRefreshFailurePausesSwitches(t *testing.T) {
	a := NewSwitchingApp(t)
	cookie := a.AcmeCookie()
	a.Clock.Advance(4 * time.Minute)
	a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 401, Header: http.Header{"Retry-After": {"40"}}, Times: 1})
	for range 3 {
		resp := a.SwitchTo("org_beta", cookie, Scripted())
		assert.Equal(t, http.StatusServiceUnavailable, resp.Status)
		assert.Equal(t, "40", resp.Header.Get("Retry-After"))
	}
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
}

// The organization of the session does not exist any more. The user must be able to switch to another one.
func TestARefusedRefreshDoesNotPreventASwitch(t *testing.T) {
	a := NewSwitchingApp(t)
	cookie := a.AcmeCookie()
	a.Clock.Advance(4 * time.Minute)
	a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 400, Body: `{"error":"organization_not_found"}`, Times: 1})
	resp := a.SwitchTo("org_beta", cookie, Scripted())
	assert.Equal(t, http.StatusOK, resp.Status)
	assert.Equal(t, "org_beta", a.Me(resp.NewCookie(t))["organization"])
}

// The same is true of a switch to the current organization of the session: it is a switch and not a refresh.
func TestASignInRequiredByAnOrganizationDoesNotEndTheSession(t *testing.T) {
	for _, organization := range []string{"org_beta", "org_acme"} {
		for _, refusal := range []string{`{"error":"sso_required","connection_ids":["conn_1"]}`, `{"code":"mfa_enrollment","pending_authentication_token":"p"}`} {
			a := NewSwitchingApp(t)
			cookie := a.AcmeCookie()
			a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 403, Body: refusal, Times: 1})
			resp := a.SwitchTo(organization, cookie, Scripted())
			assert.Equal(t, "organization_sign_in_required", resp.Problem(t)["code"])
			assert.Empty(t, resp.SetCookies(t))
			a.Clock.Advance(4 * time.Minute)
			a.Send(Request{Target: "/account", Cookie: cookie}).NewCookie(t)
		}
	}
}
