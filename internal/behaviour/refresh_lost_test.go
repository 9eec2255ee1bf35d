// Refreshes whose new cookie did not reach the browser.

package behaviour

import (
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

func TestARefreshThatOutlastsItsRequestIsUsedByLaterRequests(t *testing.T) {
	for _, later := range []time.Duration{10 * time.Second, 7 * time.Minute, 23 * time.Hour} {
		a, cookie, responses, refreshed := StartSlowRefresh(t, "/account", nil)
		resp := <-responses
		require.Equal(t, http.StatusOK, resp.Status, "the old token is still accepted")
		require.Empty(t, resp.SetCookies(t))
		a.Clock.Advance(time.Second)
		<-refreshed

		a.Clock.Advance(later)
		resp = a.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
		require.Equal(t, http.StatusOK, resp.Status, "the session was lost %s later", later)
		a.Clock.Advance(time.Minute)
		assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/account", Cookie: resp.NewCookie(t), Header: Scripted()}).Status)
	}
}

// The handler is slow too, so that the refresh ends before the response begins.
func TestARefreshThatEndsDuringAResponseIsSentWithIt(t *testing.T) {
	for _, event := range []string{"", "the user signs out", "the handler drops the cookie"} {
		started, release := make(chan struct{}), make(chan struct{})
		a, cookie, responses, refreshed := StartSlowRefresh(t, "/slow", func(_ *App, mux *http.ServeMux) {
			mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
				close(started)
				<-release
				if strings.Contains(event, "drops") {
					http.SetCookie(w, &http.Cookie{Name: "authkit-session", Path: "/", MaxAge: -1})
				}
				io.WriteString(w, Visitor(r))
			})
		})
		<-started
		a.Clock.Advance(time.Second)
		<-refreshed
		other := a.Send(Request{Target: "/account", Cookie: cookie}).NewCookie(t) // waits for the end of the refresh
		if strings.Contains(event, "signs out") {
			a.Send(Request{Method: http.MethodPost, Target: "/logout", Cookie: other, Header: Scripted()})
		}
		close(release)
		resp := <-responses
		require.Contains(t, resp.Body, Kim)
		if event != "" {
			assert.Empty(t, JarAfter("", resp), event)
			continue
		}
		assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
		a.Clock.Advance(time.Minute)
		fresh := NewInstance(t, a.Fake, a.Clock, AppOptions{})
		assert.Equal(t, http.StatusOK, fresh.Send(Request{Target: "/account", Cookie: resp.NewCookie(t)}).Status, "another process accepts it")
	}
}

func TestASessionSurvivesAnyNumberOfLostResponses(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	for range 8 {
		a.Clock.Advance(7 * time.Minute)
		require.Equal(t, http.StatusOK, a.Send(Request{Target: "/account", Cookie: cookie}).Status)
	}
	a.Clock.Advance(7 * time.Minute)
	resp := a.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
	assert.Equal(t, http.StatusOK, resp.Status)
	assert.Equal(t, 9, a.Fake.Calls(authkittest.RouteRefresh), "one exchange per refresh")

	a.Send(Request{Target: "/account", Cookie: resp.NewCookie(t)})
	a.Clock.Advance(31 * time.Second)
	assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/account", Cookie: cookie}).Status, "the old cookie is accepted until 30 s after the use of its successor")
}

func TestTheSuccessorOfARefreshTokenIsForgottenAfterADay(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	a.ExpireToken(2 * time.Minute)
	a.Send(Request{Target: "/account", Cookie: cookie}).NewCookie(t)
	a.Clock.Advance(24*time.Hour - time.Second)
	a.Send(Request{Target: "/account", Cookie: cookie}).NewCookie(t)
	a.Clock.Advance(24*time.Hour - time.Second) // the first of the two rotations is forgotten now
	assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/account", Cookie: cookie}).Status)
}

// WorkOS returns an older refresh token again. The chain of rotations must not become a cycle.
func TestARefreshTokenThatWorkOSReturnsAgainIsUsable(t *testing.T) {
	upstream := &RewritingTransport{}
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: upstream})}})
	var tokens []any
	upstream.Change = func(reply map[string]any) { tokens = append(tokens, reply["refresh_token"]) }
	cookie := a.SignedIn(Kim).CookieHeader()
	a.Clock.Advance(4*time.Minute + 10*time.Second)
	cookie = a.Send(Request{Target: "/account", Cookie: cookie}).NewCookie(t)
	a.Clock.Advance(4*time.Minute + 10*time.Second)
	upstream.Change = func(reply map[string]any) { reply["refresh_token"] = tokens[0] }
	returned := a.Send(Request{Target: "/account", Cookie: cookie}).NewCookie(t)
	assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/account", Cookie: returned}).Status)
	assert.Equal(t, returned, a.Send(Request{Target: "/account", Cookie: cookie}).NewCookie(t))

	a.ExpireToken(2 * time.Minute)
	assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/account", Cookie: returned}).Status, "the fake does not accept it any more")
	assert.Equal(t, 3, a.Fake.Calls(authkittest.RouteRefresh))
}

