// Renewals whose cookies have not come to the browser.

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
		a, cookie, answered, renewed := Slowly(t, "/account", nil)
		resp := <-answered
		require.Equal(t, http.StatusOK, resp.Status, "the old token serves")
		require.Empty(t, resp.SetCookies(t))
		a.Clock.Advance(time.Second)
		<-renewed

		a.Clock.Advance(later)
		resp = a.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
		require.Equal(t, http.StatusOK, resp.Status, "%s later: signed out without cause", later)
		a.Clock.Advance(time.Minute)
		assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/account", Cookie: resp.NewCookie(t), Header: Scripted()}).Status)
	}
}

// The handler takes its time as well, so that the cookie is there before its
// response is.
func TestARefreshThatEndsDuringAResponseIsSentWithIt(t *testing.T) {
	for _, meanwhile := range []string{"", "the person signs out", "the handler drops the cookie itself"} {
		began, goOn := make(chan struct{}), make(chan struct{})
		a, cookie, answered, renewed := Slowly(t, "/slow", func(_ *App, mux *http.ServeMux) {
			mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
				close(began)
				<-goOn
				if strings.Contains(meanwhile, "drops") {
					http.SetCookie(w, &http.Cookie{Name: "authkit-session", Path: "/", MaxAge: -1})
				}
				io.WriteString(w, Visitor(r))
			})
		})
		<-began
		a.Clock.Advance(time.Second)
		<-renewed
		other := a.Send(Request{Target: "/account", Cookie: cookie}).NewCookie(t) // waits for its end
		if strings.Contains(meanwhile, "signs out") {
			a.Send(Request{Method: http.MethodPost, Target: "/logout", Cookie: other, Header: Scripted()})
		}
		close(goOn)
		resp := <-answered
		require.Contains(t, resp.Body, Kim)
		if meanwhile != "" {
			assert.Empty(t, JarAfter("", resp), meanwhile)
			continue
		}
		assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
		a.Clock.Advance(time.Minute)
		fresh := NewInstance(t, a.Fake, a.Clock, AppOptions{})
		assert.Equal(t, http.StatusOK, fresh.Send(Request{Target: "/account", Cookie: resp.NewCookie(t)}).Status, "another process takes it")
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
	assert.Equal(t, 9, a.Fake.Calls(authkittest.RouteRefresh), "one exchange a renewal")

	a.Send(Request{Target: "/account", Cookie: resp.NewCookie(t)})
	a.Clock.Advance(31 * time.Second)
	assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/account", Cookie: cookie}).Status, "until its successor has come back")
}

func TestTheSuccessorOfARefreshTokenIsForgottenAfterADay(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	a.ExpireToken(2 * time.Minute)
	a.Send(Request{Target: "/account", Cookie: cookie}).NewCookie(t)
	a.Clock.Advance(24*time.Hour - time.Second)
	a.Send(Request{Target: "/account", Cookie: cookie}).NewCookie(t)
	a.Clock.Advance(24*time.Hour - time.Second) // the first of the two steps is forgotten now
	assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/account", Cookie: cookie}).Status)
}

// A server that hands out an old refresh token again leads nobody in a circle.
func TestARefreshTokenThatWorkOSReturnsAgainIsUsable(t *testing.T) {
	upstream := &Rewriting{}
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
	assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/account", Cookie: returned}).Status, "the fake does not know it any more")
	assert.Equal(t, 3, a.Fake.Calls(authkittest.RouteRefresh))
}

// The exchange was made, its token could not be verified and has expired, the
// next exchange fails in passing; and no response arrives.
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
			require.NotEmpty(t, resp.SetCookies(t), "the new refresh token is kept")
		}
		require.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh)-calls, "nobody tries again at once")
	}
	a.Clock.Advance(7 * time.Minute)
	assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()}).Status, "signed out without cause")
}

