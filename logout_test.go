package authkit_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

func TestASignedOutSessionIsRefusedWhenItsCookieIsReplayed(t *testing.T) {
	a := newApp(t, appOptions{})
	b := a.signedIn(kim)
	cookie, id := b.cookieHeader(), a.sessionID()
	b.get("/")
	_, err := b.Submit("Sign out", nil)
	require.NoError(t, err)
	require.False(t, a.fake.Sessions()[0].Active())

	for range 20 {
		resp := a.send(request{target: "/account", cookie: cookie})
		require.Equal(t, http.StatusUnauthorized, resp.status)
		a.clock.Advance(20 * time.Second)
	}
	session, _ := a.fake.Session(id)
	assert.True(t, session.RefreshedAt.IsZero())

	_, err = b.SignIn(a.url+"/account", kim)
	require.NoError(t, err, "signing in again is another session")
}

func TestAScriptIsToldWhereToGoToEndTheSession(t *testing.T) {
	a := newApp(t, appOptions{})
	b := a.signedIn(kim)
	id := a.sessionID()
	page := b.fetch("POST", "/logout")
	assert.Equal(t, http.StatusOK, page.StatusCode)
	var reply map[string]string
	require.NoError(t, json.Unmarshal([]byte(page.Body), &reply))
	assert.Empty(t, b.cookieNames())
	assert.True(t, a.fake.Sessions()[0].Active())

	_, err := b.Get(reply["logout_url"])
	require.NoError(t, err)
	session, _ := a.fake.Session(id)
	assert.False(t, session.Active())
	assert.Equal(t, a.url+"/", b.Page().URL.String())
}

func TestLogoutWorksWithAnExpiredAnUnreadableAndNoSessionAndWithoutWorkOS(t *testing.T) {
	var ended []string
	a := newApp(t, appOptions{authkit: []authkit.Option{
		authkit.WithAbsoluteTimeout(time.Hour),
		authkit.WithOnSignOut(func(_ context.Context, e authkit.SignOutEvent) {
			assert.NoError(t, e.Err)
			ended = append(ended, e.Session.ID())
			panic("the application's own mistake")
		}),
	}})
	cookie, id := a.signedIn(kim).cookieHeader(), a.sessionID()
	a.server.Config.Handler = a.Logout() // alone, so that no middleware answers for it
	a.clock.Advance(2 * time.Hour)
	a.fake.Fail(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	a.fake.Fail(authkittest.RouteAuthenticate, authkittest.Fault{Status: 500})
	keys, grants := a.fake.Calls(authkittest.RouteJWKS), a.fake.Calls(authkittest.RouteAuthenticate)

	resp := a.send(request{method: "POST", target: "/logout", cookie: cookie, header: navigation()})
	assert.Equal(t, http.StatusSeeOther, resp.status)
	assert.Contains(t, resp.header.Get("Location"), a.fake.URL()+"/user_management/sessions/logout?")
	assert.Contains(t, resp.header.Get("Location"), "session_id="+id)
	assert.Negative(t, resp.setCookies(t)["authkit-session"].MaxAge)
	assert.Equal(t, []string{id}, ended)

	for _, cookie := range []string{"authkit-session=garbage", "", "authkit-session.0=x; authkit-session.3=y"} {
		resp := a.send(request{method: "POST", target: "/logout", cookie: cookie, header: navigation()})
		assert.Equal(t, http.StatusSeeOther, resp.status)
		assert.Equal(t, a.url+"/", resp.header.Get("Location"))
		for _, c := range resp.setCookies(t) {
			assert.Negative(t, c.MaxAge)
			assert.Equal(t, "/", c.Path)
			assert.True(t, c.HttpOnly)
		}
		assert.Contains(t, resp.setCookies(t), "authkit-session")
	}
	assert.Contains(t, resp.header.Get("Cache-Control"), "no-store")
	assert.Equal(t, keys, a.fake.Calls(authkittest.RouteJWKS), "no keys are asked for")
	assert.Equal(t, grants, a.fake.Calls(authkittest.RouteAuthenticate), "and nothing is refreshed")
}

func TestAPOSTOfAnotherSiteSignsNobodyOut(t *testing.T) {
	a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithTrustedOrigins("https://admin.example.com")}})
	cookie := a.signedIn(kim).cookieHeader()
	for name, c := range map[string]struct {
		header  http.Header
		refused bool
	}{
		"a form on another site":                {http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}}, true},
		"a form on a sister host":               {http.Header{"Sec-Fetch-Site": {"same-site"}, "Origin": {"https://evil.example.com"}}, true},
		"a page without an origin":              {http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"null"}}, true},
		"an older browser on another site":      {http.Header{"Origin": {"https://evil.example"}}, true},
		"our own form":                          {http.Header{"Sec-Fetch-Site": {"same-origin"}, "Origin": {a.url}}, false},
		"our own form, Host rewritten":          {http.Header{"Origin": {a.url}, "Host": {"10.0.0.7:8080"}}, false},
		"an origin that the application trusts": {http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://admin.example.com"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			resp := a.send(request{method: "POST", target: "/logout", cookie: map[bool]string{true: cookie}[c.refused], header: c.header})
			if c.refused {
				assert.Equal(t, http.StatusForbidden, resp.status)
				assert.Empty(t, resp.setCookies(t))
				assert.Empty(t, resp.header.Get("Clear-Site-Data"))
				assert.Contains(t, a.send(request{target: "/account", cookie: cookie}).body, kim)
				return
			}
			assert.Less(t, resp.status, 400)
			assert.Equal(t, `"cache"`, resp.header.Get("Clear-Site-Data"), "nothing comes back with the back button")
		})
	}
}

