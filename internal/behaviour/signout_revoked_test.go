// Sign-outs by a script, and the revocation of the session at WorkOS after them.

package behaviour

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// revocationDelay is the time from a sign-out by a script to the revocation of its session. In this time the browser can go
// to the logout page of WorkOS, which ends the session.
const revocationDelay = 30 * time.Second

// signOutByFetch signs out by a fetch of a script, and returns the logout URL of WorkOS.
func signOutByFetch(t *testing.T, a *App, cookie string) (logoutURL string) {
	t.Helper()
	resp := a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: Scripted()})
	require.Equal(t, http.StatusOK, resp.Status)
	var to struct {
		LogoutURL string `json:"logout_url"`
	}
	require.NoError(t, json.Unmarshal([]byte(resp.Body), &to))
	return to.LogoutURL
}

// waitUntil waits until a background goroutine fulfils a condition. It advances the clock by up to a minute, in steps of one
// second. It does not advance the clock while a revocation has just started, so that the call does not time out.
func (a *App) waitUntil(t *testing.T, until func() bool) {
	t.Helper()
	if until() {
		return
	}
	const pause = 20 // ticks
	idle, remaining, calls := pause, 60, a.Fake.Calls(authkittest.RouteRevokeSession)
	assert.Eventually(t, func() bool {
		if now := a.Fake.Calls(authkittest.RouteRevokeSession); now != calls {
			calls, idle = now, pause
		}
		if idle--; idle < 0 && remaining > 0 {
			remaining--
			a.Clock.Advance(time.Second)
		}
		return until()
	}, WaitTimeout, 10*time.Millisecond, "the session was not revoked at WorkOS")
}

func TestACopyOfASessionSignedOutByAScriptStaysRefused(t *testing.T) {
	t.Parallel()
	for _, form := range sessionForms {
		t.Run(form.name, func(t *testing.T) {
			a := newPlainApp(t, form.opts...)
			other := newPlainInstance(t, a.Fake, a.Clock, a.Password, form.opts...)
			copied := a.signedInWith(form)
			logoutURL := signOutByFetch(t, a, copied)
			require.True(t, strings.HasPrefix(logoutURL, a.Fake.URL()+"/user_management/sessions/logout?"))
			checkRefused(t, a, copied, "at once")

			a.Clock.Advance(revocationDelay - time.Second)
			assert.Zero(t, a.Fake.Calls(authkittest.RouteRevokeSession), "the browser has 30 s to go to the logout page of WorkOS")
			a.waitUntil(t, func() bool { return activeSessions(a.Fake, 0, form.email) == 0 })
			assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRevokeSession))

			a.Clock.Advance(6 * time.Minute)
			checkRefused(t, a, copied, "after six minutes")
			checkRefused(t, other, copied, "after six minutes, at another instance")
		})
	}
}

// signedInWith signs in and returns the Cookie header of a session of the given form.
func (a *App) signedInWith(form sessionForm) (cookie string) {
	a.T.Helper()
	resp := a.finishSignIn(a.StartSignInAs("/login", form.email))
	require.Equal(a.T, http.StatusSeeOther, resp.Status)
	var pairs []string
	for _, c := range resp.SetCookies(a.T) {
		if strings.HasPrefix(c.Name, form.cookie) && c.MaxAge >= 0 {
			pairs = append(pairs, c.Name+"="+c.Value)
		}
	}
	require.NotEmpty(a.T, pairs)
	return strings.Join(pairs, "; ")
}

// The revocation can fail when WorkOS is not available. By then the sign-out is long answered.
func TestTheRevocationAfterASignOutByAScriptIsRetried(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]authkittest.Fault{
		"connection reset": {Reset: true, Times: 1},
		"status 500":       {Status: http.StatusInternalServerError, Times: 1},
		"status 429":       {Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"1"}}, Times: 1},
	} {
		t.Run(name, func(t *testing.T) {
			a := newPlainApp(t)
			copied := a.signIn(Kim)
			a.Fake.InjectFault(authkittest.RouteRevokeSession, fault)
			signOutByFetch(t, a, copied)
			a.Clock.Advance(revocationDelay - time.Second)
			a.waitUntil(t, func() bool { return activeSessions(a.Fake, 0, Kim) == 0 })
			a.Clock.Advance(6 * time.Minute)
			checkRefused(t, a, copied, "after six minutes")
		})
	}
}