// WorkOS has answered a switch with a token that is not taken, and the response
// with the new refresh token is lost.
func TestASwitchWithARefusedAccessTokenDoesNotLoseTheSession(t *testing.T) {
	upstream := &Rewriting{}
	a := Switching(t, authkit.WithHTTPClient(&http.Client{Transport: upstream}))
	cookie := a.Acme()
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
	assert.Equal(t, http.StatusOK, resp.Status, "signed out without cause")
	require.Equal(t, http.StatusOK, a.SwitchTo("org_beta", resp.NewCookie(t), Scripted()).Status)
}

// A straggler still holds the token before the one that could not be verified,
// and the browser has switched since.
func TestALateRequestDoesNotMakeAConsumedRefreshTokenUsableAgain(t *testing.T) {
	a := Switching(t)
	old := a.Acme()
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

// To a clock that is far ahead every token has expired when it comes. It serves
// within the skew all the same, and is no reason for another exchange.
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

// With a clock that is ten minutes ahead no new token is good, and asking for
// another one does not help.
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

// The keys cannot be had, so nothing can be verified; but the tokens say
// themselves that they are somebody else's.
func TestAnUnverifiedTokenOfAnotherUserIsNotStored(t *testing.T) {
	upstream := &Rewriting{}
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
	assert.Contains(t, a.Logs.String(), "sid: want the session's own, got another")
}

// A script's logout leaves the session alive at WorkOS; no cookie but the last
// one leads there.
func TestALogoutForgetsTheSuccessorsOfRetiredRefreshTokens(t *testing.T) {
	for _, with := range []string{"the first cookie", "the last cookie"} {
		t.Run(with, func(t *testing.T) {
			a := NewApp(t, AppOptions{})
			cookies := []string{a.SignedIn(Kim).CookieHeader()}
			for range 3 { // their responses are lost, but for the last
				a.Clock.Advance(7 * time.Minute)
				cookies = append(cookies, a.Send(Request{Target: "/account", Cookie: cookies[0]}).NewCookie(t))
			}
			leaves := cookies[0]
			if with == "the last cookie" {
				leaves = cookies[3]
			}
			a.Send(Request{Method: http.MethodPost, Target: "/logout", Cookie: leaves, Header: Scripted()})
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
	left := a.Send(Request{Method: http.MethodPost, Target: "/logout", Cookie: cookie, Header: Scripted()})
	require.Equal(t, http.StatusOK, left.Status)
	a.Fake.RevokeSession(a.SessionID()) // as WorkOS's logout does, where the browser goes next
	for range 4 {
		assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/account", Cookie: cookie}).Status)
		a.Clock.Advance(7 * time.Minute)
	}
}

// The exchange succeeded, its key could not be had, and by the time that it can
// the new token has expired too. It is stale, as any other, and not refused.
func TestATokenThatExpiredBeforeItCouldBeVerifiedIsRefreshed(t *testing.T) {
	for _, arrives := range []bool{true, false} {
		for _, stumbles := range []bool{false, true} {
			a := NewApp(t, AppOptions{})
			cookie := a.SignedIn(Kim).CookieHeader()
			a.Send(Request{Target: "/account", Cookie: cookie})
			a.Clock.Advance(4*time.Minute + 10*time.Second)
			a.Fake.AddSigningKey()
			a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
			resp := a.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
			require.Equal(t, http.StatusOK, resp.Status, "the old token serves")
			if arrives {
				cookie = JarAfter(cookie, resp)
			}
			a.Fake.ClearFault(authkittest.RouteJWKS)
			a.Clock.Advance(7 * time.Minute)
			if stumbles { // the second exchange fails for a passing reason first
				a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 401, Body: `{"message":"Unauthorized"}`, Times: 1})
				resp = a.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
				require.Equal(t, http.StatusServiceUnavailable, resp.Status, "arrives: %t", arrives)
				cookie = JarAfter(cookie, resp)
				a.Clock.Advance(time.Minute)
			}
			resp = a.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
			assert.Equal(t, http.StatusOK, resp.Status, "signed out without cause; arrives: %t, stumbles: %t", arrives, stumbles)
			a.Clock.Advance(30 * time.Second)
			assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/account", Cookie: JarAfter(cookie, resp), Header: Scripted()}).Status)
		}
	}
}
