// Refreshes: when they start, what they change, and how refusals and retired refresh tokens are handled.

package behaviour

import (
	"context"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

func TestAStaleSessionIsRefreshedBeforeItsPageIsServed(t *testing.T) {
	a := NewApp(t, AppOptions{})
	b := a.SignedIn(Kim)
	before, id := b.CookieHeader(), a.SessionID()
	a.ExpireToken(10 * time.Minute)

	page := b.get("/account")
	assert.Equal(t, http.StatusOK, page.StatusCode)
	assert.Equal(t, PageOf(Kim, id)+" at /account", page.Body)
	assert.NotEqual(t, before, b.CookieHeader())
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
	assert.Equal(t, "private, no-store", page.Header.Get("Cache-Control"))

	b.get("/account")
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh), "the next request uses the new session")
}

func TestARefreshBeginsAMinuteOrAFifthOfTheLifetimeBeforeExpiry(t *testing.T) {
	for name, c := range map[string]struct{ lifetime, ahead time.Duration }{
		"five minutes": {5 * time.Minute, time.Minute},
		"an hour":      {time.Hour, time.Minute},
		"two minutes":  {2 * time.Minute, 24 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			a := NewApp(t, AppOptions{Fake: []authkittest.Option{authkittest.WithAccessTokenLifetime(c.lifetime)}})
			cookie := a.SignedIn(Kim).CookieHeader()

			a.Clock.Advance(c.lifetime - c.ahead - time.Second)
			assert.Empty(t, a.Send(Request{Target: "/", Cookie: cookie}).SetCookies(t))
			a.Clock.Advance(time.Second)
			a.Send(Request{Target: "/", Cookie: cookie}).NewCookie(t)
			assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
		})
	}
}

func TestAClockFarAheadDoesNotCauseAnExchangeOnEveryRequest(t *testing.T) {
	a := NewApp(t, AppOptions{})
	ahead := authkittest.NewFakeClock(Start.Add(4*time.Minute + 30*time.Second))
	fast := NewInstance(t, a.Fake, ahead, AppOptions{})
	cookie := fast.SignedIn(Kim).CookieHeader()
	for range 5 {
		assert.Empty(t, fast.Send(Request{Target: "/account", Cookie: cookie}).SetCookies(t))
	}
	ahead.Advance(time.Minute)
	fast.Send(Request{Target: "/account", Cookie: cookie})
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
}

func TestARefreshKeepsTheOrganizationOfTheSession(t *testing.T) {
	upstream := &RewritingTransport{}
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: upstream})}})
	cookie := a.SignedIn(Kim).CookieHeader()
	a.ExpireToken(0)
	a.Send(Request{Target: "/account", Cookie: cookie}).NewCookie(t)
	assert.Equal(t, "org_acme", upstream.Sent["organization_id"])
	assert.Equal(t, "refresh_token", upstream.Sent["grant_type"])
}

func TestARetiredTokenIsAnsweredFromMemoryUntil30SecondsAfterItsSuccessorIsUsed(t *testing.T) {
	a := NewApp(t, AppOptions{})
	old := a.SignedIn(Kim).CookieHeader()
	a.ExpireToken(0)
	refreshed := a.Send(Request{Target: "/account", Cookie: old}).NewCookie(t)

	a.Clock.Advance(2 * time.Minute) // the successor was not used yet: its response may be lost
	assert.Equal(t, refreshed, a.Send(Request{Target: "/account", Cookie: old}).NewCookie(t))

	assert.Empty(t, a.Send(Request{Target: "/account", Cookie: refreshed}).SetCookies(t))
	a.Clock.Advance(20 * time.Second)
	assert.Equal(t, refreshed, a.Send(Request{Target: "/account", Cookie: old}).NewCookie(t))
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))

	a.Clock.Advance(10 * time.Second)
	resp := a.Send(Request{Target: "/account", Cookie: old})
	assert.Equal(t, http.StatusUnauthorized, resp.Status, "from now on WorkOS decides")
	assert.Equal(t, 2, a.Fake.Calls(authkittest.RouteRefresh))
}

func TestARetryRecoversALostExchangeReplyWithinTheReplayWindow(t *testing.T) {
	clock := newObservedClock()
	a := NewApp(t, AppOptions{Clock: &clock})
	cookie := a.SignedIn(Kim).CookieHeader()
	a.ExpireToken(2 * time.Minute)
	a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{TakeEffect: true, Status: 500, Times: 1})

	responses := make(chan Response)
	go func() {
		resp, _ := a.Do(Request{Target: "/account", Cookie: cookie})
		responses <- resp
	}()
	a.Clock.Advance(clock.await(time.Second, 1250*time.Millisecond)) // the pause before the retry
	assert.Equal(t, http.StatusOK, (<-responses).Status)
	assert.Equal(t, 2, a.Fake.Calls(authkittest.RouteRefresh))
}

