// Sign-ins whose code exchange needs a further step: they continue at AuthKit, once.

package behaviour

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// steppedApp is an application whose sign-ins go to Google, and what its hooks were told.
type steppedApp struct {
	*App
	signIns  []authkit.SignInEvent
	failures []error
}

// newSteppedApp starts an application with login parameters for all its sign-ins. Kim is a member of two organizations, so a
// sign-in of hers at Google needs the choice of one.
func newSteppedApp(t *testing.T, params authkit.LoginParams, opts ...authkit.Option) *steppedApp {
	t.Helper()
	s := &steppedApp{}
	s.App = NewApp(t, AppOptions{AuthKit: append([]authkit.Option{
		authkit.WithLoginParams(params),
		authkit.WithOnSignIn(func(_ context.Context, e authkit.SignInEvent) error { s.signIns = append(s.signIns, e); return nil }),
		authkit.WithOnSignInFailure(func(_ context.Context, e authkit.SignInFailureEvent) { s.failures = append(s.failures, e.Err) }),
	}, opts...), Fake: []authkittest.Option{authkittest.WithOrganizations(authkittest.Organization{ID: "org_beta", Name: "Beta"})}})
	s.Fake.UpdateUser(Kim, func(u *authkittest.User) {
		u.Memberships = append(u.Memberships, authkittest.Membership{OrganizationID: "org_beta"})
	})
	return s
}

// answerCode makes WorkOS answer the next code exchange with a body and returns the response of the callback.
func (a *App) answerCode(s PendingSignIn, header http.Header, status int, body string) Response {
	a.T.Helper()
	a.Fake.InjectFault(authkittest.RouteCodeExchange, authkittest.Fault{Status: status, Body: body})
	defer a.Fake.ClearFault(authkittest.RouteCodeExchange)
	return a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: header})
}

// continuation returns the query of the authorization request to which a callback redirects.
func continuation(t *testing.T, resp Response) url.Values {
	t.Helper()
	require.Equal(t, http.StatusSeeOther, resp.Status, resp.Body)
	location, err := resp.Location()
	require.NoError(t, err)
	require.Equal(t, "/user_management/authorize", location.Path)
	return location.Query()
}

// chooseOrganization chooses an organization for kim at AuthKit, to which a callback redirects and which knows kim already.
func (a *steppedApp) chooseOrganization(resp Response, name string) PendingSignIn {
	a.T.Helper()
	s := a.SignInStartedBy(resp)
	b := a.atAuthKit[Kim]
	b.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), a.URL+"/") {
			s.Callback = r.URL
			return http.ErrUseLastResponse
		}
		return nil
	}
	_, err := b.Get(resp.Header.Get("Location"))
	require.NoError(a.T, err)
	_, err = b.Submit(name, nil)
	require.NoError(a.T, err)
	require.NotEmpty(a.T, s.Callback.Host, "AuthKit did not send the browser back")
	return s
}

const (
	pendingToken  = "pending_token_that_is_secret"
	selectionStep = `{"code":"organization_selection_required","message":"m","pending_authentication_token":"` + pendingToken +
		`","organizations":[{"id":"org_acme","name":"Acme"}],"user":{"id":"user_kim","email":"kim@example.com"}}`
)

