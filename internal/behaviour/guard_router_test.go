// A guard around the whole router: sign-in and sign-out must work behind it.

package behaviour

import (
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// newGuardedRouter returns an application with one guard around its whole router.
func newGuardedRouter(t *testing.T, guard func(*App) func(http.Handler) http.Handler, opts ...authkit.Option) *App {
	t.Helper()
	a := NewApp(t, AppOptions{AuthKit: opts})
	a.Server.Config.Handler = guard(a)(a.Mux)
	return a
}

// chain returns the middleware outer around inner.
func chain(outer, inner func(http.Handler) http.Handler) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return outer(inner(next)) }
}

func requireAuth(a *App) func(http.Handler) http.Handler { return a.RequireAuth }

func TestAGuardAroundTheWholeRouterSignsInAndOut(t *testing.T) {
	for name, guard := range map[string]func(*App) func(http.Handler) http.Handler{
		"RequireAuth": requireAuth,
		"RequireAuth inside Middleware": func(a *App) func(http.Handler) http.Handler {
			return func(h http.Handler) http.Handler { return a.Middleware(a.RequireAuth(h)) }
		},
		"RequireRole":         func(a *App) func(http.Handler) http.Handler { return a.RequireRole("admin") },
		"RequireRecentAuth":   func(a *App) func(http.Handler) http.Handler { return a.RequireRecentAuth(time.Hour) },
		"RequireAuthOrAPIKey": func(a *App) func(http.Handler) http.Handler { return a.RequireAuthOrAPIKey() },
		"Accept":              func(a *App) func(http.Handler) http.Handler { return a.Accept(acceptAll(a)...) },
		"one guard in another": func(a *App) func(http.Handler) http.Handler {
			return func(h http.Handler) http.Handler { return a.RequireAuth(a.RequireRole("admin")(h)) }
		},
		"RefuseImpersonation":    func(a *App) func(http.Handler) http.Handler { return a.RefuseImpersonation },
		"RequireAnyOrganization": func(a *App) func(http.Handler) http.Handler { return a.RequireAnyOrganization("org_acme") },
		"RequireOrganizationFunc": func(a *App) func(http.Handler) http.Handler {
			return a.RequireOrganizationFunc(func(*http.Request) string { return "org_acme" })
		},
		"RequirePermission with a prefix": func(a *App) func(http.Handler) http.Handler {
			return func(h http.Handler) http.Handler { return http.StripPrefix("", a.RequirePermission("posts:read")(h)) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := newGuardedRouter(t, guard)
			b := a.Browser()
			page, err := b.SignIn(a.URL+"/deep/x?q=1", Kim)
			require.NoError(t, err)
			assert.Equal(t, a.URL+"/deep/x?q=1", page.URL.String())
			assert.Contains(t, page.Body, "page of "+Kim)
			assert.Len(t, a.Fake.Sessions(), 1)

			resp, err := b.Post(a.URL+"/logout", "application/x-www-form-urlencoded", nil)
			require.NoError(t, err)
			resp.Body.Close()
			assert.NotContains(t, b.cookieNames(), sessionCookie)
			assert.Equal(t, a.Fake.URL(), resp.Request.URL.Scheme+"://"+resp.Request.URL.Host, "the home page behind the guard starts a sign-in")
		})
	}
}

func TestALinkToLoginBehindAGuardAroundTheWholeRouterSignsInOnce(t *testing.T) {
	a := newGuardedRouter(t, requireAuth)
	page, err := a.Browser().SignIn(a.URL+"/login?return_to=/deep/x", Kim)
	require.NoError(t, err)
	assert.Equal(t, a.URL+"/deep/x", page.URL.String())
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteCodeExchange))

	resp := a.Send(Request{Target: "/login?return_to=https://evil.example/", Header: Navigation()})
	require.Equal(t, http.StatusSeeOther, resp.Status)
	callback := a.Send(Request{Target: "/callback?error=access_denied&state=" + StateOf(t, resp), Cookie: resp.stateCookie(t), Header: Navigation()})
	assert.Contains(t, callback.Body, `href="/login"`, "the return path is checked")
}

