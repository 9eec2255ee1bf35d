package authkit_test

import (
	"context"
	"errors"
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
)

// signInUnderWay is a sign-in between Login and Callback, held by a client
// that is no browser: what came back from AuthKit, and the cookies.
type signInUnderWay struct {
	callback *url.URL
	cookie   string
}

func (s signInUnderWay) target() string { return s.callback.RequestURI() }

// with is the callback with one parameter changed, or taken out.
func (s signInUnderWay) with(name, value string) string {
	query := s.callback.Query()
	query.Del(name)
	if value != "" {
		query.Set(name, value)
	}
	return "/callback?" + query.Encode()
}

// begin goes through Login and AuthKit's page as kim and stops short of the
// callback.
func (a *app) begin(target string) signInUnderWay {
	a.t.Helper()
	resp := a.send(request{target: target, header: navigation()})
	require.Equal(a.t, http.StatusSeeOther, resp.status, resp.body)
	var cookies []string
	for name, c := range resp.setCookies(a.t) {
		require.True(a.t, strings.HasPrefix(name, "authkit-state-"), name)
		cookies = append(cookies, name+"="+c.Value)
	}
	require.Len(a.t, cookies, 1)

	atAuthKit := authkittest.NewBrowser()
	defer atAuthKit.CloseIdleConnections()
	var callback *url.URL
	atAuthKit.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), a.url) {
			callback = r.URL
			return http.ErrUseLastResponse
		}
		return nil
	}
	_, err := atAuthKit.SignIn(resp.header.Get("Location"), kim)
	require.NotNil(a.t, callback, "AuthKit did not send the browser back: %v", err)
	return signInUnderWay{callback, cookies[0]}
}

// stateCookie is the Cookie header of the sign-in that a response has started.
func (r response) stateCookie(t testing.TB) string {
	t.Helper()
	c := r.cookieOf(t, "authkit-state-")
	require.NotNil(t, c)
	return c.Name + "=" + c.Value
}

// afresh is a sign-in that a callback has started again, as it would come back
// with a code that nobody has issued.
func (a *app) afresh(resp response) signInUnderWay {
	a.t.Helper()
	require.Equal(a.t, http.StatusSeeOther, resp.status, resp.body)
	location, err := resp.location()
	require.NoError(a.t, err)
	require.Equal(a.t, a.fake.URL()+"/user_management/authorize", location.Scheme+"://"+location.Host+location.Path)
	for name, c := range resp.setCookies(a.t) {
		if c.MaxAge > 0 {
			return signInUnderWay{
				callback: &url.URL{Path: "/callback", RawQuery: url.Values{"code": {"x"}, "state": {location.Query().Get("state")}}.Encode()},
				cookie:   name + "=" + c.Value,
			}
		}
	}
	require.Fail(a.t, "no sign-in was started")
	return signInUnderWay{}
}

func TestACallbackOfThisBrowserSignsIn(t *testing.T) {
	a := newApp(t, appOptions{})
	s := a.begin("/login?return_to=/account%3Fa%3Db")
	resp := a.send(request{target: s.target(), cookie: s.cookie, header: navigation()})

	assert.Equal(t, http.StatusSeeOther, resp.status)
	assert.Equal(t, "/account?a=b", resp.header.Get("Location"))
	assert.Equal(t, "private, no-store", resp.header.Get("Cache-Control"))
	assert.Equal(t, "no-referrer", resp.header.Get("Referrer-Policy"))
	cookies := resp.setCookies(t)
	session := cookies["authkit-session"]
	require.NotNil(t, session)
	assert.True(t, session.HttpOnly)
	assert.Equal(t, http.SameSiteLaxMode, session.SameSite)
	assert.Equal(t, "/", session.Path)
	assert.Equal(t, 400*24*60*60, session.MaxAge)
	state, _, _ := strings.Cut(s.cookie, "=")
	require.Contains(t, cookies, state)
	assert.Negative(t, cookies[state].MaxAge, "the state's cookie is used up")
}

