// A session that grew in the very response that replaces or ends it.

package behaviour

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

func grow(a *App) {
	a.Fake.UpdateUser(Kim, func(p *authkittest.User) {
		p.Claims = map[string]any{"template": strings.Repeat("abcdefgh", 900)}
	})
}

// The middleware renews the session before Logout runs, and puts it into chunks that the request did not bring.
// Logout expires the name and what the request brought: the renewed session goes out with the "signed out" answer.
func TestALogoutSetsNoChunkOfASessionThatGrewInItsResponse(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	grow(a)
	a.ExpireToken(2 * time.Minute)
	resp := a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: Navigation()})
	require.Equal(t, http.StatusSeeOther, resp.Status)
	for name, c := range resp.SetCookies(t) {
		assert.Negative(t, c.MaxAge, "%s is set to a live session by the answer that signs out", name)
	}
}

// What went out with the logout is good at every other process, and for longer than the token: it holds a fresh one.
func TestALogoutLeavesNoCookieThatAnotherProcessAccepts(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	other := NewInstance(t, a.Fake, a.Clock, AppOptions{})
	grow(a)
	a.ExpireToken(2 * time.Minute)
	resp := a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: Scripted()})
	var left []string
	for _, c := range resp.SetCookies(t) {
		if c.MaxAge >= 0 {
			left = append(left, c.Name+"="+c.Value)
		}
	}
	require.Equal(t, http.StatusUnauthorized,
		other.Send(Request{Target: "/account", Cookie: strings.Join(left, "; "), Header: Scripted()}).Status)
}

// A second sign-in over a stale session that has grown: the answer of the callback sets the new whole cookie AND the
// chunks of the old session, renewed. The browser then sends both, which is nobody.
func TestASignInReplacesASessionThatGrewInTheSameResponse(t *testing.T) {
	a := NewApp(t, AppOptions{})
	session := a.SignedIn(Kim).CookieHeader()
	login := a.Send(Request{Target: "/login", Cookie: session, Header: Navigation()})
	state := ""
	for name, c := range login.SetCookies(t) {
		if strings.HasPrefix(name, "authkit-state-") {
			state = name + "=" + c.Value
		}
	}
	elsewhere := a.Browser() // carries the sign-in to its callback, which it cannot finish there
	_, _ = elsewhere.SignIn(login.Header.Get("Location"), "lee@example.com")
	callback := elsewhere.Page().URL
	require.Equal(t, "/callback", callback.Path)

	grow(a)
	a.ExpireToken(2 * time.Minute)
	resp := a.Send(Request{Target: callback.RequestURI(), Cookie: session + "; " + state, Header: Navigation()})
	require.Equal(t, http.StatusSeeOther, resp.Status)
	var jar []string
	for _, c := range resp.SetCookies(t) {
		if c.MaxAge >= 0 {
			jar = append(jar, c.Name+"="+c.Value)
		}
	}
	assert.Len(t, jar, 1)
	assert.Contains(t, a.Send(Request{Target: "/account", Cookie: strings.Join(jar, "; ")}).Body, "lee@example.com")
}
