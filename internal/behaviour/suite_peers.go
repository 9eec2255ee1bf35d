// The suite: vulnerabilities that were found in other libraries.

package behaviour

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/testrun"
)

// Each case names the advisories of the vulnerability.
func TestVulnerabilitiesOfOtherLibrariesAreNotPresent(t *testing.T, a *Instance) {
	for _, c := range []struct {
		name     string
		advisory string
		attack   func(*testing.T, *Instance)
	}{
		{
			"a session is stored in no shared cache", "CVE-2025-64762 (authkit-nextjs), CVE-2025-48947 (nextjs-auth0)",
			func(t *testing.T, a *Instance) {
				back := a.finishSignIn(a.StartSignInAs("/login", Kim))
				checkNotCacheable(t, back, "the callback")
				for _, path := range []string{"/", "/account", "/api/me"} {
					resp := a.Send(Request{Target: path, Cookie: back.session(t), Header: Navigation()})
					assert.Contains(t, strings.Join(resp.Header["Vary"], ", "), "Cookie", path)
				}
			},
		},
		{
			"no page holds a token or a sealed session", "GHSA-v3gr-w9gf-23cx (authkit-remix)",
			func(t *testing.T, a *Instance) {
				cookie := a.signIn(Kim)
				_, value, _ := strings.Cut(cookie, "=")
				for _, path := range []string{"/", "/account", "/api/me"} {
					body := a.Send(Request{Target: path, Cookie: cookie, Header: Navigation()}).Body
					assert.NotContains(t, body, value[:40])
					assert.NotContains(t, body, "eyJ", "a JWT starts with this")
				}
			},
		},
		{
			"a return path with white space, a backslash or a scheme leads to the root",
			"CVE-2020-5233, CVE-2020-11053, CVE-2020-4037 (oauth2-proxy)",
			func(t *testing.T, a *Instance) {
				for _, hostile := range []string{`/\evil.example`, "/\t/evil.example", "/%0a/evil.example", "/%0b/evil.example", "/%09/evil.example", "/%0d/evil.example", "https:evil.example"} {
					resp := a.finishSignIn(a.StartSignInAs("/login?return_to="+url.QueryEscape(hostile), Kim))
					assert.Equal(t, "/", resp.Header.Get("Location"), "%q", hostile)
				}
			},
		},
		{
			"the redirect of a callback does not depend on X-Forwarded-Host", "CVE-2025-63784 (onlook)",
			func(t *testing.T, a *Instance) {
				s := a.StartSignInAs("/login?return_to=/account", Kim)
				resp := a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: with(Navigation(), "X-Forwarded-Host", "evil.example")})
				assert.Equal(t, "/account", resp.Header.Get("Location"))
			},
		},
		{
			"no query, fragment or header makes a guarded page public",
			"CVE-2025-54576, CVE-2026-41059, CVE-2026-40575 (oauth2-proxy), CVE-2025-29927 (Next.js)", checkGuardedPages,
		},
		{
			"a sealed state cookie is not a session", "CVE-2023-48309 (next-auth)",
			func(t *testing.T, a *Instance) {
				_, state, _ := strings.Cut(a.StartSignInAs("/login", Kim).Cookie, "=")
				a.checkAnonymous(sessionCookie + "=" + state)
				a.checkAnonymous(chunks(state))

				s := a.StartSignInAs("/login", Kim)
				name, _, _ := strings.Cut(s.Cookie, "=")
				_, session, _ := strings.Cut(a.signIn(Kim), "=")
				checkErrorPage(t, a.Send(Request{Target: s.Target(), Cookie: name + "=" + session, Header: Navigation()}), http.StatusBadRequest)
			},
		},
		{
			"a signed-out session is not accepted again", "CVE-2025-4643 (payload)",
			func(t *testing.T, a *Instance) {
				cookie := a.signIn(Kim)
				require.Equal(t, http.StatusSeeOther, a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: Navigation()}).Status)
				a.checkAnonymous(cookie)
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Log(c.advisory)
			c.attack(t, a)
		})
	}
}

// everyVariation is with which of the other methods and headers each address is requested: all, or every third one. The next address
// gets others. Each address is requested with GET and without such a header.
var everyVariation = testrun.Length(3, 1)

// checkGuardedPages checks that no variation of a request reaches the guarded pages without a session.
func checkGuardedPages(t *testing.T, a *Instance) {
	for i, address := range []string{
		"/account", "/account?/healthz", "/account?x=/login", "/account?/style.css", "/account?return_to=/", "/account#/healthz", "/account?#/",
		"/account;/healthz", "/account;.css", "/account%3F/healthz", "/account%23/healthz", "/account%00", "/account.css", "/account/", "/account/healthz",
		"//account", "/./account", "/healthz/../account", "/healthz/..%2faccount", "/login/..;/account", "/%61ccount", "/ACCOUNT", `/\account`, "/account%20",
		"http://localhost/account", "*/account", "/api/me", "/api/me?/healthz", "/api//me", "/api/./me", "/api/%6de",
	} {
		for j, method := range []string{"GET", "HEAD", "POST", "PUT", "OPTIONS", "TRACE", "PROPFIND", "get"} {
			for k, header := range []string{"Accept: text/html", "X-Forwarded-Uri: /healthz", "X-Original-URL: /healthz", "X-Rewrite-URL: /", "X-Forwarded-Prefix: /healthz", "X-Middleware-Subrequest: middleware:middleware:middleware:middleware:middleware"} {
				if method != "GET" && header != "Accept: text/html" {
					continue
				}
				if j+k > 0 && (i+j+k)%everyVariation != 0 {
					continue
				}
				resp := a.raw(method+" "+address+" HTTP/1.1", "Host: localhost", header, "X-HTTP-Method-Override: GET", "Sec-Fetch-Dest: empty")
				assert.GreaterOrEqual(t, resp.Status, 300, "%s %s with %s", method, address, header)
				assert.Less(t, resp.Status, 500, "%s %s with %s", method, address, header)
				assert.NotContains(t, resp.Body, "Your account", address)
				assert.NotContains(t, resp.Body, `"user"`, address)
			}
		}
	}
}
