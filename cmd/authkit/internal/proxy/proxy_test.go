// Tests of the plain proxy: who passes, and what the upstream gets.

package proxy_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/cmd/authkit/internal/proxy"
)

func TestTheProxySignsInAndTellsTheUpstreamWhoItIs(t *testing.T) {
	d := start(t, echo, setUp{change: func(c *proxy.Config) {
		c.Rules = []proxy.Rule{{Path: "/public/*", Allow: []string{"public"}}, {Path: "/admin/*", Roles: []string{"admin"}}}
	}})
	assert.Equal(t, 401, d.do("", "GET", "/a", nil).StatusCode)
	assert.Equal(t, 401, d.do("", "GET", "/admin", nil).StatusCode)
	assert.Equal(t, 400, d.do("", "GET", "/public/%2e%2e/admin", nil).StatusCode)
	anonymous := d.do("", "GET", "/public/a?x=1;y=%zz&z", nil, "X-Authkit-User: evil", "X_Authkit_Email: evil").sees(t)
	assert.Equal(t, "/public/a", anonymous.Path)
	assert.Equal(t, "x=1;y=%zz&z", anonymous.Query, "the query arrives byte for byte")
	assert.Empty(t, anonymous.Header["X-Authkit-User"])
	assert.NotContains(t, anonymous.Header, "X_authkit_email")

	page, err := d.browser(ben).Get(d.URL + "/reports?year=2026")
	require.NoError(t, err)
	assert.Equal(t, 200, page.StatusCode)
	got := d.do(ben, "POST", "/a%2Fb", strings.NewReader("body"), "X-Authkit-User: evil", "Connection: X-Authkit-Email").sees(t)
	assert.Equal(t, ben, got.Header.Get("X-Authkit-Email"))
	assert.Regexp(t, "^user_", got.Header.Get("X-Authkit-User"))
	assert.Equal(t, "/a%2Fb", got.Path)
	assert.Equal(t, "body", got.Body)
	assert.Empty(t, got.Header["Cookie"])
	assert.Equal(t, d.host(), got.Host, "the upstream gets the Host of the client")
	assert.Equal(t, 403, d.do(ben, "GET", "/admin/x", nil).StatusCode)
	assert.Equal(t, 200, d.do(ada, "GET", "/admin/x", nil).StatusCode)
	assert.Contains(t, d.do(ben, "GET", "/authkit/me", nil).Text, ben)
	assert.Contains(t, d.do("", "GET", "/healthz", nil).Text, `"status"`)
	assert.Equal(t, 200, d.do(ben, "POST", "/logout", nil).StatusCode)
	assert.Equal(t, 401, d.do(ben, "GET", "/a", nil).StatusCode, "a copy of the cookie is refused after the sign-out")
}

func TestAnAPIKeyPassesWhereARuleAllowsItAndStaysAtTheProxy(t *testing.T) {
	d := start(t, echo, setUp{change: func(c *proxy.Config) {
		c.Rules = []proxy.Rule{{Path: "/api/*", Allow: []string{"sessions", "api_keys"}, Permissions: []string{"posts:read"}}}
	}})
	key := "Authorization: Bearer " + d.apiKey("posts:read")
	other := "Authorization: Bearer " + d.apiKey("posts:write")
	got := d.do("", "GET", "/api/posts", nil, key)
	require.Equal(t, 200, got.StatusCode)
	assert.Equal(t, "api_key", got.sees(t).Header.Get("X-Authkit-Credential"))
	assert.Empty(t, got.sees(t).Header["Authorization"])
	assert.Equal(t, 403, d.do("", "GET", "/api/posts", nil, other).StatusCode)
	assert.Equal(t, 401, d.do("", "GET", "/elsewhere", nil, key).StatusCode)
	assert.Equal(t, 200, d.do(ben, "GET", "/api/posts", nil).StatusCode)
}

