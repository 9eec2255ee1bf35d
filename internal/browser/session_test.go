// The session in a browser: its cookies, its refresh, and the back button after sign-out.

package browser_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// schemes are the schemes of an application, with the name of its session cookie.
var schemes = []struct {
	name, cookie string
	tls          bool
}{
	{"http on localhost", "authkit-session", false},
	{"https", "__Host-authkit-session", true},
}

func TestTheSessionCookieIsStoredAndHiddenFromScripts(t *testing.T) {
	t.Parallel()
	for _, scheme := range schemes {
		t.Run(scheme.name, func(t *testing.T) {
			a := newApp(t, appOptions{tls: scheme.tls})
			b := open(t)
			a.signIn(b)
			require.Equal(t, []string{scheme.cookie}, names(b.cookies()))
			c := b.cookies()[scheme.cookie]
			assert.True(t, c.HTTPOnly)
			assert.Equal(t, scheme.tls, c.Secure)
			assert.Equal(t, "Lax", c.SameSite)
			assert.Equal(t, "/", c.Path)
			var readable string
			b.run("return document.cookie", &readable)
			assert.NotContains(t, readable, "authkit-session")
			b.click("Sign out")
			b.sees("Home of an anonymous user")
			assert.Equal(t, a.url+"/", b.url())
			assert.Empty(t, b.cookies())
			assert.False(t, a.newest().Active(), "the session ended at WorkOS, too")
			b.nothingBlocked()
		})
	}
}

func TestASessionCookieWithoutMaxAgeIsStoredUntilTheBrowserCloses(t *testing.T) {
	t.Parallel()
	for _, ends := range []bool{false, true} {
		var opts []authkit.Option
		if ends {
			opts = append(opts, authkit.WithoutCookieMaxAge())
		}
		a := newApp(t, appOptions{authkit: opts})
		b := open(t)
		a.signIn(b)
		c := b.cookies()["authkit-session"]
		require.NotEmpty(t, c.Value)
		assert.Equal(t, ends, c.Expiry == nil)
	}
}

func TestAPartitionedSessionIsStoredApartForEachSite(t *testing.T) {
	t.Parallel()
	a := newApp(t, appOptions{tls: true, authkit: []authkit.Option{
		authkit.WithCookieSameSite(http.SameSiteNoneMode), authkit.WithCookiePartitioned(),
	}})
	b := open(t)
	a.signIn(b)
	require.Equal(t, []string{"__Host-authkit-session"}, names(b.cookies()))
	b.framed("localhost", a.url+"/")
	b.sees("Home of an anonymous user")
	b.leaveFrames()

	b.visit(a.url + "/account")
	b.sees("Account of " + kim)
	b.run(`document.cookie = "__Host-authkit-session.7=left; Path=/; Secure; SameSite=None"`, nil)
	require.Equal(t, []string{"__Host-authkit-session", "__Host-authkit-session.7"}, names(b.cookies()), "a chunk from before the option")
	b.click("Sign out")
	b.sees("Home of an anonymous user")
	assert.Empty(t, b.cookies(), "both forms are deleted")
}

func TestALargeSessionIsStoredInSeveralCookies(t *testing.T) {
	t.Parallel()
	for _, scheme := range schemes {
		t.Run(scheme.name, func(t *testing.T) {
			a := newApp(t, appOptions{tls: scheme.tls})
			a.fake.UpdateUser(kim, func(p *authkittest.User) {
				p.Claims = map[string]any{"template": strings.Repeat("abcdefgh", 900)}
			})
			b := open(t)
			a.signIn(b)
			chunked := names(b.cookies())
			require.GreaterOrEqual(t, len(chunked), 3)
			require.Equal(t, scheme.cookie+".0", chunked[0])
			b.reload()
			b.sees("Account of " + kim)

			a.clock.Advance(6 * time.Minute)
			b.reload()
			b.sees("Account of " + kim)
			assert.Equal(t, chunked, names(b.cookies()), "each chunk is replaced")

			a.fake.UpdateUser(kim, func(p *authkittest.User) { p.Claims = nil })
			a.clock.Advance(6 * time.Minute)
			b.reload()
			b.sees("Account of " + kim)
			assert.Equal(t, []string{scheme.cookie}, names(b.cookies()), "the old chunks are removed")

			a.fake.UpdateUser(kim, func(p *authkittest.User) {
				p.Claims = map[string]any{"template": strings.Repeat("abcdefgh", 900)}
			})
			a.clock.Advance(6 * time.Minute)
			b.reload()
			b.sees("Account of " + kim)
			assert.Equal(t, chunked, names(b.cookies()), "the single cookie is removed")
			b.click("Sign out")
			b.sees("Home of an anonymous user")
			assert.Empty(t, b.cookies())
		})
	}
}

