// Sign-ins, switches, sign-outs and revocations that happen during a refresh or before a late response.

package behaviour

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

func TestARefreshThatEndsAfterASignInDoesNotUndoIt(t *testing.T) {
	for name, fault := range map[string]authkittest.Fault{
		"with a new session":    {},
		"with an ended session": {Status: 400, Body: `{"error":"invalid_grant"}`},
	} {
		t.Run(name, func(t *testing.T) {
			a := NewApp(t, AppOptions{})
			cookie := a.SignedIn("lee@example.com").CookieHeader()
			a.ExpireToken(2 * time.Minute)
			fault.Delay, fault.Times = time.Second, 1
			a.Fake.InjectFault(authkittest.RouteRefresh, fault)
			responses := make(chan Response, 1)
			go func() {
				resp, err := a.Do(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
				assert.NoError(t, err)
				responses <- resp
			}()
			a.Fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
			a.Clock.AwaitTimers(2) // of the attempt and of the fault
			jar := a.SignInAgain(cookie)
			a.Clock.Advance(time.Second)
			jar = JarAfter(jar, <-responses)
			assert.Contains(t, a.Send(Request{Target: "/account", Cookie: jar}).Body, "page of "+Kim)
		})
	}
	t.Run("a late request", func(t *testing.T) {
		a := NewApp(t, AppOptions{})
		cookie := a.SignedIn(Kim).CookieHeader()
		a.ExpireToken(2 * time.Minute)
		a.SignInAgain(cookie)
		assert.Empty(t, a.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()}).SetCookies(t))
	})
}

func TestASwitchThatEndsItsSessionKeepsALaterSignIn(t *testing.T) {
	upstream := &RefusingTransport{}
	a := NewSwitchingApp(t, authkit.WithHTTPClient(&http.Client{Transport: upstream}))
	cookie := a.AcmeCookie()
	var jar string
	upstream.Before = func() { jar = a.SignInAgain(cookie) }
	jar = JarAfter(jar, a.SwitchTo("org_beta", cookie, Scripted()))
	assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/account", Cookie: jar}).Status)
}

// A late request carries the retired cookie, more than 30 s after its successor was used. WorkOS does not accept its token
// any more.
func TestALateRequestDoesNotSignTheBrowserOut(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	a.ExpireToken(2 * time.Minute)
	jar := a.Send(Request{Target: "/account", Cookie: cookie}).NewCookie(t)
	a.Send(Request{Target: "/account", Cookie: jar})
	a.Clock.Advance(31 * time.Second)
	jar = JarAfter(jar, a.Send(Request{Target: "/", Cookie: cookie}))
	assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/account", Cookie: jar}).Status)
}

func TestALogoutDuringARefreshDiscardsItsResult(t *testing.T) {
	upstream := &RewritingTransport{}
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: upstream})}})
	cookie := a.SignedIn(Kim).CookieHeader()
	a.ExpireToken(2 * time.Minute)
	upstream.Change = func(map[string]any) { // before the reply arrives
		a.Send(Request{Method: http.MethodPost, Target: "/logout", Cookie: cookie, Header: Scripted()})
	}
	require.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/account", Cookie: cookie}).Status)
	upstream.Change = nil
	a.Clock.Advance(10 * time.Minute)
	assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/account", Cookie: cookie}).Status)
}

// The response is sent after this process has forgotten the sign-out.
func TestAVerySlowResponseDoesNotRestoreASignedOutSession(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	a := NewApp(t, AppOptions{Routes: reportRoutes(started, release)})
	jar := a.SignedIn(Kim).CookieHeader()
	a.Clock.Advance(4*time.Minute + 10*time.Second)
	late := a.StartSlowRequest("/report", jar, started)
	a.Send(Request{Method: http.MethodPost, Target: "/logout", Cookie: jar, Header: Scripted()})
	a.Clock.Advance(10 * time.Minute)
	close(release)
	assert.Empty(t, JarAfter("", <-late))
}

// The header is sent twice, once with early hints, and the user signs out in between.
func TestALogoutAfterEarlyHintsIsNotUndone(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	hinted, finish := make(chan struct{}), make(chan struct{})
	a := NewApp(t, AppOptions{Routes: func(_ *App, mux *http.ServeMux) {
		mux.HandleFunc("/report", func(w http.ResponseWriter, r *http.Request) {
			close(started)
			<-release
			w.WriteHeader(http.StatusEarlyHints)
			close(hinted)
			<-finish
			io.WriteString(w, Visitor(r))
		})
	}})
	first := a.SignedIn(Kim).CookieHeader()
	a.Clock.Advance(4*time.Minute + 10*time.Second)
	late := a.StartSlowRequest("/report", first, started)
	a.Clock.Advance(time.Second)
	second := a.Send(Request{Target: "/account", Cookie: first}).NewCookie(t)
	a.Clock.Advance(4*time.Minute + 10*time.Second)
	third := a.Send(Request{Target: "/account", Cookie: second}).NewCookie(t)
	close(release)
	<-hinted
	a.Send(Request{Method: http.MethodPost, Target: "/logout", Cookie: third, Header: Scripted()})
	close(finish)
	assert.Empty(t, JarAfter("", <-late))
}

