// Forged headers of proxies: line 2 of the list.

package attack_test

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
)

// forgeries are headers that an application behind a careless proxy may believe.
func forgeries() map[string]http.Header {
	all := map[string]http.Header{
		"Host":                       {"Host": {"evil.example"}},
		"Host with a port":           {"Host": {"evil.example:443"}},
		"X-Forwarded-Host":           {"X-Forwarded-Host": {"evil.example"}},
		"X-Forwarded-Host, a list":   {"X-Forwarded-Host": {"evil.example, localhost"}},
		"X-Forwarded-Proto of https": {"X-Forwarded-Proto": {"https"}},
		"X-Forwarded-Proto of none":  {"X-Forwarded-Proto": {"javascript"}},
		"X-Forwarded-Scheme":         {"X-Forwarded-Scheme": {"https"}, "X-Forwarded-Ssl": {"on"}, "Front-End-Https": {"on"}},
		"X-Forwarded-Port":           {"X-Forwarded-Port": {"443"}},
		"X-Forwarded-Prefix":         {"X-Forwarded-Prefix": {"//evil.example"}},
		"Forwarded":                  {"Forwarded": {`for=10.0.0.1;host=evil.example;proto=https`}},
		"X-Original-URL":             {"X-Original-Url": {"//evil.example"}, "X-Rewrite-Url": {"//evil.example"}},
		"X-Forwarded-Uri":            {"X-Forwarded-Uri": {"//evil.example"}},
		"X-Original-Host":            {"X-Original-Host": {"evil.example"}, "X-Host": {"evil.example"}, "X-Http-Host-Override": {"evil.example"}},
		"Referer and Origin":         {"Referer": {"https://evil.example/"}, "Origin": {"https://evil.example"}},
	}
	every := http.Header{}
	for _, h := range all {
		maps.Copy(every, h)
	}
	all["all of them at once"] = every
	return all
}

func TestForgedHeadersOfAProxyChangeNoAddressAndNoCookie(t *testing.T) {
	everywhere(t, func(t *testing.T, a *target) {
		// signsIn is all that a response leads to and leaves behind, without what is random.
		signsIn := func(resp response) map[string]string {
			require.Len(t, resp.header["Location"], 1)
			asked, err := url.Parse(resp.header.Get("Location"))
			require.NoError(t, err)
			seen := map[string]string{"at": asked.Scheme + "://" + asked.Host + asked.Path, "redirect_uri": asked.Query().Get("redirect_uri")}
			require.Len(t, resp.header["Set-Cookie"], 1)
			name, rest, _ := strings.Cut(resp.header.Get("Set-Cookie"), "=")
			_, seen["attributes"], _ = strings.Cut(rest, "; ")
			seen["cookie"], _, _ = strings.Cut(name, "state-")
			return seen
		}
		plain := signsIn(a.send(request{path: "/login", header: navigation()}))
		require.Equal(t, a.url+"/callback", plain["redirect_uri"])
		require.Equal(t, "Path=/; Max-Age=90000; HttpOnly; SameSite=Lax", plain["attributes"])
		require.Equal(t, "authkit-", plain["cookie"])
		for name, forged := range forgeries() {
			t.Run(name, func(t *testing.T) {
				header := navigation()
				maps.Copy(header, forged)
				login := a.send(request{path: "/login?return_to=/account", header: header})
				assert.Equal(t, plain, signsIn(login))
				assert.Equal(t, plain, signsIn(a.send(request{path: "/account", header: header})), "from a guarded page")

				s := a.goOn(login, kim)
				back := a.send(request{path: s.path(), cookie: s.cookie, header: header})
				require.Equal(t, http.StatusSeeOther, back.status)
				assert.Equal(t, "/account", back.header.Get("Location"))
				session := back.setCookies(t)[sessionCookie]
				require.NotNil(t, session)
				assert.False(t, session.Secure)
				assert.Empty(t, session.Domain)
				assert.Equal(t, kim, a.visitorOf(a.send(request{path: "/api/me", cookie: back.session(t), header: header})))

				page := a.send(request{path: "/callback?code=x&state=y", header: header})
				assert.Equal(t, http.StatusBadRequest, page.status)
				assert.Contains(t, page.body, `href="/login"`)
				assert.NotContains(t, page.body, "evil")

				header.Del("Origin") // that one is judged by itself
				out := a.send(request{method: "POST", path: "/logout", cookie: back.session(t), header: header})
				require.Equal(t, http.StatusSeeOther, out.status)
				assert.True(t, strings.HasPrefix(out.header.Get("Location"), a.fake.URL()+"/user_management/sessions/logout?"))
				assert.NotContains(t, out.header.Get("Location"), "evil")
			})
		}
	})
}

func TestACookieOfAnHTTPSApplicationStaysSecureWhateverAProxySaysOfPlainHTTP(t *testing.T) {
	m := newMinimal(t, authkit.WithRedirectURL("https://app.example.com/callback"))
	for name, forged := range forgeries() {
		header := navigation()
		maps.Copy(header, forged)
		header.Set("X-Forwarded-Proto", "http")
		resp := m.send(request{path: "/login", header: header})
		location, err := url.Parse(resp.header.Get("Location"))
		require.NoError(t, err)
		assert.Equal(t, "https://app.example.com/callback", location.Query().Get("redirect_uri"), name)
		require.Len(t, resp.setCookies(t), 1)
		for cookie, c := range resp.setCookies(t) {
			assert.True(t, strings.HasPrefix(cookie, "__Host-"+statePrefix), name)
			assert.True(t, c.Secure && c.HttpOnly, name)
		}
	}
}
