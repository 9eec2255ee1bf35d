// Sessions that grow in the same response that replaces or ends them.

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

// growTokens makes kim's next tokens so large that a session needs several chunks.
func growTokens(a *App) {
	a.Fake.UpdateUser(Kim, func(p *authkittest.User) {
		p.Claims = map[string]any{"template": strings.Repeat("abcdefgh", 900)}
	})
}

// The middleware refreshes the session before Logout runs, into chunks that the request did not have. If Logout expired only
// the cookies of the request, its response would set the refreshed session.
func TestALogoutSetsNoChunkOfASessionThatGrewInItsResponse(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	growTokens(a)
	a.ExpireToken(2 * time.Minute)
	resp := a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: Navigation()})
	require.Equal(t, http.StatusSeeOther, resp.Status)
	for name, c := range resp.SetCookies(t) {
		assert.Negative(t, c.MaxAge, "the response of the sign-out sets %s", name)
	}
}

// Another process would accept a refreshed session in the response of the sign-out, and could refresh it again.
func TestALogoutLeavesNoCookieThatAnotherProcessAccepts(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	other := NewInstance(t, a.Fake, a.Clock, AppOptions{})
	growTokens(a)
	a.ExpireToken(2 * time.Minute)
	resp := a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: Scripted()})
	var remaining []string
	for _, c := range resp.SetCookies(t) {
		if c.MaxAge >= 0 {
			remaining = append(remaining, c.Name+"="+c.Value)
		}
	}
	require.Equal(t, http.StatusUnauthorized,
		other.Send(Request{Target: "/account", Cookie: strings.Join(remaining, "; "), Header: Scripted()}).Status)
}

// The user signs in over a stale session that has grown. The callback must not set both the new cookie and the chunks of the
// refreshed old session. If the browser sent both, its requests would be anonymous.
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
	otherBrowser := a.Browser() // gets the URL of the callback, but cannot finish the sign-in
	_, _ = otherBrowser.SignIn(login.Header.Get("Location"), "lee@example.com")
	callback := otherBrowser.Page().URL
	require.Equal(t, "/callback", callback.Path)

	growTokens(a)
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
