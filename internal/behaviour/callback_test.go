// Callbacks: sign-ins that complete, restart, are cancelled or fail in the code exchange, and the hooks.

package behaviour

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
	"github.com/authkit-go/authkit/internal/testrun"
)

func TestACallbackWithItsStateCookieSignsIn(t *testing.T) {
	a := NewApp(t, AppOptions{})
	s := a.StartSignIn("/login?return_to=/account%3Fa%3Db")
	resp := a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()})

	assert.Equal(t, http.StatusSeeOther, resp.Status)
	assert.Equal(t, "/account?a=b", resp.Header.Get("Location"))
	assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
	assert.Equal(t, "no-referrer", resp.Header.Get("Referrer-Policy"))
	cookies := resp.SetCookies(t)
	session := cookies["authkit-session"]
	require.NotNil(t, session)
	assert.True(t, session.HttpOnly)
	assert.Equal(t, http.SameSiteLaxMode, session.SameSite)
	assert.Equal(t, "/", session.Path)
	assert.Equal(t, 400*24*60*60, session.MaxAge)
	state, _, _ := strings.Cut(s.Cookie, "=")
	require.Contains(t, cookies, state)
	assert.Negative(t, cookies[state].MaxAge, "the state cookie is expired")
}

func TestASecondExpiredStateOrAFutureStateMakesNoCodeExchange(t *testing.T) {
	for name, callback := range map[string]func(a *App) Response{
		"an hour late after a restart": func(a *App) Response {
			s := a.StartSignIn("/login")
			a.Clock.Advance(time.Hour)
			again := a.SignInStartedBy(a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()}))
			a.Clock.Advance(time.Hour)
			return a.Send(Request{Target: again.Target(), Cookie: again.Cookie, Header: Navigation()})
		},
		"from the future": func(a *App) Response {
			s := a.StartSignIn("/login")
			a.Clock.Set(Start.Add(-2 * time.Minute))
			return a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()})
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := NewApp(t, AppOptions{})
			checkErrorPage(t, callback(a), http.StatusBadRequest)
			assert.Zero(t, a.Fake.Calls(authkittest.RouteAuthenticate))
		})
	}
}

func TestAnErrorCallbackWithoutAStateStartsNoSignIn(t *testing.T) {
	a := NewApp(t, AppOptions{})
	resp := a.Send(Request{Target: "/callback?error=server_error", Header: Navigation()})
	assert.Equal(t, http.StatusBadRequest, resp.Status)
	assert.Contains(t, resp.Body, `href="/login"`)
	assert.Empty(t, resp.SetCookies(t))
}

func TestACodeWithoutAStateRestartsTheSignInOnce(t *testing.T) {
	a := NewApp(t, AppOptions{})
	stray, err := url.Parse(a.Fake.Impersonate(Kim, "ops@example.com", "ticket 9", a.URL+"/callback"))
	require.NoError(t, err)

	first := a.Send(Request{Target: stray.RequestURI(), Header: Navigation()})
	assert.Equal(t, http.StatusSeeOther, first.Status)
	assert.Contains(t, first.Header.Get("Location"), a.Fake.URL()+"/user_management/authorize?")
	restart := first.cookieOf(t, "authkit-restart-")
	require.NotNil(t, restart)
	assert.Equal(t, 120, restart.MaxAge)

	second := a.Send(Request{Target: stray.RequestURI(), Header: Navigation(), Cookie: restart.Name + "=1"})
	assert.Equal(t, http.StatusBadRequest, second.Status)
	assert.Contains(t, second.Body, `href="/login"`)
	assert.Zero(t, a.Fake.Calls(authkittest.RouteAuthenticate))

	b := a.Browser()
	page, err := b.SignIn(a.URL+stray.RequestURI(), Kim)
	require.NoError(t, err, "a browser completes the restarted sign-in")
	assert.Contains(t, page.Body, "home of "+Kim)
	assert.Equal(t, []string{"authkit-session"}, b.cookieNames(), "the restart cookie is expired")
}