func TestASignInAtAProviderThatNeedsAStepContinuesAtAuthKit(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(*authkittest.Server)
		method  string
	}{
		"organization selection": {func(*authkittest.Server) {}, "GoogleOAuth"},
		"email verification": {func(f *authkittest.Server) {
			f.UpdateUser(Kim, func(u *authkittest.User) { u.EmailUnverified, u.Memberships = true, u.Memberships[:1] })
		}, "GoogleOAuth"},
		"a second factor to verify": {func(f *authkittest.Server) {
			f.UpdateUser(Kim, func(u *authkittest.User) {
				u.Memberships, u.Factors = u.Memberships[:1], []authkittest.Factor{{Secret: "JBSWY3DPEHPK3PXP"}}
			})
		}, "GoogleOAuth"},
		"a second factor to enroll": {func(f *authkittest.Server) {
			f.UpdateUser(Kim, func(u *authkittest.User) { u.Memberships, u.RequireMFA = u.Memberships[:1], true })
		}, "GoogleOAuth"},
		"single sign-on": {func(f *authkittest.Server) {
			f.UpdateUser(Kim, func(u *authkittest.User) { u.Memberships = u.Memberships[:1] })
			f.UpdateOrganization("org_acme", func(o *authkittest.Organization) { o.RequireSSO = true })
		}, "SSO"},
		"another authentication method": {func(f *authkittest.Server) {
			f.UpdateUser(Kim, func(u *authkittest.User) { u.Memberships = u.Memberships[:1] })
			f.UpdateOrganization("org_acme", func(o *authkittest.Organization) { o.AllowedMethods = []string{"Password"} })
		}, "Password"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newSteppedApp(t, authkit.LoginParams{Provider: "GoogleOAuth", AppState: "campaign 7"})
			c.prepare(a.Fake)
			b := a.Browser()
			page, err := b.SignIn(a.URL+"/account?tab=2", Kim)
			require.NoError(t, err)
			assert.Contains(t, page.Body, "page of "+Kim)
			assert.Contains(t, page.Body, "/account?tab=2", "the same return path")
			assert.Equal(t, []string{"authkit-session"}, b.cookieNames())
			assert.Equal(t, 2, a.Fake.Calls(authkittest.RouteCodeExchange))
			require.Len(t, a.signIns, 1)
			assert.Equal(t, "campaign 7", a.signIns[0].AppState)
			assert.Equal(t, c.method, a.signIns[0].Session.AuthenticationMethod())
			assert.Empty(t, a.failures, "a sign-in that continues has not failed")
			assert.False(t, a.hasWarning(), a.Logs.String())
		})
	}
}

func TestTheStepsOfAConnectionContinueAtAuthKit(t *testing.T) {
	a := newSteppedApp(t, authkit.LoginParams{Connection: "conn_acme"})
	a.Fake.UpdateOrganization("org_acme", func(o *authkittest.Organization) { o.Connections = []string{"conn_acme"} })
	a.Fake.UpdateUser(Kim, func(u *authkittest.User) { u.EmailUnverified, u.Memberships = true, u.Memberships[:1] })
	s := a.StartSignInAs("/account", Kim)
	query := continuation(t, a.finishSignIn(s))
	assert.Equal(t, "authkit", query.Get("provider"))
	assert.Empty(t, query.Get("connection_id"))
	assert.Equal(t, Kim, query.Get("login_hint"))
}