func TestALogoutDuringARefreshStays(t *testing.T) {
	a := newApp(t, appOptions{})
	cookie := a.signedIn(kim).cookieHeader()
	a.expireToken(2 * time.Minute)
	a.fake.Fail(authkittest.RouteRefresh, authkittest.Fault{Hang: true})

	answered := make(chan response)
	go func() {
		resp, _ := a.do(request{target: "/account", cookie: cookie})
		answered <- resp
	}()
	a.fake.AwaitCalls(t, authkittest.RouteRefresh, 1)

	// The logout handler stands outside the middleware here: it must not wait
	// for the refresh.
	logout := a.direct(a.Logout(), request{method: "POST", target: "/logout", cookie: cookie})
	require.Equal(t, http.StatusOK, logout.status)
	a.fake.Heal(authkittest.RouteRefresh)

	resp := <-answered
	assert.Equal(t, http.StatusUnauthorized, resp.status)
	assert.Empty(t, resp.setCookies(t), "no cookie of the renewed session goes out")
	assert.Equal(t, http.StatusUnauthorized, a.send(request{target: "/account", cookie: cookie}).status)
	a.clock.Advance(4 * time.Minute)
	assert.Equal(t, http.StatusUnauthorized, a.send(request{target: "/account", cookie: cookie}).status)
}

func TestASuccessorThatWasHandedOutBeforeTheLogoutIsRefusedAfterIt(t *testing.T) {
	a := newApp(t, appOptions{})
	old := a.signedIn(kim).cookieHeader()
	a.expireToken(0)
	renewed := a.send(request{target: "/account", cookie: old}).newCookie(t)

	// Another tab signs out with the old cookie in hand, and the page that
	// fetches does not go on to WorkOS.
	require.Equal(t, http.StatusOK, a.direct(a.Logout(), request{method: "POST", target: "/logout", cookie: old}).status)
	for range 5 {
		assert.Equal(t, http.StatusUnauthorized, a.send(request{target: "/account", cookie: old}).status)
		assert.Equal(t, http.StatusUnauthorized, a.send(request{target: "/account", cookie: renewed}).status)
		a.clock.Advance(time.Minute)
	}
}

func TestLogoutBehindTheMiddlewareSetsEachCookieOnce(t *testing.T) {
	a := newApp(t, appOptions{})
	cookie := a.signedIn(kim).cookieHeader()
	a.expireToken(2 * time.Minute)
	resp := a.send(request{method: "POST", target: "/logout", cookie: cookie})
	assert.Equal(t, http.StatusOK, resp.status)
	assert.Negative(t, resp.setCookies(t)["authkit-session"].MaxAge, "the last writer wins")
}

