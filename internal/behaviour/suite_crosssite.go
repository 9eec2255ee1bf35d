// The suite: requests from pages of other sites.

package behaviour

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

func TestACrossSiteFormCannotSignOut(t *testing.T, a *Instance) {
	cookie := a.signIn(Kim)
	before := a.Fake.Calls(authkittest.RouteLogout)
	for name, header := range crossSitePosts {
		for kind, request := range map[string]Request{
			"as a form":  {Header: Navigation(), Form: url.Values{"x": {"y"}}},
			"as a fetch": {Header: Scripted()},
		} {
			t.Run(name+", "+kind, func(t *testing.T) {
				request.Method, request.Target, request.Cookie = "POST", "/logout", cookie
				maps.Copy(request.Header, header)
				resp := a.Send(request)
				assert.Equal(t, http.StatusForbidden, resp.Status)
				assert.Empty(t, resp.Header["Set-Cookie"])
				assert.Empty(t, resp.Header["Location"])
				assert.Equal(t, Kim, a.visitor(cookie))
			})
		}
	}
	for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"} {
		header := with(Navigation(), "X-HTTP-Method-Override", "POST")
		resp := a.Send(Request{Method: method, Target: "/logout?_method=POST", Cookie: cookie, Header: header})
		assert.Equal(t, http.StatusMethodNotAllowed, resp.Status, method)
		assert.Empty(t, resp.Header["Set-Cookie"], method)
		assert.Equal(t, Kim, a.visitor(cookie), method)
	}
	assert.Equal(t, before, a.Fake.Calls(authkittest.RouteLogout))

	own := with(with(Navigation(), "Origin", a.URL), "Sec-Fetch-Site", "same-origin")
	assert.Equal(t, http.StatusSeeOther, a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: own}).Status)
	assert.Empty(t, a.visitor(cookie), "the form of the application signs out")
}

func TestAFormOfAnotherSiteInABrowserCannotSignOut(t *testing.T, a *Instance) {
	otherSite := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `<form method="post" action="`+a.URL+`/logout"><button>Win a prize</button></form>`)
	}))
	defer otherSite.Close()
	b := authkittest.NewBrowser()
	defer b.CloseIdleConnections()
	_, err := b.SignIn(a.URL+"/account", Kim)
	require.NoError(t, err)
	_, err = b.Get(otherSite.URL)
	require.NoError(t, err)
	page, err := b.Submit("Win a prize", nil)
	require.NoError(t, err)
	assert.Equal(t, http.StatusForbidden, page.StatusCode)
	page, err = b.Get(a.URL + "/account")
	require.NoError(t, err)
	assert.Contains(t, page.Body, Kim)
}

func TestOnlyANavigationOfAnotherOriginStartsASignIn(t *testing.T, a *Instance) {
	for name, c := range map[string]struct {
		site, mode, dest string
		status           int
	}{
		"a script of a sibling host":         {"same-site", "cors", "empty", http.StatusForbidden},
		"a script on another port":           {"same-site", "no-cors", "empty", http.StatusForbidden},
		"an image on another site":           {"cross-site", "no-cors", "image", http.StatusForbidden},
		"a style sheet of a sibling host":    {"same-site", "no-cors", "style", http.StatusForbidden},
		"a link on a sibling host":           {"same-site", "navigate", "document", http.StatusSeeOther},
		"a link on another site":             {"cross-site", "navigate", "document", http.StatusSeeOther},
		"a frame on a sibling host":          {"same-site", "navigate", "iframe", http.StatusForbidden},
		"a URL typed by the user":            {"none", "navigate", "document", http.StatusSeeOther},
		"a script of the same origin":        {"same-origin", "cors", "empty", http.StatusSeeOther},
		"a browser without Fetch Metadata":   {"", "", "", http.StatusSeeOther},
		"a browser with Sec-Fetch-Site only": {"same-site", "", "", http.StatusSeeOther},
	} {
		t.Run(name, func(t *testing.T) {
			header := http.Header{"Accept": {"*/*"}}
			for field, value := range map[string]string{"Sec-Fetch-Site": c.site, "Sec-Fetch-Mode": c.mode, "Sec-Fetch-Dest": c.dest} {
				if value != "" {
					header.Set(field, value)
				}
			}
			resp := a.Send(Request{Target: "/login", Header: header})
			assert.Equal(t, c.status, resp.Status)
			assert.Equal(t, c.status == http.StatusForbidden, len(resp.Header["Set-Cookie"]) == 0)
		})
	}
}

// crossSitePosts are headers of a POST from a page of another site. Those without Sec-Fetch-Site come from a browser that
// does not send it.
var crossSitePosts = map[string]http.Header{
	"a form on another site":                        {"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}},
	"a form on a sibling host":                      {"Sec-Fetch-Site": {"same-site"}, "Origin": {"http://evil.localhost"}},
	"a form on another port":                        {"Sec-Fetch-Site": {"same-site"}, "Origin": {"http://localhost:1"}},
	"a form with an opaque origin":                  {"Sec-Fetch-Site": {"cross-site"}, "Origin": {"null"}},
	"without Fetch Metadata":                        {"Origin": {"https://evil.example"}},
	"without Fetch Metadata, on another port":       {"Origin": {"http://localhost:1"}},
	"without Fetch Metadata, with an opaque origin": {"Origin": {"null"}},
	"without Fetch Metadata, with a forged host":    {"Origin": {"https://evil.example"}, "X-Forwarded-Host": {"evil.example"}, "Forwarded": {"host=evil.example"}},
	"an origin with this host as its prefix":        {"Origin": {"http://localhost.evil.example"}},
	"a malformed origin":                            {"Origin": {"evil"}},
}
