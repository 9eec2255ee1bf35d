// Guards: which requests start a sign-in, and which session a guard accepts. Login, and the methods of the handlers.

package behaviour

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

func TestAnAnonymousNavigationStartsSignInAndAnyOtherRequestGets401(t *testing.T) {
	a := NewApp(t, AppOptions{})
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
		"a browser loads a page":             {"GET", Navigation(), true},
		"a browser without Fetch Metadata":   {"GET", header("Accept", "text/html,*/*;q=0.8"), true},
		"a navigation of a service worker":   {"GET", header("Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "empty", "Accept", "text/html"), true},
		"a navigation to an unknown place":   {"GET", header("Sec-Fetch-Mode", "navigate", "Accept", "text/html"), false},
		"a script's fetch":                   {"GET", Scripted(), false},
		"a script's fetch that accepts HTML": {"GET", header("Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty", "Accept", "text/html"), false},
		"a client that accepts anything":     {"GET", header("Accept", "*/*"), false},
		"a client that accepts JSON":         {"GET", header("Accept", "application/json"), false},
		"a client without headers":           {"GET", header(), false},
		"a page in a frame":                  {"GET", header("Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe", "Accept", "text/html"), false},
		"an image":                           {"GET", header("Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"), false},
		"a prefetch":                         {"GET", header("Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document", "Accept", "text/html", "Sec-Purpose", "prefetch"), false},
		"a prerendered page":                 {"GET", header("Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document", "Accept", "text/html", "Sec-Purpose", "prefetch;prerender"), false},
		"a prefetch of an older browser":     {"GET", header("Accept", "text/html", "Purpose", "prefetch"), false},
		"a HEAD":                             {"HEAD", Navigation(), false},
		"a form that is posted":              {"POST", Navigation(), false},
		"an upgrade to WebSocket":            {"GET", header("Connection", "keep-alive, Upgrade", "Upgrade", "websocket", "Accept", "text/html"), false},
	} {
		t.Run(name, func(t *testing.T) {
			resp := a.Send(Request{Method: c.method, Target: "/account?tab=1", Header: c.header})
			assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
			assert.Contains(t, resp.Header.Values("Vary"), "Cookie")
			if c.navigation {
				assert.Equal(t, http.StatusSeeOther, resp.Status)
				assert.Contains(t, resp.Header.Get("Location"), a.Fake.URL()+"/user_management/authorize?")
				assert.Len(t, resp.SetCookies(t), 1)
				return
			}
			assert.Equal(t, http.StatusUnauthorized, resp.Status)
			assert.Empty(t, resp.Header.Get("Location"))
			assert.Empty(t, resp.SetCookies(t))
			if c.method != "HEAD" && !strings.Contains(c.header.Get("Accept"), "text/html") {
				problem := resp.Problem(t)
				assert.Equal(t, "unauthenticated", problem["code"])
				assert.EqualValues(t, 401, problem["status"])
				assert.NotEmpty(t, problem["title"])
			}
		})
	}
}

func TestTheReturnPathIncludesAPrefixRemovedByStripPrefix(t *testing.T) {
	a := NewApp(t, AppOptions{Routes: func(a *App, mux *http.ServeMux) {
		inner := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "inner "+r.URL.Path) })
		mux.Handle("/files/", http.StripPrefix("/files", a.RequireAuth(inner)))
	}})
	page, err := a.Browser().SignIn(a.URL+"/files/a%20b/c.txt?v=%2F1&x", Kim)
	require.NoError(t, err)
	assert.Equal(t, "inner /a b/c.txt", page.Body)
	assert.Equal(t, a.URL+"/files/a%20b/c.txt?v=%2F1&x", page.URL.String())
}

func TestAGuardWithoutTheMiddlewareLoadsTheSessionItself(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	unwrapped := NewInstance(t, a.Fake, a.Clock, AppOptions{})
	unwrapped.Server.Config.Handler = unwrapped.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, Visitor(r))
	}))
	assert.Contains(t, unwrapped.Send(Request{Target: "/", Cookie: cookie}).Body, Kim)
	resp := unwrapped.Send(Request{Target: "/"})
	assert.Equal(t, http.StatusUnauthorized, resp.Status)
	assert.Equal(t, []string{"Cookie"}, resp.Header.Values("Vary"))
}

func TestAGuardIgnoresASessionOfAnotherAuthKit(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	other := NewInstance(t, a.Fake, a.Clock, AppOptions{AuthKit: []authkit.Option{authkit.WithCookieName("admin-session")}})
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, Visitor(r)) })
	other.Server.Config.Handler = a.Middleware(other.RequireAuth(handler))

	assert.Equal(t, http.StatusUnauthorized, other.Send(Request{Target: "/", Cookie: cookie}).Status)
	renamed := strings.Replace(cookie, "authkit-session=", "admin-session=", 1)
	assert.Equal(t, http.StatusUnauthorized, other.Send(Request{Target: "/", Cookie: renamed}).Status,
		"a cookie does not open under another name")
}