func TestLogoutBehindTheMiddlewareRefreshesNothing(t *testing.T) {
	a := newApp(t, appOptions{})
	cookie := a.signedIn(kim).cookieHeader()
	a.expireToken(2 * time.Minute)
	a.send(request{method: "POST", target: "/logout", cookie: cookie, header: navigation()})
	assert.Zero(t, a.fake.Calls(authkittest.RouteRefresh))
}

func TestLogoutAndLoginBehindTheMiddlewareWaitForNobody(t *testing.T) {
	a := newApp(t, appOptions{})
	cookie := a.signedIn(kim).cookieHeader()
	a.expireToken(2 * time.Minute)
	a.fake.Fail(authkittest.RouteRefresh, authkittest.Fault{Hang: true})
	assert.Equal(t, http.StatusSeeOther, a.send(request{target: "/login", cookie: cookie}).status)
	assert.Equal(t, http.StatusSeeOther, a.send(request{target: "/callback?code=x&state=y", cookie: cookie}).status, "on to a page that refreshes")
	assert.Equal(t, http.StatusSeeOther, a.send(request{method: "POST", target: "/logout", cookie: cookie, header: navigation()}).status)
	assert.Zero(t, a.fake.Calls(authkittest.RouteRefresh))
}

// AuthKit may sign somebody in to the session that it still has (a fetch logout ends it nowhere but here). The new sign-in
// then has the sid that this process refuses: signed in, anonymous, sent into sign-in, round and round until exp.
func TestASignInAfterALogoutCountsWhateverItsSessionID(t *testing.T) {
	upstream := &rewriting{}
	a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: upstream})}})
	cookie, id := a.signedIn(kim).cookieHeader(), a.sessionID()
	require.Equal(t, http.StatusOK, a.send(request{method: "POST", target: "/logout", cookie: cookie, header: scripted()}).status)
	a.clock.Advance(10 * time.Second)
	upstream.change = func(reply map[string]any) {
		now := a.clock.Now().Unix()
		reply["access_token"] = a.fake.SignToken(map[string]any{
			"iss": a.fake.Issuer(), "sub": "user_kim", "sid": id, "client_id": a.fake.ClientID(), "iat": now, "exp": now + 300,
		})
	}
	again := a.signedIn(kim).cookieHeader()
	assert.Contains(t, a.send(request{target: "/account", cookie: again}).body, kim)
	assert.Equal(t, http.StatusUnauthorized, a.send(request{target: "/account", cookie: cookie, header: scripted()}).status)
}

// The cookie is gone from the browser. A copy of it must not be refreshed at WorkOS once this process has forgotten it.
func TestASessionThatAScriptSignedOutIsRevokedAtWorkOS(t *testing.T) {
	a := newApp(t, appOptions{})
	other := newInstance(t, a.fake, a.clock, appOptions{})
	b := a.signedIn(kim)
	copied, id := b.cookieHeader(), a.sessionID()
	require.Equal(t, http.StatusOK, b.fetch("POST", "/logout").StatusCode)
	a.clock.Advance(30*time.Second - time.Millisecond)
	session, _ := a.fake.Session(id)
	require.True(t, session.Active(), "the browser's own way through logout comes first")
	require.Zero(t, a.fake.Calls(authkittest.RouteRevokeSession))
	a.clock.Advance(time.Millisecond)
	a.logs.await(t, "session revoked at WorkOS", 1)
	a.clock.Advance(6 * time.Minute)
	for _, process := range []*app{a, other} {
		assert.Equal(t, http.StatusUnauthorized, process.send(request{target: "/account", cookie: copied, header: scripted()}).status)
	}
	session, _ = a.fake.Session(id)
	assert.False(t, session.Active())
	a.clock.Advance(24 * time.Hour)
	assert.Equal(t, 1, a.fake.Calls(authkittest.RouteRevokeSession))
}