func TestACallbackThatIsNotThisBrowsersMakesNoExchange(t *testing.T) {
	var again signInUnderWay // of a sign-in that was started again
	for name, c := range map[string]struct {
		wait   time.Duration
		target func(a *app, s signInUnderWay) string
		cookie func(a *app, s signInUnderWay) string
	}{
		"wrong state": {target: func(a *app, s signInUnderWay) string { return s.with("state", "nonsense") }},
		"state of another sign-in, whose cookie is here": {
			target: func(a *app, s signInUnderWay) string {
				return s.with("state", a.begin("/login").callback.Query().Get("state"))
			},
		},
		"another browser: no cookie":      {cookie: func(*app, signInUnderWay) string { return "" }},
		"another browser: its own cookie": {cookie: func(a *app, _ signInUnderWay) string { return a.begin("/login").cookie }},
		"another sign-in's seal under this one's name": {cookie: func(a *app, s signInUnderWay) string {
			name, _, _ := strings.Cut(s.cookie, "=")
			_, value, _ := strings.Cut(a.begin("/login").cookie, "=")
			return name + "=" + value
		}},
		"altered cookie": {cookie: func(_ *app, s signInUnderWay) string { return s.cookie[:len(s.cookie)-2] + "AA" }},
		"older than an hour, the second time": {
			wait: time.Hour,
			target: func(a *app, s signInUnderWay) string {
				a.clock.Advance(time.Hour)
				again = a.afresh(a.send(request{target: s.target(), cookie: s.cookie, header: navigation()}))
				return again.target()
			},
			cookie: func(*app, signInUnderWay) string { return again.cookie },
		},
		"from the future":                  {wait: -2 * time.Minute},
		"state twice":                      {target: func(_ *app, s signInUnderWay) string { return s.target() + "&state=x" }},
		"code twice":                       {target: func(_ *app, s signInUnderWay) string { return s.target() + "&code=x" }},
		"neither code nor state nor error": {target: func(*app, signInUnderWay) string { return "/callback" }},
		"no code and no error":             {target: func(_ *app, s signInUnderWay) string { return s.with("code", "") }},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, appOptions{})
			s := a.begin("/login")
			target, cookie := s.target(), s.cookie
			if c.target != nil {
				target = c.target(a, s)
			}
			if c.cookie != nil {
				cookie = c.cookie(a, s)
			}
			a.clock.Advance(max(0, c.wait))
			if c.wait < 0 {
				a.clock.Set(start.Add(c.wait))
			}
			resp := a.send(request{target: target, cookie: cookie, header: navigation()})

			assert.Equal(t, http.StatusBadRequest, resp.status)
			assert.Contains(t, resp.header.Get("Content-Type"), "text/html")
			assert.Contains(t, resp.body, `href="/login"`)
			assert.NotContains(t, resp.setCookies(t), "authkit-session")
			assert.Zero(t, a.fake.Calls(authkittest.RouteAuthenticate))
		})
	}
}

func TestAnErrorWithoutAStateIsAPageAndStartsNothing(t *testing.T) {
	a := newApp(t, appOptions{})
	resp := a.send(request{target: "/callback?error=server_error", header: navigation()})
	assert.Equal(t, http.StatusBadRequest, resp.status)
	assert.Contains(t, resp.body, `href="/login"`)
	assert.Empty(t, resp.setCookies(t))
}

func TestAStateIsGoodOnce(t *testing.T) {
	a := newApp(t, appOptions{})
	s := a.begin("/login")
	require.Equal(t, http.StatusSeeOther, a.send(request{target: s.target(), cookie: s.cookie}).status)

	replayed := a.send(request{target: s.target(), cookie: s.cookie})
	assert.Equal(t, http.StatusBadRequest, replayed.status)
	assert.NotContains(t, replayed.setCookies(t), "authkit-session")
	assert.Equal(t, 1, a.fake.Calls(authkittest.RouteAuthenticate))
}