func TestAnExpiredTokenIsRefreshedWithoutInterruption(t *testing.T) {
	t.Parallel()
	for _, scheme := range schemes {
		t.Run(scheme.name, func(t *testing.T) {
			a := newApp(t, appOptions{tls: scheme.tls})
			b := open(t)
			a.signIn(b)
			before := b.cookies()[scheme.cookie].Value
			for _, step := range []struct {
				name string
				take func()
			}{
				{"a reload", b.reload},
				{"a link", func() {
					b.click("Home")
					b.sees("Home of " + kim)
					b.click("Account")
				}},
				{"a link of another site", func() {
					b.visit(newSite(t, "127.0.0.1", `<a href="`+a.url+`/account">Account</a>`))
					b.click("Account")
				}},
			} {
				a.clock.Advance(6 * time.Minute)
				step.take()
				b.sees("Account of " + kim)
				assert.Equal(t, a.url+"/account", b.url(), step.name)
				after := b.cookies()[scheme.cookie].Value
				assert.NotEqual(t, before, after, "%s refreshes the session", step.name)
				before = after
			}
			assert.Equal(t, 3, a.fake.Calls(authkittest.RouteRefresh))
			assert.Equal(t, 1, a.fake.Calls(authkittest.RouteAuthorize), "there is only the first sign-in")
			assert.Len(t, a.fake.Sessions(), 1)
			require.True(t, a.newest().Active())
		})
	}
}

func TestConcurrentFetchesWithAnExpiredTokenAreAllAnswered(t *testing.T) {
	t.Parallel()
	a := newApp(t, appOptions{})
	b := open(t)
	a.signIn(b)
	for range 3 {
		refreshed := a.fake.Calls(authkittest.RouteRefresh)
		a.clock.Advance(6 * time.Minute)
		var emails []string
		b.run(`return Promise.all(Array.from({length: 12}, () => fetch("/api/me?" + Math.random()).then(r => r.json()).then(me => me.email)))`, &emails)
		require.Len(t, emails, 12)
		for _, email := range emails {
			assert.Equal(t, kim, email)
		}
		assert.Equal(t, 1, a.fake.Calls(authkittest.RouteRefresh)-refreshed)
	}
	b.reload()
	b.sees("Account of " + kim)
}

func TestAnOutageShowsAPageAndKeepsTheSession(t *testing.T) {
	t.Parallel()
	a := newApp(t, appOptions{})
	b := open(t)
	a.signIn(b)
	a.fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{
		Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"30"}},
	})
	a.clock.Advance(7 * time.Minute)
	b.reload()
	b.sees("Please try again in a moment")
	assert.Equal(t, a.url+"/account", b.url(), "a reload tries again")
	assert.Equal(t, []string{"authkit-session"}, names(b.cookies()))
	a.fake.ClearFault(authkittest.RouteRefresh)
	a.clock.Advance(time.Minute)
	b.reload()
	b.sees("Account of " + kim)
	assert.Len(t, a.fake.Sessions(), 1)
}

func TestTheBackButtonAfterSignOutDoesNotShowTheAccount(t *testing.T) {
	t.Parallel()
	for _, scheme := range schemes {
		t.Run(scheme.name, func(t *testing.T) {
			a := newApp(t, appOptions{tls: scheme.tls})
			b := open(t)
			a.signIn(b)
			b.click("Home")
			b.sees("Home of " + kim)
			b.click("Account")
			b.sees("Account of " + kim)
			session, fetched := a.newest().ID, a.requests("/account")
			b.click("Sign out")
			b.sees("Home of an anonymous user")
			b.back()
			b.sees("Sign in")
			assert.Equal(t, a.fake.URL(), b.origin())
			assert.NotContains(t, b.text(), session)
			assert.Equal(t, fetched+1, a.requests("/account"), "the page was requested again")
		})
	}
}