func TestTwoProcessesCanRefreshTheSameSession(t *testing.T) {
	one := NewApp(t, AppOptions{})
	two := NewInstance(t, one.Fake, one.Clock, AppOptions{})
	cookie := one.SignedIn(Kim).CookieHeader()
	one.ExpireToken(2 * time.Minute)

	first := one.Send(Request{Target: "/account", Cookie: cookie})
	second := two.Send(Request{Target: "/account", Cookie: cookie})
	assert.Equal(t, http.StatusOK, first.Status)
	assert.Equal(t, http.StatusOK, second.Status)
	assert.Equal(t, 2, one.Fake.Calls(authkittest.RouteRefresh))
	assert.Equal(t, http.StatusOK, one.Send(Request{Target: "/account", Cookie: second.NewCookie(t)}).Status)
}

func TestAReplyWithoutARefreshTokenKeepsTheOldRefreshToken(t *testing.T) {
	upstream := &RewritingTransport{}
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: upstream})}})
	cookie := a.SignedIn(Kim).CookieHeader()
	upstream.Change = func(reply map[string]any) { delete(reply, "refresh_token") }

	a.ExpireToken(0)
	refreshed := a.Send(Request{Target: "/account", Cookie: cookie}).NewCookie(t)
	assert.Empty(t, a.Send(Request{Target: "/account", Cookie: refreshed}).SetCookies(t))
	assert.Equal(t, refreshed, a.Send(Request{Target: "/account", Cookie: cookie}).NewCookie(t))

	a.Clock.Advance(4 * time.Minute) // the fake rotates the token anyway, and accepts the old one only within its replay window
	a.Send(Request{Target: "/account", Cookie: refreshed})
	assert.Equal(t, 2, a.Fake.Calls(authkittest.RouteRefresh), "a session with the same refresh token is refreshed again")
}

func TestARefusedRefreshEndsTheSessionOnceForAllRequests(t *testing.T) {
	for _, reply := range []string{
		`{"error":"invalid_grant","error_description":"Refresh token already exchanged."}`,
		`{"error":"sso_required","error_description":"d","email":"kim@example.com","connection_ids":["conn_1"]}`,
		`{"code":"mfa_enrollment","message":"m","pending_authentication_token":"p"}`,
	} {
		t.Run(reply[10:20], func(t *testing.T) {
			var ended []string
			a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithOnSignOut(func(_ context.Context, e authkit.SignOutEvent) {
				assert.Error(t, e.Err)
				ended = append(ended, e.Session.UserID())
			})}})
			cookie := a.SignedIn(Kim).CookieHeader()
			a.ExpireToken(2 * time.Minute)
			a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 400, Body: reply})

			for range 5 {
				resp := a.Send(Request{Target: "/", Cookie: cookie})
				assert.Contains(t, resp.Body, "home of anonymous")
				assert.Negative(t, resp.SetCookies(t)["authkit-session"].MaxAge)
			}
			assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
			assert.Equal(t, []string{"user_kim"}, ended)

			resp := a.Send(Request{Target: "/account", Cookie: cookie, Header: Navigation()})
			assert.Equal(t, http.StatusSeeOther, resp.Status, "the browser is redirected to a new sign-in")
		})
	}
}

func TestARevokedSessionEndsAtItsNextRefresh(t *testing.T) {
	a := NewApp(t, AppOptions{})
	b := a.SignedIn(Kim)
	a.Fake.RevokeSession(a.SessionID())
	assert.Contains(t, b.get("/").Body, "home of "+Kim, "its token is valid until it expires")
	a.ExpireToken(2 * time.Minute)
	assert.Contains(t, b.get("/").Body, "home of anonymous")
	assert.Empty(t, b.cookieNames())
}

func TestARefusalThatEndsNoSessionIsTriedAgainOnceAMinute(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	a.ExpireToken(2 * time.Minute)
	a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 400, Body: `{"error":"organization_not_found"}`})
	for range 3 {
		resp := a.Send(Request{Target: "/", Cookie: cookie})
		assert.Contains(t, resp.Body, "home of anonymous")
		assert.Empty(t, resp.SetCookies(t))
		a.Clock.Advance(19 * time.Second)
	}
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
	a.Clock.Advance(3 * time.Second)
	a.Fake.ClearFault(authkittest.RouteRefresh)
	assert.Contains(t, a.Send(Request{Target: "/", Cookie: cookie}).Body, "home of "+Kim)
}

