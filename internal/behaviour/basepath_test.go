// Applications that browsers find below a path of a host, behind a proxy that removes the path from requests.

package behaviour

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// newAppAt returns an application below a base path. Its requests arrive as a proxy that removes the path sends them.
func newAppAt(t *testing.T, base string, opts ...authkit.Option) *App {
	t.Helper()
	return NewApp(t, AppOptions{AuthKit: append([]authkit.Option{
		authkit.WithBasePath(base), authkit.WithRedirectURL("http://localhost:8080" + base + "/callback"), authkit.WithPostLogoutRedirectURL(""),
	}, opts...)})
}

func TestABasePathIsAPartOfEveryPathThatABrowserGets(t *testing.T) {
	a := newAppAt(t, "/tool")
	ownPage := newAppAt(t, "/tool", authkit.WithSignInPage())
	htmx := ofHTMX("http://localhost:8080/tool/orders?page=2")
	for name, c := range map[string]struct {
		app    *App
		q      Request
		header string
		want   string
	}{
		"the application's own sign-in page":         {ownPage, Request{Target: "/account?tab=1", Header: Navigation()}, "Location", "/tool/login?return_to=%2Ftool%2Faccount%3Ftab%3D1"},
		"a fragment of htmx":                         {a, Request{Target: "/account", Header: htmx}, "HX-Redirect", "/tool/login?return_to=%2Ftool%2Forders%3Fpage%3D2"},
		"a fragment of htmx on another application":  {a, Request{Target: "/account", Header: ofHTMX("http://localhost:8080/other")}, "HX-Redirect", "/tool/login?return_to=%2Fother"},
		"a fragment of htmx without an address":      {a, Request{Target: "/account", Header: ofHTMX("")}, "HX-Redirect", "/tool/login"},
		"a boosted link of htmx":                     {a, Request{Target: "/account?tab=1", Header: with(htmx, "HX-Boosted", "true")}, "HX-Redirect", "/tool/login?return_to=%2Ftool%2Faccount%3Ftab%3D1"},
		"a sign-out without a session":               {a, Request{Method: "POST", Target: "/logout", Header: Navigation()}, "Location", "/tool/"},
		"a sign-out by htmx without a session":       {a, Request{Method: "POST", Target: "/logout", Header: htmx}, "HX-Redirect", "/tool/"},
		"a request target that is too long":          {ownPage, Request{Target: "/account?" + strings.Repeat("x", 2035), Header: Navigation()}, "Location", "/tool/login"},
		"a request target that is just short enough": {ownPage, Request{Target: "/account?" + strings.Repeat("x", 2034), Header: Navigation()}, "Location", "/tool/login?return_to=%2Ftool%2Faccount%3F" + strings.Repeat("x", 2034)},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.want, c.app.Send(c.q).Header.Get(c.header))
		})
	}
	for name, c := range map[string]struct {
		q    Request
		want string
	}{
		"a page of a failed guard":          {Request{Target: "/account", Header: with(Scripted(), "Accept", "text/html")}, `href="/tool/login?return_to=%2Ftool%2Faccount"`},
		"a page of a failed callback":       {Request{Target: "/callback?code=x&state=unknown", Header: Navigation()}, `href="/tool/login"`},
		"a page of a cancelled sign-in":     {Request{Target: "/callback?error=access_denied", Header: Navigation()}, `href="/tool/login"`},
		"a script that signs out":           {Request{Method: "POST", Target: "/logout", Header: Scripted()}, `{"logout_url":"/tool/"}`},
		"a service worker that signs out":   {Request{Method: "POST", Target: "/logout", Header: with(Scripted(), "Accept", "text/html")}, `0;url=/tool/"`},
		"a forbidden page's sign-in, a 401": {Request{Target: "/deep/x?y=1", Header: with(Scripted(), "Accept", "text/html")}, `href="/tool/login?return_to=%2Ftool%2Fdeep%2Fx%3Fy%3D1"`},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Contains(t, a.Send(c.q).Body, c.want)
		})
	}
}

// AuthKit redirects to /tool/callback, which arrives as /callback.
func TestAGuardAroundTheWholeRouterBelowABasePathAnswersTheCallback(t *testing.T) {
	a := newAppAt(t, "/tool")
	a.Server.Config.Handler = a.RequireAuth(http.NotFoundHandler())
	assert.Equal(t, http.StatusBadRequest, a.Send(Request{Target: "/callback?code=x&state=unknown", Header: Navigation()}).Status)
	assert.Equal(t, http.StatusSeeOther, a.Send(Request{Target: "/tool/callback?code=x&state=unknown", Header: Navigation()}).Status, "a page like every other")
}

func TestAReturnPathIsAPathAsBrowsersSeeIt(t *testing.T) {
	a := newAppAt(t, "/tool")
	for target, want := range map[string]string{
		"/tool/account?x=1":                 "/tool/account?x=1",
		"/other/page":                       "/other/page", // another application of the host
		"/":                                 "/",
		"":                                  "/tool/",
		"//evil.example":                    "/tool/",
		"https://evil.example/tool/account": "/tool/",
	} {
		assert.Equal(t, want, a.SanitizeReturnPath(target), target)
	}
	// "/" is not the root of the application, so a link to sign in must name it.
	resp := a.Send(Request{Target: "/account", Header: ofHTMX("http://localhost:8080/")})
	assert.Equal(t, "/tool/login?return_to=%2F", resp.Header.Get("HX-Redirect"))
}

