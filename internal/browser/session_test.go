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
	"github.com/authkit-go/authkit/internal/chromium"
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
			require.Equal(t, []string{scheme.cookie}, chromium.Names(b.Cookies()))
			c := b.Cookies()[scheme.cookie]
			assert.True(t, c.HTTPOnly)
			assert.Equal(t, scheme.tls, c.Secure)
			assert.Equal(t, "Lax", c.SameSite)
			assert.Equal(t, "/", c.Path)
			var readable string
			b.Run("return document.cookie", &readable)
			assert.NotContains(t, readable, "authkit-session")
			b.Click("Sign out")
			b.Sees("Home of an anonymous user")
			assert.Equal(t, a.url+"/", b.URL())
			assert.Empty(t, b.Cookies())
			assert.False(t, a.newest().Active(), "the session ended at WorkOS, too")
			b.NothingBlocked()
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
		c := b.Cookies()["authkit-session"]
		require.NotEmpty(t, c.Value)
		assert.Equal(t, ends, c.Expiry == nil)
	}
}

// A single label is a public suffix, for which browsers refuse cookies, except if it is the host of the page.
func TestASessionWithTheDomainLocalhostIsStoredAtLocalhost(t *testing.T) {
	t.Parallel()
	a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithCookieDomain("localhost")}})
	b := open(t)
	a.signIn(b)
	assert.Equal(t, []string{"authkit-session"}, chromium.Names(b.Cookies()))
	b.Reload()
	b.Sees("Account of " + kim)
}

func TestAPartitionedSessionIsStoredApartForEachSite(t *testing.T) {
	t.Parallel()
	a := newApp(t, appOptions{tls: true, authkit: []authkit.Option{
		authkit.WithCookieSameSite(http.SameSiteNoneMode), authkit.WithCookiePartitioned(),
	}})
	b := open(t)
	a.signIn(b)
	require.Equal(t, []string{"__Host-authkit-session"}, chromium.Names(b.Cookies()))
	b.framed("localhost", a.url+"/")
	b.Sees("Home of an anonymous user")
	b.LeaveFrames()

	b.Visit(a.url + "/account")
	b.Sees("Account of " + kim)
	b.Run(`document.cookie = "__Host-authkit-session.7=left; Path=/; Secure; SameSite=None"`, nil)
	require.Equal(t, []string{"__Host-authkit-session", "__Host-authkit-session.7"}, chromium.Names(b.Cookies()), "a chunk from before the option")
	b.Click("Sign out")
	b.Sees("Home of an anonymous user")
	assert.Empty(t, b.Cookies(), "both forms are deleted")
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
			chunked := chromium.Names(b.Cookies())
			require.GreaterOrEqual(t, len(chunked), 3)
			require.Equal(t, scheme.cookie+".0", chunked[0])
			b.Reload()
			b.Sees("Account of " + kim)

			a.clock.Advance(6 * time.Minute)
			b.Reload()
			b.Sees("Account of " + kim)
			assert.Equal(t, chunked, chromium.Names(b.Cookies()), "each chunk is replaced")

			a.fake.UpdateUser(kim, func(p *authkittest.User) { p.Claims = nil })
			a.clock.Advance(6 * time.Minute)
			b.Reload()
			b.Sees("Account of " + kim)
			assert.Equal(t, []string{scheme.cookie}, chromium.Names(b.Cookies()), "the old chunks are removed")

			a.fake.UpdateUser(kim, func(p *authkittest.User) {
				p.Claims = map[string]any{"template": strings.Repeat("abcdefgh", 900)}
			})
			a.clock.Advance(6 * time.Minute)
			b.Reload()
			b.Sees("Account of " + kim)
			assert.Equal(t, chunked, chromium.Names(b.Cookies()), "the single cookie is removed")
			b.Click("Sign out")
			b.Sees("Home of an anonymous user")
			assert.Empty(t, b.Cookies())
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
			before := b.Cookies()[scheme.cookie].Value
			for _, step := range []struct {
				name string
				take func()
			}{
				{"a reload", b.Reload},
				{"a link", func() {
					b.Click("Home")
					b.Sees("Home of " + kim)
					b.Click("Account")
				}},
				{"a link of another site", func() {
					b.Visit(newSite(t, "127.0.0.1", `<a href="`+a.url+`/account">Account</a>`))
					b.Click("Account")
				}},
			} {
				a.clock.Advance(6 * time.Minute)
				step.take()
				b.Sees("Account of " + kim)
				assert.Equal(t, a.url+"/account", b.URL(), step.name)
				after := b.Cookies()[scheme.cookie].Value
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
		b.Run(`return Promise.all(Array.from({length: 12}, () => fetch("/api/me?" + Math.random()).then(r => r.json()).then(me => me.email)))`, &emails)
		require.Len(t, emails, 12)
		for _, email := range emails {
			assert.Equal(t, kim, email)
		}
		assert.Equal(t, 1, a.fake.Calls(authkittest.RouteRefresh)-refreshed)
	}
	b.Reload()
	b.Sees("Account of " + kim)
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
	b.Reload()
	b.Sees("Please try again in a moment")
	assert.Equal(t, a.url+"/account", b.URL(), "a reload tries again")
	assert.Equal(t, []string{"authkit-session"}, chromium.Names(b.Cookies()))
	a.fake.ClearFault(authkittest.RouteRefresh)
	a.clock.Advance(time.Minute)
	b.Reload()
	b.Sees("Account of " + kim)
	assert.Len(t, a.fake.Sessions(), 1)
}