func TestAGuardAnswersExactlyTheCallbackOfTheRedirectURL(t *testing.T) {
	a := newGuardedRouter(t, requireAuth)
	state := url.QueryEscape(randomText(43))
	for target, c := range map[string]struct {
		method   string
		callback bool
	}{
		"/callback?code=x&state=" + state:              {"GET", true},
		"/callback?error=access_denied":                {"GET", true},
		"/callback?code=x":                             {"GET", true},
		"/callback?state=" + state:                     {"GET", true},
		"/callback":                                    {"GET", false},
		"/callback?page=2":                             {"GET", false},
		"/callback/?code=x&state=" + state:             {"GET", false},
		"/CALLBACK?code=x&state=" + state:              {"GET", false},
		"/%63allback?code=x&state=" + state:            {"GET", false},
		"//callback?code=x&state=" + state:             {"GET", false},
		"/deep/../callback?code=x&state=" + state:      {"GET", false},
		"/callback;a=b?code=x&state=" + state:          {"GET", false},
		"/callback?state=" + state + "&code=x&posted=": {"POST", false},
	} {
		resp := a.Send(Request{Method: c.method, Target: target, Header: Scripted()})
		assert.Equal(t, !c.callback, resp.Status == http.StatusUnauthorized, "%s %s: %d", c.method, target, resp.Status)
		assert.Zero(t, a.Fake.Calls(authkittest.RouteCodeExchange))
	}
	head, err := http.NewRequest("HEAD", a.URL+"/callback?code=x&state="+state, nil)
	require.NoError(t, err)
	resp, err := direct.RoundTrip(head)
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, http.StatusUnauthorized, resp.StatusCode)
}

// The page at the path of the redirect URL is a page like every other. Only a callback waits for no refresh.
func TestTheSessionIsRefreshedAtThePathOfTheRedirectURLExceptForACallback(t *testing.T) {
	var visitor string
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithRedirectURL("http://localhost/")}})
	a.Server.Config.Handler = a.RequireAuth(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s, _ := authkit.FromContext(r.Context())
		visitor = s.User().Email
	}))
	cookie := NewInstance(t, a.Fake, a.Clock, AppOptions{}).SignedIn(Kim).CookieHeader()
	a.Clock.Advance(pastSkew)
	a.Send(Request{Target: "/?error=access_denied", Cookie: cookie, Header: Navigation()})
	assert.Zero(t, a.Fake.Calls(authkittest.RouteRefresh), "a callback")
	for _, q := range []Request{{Target: "/?x=1", Header: Navigation()}, {Method: "POST", Target: "/?code=x", Header: Scripted()}} {
		visitor, q.Cookie = "", cookie
		resp := a.Send(q)
		assert.Equal(t, http.StatusOK, resp.Status, q.Method)
		assert.Equal(t, Kim, visitor, q.Method)
	}
}

// Browsers send "/" for the empty path of a URL.
func TestAGuardAnswersTheCallbackOfARedirectURLWithoutAPath(t *testing.T) {
	a := newGuardedRouter(t, requireAuth, authkit.WithRedirectURL("http://localhost"))
	assert.Equal(t, http.StatusBadRequest, a.Send(Request{Target: "/?code=x&state=y", Header: Navigation()}).Status)
}

func TestAGuardBehindStripPrefixAnswersTheCallbackOfTheWholePath(t *testing.T) {
	a := NewApp(t, AppOptions{})
	prefixed := NewInstance(t, a.Fake, a.Clock, AppOptions{AuthKit: []authkit.Option{authkit.WithRedirectURL(a.URL + "/team/callback")}})
	prefixed.Server.Config.Handler = http.StripPrefix("/team", prefixed.RequireAuth(prefixed.Mux))
	assert.Equal(t, http.StatusBadRequest, prefixed.Send(Request{Target: "/team/callback?code=x&state=y", Header: Navigation()}).Status)
}