func TestAGuardWithoutARedirectURLAnswers401(t *testing.T) {
	a := NewApp(t, AppOptions{})
	ak, err := authkit.New(
		authkit.WithAPIKey(a.Fake.APIKey()), authkit.WithClientID(a.Fake.ClientID()), authkit.WithBaseURL(a.Fake.URL()),
		authkit.WithCookiePassword(Password), authkit.WithCookieName("authkit-session"), authkit.WithClock(a.Clock))
	require.NoError(t, err)
	cookie := a.SignedIn(Kim).CookieHeader()
	a.Server.Config.Handler = ak.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, Visitor(r))
	}))
	assert.Contains(t, a.Send(Request{Target: "/", Cookie: cookie}).Body, Kim)
	resp := a.Send(Request{Target: "/", Header: Navigation()})
	assert.Equal(t, http.StatusUnauthorized, resp.Status)
	assert.NotContains(t, resp.Body, "href")
	resp = a.Send(Request{Target: "/", Header: ofHTMX(a.URL + "/")})
	assert.Equal(t, http.StatusUnauthorized, resp.Status)
	assert.NotContains(t, resp.Header, "Hx-Redirect")
}

func TestLoginAndCallbackAcceptOnlyGETAndLogoutOnlyPOST(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	s := a.StartSignIn("/login")
	for target, allow := range map[string]string{"/login": "GET", s.Target(): "GET", "/logout": "POST"} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"} {
			if method == allow {
				continue
			}
			resp := a.Send(Request{Method: method, Target: target, Cookie: cookie + "; " + s.Cookie})
			assert.Equal(t, http.StatusMethodNotAllowed, resp.Status, "%s %s", method, target)
			assert.Equal(t, allow, resp.Header.Get("Allow"))
			assert.Empty(t, resp.SetCookies(t))
		}
	}
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteAuthenticate))
	assert.Contains(t, a.Send(Request{Target: "/account", Cookie: cookie}).Body, Kim, "still signed in")
	assert.Equal(t, http.StatusSeeOther, a.Send(Request{Target: s.Target(), Cookie: s.Cookie}).Status, "the code is still valid")
}

func TestLoginSendsItsParametersToAuthKit(t *testing.T) {
	a := NewApp(t, AppOptions{Routes: func(a *App, mux *http.ServeMux) {
		mux.Handle("/signup", a.Login(authkit.LoginParams{ScreenHint: "sign-up", LoginHint: "new@example.com", InvitationToken: "invite-1"}))
		mux.Handle("/fresh", a.Login(authkit.LoginParams{MaxAge: new(time.Duration), Prompt: "login", Organization: "org_acme"}))
		mux.Handle("/google", a.Login(authkit.LoginParams{Provider: "GoogleOAuth", DomainHint: "acme.test"}))
		mux.Handle("/sso", a.Login(authkit.LoginParams{Connection: "conn_1"}))
		mux.Handle("/tenant", a.LoginFunc(func(r *http.Request) authkit.LoginParams {
			return authkit.LoginParams{Organization: r.URL.Query().Get("org")}
		}))
		mux.Handle("/broken", a.LoginFunc(func(*http.Request) authkit.LoginParams {
			return authkit.LoginParams{ScreenHint: "nonsense"}
		}))
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
		resp := a.Send(Request{Target: target})
		require.Equal(t, http.StatusSeeOther, resp.Status, target)
		location, err := resp.Location()
		require.NoError(t, err)
		query := location.Query()
		assert.Equal(t, "code", query.Get("response_type"))
		assert.Equal(t, a.Fake.ClientID(), query.Get("client_id"))
		assert.Equal(t, a.URL+"/callback", query.Get("redirect_uri"))
		assert.Equal(t, "S256", query.Get("code_challenge_method"))
		assert.Len(t, query.Get("code_challenge"), 43)
		assert.Len(t, query.Get("state"), 43)
		for name, value := range want {
			assert.Equal(t, value, query.Get(name), "%s: %s", target, name)
		}
	}
	resp := a.Send(Request{Target: "/broken", Header: Navigation()})
	assert.Equal(t, http.StatusInternalServerError, resp.Status)
	assert.Empty(t, resp.SetCookies(t))
}

func TestWithSignInPageAGuardRedirectsToTheLoginPath(t *testing.T) {
	ak, err := authkit.New(
		authkit.WithAPIKey("sk_1"), authkit.WithClientID("client_1"), authkit.WithCookiePassword(Password),
		authkit.WithSignInPage(), authkit.WithLoginPath("/enter"))
	require.NoError(t, err)
	a := &App{AuthKit: ak}
	guarded := ak.RequireAuth(http.NotFoundHandler())
	resp := a.ServeDirectly(guarded, Request{Method: "GET", Target: "/account?a=b&c", Header: Navigation()})
	assert.Equal(t, http.StatusSeeOther, resp.Status)
	assert.Equal(t, "/enter?return_to=%2Faccount%3Fa%3Db%26c", resp.Header.Get("Location"))
	assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
	assert.Empty(t, resp.SetCookies(t))
	assert.Equal(t, "/enter", a.ServeDirectly(guarded, Request{Method: "GET", Target: "/%2F/evil.example", Header: Navigation()}).Header.Get("Location"))
	assert.Equal(t, http.StatusUnauthorized, a.ServeDirectly(guarded, Request{Method: "GET", Target: "/account", Header: Scripted()}).Status)
}

// A browser sends either both headers or none, so a request with one of them does not come from a page load.
func TestARequestWithOnlyOneFetchMetadataHeaderIsNotANavigation(t *testing.T) {
	a := NewApp(t, AppOptions{})
	for name, value := range map[string]string{"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "image"} {
		resp := a.Send(Request{Target: "/account", Header: http.Header{name: {value}, "Accept": {"text/html"}}})
		assert.Equal(t, http.StatusUnauthorized, resp.Status, name)
		assert.Empty(t, resp.SetCookies(t))
	}
}
