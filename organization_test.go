package authkit_test

import (
	"encoding/json"
	"fmt"
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

// switching is an application whose kim is in two organizations, and signed in
// to the first.
func switching(t *testing.T, opts ...authkit.Option) *app { return switchingOn(t, nil, opts...) }

func switchingOn(t *testing.T, clock *observedClock, opts ...authkit.Option) *app {
	a := newApp(t, appOptions{clock: clock, authkit: opts, routes: func(a *app, mux *http.ServeMux) {
		mux.Handle("POST /organization", a.SwitchOrganization())
		mux.HandleFunc("/me", func(w http.ResponseWriter, r *http.Request) { json.NewEncoder(w).Encode(meOf(r)) })
		mux.HandleFunc("/switcher", func(w http.ResponseWriter, r *http.Request) {
			w.Write([]byte(`<form method="post" action="/organization"><input type="hidden" name="return_to" value="/account?x=1">` +
				`<button name="organization_id" value="org_beta">Beta</button></form>`))
		})
	}})
	a.fake.UpdatePerson(kim, func(p *authkittest.Person) {
		p.Memberships = append(p.Memberships,
			authkittest.Membership{OrganizationID: "org_beta", Role: "viewer", Permissions: []string{"posts:read"}},
			authkittest.Membership{OrganizationID: "org_gamma", Role: "editor"})
	})
	return a
}

func meOf(r *http.Request) map[string]any {
	s, ok := sessionOf(r)
	if !ok {
		return map[string]any{}
	}
	return map[string]any{"organization": s.OrganizationID(), "role": s.Role(), "permissions": s.Permissions(), "session": s.ID()}
}

func (a *app) me(cookie string) map[string]any {
	var me map[string]any
	require.NoError(a.t, json.Unmarshal([]byte(a.send(request{target: "/me", cookie: cookie}).body), &me))
	return me
}

// switchTo posts the form as a script does.
func (a *app) switchTo(organization, cookie string, header http.Header) response {
	a.t.Helper()
	return a.send(request{
		method: "POST", target: "/organization", cookie: cookie, header: header,
		form: url.Values{"organization_id": {organization}, "return_to": {"/account"}},
	})
}

// acme is the cookie of kim in org_acme.
func (a *app) acme() string {
	a.t.Helper()
	b := a.browser()
	_, err := b.SignIn(a.url+"/login", kim)
	require.NoError(a.t, err)
	cookie := b.cookieHeader()
	require.Equal(a.t, "org_acme", a.me(cookie)["organization"])
	return cookie
}

func TestASwitchTakesTheSessionToTheOtherOrganizationAtOnce(t *testing.T) {
	a := switching(t)
	b := a.browser()
	_, err := b.SignIn(a.url+"/login?return_to=/switcher", kim)
	require.NoError(t, err)
	before := a.me(b.cookieHeader())
	page, err := b.Submit("Beta", nil)
	require.NoError(t, err)
	assert.Equal(t, a.url+"/account?x=1", page.URL.String())
	after := a.me(b.cookieHeader())
	assert.Equal(t, map[string]any{
		"organization": "org_beta", "role": "viewer", "permissions": []any{"posts:read"}, "session": before["session"],
	}, after)
	assert.Equal(t, 1, a.fake.Calls(authkittest.RouteRefresh))
}

func TestAScriptThatSwitchesIsToldWhereToGo(t *testing.T) {
	a := switching(t)
	resp := a.switchTo("org_beta", a.acme(), scripted())
	assert.Equal(t, http.StatusOK, resp.status)
	assert.JSONEq(t, `{"return_to":"/account"}`, resp.body)
	assert.Equal(t, "org_beta", a.me(resp.newCookie(t))["organization"])
}

func TestASwitchThatIsRefusedLeavesTheSessionAsItWas(t *testing.T) {
	a := switching(t)
	for name, c := range map[string]struct {
		organization string
		header       http.Header
		fault        *authkittest.Fault
		status       int
		code         string
	}{
		"to no organization":          {"", scripted(), nil, 403, "organization_refused"},
		"to one that does not exist":  {"org_nowhere", scripted(), nil, 403, "organization_refused"},
		"to one of other people":      {"org_others", scripted(), nil, 403, "organization_refused"},
		"while WorkOS is down":        {"org_beta", scripted(), &authkittest.Fault{Status: 400, Body: `{"error":"too_many","error_description":"x"}`}, 403, "organization_refused"},
		"by another site":             {"org_beta", http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}}, nil, 403, "cross_origin"},
		"which wants single sign-on":  {"org_beta", scripted(), &authkittest.Fault{Status: 400, Body: `{"error":"sso_required","connection_ids":["conn_1"]}`}, 403, "organization_sign_in"},
		"which wants a second factor": {"org_beta", scripted(), &authkittest.Fault{Status: 403, Body: `{"code":"mfa_enrollment","pending_authentication_token":"secret"}`}, 403, "organization_sign_in"},
		"while WorkOS answers 401":    {"org_beta", scripted(), &authkittest.Fault{Status: 401}, 503, "unavailable"},
		"while nothing legible comes": {"org_beta", scripted(), &authkittest.Fault{Body: "<html>"}, 503, "unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			cookie := a.acme() // a session of its own: a refusal is remembered for one
			if c.fault != nil {
				a.fake.Fail(authkittest.RouteRefresh, *c.fault)
				defer a.fake.Heal(authkittest.RouteRefresh)
			}
			resp := a.switchTo(c.organization, cookie, c.header)
			assert.Equal(t, c.status, resp.status, resp.body)
			assert.Equal(t, c.code, resp.problem(t)["code"])
			assert.Empty(t, resp.setCookies(t))
			assert.Equal(t, "org_acme", a.me(cookie)["organization"])
			a.fake.Heal(authkittest.RouteRefresh)
			a.expireToken(2 * time.Minute)
			assert.Equal(t, "org_acme", a.me(cookie)["organization"], "and it is still renewed")
		})
	}
}