func TestTheBackButtonAfterSignOutDoesNotShowTheAccount(t *testing.T) {
	t.Parallel()
	for _, scheme := range schemes {
		t.Run(scheme.name, func(t *testing.T) {
			a := newApp(t, appOptions{tls: scheme.tls})
			b := open(t)
			a.signIn(b)
			b.Click("Home")
			b.Sees("Home of " + kim)
			b.Click("Account")
			b.Sees("Account of " + kim)
			session, fetched := a.newest().ID, a.requests("/account")
			b.Click("Sign out")
			b.Sees("Home of an anonymous user")
			b.Back()
			b.Sees("Sign in")
			assert.Equal(t, a.fake.URL(), b.Origin())
			assert.NotContains(t, b.Text(), session)
			assert.Equal(t, fetched+1, a.requests("/account"), "the page was requested again")
		})
	}
}

// Chromium caches the page that a sign-in returned to, although it is no-store and the cookie is deleted. It does so only
// if the sign-out has cleared the caches before. docs/production.md names two remedies.
func TestTheBackButtonDoesNotShowTheFirstPageAfterASignInWithTheRemediesOfTheDocumentation(t *testing.T) {
	t.Parallel()
	require.NotEmpty(t, productionScript)
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
				b.Visit(a.url + remedy.path)
				b.Sees("Sign in")
				b.Click("Kim Oduya")
				b.Sees(remedy.signedIn)
				b.Click("Sign out")
				b.Sees(remedy.signedOut)
				b.Back()
				b.Sees("Sign in")
				assert.Equal(t, a.fake.URL(), b.Origin())
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
			b.Click("Home")
			b.Sees("Home of " + kim)
			first, second := b.Handle(), b.NewTab()
			b.SwitchTo(second)
			b.Visit(a.url + "/account")
			b.Click("Sign out")
			b.Sees("Home of an anonymous user")
			b.SwitchTo(first)
			b.Back()
			b.Sees("Sign in")
			assert.Equal(t, a.fake.URL(), b.Origin())
		})
	}
}

// This shows that the browser has a cache, so that the tests of the back button can fail.
func TestThePageOfAHandlerThatAllowsCachingIsCached(t *testing.T) {
	t.Parallel()
	a := newApp(t, appOptions{})
	b := open(t)
	a.signIn(b)
	b.Visit(a.url + "/cached")
	b.Sees("Cached page")
	b.Click("Home")
	b.Sees("Home of " + kim)
	b.Back()
	b.Sees("Cached page")
	assert.Equal(t, 1, a.requests("/cached"))
}

func TestAStrictSessionCookieIsSentAfterTheCallback(t *testing.T) {
	t.Parallel()
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithCookieSameSite(http.SameSiteStrictMode)}})
			b := v.open(t)
			a.signIn(b)
			assert.Equal(t, "Strict", b.Cookies()["authkit-session"].SameSite)
			b.NothingBlocked()

			b.Visit(newSite(t, "127.0.0.1", `<a href="`+a.url+`/account?from=other-site">Account</a>`))
			b.Click("Account")
			b.Sees("Account of " + kim)
			assert.Equal(t, a.url+"/account?from=other-site", b.URL(), "AuthKit signs the user in again without a prompt")
		})
	}
}
