// Callbacks in a browser that already has a session.

package behaviour

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// A signed-in user gets such a callback when the page is reloaded, when its tab is duplicated or restored, or when other
// sign-ins have displaced its state.
func TestACallbackWithABadStateRedirectsASignedInUser(t *testing.T) {
	a := NewApp(t, AppOptions{})
	session := a.SignedIn(Kim).CookieHeader()
	s := a.StartSignIn("/login?return_to=/account%3Fa%3Db")
	require.Equal(t, http.StatusSeeOther, a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()}).Status)
	before := a.Fake.Calls(authkittest.RouteAuthenticate)
	name, value, _ := strings.Cut(s.Cookie, "=")
	for callback, c := range map[string]struct{ target, cookie, want string }{
		"replayed":                                   {s.Target(), "", "/"},
		"replayed with its cookie":                   {s.Target(), s.Cookie, "/account?a=b"},
		"replayed with another code":                 {s.With("code", "x"), s.Cookie, "/account?a=b"},
		"replayed as an error":                       {s.With("code", "") + "&error=access_denied", s.Cookie, "/account?a=b"},
		"an unknown state":                           {s.With("state", "made-up"), s.Cookie, "/"},
		"an error with an unknown state":             {"/callback?error=x&state=y", "", "/"},
		"an unknown state and the cookie of another": {s.With("state", "made-up"), name + "=" + value, "/"},
		"a cookie that does not open":                {s.Target(), name + "=x", "/"},
		"an attacker's code, without its cookie":     {a.StartSignIn("/login?return_to=/evil").Target(), "", "/"},
	} {
		t.Run(callback, func(t *testing.T) {
			resp := a.Send(Request{Target: c.target, Cookie: session + "; " + c.cookie, Header: navigationFrom("cross-site")})
			assert.Equal(t, http.StatusSeeOther, resp.Status, resp.Body)
			assert.Equal(t, c.want, resp.Header.Get("Location"))
			assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
			for set, cookie := range resp.SetCookies(t) {
				assert.Equal(t, name, set)
				assert.Negative(t, cookie.MaxAge)
			}
			for visitor, cookie := range map[string]string{"anonymous": "", "an invalid session": "authkit-session=x"} {
				resp := a.Send(Request{Target: c.target, Cookie: cookie + "; " + c.cookie, Header: Navigation()})
				assert.Equal(t, http.StatusBadRequest, resp.Status, visitor)
				assert.Contains(t, resp.Body, `href="/login`, visitor)
			}
		})
	}
	assert.Equal(t, before, a.Fake.Calls(authkittest.RouteAuthenticate), "no code exchange")
	assert.Contains(t, a.Send(Request{Target: "/account", Cookie: session}).Body, Kim, "the session is unchanged")
}

func TestACallbackWithABadStateRedirectsOnlyAUsableSession(t *testing.T) {
	for name, c := range map[string]struct {
		opts   []authkit.Option
		change func(a *App, session string)
		status int
	}{
		"its token has expired": {change: func(a *App, _ string) { a.ExpireToken(time.Hour) }, status: 303},
		"it is signed out": {change: func(a *App, session string) {
			a.Send(Request{Method: "POST", Target: "/logout", Cookie: session})
		}, status: 400},
		"it is beyond its absolute limit": {
			opts: []authkit.Option{authkit.WithAbsoluteTimeout(time.Minute)}, status: 400,
			change: func(a *App, _ string) { a.Clock.Advance(time.Minute) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := NewApp(t, AppOptions{AuthKit: c.opts})
			session := a.SignedIn(Kim).CookieHeader()
			c.change(a, session)
			before := a.Fake.Calls(authkittest.RouteAuthenticate)
			resp := a.Send(Request{Target: "/callback?code=x&state=y", Cookie: session, Header: Navigation()})
			assert.Equal(t, c.status, resp.Status)
			assert.Equal(t, before, a.Fake.Calls(authkittest.RouteAuthenticate))
		})
	}
}

func TestAMalformedCallbackAnswers400ToASignedInUser(t *testing.T) {
	a := NewApp(t, AppOptions{})
	session := a.SignedIn(Kim).CookieHeader()
	for _, target := range []string{"/callback", "/callback?state=a&state=b", "/callback?code=a&code=b&state=c"} {
		assert.Equal(t, http.StatusBadRequest, a.Send(Request{Target: target, Cookie: session, Header: Navigation()}).Status, target)
	}
}

func TestACallbackWithABadStateRedirectsAStrictSessionByAPage(t *testing.T) {
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithCookieSameSite(http.SameSiteStrictMode)}})
	session := a.SignedIn(Kim).CookieHeader()
	resp := a.Send(Request{Target: "/callback?code=x&state=y", Cookie: session, Header: navigationFrom("same-origin")})
	assert.Equal(t, http.StatusOK, resp.Status)
	assert.Contains(t, resp.Body, `http-equiv="refresh"`)
}

// A callback without a state sets the restart cookie, which prevents a second restart.
func TestTheRestartCookieExpiresWithTheSignInOrTheErrorPage(t *testing.T) {
	a := NewApp(t, AppOptions{})
	j := NewCookieJar(t)
	state := a.StartSignInWithJar(j, "/callback?code=stray", Navigation())
	restart := slices.DeleteFunc(slices.Clone(j.names), func(name string) bool { return !strings.HasPrefix(name, "authkit-restart") })
	require.Len(t, restart, 1)

	refused := a.Send(Request{Target: "/callback?code=stray", Cookie: j.Header(), Header: Navigation()})
	assert.Equal(t, http.StatusBadRequest, refused.Status)
	require.NotNil(t, refused.SetCookies(t)[restart[0]])
	assert.Negative(t, refused.SetCookies(t)[restart[0]].MaxAge, "the next callback may restart the sign-in")

	s := a.StartSignIn("/login")
	finished := a.Send(Request{Target: s.Target(), Cookie: j.Header() + "; " + s.Cookie, Header: Navigation()})
	require.Equal(t, http.StatusSeeOther, finished.Status)
	require.NotNil(t, finished.SetCookies(t)[restart[0]], "a completed sign-in expires the restart cookie")
	assert.Negative(t, finished.SetCookies(t)[restart[0]].MaxAge)
	assert.Equal(t, "/", a.CancelSignIn(j, state), "the other sign-in is still pending")
}

// A reloaded callback redirects a signed-in user even if the session needs a refresh or cannot be verified.
func TestACallbackWithABadStateRedirectsASessionOfAWithdrawnKey(t *testing.T) {
	changes := make(keyChanges, 8)
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{changes.option()}})
	session := a.SignedIn(Kim).CookieHeader()
	a.Clock.Advance(time.Minute)
	a.Fake.RotateSigningKeys()
	changes.await(a)
	resp := a.Send(Request{Target: "/callback?code=x&state=y", Cookie: session, Header: Navigation()})
	assert.Equal(t, http.StatusSeeOther, resp.Status, "the token needs a refresh, it is not invalid")
	page := a.Send(Request{Target: "/account", Cookie: session, Header: Navigation()})
	assert.Equal(t, http.StatusOK, page.Status, "the page accepts the session")
}

func TestACallbackWithABadStateRedirectsDuringAKeyOutage(t *testing.T) {
	a := NewApp(t, AppOptions{})
	session := a.SignedIn(Kim).CookieHeader()
	a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	fresh := NewInstance(t, a.Fake, a.Clock, AppOptions{})
	resp := fresh.Send(Request{Target: "/callback?code=x&state=y", Cookie: session, Header: Navigation()})
	assert.Equal(t, http.StatusSeeOther, resp.Status)
}
