// Requests from pages of other origins: links, forms, fetches, frames and prefetches.

package browser_test

import (
	"fmt"
	"html"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/chromium"
)

// otherOrigins are hosts of other origins than an application on localhost. 127.0.0.1 is cross-site: its requests carry
// Lax cookies only after a link. Another port of localhost is same-site: its requests carry all cookies.
var otherOrigins = []struct{ name, host string }{
	{"another site", "127.0.0.1"},
	{"another origin of the same site", "localhost"},
}

func TestAFormFromAnotherOriginChangesNothing(t *testing.T) {
	t.Parallel()
	const form = `<form method="post" action="%s"><input name="organization_id" value="org_acme"><button>Win a prize</button></form>`
	// A sandboxed frame has an opaque origin (Origin: null).
	const sandboxed = `<iframe sandbox="allow-forms allow-top-navigation-by-user-activation" srcdoc="%s"></iframe>`
	for _, n := range otherOrigins {
		for _, c := range []struct {
			path      string
			sandboxed bool
		}{{"/logout", false}, {"/logout", true}, {"/organization", false}} {
			t.Run(fmt.Sprintf("%s, %s, from a sandbox: %t", n.name, c.path, c.sandboxed), func(t *testing.T) {
				a := newApp(t, appOptions{})
				b := open(t)
				a.signIn(b)
				before := b.Cookies()
				body := fmt.Sprintf(form, a.url+c.path)
				if c.sandboxed {
					b.Visit(newSite(t, n.host, fmt.Sprintf(sandboxed, html.EscapeString(`<base target="_top">`+body))))
					b.EnterFrame()
				} else {
					b.Visit(newSite(t, n.host, body))
				}
				b.Click("Win a prize")
				b.LeaveFrames()
				b.Sees("This request came from another site")
				assert.Equal(t, a.url+c.path, b.URL())
				b.Visit(a.url + "/account")
				b.Sees("Account of " + kim)
				assert.Equal(t, before, b.Cookies())
				assert.True(t, a.newest().Active())
			})
		}
	}
}

func TestALinkFromAnotherSiteOpensAGuardedPage(t *testing.T) {
	t.Parallel()
	for _, scheme := range schemes {
		for _, n := range otherOrigins {
			if scheme.tls && n.host == "localhost" {
				continue // with TLS the application is on 127.0.0.1, so both are cross-site
			}
			t.Run(scheme.name+", "+n.name, func(t *testing.T) {
				a := newApp(t, appOptions{tls: scheme.tls})
				site := newSite(t, n.host, `<a href="`+a.url+`/account?from=other-site">Account</a>`)
				b := open(t)
				b.Visit(site)
				b.Click("Account")
				b.Sees("Sign in")
				b.Click("Kim Oduya")
				b.Sees("Account of " + kim)
				assert.Equal(t, a.url+"/account?from=other-site", b.URL())

				b.Visit(site)
				b.Click("Account")
				b.Sees("Account of " + kim)
				assert.Equal(t, a.url+"/account?from=other-site", b.URL())
				assert.Len(t, a.fake.Sessions(), 1, "the link sent the session cookie")
			})
		}
	}
}

func TestAFetchFromAnotherOriginReadsNothingAndChangesNothing(t *testing.T) {
	t.Parallel()
	const attempt = `const [method, address, mode] = arguments;
		try {
			const r = await fetch(address, {method, mode, credentials: "include", body: method === "POST" ? new URLSearchParams({organization_id: "org_acme"}) : undefined});
			return r.type + ": " + await r.text();
		} catch (e) {
			return e.name;
		}`
	for _, scheme := range schemes {
		for _, n := range otherOrigins {
			if scheme.tls && n.host == "localhost" {
				continue // with TLS the application is on 127.0.0.1, so both are cross-site
			}
			t.Run(scheme.name+", "+n.name, func(t *testing.T) {
				a := newApp(t, appOptions{tls: scheme.tls})
				b := open(t)
				a.signIn(b)
				before := b.Cookies()[scheme.cookie]
				b.Visit(newSite(t, n.host, ""))
				for _, c := range []struct{ method, path, mode, want string }{
					{"GET", "/api/me", "cors", "TypeError"},
					{"GET", "/api/me", "no-cors", "opaque: "},
					{"GET", "/login", "cors", "TypeError"},
					{"GET", "/logout", "no-cors", "opaque: "},
					{"POST", "/logout", "cors", "TypeError"},
					{"POST", "/logout", "no-cors", "opaque: "},
					{"POST", "/organization", "no-cors", "opaque: "},
				} {
					before := a.requests(c.path)
					var got string
					b.Run(attempt, &got, c.method, a.url+c.path, c.mode)
					assert.Equal(t, c.want, got, "%s %s, %s", c.method, c.path, c.mode)
					assert.Greater(t, a.requests(c.path), before, "%s %s arrived", c.method, c.path)
				}
				b.Visit(a.url + "/account")
				b.Sees("Account of " + kim)
				assert.Equal(t, before, b.Cookies()[scheme.cookie])
				assert.True(t, a.newest().Active())
				assert.Len(t, a.fake.Sessions(), 1)
			})
		}
	}
}