func TestACodeWithoutAStateStartsOneFreshSignInAndNoCircle(t *testing.T) {
	a := newApp(t, appOptions{})
	stray, err := url.Parse(a.fake.Impersonate(kim, "ops@example.com", "ticket 9", a.url+"/callback"))
	require.NoError(t, err)

	first := a.send(request{target: stray.RequestURI(), header: navigation()})
	assert.Equal(t, http.StatusSeeOther, first.status)
	assert.Contains(t, first.header.Get("Location"), a.fake.URL()+"/user_management/authorize?")
	marker := first.cookieOf(t, "authkit-restart-")
	require.NotNil(t, marker)
	assert.Equal(t, 120, marker.MaxAge)

	second := a.send(request{target: stray.RequestURI(), header: navigation(), cookie: marker.Name + "=1"})
	assert.Equal(t, http.StatusBadRequest, second.status)
	assert.Contains(t, second.body, `href="/login"`)
	assert.Zero(t, a.fake.Calls(authkittest.RouteAuthenticate))

	b := a.browser()
	page, err := b.SignIn(a.url+stray.RequestURI(), kim)
	require.NoError(t, err, "a browser goes through the fresh sign-in")
	assert.Contains(t, page.Body, "home of "+kim)
	assert.Equal(t, []string{"authkit-session"}, b.cookieNames(), "the marker is gone")
}

func TestTwoTabsSignInAtOnceAndBothFinish(t *testing.T) {
	a := newApp(t, appOptions{})
	first, second := a.begin("/login?return_to=/account%3F1"), a.begin("/login?return_to=/account%3F2")
	cookie := first.cookie + "; " + second.cookie

	resp := a.send(request{target: first.target(), cookie: cookie, header: navigation()})
	assert.Equal(t, "/account?1", resp.header.Get("Location"))
	name, _, _ := strings.Cut(second.cookie, "=")
	assert.NotContains(t, resp.setCookies(t), name, "the other tab's sign-in goes on")

	resp = a.send(request{target: second.target(), cookie: cookie, header: navigation()})
	assert.Equal(t, "/account?2", resp.header.Get("Location"))
}

func TestAbandonedSignInsStayBounded(t *testing.T) {
	a := newApp(t, appOptions{})
	b := a.browser()
	for range 20 {
		page, err := b.Get(a.url + "/login")
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, page.StatusCode)
		a.clock.Advance(time.Second)
	}
	assert.Less(t, len(b.cookieHeader()), 4096)

	page, err := b.SignIn(a.url+"/account", kim)
	require.NoError(t, err, "the newest still finishes")
	assert.Contains(t, page.Body, "page of "+kim)
}

func TestAFloodOfPlantedStateCookiesIsClearedAwayInBoundedSteps(t *testing.T) {
	a := newApp(t, appOptions{})
	prefix, _, _ := strings.Cut(a.begin("/login").cookie, "=")
	prefix = prefix[:len("authkit-state-")+len("12345678-")]
	var planted []string
	for i := range 500 {
		planted = append(planted, fmt.Sprintf("%s%d=x", prefix, i))
	}
	resp := a.send(request{target: "/login", cookie: strings.Join(planted, "; ")})
	assert.Equal(t, http.StatusSeeOther, resp.status)
	assert.Len(t, resp.setCookies(t), 1, "what does not open stays")

	for i := range planted {
		planted[i] = a.send(request{target: "/login"}).stateCookie(t)
	}
	cleared := 0
	resp = a.send(request{target: "/login", cookie: strings.Join(planted, "; ")})
	assert.Equal(t, http.StatusSeeOther, resp.status)
	for _, c := range resp.setCookies(t) {
		if c.MaxAge < 0 {
			cleared++
		}
	}
	assert.Greater(t, cleared, 15)
	assert.LessOrEqual(t, cleared, 32)
}

func TestAPersonWhoCancelsGetsAPageAndCanTryAgain(t *testing.T) {
	a := newApp(t, appOptions{})
	b := a.browser()
	_, err := b.Get(a.url + "/account?x=1")
	require.NoError(t, err)
	page, err := b.Submit("Cancel", nil)
	require.NoError(t, err)
	assert.Equal(t, http.StatusForbidden, page.StatusCode)
	assert.Contains(t, page.Body, "Sign-in was cancelled")

	_, err = b.Follow("Try again")
	require.NoError(t, err)
	assert.Contains(t, b.Page().URL.String(), a.fake.URL())
	assert.Empty(t, a.fake.Sessions())
}

