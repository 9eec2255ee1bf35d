// Calls of a handler for a session that is due because of a change at WorkOS.

package behaviour

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

// newChangingHandler returns an application whose handlers make the calls, with a due session of kim in org_acme.
func newChangingHandler(t *testing.T) (f *fromHandler, c *Changes, cookie string) {
	f = newFromHandler(t)
	f.Mux.HandleFunc("POST /now/switch", f.switchTo)
	c = ChangesOf(f.App)
	cookie = f.AcmeCookie()
	f.Clock.Advance(time.Second)
	c.SetRole("org_acme", "guest")
	return f, c, cookie
}

func TestAHandlerRefreshesADueSession(t *testing.T) {
	f, _, cookie := newChangingHandler(t)
	resp := f.post("/now/refresh", cookie)
	require.Equal(t, http.StatusOK, resp.Status, resp.Body)
	assert.JSONEq(t, `{"before":"guest","role":"guest","organization":"org_acme"}`, resp.Body)
	assert.Equal(t, 2, f.exchanges(), "one of the middleware and one of the handler")
	me, jar := f.meAfter(resp.NewCookie(t))
	assert.Equal(t, "guest", me["role"])
	assert.Equal(t, resp.NewCookie(t), jar)
	assert.Equal(t, 2, f.exchanges())
}

func TestAHandlerWithoutTheMiddlewareRefreshesADueSessionOnce(t *testing.T) {
	f, _, cookie := newChangingHandler(t)
	resp := f.ServeDirectly(f.refresh, Request{Method: http.MethodPost, Target: "/", Cookie: cookie})
	require.Equal(t, http.StatusOK, resp.Status, resp.Body)
	assert.JSONEq(t, `{"before":"","role":"guest","organization":"org_acme"}`, resp.Body)
	assert.Equal(t, "guest", f.Me(resp.NewCookie(t))["role"])
	assert.Equal(t, 1, f.exchanges())
}

func TestAHandlerSwitchesADueSession(t *testing.T) {
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	for name, c := range map[string]struct {
		direct    bool
		exchanges int
	}{"behind the middleware": {false, 2}, "without the middleware": {true, 1}} {
		t.Run(name, func(t *testing.T) {
			f, changes, cookie := newChangingHandler(t)
			changes.SetRole("org_beta", "owner") // the organization of the switch has a mark too
			q := Request{Method: http.MethodPost, Target: "/now/switch", Cookie: cookie, Header: form, Form: map[string][]string{"to": {"org_beta"}}}
			var resp Response
			if c.direct {
				resp = f.ServeDirectly(f.switchTo, q)
			} else {
				resp = f.Send(q)
			}
			require.Equal(t, http.StatusOK, resp.Status, resp.Body)
			assert.Equal(t, "owner", decoded(t, resp)["role"])
			assert.Equal(t, "org_beta", decoded(t, resp)["organization"])
			jar := resp.NewCookie(t)
			assert.Equal(t, "owner", f.Me(jar)["role"])
			assert.Equal(t, c.exchanges, f.exchanges())
			assert.Equal(t, "guest", f.Me(f.SwitchTo("org_acme", jar, Scripted()).NewCookie(t))["role"])
			assert.Equal(t, c.exchanges+1, f.exchanges())
		})
	}
}

// The refresh of the middleware is refused, so the handler has no session.
func TestAHandlerGetsNoDueSessionWhoseRefreshIsRefused(t *testing.T) {
	f, _, cookie := newChangingHandler(t)
	f.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 404, Body: `{"message":"Not found"}`})
	for _, target := range []string{"/now/refresh", "/now/switch"} {
		resp := f.post(target, cookie)
		assert.Equal(t, http.StatusUnauthorized, resp.Status)
		assert.Equal(t, "unauthenticated", resp.Problem(t)["code"])
		assert.Empty(t, resp.SetCookies(t))
	}
	assert.Equal(t, 1, f.Fake.Calls(authkittest.RouteRefresh))
}
