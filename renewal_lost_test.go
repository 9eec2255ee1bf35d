// Renewals whose cookies have not come to the browser.

package authkit_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// slowly is an application whose kim asks for a page when the session is due and
// WorkOS takes three seconds to renew it. After two of them the page is served
// with the old token.
func slowly(t *testing.T, target string, routes func(*app, *http.ServeMux)) (a *app, cookie string, answered chan response, renewed chan struct{}) {
	t.Helper()
	answered, renewed = make(chan response, 1), make(chan struct{}, 9)
	a = newApp(t, appOptions{routes: routes, authkit: []authkit.Option{
		authkit.WithOnRefresh(func(context.Context, *authkit.Session) { renewed <- struct{}{} }),
	}})
	cookie = a.signedIn(kim).cookieHeader()
	a.send(request{target: "/account", cookie: cookie})
	a.clock.Advance(4*time.Minute + 10*time.Second)
	a.fake.Fail(authkittest.RouteRefresh, authkittest.Fault{Delay: 3 * time.Second, Times: 1})
	go func() {
		resp, err := a.do(request{target: target, cookie: cookie, header: scripted()})
		assert.NoError(t, err)
		answered <- resp
	}()
	a.fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
	a.clock.AwaitTimers(3) // the attempt's, the waiting request's and the fault's
	a.clock.Advance(2 * time.Second)
	return a, cookie, answered, renewed
}

func TestARenewalThatNobodyWaitedForIsGoneOnFrom(t *testing.T) {
	for _, later := range []time.Duration{10 * time.Second, 7 * time.Minute, 23 * time.Hour} {
		a, cookie, answered, renewed := slowly(t, "/account", nil)
		resp := <-answered
		require.Equal(t, http.StatusOK, resp.status, "the old token serves")
		require.Empty(t, resp.setCookies(t))
		a.clock.Advance(time.Second)
		<-renewed

		a.clock.Advance(later)
		resp = a.send(request{target: "/account", cookie: cookie, header: scripted()})
		require.Equal(t, http.StatusOK, resp.status, "%s later: signed out without cause", later)
		a.clock.Advance(time.Minute)
		assert.Equal(t, http.StatusOK, a.send(request{target: "/account", cookie: resp.newCookie(t), header: scripted()}).status)
	}
}

// The handler takes its time as well, so that the cookie is there before its
// response is.
func TestARenewalThatComesBeforeTheResponseGoesOutWithIt(t *testing.T) {
	for _, meanwhile := range []string{"", "the person signs out", "the handler drops the cookie itself"} {
		began, goOn := make(chan struct{}), make(chan struct{})
		a, cookie, answered, renewed := slowly(t, "/slow", func(_ *app, mux *http.ServeMux) {
			mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
				close(began)
				<-goOn
				if strings.Contains(meanwhile, "drops") {
					http.SetCookie(w, &http.Cookie{Name: "authkit-session", Path: "/", MaxAge: -1})
				}
				io.WriteString(w, visitor(r))
			})
		})
		<-began
		a.clock.Advance(time.Second)
		<-renewed
		other := a.send(request{target: "/account", cookie: cookie}).newCookie(t) // waits for its end
		if strings.Contains(meanwhile, "signs out") {
			a.send(request{method: http.MethodPost, target: "/logout", cookie: other, header: scripted()})
		}
		close(goOn)
		resp := <-answered
		require.Contains(t, resp.body, kim)
		if meanwhile != "" {
			assert.Empty(t, jarAfter("", resp), meanwhile)
			continue
		}
		assert.Equal(t, "private, no-store", resp.header.Get("Cache-Control"))
		a.clock.Advance(time.Minute)
		fresh := newInstance(t, a.fake, a.clock, appOptions{})
		assert.Equal(t, http.StatusOK, fresh.send(request{target: "/account", cookie: resp.newCookie(t)}).status, "another process takes it")
	}
}

func TestASessionOutlivesHoweverManyLostResponses(t *testing.T) {
	a := newApp(t, appOptions{})
	cookie := a.signedIn(kim).cookieHeader()
	for range 8 {
		a.clock.Advance(7 * time.Minute)
		require.Equal(t, http.StatusOK, a.send(request{target: "/account", cookie: cookie}).status)
	}
	a.clock.Advance(7 * time.Minute)
	resp := a.send(request{target: "/account", cookie: cookie, header: scripted()})
	assert.Equal(t, http.StatusOK, resp.status)
	assert.Equal(t, 9, a.fake.Calls(authkittest.RouteRefresh), "one exchange a renewal")

	a.send(request{target: "/account", cookie: resp.newCookie(t)})
	a.clock.Advance(31 * time.Second)
	assert.Equal(t, http.StatusUnauthorized, a.send(request{target: "/account", cookie: cookie}).status, "until its successor has come back")
}