func TestARefreshReplyForAnotherUserOrSessionIsRefused(t *testing.T) {
	for name, change := range map[string]func(kimReply, leeReply, reply map[string]any){
		"another user's access token":  func(kimReply, leeReply, reply map[string]any) { reply["access_token"] = leeReply["access_token"] },
		"another user's reply":         func(kimReply, leeReply, reply map[string]any) { maps.Copy(reply, leeReply) },
		"another session of this user": func(kimReply, leeReply, reply map[string]any) { maps.Copy(reply, kimReply) },
	} {
		t.Run(name, func(t *testing.T) {
			upstream := &RewritingTransport{}
			a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: upstream})}})
			var kimReply, leeReply map[string]any
			upstream.Change = func(reply map[string]any) { leeReply = reply }
			a.SignedIn("lee@example.com")
			upstream.Change = func(reply map[string]any) { kimReply = reply }
			a.SignedIn(Kim)
			upstream.Change = nil
			cookie := a.SignedIn(Kim).CookieHeader()

			a.Clock.Advance(4 * time.Minute)
			upstream.Change = func(reply map[string]any) { change(kimReply, leeReply, reply) }
			resp := a.Send(Request{Target: "/", Cookie: cookie})
			assert.Contains(t, resp.Body, "home of anonymous")
			assert.Empty(t, resp.SetCookies(t))
			assert.Contains(t, a.Logs.String(), "the new access token is not accepted")
		})
	}
}

// WorkOS never changes the user of a session. A reply that does must not turn the cookie of one user into that of another.
func TestARefreshReplyForAnotherUserInTheSameSessionIsRefused(t *testing.T) {
	upstream := &RewritingTransport{}
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: upstream})}})
	var lee any
	upstream.Change = func(reply map[string]any) { lee = reply["user"] }
	a.SignedIn("lee@example.com")
	upstream.Change = nil
	cookie := a.SignedIn(Kim).CookieHeader()
	id := a.SessionID()

	a.Clock.Advance(4 * time.Minute)
	upstream.Change = func(reply map[string]any) {
		now := a.Clock.Now().Unix()
		reply["user"] = lee
		reply["access_token"] = a.Fake.SignToken(map[string]any{
			"iss": a.Fake.Issuer(), "sub": lee.(map[string]any)["id"], "sid": id, "client_id": a.Fake.ClientID(), "iat": now, "exp": now + 300,
		})
	}
	resp := a.Send(Request{Target: "/", Cookie: cookie})
	assert.Contains(t, resp.Body, "home of anonymous")
	assert.Empty(t, resp.SetCookies(t))
	assert.Contains(t, a.Logs.String(), "the new access token is not accepted")
	assert.Contains(t, a.Logs.String(), "sub: want")
}

func TestAnUpgradeRequestIsNotRefreshedWhileItsTokenIsUsable(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	upgrade := http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}}
	a.ExpireToken(59 * time.Second)
	resp := a.Send(Request{Target: "/account", Cookie: cookie, Header: upgrade})
	assert.Equal(t, http.StatusOK, resp.Status)
	assert.Zero(t, a.Fake.Calls(authkittest.RouteRefresh))

	a.Clock.Advance(2 * time.Second)
	resp = a.Send(Request{Target: "/account", Cookie: cookie, Header: upgrade})
	assert.Equal(t, http.StatusOK, resp.Status)
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
}

func TestAPreviousCookiePasswordOpensSessionsAndARefreshResealsThem(t *testing.T) {
	next := strings.Repeat("another-password-", 2)
	before := NewApp(t, AppOptions{})
	during := NewInstance(t, before.Fake, before.Clock, AppOptions{AuthKit: []authkit.Option{authkit.WithCookiePassword(next, Password)}})
	after := NewInstance(t, before.Fake, before.Clock, AppOptions{AuthKit: []authkit.Option{authkit.WithCookiePassword(next)}})
	cookie := before.SignedIn(Kim).CookieHeader()

	assert.Contains(t, during.Send(Request{Target: "/", Cookie: cookie}).Body, Kim)
	resp := after.Send(Request{Target: "/", Cookie: cookie})
	assert.Contains(t, resp.Body, "anonymous")
	assert.Empty(t, resp.SetCookies(t), "a cookie that does not open is kept")

	before.ExpireToken(0)
	resealed := during.Send(Request{Target: "/", Cookie: cookie}).NewCookie(t)
	assert.Contains(t, after.Send(Request{Target: "/", Cookie: resealed}).Body, Kim)
}

