package authkit_test

import (
	"context"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

func TestAStaleSessionIsRenewedBeforeItsPageIsServed(t *testing.T) {
	a := newApp(t, appOptions{})
	b := a.signedIn(kim)
	before, id := b.cookieHeader(), a.sessionID()
	a.expireToken(10 * time.Minute)

	page := b.get("/account")
	assert.Equal(t, http.StatusOK, page.StatusCode)
	assert.Equal(t, pageOf(kim, id)+" at /account", page.Body)
	assert.NotEqual(t, before, b.cookieHeader())
	assert.Equal(t, 1, a.fake.Calls(authkittest.RouteRefresh))
	assert.Equal(t, "private, no-store", page.Header.Get("Cache-Control"))

	b.get("/account")
	assert.Equal(t, 1, a.fake.Calls(authkittest.RouteRefresh), "the new session serves the next request")
}

func TestARenewalBeginsOneMinuteOrAFifthOfTheLifetimeBeforeTheExpiry(t *testing.T) {
	for name, c := range map[string]struct{ lifetime, ahead time.Duration }{
		"five minutes": {5 * time.Minute, time.Minute},
		"an hour":      {time.Hour, time.Minute},
		"two minutes":  {2 * time.Minute, 24 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, appOptions{fake: []authkittest.Option{authkittest.WithTokenLifetime(c.lifetime)}})
			cookie := a.signedIn(kim).cookieHeader()

			a.clock.Advance(c.lifetime - c.ahead - time.Second)
			assert.Empty(t, a.send(request{target: "/", cookie: cookie}).setCookies(t))
			a.clock.Advance(time.Second)
			a.send(request{target: "/", cookie: cookie}).newCookie(t)
			assert.Equal(t, 1, a.fake.Calls(authkittest.RouteRefresh))
		})
	}
}

func TestAClockThatIsFarAheadMakesNoExchangeOfEveryRequest(t *testing.T) {
	a := newApp(t, appOptions{})
	ahead := authkittest.NewClock(start.Add(4*time.Minute + 30*time.Second))
	fast := newInstance(t, a.fake, ahead, appOptions{})
	cookie := fast.signedIn(kim).cookieHeader()
	for range 5 {
		assert.Empty(t, fast.send(request{target: "/account", cookie: cookie}).setCookies(t))
	}
	ahead.Advance(time.Minute)
	fast.send(request{target: "/account", cookie: cookie})
	assert.Equal(t, 1, a.fake.Calls(authkittest.RouteRefresh))
}

func TestARefreshStaysInItsOrganization(t *testing.T) {
	upstream := &rewriting{}
	a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: upstream})}})
	cookie := a.signedIn(kim).cookieHeader()
	a.expireToken(0)
	a.send(request{target: "/account", cookie: cookie}).newCookie(t)
	assert.Equal(t, "org_acme", upstream.sent["organization_id"])
	assert.Equal(t, "refresh_token", upstream.sent["grant_type"])
}

func TestAHundredRequestsWithOneStaleCookieMakeOneExchange(t *testing.T) {
	a := newApp(t, appOptions{})
	cookie, id := a.signedIn(kim).cookieHeader(), a.sessionID()
	a.expireToken(2 * time.Minute)
	a.fake.Fail(authkittest.RouteRefresh, authkittest.Fault{Hang: true})

	var (
		wg        sync.WaitGroup
		mu        sync.Mutex
		responses []response
	)
	for range 100 {
		wg.Go(func() {
			resp, err := a.do(request{target: "/account", cookie: cookie})
			mu.Lock()
			defer mu.Unlock()
			assert.NoError(t, err)
			responses = append(responses, resp)
		})
	}
	a.fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
	a.fake.Heal(authkittest.RouteRefresh)
	wg.Wait()

	renewed := responses[0].newCookie(t)
	for _, resp := range responses {
		assert.Equal(t, http.StatusOK, resp.status)
		assert.Equal(t, pageOf(kim, id)+" at /account", resp.body)
		assert.Equal(t, renewed, resp.newCookie(t), "all get the same new session")
	}
	assert.Equal(t, 1, a.fake.Calls(authkittest.RouteRefresh))
}