func TestASwitchOfAnEndedSessionEndsItHere(t *testing.T) {
	a := switching(t)
	cookie := a.acme()
	a.fake.RevokeSession(a.sessionID())
	resp := a.switchTo("org_beta", cookie, scripted())
	assert.Equal(t, http.StatusUnauthorized, resp.status)
	assert.Negative(t, resp.setCookies(t)["authkit-session"].MaxAge)
}

func TestAnOrganizationThatWantsItsOwnSignInGetsItAndTheBrowserComesBack(t *testing.T) {
	for name, demand := range map[string]func(*authkittest.Organization){
		"single sign-on":  func(o *authkittest.Organization) { o.RequireSSO, o.Connections = true, []string{"conn_beta"} },
		"a second factor": func(o *authkittest.Organization) { o.RequireMFA = true },
		"another method":  func(o *authkittest.Organization) { o.AllowedMethods = []string{"GoogleOAuth"} },
	} {
		t.Run(name, func(t *testing.T) {
			a := switching(t)
			a.fake.UpdateOrganization("org_beta", demand)
			b := a.browser()
			_, err := b.SignIn(a.url+"/login?return_to=/switcher", kim)
			require.NoError(t, err)
			before := b.cookieHeader()
			require.Equal(t, http.StatusForbidden, a.switchTo("org_beta", before, scripted()).status)
			require.Equal(t, "org_acme", a.me(before)["organization"])

			page, err := b.Submit("Beta", nil)
			require.NoError(t, err)
			if strings.HasPrefix(page.URL.String(), a.fake.URL()) {
				page, err = b.Submit("Kim", nil)
				require.NoError(t, err)
			}
			assert.Equal(t, a.url+"/account?x=1", page.URL.String())
			assert.Equal(t, "org_beta", a.me(b.cookieHeader())["organization"])
		})
	}
}

// A provider or a connection in the options of every sign-in cannot stand beside an organization.
func TestASwitchThatNeedsASignInGoesThroughAuthKitWhateverTheLoginOptionsSay(t *testing.T) {
	for name, option := range map[string]authkit.LoginOption{
		"a provider": authkit.Provider("GoogleOAuth"), "a connection": authkit.Connection("conn_acme"),
	} {
		t.Run(name, func(t *testing.T) {
			a := switching(t, authkit.WithLoginOptions(option))
			a.fake.UpdateOrganization("org_beta", func(o *authkittest.Organization) { o.RequireMFA = true })
			plain := newInstance(t, a.fake, a.clock, appOptions{})
			resp := a.switchTo("org_beta", plain.signedIn(kim).cookieHeader(), navigation())
			require.Equal(t, http.StatusSeeOther, resp.status, resp.body)
			location, err := resp.location()
			require.NoError(t, err)
			assert.Equal(t, "authkit", location.Query().Get("provider"))
			assert.Equal(t, "org_beta", location.Query().Get("organization_id"))
			assert.Empty(t, location.Query().Get("connection_id"))
		})
	}
}

