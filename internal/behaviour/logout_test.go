// Logout: which sessions it ends here and at WorkOS, and what a late or repeated request gets.

package behaviour

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

func TestASignedOutSessionIsRefusedWhenItsCookieIsReplayed(t *testing.T) {
	a := NewApp(t, AppOptions{})
	b := a.SignedIn(Kim)
	cookie, id := b.CookieHeader(), a.SessionID()
	b.get("/")
	_, err := b.Submit("Sign out", nil)
	require.NoError(t, err)
	require.False(t, a.Fake.Sessions()[0].Active())

	for range 20 {
		resp := a.Send(Request{Target: "/account", Cookie: cookie})
		require.Equal(t, http.StatusUnauthorized, resp.Status)
		a.Clock.Advance(20 * time.Second)
	}
	session, _ := a.Fake.Session(id)
	assert.True(t, session.RefreshedAt.IsZero())

	_, err = b.SignIn(a.URL+"/account", Kim)
	require.NoError(t, err, "a new sign-in makes another session")
}

func TestLogoutByAScriptReturnsTheLogoutURLOfWorkOS(t *testing.T) {
	a := NewApp(t, AppOptions{})
	b := a.SignedIn(Kim)
	id := a.SessionID()
	page := b.fetch("POST", "/logout")
	assert.Equal(t, http.StatusOK, page.StatusCode)
	var reply map[string]string
	require.NoError(t, json.Unmarshal([]byte(page.Body), &reply))
	assert.Empty(t, b.cookieNames())
	assert.True(t, a.Fake.Sessions()[0].Active())

	_, err := b.Get(reply["logout_url"])
	require.NoError(t, err)
	session, _ := a.Fake.Session(id)
	assert.False(t, session.Active())
	assert.Equal(t, a.URL+"/", b.Page().URL.String())
}

func TestLogoutNeedsNeitherAUsableSessionNorWorkOS(t *testing.T) {
	var ended []string
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{
		authkit.WithAbsoluteTimeout(time.Hour),
		authkit.WithOnSignOut(func(_ context.Context, e authkit.SignOutEvent) {
			assert.NoError(t, e.Err)
			ended = append(ended, e.Session.ID())
			panic("a bug of the application")
		}),
	}})
	a.Logs.allowPanics()
	cookie, id := a.SignedIn(Kim).CookieHeader(), a.SessionID()
	a.Server.Config.Handler = a.Logout() // without the middleware
	a.Clock.Advance(2 * time.Hour)
	a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	a.Fake.InjectFault(authkittest.RouteAuthenticate, authkittest.Fault{Status: 500})
	keys, grants := a.Fake.Calls(authkittest.RouteJWKS), a.Fake.Calls(authkittest.RouteAuthenticate)

	resp := a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: Navigation()})
	assert.Equal(t, http.StatusSeeOther, resp.Status)
	assert.Contains(t, resp.Header.Get("Location"), a.Fake.URL()+"/user_management/sessions/logout?")
	assert.Contains(t, resp.Header.Get("Location"), "session_id="+id)
	assert.Negative(t, resp.SetCookies(t)["authkit-session"].MaxAge)
	assert.Equal(t, []string{id}, ended)

	for _, cookie := range []string{"authkit-session=garbage", "", "authkit-session.0=x; authkit-session.3=y"} {
		resp := a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: Navigation()})
		assert.Equal(t, http.StatusSeeOther, resp.Status)
		assert.Equal(t, a.URL+"/", resp.Header.Get("Location"))
		for _, c := range resp.SetCookies(t) {
			assert.Negative(t, c.MaxAge)
			assert.Equal(t, "/", c.Path)
			assert.True(t, c.HttpOnly)
		}
		assert.Contains(t, resp.SetCookies(t), "authkit-session")
	}
	assert.Contains(t, resp.Header.Get("Cache-Control"), "no-store")
	assert.Equal(t, keys, a.Fake.Calls(authkittest.RouteJWKS), "no signing keys are fetched")
	assert.Equal(t, grants, a.Fake.Calls(authkittest.RouteAuthenticate), "no session is refreshed")
}