func TestTheExchangeGoesOnWhenTheRequestThatStartedItGoesAway(t *testing.T) {
	a := newApp(t, appOptions{})
	cookie := a.signedIn(kim).cookieHeader()
	a.expireToken(2 * time.Minute)
	a.fake.Fail(authkittest.RouteRefresh, authkittest.Fault{Hang: true})

	ctx, cancel := context.WithCancel(t.Context())
	first, err := http.NewRequestWithContext(ctx, "GET", a.url+"/account", nil)
	require.NoError(t, err)
	first.Header.Set("Cookie", cookie)
	gone := make(chan error)
	go func() {
		_, err := http.DefaultTransport.RoundTrip(first)
		gone <- err
	}()
	a.fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
	cancel()
	require.ErrorIs(t, <-gone, context.Canceled)

	answered := make(chan response)
	go func() {
		resp, _ := a.do(request{target: "/account", cookie: cookie})
		answered <- resp
	}()
	a.fake.Heal(authkittest.RouteRefresh)
	assert.Equal(t, http.StatusOK, (<-answered).status)
	assert.Equal(t, 1, a.fake.Calls(authkittest.RouteRefresh))
}

func TestARetiredTokenIsAnsweredFromMemoryUntilThirtySecondsAfterItsSuccessorCameBack(t *testing.T) {
	a := newApp(t, appOptions{})
	old := a.signedIn(kim).cookieHeader()
	a.expireToken(0)
	renewed := a.send(request{target: "/account", cookie: old}).newCookie(t)

	a.clock.Advance(2 * time.Minute) // the successor has not come back: its response may be lost
	assert.Equal(t, renewed, a.send(request{target: "/account", cookie: old}).newCookie(t))

	assert.Empty(t, a.send(request{target: "/account", cookie: renewed}).setCookies(t))
	a.clock.Advance(20 * time.Second)
	assert.Equal(t, renewed, a.send(request{target: "/account", cookie: old}).newCookie(t))
	assert.Equal(t, 1, a.fake.Calls(authkittest.RouteRefresh))

	a.clock.Advance(10 * time.Second)
	resp := a.send(request{target: "/account", cookie: old})
	assert.Equal(t, http.StatusUnauthorized, resp.status, "from here on it is WorkOS that answers")
	assert.Equal(t, 2, a.fake.Calls(authkittest.RouteRefresh))
}

func TestALostReplyOfAnExchangeIsMadeUpForByARetryWithinTheWindow(t *testing.T) {
	clock := newObservedClock()
	a := newApp(t, appOptions{clock: &clock})
	cookie := a.signedIn(kim).cookieHeader()
	a.expireToken(2 * time.Minute)
	a.fake.Fail(authkittest.RouteRefresh, authkittest.Fault{After: true, Status: 500, Times: 1})

	answered := make(chan response)
	go func() {
		resp, _ := a.do(request{target: "/account", cookie: cookie})
		answered <- resp
	}()
	a.clock.Advance(clock.await(time.Second, 1250*time.Millisecond)) // the pause before the retry
	assert.Equal(t, http.StatusOK, (<-answered).status)
	assert.Equal(t, 2, a.fake.Calls(authkittest.RouteRefresh))
}

func TestTwoProcessesThatRefreshAtOnceBothGoOn(t *testing.T) {
	one := newApp(t, appOptions{})
	two := newInstance(t, one.fake, one.clock, appOptions{})
	cookie := one.signedIn(kim).cookieHeader()
	one.expireToken(2 * time.Minute)

	first := one.send(request{target: "/account", cookie: cookie})
	second := two.send(request{target: "/account", cookie: cookie})
	assert.Equal(t, http.StatusOK, first.status)
	assert.Equal(t, http.StatusOK, second.status)
	assert.Equal(t, 2, one.fake.Calls(authkittest.RouteRefresh))
	assert.Equal(t, http.StatusOK, one.send(request{target: "/account", cookie: second.newCookie(t)}).status)
}

func TestAReplyWithoutARefreshTokenLeavesTheOldOneInForce(t *testing.T) {
	upstream := &rewriting{}
	a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: upstream})}})
	cookie := a.signedIn(kim).cookieHeader()
	upstream.change = func(reply map[string]any) { delete(reply, "refresh_token") }

	a.expireToken(0)
	renewed := a.send(request{target: "/account", cookie: cookie}).newCookie(t)
	assert.Empty(t, a.send(request{target: "/account", cookie: renewed}).setCookies(t))
	assert.Equal(t, renewed, a.send(request{target: "/account", cookie: cookie}).newCookie(t))

	a.clock.Advance(4 * time.Minute) // the fake rotates all the same, and answers the old token within its window only
	a.send(request{target: "/account", cookie: renewed})
	assert.Equal(t, 2, a.fake.Calls(authkittest.RouteRefresh), "a session with the same refresh token is renewed in its turn")
}