func TestTwoTabsThatSwitchAtOnceBothArriveAndNobodyIsSignedOut(t *testing.T) {
	for _, last := range []string{"org_beta", "org_gamma"} {
		t.Run("the browser is left with the cookie of "+last, func(t *testing.T) {
			a := switching(t)
			cookie := a.acme()
			a.fake.Fail(authkittest.RouteRefresh, authkittest.Fault{Hang: true, Times: 1})
			var mu sync.Mutex
			cookies := map[string]string{}
			var wg sync.WaitGroup
			for _, organization := range []string{"org_beta", "org_gamma", "org_beta"} {
				wg.Go(func() {
					resp := a.switchTo(organization, cookie, scripted())
					mu.Lock()
					defer mu.Unlock()
					if assert.Equal(t, http.StatusOK, resp.status, resp.body) {
						cookies[organization] = resp.newCookie(t)
					}
				})
			}
			a.fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
			a.fake.Heal(authkittest.RouteRefresh)
			wg.Wait()

			// A response that comes after the other switch carries what that made.
			assert.Contains(t, []any{"org_beta", "org_gamma"}, a.me(cookies[last])["organization"])
			a.clock.Advance(4*time.Minute + 30*time.Second)
			assert.NotEmpty(t, a.me(cookies[last])["organization"], "renewed from whichever came last at WorkOS")
		})
	}
}

func TestARefreshDuringASwitchGoesOnAndTheSwitchToo(t *testing.T) {
	a := switching(t)
	cookie := a.acme()
	a.clock.Advance(4*time.Minute + time.Second)
	a.fake.Fail(authkittest.RouteRefresh, authkittest.Fault{Hang: true, Times: 1})
	answered := make(chan response)
	go func() {
		resp, _ := a.do(request{target: "/account", cookie: cookie})
		answered <- resp
	}()
	a.fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
	switched := make(chan response)
	go func() { switched <- a.switchTo("org_beta", cookie, scripted()) }()
	a.fake.Heal(authkittest.RouteRefresh)
	assert.Equal(t, http.StatusOK, (<-answered).status)
	assert.Equal(t, "org_beta", a.me((<-switched).newCookie(t))["organization"])
}

func TestAnAnswerWithAnotherOrganizationIsRefusedAndLosesNothing(t *testing.T) {
	a := switching(t)
	cookie := a.acme()
	a.fake.UpdatePerson(kim, func(p *authkittest.Person) { p.Claims = map[string]any{"org_id": "org_acme"} })
	resp := a.switchTo("org_beta", cookie, scripted())
	assert.Equal(t, http.StatusForbidden, resp.status)
	assert.Equal(t, "organization_refused", resp.problem(t)["code"])
	renewed := resp.newCookie(t)
	a.expireToken(2 * time.Minute)
	assert.Equal(t, "org_acme", a.me(renewed)["organization"])
}

func TestALogoutDuringASwitchStays(t *testing.T) {
	a := switching(t)
	cookie := a.acme()
	a.fake.Fail(authkittest.RouteRefresh, authkittest.Fault{Hang: true})
	switched := make(chan response)
	go func() { switched <- a.switchTo("org_beta", cookie, scripted()) }()
	a.fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
	a.send(request{method: "POST", target: "/logout", cookie: cookie})
	a.fake.Heal(authkittest.RouteRefresh)
	resp := <-switched
	assert.Equal(t, http.StatusUnauthorized, resp.status)
	assert.Empty(t, resp.setCookies(t))
}