func TestACrossSitePOSTDoesNotSignOut(t *testing.T) {
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithTrustedOrigins("https://admin.example.com")}})
	cookie := a.SignedIn(Kim).CookieHeader()
	for name, c := range map[string]struct {
		header  http.Header
		refused bool
	}{
		"a form on another site":                {http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}}, true},
		"a form on a sibling host":              {http.Header{"Sec-Fetch-Site": {"same-site"}, "Origin": {"https://evil.example.com"}}, true},
		"a page with an opaque origin":          {http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"null"}}, true},
		"an older browser on another site":      {http.Header{"Origin": {"https://evil.example"}}, true},
		"a form of this origin":                 {http.Header{"Sec-Fetch-Site": {"same-origin"}, "Origin": {a.URL}}, false},
		"a form of this origin, Host rewritten": {http.Header{"Origin": {a.URL}, "Host": {"10.0.0.7:8080"}}, false},
		"a form of a trusted origin":            {http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://admin.example.com"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			resp := a.Send(Request{Method: "POST", Target: "/logout", Cookie: map[bool]string{true: cookie}[c.refused], Header: c.header})
			if c.refused {
				assert.Equal(t, http.StatusForbidden, resp.Status)
				assert.Empty(t, resp.SetCookies(t))
				assert.Empty(t, resp.Header.Get("Clear-Site-Data"))
				assert.Contains(t, a.Send(Request{Target: "/account", Cookie: cookie}).Body, Kim)
				return
			}
			assert.Less(t, resp.Status, 400)
			assert.Equal(t, `"cache"`, resp.Header.Get("Clear-Site-Data"), "the back button shows no cached page")
		})
	}
}

func TestClearSiteDataAtLogoutFollowsTheConfiguration(t *testing.T) {
	for want, opts := range map[string][]authkit.Option{
		`"cache"`:            nil,
		"":                   {authkit.WithClearSiteData()},
		`"cache", "storage"`: {authkit.WithClearSiteData("cache", "storage")},
	} {
		a := NewApp(t, AppOptions{AuthKit: opts})
		resp := a.Send(Request{Method: "POST", Target: "/logout", Header: Navigation()})
		assert.Equal(t, http.StatusSeeOther, resp.Status)
		assert.Equal(t, want, resp.Header.Get("Clear-Site-Data"))
		_, sent := resp.Header["Clear-Site-Data"]
		assert.Equal(t, want != "", sent)
	}
}

// A logout while a refresh runs ends the refreshed session too: the waiting response sets no cookie, and later requests are
// anonymous. The logout handler does not wait for the refresh.
func TestASignOutDuringARefreshEndsTheRefreshedSession(t *testing.T) {
	for name, signOut := range map[string]func(a *App, q Request) Response{
		"behind the middleware":  (*App).Send,
		"outside the middleware": func(a *App, q Request) Response { return a.ServeDirectly(a.Logout(), q) },
	} {
		t.Run(name, func(t *testing.T) {
			a := NewApp(t, AppOptions{})
			cookie := a.SignedIn(Kim).CookieHeader()
			a.ExpireToken(2 * time.Minute)
			a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true})
			refreshed := a.SendAsync(Request{Target: "/account", Cookie: cookie})
			a.Fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
			out := signOut(a, Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: Navigation()})
			require.Equal(t, http.StatusSeeOther, out.Status)
			a.Fake.ClearFault(authkittest.RouteRefresh)

			resp := <-refreshed
			assert.Equal(t, http.StatusUnauthorized, resp.Status)
			assert.Empty(t, resp.SetCookies(t), "the cookie of the refreshed session is not set")
			a.checkAnonymous(cookie)
			a.Clock.Advance(4 * time.Minute)
			a.checkAnonymous(cookie)
		})
	}
}

func TestARefreshedCookieIsRefusedAfterALogoutWithTheOldCookie(t *testing.T) {
	a := NewApp(t, AppOptions{})
	old := a.SignedIn(Kim).CookieHeader()
	a.ExpireToken(0)
	refreshed := a.Send(Request{Target: "/account", Cookie: old}).NewCookie(t)

	// Another tab signs out with the old cookie by a script, and the browser does not follow the logout URL to WorkOS.
	require.Equal(t, http.StatusOK, a.ServeDirectly(a.Logout(), Request{Method: "POST", Target: "/logout", Cookie: old}).Status)
	for range 5 {
		assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/account", Cookie: old}).Status)
		assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/account", Cookie: refreshed}).Status)
		a.Clock.Advance(time.Minute)
	}
}

func TestLogoutBehindTheMiddlewareSetsEachCookieOnce(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	a.ExpireToken(2 * time.Minute)
	resp := a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie})
	assert.Equal(t, http.StatusOK, resp.Status)
	assert.Negative(t, resp.SetCookies(t)["authkit-session"].MaxAge, "the handler's cookie replaces the middleware's")
}

func TestLogoutBehindTheMiddlewareDoesNotRefresh(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	a.ExpireToken(2 * time.Minute)
	a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: Navigation()})
	assert.Zero(t, a.Fake.Calls(authkittest.RouteRefresh))
}