func TestAbandonedSignInsLeaveABoundedNumberOfCookies(t *testing.T) {
	a := NewApp(t, AppOptions{})
	b := a.Browser()
	for range 20 {
		page, err := b.Get(a.URL + "/login")
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, page.StatusCode)
		a.Clock.Advance(time.Second)
	}
	assert.Less(t, len(b.CookieHeader()), 4096)

	page, err := b.SignIn(a.URL+"/account", Kim)
	require.NoError(t, err, "the newest sign-in completes")
	assert.Contains(t, page.Body, "page of "+Kim)
}

func TestAFloodOfStateCookiesIsExpiredInBoundedSteps(t *testing.T) {
	a := NewApp(t, AppOptions{})
	prefix, _, _ := strings.Cut(a.StartSignIn("/login").Cookie, "=")
	prefix = prefix[:len("authkit-state-")+len("12345678-")]
	var planted []string
	for i := range testrun.Length(100, 500) {
		planted = append(planted, fmt.Sprintf("%s%d=x", prefix, i))
	}
	resp := a.Send(Request{Target: "/login", Cookie: strings.Join(planted, "; ")})
	assert.Equal(t, http.StatusSeeOther, resp.Status)
	assert.Len(t, resp.SetCookies(t), 1, "a cookie that does not open is not expired")

	for i := range planted {
		planted[i] = a.Send(Request{Target: "/login"}).stateCookie(t)
	}
	expired := 0
	resp = a.Send(Request{Target: "/login", Cookie: strings.Join(planted, "; ")})
	assert.Equal(t, http.StatusSeeOther, resp.Status)
	for _, c := range resp.SetCookies(t) {
		if c.MaxAge < 0 {
			expired++
		}
	}
	assert.Greater(t, expired, 15)
	assert.LessOrEqual(t, expired, 32)
}

func TestACancelledSignInShowsAPageWithARetryLink(t *testing.T) {
	a := NewApp(t, AppOptions{})
	b := a.Browser()
	_, err := b.Get(a.URL + "/account?x=1")
	require.NoError(t, err)
	page, err := b.Submit("Cancel", nil)
	require.NoError(t, err)
	assert.Equal(t, http.StatusForbidden, page.StatusCode)
	assert.Contains(t, page.Body, "Sign-in was cancelled")

	_, err = b.Follow("Try again")
	require.NoError(t, err)
	assert.Contains(t, b.Page().URL.String(), a.Fake.URL())
	assert.Empty(t, a.Fake.Sessions())
}

func TestAnErrorCallbackIsNotEchoed(t *testing.T) {
	a := NewApp(t, AppOptions{})
	for _, code := range []string{"access_denied", "server_error", "<script>alert(1)</script>", strings.Repeat("x", 2000)} {
		s := a.StartSignIn("/login")
		query := url.Values{
			"state":             {s.Callback.Query().Get("state")},
			"error":             {code},
			"error_description": {"<script>alert(2)</script>"},
			"error_uri":         {"https://evil.example/"},
		}
		resp := a.Send(Request{Target: "/callback?" + query.Encode(), Cookie: s.Cookie, Header: Navigation()})
		assert.GreaterOrEqual(t, resp.Status, 400)
		assert.NotContains(t, resp.Body, "script")
		assert.NotContains(t, resp.Body, "alert")
		assert.NotContains(t, resp.Body, "evil")
		assert.NotContains(t, resp.Body, "xxx")
		assert.NotContains(t, a.Logs.String(), "alert(2)")
	}
	assert.Zero(t, a.Fake.Calls(authkittest.RouteAuthenticate))
}