// Chromium caches the page that a sign-in returned to, although it is no-store and the cookie is deleted. It does so only
// if the sign-out has cleared the caches before. The README names two remedies.
func TestTheBackButtonDoesNotShowTheFirstPageAfterASignInWithTheREADMEsRemedies(t *testing.T) {
	t.Parallel()
	require.NotEmpty(t, readmeScript)
	styled := func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/":
				page(w, "Good-bye", `<link rel="stylesheet" href="/good-bye.css">`)
			case "/good-bye.css":
				w.Header().Set("Content-Type", "text/css")
				w.Header().Set("Clear-Site-Data", `"cache"`)
			default:
				h.ServeHTTP(w, r)
			}
		})
	}
	for _, remedy := range []struct {
		name, path, signedIn, signedOut string
		wrap                            func(http.Handler) http.Handler
	}{
		{"a script", "/landing", "Landing of " + kim, "Home of an anonymous user", nil},
		{"a style sheet", "/account", "Account of " + kim, "Good-bye", styled},
	} {
		for _, scheme := range schemes {
			t.Run(remedy.name+", "+scheme.name, func(t *testing.T) {
				a := newApp(t, appOptions{tls: scheme.tls, wrap: remedy.wrap})
				b := open(t)
				b.visit(a.url + remedy.path)
				b.sees("Sign in")
				b.click("Kim Oduya")
				b.sees(remedy.signedIn)
				b.click("Sign out")
				b.sees(remedy.signedOut)
				b.back()
				b.sees("Sign in")
				assert.Equal(t, a.fake.URL(), b.origin())
			})
		}
	}
}

// Chromium's back/forward cache is not an HTTP cache: it stores whole pages, also those with no-store. Without
// Clear-Site-Data it would show them after a sign-out on another page.
func TestTheBackButtonShowsNoPageAfterASignOutInAnotherTab(t *testing.T) {
	t.Parallel()
	for _, scheme := range schemes {
		t.Run(scheme.name, func(t *testing.T) {
			a := newApp(t, appOptions{tls: scheme.tls})
			b := open(t)
			a.signIn(b)
			b.click("Home")
			b.sees("Home of " + kim)
			first, second := b.handle(), b.newTab()
			b.switchTo(second)
			b.visit(a.url + "/account")
			b.click("Sign out")
			b.sees("Home of an anonymous user")
			b.switchTo(first)
			b.back()
			b.sees("Sign in")
			assert.Equal(t, a.fake.URL(), b.origin())
		})
	}
}

// This shows that the browser has a cache, so that the tests of the back button can fail.
func TestThePageOfAHandlerThatAllowsCachingIsCached(t *testing.T) {
	t.Parallel()
	a := newApp(t, appOptions{})
	b := open(t)
	a.signIn(b)
	b.visit(a.url + "/cached")
	b.sees("Cached page")
	b.click("Home")
	b.sees("Home of " + kim)
	b.back()
	b.sees("Cached page")
	assert.Equal(t, 1, a.requests("/cached"))
}

func TestAStrictSessionCookieIsSentAfterTheCallback(t *testing.T) {
	t.Parallel()
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithCookieSameSite(http.SameSiteStrictMode)}})
			b := v.open(t)
			a.signIn(b)
			assert.Equal(t, "Strict", b.cookies()["authkit-session"].SameSite)
			b.nothingBlocked()

			b.visit(newSite(t, "127.0.0.1", `<a href="`+a.url+`/account?from=other-site">Account</a>`))
			b.click("Account")
			b.sees("Account of " + kim)
			assert.Equal(t, a.url+"/account?from=other-site", b.url(), "AuthKit signs the user in again without a prompt")
		})
	}
}
