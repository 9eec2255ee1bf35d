// Sessions that something is about to lose, and must not.

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

// Use counts at the latest at half the limit.
func TestASessionInUseOutlivesAShortIdleTimeout(t *testing.T) {
	for _, limit := range []time.Duration{time.Minute, 90 * time.Second} {
		t.Run(limit.String(), func(t *testing.T) {
			a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithIdleTimeout(limit)}})
			cookie := a.SignedIn(Kim).CookieHeader()
			for i := range 20 {
				a.Clock.Advance(20 * time.Second)
				resp := a.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
				require.Equal(t, http.StatusOK, resp.Status, "after %d s of steady use", 20*(i+1))
				if _, renewed := resp.SetCookies(t)["authkit-session"]; renewed {
					cookie = resp.NewCookie(t)
				}
			}
		})
	}
}

// A handler that answers late (a report, a long poll) sends the cookie that was new when it began. By then the browser has
// had the next one; the late answer takes it back to a retired token, and the next refresh is "already exchanged".
func TestALateResponseDoesNotRestoreARetiredRefreshToken(t *testing.T) {
	began, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	a := NewApp(t, AppOptions{Routes: func(a *App, mux *http.ServeMux) {
		mux.HandleFunc("/report", func(w http.ResponseWriter, r *http.Request) {
			once.Do(func() { close(began) })
			<-goOn
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
	<-began
	second := a.Send(Request{Target: "/account", Cookie: first}).NewCookie(t)
	a.Clock.Advance(4*time.Minute + time.Second)
	third := a.Send(Request{Target: "/account", Cookie: second}).NewCookie(t)
	a.Send(Request{Target: "/account", Cookie: third})
	a.Clock.Advance(31 * time.Second)
	close(goOn)
	jar := third
	if r := <-late; r.Header.Get("Set-Cookie") != "" {
		jar = r.NewCookie(t) // what a browser keeps now
	}
	a.Clock.Advance(4 * time.Minute)
	assert.Contains(t, a.Send(Request{Target: "/account", Cookie: jar}).Body, Kim)
}

// A refresh token is spent once it has been exchanged, whatever became of the access token that came with the new one: an
// issuer that WorkOS has switched and WithAdditionalIssuers does not know yet must not end every session that is refreshed meanwhile.
func TestARefusedNewAccessTokenDoesNotEndTheSession(t *testing.T) {
	upstream := &Rewriting{}
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
	upstream.Change = nil // the operator has mended it
	a.Clock.Advance(61 * time.Second)
	resp = a.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
	assert.Equal(t, http.StatusOK, resp.Status, resp.Body)
}

// The same with keys that cannot be had just after a rotation, and a process that restarts: the new pair was in memory
// alone.
func TestANewTokenPairThatCannotBeVerifiedYetSurvivesARestart(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	a.Send(Request{Target: "/account", Cookie: cookie}) // keys are had
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
	assert.Equal(t, http.StatusOK, resp.Status) // the token at hand is good still ...
	a.Clock.Advance(2 * time.Minute)
	resp = restarted.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
	assert.Equal(t, http.StatusOK, resp.Status, resp.Body)
}

// An outage is nobody's idleness.
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
		if _, kept := resp.SetCookies(t)["authkit-session"]; kept {
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
