// A session that grew in the very response that replaces or ends it.

package authkit_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

func grow(a *app) {
	a.fake.UpdatePerson(kim, func(p *authkittest.Person) {
		p.Claims = map[string]any{"template": strings.Repeat("abcdefgh", 900)}
	})
}

// The middleware renews the session before Logout runs, and puts it into chunks that the request did not bring.
// Logout expires the name and what the request brought: the renewed session goes out with the "signed out" answer.
func TestLogoutLeavesNoPartOfASessionThatGrewInTheSameResponse(t *testing.T) {
	a := newApp(t, appOptions{})
	cookie := a.signedIn(kim).cookieHeader()
	grow(a)
	a.expireToken(2 * time.Minute)
	resp := a.send(request{method: "POST", target: "/logout", cookie: cookie, header: navigation()})
	require.Equal(t, http.StatusSeeOther, resp.status)
	for name, c := range resp.setCookies(t) {
		assert.Negative(t, c.MaxAge, "%s is set to a live session by the answer that signs out", name)
	}
}

// What went out with the logout is good at every other process, and for longer than the token: it holds a fresh one.
func TestAfterLogoutTheBrowserHoldsNothingThatAnotherProcessTakes(t *testing.T) {
	a := newApp(t, appOptions{})
	cookie := a.signedIn(kim).cookieHeader()
	other := newInstance(t, a.fake, a.clock, appOptions{})
	grow(a)
	a.expireToken(2 * time.Minute)
	resp := a.send(request{method: "POST", target: "/logout", cookie: cookie, header: scripted()})
	var left []string
	for _, c := range resp.setCookies(t) {
		if c.MaxAge >= 0 {
			left = append(left, c.Name+"="+c.Value)
		}
	}
	require.Equal(t, http.StatusUnauthorized,
		other.send(request{target: "/account", cookie: strings.Join(left, "; "), header: scripted()}).status)
}

// A second sign-in over a stale session that has grown: the answer of the callback sets the new whole cookie AND the
// chunks of the old session, renewed. The browser then sends both, which is nobody.
func TestASignInReplacesASessionThatGrewInTheSameResponse(t *testing.T) {
	a := newApp(t, appOptions{})
	session := a.signedIn(kim).cookieHeader()
	login := a.send(request{target: "/login", cookie: session, header: navigation()})
	state := ""
	for name, c := range login.setCookies(t) {
		if strings.HasPrefix(name, "authkit-state-") {
			state = name + "=" + c.Value
		}
	}
	elsewhere := a.browser() // carries the sign-in to its callback, which it cannot finish there
	_, _ = elsewhere.SignIn(login.header.Get("Location"), "lee@example.com")
	callback := elsewhere.Page().URL
	require.Equal(t, "/callback", callback.Path)

	grow(a)
	a.expireToken(2 * time.Minute)
	resp := a.send(request{target: callback.RequestURI(), cookie: session + "; " + state, header: navigation()})
	require.Equal(t, http.StatusSeeOther, resp.status)
	var jar []string
	for _, c := range resp.setCookies(t) {
		if c.MaxAge >= 0 {
			jar = append(jar, c.Name+"="+c.Value)
		}
	}
	assert.Len(t, jar, 1)
	assert.Contains(t, a.send(request{target: "/account", cookie: strings.Join(jar, "; ")}).body, "lee@example.com")
}