func TestNothingOfAnErrorCallbackIsEchoed(t *testing.T) {
	a := newApp(t, appOptions{})
	for _, error := range []string{"access_denied", "server_error", "<script>alert(1)</script>", strings.Repeat("x", 2000)} {
		s := a.begin("/login")
		query := url.Values{
			"state":             {s.callback.Query().Get("state")},
			"error":             {error},
			"error_description": {"<script>alert(2)</script>"},
			"error_uri":         {"https://evil.example/"},
		}
		resp := a.send(request{target: "/callback?" + query.Encode(), cookie: s.cookie, header: navigation()})
		assert.GreaterOrEqual(t, resp.status, 400)
		assert.NotContains(t, resp.body, "script")
		assert.NotContains(t, resp.body, "alert")
		assert.NotContains(t, resp.body, "evil")
		assert.NotContains(t, resp.body, "xxx")
		assert.NotContains(t, a.logs.String(), "alert(2)")
	}
	assert.Zero(t, a.fake.Calls(authkittest.RouteAuthenticate))
}

func TestAFailedExchangeIsAPageWithoutASessionAndLeavesAnOldOneAlone(t *testing.T) {
	for name, c := range map[string]struct {
		fault  authkittest.Fault
		status int
	}{
		"429 with a delay":           {authkittest.Fault{Status: 429, Header: http.Header{"Retry-After": {"7"}}, Body: `{"error":"too_many_requests"}`}, 429},
		"500":                        {authkittest.Fault{Status: 500}, 503},
		"a page instead of JSON":     {authkittest.Fault{Body: "<html>maintenance</html>"}, 503},
		"an endless reply":           {authkittest.Fault{Body: " ", Endless: true}, 503},
		"half a reply":               {authkittest.Fault{Truncate: true}, 503},
		"a reset":                    {authkittest.Fault{Reset: true}, 503},
		"a redirect to another host": {authkittest.Fault{Status: 307, Header: http.Header{"Location": {"http://localhost:1/x"}}}, 503},
		"invalid_grant":              {authkittest.Fault{Status: 400, Body: `{"error":"invalid_grant","error_description":"no"}`}, 400},
		"wrong client secret":        {authkittest.Fault{Status: 400, Body: `{"error":"invalid_client"}`}, 502},
		"a step-up":                  {authkittest.Fault{Status: 403, Body: `{"code":"mfa_challenge","message":"m","pending_authentication_token":"secret-token"}`}, 400},
		"somebody else's token":      {authkittest.Fault{Body: `{"user":{"id":"user_other"},"access_token":"a.b.c","refresh_token":"r"}`}, 502},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, appOptions{})
			old := a.signedIn("lee@example.com").cookieHeader()
			s := a.begin("/login?return_to=/account")
			a.fake.Fail(authkittest.RouteCodeExchange, c.fault)

			resp := a.send(request{target: s.target(), cookie: old + "; " + s.cookie, header: navigation()})
			assert.Equal(t, c.status, resp.status)
			assert.Contains(t, resp.header.Get("Content-Type"), "text/html")
			assert.Equal(t, "private, no-store", resp.header.Get("Cache-Control"))
			assert.NotContains(t, resp.setCookies(t), "authkit-session")
			assert.Equal(t, 2, a.fake.Calls(authkittest.RouteCodeExchange), "a code is sent once")
			if resp.status == 503 || resp.status == 429 {
				assert.NotEmpty(t, resp.header.Get("Retry-After"))
			}
			assert.NotContains(t, resp.body+a.logs.String(), "secret-token")
			assert.Contains(t, a.send(request{target: "/account", cookie: old}).body, "page of lee@example.com")
		})
	}
}

func TestAnExchangeThatHangsEndsAfterTenSeconds(t *testing.T) {
	a := newApp(t, appOptions{})
	s := a.begin("/login")
	a.fake.Fail(authkittest.RouteCodeExchange, authkittest.Fault{Hang: true})

	answered := make(chan response)
	go func() {
		resp, _ := a.do(request{target: s.target(), cookie: s.cookie, header: navigation()})
		answered <- resp
	}()
	a.fake.AwaitCalls(t, authkittest.RouteCodeExchange, 1)
	a.clock.Advance(10 * time.Second)
	resp := <-answered
	assert.Equal(t, http.StatusServiceUnavailable, resp.status)
	assert.Equal(t, 1, a.fake.Calls(authkittest.RouteCodeExchange))
}

