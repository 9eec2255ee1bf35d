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

// schemes are what an application is served over, and what its session cookie
// is called then.
var schemes = []struct {
	name, cookie string
	tls          bool
}{
	{"http on localhost", "authkit-session", false},
	{"https", "__Host-authkit-session", true},
}

func TestTheSessionCookieIsKeptAndIsForTheServerAlone(t *testing.T) {
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
			b.sees("Home of nobody")
			assert.Equal(t, a.url+"/", b.url())
			assert.Empty(t, b.cookies())
			assert.False(t, a.newest().Active(), "WorkOS ended it too")
			b.nothingBlocked()
		})
	}
}

func TestALargeSessionIsKeptInSeveralCookies(t *testing.T) {
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
			assert.Equal(t, chunked, names(b.cookies()), "each was replaced")

			a.fake.UpdateUser(kim, func(p *authkittest.User) { p.Claims = nil })
			a.clock.Advance(6 * time.Minute)
			b.reload()
			b.sees("Account of " + kim)
			assert.Equal(t, []string{scheme.cookie}, names(b.cookies()), "what is too many is gone")

			a.fake.UpdateUser(kim, func(p *authkittest.User) {
				p.Claims = map[string]any{"template": strings.Repeat("abcdefgh", 900)}
			})
			a.clock.Advance(6 * time.Minute)
			b.reload()
			b.sees("Account of " + kim)
			assert.Equal(t, chunked, names(b.cookies()), "the one cookie has made room")
			b.click("Sign out")
			b.sees("Home of nobody")
			assert.Empty(t, b.cookies())
		})
	}
}

func TestATokenThatExpiresDuringUseInterruptsNobody(t *testing.T) {
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
				assert.NotEqual(t, before, after, "%s renewed it", step.name)
				before = after
			}
			assert.Equal(t, 3, a.fake.Calls(authkittest.RouteRefresh))
			assert.Equal(t, 1, a.fake.Calls(authkittest.RouteAuthorize), "nobody was sent into sign-in")
			assert.Len(t, a.fake.Sessions(), 1)
			require.True(t, a.newest().Active())
		})
	}
}

func TestTheFetchesOfAPageFindTheTokenExpiredAndAllAreAnswered(t *testing.T) {
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

func TestAnOutageShowsAPageAndIsForgottenAfterwards(t *testing.T) {
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
	assert.Equal(t, a.url+"/account", b.url(), "a reload is the way on")
	assert.Equal(t, []string{"authkit-session"}, names(b.cookies()))
	a.fake.ClearFault(authkittest.RouteRefresh)
	a.clock.Advance(time.Minute)
	b.reload()
	b.sees("Account of " + kim)
	assert.Len(t, a.fake.Sessions(), 1)
}

func TestTheBackButtonAfterASignOutShowsNothingOfTheAccount(t *testing.T) {
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
			b.sees("Home of nobody")
			b.back()
			b.sees("Sign in")
			assert.Equal(t, a.fake.URL(), b.origin())
			assert.NotContains(t, b.text(), session)
			assert.Equal(t, fetched+1, a.requests("/account"), "the page was asked for anew")
		})
	}
}

// Chromium would show the page that AuthKit's redirect has led to as it was: it
// keeps it although it is no-store and the cookie is gone, and only when the
// sign-out has cleared the caches already.
func TestThePageThatASignInLedToIsNotShownOnTheWayBackWhereTheREADMEIsFollowed(t *testing.T) {
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
		name, path, landing, leaving string
		around                       func(http.Handler) http.Handler
	}{
		{"by a script", "/landing", "Landing of " + kim, "Home of nobody", nil},
		{"by a style sheet", "/account", "Account of " + kim, "Good-bye", styled},
	} {
		for _, scheme := range schemes {
			t.Run(remedy.name+", "+scheme.name, func(t *testing.T) {
				a := newApp(t, appOptions{tls: scheme.tls, around: remedy.around})
				b := open(t)
				b.visit(a.url + remedy.path)
				b.sees("Sign in")
				b.click("Kim Oduya")
				b.sees(remedy.landing)
				b.click("Sign out")
				b.sees(remedy.leaving)
				b.back()
				b.sees("Sign in")
				assert.Equal(t, a.fake.URL(), b.origin())
			})
		}
	}
}

// Chromium keeps whole pages for the way back, also those that are no-store
// (the back/forward cache is no HTTP cache), and would show them after a
// sign-out that took place elsewhere than on the page itself.
func TestNoPageComesBackAfterASignOutInAnotherTab(t *testing.T) {
	t.Parallel()
	for _, scheme := range schemes {
		t.Run(scheme.name, func(t *testing.T) {
			a := newApp(t, appOptions{tls: scheme.tls})
			b := open(t)
			a.signIn(b)
			b.click("Home")
			b.sees("Home of " + kim)
			first, second := b.here(), b.another()
			b.switchTo(second)
			b.visit(a.url + "/account")
			b.click("Sign out")
			b.sees("Home of nobody")
			b.switchTo(first)
			b.back()
			b.sees("Sign in")
			assert.Equal(t, a.fake.URL(), b.origin())
		})
	}
}

// Without it, the tests of the back button would hold in a browser that keeps
// nothing.
func TestAPageThatItsHandlerLetsTheBrowserKeepIsKept(t *testing.T) {
	t.Parallel()
	a := newApp(t, appOptions{})
	b := open(t)
	a.signIn(b)
	b.visit(a.url + "/kept")
	b.sees("May be kept")
	b.click("Home")
	b.sees("Home of " + kim)
	b.back()
	b.sees("May be kept")
	assert.Equal(t, 1, a.requests("/kept"))
}

func TestAStrictSessionIsThereAfterTheWayBackFromAuthKit(t *testing.T) {
	t.Parallel()
	for _, v := range visitors {
		t.Run(v.name, func(t *testing.T) {
			a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithCookieSameSite(http.SameSiteStrictMode)}})
			b := v.open(t)
			a.signIn(b)
			assert.Equal(t, "Strict", b.cookies()["authkit-session"].SameSite)
			b.nothingBlocked()

			b.visit(newSite(t, "127.0.0.1", `<a href="`+a.url+`/account?from=elsewhere">Account</a>`))
			b.click("Account")
			b.sees("Account of " + kim)
			assert.Equal(t, a.url+"/account?from=elsewhere", b.url(), "through AuthKit, which knows who it is, and asks nothing")
		})
	}
}
