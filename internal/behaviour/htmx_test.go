// Requests of htmx: guards, sign-out and the switch of the organization.

package behaviour

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit"
)

// ofHTMX returns the header of a request that htmx sends for an element of the page at address.
func ofHTMX(address string) http.Header {
	return http.Header{
		"Sec-Fetch-Mode": {"cors"}, "Sec-Fetch-Dest": {"empty"}, "Accept": {"*/*"},
		"Hx-Request": {"true"}, "Hx-Current-Url": {address},
	}
}

func TestAnAnonymousRequestOfHTMXIsRedirectedToSignInByHeader(t *testing.T) {
	a := NewApp(t, AppOptions{})
	page := a.URL + "/orders/a%2Fb?page=2#row-7"
	withoutFetchMetadata := http.Header{"Accept": {"text/html, */*"}, "Hx-Request": {"true"}, "Hx-Current-Url": {page}}
	for name, q := range map[string]Request{
		"a fragment":                       {Target: "/account?part=1", Header: ofHTMX(page)},
		"a fragment that accepts HTML":     {Target: "/account?part=1", Header: with(ofHTMX(page), "Accept", "text/html")},
		"a browser without Fetch Metadata": {Target: "/account?part=1", Header: withoutFetchMetadata},
		"a form":                           {Method: "POST", Target: "/account", Header: ofHTMX(page), Form: url.Values{"name": {"x"}}},
	} {
		t.Run(name, func(t *testing.T) {
			resp := a.Send(q)
			assert.Equal(t, http.StatusUnauthorized, resp.Status)
			assert.Equal(t, "/login?return_to=%2Forders%2Fa%252Fb%3Fpage%3D2%23row-7", resp.Header.Get("HX-Redirect"))
			assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
			assert.ElementsMatch(t, []string{"Cookie", "HX-Request"}, resp.Header.Values("Vary"))
			assert.Empty(t, resp.SetCookies(t), "elements poll")
			assert.Empty(t, resp.Header.Get("Location"))
		})
	}
	resp := a.Send(Request{Target: "/account", Header: Scripted()})
	assert.NotContains(t, resp.Header, "Hx-Redirect")
	resp = a.Send(Request{Target: "/account", Header: ofHTMX(page), Cookie: a.SignedIn(Kim).CookieHeader()})
	assert.Equal(t, http.StatusOK, resp.Status)
	assert.NotContains(t, resp.Header, "Hx-Redirect")
}

func TestABoostedLinkOfHTMXReturnsToThePageThatItLeadsTo(t *testing.T) {
	a := NewApp(t, AppOptions{})
	boosted := with(ofHTMX(a.URL+"/orders"), "HX-Boosted", "true")
	resp := a.Send(Request{Target: "/account?tab=1", Header: boosted})
	assert.Equal(t, http.StatusUnauthorized, resp.Status)
	assert.Equal(t, "/login?return_to=%2Faccount%3Ftab%3D1", resp.Header.Get("HX-Redirect"))
	resp = a.Send(Request{Method: "POST", Target: "/account", Header: boosted, Form: url.Values{"name": {"x"}}})
	assert.Equal(t, "/login?return_to=%2Forders", resp.Header.Get("HX-Redirect"), "a redirect cannot repeat a POST")
}

func TestARequestOfHTMXReturnsOnlyToThisOrigin(t *testing.T) {
	a := NewApp(t, AppOptions{})
	for current, want := range map[string]string{
		"":                                "/login",
		"https://evil.example/page":       "/login?return_to=%2Fpage",
		"https://evil.example//evil2.com": "/login",
		"https://evil.example/%5cevil2":   "/login",
		"//evil.example":                  "/login",
		"javascript:alert(1)":             "/login",
		"/page":                           "/login",
		"http://[":                        "/login",
	} {
		resp := a.Send(Request{Target: "/account", Header: ofHTMX(current)})
		assert.Equal(t, http.StatusUnauthorized, resp.Status)
		assert.Equal(t, want, resp.Header.Get("HX-Redirect"), current)
	}
}

func TestARequestOfHTMXWithARefusedTokenIsNotRedirected(t *testing.T) {
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithBearerTokens()}})
	resp := a.Send(Request{Target: "/account", Header: with(ofHTMX(a.URL+"/"), "Authorization", "Bearer no-token")})
	assert.Equal(t, http.StatusUnauthorized, resp.Status)
	assert.NotContains(t, resp.Header, "Hx-Redirect")
	assert.Contains(t, resp.Header.Get("WWW-Authenticate"), "invalid_token")
}

func TestASignOutByHTMXLoadsWorkOSsLogout(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	resp := a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: ofHTMX(a.URL + "/account")})
	assert.Equal(t, http.StatusOK, resp.Status)
	assert.Contains(t, resp.Header.Get("HX-Redirect"), a.Fake.URL()+"/user_management/sessions/logout?")
	assert.Negative(t, resp.SetCookies(t)["authkit-session"].MaxAge)
}

func TestASwitchByHTMXLoadsTheReturnPath(t *testing.T) {
	a := NewSwitchingApp(t)
	resp := a.SwitchTo("org_beta", a.AcmeCookie(), ofHTMX(a.URL+"/"))
	assert.Equal(t, http.StatusOK, resp.Status)
	assert.Equal(t, "/account", resp.Header.Get("HX-Redirect"))
}