func TestEachPathHasItsUpstream(t *testing.T) {
	named := func(name string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Host", r.Host)
			_, _ = w.Write([]byte(name + r.URL.Path))
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	var apiURL string
	d := start(t, echo, setUp{change: func(c *proxy.Config) {
		apiURL = named("api")
		c.Rules = []proxy.Rule{{Path: "/*", Allow: []string{"public"}}}
		c.Upstreams = []proxy.Upstream{
			{Path: "/*", URL: named("default")}, {Path: "/api/*", URL: apiURL, RewriteHost: true}, {Path: "/api/v2/*", URL: named("v2")}, {Path: "/about", URL: named("about")},
		}
	}})
	for path, want := range map[string]string{"/": "default", "/api": "api", "/api/x": "api", "/apis": "default", "/api/v2/x": "v2", "/about": "about", "/about/x": "default"} {
		assert.Equal(t, want+path, d.do("", "GET", path, nil).Text)
	}
	assert.Equal(t, strings.TrimPrefix(apiURL, "http://"), d.do("", "GET", "/api", nil).Header.Get("X-Host"))
	assert.Equal(t, d.host(), d.do("", "GET", "/", nil).Header.Get("X-Host"))
}

func TestOnlyATrustedProxySaysWhereARequestComesFrom(t *testing.T) {
	public := func(trusted ...string) func(*proxy.Config) {
		return func(c *proxy.Config) {
			c.Rules = []proxy.Rule{{Path: "/*", Allow: []string{"public"}}}
			c.TrustedProxies = trusted
		}
	}
	forged := []string{
		"X-Forwarded-For: 203.0.113.9, 198.51.100.7", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil.example", "Forwarded: for=evil", "X_Forwarded_For: evil",
		"X-Real-Ip: evil", "X-Forwarded-Port: 1", "X-Forwarded-Prefix: /evil", "True-Client-Ip: evil", "X~Forwarded!For: evil", "X.Real+Ip: evil", "CF-Connecting-IP: evil", "X-Cluster-Client-Ip: evil",
		"Fastly-Client-Ip: evil", "X-Forwarded: evil", "Forwarded-For: evil", "X-Script-Name: /evil", "Proxy: http://evil",
	}
	d := start(t, echo, setUp{change: public()})
	h := d.do("", "GET", "/", nil, forged...).sees(t).Header
	assert.Regexp(t, `^(127\.0\.0\.1|::1)$`, h.Get("X-Forwarded-For"))
	assert.Equal(t, h.Get("X-Forwarded-For"), h.Get("X-Real-Ip"))
	assert.Equal(t, "http", h.Get("X-Forwarded-Proto"))
	assert.Equal(t, d.host(), h.Get("X-Forwarded-Host"))
	assert.NotContains(t, fmt.Sprint(h), "evil")

	d = start(t, echo, setUp{change: public("127.0.0.0/8", "::1", "198.51.100.7")})
	h = d.do("", "GET", "/", nil, forged...).sees(t).Header
	mapped := start(t, echo, setUp{change: public("::ffff:127.0.0.0/104", "::ffff:198.51.100.7", "::1")})
	assert.Equal(t, "203.0.113.9", mapped.do("", "GET", "/", nil, forged...).sees(t).Header.Get("X-Real-Ip"), "an IPv4 address that is written as one of IPv6")
	assert.Regexp(t, `^203\.0\.113\.9, 198\.51\.100\.7, (127\.0\.0\.1|::1)$`, h.Get("X-Forwarded-For"))
	assert.Equal(t, "203.0.113.9", h.Get("X-Real-Ip"))
	assert.Equal(t, "https", h.Get("X-Forwarded-Proto"))
	assert.Equal(t, d.host(), h.Get("X-Forwarded-Host"))
}

func TestAnUpstreamThatIsDownIsAnswered502WithoutInternals(t *testing.T) {
	d := start(t, echo, setUp{change: func(c *proxy.Config) {
		c.Rules = []proxy.Rule{{Path: "/*", Allow: []string{"public"}}}
		c.Upstreams[0].URL = "http://127.0.0.1:1"
	}})
	got := d.do("", "GET", "/x?secret=1", nil, "Accept: application/json")
	assert.Equal(t, 502, got.StatusCode)
	assert.Equal(t, "application/problem+json", got.Header.Get("Content-Type"))
	assert.NotContains(t, got.Text, "127.0.0.1")
	got = d.do("", "GET", "/x?secret=1", nil, "Accept: text/html")
	assert.Equal(t, 502, got.StatusCode)
	assert.Contains(t, got.Text, "The application cannot be reached.")
	assert.NotContains(t, got.Text, "dial")
	d.Log.await(t, "the upstream has failed")
	assert.NotContains(t, d.Log.String(), "secret=1")
	assert.Contains(t, d.Log.String(), "path=/x status=502")
}

func TestTheProxySignsTheIdentityAndPublishesItsKey(t *testing.T) {
	d := start(t, echo, setUp{change: func(c *proxy.Config) {
		files := selfSigned(t, t.TempDir(), 1) // its key is one of P-256
		c.Identity.JWT = proxy.JWT{KeyFiles: []string{files.KeyFile}, Issuer: "https://door.example.com", Audience: "reports"}
		c.Identity.Headers = map[string]string{"X-Forwarded-User": "user"}
	}})
	got := d.do(ben, "GET", "/a", nil, "X-Forwarded-User: evil").sees(t)
	parts := strings.Split(got.Header.Get("X-Authkit-Jwt"), ".")
	require.Len(t, parts, 3)
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	require.NoError(t, err)
	var claims map[string]any
	require.NoError(t, json.Unmarshal(payload, &claims))
	assert.Equal(t, "https://door.example.com", claims["iss"])
	assert.Equal(t, "reports", claims["aud"])
	assert.Equal(t, got.Header.Get("X-Authkit-User"), claims["sub"])
	assert.Equal(t, []string{got.Header.Get("X-Authkit-User")}, got.Header["X-Forwarded-User"])
	assert.Contains(t, d.do("", "GET", "/authkit/jwks.json", nil).Text, `"crv":"P-256"`)
}

func TestAnAccessTokenPassesOnlyIfTheConfigurationSaysSo(t *testing.T) {
	for accepted, status := range map[bool]int{true: 200, false: 401} {
		d := start(t, echo, setUp{change: func(c *proxy.Config) { c.Session.BearerTokens = accepted }})
		got := d.do("", "GET", "/a", nil, "Authorization: Bearer "+d.Fake.BearerToken(ben))
		require.Equal(t, status, got.StatusCode)
		if accepted {
			assert.Regexp(t, "^user_", got.sees(t).Header.Get("X-Authkit-User"))
			assert.Empty(t, got.sees(t).Header["Authorization"])
		}
	}
}