func TestLoginCallbackAndLogoutDoNotWaitForARefresh(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	a.ExpireToken(2 * time.Minute)
	a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true})
	assert.Equal(t, http.StatusSeeOther, a.Send(Request{Target: "/login", Cookie: cookie}).Status)
	assert.Equal(t, http.StatusSeeOther, a.Send(Request{Target: "/callback?code=x&state=y", Cookie: cookie}).Status, "the next page refreshes")
	assert.Equal(t, http.StatusSeeOther, a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: Navigation()}).Status)
	assert.Zero(t, a.Fake.Calls(authkittest.RouteRefresh))
}

// A logout by a script ends the session only in this process at first. AuthKit may sign the user in to the same session. The
// new access token then has a session ID that this process refuses, which would cause a redirect loop until the token
// expires.
func TestASignInAfterALogoutIsAcceptedWithTheSameSessionID(t *testing.T) {
	upstream := &RewritingTransport{}
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: upstream})}})
	cookie, id := a.SignedIn(Kim).CookieHeader(), a.SessionID()
	require.Equal(t, http.StatusOK, a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: Scripted()}).Status)
	a.Clock.Advance(10 * time.Second)
	upstream.Change = func(reply map[string]any) {
		now := a.Clock.Now().Unix()
		reply["access_token"] = a.Fake.SignToken(map[string]any{
			"iss": a.Fake.Issuer(), "sub": "user_kim", "sid": id, "client_id": a.Fake.ClientID(), "iat": now, "exp": now + 300,
		})
	}
	again := a.SignedIn(Kim).CookieHeader()
	assert.Contains(t, a.Send(Request{Target: "/account", Cookie: again}).Body, Kim)
	assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()}).Status)
}

// A copy of the cookie must not be refreshed at WorkOS after this process has dropped its record of the sign-out.
func TestASessionSignedOutByAScriptIsRevokedAtWorkOS(t *testing.T) {
	a := NewApp(t, AppOptions{})
	other := NewInstance(t, a.Fake, a.Clock, AppOptions{})
	b := a.SignedIn(Kim)
	copied, id := b.CookieHeader(), a.SessionID()
	require.Equal(t, http.StatusOK, b.fetch("POST", "/logout").StatusCode)
	a.Clock.Advance(30*time.Second - time.Millisecond)
	session, _ := a.Fake.Session(id)
	require.True(t, session.Active(), "the browser gets time to follow the logout URL")
	require.Zero(t, a.Fake.Calls(authkittest.RouteRevokeSession))
	a.Clock.Advance(time.Millisecond)
	a.Logs.await(t, "session revoked at WorkOS", 1)
	a.Clock.Advance(6 * time.Minute)
	for _, process := range []*App{a, other} {
		assert.Equal(t, http.StatusUnauthorized, process.Send(Request{Target: "/account", Cookie: copied, Header: Scripted()}).Status)
	}
	session, _ = a.Fake.Session(id)
	assert.False(t, session.Active())
	a.Clock.Advance(24 * time.Hour)
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRevokeSession))
}

func TestASessionEndedByTheLogoutOfWorkOSIsNotRevoked(t *testing.T) {
	a := NewApp(t, AppOptions{})
	b := a.SignedIn(Kim)
	b.get("/")
	_, err := b.Submit("Sign out", nil)
	require.NoError(t, err)
	a.Clock.Advance(time.Hour)
	assert.Zero(t, a.Fake.Calls(authkittest.RouteRevokeSession))

	page := a.SignedIn(Kim).fetch("POST", "/logout")
	var reply map[string]string
	require.NoError(t, json.Unmarshal([]byte(page.Body), &reply))
	_, err = b.Get(reply["logout_url"])
	require.NoError(t, err)
	a.Clock.Advance(30 * time.Second)
	a.Logs.await(t, "session revoked at WorkOS", 1)
	a.Clock.Advance(time.Hour)
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRevokeSession), "revoking an ended session is not an error")
	assert.NotContains(t, a.Logs.String(), "not revoked")
}

func TestASignInWithTheSameSessionIDCancelsThePendingRevocation(t *testing.T) {
	upstream := &RewritingTransport{}
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: upstream})}})
	cookie, id := a.SignedIn(Kim).CookieHeader(), a.SessionID()
	require.Equal(t, http.StatusOK, a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: Scripted()}).Status)
	upstream.Change = func(reply map[string]any) {
		now := a.Clock.Now().Unix()
		reply["access_token"] = a.Fake.SignToken(map[string]any{
			"iss": a.Fake.Issuer(), "sub": "user_kim", "sid": id, "client_id": a.Fake.ClientID(), "iat": now, "exp": now + 300,
		})
	}
	again := a.SignedIn(Kim).CookieHeader() // at the same clock time as the logout
	assert.Contains(t, a.Send(Request{Target: "/account", Cookie: again}).Body, Kim)
	assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()}).Status)
	a.Clock.Advance(time.Minute)
	assert.Zero(t, a.Fake.Calls(authkittest.RouteRevokeSession))
	assert.Contains(t, a.Send(Request{Target: "/account", Cookie: again}).Body, Kim)
}

