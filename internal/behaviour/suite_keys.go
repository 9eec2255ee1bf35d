// The suite: an application that cannot fetch the signing keys.

package behaviour

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit/authkittest"
)

func TestWithoutSigningKeysAnApplicationStartsAndAnswers503ToSessions(t *testing.T, a *Instance) {
	cookie := a.signIn(Kim)
	a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	defer a.Fake.ClearFault(authkittest.RouteJWKS)
	checkWithoutKeys(t, a.newProcess(t), cookie)
	assert.Equal(t, Kim, a.visitor(cookie), "a process that has the keys still accepts the session")
}

// checkWithoutKeys checks the answers of an application without signing keys to requests with a session.
func checkWithoutKeys(t *testing.T, a *Instance, cookie string) {
	t.Helper()
	refreshes := a.Fake.Calls(authkittest.RouteRefresh)
	for _, header := range []http.Header{Navigation(), Scripted()} {
		for _, path := range []string{"/account", "/api/me"} {
			resp := a.Send(Request{Target: path, Cookie: cookie, Header: header})
			assert.Equal(t, http.StatusServiceUnavailable, resp.Status)
			assert.NotEmpty(t, resp.Header.Get("Retry-After"))
			assert.Empty(t, resp.Header["Set-Cookie"], "the cookie is not expired")
		}
	}
	for path, status := range map[string]int{"/": 200, "/healthz": 200, "/login": 303} {
		resp := a.Send(Request{Target: path, Cookie: cookie, Header: Navigation()})
		assert.Equal(t, status, resp.Status, path)
		assert.NotContains(t, resp.Body, Kim, path)
	}
	assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/api/me", Header: Scripted()}).Status, "an anonymous request is still answered 401")
	s := a.StartSignInAs("/account", Kim)
	exchanges := a.Fake.Calls(authkittest.RouteCodeExchange)
	resp := a.Send(Request{Target: s.Target(), Cookie: s.Cookie + "; " + cookie, Header: Navigation()})
	assert.Equal(t, http.StatusServiceUnavailable, resp.Status)
	assert.Empty(t, resp.Header["Set-Cookie"], "a reload of the callback can finish the sign-in")
	assert.Equal(t, exchanges, a.Fake.Calls(authkittest.RouteCodeExchange), "no code is exchanged for a token that cannot be verified")
	assert.Equal(t, refreshes, a.Fake.Calls(authkittest.RouteRefresh), "no session is refreshed")
}