func TestOneEndingIsOneEndingHoweverManyAsk(t *testing.T) {
	for _, reply := range []string{
		`{"error":"invalid_grant","error_description":"Refresh token already exchanged."}`,
		`{"error":"sso_required","error_description":"d","email":"kim@example.com","connection_ids":["conn_1"]}`,
		`{"code":"mfa_enrollment","message":"m","pending_authentication_token":"p"}`,
	} {
		t.Run(reply[10:20], func(t *testing.T) {
			var ended []string
			a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithOnSignOut(func(_ context.Context, e authkit.SignOutEvent) {
				assert.Error(t, e.Err)
				ended = append(ended, e.Session.UserID())
			})}})
			cookie := a.signedIn(kim).cookieHeader()
			a.expireToken(2 * time.Minute)
			a.fake.Fail(authkittest.RouteRefresh, authkittest.Fault{Status: 400, Body: reply})

			for range 5 {
				resp := a.send(request{target: "/", cookie: cookie})
				assert.Contains(t, resp.body, "home of nobody")
				assert.Negative(t, resp.setCookies(t)["authkit-session"].MaxAge)
			}
			assert.Equal(t, 1, a.fake.Calls(authkittest.RouteRefresh))
			assert.Equal(t, []string{"user_kim"}, ended)

			resp := a.send(request{target: "/account", cookie: cookie, header: navigation()})
			assert.Equal(t, http.StatusSeeOther, resp.status, "and on to a new sign-in")
		})
	}
}

func TestARevokedSessionEndsAtItsNextRefresh(t *testing.T) {
	a := newApp(t, appOptions{})
	b := a.signedIn(kim)
	a.fake.RevokeSession(a.sessionID())
	assert.Contains(t, b.get("/").Body, "home of "+kim, "its token is good until it expires")
	a.expireToken(2 * time.Minute)
	assert.Contains(t, b.get("/").Body, "home of nobody")
	assert.Empty(t, b.cookieNames())
}

func TestAnotherRefusalLeavesTheCookieAndIsAskedAgainOnceAMinute(t *testing.T) {
	a := newApp(t, appOptions{})
	cookie := a.signedIn(kim).cookieHeader()
	a.expireToken(2 * time.Minute)
	a.fake.Fail(authkittest.RouteRefresh, authkittest.Fault{Status: 400, Body: `{"error":"organization_not_found"}`})
	for range 3 {
		resp := a.send(request{target: "/", cookie: cookie})
		assert.Contains(t, resp.body, "home of nobody")
		assert.Empty(t, resp.setCookies(t))
		a.clock.Advance(19 * time.Second)
	}
	assert.Equal(t, 1, a.fake.Calls(authkittest.RouteRefresh))
	a.clock.Advance(3 * time.Second)
	a.fake.Heal(authkittest.RouteRefresh)
	assert.Contains(t, a.send(request{target: "/", cookie: cookie}).body, "home of "+kim)
}

func TestARenewalWithAnotherPersonsOrSessionsTokenIsNotTaken(t *testing.T) {
	for name, change := range map[string]func(kims, lees, reply map[string]any){
		"another person's token":         func(kims, lees, reply map[string]any) { reply["access_token"] = lees["access_token"] },
		"another person altogether":      func(kims, lees, reply map[string]any) { maps.Copy(reply, lees) },
		"another session of this person": func(kims, lees, reply map[string]any) { maps.Copy(reply, kims) },
	} {
		t.Run(name, func(t *testing.T) {
			upstream := &rewriting{}
			a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: upstream})}})
			var kims, lees map[string]any
			upstream.change = func(reply map[string]any) { lees = reply }
			a.signedIn("lee@example.com")
			upstream.change = func(reply map[string]any) { kims = reply }
			a.signedIn(kim)
			upstream.change = nil
			cookie := a.signedIn(kim).cookieHeader()

			a.clock.Advance(4 * time.Minute)
			upstream.change = func(reply map[string]any) { change(kims, lees, reply) }
			resp := a.send(request{target: "/", cookie: cookie})
			assert.Contains(t, resp.body, "home of nobody")
			assert.Empty(t, resp.setCookies(t))
			assert.Contains(t, a.logs.String(), "the new access token is not accepted")
		})
	}
}