func TestAContinuedSignInHasTheParametersOfTheFirst(t *testing.T) {
	maxAge := 2 * time.Hour
	for name, c := range map[string]struct {
		params authkit.LoginParams
		status int
		body   string
		want   url.Values // nil for a value that must be absent
	}{
		"a provider, its hints and its scopes": {
			authkit.LoginParams{Provider: "GoogleOAuth", ProviderScopes: []string{"repo"}, DomainHint: "example.com", Prompt: "login", InvitationToken: "invitation"},
			403, selectionStep,
			url.Values{"provider": {"authkit"}, "provider_scopes": nil, "domain_hint": {"example.com"}, "prompt": {"login"}, "invitation_token": {"invitation"}, "login_hint": {Kim}},
		},
		"AuthKit, an organization and a maximum age": {
			authkit.LoginParams{Organization: "org_acme", MaxAge: &maxAge, ScreenHint: "sign-up", LoginHint: "old@example.com"},
			403, `{"code":"email_verification_required","pending_authentication_token":"` + pendingToken + `","email":"new@example.com","email_verification_id":"e"}`,
			url.Values{"provider": {"authkit"}, "organization_id": {"org_acme"}, "max_age": {"7200"}, "screen_hint": {"sign-up"}, "login_hint": {"new@example.com"}},
		},
		"a step without an email address": {
			authkit.LoginParams{Provider: "GoogleOAuth", LoginHint: "old@example.com"},
			403, `{"code":"radar_challenge","pending_authentication_token":"` + pendingToken + `"}`,
			url.Values{"provider": {"authkit"}, "login_hint": {"old@example.com"}},
		},
		"an email address that is no address": {
			authkit.LoginParams{Provider: "GoogleOAuth"},
			403, `{"code":"email_verification_required","pending_authentication_token":"` + pendingToken + `","email":"` + strings.Repeat("x", 5000) + `"}`,
			url.Values{"provider": {"authkit"}, "login_hint": nil},
		},
		"an email address that is too long for a login hint": {
			authkit.LoginParams{Provider: "GoogleOAuth"},
			403, `{"code":"email_verification_required","email":"` + strings.Repeat("x", 250) + `@example.com"}`,
			url.Values{"provider": {"authkit"}, "login_hint": nil},
		},
		"single sign-on with one connection": {
			authkit.LoginParams{Provider: "GoogleOAuth", Prompt: "login"},
			400, `{"error":"sso_required","email":"kim@example.com","connection_ids":["conn_1"],"pending_authentication_token":"` + pendingToken + `"}`,
			url.Values{"connection_id": {"conn_1"}, "provider": nil, "login_hint": {Kim}, "prompt": {"login"}},
		},
		"single sign-on with one connection, from AuthKit": {
			authkit.LoginParams{Organization: "org_acme", ScreenHint: "sign-in"},
			403, `{"error":"sso_required","connection_ids":["conn_1"]}`,
			url.Values{"connection_id": {"conn_1"}, "provider": nil, "organization_id": nil, "screen_hint": nil},
		},
		"single sign-on with two connections": {
			authkit.LoginParams{Provider: "GoogleOAuth"},
			400, `{"error":"sso_required","email":"kim@example.com","connection_ids":["conn_1","conn_2"]}`,
			url.Values{"provider": {"authkit"}, "connection_id": nil, "login_hint": {Kim}},
		},
		"single sign-on with the connection of this sign-in": {
			authkit.LoginParams{Connection: "conn_1"},
			400, `{"error":"sso_required","connection_ids":["conn_1"]}`,
			url.Values{"provider": {"authkit"}, "connection_id": nil},
		},
		"single sign-on and a maximum age, which connections do not support": {
			authkit.LoginParams{MaxAge: &maxAge},
			422, `{"error":"sso_required","email":"kim@example.com","connection_ids":["conn_1"]}`,
			url.Values{"provider": {"authkit"}, "connection_id": nil, "max_age": {"7200"}, "login_hint": {Kim}},
		},
		"other methods of the organization": {
			authkit.LoginParams{Provider: "GoogleOAuth"},
			400, `{"error":"organization_authentication_methods_required","email":"kim@example.com","sso_connection_ids":["conn_1"],"auth_methods":{"password":true}}`,
			url.Values{"provider": {"authkit"}, "connection_id": nil, "login_hint": {Kim}},
		},
		"single sign-on as the only method of the organization": {
			authkit.LoginParams{Provider: "GoogleOAuth"},
			400, `{"error":"organization_authentication_methods_required","email":"kim@example.com","sso_connection_ids":["conn_1"],"auth_methods":{"password":false}}`,
			url.Values{"connection_id": {"conn_1"}, "provider": nil, "login_hint": {Kim}},
		},
		"a method that is not allowed": {
			authkit.LoginParams{Provider: "GoogleOAuth"},
			403, `{"code":"authentication_method_not_allowed","message":"m"}`,
			url.Values{"provider": {"authkit"}},
		},
		"a second factor, in the family of OAuth errors": {
			authkit.LoginParams{Provider: "GoogleOAuth"},
			400, `{"error":"mfa_enrollment","error_description":"m","user":{"id":"user_kim","email":"kim@example.com"}}`,
			url.Values{"provider": {"authkit"}, "login_hint": {Kim}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := newSteppedApp(t, c.params)
			first := a.Send(Request{Target: "/login?return_to=/account", Header: Navigation()})
			before := continuation(t, first)
			s := PendingSignIn{Cookie: first.stateCookie(t), Callback: &url.URL{Path: "/callback", RawQuery: "code=c&state=" + before.Get("state")}}
			resp := a.answerCode(s, navigationFrom("cross-site"), c.status, c.body)
			after := continuation(t, resp)
			for parameter, value := range c.want {
				assert.Equal(t, value, after[parameter], parameter)
			}
			for _, fresh := range []string{"state", "code_challenge"} {
				assert.NotEmpty(t, after.Get(fresh))
				assert.NotEqual(t, before.Get(fresh), after.Get(fresh), fresh)
			}
			assert.Equal(t, "S256", after.Get("code_challenge_method"))
			assert.Equal(t, before.Get("redirect_uri"), after.Get("redirect_uri"))
			assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
			assert.Equal(t, "no-referrer", resp.Header.Get("Referrer-Policy"))
			cookies := resp.SetCookies(t)
			require.Len(t, cookies, 2, "the state of the first sign-in is replaced")
			assert.Negative(t, cookies[strings.Split(s.Cookie, "=")[0]].MaxAge)
			for where, text := range map[string]string{"the log": a.Logs.String(), "the response": fmt.Sprint(resp)} {
				assert.NotContains(t, text, pendingToken, where)
			}
			assert.False(t, a.hasWarning(), a.Logs.String())
			assert.Empty(t, a.failures)

			// The return path is the same.
			again := a.SignInStartedBy(resp)
			refused := a.Send(Request{Target: again.With("code", "") + "&error=access_denied", Cookie: again.Cookie, Header: Navigation()})
			assert.Contains(t, refused.Body, `href="/login?return_to=%2Faccount"`)
		})
	}
}