func TestAGuardWithASignInPagePassesExactlyTheLoginPath(t *testing.T) {
	var passed []string
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithSignInPage(), authkit.WithLoginPath("/sign-in")}})
	next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		passed = append(passed, r.Method+" "+r.RequestURI)
		io.WriteString(w, "the form")
	})
	a.Server.Config.Handler = a.RequireAuth(next)
	for target, open := range map[string]bool{
		"/sign-in": true, "/sign-in?return_to=/account": true,
		"/sign-in/": false, "/sign-in/x": false, "/Sign-in": false, "/sign%2Din": false, "//sign-in": false, "/x/../sign-in": false, "/account": false,
	} {
		for _, method := range []string{"GET", "POST"} {
			passed = nil
			resp := a.Send(Request{Method: method, Target: target, Header: Scripted()})
			assert.Equal(t, open, len(passed) == 1, "%s %s", method, target)
			assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
			assert.Equal(t, open, resp.Status == http.StatusOK, "%s %s", method, target)
		}
	}
	resp := a.Send(Request{Target: "/account", Header: Navigation()})
	assert.Equal(t, "/sign-in?return_to=%2Faccount", resp.Header.Get("Location"))

	plain := newGuardedRouter(t, requireAuth)
	assert.Equal(t, http.StatusUnauthorized, plain.Send(Request{Target: "/login", Header: Scripted()}).Status, "without WithSignInPage")
}

// A router may have the sign-in page for GET and POST only, and answer the rest of the methods with the handler for every path.
func TestAGuardWithASignInPagePassesOnlyTheMethodsOfAForm(t *testing.T) {
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithSignInPage()}})
	a.Server.Config.Handler = a.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "passed") }))
	for method, status := range map[string]int{
		"GET": http.StatusOK, "POST": http.StatusOK, "HEAD": http.StatusOK,
		"PUT": http.StatusUnauthorized, "PATCH": http.StatusUnauthorized, "DELETE": http.StatusUnauthorized, "PROPFIND": http.StatusUnauthorized,
		"get": http.StatusUnauthorized, "OPTIONS": http.StatusUnauthorized,
	} {
		r, err := http.NewRequest(method, a.URL+"/login", nil)
		require.NoError(t, err)
		resp, err := direct.RoundTrip(r)
		require.NoError(t, err)
		resp.Body.Close()
		assert.Equal(t, status, resp.StatusCode, method)
	}
}

func TestAPathThatAHandlerOutsideOfAGuardHasRewrittenIsGuarded(t *testing.T) {
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithSignInPage()}})
	a.Server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = "/account"
		a.RequireAuth(a.Mux).ServeHTTP(w, r)
	})
	assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/login", Header: Scripted()}).Status)
	assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Method: "POST", Target: "/logout", Header: Scripted()}).Status)
}

// The guard does not see the request as one for the sign-in page: another handler has rewritten its path, or a proxy has kept the base path.
func TestAGuardDoesNotRedirectTheSignInPageToItself(t *testing.T) {
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithSignInPage()}})
	a.Server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = "/app" + r.URL.Path
		a.RequireAuth(a.Mux).ServeHTTP(w, r)
	})
	below := newAppAt(t, "/tool", authkit.WithSignInPage())
	below.Server.Config.Handler = below.RequireAuth(below.Mux)
	for target, app := range map[string]*App{"/login": a, "/login?return_to=%2Faccount": a, "/tool/login": below} {
		resp := app.Send(Request{Target: target, Header: Navigation()})
		assert.Equal(t, http.StatusUnauthorized, resp.Status, target)
		assert.Contains(t, resp.Header.Get("Cache-Control"), "no-store")
	}
	assert.Equal(t, "/login?return_to=%2Faccount", a.Send(Request{Target: "/account", Header: Navigation()}).Header.Get("Location"))
}

