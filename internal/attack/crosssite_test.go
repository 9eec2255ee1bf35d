// Forms on other sites' pages: line 5 of the list.

package attack_test

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

// fromElsewhere are the headers of a POST that another site's page has caused. Those without Sec-Fetch-Site are of a
// browser that sends none.
var fromElsewhere = map[string]http.Header{
	"a form on another site":                {"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}},
	"a form on a sibling's page":            {"Sec-Fetch-Site": {"same-site"}, "Origin": {"http://evil.localhost"}},
	"a form on another port":                {"Sec-Fetch-Site": {"same-site"}, "Origin": {"http://localhost:1"}},
	"a form that hides where it comes from": {"Sec-Fetch-Site": {"cross-site"}, "Origin": {"null"}},
	"an old browser":                        {"Origin": {"https://evil.example"}},
	"an old browser, on another port":       {"Origin": {"http://localhost:1"}},
	"an old browser that hides":             {"Origin": {"null"}},
	"an old browser, and a forged host":     {"Origin": {"https://evil.example"}, "X-Forwarded-Host": {"evil.example"}, "Forwarded": {"host=evil.example"}},
	"an origin that begins like this one":   {"Origin": {"http://localhost.evil.example"}},
	"an origin that is no origin":           {"Origin": {"evil"}},
}

func TestAFormOnAnotherSitesPageSignsNobodyOut(t *testing.T) {
	everywhere(t, func(t *testing.T, a *target) {
		cookie := a.signIn(kim)
		before := a.fake.Calls(authkittest.RouteLogout)
		for name, header := range fromElsewhere {
			for kind, request := range map[string]request{
				"as a form":  {header: navigation(), form: url.Values{"x": {"y"}}},
				"as a fetch": {header: scripted()},
			} {
				t.Run(name+", "+kind, func(t *testing.T) {
					request.method, request.path, request.cookie = "POST", "/logout", cookie
					maps.Copy(request.header, header)
					resp := a.send(request)
					assert.Equal(t, http.StatusForbidden, resp.status)
					assert.Empty(t, resp.header["Set-Cookie"])
					assert.Empty(t, resp.header["Location"])
					assert.Equal(t, kim, a.visitor(cookie))
				})
			}
		}
		for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"} {
			header := with(navigation(), "X-HTTP-Method-Override", "POST")
			resp := a.send(request{method: method, path: "/logout?_method=POST", cookie: cookie, header: header})
			assert.Equal(t, http.StatusMethodNotAllowed, resp.status, method)
			assert.Empty(t, resp.header["Set-Cookie"], method)
			assert.Equal(t, kim, a.visitor(cookie), method)
		}
		assert.Equal(t, before, a.fake.Calls(authkittest.RouteLogout))

		own := with(with(navigation(), "Origin", a.url), "Sec-Fetch-Site", "same-origin")
		assert.Equal(t, http.StatusSeeOther, a.send(request{method: "POST", path: "/logout", cookie: cookie, header: own}).status)
		assert.Empty(t, a.visitor(cookie), "the application's own form does")
	})
}

func TestAPageThatABrowserOpensElsewhereSignsNobodyOut(t *testing.T) {
	everywhere(t, func(t *testing.T, a *target) {
		elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, `<form method="post" action="`+a.url+`/logout"><button>Win a prize</button></form>`)
		}))
		defer elsewhere.Close()
		b := authkittest.NewBrowser()
		defer b.CloseIdleConnections()
		_, err := b.SignIn(a.url+"/account", kim)
		require.NoError(t, err)
		_, err = b.Get(elsewhere.URL)
		require.NoError(t, err)
		page, err := b.Submit("Win a prize", nil)
		require.NoError(t, err)
		assert.Equal(t, http.StatusForbidden, page.StatusCode)
		page, err = b.Get(a.url + "/account")
		require.NoError(t, err)
		assert.Contains(t, page.Body, kim)
	})
}