func TestASignInContinuesOnceAndThenAPageSaysWhatItNeeds(t *testing.T) {
	a := newSteppedApp(t, authkit.LoginParams{Provider: "GoogleOAuth"})
	for step, c := range map[string]struct {
		body, page string
		as         any
	}{
		"organization": {selectionStep, "choose one of your organizations", new(*workos.OrganizationSelectionRequiredError)},
		"email":        {`{"code":"email_verification_required","email":"kim@example.com"}`, "verify your email address", new(*workos.EmailVerificationRequiredError)},
		"challenge":    {`{"code":"mfa_challenge"}`, "second factor", new(*workos.MFAChallengeError)},
		"enrollment":   {`{"error":"mfa_enrollment"}`, "set up a second factor", new(*workos.MFAEnrollmentError)},
		"sso":          {`{"error":"sso_required","connection_ids":["conn_1"]}`, "single sign-on", new(*workos.SSORequiredError)},
		"methods":      {`{"error":"organization_authentication_methods_required"}`, "another way", new(*workos.OrganizationAuthMethodsRequiredError)},
		"radar":        {`{"code":"radar_sign_up_challenge"}`, "another check", new(*workos.RadarChallengeError)},
		"method":       {`{"code":"authentication_method_not_allowed"}`, "another way", new(*workos.Error)},
		"passkey":      {`{"code":"passkey_progressive_enrollment"}`, "passkey", new(*workos.Error)},
		"consent":      {`{"code":"application_consent_required"}`, "consent", new(*workos.Error)},
	} {
		t.Run(step, func(t *testing.T) {
			a.failures = nil
			s := a.StartSignInAs("/account", lee)
			resp := a.answerCode(s, Navigation(), 403, c.body)
			second := a.SignInStartedBy(resp)
			resp = a.answerCode(second, Navigation(), 403, c.body)
			assert.Equal(t, http.StatusForbidden, resp.Status)
			assert.Contains(t, resp.Body, c.page)
			assert.Contains(t, resp.Body, `href="/login?return_to=%2Faccount"`)
			require.Len(t, resp.SetCookies(t), 1)
			assert.Negative(t, resp.cookieOf(t, statePrefix).MaxAge)
			require.Len(t, a.failures, 1)
			assert.ErrorIs(t, a.failures[0], authkit.ErrSignInStepRequired)
			assert.ErrorIs(t, a.failures[0], authkit.ErrSignInRefused)
			assert.ErrorAs(t, a.failures[0], c.as)
			assert.NotContains(t, a.failures[0].Error(), pendingToken)
			assert.NotContains(t, a.Logs.String(), pendingToken)
			assert.False(t, a.hasWarning(), a.Logs.String())
			assert.Empty(t, a.signIns)
		})
	}
}

// An application with forms of its own has a page for the step, which needs the pending authentication token.
func TestAStepIsLeftToTheFormsOfAnApplicationWithItsOwnSignInPage(t *testing.T) {
	a := newSteppedApp(t, authkit.LoginParams{Provider: "GoogleOAuth"}, authkit.WithSignInPage())
	resp := a.answerCode(a.StartSignInAs("/login?return_to=/account", lee), Navigation(), 403, selectionStep)
	assert.Equal(t, http.StatusForbidden, resp.Status)
	require.Len(t, resp.SetCookies(t), 1)
	assert.Negative(t, resp.cookieOf(t, statePrefix).MaxAge, "no sign-in is started")
	require.Len(t, a.failures, 1)
	assert.ErrorIs(t, a.failures[0], authkit.ErrSignInStepRequired)
	var required *workos.OrganizationSelectionRequiredError
	require.ErrorAs(t, a.failures[0], &required)
	assert.Equal(t, pendingToken, required.PendingAuthenticationToken)
	assert.NotContains(t, a.Logs.String(), pendingToken)
}

