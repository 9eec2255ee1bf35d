package authkit_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

func TestAnAnonymousNavigationGoesIntoSignInAndAnythingElseGets401(t *testing.T) {
	a := newApp(t, appOptions{})
	header := func(pairs ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			h.Set(pairs[i], pairs[i+1])
		}
		return h
	}
	for name, c := range map[string]struct {
		method     string
		header     http.Header
		navigation bool
	}{
		"a browser loads a page":             {"GET", navigation(), true},
		"a browser without Fetch Metadata":   {"GET", header("Accept", "text/html,*/*;q=0.8"), true},
		"a script's fetch":                   {"GET", scripted(), false},
		"a script's fetch that accepts HTML": {"GET", header("Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty", "Accept", "text/html"), false},
		"a program that accepts anything":    {"GET", header("Accept", "*/*"), false},
		"a program that accepts JSON":        {"GET", header("Accept", "application/json"), false},
		"a program that says nothing":        {"GET", header(), false},
		"a page in a frame":                  {"GET", header("Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe", "Accept", "text/html"), false},
		"an image":                           {"GET", header("Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"), false},
		"a prefetch":                         {"GET", header("Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document", "Accept", "text/html", "Sec-Purpose", "prefetch"), false},
		"a prerendered page":                 {"GET", header("Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document", "Accept", "text/html", "Sec-Purpose", "prefetch;prerender"), false},
		"an older browser's prefetch":        {"GET", header("Accept", "text/html", "Purpose", "prefetch"), false},
		"a HEAD":                             {"HEAD", navigation(), false},
		"a form that is posted":              {"POST", navigation(), false},
		"an upgrade to WebSocket":            {"GET", header("Connection", "keep-alive, Upgrade", "Upgrade", "websocket", "Accept", "text/html"), false},
	} {
		t.Run(name, func(t *testing.T) {
			resp := a.send(request{method: c.method, target: "/account?tab=1", header: c.header})
			assert.Equal(t, "private, no-store", resp.header.Get("Cache-Control"))
			assert.Contains(t, resp.header.Values("Vary"), "Cookie")
			if c.navigation {
				assert.Equal(t, http.StatusSeeOther, resp.status)
				assert.Contains(t, resp.header.Get("Location"), a.fake.URL()+"/user_management/authorize?")
				assert.Len(t, resp.setCookies(t), 1)
				return
			}
			assert.Equal(t, http.StatusUnauthorized, resp.status)
			assert.Empty(t, resp.header.Get("Location"))
			assert.Empty(t, resp.setCookies(t))
			if c.method != "HEAD" && !strings.Contains(c.header.Get("Accept"), "text/html") {
				problem := resp.problem(t)
				assert.Equal(t, "signed_out", problem["code"])
				assert.EqualValues(t, 401, problem["status"])
				assert.NotEmpty(t, problem["title"])
			}
		})
	}
}

func TestTheReturnPathIsTheRequestsOwnWhateverAPrefixHandlerStrips(t *testing.T) {
	a := newApp(t, appOptions{routes: func(a *app, mux *http.ServeMux) {
		inner := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "inner "+r.URL.Path) })
		mux.Handle("/files/", http.StripPrefix("/files", a.RequireAuth(inner)))
	}})
	page, err := a.browser().SignIn(a.url+"/files/a%20b/c.txt?v=%2F1&x", kim)
	require.NoError(t, err)
	assert.Equal(t, "inner /a b/c.txt", page.Body)
	assert.Equal(t, a.url+"/files/a%20b/c.txt?v=%2F1&x", page.URL.String())
}

func TestAGuardWithoutTheMiddlewareLoadsTheSessionItself(t *testing.T) {
	a := newApp(t, appOptions{})
	cookie := a.signedIn(kim).cookieHeader()
	bare := newInstance(t, a.fake, a.clock, appOptions{})
	bare.server.Config.Handler = bare.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, visitor(r))
	}))
	assert.Contains(t, bare.send(request{target: "/", cookie: cookie}).body, kim)
	resp := bare.send(request{target: "/"})
	assert.Equal(t, http.StatusUnauthorized, resp.status)
	assert.Equal(t, []string{"Cookie"}, resp.header.Values("Vary"))
}