func TestASwitchThatFailsIsNoFailureOfARefreshThatWaitedForIt(t *testing.T) {
	clock := newObservedClock()
	a := switchingOn(t, &clock)
	cookie := a.acme()
	a.clock.Advance(5*time.Minute + 2*time.Minute)
	cookie = a.send(request{target: "/account", cookie: cookie}).newCookie(t)
	session := a.sessionOf(cookie)
	a.clock.Advance(4*time.Minute + time.Second)
	before := a.fake.Calls(authkittest.RouteRefresh)
	a.fake.Fail(authkittest.RouteRefresh, authkittest.Fault{
		Delay: time.Second, Status: 400, Body: `{"error":"sso_required","connection_ids":["conn_1"]}`, Times: 1,
	})
	// The switch comes with a session that the middleware has not renewed.
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.SwitchOrganization().ServeHTTP(w, r.WithContext(authkit.NewContext(r.Context(), session)))
	})
	switched := make(chan response)
	go func() {
		switched <- a.direct(handler, request{
			method: "POST", target: "/organization", cookie: cookie,
			header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, form: url.Values{"organization_id": {"org_beta"}},
		})
	}()
	a.fake.AwaitCalls(t, authkittest.RouteRefresh, before+1)
	answered := make(chan response)
	go func() {
		resp, _ := a.do(request{target: "/account", cookie: cookie})
		answered <- resp
	}()
	clock.await(2*time.Second, 2*time.Second)
	a.clock.Advance(time.Second)
	assert.Equal(t, http.StatusForbidden, (<-switched).status)
	(<-answered).newCookie(t)
}

func TestWhatIsNoOrganizationIDIsRefusedWithoutACall(t *testing.T) {
	a := switching(t)
	cookie := a.acme()
	for _, id := range []string{
		"", "acme", "org_", "ORG_acme", "user_kim", " org_acme", "org_acme ", "org_acme\n", "org_acme\x00", "org_a/../b", "org_a.b",
		"org_\u00e4cme", "org_\xff", "org_a\u200bb", "org_a&x=1", "{\"org_a\":1}", "org_" + strings.Repeat("a", 125), strings.Repeat("org_", 5000),
	} {
		resp := a.switchTo(id, cookie, scripted())
		assert.Equal(t, http.StatusForbidden, resp.status, "%.40q", id)
		assert.Equal(t, "organization_refused", resp.problem(t)["code"])
		assert.Empty(t, resp.setCookies(t))
	}
	assert.Zero(t, a.fake.Calls(authkittest.RouteRefresh))

	for i, id := range []string{"org_" + strings.Repeat("a", 124), "org_0", "org_01EHWNCE74X7JSDV0X3SZ3KJNY", "org_a-b_C"} {
		assert.Equal(t, http.StatusForbidden, a.switchTo(id, cookie, scripted()).status)
		assert.Equal(t, i+1, a.fake.Calls(authkittest.RouteRefresh), "%.40q may be one", id)
	}
}

func TestMadeUpOrganizationIDsAreAskedAboutTwentyTimesAMinuteAtTheMost(t *testing.T) {
	a := switching(t)
	cookie := a.acme()
	guess := func(ids int) {
		for range 2 {
			for i := range ids {
				resp := a.switchTo(fmt.Sprintf("org_%d", i), cookie, scripted())
				require.Equal(t, http.StatusForbidden, resp.status)
				require.Equal(t, "organization_refused", resp.problem(t)["code"])
				require.Empty(t, resp.setCookies(t))
			}
		}
	}
	guess(200)
	assert.Equal(t, 20, a.fake.Calls(authkittest.RouteRefresh))
	a.clock.Advance(59 * time.Second)
	guess(30)
	assert.Equal(t, http.StatusForbidden, a.switchTo("org_beta", cookie, scripted()).status, "no organization is asked about any more")
	assert.Equal(t, 20, a.fake.Calls(authkittest.RouteRefresh))
	assert.Equal(t, "org_acme", a.me(cookie)["organization"])

	other := a.acme()
	a.switchTo("org_beta", other, scripted()).newCookie(t)
	assert.Equal(t, 21, a.fake.Calls(authkittest.RouteRefresh), "another session is not held up")

	a.clock.Advance(time.Second)
	guess(30)
	assert.Equal(t, 41, a.fake.Calls(authkittest.RouteRefresh))
	a.clock.Advance(time.Minute)
	assert.Equal(t, "org_beta", a.me(a.switchTo("org_beta", cookie, scripted()).newCookie(t))["organization"])
	assert.NotContains(t, a.logs.String(), "WARN", "a client can cause it")
}