func TestARefusalThatIsNoStepDoesNotContinue(t *testing.T) {
	for _, body := range []string{
		`{"error":"invalid_grant"}`, `{"error":"invitation_invalid"}`, `{"error":"organization_not_found"}`, `{"code":"new_in_2030"}`, `{"message":"m"}`,
	} {
		a := newSteppedApp(t, authkit.LoginParams{Provider: "GoogleOAuth"})
		resp := a.answerCode(a.StartSignInAs("/account", lee), Navigation(), 400, body)
		assert.Equal(t, http.StatusBadRequest, resp.Status, body)
		require.Len(t, a.failures, 1)
		assert.NotErrorIs(t, a.failures[0], authkit.ErrSignInStepRequired)
	}
}

func TestARequiredStepKeepsTheSessionThatTheBrowserHas(t *testing.T) {
	a := newSteppedApp(t, authkit.LoginParams{})
	old := a.SignedIn(lee).CookieHeader()
	s := a.StartSignInAs("/login?return_to=/account", lee)
	for _, status := range []int{http.StatusSeeOther, http.StatusForbidden} { // it continues, and then it fails
		a.Fake.InjectFault(authkittest.RouteCodeExchange, authkittest.Fault{Status: 403, Body: selectionStep})
		resp := a.Send(Request{Target: s.Target(), Cookie: old + "; " + s.Cookie, Header: Navigation()})
		a.Fake.ClearFault(authkittest.RouteCodeExchange)
		require.Equal(t, status, resp.Status)
		assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
		assert.NotContains(t, resp.SetCookies(t), sessionCookie)
		assert.NotContains(t, resp.Body+a.Logs.String(), pendingToken)
		assert.Contains(t, a.Send(Request{Target: "/account", Cookie: old}).Body, "page of "+lee)
		if status == http.StatusSeeOther {
			s = a.SignInStartedBy(resp)
		}
	}
	assert.Len(t, a.signIns, 1)
}

// A program cannot show AuthKit's pages, so it gets the error and no cookie of a sign-in.
func TestAStepIsAProblemDocumentForAProgram(t *testing.T) {
	for name, c := range map[string]struct {
		header http.Header
		status int
	}{
		"a script":                           {Scripted(), http.StatusForbidden},
		"a client that accepts JSON":         {http.Header{"Accept": {"application/json"}}, http.StatusForbidden},
		"a navigation":                       {navigationFrom("cross-site"), http.StatusSeeOther},
		"a client without these headers":     {nil, http.StatusSeeOther},
		"a service worker that passes it on": {passedOn(), http.StatusSeeOther},
		"a service worker that repeats it":   {repeated(), http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			a := newSteppedApp(t, authkit.LoginParams{Provider: "GoogleOAuth"})
			resp := a.answerCode(a.StartSignInAs("/account", lee), c.header, 403, selectionStep)
			require.Equal(t, c.status, resp.Status, resp.Body)
			assert.NotContains(t, fmt.Sprint(resp), pendingToken)
			switch c.status {
			case http.StatusForbidden:
				problem := resp.Problem(t)
				assert.Equal(t, "sign_in_step_required", problem["code"])
				assert.Contains(t, problem["detail"], "choose one of your organizations")
				assert.Len(t, resp.SetCookies(t), 1)
				assert.Len(t, a.failures, 1)
			case http.StatusOK:
				assert.Contains(t, resp.Body, `content="0;url=`+a.Fake.URL()+"/user_management/authorize?")
				assert.Len(t, resp.SetCookies(t), 2)
			}
		})
	}
}

func TestTwoTabsBothContinueTheirSignIns(t *testing.T) {
	a := newSteppedApp(t, authkit.LoginParams{Provider: "GoogleOAuth"})
	j := NewCookieJar(t)
	var callbacks []PendingSignIn
	for _, path := range []string{"/account?tab=1", "/account?tab=2"} {
		resp := a.Send(Request{Target: path, Cookie: j.Header(), Header: Navigation()})
		j.store(resp)
		callbacks = append(callbacks, a.continueSignIn(resp, Kim))
	}
	var continued []PendingSignIn
	for _, s := range callbacks {
		resp := a.Send(Request{Target: s.Target(), Cookie: j.Header(), Header: navigationFrom("cross-site")})
		j.store(resp)
		continued = append(continued, a.chooseOrganization(resp, "Beta"))
	}
	assert.Len(t, j.states(), 2)
	for i, s := range continued {
		resp := a.Send(Request{Target: s.Target(), Cookie: j.Header(), Header: navigationFrom("cross-site")})
		j.store(resp)
		require.Equal(t, http.StatusSeeOther, resp.Status, resp.Body)
		assert.Equal(t, fmt.Sprint("/account?tab=", i+1), resp.Header.Get("Location"))
	}
	assert.Empty(t, j.states())
	assert.Len(t, a.signIns, 2)
}