func TestAGuardTrustsItsOwnAuthKitAlone(t *testing.T) {
	a := newApp(t, appOptions{})
	cookie := a.signedIn(kim).cookieHeader()
	other := newInstance(t, a.fake, a.clock, appOptions{authkit: []authkit.Option{authkit.WithCookieName("admin-session")}})
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, visitor(r)) })
	other.server.Config.Handler = a.Middleware(other.RequireAuth(handler))

	assert.Equal(t, http.StatusUnauthorized, other.send(request{target: "/", cookie: cookie}).status)
	renamed := strings.Replace(cookie, "authkit-session=", "admin-session=", 1)
	assert.Equal(t, http.StatusUnauthorized, other.send(request{target: "/", cookie: renamed}).status,
		"a seal of one cookie does not open under another's name")
}

func TestWithoutARedirectURLAGuardRedirectsNobody(t *testing.T) {
	a := newApp(t, appOptions{})
	reader, err := authkit.New(
		authkit.WithAPIKey(a.fake.APIKey()), authkit.WithClientID(a.fake.ClientID()), authkit.WithBaseURL(a.fake.URL()),
		authkit.WithCookiePassword(password), authkit.WithCookieName("authkit-session"), authkit.WithClock(a.clock))
	require.NoError(t, err)
	cookie := a.signedIn(kim).cookieHeader()
	a.server.Config.Handler = reader.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, visitor(r))
	}))
	assert.Contains(t, a.send(request{target: "/", cookie: cookie}).body, kim)
	resp := a.send(request{target: "/", header: navigation()})
	assert.Equal(t, http.StatusUnauthorized, resp.status)
	assert.NotContains(t, resp.body, "href")
}

func TestLoginAndCallbackServeGETAndLogoutPOST(t *testing.T) {
	a := newApp(t, appOptions{})
	cookie := a.signedIn(kim).cookieHeader()
	s := a.begin("/login")
	for target, allow := range map[string]string{"/login": "GET", s.target(): "GET", "/logout": "POST"} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"} {
			if method == allow {
				continue
			}
			resp := a.send(request{method: method, target: target, cookie: cookie + "; " + s.cookie})
			assert.Equal(t, http.StatusMethodNotAllowed, resp.status, "%s %s", method, target)
			assert.Equal(t, allow, resp.header.Get("Allow"))
			assert.Empty(t, resp.setCookies(t))
		}
	}
	assert.Equal(t, 1, a.fake.Calls(authkittest.RouteAuthenticate))
	assert.Contains(t, a.send(request{target: "/account", cookie: cookie}).body, kim, "still signed in")
	assert.Equal(t, http.StatusSeeOther, a.send(request{target: s.target(), cookie: s.cookie}).status, "the code is still good")
}

func TestLoginSendsWhatItsOptionsSay(t *testing.T) {
	a := newApp(t, appOptions{routes: func(a *app, mux *http.ServeMux) {
		mux.Handle("/signup", a.Login(authkit.ScreenHint("sign-up"), authkit.LoginHint("new@example.com"), authkit.InvitationToken("invite-1")))
		mux.Handle("/fresh", a.Login(authkit.MaxAge(0), authkit.Prompt("login"), authkit.Organization("org_acme")))
		mux.Handle("/google", a.Login(authkit.Provider("GoogleOAuth"), authkit.DomainHint("acme.test")))
		mux.Handle("/sso", a.Login(authkit.Connection("conn_1")))
		mux.Handle("/tenant", a.Login(authkit.PerRequest(func(r *http.Request) []authkit.LoginOption {
			return []authkit.LoginOption{authkit.Organization(r.URL.Query().Get("org"))}
		})))
		mux.Handle("/broken", a.Login(authkit.PerRequest(func(*http.Request) []authkit.LoginOption {
			return []authkit.LoginOption{authkit.ScreenHint("nonsense")}
		})))
	}})
	for target, want := range map[string]map[string]string{
		"/login": {"provider": "authkit", "screen_hint": "", "organization_id": ""},
		"/login?screen_hint=sign-up&organization_id=org_x&provider=GoogleOAuth&redirect_uri=http://evil.example&state=x": {"provider": "authkit", "screen_hint": "", "organization_id": ""},
		"/signup":            {"provider": "authkit", "screen_hint": "sign-up", "login_hint": "new@example.com", "invitation_token": "invite-1"},
		"/fresh":             {"provider": "authkit", "max_age": "0", "prompt": "login", "organization_id": "org_acme"},
		"/google":            {"provider": "GoogleOAuth", "domain_hint": "acme.test"},
		"/sso":               {"connection_id": "conn_1", "provider": ""},
		"/tenant?org=org_42": {"organization_id": "org_42"},
	} {
		resp := a.send(request{target: target})
		require.Equal(t, http.StatusSeeOther, resp.status, target)
		location, err := resp.location()
		require.NoError(t, err)
		query := location.Query()
		assert.Equal(t, "code", query.Get("response_type"))
		assert.Equal(t, a.fake.ClientID(), query.Get("client_id"))
		assert.Equal(t, a.url+"/callback", query.Get("redirect_uri"))
		assert.Equal(t, "S256", query.Get("code_challenge_method"))
		assert.Len(t, query.Get("code_challenge"), 43)
		assert.Len(t, query.Get("state"), 43)
		for name, value := range want {
			assert.Equal(t, value, query.Get(name), "%s: %s", target, name)
		}
	}
	resp := a.send(request{target: "/broken", header: navigation()})
	assert.Equal(t, http.StatusInternalServerError, resp.status)
	assert.Empty(t, resp.setCookies(t))
}

