// The suite: responses that no shared cache may store.

package behaviour

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

func TestNoResponseThatSetsACookieCanBeCached(t *testing.T, a *Instance) {
	checkNotCacheable(t, a.Send(Request{Target: "/login", Header: Navigation()}), "the login redirect")
	checkNotCacheable(t, a.Send(Request{Target: "/account", Header: Navigation()}), "a guarded page")
	s := a.StartSignInAs("/login", Kim)
	checkNotCacheable(t, a.Send(Request{Target: s.With("code", "") + "&error=x", Cookie: s.Cookie, Header: Navigation()}), "a refused callback")
	checkNotCacheable(t, a.Send(Request{Target: "/callback?code=x", Header: Navigation()}), "a callback without a state")
	back := a.finishSignIn(a.StartSignInAs("/login", Kim))
	checkNotCacheable(t, back, "the callback")
	checkNotCacheable(t, a.Send(Request{Method: "POST", Target: "/logout", Cookie: back.session(t), Header: Navigation()}), "the logout redirect")

	private := a.Send(Request{Target: "/account", Cookie: a.signIn(Kim), Header: Navigation()})
	assert.Equal(t, "private, no-store", private.Header.Get("Cache-Control"), "a page of a signed-in user is private without a Set-Cookie")
	assert.Contains(t, strings.Join(private.Header["Vary"], ", "), "Cookie")
}

// A session whose signing key has been withdrawn is refreshed by the next request. A new process knows only the current
// keys, so it refreshes the session at once.
func TestAPageWithARefreshedCookieCannotBeCached(t *testing.T, a *Instance) {
	first := a.newDeployment(t)
	cookie := first.signIn(Kim)
	first.Fake.RotateSigningKeys()
	second := first.newProcess(t)
	resp := second.Send(Request{Target: "/", Cookie: cookie, Header: Navigation()})
	assert.Equal(t, http.StatusOK, resp.Status)
	assert.Equal(t, 1, first.Fake.Calls(authkittest.RouteRefresh))
	checkNotCacheable(t, resp, "the home page")
	assert.Equal(t, Kim, second.visitor(resp.session(t)))
}

// checkNotCacheable checks that a response sets a cookie, that its headers keep it out of every shared cache, and that it
// has no other cache header.
func checkNotCacheable(t *testing.T, resp Response, why string) {
	t.Helper()
	require.NotEmpty(t, resp.Header["Set-Cookie"], why)
	for name, values := range resp.Header {
		switch name = strings.ToLower(name); {
		case name == "cache-control":
			assert.Equal(t, []string{"private, no-store"}, values, why)
		case strings.HasSuffix(name, "cache-control"), name == "surrogate-control":
			t.Errorf("%s: %s: %q", why, name, values)
		}
	}
	assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"), why)
	assert.Contains(t, strings.Join(resp.Header["Vary"], ", "), "Cookie", why)
}