func TestAFailedCodeExchangeShowsAPageAndKeepsTheOldSession(t *testing.T) {
	a := NewApp(t, AppOptions{})
	old := a.SignedIn(lee).CookieHeader()
	for name, c := range map[string]struct {
		fault  authkittest.Fault
		status int
	}{
		"429 with a delay":           {authkittest.Fault{Status: 429, Header: http.Header{"Retry-After": {"7"}}, Body: `{"error":"too_many_requests"}`}, 429},
		"500":                        {authkittest.Fault{Status: 500}, 503},
		"an HTML page":               {authkittest.Fault{Body: "<html>maintenance</html>"}, 503},
		"an endless reply":           {authkittest.Fault{Body: " ", Endless: true}, 503},
		"a truncated reply":          {authkittest.Fault{Truncate: true}, 503},
		"a connection reset":         {authkittest.Fault{Reset: true}, 503},
		"a redirect to another host": {authkittest.Fault{Status: 307, Header: http.Header{"Location": {"http://localhost:1/x"}}}, 503},
		"invalid_grant":              {authkittest.Fault{Status: 400, Body: `{"error":"invalid_grant","error_description":"no"}`}, 400},
		"a wrong client secret":      {authkittest.Fault{Status: 400, Body: `{"error":"invalid_client"}`}, 502},
		"a refusal with a token":     {authkittest.Fault{Status: 403, Body: `{"code":"new_in_2030","message":"m","pending_authentication_token":"secret-token"}`}, 400},
		"the token of another user":  {authkittest.Fault{Body: `{"user":{"id":"user_other"},"access_token":"a.b.c","refresh_token":"r"}`}, 502},
	} {
		t.Run(name, func(t *testing.T) {
			s := a.StartSignIn("/login?return_to=/account")
			exchanges := a.Fake.Calls(authkittest.RouteCodeExchange)
			a.Fake.InjectFault(authkittest.RouteCodeExchange, c.fault)
			defer a.Fake.ClearFault(authkittest.RouteCodeExchange)

			resp := a.Send(Request{Target: s.Target(), Cookie: old + "; " + s.Cookie, Header: Navigation()})
			assert.Equal(t, c.status, resp.Status)
			assert.Contains(t, resp.Header.Get("Content-Type"), "text/html")
			assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
			assert.NotContains(t, resp.SetCookies(t), "authkit-session")
			assert.Equal(t, exchanges+1, a.Fake.Calls(authkittest.RouteCodeExchange), "a code is sent once")
			if resp.Status == 503 || resp.Status == 429 {
				assert.NotEmpty(t, resp.Header.Get("Retry-After"))
			}
			assert.NotContains(t, resp.Body+a.Logs.String(), "secret-token")
			assert.Contains(t, a.Send(Request{Target: "/account", Cookie: old}).Body, "page of lee@example.com")
		})
	}
}

func TestACallbackWithoutSigningKeysKeepsTheCodeForAReload(t *testing.T) {
	a := NewApp(t, AppOptions{})
	s := a.StartSignIn("/login")
	a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})

	resp := a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()})
	assert.Equal(t, http.StatusServiceUnavailable, resp.Status)
	assert.NotEmpty(t, resp.Header.Get("Retry-After"))
	assert.Empty(t, resp.SetCookies(t), "the state is not consumed")
	assert.Zero(t, a.Fake.Calls(authkittest.RouteCodeExchange))
	assert.Contains(t, resp.Body, "load this page again")
	assert.NotContains(t, resp.Body, "stay signed in", "the request is anonymous")
	assert.Contains(t, resp.Body, `href="/login"`)

	a.Fake.ClearFault(authkittest.RouteJWKS)
	a.Clock.Advance(5 * time.Second)
	resp = a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()})
	assert.Equal(t, http.StatusSeeOther, resp.Status)
	resp.NewCookie(t)
}

func TestAnAccessTokenOfAnotherIssuerMakesNoSessionAndIsLogged(t *testing.T) {
	a := NewApp(t, AppOptions{Fake: []authkittest.Option{authkittest.WithIssuer("https://auth.other.example")}})
	s := a.StartSignIn("/login")
	resp := a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()})

	assert.Equal(t, http.StatusBadGateway, resp.Status)
	assert.NotContains(t, resp.SetCookies(t), "authkit-session")
	assert.Contains(t, a.Logs.String(), "iss", "the log names the claim")
	assert.Contains(t, a.Logs.String(), "https://auth.other.example", "and the value")
	assert.Contains(t, a.Logs.String(), "/user_management/"+a.Fake.ClientID(), "and the expected value")
	assert.NotContains(t, resp.Body, "other.example")

	accepting := NewApp(t, AppOptions{
		Fake:    []authkittest.Option{authkittest.WithIssuer("https://auth.other.example/")},
		AuthKit: []authkit.Option{authkit.WithAdditionalIssuers("https://auth.other.example")},
	})
	accepting.SignedIn(Kim)
}