// strippingProxy serves applications below paths of one host, and removes the path as a proxy does.
func strippingProxy(t *testing.T) (front *httptest.Server, add func(base string, a *App)) {
	t.Helper()
	mux := http.NewServeMux()
	front = httptest.NewServer(mux)
	t.Cleanup(front.Close)
	front.URL = strings.Replace(front.URL, "127.0.0.1", "localhost", 1)
	return front, func(base string, a *App) {
		upstream, err := url.Parse(a.URL)
		require.NoError(t, err)
		mux.Handle(base+"/", http.StripPrefix(base, &httputil.ReverseProxy{
			Transport: direct,
			Rewrite: func(p *httputil.ProxyRequest) {
				p.SetURL(upstream)
				p.Out.Host = p.In.Host
			},
		}))
	}
}

// newAppBehind returns an application below a base path of the proxy.
func newAppBehind(t *testing.T, front *httptest.Server, base string, fake *authkittest.Server, clock *authkittest.FakeClock, opts ...authkit.Option) *App {
	t.Helper()
	return NewInstance(t, fake, clock, AppOptions{
		Password: newPassword(),
		AuthKit: append([]authkit.Option{
			authkit.WithBasePath(base), authkit.WithRedirectURL(front.URL + base + "/callback"), authkit.WithPostLogoutRedirectURL(front.URL + base + "/bye"),
		}, opts...),
		Routes: func(a *App, mux *http.ServeMux) {
			mux.Handle("GET /page/", a.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprintf(w, `<!doctype html><h1>%s of %s</h1><form method="post" action="%[1]s/logout"><button>Sign out</button></form>`, base, Visitor(r))
			})))
			mux.HandleFunc("GET /bye", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "signed out of "+base) })
		},
	})
}

func TestASignInBelowABasePathReturnsToTheRequestedPage(t *testing.T) {
	for name, opts := range map[string][]authkit.Option{
		"a lax session":    nil,
		"a strict session": {authkit.WithCookieSameSite(http.SameSiteStrictMode)},
		"a named cookie":   {authkit.WithCookieName("sid")},
	} {
		t.Run(name, func(t *testing.T) {
			front, add := strippingProxy(t)
			clock := authkittest.NewFakeClock(Start)
			a := newAppBehind(t, front, "/tool", authkittest.New(t, testUsers(), authkittest.WithClock(clock)), clock, opts...)
			add("/tool", a)
			b := a.Browser()
			b.Base = direct
			deep := front.URL + "/tool/page/a%2Fb?q=1&r=/x"
			page, err := b.SignIn(deep, Kim)
			require.NoError(t, err)
			assert.Equal(t, deep, page.URL.String())
			assert.Contains(t, page.Body, "/tool of "+Kim)

			// The callback, loaded again, leads a signed-in user to the root of the application.
			page, err = b.Get(front.URL + "/tool/callback?code=x&state=unknown")
			require.NoError(t, err)
			assert.Equal(t, front.URL+"/tool/", page.URL.String())
			assert.Contains(t, page.Body, "home of "+Kim)

			// Without a return path, a sign-in leads to the root of the application, and a sign-out to its own page.
			page, err = b.Get(front.URL + "/tool/login")
			require.NoError(t, err)
			assert.Equal(t, front.URL+"/tool/", page.URL.String(), "AuthKit knows the user")
			_, err = b.Get(deep)
			require.NoError(t, err)
			page, err = b.Submit("Sign out", nil)
			require.NoError(t, err)
			assert.Equal(t, front.URL+"/tool/bye", page.URL.String())
			for _, c := range b.Jar.Cookies(&url.URL{Scheme: "http", Host: strings.TrimPrefix(front.URL, "http://"), Path: "/tool/"}) {
				assert.True(t, strings.HasPrefix(c.Name, "fake-authkit-"), c.Name)
			}
		})
	}
}

// The proxy does not remove the base path, which a warning says. A guard that sent the browser to AuthKit would get it back, without end.
func TestAGuardAnswersACallbackThatHasKeptTheBasePath(t *testing.T) {
	base := NewApp(t, AppOptions{})
	a := NewInstance(t, base.Fake, base.Clock, AppOptions{})
	ak, err := authkit.New(ValidOptions(
		authkit.WithBaseURL(a.Fake.URL()), authkit.WithClientID(a.Fake.ClientID()), authkit.WithAPIKey(a.Fake.APIKey()), authkit.WithClock(a.Clock),
		authkit.WithBasePath("/tool"), authkit.WithRedirectURL(a.URL+"/tool/callback"),
	)...)
	require.NoError(t, err)
	a.Server.Config.Handler = ak.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "reached "+r.URL.Path) }))
	b := authkittest.NewBrowser()
	b.Base = direct
	page, err := b.SignIn(a.URL+"/tool/account", Kim)
	require.NoError(t, err)
	assert.Equal(t, "reached /tool/tool/account", page.Body)
	page, err = b.Get(a.URL + "/tool/callback?code=x&state=unknown")
	require.NoError(t, err)
	assert.Equal(t, "reached /tool/callback", page.Body, "a page like every other")
}
