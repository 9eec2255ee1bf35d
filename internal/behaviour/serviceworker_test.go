// Requests that a service worker passes on, and scripts that accept HTML.

package behaviour

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// passedOn returns the header of a navigation that a service worker passes on with fetch(event.request).
func passedOn() http.Header { return with(Navigation(), "Sec-Fetch-Dest", "empty") }

// repeated returns the header of a navigation that a service worker repeats as a fetch of its own.
func repeated() http.Header { return with(passedOn(), "Sec-Fetch-Mode", "cors") }

func TestASignOutThatAServiceWorkerPassesOnIsRedirectedToWorkOS(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	resp := a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: passedOn()})
	assert.Equal(t, http.StatusSeeOther, resp.Status)
	assert.Contains(t, resp.Header.Get("Location"), a.Fake.URL()+"/user_management/sessions/logout?")
}

func TestAScriptThatAcceptsHTMLGetsPages(t *testing.T) {
	t.Parallel()
	a := NewApp(t, AppOptions{})
	resp := a.Send(Request{Target: "/account?tab=1", Header: repeated()})
	assert.Equal(t, http.StatusUnauthorized, resp.Status)
	assert.Equal(t, "text/html; charset=utf-8", resp.Header.Get("Content-Type"))
	assert.Contains(t, resp.Body, `href="/login?return_to=%2Faccount%3Ftab%3D1"`)
	assert.Empty(t, resp.SetCookies(t))

	cookie := a.SignedIn(Kim).CookieHeader()
	resp = a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: repeated()})
	assert.Equal(t, http.StatusOK, resp.Status)
	assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
	assert.Contains(t, resp.Body, `<meta http-equiv="refresh" content="0;url=`+a.Fake.URL()+"/user_management/sessions/logout?")
	assert.Negative(t, resp.SetCookies(t)["authkit-session"].MaxAge)
	require.True(t, a.Fake.Sessions()[0].Active())
	a.waitUntil(t, func() bool { return !a.Fake.Sessions()[0].Active() }) // the browser may not show the page
}

func TestAScriptThatAcceptsJSONBesideHTMLGetsJSON(t *testing.T) {
	a := NewApp(t, AppOptions{})
	header := with(Scripted(), "Accept", "application/json, text/html;q=0.9")
	assert.Equal(t, "unauthenticated", a.Send(Request{Target: "/account", Header: header}).Problem(t)["code"])
	resp := a.Send(Request{Method: "POST", Target: "/logout", Header: header})
	assert.Equal(t, http.StatusOK, resp.Status)
	assert.JSONEq(t, `{"logout_url":"`+a.URL+`/"}`, resp.Body)
}

func TestASwitchThatAServiceWorkerForwardsShowsThePage(t *testing.T) {
	a := NewSwitchingApp(t)
	cookie := a.AcmeCookie()
	resp := a.SwitchTo("org_beta", cookie, passedOn())
	assert.Equal(t, http.StatusSeeOther, resp.Status)
	cookie = JarAfter(cookie, resp)
	resp = a.SwitchTo("org_gamma", cookie, repeated())
	assert.Equal(t, http.StatusOK, resp.Status)
	assert.Contains(t, resp.Body, `<meta http-equiv="refresh" content="0;url=/`)
	assert.Equal(t, "org_gamma", a.Me(JarAfter(cookie, resp))["organization"])
}