func TestAnAccessTokenOfAnotherClientOrUserMakesNoSession(t *testing.T) {
	for name, c := range map[string]struct {
		claims map[string]any
		change func(reply map[string]any)
		log    string
	}{
		"of another client":      {claims: map[string]any{"client_id": "client_other"}, log: "client_id"},
		"without a session ID":   {claims: map[string]any{"sid": ""}, log: "sid"},
		"of another user":        {change: func(reply map[string]any) { reply["user"].(map[string]any)["id"] = "user_other" }, log: "user_other"},
		"that is not a JWT":      {change: func(reply map[string]any) { reply["access_token"] = "a.b.c" }, log: "token"},
		"with a wrong signature": {change: func(reply map[string]any) { reply["access_token"] = flip(reply["access_token"].(string)) }, log: "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: &RewritingTransport{Change: c.change}})}})
			a.Fake.UpdateUser(Kim, func(p *authkittest.User) { p.Claims = c.claims })
			s := a.StartSignIn("/login")
			resp := a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()})
			assert.Equal(t, http.StatusBadGateway, resp.Status)
			assert.NotContains(t, resp.SetCookies(t), "authkit-session")
			assert.Contains(t, a.Logs.String(), c.log)
		})
	}
}

func TestASignInReplacesAPlantedSession(t *testing.T) {
	a := NewApp(t, AppOptions{})
	planted := a.SignedIn(lee).CookieHeader()
	s := a.StartSignIn("/login")
	resp := a.Send(Request{Target: s.Target(), Cookie: planted + "; authkit-session.0=x; authkit-session.7=y; " + s.Cookie})
	cookies := resp.SetCookies(t)
	assert.Negative(t, cookies["authkit-session.0"].MaxAge)
	assert.Negative(t, cookies["authkit-session.7"].MaxAge)
	body := a.Send(Request{Target: "/account", Cookie: resp.NewCookie(t)}).Body
	assert.Contains(t, body, "page of "+Kim)
	assert.NotContains(t, body, a.Fake.Sessions()[0].ID)
}

func TestASignInWithStrictCookiesContinuesFromAPageOfThisSite(t *testing.T) {
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithCookieSameSite(http.SameSiteStrictMode)}})
	s := a.StartSignIn("/login?return_to=/account%3Fq%3D%22%26")
	resp := a.Send(Request{Target: s.Target(), Cookie: s.Cookie})
	assert.Equal(t, http.StatusOK, resp.Status)
	assert.Equal(t, http.SameSiteStrictMode, resp.SetCookies(t)["authkit-session"].SameSite)
	assert.Contains(t, resp.Body, `http-equiv="refresh"`)
	assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))

	b := a.Browser()
	page, err := b.SignIn(a.URL+"/account?x=1", Kim)
	require.NoError(t, err)
	assert.Contains(t, page.Body, "page of "+Kim)
	assert.Contains(t, page.Body, "/account?x=1")
}