func TestWhatARefreshTokenBecameIsForgottenAfterADay(t *testing.T) {
	a := newApp(t, appOptions{})
	cookie := a.signedIn(kim).cookieHeader()
	a.expireToken(2 * time.Minute)
	a.send(request{target: "/account", cookie: cookie}).newCookie(t)
	a.clock.Advance(24*time.Hour - time.Second)
	a.send(request{target: "/account", cookie: cookie}).newCookie(t)
	a.clock.Advance(24*time.Hour - time.Second) // the first of the two steps is forgotten now
	assert.Equal(t, http.StatusUnauthorized, a.send(request{target: "/account", cookie: cookie}).status)
}

// A server that hands out an old refresh token again leads nobody in a circle.
func TestARefreshTokenThatComesBackIsNotSpent(t *testing.T) {
	upstream := &rewriting{}
	a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: upstream})}})
	var tokens []any
	upstream.change = func(reply map[string]any) { tokens = append(tokens, reply["refresh_token"]) }
	cookie := a.signedIn(kim).cookieHeader()
	a.clock.Advance(4*time.Minute + 10*time.Second)
	cookie = a.send(request{target: "/account", cookie: cookie}).newCookie(t)
	a.clock.Advance(4*time.Minute + 10*time.Second)
	upstream.change = func(reply map[string]any) { reply["refresh_token"] = tokens[0] }
	returned := a.send(request{target: "/account", cookie: cookie}).newCookie(t)
	assert.Equal(t, http.StatusOK, a.send(request{target: "/account", cookie: returned}).status)
	assert.Equal(t, returned, a.send(request{target: "/account", cookie: cookie}).newCookie(t))

	a.expireToken(2 * time.Minute)
	assert.Equal(t, http.StatusUnauthorized, a.send(request{target: "/account", cookie: returned}).status, "the fake does not know it any more")
	assert.Equal(t, 3, a.fake.Calls(authkittest.RouteRefresh))
}

// The exchange was made, its token could not be verified and has expired, the
// next exchange fails in passing; and no response arrives.
func TestNoFailureOnTheWayForgetsWhatARefreshTokenBecame(t *testing.T) {
	a := newApp(t, appOptions{})
	cookie := a.signedIn(kim).cookieHeader()
	a.send(request{target: "/account", cookie: cookie})
	a.clock.Advance(4*time.Minute + 10*time.Second)
	a.fake.AddKey()
	a.fake.Fail(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	require.Equal(t, http.StatusOK, a.send(request{target: "/account", cookie: cookie}).status)
	a.fake.Heal(authkittest.RouteJWKS)
	for range 3 {
		a.clock.Advance(7 * time.Minute)
		a.fake.Fail(authkittest.RouteRefresh, authkittest.Fault{Status: 401, Body: `{"message":"Unauthorized"}`, Times: 1})
		calls := a.fake.Calls(authkittest.RouteRefresh)
		for range 3 {
			resp := a.send(request{target: "/account", cookie: cookie, header: scripted()})
			require.Equal(t, http.StatusServiceUnavailable, resp.status)
			require.NotEmpty(t, resp.setCookies(t), "the new refresh token is kept")
		}
		require.Equal(t, 1, a.fake.Calls(authkittest.RouteRefresh)-calls, "nobody tries again at once")
	}
	a.clock.Advance(7 * time.Minute)
	assert.Equal(t, http.StatusOK, a.send(request{target: "/account", cookie: cookie, header: scripted()}).status, "signed out without cause")
}

// WorkOS has answered a switch with a token that is not taken, and the response
// with the new refresh token is lost.
func TestASwitchThatFailedHalfwayLosesNoSession(t *testing.T) {
	upstream := &rewriting{}
	a := switching(t, authkit.WithHTTPClient(&http.Client{Transport: upstream}))
	cookie := a.acme()
	upstream.change = func(reply map[string]any) {
		now := a.clock.Now().Unix()
		reply["access_token"] = a.fake.SignToken(map[string]any{
			"iss": "https://issuer.example", "sub": "user_kim", "sid": a.sessionID(), "client_id": a.fake.ClientID(), "iat": now, "exp": now + 300,
		})
	}
	require.Equal(t, http.StatusForbidden, a.switchTo("org_beta", cookie, scripted()).status)
	upstream.change = nil
	a.clock.Advance(7 * time.Minute)
	resp := a.send(request{target: "/account", cookie: cookie, header: scripted()})
	assert.Equal(t, http.StatusOK, resp.status, "signed out without cause")
	require.Equal(t, http.StatusOK, a.switchTo("org_beta", resp.newCookie(t), scripted()).status)
}

// A straggler still holds the token before the one that could not be verified,
// and the browser has switched since.
func TestAStragglerDoesNotMakeASpentTokenGoodAgain(t *testing.T) {
	a := switching(t)
	old := a.acme()
	a.clock.Advance(4*time.Minute + 10*time.Second)
	a.fake.AddKey()
	a.fake.Fail(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	cookie := a.send(request{target: "/me", cookie: old}).newCookie(t)
	a.fake.Heal(authkittest.RouteJWKS)
	a.clock.Advance(time.Minute + time.Second)
	cookie = a.send(request{target: "/me", cookie: cookie}).newCookie(t)
	a.switchTo("org_beta", cookie, scripted()).newCookie(t)

	cookie = a.send(request{target: "/me", cookie: old}).newCookie(t)
	assert.Equal(t, "org_beta", a.me(cookie)["organization"])
	assert.Equal(t, 2, a.fake.Calls(authkittest.RouteRefresh))
}

// To a clock that is far ahead every token has expired when it comes. It serves
// within the skew all the same, and is no reason for another exchange.
func TestARenewalThatIsOldWhenItComesIsNotRenewedAtOnce(t *testing.T) {
	a := newApp(t, appOptions{})
	cookie := a.signedIn(kim).cookieHeader()
	ahead := authkittest.NewClock(start.Add(5*time.Minute + 30*time.Second))
	fast := newInstance(t, a.fake, ahead, appOptions{})
	for range 5 {
		assert.Equal(t, http.StatusOK, fast.send(request{target: "/account", cookie: cookie}).status)
	}
	assert.Equal(t, 1, a.fake.Calls(authkittest.RouteRefresh))
}

// With a clock that is ten minutes ahead no new token is good, and asking for
// another one does not help.
func TestARenewalThatHasExpiredWhenItComesLosesNoSession(t *testing.T) {
	a := newApp(t, appOptions{})
	cookie := a.signedIn(kim).cookieHeader()
	fast := newInstance(t, a.fake, authkittest.NewClock(start.Add(10*time.Minute)), appOptions{})
	resp := fast.send(request{target: "/account", cookie: cookie})
	assert.Equal(t, http.StatusUnauthorized, resp.status)
	assert.Equal(t, 1, a.fake.Calls(authkittest.RouteRefresh))
	assert.Contains(t, fast.logs.String(), "the new access token is not accepted")

	a.expireToken(2 * time.Minute)
	assert.Equal(t, http.StatusOK, a.send(request{target: "/account", cookie: resp.newCookie(t)}).status)
}

// The keys cannot be had, so nothing can be verified; but the tokens say
// themselves that they are somebody else's.
func TestTokensOfSomebodyElseAreNotKeptUnverified(t *testing.T) {
	upstream := &rewriting{}
	a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: upstream})}})
	cookie := a.signedIn(kim).cookieHeader()
	a.send(request{target: "/account", cookie: cookie})
	a.expireToken(2 * time.Minute)
	a.fake.AddKey()
	a.fake.Fail(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	upstream.change = func(reply map[string]any) {
		now := a.clock.Now().Unix()
		reply["access_token"] = a.fake.SignToken(map[string]any{
			"iss": a.fake.Issuer(), "sub": "user_lee", "sid": "session_lee", "client_id": a.fake.ClientID(), "iat": now, "exp": now + 300,
		})
	}
	resp := a.send(request{target: "/account", cookie: cookie})
	assert.Equal(t, http.StatusUnauthorized, resp.status)
	assert.Empty(t, resp.setCookies(t))
	assert.Contains(t, a.logs.String(), "sid: want the session's own, got another")
}