func TestErrorPagesAreNotShownInAFrame(t *testing.T) {
	t.Parallel()
	a := newApp(t, appOptions{})
	b := open(t)
	a.signIn(b)
	for _, c := range []struct{ name, path, heading string }{
		{"a duplicate state", "/callback?state=one&state=two&code=any", "This sign-in can't be finished"},
		{"cancelled", "/callback?error=access_denied", "Sign-in was cancelled"},
		{"forbidden", "/admin", "You can't do this"},
		{"a method that is not served", "/logout", "This address does not work like that"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := &tab{b.For(t)}
			b.Visit(a.url + c.path)
			b.Sees(c.heading)
			for _, n := range otherOrigins {
				assert.Equal(t, "chrome-error://chromewebdata/", b.framed(n.host, a.url+c.path), n.name)
			}
		})
	}
	t.Run("a page without a frame policy is shown", func(t *testing.T) {
		b := &tab{b.For(t)}
		assert.Equal(t, a.url+"/open", b.framed("127.0.0.1", a.url+"/open"))
		b.Sees("Public page")
	})
}

func TestAGuardedPageInAFrameStartsNoSignIn(t *testing.T) {
	t.Parallel()
	a := newApp(t, appOptions{})
	b := open(t)
	for _, n := range otherOrigins {
		assert.Equal(t, "chrome-error://chromewebdata/", b.framed(n.host, a.url+"/account"), n.name)
	}
	assert.Equal(t, len(otherOrigins), a.requests("/account"))
	assert.Zero(t, a.fake.Calls(authkittest.RouteAuthorize))
	b.Visit(a.url + "/open")
	assert.Empty(t, b.Cookies())
}

// framed opens an address in a frame of another origin's page, and returns the address of the page in the frame.
func (b *tab) framed(host, address string) (shown string) {
	b.T.Helper()
	b.Visit(newSite(b.T, host, `<iframe src="`+html.EscapeString(address)+`"></iframe>`))
	b.Sees("Other site")
	b.EnterFrame()
	b.Run("return location.href", &shown)
	return shown
}

func TestAPrefetchedLinkStartsNoSignInUntilItIsClicked(t *testing.T) {
	t.Parallel()
	a := newApp(t, appOptions{})
	b := open(t)
	b.Visit(a.url + "/prefetching")
	b.Sees("Prefetching")
	require.Eventually(t, func() bool { return a.requests("/account") > 0 }, chromium.Timeout, 10*time.Millisecond, "the browser prefetches nothing")
	assert.Empty(t, b.Cookies(), "no sign-in has started")
	b.Click("Account")
	b.Sees("Sign in")
	b.Click("Kim Oduya")
	b.Sees("Account of " + kim)

	// For a signed-in user, a prefetch refreshes the session like every other request.
	before := b.Cookies()["authkit-session"]
	a.clock.Advance(6 * time.Minute)
	b.Visit(a.url + "/prefetching")
	b.Click("Account")
	b.Sees("Account of " + kim)
	assert.Equal(t, 1, a.fake.Calls(authkittest.RouteRefresh))
	assert.NotEqual(t, before, b.Cookies()["authkit-session"])
}

// A prefetch of the login path would start a sign-in that the user did not want. The browser does not keep the refusal, so a
// click starts one.
func TestAPrefetchOfTheLoginPathStartsNoSignIn(t *testing.T) {
	t.Parallel()
	for name, hint := range map[string]string{
		"a link":          `<link rel="prefetch" href="LOGIN">`,
		"prefetch rules":  `<script type="speculationrules">{"prefetch": [{"urls": ["LOGIN"], "eagerness": "immediate"}]}</script>`,
		"prerender rules": `<script type="speculationrules">{"prerender": [{"urls": ["LOGIN"], "eagerness": "immediate"}]}</script>`,
	} {
		for _, host := range []string{"", "localhost", "127.0.0.1"} { // "" is the application itself
			if host != "" && name == "prerender rules" {
				continue // Chromium prerenders only pages of the same origin by itself
			}
			t.Run(fmt.Sprintf("%s, from %q", name, host), func(t *testing.T) {
				var body string
				a := newApp(t, appOptions{wrap: func(next http.Handler) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if r.URL.Path == "/hints" {
							page(w, "Other site", body)
							return
						}
						next.ServeHTTP(w, r)
					})
				}})
				login := a.url + "/login?return_to=/account"
				body = strings.ReplaceAll(hint+`<a href="LOGIN">Sign in here</a>`, "LOGIN", login)
				b := open(t)
				if host == "" {
					b.Visit(a.url + "/hints")
				} else {
					b.Visit(newSite(t, host, body))
				}
				b.Sees("Other site")
				require.Eventually(t, func() bool { return a.requests("/login") > 0 }, chromium.Timeout, 10*time.Millisecond, "the browser prefetches nothing")
				assert.Zero(t, a.fake.Calls(authkittest.RouteAuthorize))
				b.Click("Sign in here")
				b.Click("Kim Oduya")
				b.Sees("Account of " + kim)
				assert.Equal(t, 1, a.fake.Calls(authkittest.RouteAuthorize))
				assert.Equal(t, []string{"authkit-session"}, chromium.Names(b.Cookies()), "there is no cookie of another sign-in")
			})
		}
	}
}

// Browsers apply form-action to the redirects after a form, too. So the application's Content-Security-Policy must allow
// the logout URL of WorkOS.
func TestTheFormActionPolicyMustAllowTheSignOutRedirects(t *testing.T) {
	t.Parallel()
	var policy string
	a := newApp(t, appOptions{wrap: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Security-Policy", policy)
			next.ServeHTTP(w, r)
		})
	}})
	b := open(t)
	policy = "form-action 'self'"
	a.signIn(b)
	b.Click("Sign out")
	b.AwaitMessage("form-action")
	require.True(t, a.newest().Active(), "the browser did not reach WorkOS")

	policy = "form-action 'self' " + a.fake.URL()
	b.Visit(a.url + "/account")
	b.Sees("Account of " + kim)
	b.Click("Sign out")
	b.Sees("Home of an anonymous user")
	assert.False(t, a.newest().Active())
	b.NothingBlocked()
}