func TestLogoutEndsEverySessionOfDuplicateCookiesAtWorkOS(t *testing.T) {
	for name, header := range map[string]http.Header{"by a form": Navigation(), "by a script": Scripted()} {
		t.Run(name, func(t *testing.T) {
			var ended []string
			a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithOnSignOut(func(_ context.Context, e authkit.SignOutEvent) {
				ended = append(ended, e.Session.UserID())
			})}})
			b := a.SignedIn(Kim)
			kimCookie, leeCookie := b.CookieHeader(), a.SignedIn(lee).CookieHeader()
			resp := a.Send(Request{Method: "POST", Target: "/logout", Cookie: leeCookie + "; authkit-session=x; " + kimCookie + "; " + kimCookie, Header: header})
			require.Less(t, resp.Status, 400)
			assert.ElementsMatch(t, []string{"user_kim", "user_lee"}, ended)
			a.Logs.await(t, "session revoked at WorkOS", 1)
			if name == "by a script" {
				a.Clock.Advance(30 * time.Second)
				a.Logs.await(t, "session revoked at WorkOS", 2)
			} else {
				location, err := resp.Location()
				require.NoError(t, err)
				_, err = b.Get(location.String())
				require.NoError(t, err)
			}
			for _, cookie := range []string{kimCookie, leeCookie} {
				assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()}).Status)
			}
			a.Clock.Advance(6 * time.Minute)
			other := NewInstance(t, a.Fake, a.Clock, AppOptions{})
			for _, cookie := range []string{kimCookie, leeCookie} {
				assert.Equal(t, http.StatusUnauthorized, other.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()}).Status)
			}
			for _, session := range a.Fake.Sessions() {
				assert.False(t, session.Active(), session.ID)
			}
		})
	}
}

func TestAPublicClientRevokesNoSession(t *testing.T) {
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithPublicClient()}})
	cookie := a.SignedIn(Kim).CookieHeader()
	require.Equal(t, http.StatusOK, a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: Scripted()}).Status)
	a.Clock.Advance(time.Minute)
	assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()}).Status)
	assert.Zero(t, a.Fake.Calls(authkittest.RouteRevokeSession))
}

func TestLogoutAtACustomPathDoesNotRefresh(t *testing.T) {
	a := NewApp(t, AppOptions{
		AuthKit: []authkit.Option{authkit.WithLogoutPath("/bye")},
		Routes:  func(a *App, mux *http.ServeMux) { mux.Handle("/bye", a.Logout()) },
	})
	cookie := a.SignedIn(Kim).CookieHeader()
	a.ExpireToken(2 * time.Minute)
	resp := a.Send(Request{Method: "POST", Target: "/bye", Cookie: cookie})
	assert.Equal(t, http.StatusOK, resp.Status)
	assert.Negative(t, resp.SetCookies(t)["authkit-session"].MaxAge)
	assert.Zero(t, a.Fake.Calls(authkittest.RouteRefresh))
}

func TestACustomLogoutHandlerReceivesTheSession(t *testing.T) {
	a := NewApp(t, AppOptions{Routes: func(a *App, mux *http.ServeMux) {
		mux.Handle("POST /logout", a.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "goodbye "+Visitor(r))
		})))
	}})
	cookie := a.SignedIn(Kim).CookieHeader()
	assert.Equal(t, 200, a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: Scripted()}).Status)
}

func TestOnSignOutIsCalledOncePerLogout(t *testing.T) {
	var calls atomic.Int32
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithOnSignOut(func(context.Context, authkit.SignOutEvent) { calls.Add(1) })}})
	cookie, id := a.SignedIn(Kim).CookieHeader(), a.SessionID()
	a.ExpireToken(2 * time.Minute)
	a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true, Times: 1})
	done := make(chan struct{})
	go func() { a.Do(Request{Target: "/account", Cookie: cookie}); close(done) }()
	a.Fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
	a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie})
	a.Fake.RevokeSession(id) // the browser followed the logout URL to WorkOS
	a.Fake.ClearFault(authkittest.RouteRefresh)
	<-done
	assert.EqualValues(t, 1, calls.Load(), "the refresh that ran during the logout calls no hook")
	a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie}) // a double click, or a replayed cookie
	assert.LessOrEqual(t, calls.Load(), int32(2), "the repeated logout")
}
