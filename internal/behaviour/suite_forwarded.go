// The suite: forged proxy headers.

package behaviour

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestForgedProxyHeadersChangeNoURLAndNoCookie(t *testing.T, a *Instance) {
	// summary returns the redirect and the cookie of a login response, without their random parts.
	summary := func(resp Response) map[string]string {
		require.Len(t, resp.Header["Location"], 1)
		location, err := url.Parse(resp.Header.Get("Location"))
		require.NoError(t, err)
		seen := map[string]string{"url": location.Scheme + "://" + location.Host + location.Path, "redirect_uri": location.Query().Get("redirect_uri")}
		require.Len(t, resp.Header["Set-Cookie"], 1)
		name, rest, _ := strings.Cut(resp.Header.Get("Set-Cookie"), "=")
		_, seen["attributes"], _ = strings.Cut(rest, "; ")
		seen["cookie"], _, _ = strings.Cut(name, "state-")
		return seen
	}
	plain := summary(a.Send(Request{Target: "/login", Header: Navigation()}))
	require.Equal(t, a.URL+"/callback", plain["redirect_uri"])
	require.Equal(t, "Path=/; Max-Age=90000; HttpOnly; SameSite=Lax", plain["attributes"])
	require.Equal(t, "authkit-", plain["cookie"])
	for name, forged := range forgeries() {
		t.Run(name, func(t *testing.T) {
			header := Navigation()
			maps.Copy(header, forged)
			login := a.Send(Request{Target: "/login?return_to=/account", Header: header})
			assert.Equal(t, plain, summary(login))
			assert.Equal(t, plain, summary(a.Send(Request{Target: "/account", Header: header})), "from a guarded page")

			s := a.continueSignIn(login, Kim)
			back := a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: header})
			require.Equal(t, http.StatusSeeOther, back.Status)
			assert.Equal(t, "/account", back.Header.Get("Location"))
			session := back.SetCookies(t)[sessionCookie]
			require.NotNil(t, session)
			assert.False(t, session.Secure)
			assert.Empty(t, session.Domain)
			assert.Equal(t, Kim, a.visitorOf(a.Send(Request{Target: "/api/me", Cookie: back.session(t), Header: header})))

			page := a.Send(Request{Target: "/callback?code=x&state=y", Header: header})
			assert.Equal(t, http.StatusBadRequest, page.Status)
			assert.Contains(t, page.Body, `href="/login"`)
			assert.NotContains(t, page.Body, "evil")

			header.Del("Origin") // a POST with a forged Origin is refused
			out := a.Send(Request{Method: "POST", Target: "/logout", Cookie: back.session(t), Header: header})
			require.Equal(t, http.StatusSeeOther, out.Status)
			assert.True(t, strings.HasPrefix(out.Header.Get("Location"), a.Fake.URL()+"/user_management/sessions/logout?"))
			assert.NotContains(t, out.Header.Get("Location"), "evil")
		})
	}
}

// forgeries returns headers that an application may trust if a proxy does not remove them.
func forgeries() map[string]http.Header {
	all := map[string]http.Header{
		"Host":                         {"Host": {"evil.example"}},
		"Host with a port":             {"Host": {"evil.example:443"}},
		"X-Forwarded-Host":             {"X-Forwarded-Host": {"evil.example"}},
		"X-Forwarded-Host, a list":     {"X-Forwarded-Host": {"evil.example, localhost"}},
		"X-Forwarded-Proto https":      {"X-Forwarded-Proto": {"https"}},
		"X-Forwarded-Proto javascript": {"X-Forwarded-Proto": {"javascript"}},
		"X-Forwarded-Scheme":           {"X-Forwarded-Scheme": {"https"}, "X-Forwarded-Ssl": {"on"}, "Front-End-Https": {"on"}},
		"X-Forwarded-Port":             {"X-Forwarded-Port": {"443"}},
		"X-Forwarded-Prefix":           {"X-Forwarded-Prefix": {"//evil.example"}},
		"Forwarded":                    {"Forwarded": {`for=10.0.0.1;host=evil.example;proto=https`}},
		"X-Original-URL":               {"X-Original-Url": {"//evil.example"}, "X-Rewrite-Url": {"//evil.example"}},
		"X-Forwarded-Uri":              {"X-Forwarded-Uri": {"//evil.example"}},
		"X-Original-Host":              {"X-Original-Host": {"evil.example"}, "X-Host": {"evil.example"}, "X-Http-Host-Override": {"evil.example"}},
		"Referer and Origin":           {"Referer": {"https://evil.example/"}, "Origin": {"https://evil.example"}},
	}
	combined := http.Header{}
	for _, h := range all {
		maps.Copy(combined, h)
	}
	all["all headers at once"] = combined
	return all
}
