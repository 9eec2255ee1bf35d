// What people do with a browser around a sign-in: deep links, reloads, waits, and the cache that a sign-out clears.

package browser_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// An http.ServeMux would redirect from some of these addresses to others, so the pages are in front of it.
func TestASignInReturnsToADeepLinkOfEveryShape(t *testing.T) {
	t.Parallel()
	var a *app
	deep := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasPrefix(r.URL.Path, "/deep/") {
				next.ServeHTTP(w, r)
				return
			}
			a.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				page(w, "Deep page", "")
			})).ServeHTTP(w, r)
		})
	}
	a = newApp(t, appOptions{wrap: deep})
	for name, target := range map[string]string{
		"a URL in the path":          "/deep/https://example.com/x?y=1",
		"an encoded URL in the path": "/deep/https%3A%2F%2Fexample.com%2Fx",
		"empty segments":             "/deep//a///b//",
		"an encoded backslash":       "/deep/C:%5C%5Cserver",
		"an encoded line break":      "/deep/a%0D%0Ab",
		"a path of 2 KB":             "/deep/" + strings.Repeat("path/", 408),
		"a query of 2 KB":            "/deep/?" + strings.Repeat("utm_source=mail&", 127),
		"characters beyond ASCII":    "/deep/%E5%B1%B1?%C3%A9=%F0%9F%98%80",
	} {
		t.Run(name, func(t *testing.T) {
			b := open(t)
			b.Visit(a.url + target)
			b.Sees("Sign in")
			b.Click("Kim Oduya")
			b.Sees("Deep page")
			assert.Equal(t, a.url+target, b.URL())
		})
	}
}

// A browser loads the callback again when a tab is restored or duplicated, or when the user goes back to it.
func TestACallbackThatIsLoadedAgainSpendsNoCodeAndKeepsTheSession(t *testing.T) {
	t.Parallel()
	for _, scheme := range schemes {
		t.Run(scheme.name, func(t *testing.T) {
			var mu sync.Mutex
			var callback string // guarded by mu
			a := newApp(t, appOptions{tls: scheme.tls, wrap: func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/callback" {
						mu.Lock()
						callback = r.RequestURI
						mu.Unlock()
					}
					next.ServeHTTP(w, r)
				})
			}})
			b := open(t)
			b.Visit(a.url + "/account?tab=2")
			b.Sees("Sign in")
			b.Click("Kim Oduya")
			b.Sees("Account of " + kim)
			mu.Lock()
			again := a.url + callback
			mu.Unlock()
			exchanges := a.fake.Calls(authkittest.RouteCodeExchange)
			for range 2 {
				b.SwitchTo(b.NewTab())
				b.Visit(again)
				b.Sees("Home of " + kim) // the browser has no record of the sign-in any more
			}
			assert.Equal(t, exchanges, a.fake.Calls(authkittest.RouteCodeExchange), "no code is exchanged again")
			assert.Len(t, a.fake.Sessions(), 1)
		})
	}
}

func TestASignInThatTookLongerThanItsLimitStartsAgainAtTheSamePage(t *testing.T) {
	t.Parallel()
	a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithSignInTimeout(30 * time.Minute)}})
	b := open(t)
	b.Visit(a.url + "/account?tab=2")
	b.Sees("Sign in")
	a.clock.Advance(25 * time.Minute)
	b.Click("Kim Oduya")
	b.Sees("Account of " + kim)
	b.Click("Sign out")
	b.Sees("Home of an anonymous user")

	b.Visit(a.url + "/account?tab=2")
	b.Sees("Sign in")
	a.clock.Advance(45 * time.Minute)
	started := a.fake.Calls(authkittest.RouteAuthorize)
	b.Click("Kim Oduya")
	b.Sees("Account of " + kim) // AuthKit remembers the user, so the second sign-in needs no click
	assert.Equal(t, started+1, a.fake.Calls(authkittest.RouteAuthorize), "the sign-in started again")
	assert.Equal(t, a.url+"/account?tab=2", b.URL())
}

// Clearing the cache takes seconds in a browser that has thousands of files of the site.
func TestASignOutClearsTheCacheOfTheBrowserUnlessTheOptionSaysNo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		opts     []authkit.Option
		requests int
	}{
		"by default":     {nil, 2},
		"with no values": {[]authkit.Option{authkit.WithClearSiteData()}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, appOptions{authkit: c.opts, wrap: func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path != "/style.css" {
						next.ServeHTTP(w, r)
						return
					}
					w.Header().Set("Cache-Control", "public, max-age=3600")
					w.Header().Set("Content-Type", "text/css")
				})
			}})
			b := open(t)
			a.signIn(b)
			load := func() {
				var status int
				b.Run(`return fetch("/style.css").then(r => r.status)`, &status)
				require.Equal(t, http.StatusOK, status)
			}
			load()
			load()
			require.Equal(t, 1, a.requests("/style.css"), "the browser caches the file")
			b.Click("Sign out")
			b.Sees("Home of an anonymous user")
			load()
			assert.Equal(t, c.requests, a.requests("/style.css"))
		})
	}
}