func TestWithoutKeysTheCodeIsKeptForLoadingThePageAgain(t *testing.T) {
	a := newApp(t, appOptions{})
	s := a.begin("/login")
	a.fake.Fail(authkittest.RouteJWKS, authkittest.Fault{Status: 500})

	resp := a.send(request{target: s.target(), cookie: s.cookie, header: navigation()})
	assert.Equal(t, http.StatusServiceUnavailable, resp.status)
	assert.NotEmpty(t, resp.header.Get("Retry-After"))
	assert.Empty(t, resp.setCookies(t), "nothing is used up")
	assert.Zero(t, a.fake.Calls(authkittest.RouteCodeExchange))
	assert.Contains(t, resp.body, "load this page again")
	assert.NotContains(t, resp.body, "stay signed in", "nobody is")
	assert.Contains(t, resp.body, `href="/login"`)

	a.fake.Heal(authkittest.RouteJWKS)
	a.clock.Advance(5 * time.Second)
	resp = a.send(request{target: s.target(), cookie: s.cookie, header: navigation()})
	assert.Equal(t, http.StatusSeeOther, resp.status)
	resp.newCookie(t)
}

func TestANewTokenThatIsNotAcceptedMakesNoSessionAndIsLogged(t *testing.T) {
	a := newApp(t, appOptions{fake: []authkittest.Option{authkittest.WithIssuer("https://auth.other.example")}})
	s := a.begin("/login")
	resp := a.send(request{target: s.target(), cookie: s.cookie, header: navigation()})

	assert.Equal(t, http.StatusBadGateway, resp.status)
	assert.NotContains(t, resp.setCookies(t), "authkit-session")
	assert.Contains(t, a.logs.String(), "iss", "the log names the claim")
	assert.Contains(t, a.logs.String(), "https://auth.other.example", "and what came")
	assert.Contains(t, a.logs.String(), "/user_management/"+a.fake.ClientID(), "and what was expected")
	assert.NotContains(t, resp.body, "other.example")

	accepting := newApp(t, appOptions{
		fake:    []authkittest.Option{authkittest.WithIssuer("https://auth.other.example/")},
		authkit: []authkit.Option{authkit.WithAdditionalIssuers("https://auth.other.example")},
	})
	accepting.signedIn(kim)
}

func TestATokenThatIsNotForThisApplicationOrPersonMakesNoSession(t *testing.T) {
	for name, c := range map[string]struct {
		claims map[string]any
		change func(reply map[string]any)
		log    string
	}{
		"of another client":        {claims: map[string]any{"client_id": "client_other"}, log: "client_id"},
		"without a session ID":     {claims: map[string]any{"sid": ""}, log: "sid"},
		"beside another user":      {change: func(reply map[string]any) { reply["user"].(map[string]any)["id"] = "user_other" }, log: "user_other"},
		"that is no token":         {change: func(reply map[string]any) { reply["access_token"] = "a.b.c" }, log: "token"},
		"whose signature is wrong": {change: func(reply map[string]any) { reply["access_token"] = flip(reply["access_token"].(string)) }, log: "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: &rewriting{change: c.change}})}})
			a.fake.UpdatePerson(kim, func(p *authkittest.Person) { p.Claims = c.claims })
			s := a.begin("/login")
			resp := a.send(request{target: s.target(), cookie: s.cookie, header: navigation()})
			assert.Equal(t, http.StatusBadGateway, resp.status)
			assert.NotContains(t, resp.setCookies(t), "authkit-session")
			assert.Contains(t, a.logs.String(), c.log)
		})
	}
}

func TestASessionPlantedBeforeSignInDoesNotSurviveIt(t *testing.T) {
	a := newApp(t, appOptions{})
	planted := a.signedIn("lee@example.com").cookieHeader()
	s := a.begin("/login")
	resp := a.send(request{target: s.target(), cookie: planted + "; authkit-session.0=x; authkit-session.7=y; " + s.cookie})
	cookies := resp.setCookies(t)
	assert.Negative(t, cookies["authkit-session.0"].MaxAge)
	assert.Negative(t, cookies["authkit-session.7"].MaxAge)
	body := a.send(request{target: "/account", cookie: resp.newCookie(t)}).body
	assert.Contains(t, body, "page of "+kim)
	assert.NotContains(t, body, a.fake.Sessions()[0].ID)
}