func TestASignOutPassesAGuardThatRefusesTheSession(t *testing.T) {
	a := newGuardedRouter(t, func(a *App) func(http.Handler) http.Handler { return a.RequireRole("owner") })
	cookie := NewInstance(t, a.Fake, a.Clock, AppOptions{}).SignedIn(Kim).CookieHeader()
	require.Equal(t, http.StatusForbidden, a.Send(Request{Target: "/account", Cookie: cookie}).Status)
	resp := a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: Navigation()})
	assert.Equal(t, http.StatusSeeOther, resp.Status)
	assert.Negative(t, resp.SetCookies(t)["authkit-session"].MaxAge)
	assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/logout", Header: Scripted()}).Status, "a GET is guarded")

	crossOrigin := with(Navigation(), "Sec-Fetch-Site", "cross-site")
	assert.Equal(t, http.StatusForbidden, a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: crossOrigin}).Status)
}

func TestASignOutPassesEveryGuardOfSessions(t *testing.T) {
	for name, guard := range map[string]func(*App) func(http.Handler) http.Handler{
		"RequireOrganizationFunc": func(a *App) func(http.Handler) http.Handler {
			return a.RequireOrganizationFunc(func(*http.Request) string { return "org_globex" })
		},
		"RequireRecentAuth":   func(a *App) func(http.Handler) http.Handler { return a.RequireRecentAuth(time.Second) },
		"RequireAuthOrAPIKey": func(a *App) func(http.Handler) http.Handler { return a.RequireAuthOrAPIKey("posts:burn") },
		"Accept":              func(a *App) func(http.Handler) http.Handler { return a.Accept(acceptAll(a, "posts:burn")...) },
		"RequirePermission":   func(a *App) func(http.Handler) http.Handler { return a.RequirePermission("posts:burn") },
		"one guard in another": func(a *App) func(http.Handler) http.Handler {
			return chain(a.RequireRole("owner"), a.RequireRecentAuth(time.Second))
		},
		"inside the middleware": func(a *App) func(http.Handler) http.Handler { return chain(a.Middleware, a.RequireRole("owner")) },
	} {
		a := newGuardedRouter(t, guard)
		cookie := NewInstance(t, a.Fake, a.Clock, AppOptions{}).SignedIn(Kim).CookieHeader()
		a.Clock.Advance(3 * time.Minute)
		require.Equal(t, http.StatusForbidden, a.Send(Request{Method: "POST", Target: "/account", Cookie: cookie, Header: Scripted()}).Status, name)
		resp := a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: Navigation()})
		assert.Equal(t, http.StatusSeeOther, resp.Status, name)
		assert.Negative(t, resp.SetCookies(t)["authkit-session"].MaxAge, name)
	}
}

// http.ServeContent removes Cache-Control from its errors.
func TestASignInPageBehindAGuardIsPrivateForASignedInUserWithoutAnyCacheControl(t *testing.T) {
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithSignInPage()}})
	a.Server.Config.Handler = a.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Del("Cache-Control")
		w.WriteHeader(http.StatusNotFound)
	}))
	cookie := NewInstance(t, a.Fake, a.Clock, AppOptions{}).SignedIn(Kim).CookieHeader()
	resp := a.Send(Request{Target: "/login", Cookie: cookie, Header: Navigation()})
	assert.Equal(t, http.StatusNotFound, resp.Status)
	assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
}

func TestAGuardOfAPIKeysAnswersNoCallback(t *testing.T) {
	a := newGuardedRouter(t, func(a *App) func(http.Handler) http.Handler { return a.RequireAPIKey() })
	for _, q := range []Request{{Target: "/callback?code=x&state=y"}, {Method: "POST", Target: "/logout"}, {Target: "/login"}} {
		assert.Equal(t, http.StatusUnauthorized, a.Send(q).Status, q.Target)
	}
}