func TestTheRefreshHookIsCalledOnceForEachExchange(t *testing.T) {
	var refreshed []string
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithOnRefresh(func(_ context.Context, e authkit.RefreshEvent) {
		refreshed = append(refreshed, e.Session.UserID())
		panic("the application's own mistake")
	})}})
	a.Logs.allowPanics()
	cookie := a.SignedIn(Kim).CookieHeader()
	a.ExpireToken(0)
	for range 3 {
		assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/account", Cookie: cookie}).Status)
	}
	assert.Equal(t, []string{"user_kim"}, refreshed)
}

func TestTheConfiguredTimeoutsEndASession(t *testing.T) {
	t.Run("the absolute timeout, regardless of refreshes", func(t *testing.T) {
		a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithAbsoluteTimeout(12 * time.Minute)}})
		b := a.SignedIn(Kim)
		for range 2 {
			a.Clock.Advance(5 * time.Minute)
			assert.Contains(t, b.get("/").Body, Kim)
		}
		a.Clock.Advance(2*time.Minute - time.Second)
		assert.Contains(t, b.get("/").Body, Kim)
		a.Clock.Advance(time.Second)
		assert.Contains(t, b.get("/").Body, "anonymous")
	})
	t.Run("no absolute timeout if it is zero, even with a cookie max age", func(t *testing.T) {
		a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithCookieMaxAge(time.Minute), authkit.WithAbsoluteTimeout(0)}})
		cookie := a.SignedIn(Kim).CookieHeader()
		a.Clock.Advance(2 * time.Minute)
		assert.Contains(t, a.Send(Request{Target: "/", Cookie: cookie}).Body, Kim)
	})
	t.Run("the idle timeout, but not during use", func(t *testing.T) {
		a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithIdleTimeout(3 * time.Minute)}})
		b := a.SignedIn(Kim)
		for range 10 {
			a.Clock.Advance(2 * time.Minute)
			assert.Contains(t, b.get("/").Body, Kim)
		}
		a.Clock.Advance(3 * time.Minute)
		assert.Contains(t, b.get("/").Body, "anonymous")
	})
	t.Run("the cookie max age", func(t *testing.T) {
		a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithCookieMaxAge(time.Hour)}})
		s := a.StartSignIn("/login")
		resp := a.Send(Request{Target: s.Target(), Cookie: s.Cookie})
		assert.Equal(t, 3600, resp.SetCookies(t)["authkit-session"].MaxAge)
		cookie := resp.NewCookie(t)
		a.Clock.Advance(time.Hour)
		assert.Contains(t, a.Send(Request{Target: "/", Cookie: cookie}).Body, "anonymous")
	})
}

func TestARefreshReplyCannotChangeTheUserOfASession(t *testing.T) {
	upstream := &RewritingTransport{}
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: upstream})}})
	var leeReply map[string]any
	upstream.Change = func(reply map[string]any) { leeReply = maps.Clone(reply) }
	a.SignedIn("lee@example.com")
	upstream.Change = nil
	cookie, id := a.SignedIn(Kim).CookieHeader(), a.SessionID()
	a.Clock.Advance(4 * time.Minute)
	upstream.Change = func(reply map[string]any) {
		maps.Copy(reply, leeReply) // lee's profile, and a token of lee with kim's session ID
		now := a.Clock.Now().Unix()
		reply["access_token"] = a.Fake.SignToken(map[string]any{
			"iss": a.Fake.Issuer(), "sub": "user_lee", "sid": id, "client_id": a.Fake.ClientID(), "iat": now, "exp": now + 300,
		})
	}
	assert.Contains(t, a.Send(Request{Target: "/", Cookie: cookie}).Body, "home of anonymous")
}

func TestARefreshRefusedForTheAPIKeyIsLoggedAsAMisconfiguration(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	a.ExpireToken(2 * time.Minute)
	a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 401, Body: `{"message":"Unauthorized"}`})
	assert.Equal(t, http.StatusServiceUnavailable, a.Send(Request{Target: "/account", Cookie: cookie}).Status)
	assert.Contains(t, a.Logs.String(), "does not accept this application's client ID or API key")
}