func TestACallbackThatContinuedDoesSoOnlyOnce(t *testing.T) {
	a := newSteppedApp(t, authkit.LoginParams{Provider: "GoogleOAuth"})
	s := a.StartSignInAs("/account", Kim)
	continuation(t, a.finishSignIn(s))
	again := a.finishSignIn(s)
	assert.Equal(t, http.StatusBadRequest, again.Status)
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteCodeExchange))
	assert.Empty(t, a.signIns)
}

// A sign-in can be late once and can continue once, in either order.
func TestALateSignInAndAContinuedOneDoNotRepeatEachOther(t *testing.T) {
	t.Run("a late sign-in that needs a step", func(t *testing.T) {
		a := newSteppedApp(t, authkit.LoginParams{Provider: "GoogleOAuth"})
		s := a.StartSignInAs("/account", lee)
		a.Clock.Advance(time.Hour)
		resp := a.finishSignIn(s)
		assert.Equal(t, "GoogleOAuth", continuation(t, resp).Get("provider"))
		resp = a.answerCode(a.SignInStartedBy(resp), Navigation(), 403, selectionStep)
		assert.Equal(t, "authkit", continuation(t, resp).Get("provider"))
		last := a.SignInStartedBy(resp)
		a.Clock.Advance(time.Hour)
		assert.Equal(t, http.StatusBadRequest, a.finishSignIn(last).Status, "it was late before")
	})
	t.Run("a continued sign-in that is late", func(t *testing.T) {
		a := newSteppedApp(t, authkit.LoginParams{Provider: "GoogleOAuth"})
		resp := a.answerCode(a.StartSignInAs("/account", lee), Navigation(), 403, selectionStep)
		s := a.SignInStartedBy(resp)
		a.Clock.Advance(time.Hour)
		resp = a.finishSignIn(s)
		query := continuation(t, resp)
		assert.Equal(t, "authkit", query.Get("provider"))
		assert.Equal(t, Kim, query.Get("login_hint"))
		resp = a.answerCode(a.SignInStartedBy(resp), Navigation(), 403, selectionStep)
		assert.Equal(t, http.StatusForbidden, resp.Status, "it continued before")
	})
}

func TestAContinuedSignInKeepsTheMaximumAge(t *testing.T) {
	maxAge := time.Minute
	a := newSteppedApp(t, authkit.LoginParams{MaxAge: &maxAge})
	resp := a.answerCode(a.StartSignInAs("/account", lee), Navigation(), 403, selectionStep)
	a.Clock.Advance(30 * time.Minute)
	s := a.continueSignIn(resp, lee)
	a.Clock.Advance(5 * time.Minute)
	require.Equal(t, http.StatusSeeOther, a.finishSignIn(s).Status, "the user authenticated again, within the continued sign-in")
	require.Len(t, a.signIns, 1)
	assert.True(t, Start.Add(30*time.Minute).Equal(a.signIns[0].Session.AuthenticatedAt()))
}

// Browsers do not send a Strict cookie with the callback, so the pending sign-in names the session that it replaces.
func TestASignInThatStartsAgainStillReplacesTheSessionOfAStrictCookie(t *testing.T) {
	for name, c := range map[string]func(*steppedApp, PendingSignIn) Response{
		"a late sign-in": func(a *steppedApp, s PendingSignIn) Response {
			a.Clock.Advance(time.Hour)
			return a.finishSignIn(s)
		},
		"a sign-in that continues": func(a *steppedApp, s PendingSignIn) Response {
			return a.answerCode(s, navigationFrom("cross-site"), 403, selectionStep)
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := newSteppedApp(t, authkit.LoginParams{}, authkit.WithCookieSameSite(http.SameSiteStrictMode))
			b := a.SignedIn(lee)
			old := a.SessionID()
			first := a.Send(Request{Target: "/login", Cookie: b.CookieHeader(), Header: Navigation()})
			query := continuation(t, first)
			resp := c(a, PendingSignIn{Cookie: first.stateCookie(t), Callback: &url.URL{Path: "/callback", RawQuery: "code=c&state=" + query.Get("state")}})
			s := a.continueSignIn(resp, lee)
			require.Equal(t, http.StatusOK, a.finishSignIn(s).Status)
			a.waitUntil(t, func() bool {
				session, _ := a.Fake.Session(old)
				return !session.Active()
			})
			assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/api/me", Cookie: b.CookieHeader(), Header: Scripted()}).Status)
		})
	}
}