// nonRotatingTransport is a transport that makes WorkOS appear not to rotate refresh tokens. It removes the new refresh
// token from a reply, and sends the newest one in the place of the first.
type nonRotatingTransport struct{ newest map[string]string }

func (u *nonRotatingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path != "/user_management/authenticate" {
		return http.DefaultTransport.RoundTrip(r)
	}
	var sent map[string]any
	if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
		return nil, err
	}
	first, _ := sent["refresh_token"].(string)
	if newest := u.newest[first]; newest != "" {
		sent["refresh_token"] = newest
	}
	body, err := json.Marshal(sent)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Body, r.ContentLength, r.GetBody = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || first == "" || resp.StatusCode != http.StatusOK {
		return resp, err
	}
	defer resp.Body.Close()
	var reply map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&reply); err != nil {
		return nil, err
	}
	u.newest[first], _ = reply["refresh_token"].(string)
	delete(reply, "refresh_token")
	if body, err = json.Marshal(reply); err != nil {
		return nil, err
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	resp.Header.Del("Content-Length")
	return resp, nil
}

func TestASlowResponseDoesNotUndoASwitchIfRefreshTokensDoNotRotate(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	a := NewApp(t, AppOptions{
		Routes:  reportRoutes(started, release),
		AuthKit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: &nonRotatingTransport{map[string]string{}}})},
	})
	a.Fake.UpdateUser(Kim, func(p *authkittest.User) {
		p.Memberships = append(p.Memberships, authkittest.Membership{OrganizationID: "org_beta", Role: "viewer"})
	})
	b := a.Browser()
	_, err := b.SignIn(a.URL+"/login", Kim)
	require.NoError(t, err)
	first := b.CookieHeader()
	a.Clock.Advance(4*time.Minute + 10*time.Second)
	late := a.StartSlowRequest("/report", first, started)
	jar := a.Send(Request{Target: "/me", Cookie: first}).NewCookie(t)
	a.Clock.Advance(time.Second)
	jar = a.SwitchTo("org_beta", jar, Scripted()).NewCookie(t)
	close(release)
	jar = JarAfter(jar, <-late)
	assert.Equal(t, "user_kim in org_beta", a.Send(Request{Target: "/me", Cookie: jar}).Body)
}

func TestARefreshNeverRevivesAnEndedSession(t *testing.T) {
	logout := func(t *testing.T, a *App, cookie string) {
		resp := a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: Navigation()})
		require.Equal(t, http.StatusSeeOther, resp.Status)
	}
	for _, c := range []struct {
		name  string
		opts  []authkit.Option
		end   func(t *testing.T, a *App, cookie string)
		wait  time.Duration
		calls int // to refresh, at most
	}{
		{"signed out here, with a valid token", nil, logout, 0, 0},
		{"signed out here, just before its token expires", nil, logout, 4*time.Minute + 30*time.Second, 0},
		{"signed out here, just after its token has expired", nil, logout, 5*time.Minute + 30*time.Second, 0},
		{"signed out with an expired token", nil, func(t *testing.T, a *App, cookie string) {
			a.ExpireToken(2 * time.Minute)
			logout(t, a, cookie)
		}, 0, 0},
		{"signed out through WorkOS, a day later", nil, func(t *testing.T, a *App, cookie string) {
			resp := a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: Navigation()})
			_, err := a.atAuthKit[Kim].Get(resp.Header.Get("Location"))
			require.NoError(t, err)
		}, 24 * time.Hour, 1},
		{"revoked at WorkOS, after its token has expired", nil, func(_ *testing.T, a *App, _ string) {
			a.Fake.RevokeSession(a.Fake.Sessions()[0].ID)
		}, 6*time.Minute + time.Second, 1},
		{"beyond the absolute timeout", []authkit.Option{authkit.WithAbsoluteTimeout(time.Hour)}, nil, time.Hour, 0},
		{"beyond the idle timeout", []authkit.Option{authkit.WithIdleTimeout(time.Hour)}, nil, time.Hour, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newPlainApp(t, c.opts...)
			cookie := a.signIn(Kim)
			if c.end != nil {
				c.end(t, a, cookie)
			}
			a.Clock.Advance(c.wait)
			for range 3 {
				resp := a.Send(Request{Target: "/api/me", Cookie: cookie, Header: Scripted()})
				assert.Empty(t, a.visitorOf(resp))
				assert.Empty(t, resp.session(t))
			}
			assert.LessOrEqual(t, a.Fake.Calls(authkittest.RouteRefresh), c.calls)
		})
	}
}