func TestForgedForwardingHeadersChangeNothing(t *testing.T) {
	a := newApp(t, appOptions{})
	forged := navigation()
	for name, value := range map[string]string{
		"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "X-Forwarded-Prefix": "//evil.example",
		"Forwarded": "host=evil.example;proto=https", "X-Original-URL": "//evil.example/", "Origin": "https://evil.example",
	} {
		forged.Set(name, value)
	}
	forged.Set("Host", "evil.example")
	for _, target := range []string{"/login?return_to=/account", "/account"} {
		resp := a.send(request{target: target, header: forged})
		location, err := resp.location()
		require.NoError(t, err)
		assert.Equal(t, a.url+"/callback", location.Query().Get("redirect_uri"))
		for _, c := range resp.setCookies(t) {
			assert.False(t, c.Secure, "Secure comes from the redirect URL")
			assert.Empty(t, c.Domain)
		}
	}
}

func TestWithASignInPageOfItsOwnAGuardLeadsThere(t *testing.T) {
	ak, err := authkit.New(
		authkit.WithAPIKey("sk_1"), authkit.WithClientID("client_1"), authkit.WithCookiePassword(password),
		authkit.WithSignInPage(), authkit.WithLoginPath("/enter"))
	require.NoError(t, err)
	a := &app{AuthKit: ak, t: t}
	guarded := ak.RequireAuth(http.NotFoundHandler())
	resp := a.direct(guarded, request{method: "GET", target: "/account?a=b&c", header: navigation()})
	assert.Equal(t, http.StatusSeeOther, resp.status)
	assert.Equal(t, "/enter?return_to=%2Faccount%3Fa%3Db%26c", resp.header.Get("Location"))
	assert.Equal(t, "private, no-store", resp.header.Get("Cache-Control"))
	assert.Empty(t, resp.setCookies(t))
	assert.Equal(t, "/enter", a.direct(guarded, request{method: "GET", target: "/%2F/evil.example", header: navigation()}).header.Get("Location"))
	assert.Equal(t, http.StatusUnauthorized, a.direct(guarded, request{method: "GET", target: "/account", header: scripted()}).status)
}

// AuthKit alone knows max_age, so a new proof is given there, whatever a sign-in asks for otherwise.
func TestANewProofIsGivenAtAuthKitItselfWhateverTheLoginOptionsSay(t *testing.T) {
	connection := authkit.PerRequest(func(*http.Request) []authkit.LoginOption {
		return []authkit.LoginOption{authkit.Connection("conn_1")}
	})
	for name, options := range map[string][]authkit.LoginOption{
		"a provider":                 {authkit.Provider("GoogleOAuth")},
		"a connection":               {authkit.Connection("conn_1")},
		"a connection by request":    {connection},
		"an organization":            {authkit.Organization("org_acme")},
		"a provider with its domain": {authkit.Provider("GoogleOAuth"), authkit.DomainHint("example.com")},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, appOptions{
				authkit: []authkit.Option{authkit.WithLoginOptions(options...)},
				routes: func(a *app, mux *http.ServeMux) {
					mux.Handle("/recent", a.RequireRecentAuth(time.Minute)(http.NotFoundHandler()))
				},
			})
			cookie := newInstance(t, a.fake, a.clock, appOptions{}).signedIn(kim).cookieHeader()
			a.clock.Advance(4 * time.Minute)
			resp := a.send(request{target: "/recent", cookie: cookie, header: navigation()})
			require.Equal(t, http.StatusSeeOther, resp.status, resp.body)
			location, err := resp.location()
			require.NoError(t, err)
			assert.Equal(t, "authkit", location.Query().Get("provider"))
			assert.Equal(t, "60", location.Query().Get("max_age"))
			assert.NotContains(t, location.Query(), "connection_id")
			assert.Equal(t, name == "an organization", location.Query().Has("organization_id"))
			assert.False(t, a.warned(), a.logs.String())
		})
	}
}