func TestAFormOnAnotherSitesPageSwitchesNobodysOrganization(t *testing.T) {
	m := newMinimal(t)
	m.fake.UpdateUser(kim, func(p *authkittest.User) {
		p.Memberships = append(p.Memberships, authkittest.Membership{OrganizationID: "org_beta", Role: "viewer"})
	})
	cookie := m.signIn(kim)
	organization := func() string {
		_, rest, _ := strings.Cut(m.send(request{path: "/api/me", cookie: cookie, header: scripted()}).body, `"organization_id":"`)
		id, _, _ := strings.Cut(rest, `"`)
		return id
	}
	was := organization()
	other := map[string]string{"org_acme": "org_beta", "org_beta": "org_acme"}[was]
	require.NotEmpty(t, other)
	for name, header := range fromElsewhere {
		t.Run(name, func(t *testing.T) {
			header := maps.Clone(header)
			maps.Copy(header, navigation())
			resp := m.send(request{method: "POST", path: "/organization", cookie: cookie, header: header, form: url.Values{"organization_id": {other}}})
			assert.Equal(t, http.StatusForbidden, resp.status)
			assert.Empty(t, resp.header["Set-Cookie"])
			assert.Equal(t, was, organization())
		})
	}
	for _, method := range []string{"GET", "HEAD", "PUT"} {
		assert.Equal(t, http.StatusMethodNotAllowed, m.send(request{method: method, path: "/organization?organization_id=" + other, cookie: cookie}).status)
	}
	assert.Zero(t, m.fake.Calls(authkittest.RouteRefresh))

	own := with(with(navigation(), "Origin", m.url), "Sec-Fetch-Site", "same-origin")
	for hostile, want := range map[string]string{"//evil.example": "/", `/\evil.example`: "/", "/account": "/account"} {
		resp := m.send(request{method: "POST", path: "/organization", cookie: cookie, header: own, form: url.Values{
			"organization_id": {other}, "return_to": {hostile},
		}})
		require.Equal(t, http.StatusSeeOther, resp.status)
		assert.Equal(t, want, resp.header.Get("Location"))
		cookie = resp.session(t)
		assert.Equal(t, other, organization(), "the application's own form does")
		was, other = other, was
	}
}

func TestAScriptOfAnotherSitesPageUsesUpNoSignIn(t *testing.T) {
	everywhere(t, func(t *testing.T, a *target) {
		for name, c := range map[string]struct {
			site, mode, dest string
			status           int
		}{
			"a sibling's script":           {"same-site", "cors", "empty", http.StatusForbidden},
			"a script on another port":     {"same-site", "no-cors", "empty", http.StatusForbidden},
			"an image on another site":     {"cross-site", "no-cors", "image", http.StatusForbidden},
			"a style sheet of a sibling":   {"same-site", "no-cors", "style", http.StatusForbidden},
			"a link on a sibling's page":   {"same-site", "navigate", "document", http.StatusSeeOther},
			"a link on another site":       {"cross-site", "navigate", "document", http.StatusSeeOther},
			"a frame of a sibling's page":  {"same-site", "navigate", "iframe", http.StatusForbidden},
			"an address that was typed":    {"none", "navigate", "document", http.StatusSeeOther},
			"this page's own script":       {"same-origin", "cors", "empty", http.StatusSeeOther},
			"a browser that tells nothing": {"", "", "", http.StatusSeeOther},
			"a browser that tells half":    {"same-site", "", "", http.StatusSeeOther},
		} {
			t.Run(name, func(t *testing.T) {
				header := http.Header{"Accept": {"*/*"}}
				for field, value := range map[string]string{"Sec-Fetch-Site": c.site, "Sec-Fetch-Mode": c.mode, "Sec-Fetch-Dest": c.dest} {
					if value != "" {
						header.Set(field, value)
					}
				}
				resp := a.send(request{path: "/login", header: header})
				assert.Equal(t, c.status, resp.status)
				assert.Equal(t, c.status == http.StatusForbidden, len(resp.header["Set-Cookie"]) == 0)
			})
		}
	})
}
