// How long a sign-in may take, and how long its state is remembered after use.

package behaviour

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

func TestTheSignInTimeoutIsConfigurable(t *testing.T) {
	for name, c := range map[string]struct {
		opts    []authkit.Option
		timeout time.Duration
	}{
		"an hour by default": {nil, time.Hour},
		"a minute":           {[]authkit.Option{authkit.WithSignInTimeout(time.Minute)}, time.Minute},
		"a day":              {[]authkit.Option{authkit.WithSignInTimeout(24 * time.Hour)}, 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			a := NewApp(t, AppOptions{AuthKit: c.opts})
			// A code of the fake expires after ten minutes, so most of the time passes before AuthKit issues it.
			login := a.Send(Request{Target: "/login?return_to=/account", Header: Navigation()})
			maxAge := login.cookieOf(t, "authkit-state-").MaxAge
			assert.Equal(t, int((c.timeout+24*time.Hour)/time.Second), maxAge)
			a.Clock.Advance(c.timeout - time.Millisecond)
			resp := a.Send(Request{
				Target: "/callback?error=access_denied&state=" + StateOf(t, login), Cookie: login.stateCookie(t), Header: Navigation(),
			})
			assert.Equal(t, http.StatusForbidden, resp.Status, "the state is still valid")

			late := a.StartSignIn("/login?return_to=/account")
			a.Clock.Advance(c.timeout)
			resp = a.Send(Request{Target: late.Target(), Cookie: late.Cookie, Header: Navigation()})
			assert.Equal(t, http.StatusSeeOther, resp.Status)
			StateOf(t, resp)
			assert.Zero(t, a.Fake.Calls(authkittest.RouteAuthenticate))
		})
	}
}

// A user whose callback comes too late has signed in at AuthKit. AuthKit then completes the restarted sign-in without a
// form.
func TestAnExpiredSignInRestartsOnceWithTheSameParameters(t *testing.T) {
	var signIns []authkit.SignInEvent
	var failures []error
	maxAge := 2 * time.Hour
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{
		authkit.WithOnSignIn(func(_ context.Context, e authkit.SignInEvent) error { signIns = append(signIns, e); return nil }),
		authkit.WithOnSignInFailure(func(_ context.Context, e authkit.SignInFailureEvent) { failures = append(failures, e.Err) }),
	}, Routes: func(a *App, mux *http.ServeMux) {
		mux.Handle("/invited", a.Login(authkit.LoginParams{AppState: "campaign 7", Organization: "org_acme", LoginHint: Kim, ScreenHint: "sign-up", InvitationToken: "invitation", MaxAge: &maxAge, Prompt: "login", DomainHint: "example.com"}))
	}})
	page := "/account?a=b&c=%2F"
	first := a.Send(Request{Target: "/invited?return_to=" + url.QueryEscape(page), Header: Navigation()})
	requested, err := first.Location()
	require.NoError(t, err)
	a.Clock.Advance(time.Hour)

	callback := "/callback?code=x&state=" + StateOf(t, first)
	again := a.Send(Request{Target: callback, Cookie: first.stateCookie(t), Header: navigationFrom("cross-site")})
	require.Equal(t, http.StatusSeeOther, again.Status, again.Body)
	location, err := again.Location()
	require.NoError(t, err)
	before, after := requested.Query(), location.Query()
	for _, name := range []string{"state", "code_challenge"} {
		assert.NotEqual(t, before.Get(name), after.Get(name), name)
		before.Del(name)
		after.Del(name)
	}
	assert.Equal(t, "invitation", before.Get("invitation_token"))
	before.Del("invitation_token") // AuthKit has accepted it when it returns a code
	assert.Equal(t, before, after, "the restarted sign-in has the same parameters")
	require.Len(t, again.SetCookies(t), 2)
	assert.Negative(t, again.SetCookies(t)[strings.Split(first.stateCookie(t), "=")[0]].MaxAge)
	assert.Empty(t, failures, "a restart is not a failure")

	// The callback of the second sign-in comes in time.
	s := a.SignInStartedBy(again)
	refused := a.Send(Request{Target: s.With("code", "") + "&error=access_denied", Cookie: s.Cookie, Header: Navigation()})
	assert.Contains(t, refused.Body, url.QueryEscape(page))
	require.Len(t, failures, 1)
	assert.ErrorIs(t, failures[0], authkit.ErrSignInCancelled)

	// The callback of the second sign-in comes too late as well.
	s = a.SignInStartedBy(a.Send(Request{Target: callback, Cookie: first.stateCookie(t), Header: Navigation()}))
	a.Clock.Advance(time.Hour)
	refused = a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()})
	assert.Equal(t, http.StatusBadRequest, refused.Status)
	assert.Contains(t, refused.Body, `href="/login?return_to=`+url.QueryEscape(page)+`"`)
	assert.Negative(t, refused.SetCookies(t)[strings.Split(s.Cookie, "=")[0]].MaxAge, "the state cookie is removed")
	require.Len(t, failures, 2)
	assert.ErrorIs(t, failures[1], authkit.ErrInvalidState)
	assert.Zero(t, a.Fake.Calls(authkittest.RouteAuthenticate))
	assert.Empty(t, signIns)
}