// The exchange succeeds, but its token cannot be verified and expires. The next exchange has a transient failure. No
// response reaches the browser.
func TestFailuresDoNotForgetTheSuccessorOfARefreshToken(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	a.Send(Request{Target: "/account", Cookie: cookie})
	a.Clock.Advance(4*time.Minute + 10*time.Second)
	a.Fake.AddSigningKey()
	a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	require.Equal(t, http.StatusOK, a.Send(Request{Target: "/account", Cookie: cookie}).Status)
	a.Fake.ClearFault(authkittest.RouteJWKS)
	for range 3 {
		a.Clock.Advance(7 * time.Minute)
		a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 401, Body: `{"message":"Unauthorized"}`, Times: 1})
		calls := a.Fake.Calls(authkittest.RouteRefresh)
		for range 3 {
			resp := a.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
			require.Equal(t, http.StatusServiceUnavailable, resp.Status)
			require.NotEmpty(t, resp.SetCookies(t), "the response sets the new refresh token")
		}
		require.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh)-calls, "no other attempt before the pause ends")
	}
	a.Clock.Advance(7 * time.Minute)
	assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()}).Status, "the session was lost")
}

// WorkOS answers a switch with an access token that is refused, and the response with the new refresh token is lost.
func TestASwitchWithARefusedAccessTokenDoesNotLoseTheSession(t *testing.T) {
	upstream := &RewritingTransport{}
	a := NewSwitchingApp(t, authkit.WithHTTPClient(&http.Client{Transport: upstream}))
	cookie := a.AcmeCookie()
	upstream.Change = func(reply map[string]any) {
		now := a.Clock.Now().Unix()
		reply["access_token"] = a.Fake.SignToken(map[string]any{
			"iss": "https://issuer.example", "sub": "user_kim", "sid": a.SessionID(), "client_id": a.Fake.ClientID(), "iat": now, "exp": now + 300,
		})
	}
	require.Equal(t, http.StatusForbidden, a.SwitchTo("org_beta", cookie, Scripted()).Status)
	upstream.Change = nil
	a.Clock.Advance(7 * time.Minute)
	resp := a.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
	assert.Equal(t, http.StatusOK, resp.Status, "the session was lost")
	require.Equal(t, http.StatusOK, a.SwitchTo("org_beta", resp.NewCookie(t), Scripted()).Status)
}

// The late request carries the token from before the one that could not be verified. The browser has switched since.
func TestALateRequestDoesNotMakeAConsumedRefreshTokenUsableAgain(t *testing.T) {
	a := NewSwitchingApp(t)
	old := a.AcmeCookie()
	a.Clock.Advance(4*time.Minute + 10*time.Second)
	a.Fake.AddSigningKey()
	a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	cookie := a.Send(Request{Target: "/me", Cookie: old}).NewCookie(t)
	a.Fake.ClearFault(authkittest.RouteJWKS)
	a.Clock.Advance(time.Minute + time.Second)
	cookie = a.Send(Request{Target: "/me", Cookie: cookie}).NewCookie(t)
	a.SwitchTo("org_beta", cookie, Scripted()).NewCookie(t)

	cookie = a.Send(Request{Target: "/me", Cookie: old}).NewCookie(t)
	assert.Equal(t, "org_beta", a.Me(cookie)["organization"])
	assert.Equal(t, 2, a.Fake.Calls(authkittest.RouteRefresh))
}

// For a clock that is far ahead, every new token has expired on arrival. The token is accepted within the skew and causes no
// other exchange.
func TestATokenThatIsStaleOnArrivalIsNotRefreshedAgainAtOnce(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	ahead := authkittest.NewFakeClock(Start.Add(5*time.Minute + 30*time.Second))
	fast := NewInstance(t, a.Fake, ahead, AppOptions{})
	for range 5 {
		assert.Equal(t, http.StatusOK, fast.Send(Request{Target: "/account", Cookie: cookie}).Status)
	}
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
}

// For a clock that is ten minutes ahead, no new token is valid, and another exchange does not help.
func TestATokenThatIsExpiredOnArrivalDoesNotLoseTheSession(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	fast := NewInstance(t, a.Fake, authkittest.NewFakeClock(Start.Add(10*time.Minute)), AppOptions{})
	resp := fast.Send(Request{Target: "/account", Cookie: cookie})
	assert.Equal(t, http.StatusUnauthorized, resp.Status)
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
	assert.Contains(t, fast.Logs.String(), "the new access token is not accepted")

	a.ExpireToken(2 * time.Minute)
	assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/account", Cookie: resp.NewCookie(t)}).Status)
}