func TestASessionThatWorkOSsLogoutEndsIsNotRevoked(t *testing.T) {
	a := newApp(t, appOptions{})
	b := a.signedIn(kim)
	b.get("/")
	_, err := b.Submit("Sign out", nil)
	require.NoError(t, err)
	a.clock.Advance(time.Hour)
	assert.Zero(t, a.fake.Calls(authkittest.RouteRevokeSession))

	page := a.signedIn(kim).fetch("POST", "/logout")
	var reply map[string]string
	require.NoError(t, json.Unmarshal([]byte(page.Body), &reply))
	_, err = b.Get(reply["logout_url"])
	require.NoError(t, err)
	a.clock.Advance(30 * time.Second)
	a.logs.await(t, "session revoked at WorkOS", 1)
	a.clock.Advance(time.Hour)
	assert.Equal(t, 1, a.fake.Calls(authkittest.RouteRevokeSession), "it does no harm that the browser was first")
	assert.NotContains(t, a.logs.String(), "not revoked")
}

func TestASignInToASessionThatIsAboutToBeRevokedCallsThatOff(t *testing.T) {
	upstream := &rewriting{}
	a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: upstream})}})
	cookie, id := a.signedIn(kim).cookieHeader(), a.sessionID()
	require.Equal(t, http.StatusOK, a.send(request{method: "POST", target: "/logout", cookie: cookie, header: scripted()}).status)
	upstream.change = func(reply map[string]any) {
		now := a.clock.Now().Unix()
		reply["access_token"] = a.fake.SignToken(map[string]any{
			"iss": a.fake.Issuer(), "sub": "user_kim", "sid": id, "client_id": a.fake.ClientID(), "iat": now, "exp": now + 300,
		})
	}
	again := a.signedIn(kim).cookieHeader() // on a clock that stands still
	assert.Contains(t, a.send(request{target: "/account", cookie: again}).body, kim)
	assert.Equal(t, http.StatusUnauthorized, a.send(request{target: "/account", cookie: cookie, header: scripted()}).status)
	a.clock.Advance(time.Minute)
	assert.Zero(t, a.fake.Calls(authkittest.RouteRevokeSession))
	assert.Contains(t, a.send(request{target: "/account", cookie: again}).body, kim)
}

func TestEverySessionThatOpensIsEndedAtWorkOSToo(t *testing.T) {
	for name, header := range map[string]http.Header{"by a form": navigation(), "by a script": scripted()} {
		t.Run(name, func(t *testing.T) {
			var ended []string
			a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithOnSignOut(func(_ context.Context, e authkit.SignOutEvent) {
				ended = append(ended, e.Session.UserID())
			})}})
			b := a.signedIn(kim)
			mine, theirs := b.cookieHeader(), a.signedIn("lee@example.com").cookieHeader()
			resp := a.send(request{method: "POST", target: "/logout", cookie: theirs + "; authkit-session=x; " + mine + "; " + mine, header: header})
			require.Less(t, resp.status, 400)
			assert.ElementsMatch(t, []string{"user_kim", "user_lee"}, ended)
			a.logs.await(t, "session revoked at WorkOS", 1)
			if name == "by a script" {
				a.clock.Advance(30 * time.Second)
				a.logs.await(t, "session revoked at WorkOS", 2)
			} else {
				location, err := resp.location()
				require.NoError(t, err)
				_, err = b.Get(location.String())
				require.NoError(t, err)
			}
			for _, cookie := range []string{mine, theirs} {
				assert.Equal(t, http.StatusUnauthorized, a.send(request{target: "/account", cookie: cookie, header: scripted()}).status)
			}
			a.clock.Advance(6 * time.Minute)
			other := newInstance(t, a.fake, a.clock, appOptions{})
			for _, cookie := range []string{mine, theirs} {
				assert.Equal(t, http.StatusUnauthorized, other.send(request{target: "/account", cookie: cookie, header: scripted()}).status)
			}
			for _, session := range a.fake.Sessions() {
				assert.False(t, session.Active(), session.ID)
			}
		})
	}
}

func TestAPublicClientRevokesNothing(t *testing.T) {
	a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithPublicClient()}})
	cookie := a.signedIn(kim).cookieHeader()
	require.Equal(t, http.StatusOK, a.send(request{method: "POST", target: "/logout", cookie: cookie, header: scripted()}).status)
	a.clock.Advance(time.Minute)
	assert.Equal(t, http.StatusUnauthorized, a.send(request{target: "/account", cookie: cookie, header: scripted()}).status)
	assert.Zero(t, a.fake.Calls(authkittest.RouteRevokeSession))
}