func TestAnUpgradeRenewsNothingWhileItsTokenIsGood(t *testing.T) {
	a := newApp(t, appOptions{})
	cookie := a.signedIn(kim).cookieHeader()
	upgrade := http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}}
	a.expireToken(59 * time.Second)
	resp := a.send(request{target: "/account", cookie: cookie, header: upgrade})
	assert.Equal(t, http.StatusOK, resp.status)
	assert.Zero(t, a.fake.Calls(authkittest.RouteRefresh))

	a.clock.Advance(2 * time.Second)
	resp = a.send(request{target: "/account", cookie: cookie, header: upgrade})
	assert.Equal(t, http.StatusOK, resp.status)
	assert.Equal(t, 1, a.fake.Calls(authkittest.RouteRefresh))
}

func TestAPasswordInRotationOpensSessionsAndResealsThemAtTheirRefresh(t *testing.T) {
	next := strings.Repeat("another-password-", 2)
	before := newApp(t, appOptions{})
	during := newInstance(t, before.fake, before.clock, appOptions{authkit: []authkit.Option{authkit.WithCookiePassword(next, password)}})
	after := newInstance(t, before.fake, before.clock, appOptions{authkit: []authkit.Option{authkit.WithCookiePassword(next)}})
	cookie := before.signedIn(kim).cookieHeader()

	assert.Contains(t, during.send(request{target: "/", cookie: cookie}).body, kim)
	resp := after.send(request{target: "/", cookie: cookie})
	assert.Contains(t, resp.body, "nobody")
	assert.Empty(t, resp.setCookies(t), "a cookie that does not open stays")

	before.expireToken(0)
	resealed := during.send(request{target: "/", cookie: cookie}).newCookie(t)
	assert.Contains(t, after.send(request{target: "/", cookie: resealed}).body, kim)
}

func TestTheHookOfARefreshIsCalledOnceForEachExchange(t *testing.T) {
	var renewed []string
	a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithOnRefresh(func(_ context.Context, s *authkit.Session) {
		renewed = append(renewed, s.UserID())
		panic("the application's own mistake")
	})}})
	cookie := a.signedIn(kim).cookieHeader()
	a.expireToken(0)
	for range 3 {
		assert.Equal(t, http.StatusOK, a.send(request{target: "/account", cookie: cookie}).status)
	}
	assert.Equal(t, []string{"user_kim"}, renewed)
}

func TestTheApplicationsOwnLimitsEndASession(t *testing.T) {
	t.Run("absolute, however often it is renewed", func(t *testing.T) {
		a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithAbsoluteTimeout(12 * time.Minute)}})
		b := a.signedIn(kim)
		for range 2 {
			a.clock.Advance(5 * time.Minute)
			assert.Contains(t, b.get("/").Body, kim)
		}
		a.clock.Advance(2*time.Minute - time.Second)
		assert.Contains(t, b.get("/").Body, kim)
		a.clock.Advance(time.Second)
		assert.Contains(t, b.get("/").Body, "nobody")
	})
	t.Run("none, where it is zero beside a cookie's age", func(t *testing.T) {
		a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithCookieMaxAge(time.Minute), authkit.WithAbsoluteTimeout(0)}})
		cookie := a.signedIn(kim).cookieHeader()
		a.clock.Advance(2 * time.Minute)
		assert.Contains(t, a.send(request{target: "/", cookie: cookie}).body, kim)
	})
	t.Run("idle, but not while it is used", func(t *testing.T) {
		a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithIdleTimeout(3 * time.Minute)}})
		b := a.signedIn(kim)
		for range 10 {
			a.clock.Advance(2 * time.Minute)
			assert.Contains(t, b.get("/").Body, kim)
		}
		a.clock.Advance(3 * time.Minute)
		assert.Contains(t, b.get("/").Body, "nobody")
	})
	t.Run("the cookie's own age, as an environment variable sets it", func(t *testing.T) {
		a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithCookieMaxAge(time.Hour)}})
		s := a.begin("/login")
		resp := a.send(request{target: s.target(), cookie: s.cookie})
		assert.Equal(t, 3600, resp.setCookies(t)["authkit-session"].MaxAge)
		cookie := resp.newCookie(t)
		a.clock.Advance(time.Hour)
		assert.Contains(t, a.send(request{target: "/", cookie: cookie}).body, "nobody")
	})
}