// All at once, so that none of them finds another's refusal in time.
func TestMadeUpOrganizationIDsThatComeAtOnceAreBoundedToo(t *testing.T) {
	a := switching(t)
	cookie := a.acme()
	a.fake.Fail(authkittest.RouteRefresh, authkittest.Fault{Hang: true, Times: 1})
	var answers []chan response
	for i := range 40 {
		answers = append(answers, a.sendAside(request{
			method: "POST", target: "/organization", cookie: cookie, header: scripted(), form: url.Values{"organization_id": {fmt.Sprintf("org_%d", i)}},
		}))
	}
	a.fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
	a.fake.Heal(authkittest.RouteRefresh)
	for _, answered := range answers {
		assert.Contains(t, []int{http.StatusForbidden, http.StatusServiceUnavailable}, (<-answered).status)
	}
	assert.LessOrEqual(t, a.fake.Calls(authkittest.RouteRefresh), 20)
	assert.Equal(t, "org_acme", a.me(cookie)["organization"])
}

func TestAPersonMaySwitchAmongTheirOrganizationsAsOftenAsTheyLike(t *testing.T) {
	a := switching(t)
	cookie := a.acme()
	for i := range 10 {
		for _, organization := range []string{"org_beta", "org_gamma", "org_acme"} {
			resp := a.switchTo(organization, cookie, scripted())
			require.Equal(t, http.StatusOK, resp.status, "round %d", i)
			cookie = resp.newCookie(t)
			require.Equal(t, organization, a.me(cookie)["organization"])
		}
	}
}

func TestARefusedOrganizationIsAskedAboutAgainAfterAMinute(t *testing.T) {
	a := switching(t)
	cookie := a.acme()
	for range 5 {
		assert.Equal(t, http.StatusForbidden, a.switchTo("org_delta", cookie, scripted()).status)
	}
	assert.Equal(t, 1, a.fake.Calls(authkittest.RouteRefresh))
	assert.Equal(t, http.StatusOK, a.switchTo("org_beta", cookie, scripted()).status, "another organization is")
	a.fake.UpdatePerson(kim, func(p *authkittest.Person) {
		p.Memberships = append(p.Memberships, authkittest.Membership{OrganizationID: "org_delta", Role: "viewer"})
	})
	a.clock.Advance(time.Minute - time.Millisecond)
	assert.Equal(t, http.StatusForbidden, a.switchTo("org_delta", cookie, scripted()).status)
	assert.Equal(t, 2, a.fake.Calls(authkittest.RouteRefresh))
	a.clock.Advance(time.Millisecond)
	assert.Equal(t, "org_delta", a.me(a.switchTo("org_delta", cookie, scripted()).newCookie(t))["organization"])
}

// The organization wanted a sign-in of its own, and got it. Its refusal is one
// of the session before that.
func TestASignInForAnOrganizationForgetsThatItWasRefused(t *testing.T) {
	a := switching(t)
	cookie := a.acme()
	a.fake.Fail(authkittest.RouteRefresh, authkittest.Fault{Status: 400, Body: `{"error":"sso_required"}`, Times: 1})
	resp := a.switchTo("org_beta", cookie, scripted())
	assert.Equal(t, "organization_sign_in", resp.problem(t)["code"])
	resp = a.switchTo("org_beta", cookie, scripted())
	assert.Equal(t, "organization_sign_in", resp.problem(t)["code"], "what is remembered says the same")
	a.clock.Advance(time.Second)
	assert.Equal(t, http.StatusOK, a.switchTo("org_beta", a.signInOver(cookie), scripted()).status)
	assert.Equal(t, 2, a.fake.Calls(authkittest.RouteRefresh))
}