func TestOnSignInFailureReceivesTheCause(t *testing.T) {
	var failures []error
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithOnSignInFailure(func(_ context.Context, e authkit.SignInFailureEvent) {
		failures = append(failures, e.Err)
		panic("a bug of the application")
	})}})
	a.Logs.allowPanics()
	s := a.StartSignIn("/login")
	assert.Equal(t, http.StatusForbidden, a.Send(Request{Target: s.With("code", "") + "&error=access_denied", Cookie: s.Cookie}).Status)
	a.Send(Request{Target: "/callback?code=x&state=y"}) // any link can cause this, so it is not reported
	s = a.StartSignIn("/login")
	a.Fake.InjectFault(authkittest.RouteCodeExchange, authkittest.Fault{Status: 500})
	a.Send(Request{Target: s.Target(), Cookie: s.Cookie})

	require.Len(t, failures, 2)
	for i, want := range []error{authkit.ErrSignInCancelled, authkit.ErrUnavailable} {
		assert.ErrorIs(t, failures[i], want)
		assert.NotContains(t, failures[i].Error(), s.Callback.Query().Get("code"))
	}
}

func TestOnSignInReceivesTheSignInAndCanRefuseIt(t *testing.T) {
	var seen []authkit.SignInEvent
	refuse := false
	a := NewApp(t, AppOptions{
		AuthKit: []authkit.Option{authkit.WithOnSignIn(func(_ context.Context, e authkit.SignInEvent) error {
			seen = append(seen, e)
			if refuse {
				return errors.New("the database is full")
			}
			return nil
		})},
		Routes: func(a *App, mux *http.ServeMux) {
			mux.Handle("/invited", a.Login(authkit.LoginParams{AppState: "campaign 7", ReturnTo: "/account"}))
		},
	})
	_, err := a.Browser().SignIn(a.URL+"/invited", Kim)
	require.NoError(t, err)
	require.Len(t, seen, 1)
	assert.Equal(t, "campaign 7", seen[0].AppState)
	assert.Equal(t, "/account", seen[0].ReturnTo)
	assert.Equal(t, Kim, seen[0].Session.User().Email)

	refuse = true
	s := a.StartSignIn("/login")
	resp := a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()})
	assert.Equal(t, http.StatusInternalServerError, resp.Status)
	assert.NotContains(t, resp.SetCookies(t), "authkit-session")
	assert.NotContains(t, resp.Body, "database")
	assert.Contains(t, a.Logs.String(), "the database is full")
}

func TestAPanicOfTheSignInHookReachesTheHandlerAndMakesNoSession(t *testing.T) {
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithOnSignIn(func(context.Context, authkit.SignInEvent) error {
		panic("a bug of the hook")
	})}})
	var recovered any
	handler := a.Server.Config.Handler
	a.Server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if recovered = recover(); recovered != nil {
				w.WriteHeader(http.StatusTeapot)
			}
		}()
		handler.ServeHTTP(w, r)
	})
	s := a.StartSignIn("/login")
	resp := a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()})
	assert.Equal(t, "a bug of the hook", recovered)
	assert.Equal(t, http.StatusTeapot, resp.Status)
	assert.NotContains(t, resp.SetCookies(t), "authkit-session")
}

// The code and the state are used, and the new token cannot be verified. The page must not promise "you stay signed in".
func TestTheErrorPageAfterAUsedCodeDoesNotSayThatTheUserStaysSignedIn(t *testing.T) {
	a := NewApp(t, AppOptions{})
	a.SignedIn(Kim)
	a.Fake.AddSigningKey()
	b := a.Browser()
	_, err := b.Get(a.URL + "/login")
	require.NoError(t, err)
	a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	_, err = b.Submit("Kim", nil)
	require.NoError(t, err)
	body := b.Page().Body
	assert.NotContains(t, body, "you stay signed in")
	assert.Contains(t, body, "/login", "the page links to a new sign-in")
}

func TestACodeExchangeTimesOutAfterTenSeconds(t *testing.T) {
	a := newPlainApp(t)
	s := a.StartSignInAs("/login", Kim)
	a.Fake.InjectFault(authkittest.RouteCodeExchange, authkittest.Fault{Hang: true})
	answered := make(chan Response)
	go func() {
		resp, _ := a.Do(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()})
		answered <- resp
	}()
	a.Fake.AwaitCalls(t, authkittest.RouteCodeExchange, 1)
	a.Clock.Advance(10 * time.Second)
	checkErrorPage(t, <-answered, http.StatusServiceUnavailable)
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteCodeExchange))
}