func TestARenewalKeepsTheUserWhateverTheReplySays(t *testing.T) {
	upstream := &rewriting{}
	a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: upstream})}})
	var lees map[string]any
	upstream.change = func(reply map[string]any) { lees = maps.Clone(reply) }
	a.signedIn("lee@example.com")
	upstream.change = nil
	cookie, id := a.signedIn(kim).cookieHeader(), a.sessionID()
	a.clock.Advance(4 * time.Minute)
	upstream.change = func(reply map[string]any) {
		maps.Copy(reply, lees) // lee's profile, and a token of lee's in kim's session
		now := a.clock.Now().Unix()
		reply["access_token"] = a.fake.SignToken(map[string]any{
			"iss": a.fake.Issuer(), "sub": "user_lee", "sid": id, "client_id": a.fake.ClientID(), "iat": now, "exp": now + 300,
		})
	}
	assert.Contains(t, a.send(request{target: "/", cookie: cookie}).body, "home of nobody")
}

func TestARefusedAPIKeyIsLoggedAsOurOwnMistake(t *testing.T) {
	a := newApp(t, appOptions{})
	cookie := a.signedIn(kim).cookieHeader()
	a.expireToken(2 * time.Minute)
	a.fake.Fail(authkittest.RouteRefresh, authkittest.Fault{Status: 401, Body: `{"message":"Unauthorized"}`})
	assert.Equal(t, http.StatusServiceUnavailable, a.send(request{target: "/account", cookie: cookie}).status)
	assert.Contains(t, a.logs.String(), "does not accept this application's client ID or API key")
}

func TestAnEndingIsOneWhateverItsStatus(t *testing.T) {
	for _, status := range []int{400, 401, 403, 422, 429} {
		a := newApp(t, appOptions{})
		cookie := a.signedIn(kim).cookieHeader()
		a.expireToken(0)
		a.fake.Fail(authkittest.RouteRefresh, authkittest.Fault{
			Status: status, Header: http.Header{"Retry-After": {"60"}}, Body: `{"error":"invalid_grant"}`,
		})
		resp := a.send(request{target: "/", cookie: cookie})
		assert.Contains(t, resp.body, "home of nobody", "status %d", status)
		assert.Negative(t, resp.setCookies(t)["authkit-session"].MaxAge)
	}
}

// What WorkOS says when it refuses a refresh and does not say that the session
// has ended, with a code or without one (a user who was deleted is a bare 404).
func TestARefusalLeavesTheTokenInUseUntilItIsBeyondSkew(t *testing.T) {
	for name, fault := range map[string]authkittest.Fault{
		"invalid_request":             {Status: 400, Body: `{"error":"invalid_request"}`},
		"email_verification_required": {Status: 403, Body: `{"code":"email_verification_required","pending_authentication_token":"p"}`},
		"organization_not_found":      {Status: 400, Body: `{"error":"organization_not_found"}`},
		"an unknown code":             {Status: 422, Body: `{"code":"something_new"}`},
		"a bare 404":                  {Status: 404, Body: `{"message":"Not Found"}`},
		"a bare 400":                  {Status: 400, Body: `{"message":"must use SSO"}`},
		"an empty object":             {Status: 403, Body: `{}`},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, appOptions{})
			cookie := a.signedIn(kim).cookieHeader()
			a.fake.Fail(authkittest.RouteRefresh, fault)
			ask := func(status, calls int) {
				t.Helper()
				resp := a.send(request{target: "/account", cookie: cookie})
				assert.Equal(t, status, resp.status)
				assert.Empty(t, resp.setCookies(t), "the cookie is kept")
				assert.Equal(t, calls, a.fake.Calls(authkittest.RouteRefresh))
			}
			a.clock.Advance(4 * time.Minute)
			ask(http.StatusOK, 1)
			a.clock.Advance(59 * time.Second)
			ask(http.StatusOK, 1)
			a.clock.Advance(time.Second)
			ask(http.StatusOK, 2) // once a minute
			a.clock.Advance(59 * time.Second)
			ask(http.StatusOK, 2) // as late as the skew permits
			a.clock.Advance(time.Second)
			ask(http.StatusUnauthorized, 3)
			ask(http.StatusUnauthorized, 3)
			a.fake.Heal(authkittest.RouteRefresh)
			a.clock.Advance(time.Minute)
			assert.Equal(t, http.StatusOK, a.send(request{target: "/account", cookie: cookie}).status)
		})
	}
}