// The keys are unavailable, so that no token can be verified. But the claims of this token already name another user.
func TestAnUnverifiedTokenOfAnotherUserIsNotStored(t *testing.T) {
	upstream := &RewritingTransport{}
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: upstream})}})
	cookie := a.SignedIn(Kim).CookieHeader()
	a.Send(Request{Target: "/account", Cookie: cookie})
	a.ExpireToken(2 * time.Minute)
	a.Fake.AddSigningKey()
	a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	upstream.Change = func(reply map[string]any) {
		now := a.Clock.Now().Unix()
		reply["access_token"] = a.Fake.SignToken(map[string]any{
			"iss": a.Fake.Issuer(), "sub": "user_lee", "sid": "session_lee", "client_id": a.Fake.ClientID(), "iat": now, "exp": now + 300,
		})
	}
	resp := a.Send(Request{Target: "/account", Cookie: cookie})
	assert.Equal(t, http.StatusUnauthorized, resp.Status)
	assert.Empty(t, resp.SetCookies(t))
	assert.Contains(t, a.Logs.String(), "sid: want the ID of the refreshed session, got another ID")
}

// A sign-out by a script leaves the session active at WorkOS at first. Only the last cookie has its current refresh token.
func TestALogoutForgetsTheSuccessorsOfRetiredRefreshTokens(t *testing.T) {
	for _, with := range []string{"the first cookie", "the last cookie"} {
		t.Run(with, func(t *testing.T) {
			a := NewApp(t, AppOptions{})
			cookies := []string{a.SignedIn(Kim).CookieHeader()}
			for range 3 { // all responses but the last are lost
				a.Clock.Advance(7 * time.Minute)
				cookies = append(cookies, a.Send(Request{Target: "/account", Cookie: cookies[0]}).NewCookie(t))
			}
			signOutCookie := cookies[0]
			if with == "the last cookie" {
				signOutCookie = cookies[3]
			}
			a.Send(Request{Method: http.MethodPost, Target: "/logout", Cookie: signOutCookie, Header: Scripted()})
			a.Clock.Advance(10 * time.Minute)
			for _, retired := range cookies[:3] {
				assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/account", Cookie: retired}).Status)
			}
		})
	}
}

func TestALostRefreshOfARevokedSessionClearsTheCookie(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	a.ExpireToken(2 * time.Minute)
	a.Send(Request{Target: "/account", Cookie: cookie})
	a.Fake.RevokeSession(a.SessionID())
	a.Clock.Advance(7 * time.Minute)
	assert.Empty(t, JarAfter(cookie, a.Send(Request{Target: "/account", Cookie: cookie})))
}

func TestALostRefreshDoesNotReviveASignedOutSession(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	a.ExpireToken(2 * time.Minute)
	a.Send(Request{Target: "/account", Cookie: cookie})
	resp := a.Send(Request{Method: http.MethodPost, Target: "/logout", Cookie: cookie, Header: Scripted()})
	require.Equal(t, http.StatusOK, resp.Status)
	a.Fake.RevokeSession(a.SessionID()) // as WorkOS's logout does, to which the browser goes next
	for range 4 {
		assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/account", Cookie: cookie}).Status)
		a.Clock.Advance(7 * time.Minute)
	}
}

// The exchange succeeds, but the signing key is unavailable until the new token has expired too. Then that token is stale
// and not refused.
func TestATokenThatExpiredBeforeItCouldBeVerifiedIsRefreshed(t *testing.T) {
	for _, arrives := range []bool{true, false} {
		for _, fails := range []bool{false, true} {
			a := NewApp(t, AppOptions{})
			cookie := a.SignedIn(Kim).CookieHeader()
			a.Send(Request{Target: "/account", Cookie: cookie})
			a.Clock.Advance(4*time.Minute + 10*time.Second)
			a.Fake.AddSigningKey()
			a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
			resp := a.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
			require.Equal(t, http.StatusOK, resp.Status, "the old token is still accepted")
			if arrives {
				cookie = JarAfter(cookie, resp)
			}
			a.Fake.ClearFault(authkittest.RouteJWKS)
			a.Clock.Advance(7 * time.Minute)
			if fails { // the second exchange first has a transient failure
				a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 401, Body: `{"message":"Unauthorized"}`, Times: 1})
				resp = a.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
				require.Equal(t, http.StatusServiceUnavailable, resp.Status, "arrives: %t", arrives)
				cookie = JarAfter(cookie, resp)
				a.Clock.Advance(time.Minute)
			}
			resp = a.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
			assert.Equal(t, http.StatusOK, resp.Status, "the session was lost; arrives: %t, fails: %t", arrives, fails)
			a.Clock.Advance(30 * time.Second)
			assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/account", Cookie: JarAfter(cookie, resp), Header: Scripted()}).Status)
		}
	}
}