func TestTheRevocationAfterALogoutAtWorkOSDoesNotAffectANewSession(t *testing.T) {
	a := newPlainApp(t)
	copied := a.signIn(Kim)
	logoutURL := signOutByFetch(t, a, copied)
	b := a.atAuthKit[Kim]
	b.CheckRedirect = nil
	_, err := b.Get(logoutURL)
	require.NoError(t, err)
	require.Zero(t, activeSessions(a.Fake, 0, Kim))

	again := a.signIn(Kim)
	a.Clock.Advance(2 * revocationDelay)
	assert.Equal(t, Kim, a.visitor(again))
	assert.Equal(t, 1, activeSessions(a.Fake, 0, Kim), "the new sign-in has another session")
	a.Clock.Advance(6 * time.Minute)
	assert.Equal(t, Kim, a.visitor(again), "the new session can be refreshed")
	checkRefused(t, a, copied, "after six minutes")
	assert.False(t, a.Logs.has("level=WARN") || a.Logs.has("level=ERROR"), "nothing failed")
}

// After a sign-out by a script, AuthKit may sign the user in to the same session, because it is not revoked yet.
func TestASignOutDoesNotEndALaterSignInToTheSameWorkOSSession(t *testing.T) {
	for _, c := range []struct {
		name string
		wait time.Duration // from the sign-out to the sign-in
	}{
		{"at once", time.Millisecond},
		{"a second later", time.Second},
		{"a second before the revocation", revocationDelay - time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			replies := &recorder{}
			a := newPlainApp(t, authkit.WithHTTPClient(&http.Client{Transport: replies}))
			first := a.signIn(Kim)
			signOutByFetch(t, a, first)
			a.Clock.Advance(c.wait)
			checkRefused(t, a, first, "after the sign-out")

			// The next code exchange returns new tokens of the same session.
			s := a.StartSignInAs("/login", Kim)
			a.Fake.InjectFault(authkittest.RouteCodeExchange, authkittest.Fault{Body: replies.next(t, a), Times: 1})
			resp := a.finishSignIn(s)
			require.Equal(t, http.StatusSeeOther, resp.Status, resp.Body)
			again := resp.session(t)
			require.Len(t, a.Fake.Sessions(), 1)

			a.Clock.Advance(2 * revocationDelay)
			assert.Equal(t, Kim, a.visitor(again))
			a.Clock.Advance(6 * time.Minute)
			assert.Equal(t, Kim, a.visitor(again), "the session can be refreshed")
			assert.Equal(t, 1, activeSessions(a.Fake, 0, Kim))
		})
	}
}

// recorder is a transport that stores the last reply of the authenticate call.
type recorder struct {
	mu   sync.Mutex
	last []byte // guarded by mu
}

func (p *recorder) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := direct.RoundTrip(r)
	if err != nil || r.URL.Path != "/user_management/authenticate" {
		return resp, err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = body
	return resp, err
}

// next refreshes the last tokens at WorkOS, and returns the reply with the next tokens of the same session.
func (p *recorder) next(t *testing.T, a *App) (reply string) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	var last struct {
		RefreshToken string `json:"refresh_token"`
	}
	require.NoError(t, json.Unmarshal(p.last, &last))
	resp, err := (&http.Client{Transport: direct}).PostForm(a.Fake.URL()+"/user_management/authenticate", url.Values{
		"grant_type": {"refresh_token"}, "client_id": {a.Fake.ClientID()}, "client_secret": {a.Fake.APIKey()}, "refresh_token": {last.RefreshToken},
	})
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(body)
}

// A shared session has no sign-in time of its own, so the times in its access token count. The clock of WorkOS may be ahead
// or behind.
func TestASignOutIsEffectiveWithinTheSkewOfTheWorkOSClock(t *testing.T) {
	for _, skew := range []time.Duration{-59 * time.Second, -time.Second, 0, time.Second, 2 * time.Second, 30 * time.Second, 59 * time.Second} {
		for _, navigates := range []bool{true, false} {
			t.Run(skew.String()+", by "+map[bool]string{true: "a form", false: "a script"}[navigates], func(t *testing.T) {
				a := newPlainSharedSessionApp(t)
				a.addKnownToJWKS()
				issued := Start.Add(skew).Unix()
				copied := a.sealed(a.forge(forgery{claims: func(c object) {
					c["iat"], c["auth_time"], c["exp"] = issued, issued, issued+300
				}}), nil)
				require.Equal(t, Kim, a.visitor(copied))
				header := Scripted()
				if navigates {
					header = Navigation()
				}
				resp := a.Send(Request{Method: "POST", Target: "/logout", Cookie: copied, Header: header})
				require.Less(t, resp.Status, 400)
				for _, later := range []time.Duration{0, time.Second, 30 * time.Second, 60 * time.Second} {
					a.Clock.Set(Start.Add(later))
					checkRefused(t, a, copied, later.String()+" after the sign-out")
				}
			})
		}
	}
}