func TestALateBrowserFinishesTheSignInStartedBy(t *testing.T) {
	var signIns []authkit.SignInEvent
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{
		authkit.WithSignInTimeout(5 * time.Minute),
		authkit.WithOnSignIn(func(_ context.Context, e authkit.SignInEvent) error { signIns = append(signIns, e); return nil }),
	}, Routes: func(a *App, mux *http.ServeMux) {
		mux.Handle("/invited", a.Login(authkit.LoginParams{AppState: "campaign 7"}))
	}})
	b := a.Browser()
	_, err := b.Get(a.URL + "/invited?return_to=/account%3Fa%3Db")
	require.NoError(t, err)
	a.Clock.Advance(6 * time.Minute)
	page, err := b.Submit("Kim", nil)
	require.NoError(t, err)
	assert.Contains(t, page.Body, "page of "+Kim)
	assert.Contains(t, page.Body, "/account?a=b")
	require.Len(t, signIns, 1)
	assert.Equal(t, "campaign 7", signIns[0].AppState)
	assert.Equal(t, []string{"authkit-session"}, b.cookieNames())
}

func TestALateErrorCallbackDoesNotRestartTheSignIn(t *testing.T) {
	a := NewApp(t, AppOptions{})
	s := a.StartSignIn("/login?return_to=/account")
	a.Clock.Advance(2 * time.Hour)
	resp := a.Send(Request{Target: s.With("code", "") + "&error=access_denied", Cookie: s.Cookie, Header: Navigation()})
	assert.Equal(t, http.StatusForbidden, resp.Status, "a user who cancels does not want a new sign-in")
	assert.Contains(t, resp.Body, `href="/login?return_to=%2Faccount"`)
	require.Len(t, resp.SetCookies(t), 1)
	assert.Negative(t, resp.cookieOf(t, "authkit-state-").MaxAge)
}

func TestASignInFromTheFutureIsRefusedBeyondTheClockSkew(t *testing.T) {
	a := NewApp(t, AppOptions{})
	s := a.StartSignIn("/login?return_to=/account")
	session := a.SignedIn("lee@example.com").CookieHeader()
	a.Clock.Set(Start.Add(-61 * time.Second))
	resp := a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()})
	assert.Equal(t, http.StatusBadRequest, resp.Status)
	assert.Empty(t, resp.SetCookies(t))
	assert.Equal(t, http.StatusBadRequest, a.Send(Request{Target: s.Target(), Cookie: s.Cookie + "; " + session, Header: Navigation()}).Status,
		"the session is from the future, too")
	a.Clock.Set(Start.Add(-60 * time.Second))
	assert.Equal(t, http.StatusSeeOther, a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()}).Status)
}

func TestASignInStartedByReplacesTheOldOneAndKeepsItsOrigin(t *testing.T) {
	for site, sameOrigin := range map[string]bool{"same-origin": true, "cross-site": false} {
		t.Run(site, func(t *testing.T) {
			a := NewApp(t, AppOptions{})
			j := NewCookieJar(t)
			state := a.StartSignInWithJar(j, "/login?return_to=/account", navigationFrom(site))
			a.Clock.Advance(time.Hour)
			resp := a.Send(Request{Target: "/callback?code=x&state=" + state, Cookie: j.Header(), Header: navigationFrom("cross-site")})
			j.store(resp)
			again := StateOf(t, resp)
			assert.Len(t, j.states(), 1)
			for i := range 20 { // cross-site sign-ins evict each other
				a.Clock.Advance(time.Second)
				a.StartSignInWithJar(j, fmt.Sprint("/login?return_to=/", i, strings.Repeat("n", 500)), navigationFrom("cross-site"))
			}
			if sameOrigin {
				assert.Equal(t, "/account", a.CancelSignIn(j, again))
			} else {
				assert.False(t, a.isPending(j, again))
			}
		})
	}
}

// A used state that was remembered for one minute only would be accepted again after that minute.
func TestAUsedStateIsRefusedUntilItsSignInExpires(t *testing.T) {
	for _, timeout := range []time.Duration{time.Minute, time.Hour, 24 * time.Hour} {
		a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithSignInTimeout(timeout)}})
		s := a.StartSignIn("/login")
		require.Equal(t, http.StatusSeeOther, a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()}).Status)
		for range 5 {
			resp := a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()})
			assert.Equal(t, http.StatusBadRequest, resp.Status, a.Clock.Now().Sub(Start))
			a.Clock.Advance((timeout - time.Millisecond) / 5)
		}
		assert.Equal(t, http.StatusBadRequest, a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()}).Status)
		assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteAuthenticate))
	}
}

func TestACallbackIsAcceptedOnlyWithinTheSignInTimeoutAndTheClockSkew(t *testing.T) {
	for _, c := range []struct {
		name   string
		after  time.Duration
		status int // 0 if the sign-in restarts
	}{
		{"9 min 59 s after the start it signs in", 10*time.Minute - time.Second, http.StatusSeeOther},
		{"10 min after the start it restarts", 10 * time.Minute, 0},
		{"a day after the start it restarts", 24 * time.Hour, 0},
		{"59 s before the start it signs in, within the clock skew", -59 * time.Second, http.StatusSeeOther},
		{"61 s before the start it is refused", -61 * time.Second, http.StatusBadRequest},
		{"a year before the start it is refused", -365 * 24 * time.Hour, http.StatusBadRequest},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newPlainApp(t, authkit.WithSignInTimeout(10*time.Minute))
			s := a.StartSignInAs("/login?return_to=/account", Kim)
			a.Clock.Set(Start.Add(c.after))
			resp := a.finishSignIn(s)
			switch c.status {
			case http.StatusSeeOther:
				assert.Equal(t, c.status, resp.Status)
				return
			case 0:
				// The restart is a new sign-in. If its callback is late as well, it is refused.
				again := a.continueSignIn(resp, Kim)
				assert.NotEqual(t, s.State(), again.State())
				assert.Empty(t, resp.session(t))
				a.Clock.Advance(c.after)
				checkErrorPage(t, a.finishSignIn(again), http.StatusBadRequest)
			default:
				checkErrorPage(t, resp, c.status)
			}
			assert.Zero(t, a.Fake.Calls(authkittest.RouteAuthenticate))
		})
	}
}