func TestAStrictSessionIsContinuedFromAPageOfThisSite(t *testing.T) {
	a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithCookieSameSite(http.SameSiteStrictMode)}})
	s := a.begin("/login?return_to=/account%3Fq%3D%22%26")
	resp := a.send(request{target: s.target(), cookie: s.cookie})
	assert.Equal(t, http.StatusOK, resp.status)
	assert.Equal(t, http.SameSiteStrictMode, resp.setCookies(t)["authkit-session"].SameSite)
	assert.Contains(t, resp.body, `http-equiv="refresh"`)
	assert.Equal(t, "private, no-store", resp.header.Get("Cache-Control"))

	b := a.browser()
	page, err := b.SignIn(a.url+"/account?x=1", kim)
	require.NoError(t, err)
	assert.Contains(t, page.Body, "page of "+kim)
	assert.Contains(t, page.Body, "/account?x=1")
}

func TestTheHookOfAFailedSignInIsToldWhy(t *testing.T) {
	var failures []error
	a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithOnSignInFailure(func(_ context.Context, err error) {
		failures = append(failures, err)
		panic("the application's own mistake")
	})}})
	s := a.begin("/login")
	assert.Equal(t, http.StatusForbidden, a.send(request{target: s.with("code", "") + "&error=access_denied", cookie: s.cookie}).status)
	a.send(request{target: "/callback?code=x&state=y"}) // any link can do that
	s = a.begin("/login")
	a.fake.Fail(authkittest.RouteCodeExchange, authkittest.Fault{Status: 500})
	a.send(request{target: s.target(), cookie: s.cookie})

	require.Len(t, failures, 2)
	for i, want := range []error{authkit.ErrCancelled, authkit.ErrUnavailable} {
		assert.ErrorIs(t, failures[i], want)
		assert.NotContains(t, failures[i].Error(), s.callback.Query().Get("code"))
	}
}

func TestTheHookOfASignInSeesItAndMayRefuse(t *testing.T) {
	var seen []authkit.SignInEvent
	refuse := false
	a := newApp(t, appOptions{
		authkit: []authkit.Option{authkit.WithOnSignIn(func(_ context.Context, e authkit.SignInEvent) error {
			seen = append(seen, e)
			if refuse {
				return errors.New("the database is full")
			}
			return nil
		})},
		routes: func(a *app, mux *http.ServeMux) {
			mux.Handle("/invited", a.Login(authkit.State("campaign 7"), authkit.ReturnTo("/account")))
		},
	})
	_, err := a.browser().SignIn(a.url+"/invited", kim)
	require.NoError(t, err)
	require.Len(t, seen, 1)
	assert.Equal(t, "campaign 7", seen[0].State)
	assert.Equal(t, "/account", seen[0].ReturnTo)
	assert.Equal(t, kim, seen[0].Session.User().Email)

	refuse = true
	s := a.begin("/login")
	resp := a.send(request{target: s.target(), cookie: s.cookie, header: navigation()})
	assert.Equal(t, http.StatusInternalServerError, resp.status)
	assert.NotContains(t, resp.setCookies(t), "authkit-session")
	assert.NotContains(t, resp.body, "database")
	assert.Contains(t, a.logs.String(), "the database is full")
}

// The code is spent, the state is used, and the page says "Nothing is lost: you stay signed in".
func TestAPageAfterASpentCodeDoesNotPromiseThatNothingIsLost(t *testing.T) {
	a := newApp(t, appOptions{})
	a.signedIn(kim)
	a.fake.AddKey()
	b := a.browser()
	_, err := b.Get(a.url + "/login")
	require.NoError(t, err)
	a.fake.Fail(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	_, err = b.Submit("Kim", nil)
	require.NoError(t, err)
	body := b.Page().Body
	assert.NotContains(t, body, "you stay signed in")
	assert.Contains(t, body, "/login", "the way on is a new sign-in")
}