func TestInvalidGrantEndsTheSessionWithAnyStatus(t *testing.T) {
	for _, status := range []int{400, 401, 403, 422, 429} {
		a := NewApp(t, AppOptions{})
		cookie := a.SignedIn(Kim).CookieHeader()
		a.ExpireToken(0)
		a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{
			Status: status, Header: http.Header{"Retry-After": {"60"}}, Body: `{"error":"invalid_grant"}`,
		})
		resp := a.Send(Request{Target: "/", Cookie: cookie})
		assert.Contains(t, resp.Body, "home of anonymous", "status %d", status)
		assert.Negative(t, resp.SetCookies(t)["authkit-session"].MaxAge)
	}
}

// WorkOS refuses a refresh, with or without an error code, but does not say that the session has ended. For a deleted user
// it answers 404 without a code.
func TestARefusedRefreshLeavesTheTokenUsableUntilItsSkewEnds(t *testing.T) {
	for name, fault := range map[string]authkittest.Fault{
		"invalid_request":             {Status: 400, Body: `{"error":"invalid_request"}`},
		"email_verification_required": {Status: 403, Body: `{"code":"email_verification_required","pending_authentication_token":"p"}`},
		"organization_not_found":      {Status: 400, Body: `{"error":"organization_not_found"}`},
		"an unknown code":             {Status: 422, Body: `{"code":"something_new"}`},
		"404 without a code":          {Status: 404, Body: `{"message":"Not Found"}`},
		"400 without a code":          {Status: 400, Body: `{"message":"must use SSO"}`},
		"an empty object":             {Status: 403, Body: `{}`},
	} {
		t.Run(name, func(t *testing.T) {
			a := NewApp(t, AppOptions{})
			cookie := a.SignedIn(Kim).CookieHeader()
			a.Fake.InjectFault(authkittest.RouteRefresh, fault)
			assertAnswer := func(status, calls int) {
				t.Helper()
				resp := a.Send(Request{Target: "/account", Cookie: cookie})
				assert.Equal(t, status, resp.Status)
				assert.Empty(t, resp.SetCookies(t), "the cookie is kept")
				assert.Equal(t, calls, a.Fake.Calls(authkittest.RouteRefresh))
			}
			a.Clock.Advance(4 * time.Minute)
			assertAnswer(http.StatusOK, 1)
			a.Clock.Advance(59 * time.Second)
			assertAnswer(http.StatusOK, 1)
			a.Clock.Advance(time.Second)
			assertAnswer(http.StatusOK, 2) // tried again once a minute
			a.Clock.Advance(59 * time.Second)
			assertAnswer(http.StatusOK, 2) // the end of the skew
			a.Clock.Advance(time.Second)
			assertAnswer(http.StatusUnauthorized, 3)
			assertAnswer(http.StatusUnauthorized, 3)
			a.Fake.ClearFault(authkittest.RouteRefresh)
			a.Clock.Advance(time.Minute)
			assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/account", Cookie: cookie}).Status)
		})
	}
}

// CVE-2026-40155 (nextjs-auth0): of several users with concurrent refreshes, one got the session of another.
func TestConcurrentRefreshesGiveEachUserTheirOwnSession(t *testing.T) {
	a := newPlainApp(t)
	emails := map[string]string{}
	for range 5 {
		for _, email := range []string{Kim, lee, val} {
			emails[a.signIn(email)] = email
		}
	}
	a.ExpireToken(2 * time.Minute)
	var mu sync.Mutex
	refreshed := map[string]string{} // the new cookies, with the email of their users
	var all sync.WaitGroup
	for cookie, email := range emails {
		for range 4 {
			all.Go(func() {
				resp, err := a.Do(Request{Target: "/account", Cookie: cookie})
				if assert.NoError(t, err) && assert.Contains(t, resp.Body, email) {
					mu.Lock()
					defer mu.Unlock()
					refreshed[resp.session(t)] = email
				}
			})
		}
	}
	all.Wait()
	assert.Len(t, refreshed, len(emails), "one new session for each old one")
	assert.Equal(t, len(emails), a.Fake.Calls(authkittest.RouteRefresh))
	for cookie, email := range refreshed {
		assert.Equal(t, email, a.visitor(cookie))
	}
}

func TestARetiredTokenIsStillAnswered20SecondsAfterItsSuccessorIsUsed(t *testing.T) {
	a := newPlainApp(t)
	cookie := a.signIn(Kim)
	a.ExpireToken(2 * time.Minute)
	refreshed := a.Send(Request{Target: "/api/me", Cookie: cookie}).session(t)
	assert.Equal(t, Kim, a.visitor(refreshed))
	a.Clock.Advance(20 * time.Second)
	assert.Equal(t, refreshed, a.Send(Request{Target: "/api/me", Cookie: cookie}).session(t))
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
}