func TestASwitchThatFailsInPassingPausesSwitchesAndNoRefresh(t *testing.T) {
	for name, c := range map[string]struct {
		fault authkittest.Fault
		pause time.Duration
	}{
		"five seconds where none is given": {authkittest.Fault{Status: 401, Times: 1}, 5 * time.Second},
		"as long as is asked for":          {authkittest.Fault{Status: 401, Header: http.Header{"Retry-After": {"40"}}, Times: 1}, 40 * time.Second},
		"invalid_client":                   {authkittest.Fault{Status: 400, Body: `{"error":"invalid_client"}`, Times: 1}, 5 * time.Second},
		"a page":                           {authkittest.Fault{Status: 403, Body: "<html>", Times: 1}, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			a := switching(t)
			cookie := a.acme()
			a.clock.Advance(3 * time.Minute)
			a.fake.Fail(authkittest.RouteRefresh, c.fault)
			for range 3 {
				for _, organization := range []string{"org_beta", "org_gamma"} {
					resp := a.switchTo(organization, cookie, scripted())
					assert.Equal(t, http.StatusServiceUnavailable, resp.status)
					assert.Equal(t, fmt.Sprint(c.pause.Seconds()), resp.header.Get("Retry-After"))
				}
			}
			assert.Equal(t, 1, a.fake.Calls(authkittest.RouteRefresh))
			a.clock.Advance(c.pause - time.Millisecond)
			assert.Equal(t, http.StatusServiceUnavailable, a.switchTo("org_beta", cookie, scripted()).status)
			assert.Equal(t, "org_acme", a.me(cookie)["organization"])
			assert.Equal(t, 1, a.fake.Calls(authkittest.RouteRefresh))
			a.clock.Advance(time.Millisecond)
			assert.Equal(t, http.StatusOK, a.switchTo("org_beta", cookie, scripted()).status)
		})
	}
	t.Run("a refresh is made meanwhile", func(t *testing.T) {
		a := switching(t)
		cookie := a.acme()
		a.clock.Advance(4*time.Minute - time.Second)
		a.fake.Fail(authkittest.RouteRefresh, authkittest.Fault{Status: 401, Header: http.Header{"Retry-After": {"60"}}, Times: 1})
		require.Equal(t, http.StatusServiceUnavailable, a.switchTo("org_beta", cookie, scripted()).status)
		a.clock.Advance(2 * time.Second)
		a.send(request{target: "/account", cookie: cookie}).newCookie(t)
	})
}

func TestARefreshThatFailsInPassingPausesSwitchesToo(t *testing.T) {
	a := switching(t)
	cookie := a.acme()
	a.clock.Advance(4 * time.Minute)
	a.fake.Fail(authkittest.RouteRefresh, authkittest.Fault{Status: 401, Header: http.Header{"Retry-After": {"40"}}, Times: 1})
	for range 3 {
		resp := a.switchTo("org_beta", cookie, scripted())
		assert.Equal(t, http.StatusServiceUnavailable, resp.status)
		assert.Equal(t, "40", resp.header.Get("Retry-After"))
	}
	assert.Equal(t, 1, a.fake.Calls(authkittest.RouteRefresh))
}

// The organization of the session is gone. That must not keep the person there.
func TestARefreshThatIsRefusedKeepsNobodyFromSwitching(t *testing.T) {
	a := switching(t)
	cookie := a.acme()
	a.clock.Advance(4 * time.Minute)
	a.fake.Fail(authkittest.RouteRefresh, authkittest.Fault{Status: 400, Body: `{"error":"organization_not_found"}`, Times: 1})
	resp := a.switchTo("org_beta", cookie, scripted())
	assert.Equal(t, http.StatusOK, resp.status)
	assert.Equal(t, "org_beta", a.me(resp.newCookie(t))["organization"])
}

// To the organization of the session as well: a switch is no refresh.
func TestADemandOfAnOrganizationEndsNoSessionThatSwitches(t *testing.T) {
	for _, organization := range []string{"org_beta", "org_acme"} {
		for _, demand := range []string{`{"error":"sso_required","connection_ids":["conn_1"]}`, `{"code":"mfa_enrollment","pending_authentication_token":"p"}`} {
			a := switching(t)
			cookie := a.acme()
			a.fake.Fail(authkittest.RouteRefresh, authkittest.Fault{Status: 403, Body: demand, Times: 1})
			resp := a.switchTo(organization, cookie, scripted())
			assert.Equal(t, "organization_sign_in", resp.problem(t)["code"])
			assert.Empty(t, resp.setCookies(t))
			a.clock.Advance(4 * time.Minute)
			a.send(request{target: "/account", cookie: cookie}).newCookie(t)
		}
	}
}

func TestAFormThatIsTooLargeSwitchesNothing(t *testing.T) {
	a := switching(t)
	cookie := a.acme()
	send := func(padding int) response {
		return a.send(request{method: "POST", target: "/organization", cookie: cookie, header: scripted(), form: url.Values{
			"organization_id": {"org_beta"}, "padding": {strings.Repeat("x", padding)},
		}})
	}
	resp := send(64 << 10)
	assert.Equal(t, http.StatusForbidden, resp.status)
	assert.Empty(t, resp.setCookies(t))
	assert.Zero(t, a.fake.Calls(authkittest.RouteRefresh))
	assert.Equal(t, http.StatusOK, send(63<<10).status)
}
