// Sessions that must survive late responses, refused and unverified tokens, restarts and outages.

package behaviour

import (
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// Use is recorded at the latest when half of the timeout has passed since the last record.
func TestASessionInUseOutlivesAShortIdleTimeout(t *testing.T) {
	for _, limit := range []time.Duration{time.Minute, 90 * time.Second} {
		t.Run(limit.String(), func(t *testing.T) {
			a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithIdleTimeout(limit)}})
			cookie := a.SignedIn(Kim).CookieHeader()
			for i := range 20 {
				a.Clock.Advance(20 * time.Second)
				resp := a.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
				require.Equal(t, http.StatusOK, resp.Status, "after %d s of steady use", 20*(i+1))
				if _, set := resp.SetCookies(t)["authkit-session"]; set {
					cookie = resp.NewCookie(t)
				}
			}
		})
	}
}

// A slow handler (a report, a long poll) sends the cookie that was new when it started. The browser has got the next cookie
// since. If the late response set its own cookie, the next refresh would send a retired token ("already exchanged").
func TestALateResponseDoesNotRestoreARetiredRefreshToken(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	a := NewApp(t, AppOptions{Routes: func(a *App, mux *http.ServeMux) {
		mux.HandleFunc("/report", func(w http.ResponseWriter, r *http.Request) {
			once.Do(func() { close(started) })
			<-release
			io.WriteString(w, Visitor(r))
		})
	}})
	first := a.SignedIn(Kim).CookieHeader()
	a.Clock.Advance(4*time.Minute + time.Second)
	late := make(chan Response, 1)
	go func() {
		r, _ := a.Do(Request{Target: "/report", Cookie: first})
		late <- r
	}()
	<-started
	second := a.Send(Request{Target: "/account", Cookie: first}).NewCookie(t)
	a.Clock.Advance(4*time.Minute + time.Second)
	third := a.Send(Request{Target: "/account", Cookie: second}).NewCookie(t)
	a.Send(Request{Target: "/account", Cookie: third})
	a.Clock.Advance(31 * time.Second)
	close(release)
	jar := third
	if r := <-late; r.Header.Get("Set-Cookie") != "" {
		jar = r.NewCookie(t) // the browser stores this cookie
	}
	a.Clock.Advance(4 * time.Minute)
	assert.Contains(t, a.Send(Request{Target: "/account", Cookie: jar}).Body, Kim)
}

// A refresh token is consumed by its exchange, even if the new access token is refused. An example is a new issuer at WorkOS
// that WithAdditionalIssuers does not list yet. It must not end every session that is refreshed in that time.
func TestARefusedNewAccessTokenDoesNotEndTheSession(t *testing.T) {
	upstream := &RewritingTransport{}
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: upstream})}})
	cookie, id := a.SignedIn(Kim).CookieHeader(), a.SessionID()
	a.ExpireToken(2 * time.Minute)
	upstream.Change = func(reply map[string]any) {
		now := a.Clock.Now().Unix()
		reply["access_token"] = a.Fake.SignToken(map[string]any{
			"iss": "https://auth.example.com", "sub": "user_kim", "sid": id, "client_id": a.Fake.ClientID(), "iat": now, "exp": now + 300,
		})
	}
	resp := a.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
	require.Equal(t, http.StatusUnauthorized, resp.Status)
	if resp.Header.Get("Set-Cookie") != "" {
		cookie = resp.NewCookie(t)
	}
	upstream.Change = nil // the operator has corrected the configuration
	a.Clock.Advance(61 * time.Second)
	resp = a.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
	assert.Equal(t, http.StatusOK, resp.Status, resp.Body)
}

// The signing keys are unavailable just after a rotation, and the process restarts. If the new token pair were only in
// memory, it would be lost.
func TestANewTokenPairThatCannotBeVerifiedYetSurvivesARestart(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	a.Send(Request{Target: "/account", Cookie: cookie}) // fetches the keys
	a.Clock.Advance(4*time.Minute + 30*time.Second)
	a.Fake.AddSigningKey()
	a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	resp := a.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
	require.Equal(t, http.StatusOK, resp.Status)
	if resp.Header.Get("Set-Cookie") != "" {
		cookie = resp.NewCookie(t)
	}
	a.Fake.ClearFault(authkittest.RouteJWKS)
	a.Clock.Advance(40 * time.Second)
	restarted := NewInstance(t, a.Fake, a.Clock, AppOptions{})
	resp = restarted.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
	assert.Equal(t, http.StatusOK, resp.Status) // the old token is still valid
	a.Clock.Advance(2 * time.Minute)
	resp = restarted.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
	assert.Equal(t, http.StatusOK, resp.Status, resp.Body)
}

// An outage must not count as idle time.
func TestARefreshOutageDoesNotCountAsIdleTime(t *testing.T) {
	a := NewApp(t, AppOptions{
		AuthKit: []authkit.Option{authkit.WithIdleTimeout(10 * time.Minute)},
		Fake:    []authkittest.Option{authkittest.WithAccessTokenLifetime(time.Hour)},
	})
	cookie := a.SignedIn(Kim).CookieHeader()
	a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 429, Header: http.Header{"Retry-After": {"30"}}})
	for i := range 24 {
		a.Clock.Advance(30 * time.Second)
		resp := a.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
		require.NotEqual(t, http.StatusUnauthorized, resp.Status, "after %d s of steady use", 30*(i+1))
		if _, set := resp.SetCookies(t)["authkit-session"]; set {
			cookie = resp.NewCookie(t)
		}
	}
}

func TestConcurrentRequestsAreServedWhileTheNewTokenCannotBeVerified(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	a.Clock.Advance(4*time.Minute + 30*time.Second)
	a.Fake.AddSigningKey()
	a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				resp, err := a.Do(Request{Target: "/account", Cookie: cookie})
				assert.NoError(t, err)
				assert.Equal(t, http.StatusOK, resp.Status)
			}
		})
	}
	wg.Wait()
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
}