// A script's logout leaves the session alive at WorkOS; no cookie but the last
// one leads there.
func TestALogoutForgetsWhatRetiredTokensBecame(t *testing.T) {
	for _, with := range []string{"the first cookie", "the last cookie"} {
		t.Run(with, func(t *testing.T) {
			a := newApp(t, appOptions{})
			cookies := []string{a.signedIn(kim).cookieHeader()}
			for range 3 { // their responses are lost, but for the last
				a.clock.Advance(7 * time.Minute)
				cookies = append(cookies, a.send(request{target: "/account", cookie: cookies[0]}).newCookie(t))
			}
			leaves := cookies[0]
			if with == "the last cookie" {
				leaves = cookies[3]
			}
			a.send(request{method: http.MethodPost, target: "/logout", cookie: leaves, header: scripted()})
			a.clock.Advance(10 * time.Minute)
			for _, retired := range cookies[:3] {
				assert.Equal(t, http.StatusUnauthorized, a.send(request{target: "/account", cookie: retired}).status)
			}
		})
	}
}

func TestALostRenewalWhoseSessionWasRevokedClearsTheCookie(t *testing.T) {
	a := newApp(t, appOptions{})
	cookie := a.signedIn(kim).cookieHeader()
	a.expireToken(2 * time.Minute)
	a.send(request{target: "/account", cookie: cookie})
	a.fake.RevokeSession(a.sessionID())
	a.clock.Advance(7 * time.Minute)
	assert.Empty(t, jarAfter(cookie, a.send(request{target: "/account", cookie: cookie})))
}

func TestARenewalThatWasLostRevivesNothing(t *testing.T) {
	a := newApp(t, appOptions{})
	cookie := a.signedIn(kim).cookieHeader()
	a.expireToken(2 * time.Minute)
	a.send(request{target: "/account", cookie: cookie})
	left := a.send(request{method: http.MethodPost, target: "/logout", cookie: cookie, header: scripted()})
	require.Equal(t, http.StatusOK, left.status)
	a.fake.RevokeSession(a.sessionID()) // as WorkOS's logout does, where the browser goes next
	for range 4 {
		assert.Equal(t, http.StatusUnauthorized, a.send(request{target: "/account", cookie: cookie}).status)
		a.clock.Advance(7 * time.Minute)
	}
}
