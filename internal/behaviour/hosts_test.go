// An application with several hosts: the redirect URL, the post-logout redirect URL and the organization of a request follow
// its Host.

package behaviour

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// hostsApp is an application at app.localhost, acme.localhost and globex.localhost. The last two belong to organizations.
type hostsApp struct {
	*App
	port string
}

// url returns the address of a path at a host.
func (a *hostsApp) url(host, path string) string { return "http://" + host + ":" + a.port + path }

// browser returns a browser for which all hosts are this machine.
func (a *hostsApp) browser() *authkittest.Browser {
	b := authkittest.NewBrowser()
	loopback := direct.Clone()
	loopback.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+portOf(address))
	}
	b.Base = loopback
	a.T.Cleanup(loopback.CloseIdleConnections)
	return b
}

// get sends a navigation to a host.
func (a *hostsApp) get(host, path, cookie string) Response {
	a.T.Helper()
	return a.Send(Request{Target: path, Cookie: cookie, Header: with(Navigation(), "Host", host+":"+a.port)})
}

// redirectURI returns the redirect URI of the sign-in that a response starts.
func (r Response) redirectURI(t testing.TB) string {
	t.Helper()
	require.Equal(t, http.StatusSeeOther, r.Status, r.Body)
	location, err := r.Location()
	require.NoError(t, err)
	return location.Query().Get("redirect_uri")
}

// newHostsApp starts the application. Kim is a member of org_acme and org_globex, and Lee is not a member of either.
func newHostsApp(t *testing.T, opts ...authkit.Option) *hostsApp {
	t.Helper()
	clock := authkittest.NewFakeClock(Start)
	fake := authkittest.New(t, authkittest.WithClock(clock),
		authkittest.WithOrganizations(authkittest.Organization{ID: "org_acme", Name: "Acme"}, authkittest.Organization{ID: "org_globex", Name: "Globex"}),
		authkittest.WithUsers(authkittest.User{ID: "user_kim", Email: Kim, FirstName: "Kim", Memberships: []authkittest.Membership{
			{OrganizationID: "org_acme", Role: "admin"}, {OrganizationID: "org_globex", Role: "member"},
		}}, authkittest.User{ID: "user_lee", Email: lee, FirstName: "Lee"}))
	first := NewInstance(t, fake, clock, AppOptions{}) // its port is the port of all hosts
	a := &hostsApp{App: first, port: portOf(first.URL)}
	organization := func(r *http.Request) string {
		return map[string]string{"acme.localhost:" + a.port: "org_acme", "globex.localhost:" + a.port: "org_globex"}[r.Host]
	}
	ak, err := authkit.New(append([]authkit.Option{
		authkit.WithAPIKey(fake.APIKey()), authkit.WithClientID(fake.ClientID()), authkit.WithBaseURL(fake.URL()),
		authkit.WithCookiePassword(Password), authkit.WithClock(clock), authkit.WithLogger(slog.New(slog.NewTextHandler(a.Logs, &slog.HandlerOptions{Level: slog.LevelDebug}))),
		authkit.WithRedirectURL(a.url("app.localhost", "/callback"), a.url("acme.localhost", "/callback"), a.url("globex.localhost", "/auth/callback")),
		authkit.WithPostLogoutRedirectURL(a.url("app.localhost", "/"), a.url("acme.localhost", "/bye")),
		authkit.WithLoginFunc(func(r *http.Request) authkit.LoginParams { return authkit.LoginParams{Organization: organization(r)} }),
	}, opts...)...)
	require.NoError(t, err)
	a.Replace(ak)
	a.Mux.Handle("GET /auth/callback", ak.Callback())
	a.Mux.HandleFunc("GET /bye", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "signed out at "+r.Host) })
	a.Mux.Handle("/tenant/", ak.RequireOrganizationFunc(organization)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, _ := authkit.FromContext(r.Context())
		fmt.Fprintf(w, `<!doctype html>%s in %s at %s<form method="post" action="/logout"><button>Sign out</button></form>`, s.User().Email, s.OrganizationID(), r.Host)
	})))
	return a
}

func portOf(address string) string { return address[strings.LastIndexByte(address, ':')+1:] }

func TestASignInUsesTheRedirectURLOfTheRequestsHost(t *testing.T) {
	a := newHostsApp(t)
	app, acme, globex := a.url("app.localhost", "/callback"), a.url("acme.localhost", "/callback"), a.url("globex.localhost", "/auth/callback")
	for host, want := range map[string]string{
		"app.localhost:" + a.port:            app,
		"acme.localhost:" + a.port:           acme,
		"globex.localhost:" + a.port:         globex,
		"ACME.Localhost:" + a.port:           acme,
		"acme.localhost.:" + a.port:          acme,
		"acme.localhost":                     app, // another port is another origin
		"acme.localhost:1":                   app,
		"other.localhost:" + a.port:          app,
		"x.acme.localhost:" + a.port:         app,
		"acme.localhost.evil.test:" + a.port: app,
		"127.0.0.1:" + a.port:                app,
		"[::1]:" + a.port:                    app,
	} {
		for _, path := range []string{"/login", "/account"} {
			resp := a.Send(Request{Target: path, Header: with(Navigation(), "Host", host)})
			assert.Equal(t, want, resp.redirectURI(t), "%s%s", host, path)
		}
	}
	for name, value := range map[string]string{"X-Forwarded-Host": "acme.localhost:" + a.port, "Forwarded": "host=acme.localhost:" + a.port, "X-Original-Host": "acme.localhost:" + a.port} {
		resp := a.Send(Request{Target: "/login", Header: with(with(Navigation(), name, value), "Host", "app.localhost:"+a.port)})
		assert.Equal(t, app, resp.redirectURI(t), name)
	}
}

func TestTheDefaultPortOfTheSchemeDoesNotDistinguishHosts(t *testing.T) {
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{
		authkit.WithRedirectURL("https://app.example.com/callback", "https://acme.example.com:443/callback", "https://Globex.example.com/callback", "https://example.com:8443/callback"),
		authkit.WithPostLogoutRedirectURL(""),
	}})
	for host, want := range map[string]string{
		"acme.example.com":       "https://acme.example.com:443/callback",
		"acme.example.com:443":   "https://acme.example.com:443/callback",
		"acme.example.com.:443":  "https://acme.example.com:443/callback",
		"acme.example.com:80":    "https://app.example.com/callback",
		"globex.example.com":     "https://Globex.example.com/callback",
		"globex.example.com:443": "https://Globex.example.com/callback",
		"example.com:8443":       "https://example.com:8443/callback",
		"example.com":            "https://app.example.com/callback",
	} {
		resp := a.Send(Request{Target: "/login", Header: with(Navigation(), "Host", host)})
		assert.Equal(t, want, resp.redirectURI(t), host)
	}
}

func TestEachHostHasASessionInItsOwnOrganization(t *testing.T) {
	a := newHostsApp(t)
	b := a.browser()
	page, err := b.SignIn(a.url("acme.localhost", "/tenant/a%2Fb?q=1"), Kim)
	require.NoError(t, err)
	assert.Equal(t, a.url("acme.localhost", "/tenant/a%2Fb?q=1"), page.URL.String())
	assert.Contains(t, page.Body, Kim+" in org_acme at acme.localhost")

	page, err = b.Get(a.url("globex.localhost", "/tenant/"))
	require.NoError(t, err)
	assert.Equal(t, a.url("globex.localhost", "/tenant/"), page.URL.String(), "AuthKit knows the user")
	assert.Contains(t, page.Body, Kim+" in org_globex")
	page, err = b.Get(a.url("acme.localhost", "/tenant/"))
	require.NoError(t, err)
	assert.Contains(t, page.Body, Kim+" in org_acme", "a session for each host")

	page, err = b.Submit("Sign out", nil)
	require.NoError(t, err)
	assert.Equal(t, a.url("acme.localhost", "/bye"), page.URL.String(), "the post-logout redirect URL of the host")
	page, err = b.Get(a.url("globex.localhost", "/tenant/"))
	require.NoError(t, err)
	assert.Contains(t, page.Body, Kim+" in org_globex", "a sign-out ends the session of its host")
	page, err = b.Submit("Sign out", nil)
	require.NoError(t, err)
	assert.Equal(t, a.url("app.localhost", "/"), page.URL.String(), "this host has no post-logout redirect URL")
}

// signInAt signs a user in at AuthKit and returns the callback, without requesting it.
func (a *hostsApp) signInAt(started Response, email string) PendingSignIn {
	a.T.Helper()
	cookie := started.stateCookie(a.T)
	var callback *url.URL
	b := a.browser()
	b.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Port() == a.port {
			callback = r.URL
			return http.ErrUseLastResponse
		}
		return nil
	}
	_, err := b.SignIn(started.Header.Get("Location"), email)
	require.NotNil(a.T, callback, "%v", err)
	a.Logs.addSecrets(nil, callback)
	return PendingSignIn{callback, cookie}
}

func TestASignInFinishesOnlyOnTheHostOnWhichItStarted(t *testing.T) {
	a := newHostsApp(t)
	b := a.browser()
	_, err := b.Get(a.url("acme.localhost", "/tenant/x"))
	require.NoError(t, err)
	started := a.get("acme.localhost", "/tenant/x", "")
	pending := a.signInAt(started, Kim)
	assert.Equal(t, "acme.localhost:"+a.port, pending.Callback.Host)
	page, err := b.Get(a.url("globex.localhost", "/auth"+pending.Target()))
	require.NoError(t, err)
	assert.Equal(t, http.StatusBadRequest, page.StatusCode, "the state cookie is for the other host")
	assert.Zero(t, a.Fake.Calls(authkittest.RouteCodeExchange))

	// A sign-in that takes too long starts again with the redirect URL of its host.
	a.Clock.Advance(2 * time.Hour)
	late := a.get("acme.localhost", pending.Target(), pending.Cookie)
	assert.Equal(t, a.url("acme.localhost", "/callback"), late.redirectURI(t))
}

func TestTheSessionIsNotRefreshedAtTheCallbackOfItsHostOnly(t *testing.T) {
	a := newHostsApp(t)
	pending := a.signInAt(a.get("globex.localhost", "/login", ""), Kim)
	session := a.get("globex.localhost", pending.Target(), pending.Cookie).session(t)
	require.NotEmpty(t, session)
	a.ExpireToken(time.Second)
	a.get("globex.localhost", "/auth/callback?error=access_denied", session)
	assert.Zero(t, a.Fake.Calls(authkittest.RouteRefresh))
	a.get("globex.localhost", "/callback?error=access_denied", session) // a path of this host like every other
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
}

func TestAGuardAroundTheWholeRouterAnswersTheCallbackOfItsHost(t *testing.T) {
	a := newHostsApp(t)
	a.Server.Config.Handler = a.RequireAuth(http.NotFoundHandler())
	const query = "?code=x&state=unknown"
	for address, want := range map[string]int{
		"acme.localhost /callback":        http.StatusBadRequest,
		"globex.localhost /auth/callback": http.StatusBadRequest,
		"acme.localhost /auth/callback":   http.StatusSeeOther,
		"globex.localhost /callback":      http.StatusSeeOther,
		"unknown.localhost /callback":     http.StatusBadRequest,
	} {
		host, path, _ := strings.Cut(address, " ")
		assert.Equal(t, want, a.get(host, path+query, "").Status, address)
	}
}

func TestAReturnPathLeadsToNoOtherHostOfTheApplication(t *testing.T) {
	a := newHostsApp(t)
	acme := a.url("acme.localhost", "/tenant/")
	assert.Equal(t, "/", a.SanitizeReturnPath(acme))
	resp := a.get("app.localhost", "/login?return_to="+url.QueryEscape(acme), "")
	pending := a.signInAt(resp, lee)
	resp = a.get("app.localhost", pending.Target(), pending.Cookie)
	assert.Equal(t, "/", resp.Header.Get("Location"))

	named := newHostsApp(t)
	origin := named.url("acme.localhost", "")
	other := newHostsApp(t, authkit.WithReturnOrigins(origin))
	assert.Equal(t, origin+"/tenant/", other.SanitizeReturnPath(origin+"/tenant/"))
}

// A page of another customer's host must not sign a user out here.
func TestAHostAcceptsPostsOfItsOwnPagesOnly(t *testing.T) {
	for name, c := range map[string]struct {
		host, origin string
		want         int
	}{
		"its own page":             {"acme.localhost", "acme.localhost", http.StatusOK},
		"a page of the first host": {"acme.localhost", "app.localhost", http.StatusForbidden},
		"a page of another host":   {"app.localhost", "globex.localhost", http.StatusForbidden},
		"a trusted origin":         {"acme.localhost", "https://www.example.com", http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			a := newHostsApp(t, authkit.WithTrustedOrigins("https://www.example.com"))
			origin := c.origin
			if !strings.HasPrefix(origin, "https:") {
				origin = a.url(origin, "")
			}
			header := with(with(Scripted(), "Origin", origin), "Sec-Fetch-Site", "same-site")
			resp := a.Send(Request{Method: "POST", Target: "/logout", Header: with(header, "Host", c.host+":"+a.port)})
			assert.Equal(t, c.want, resp.Status)
		})
	}
}

// The proxy rewrites Host, so it does not name the host of the page.
func TestPagesOfAllHostsMayPostBehindAProxyThatRewritesHost(t *testing.T) {
	a := newHostsApp(t)
	for origin, want := range map[string]int{
		a.url("app.localhost", ""):                  http.StatusOK,
		a.url("acme.localhost", ""):                 http.StatusOK,
		a.url("globex.localhost", ""):               http.StatusOK,
		a.url("other.localhost", ""):                http.StatusForbidden,
		"https://acme.localhost:" + a.port:          http.StatusForbidden,
		"http://acme.localhost":                     http.StatusForbidden,
		"http://acme.localhost.evil.test:" + a.port: http.StatusForbidden,
	} {
		header := with(with(Scripted(), "Origin", origin), "Sec-Fetch-Site", "same-site")
		resp := a.Send(Request{Method: "POST", Target: "/logout", Header: with(header, "Host", "internal:8080")})
		assert.Equal(t, want, resp.Status, origin)
	}
}

// With a Domain, the hosts share one session. Its organization is that of the last sign-in or switch.
func TestHostsThatShareASessionShareItsOrganization(t *testing.T) {
	organizations := map[string]string{"acme.example.test": "org_acme", "globex.example.test": "org_globex"}
	callbacks := []string{"http://acme.example.test/callback", "http://globex.example.test/callback"}
	a := NewApp(t, AppOptions{
		AuthKit: []authkit.Option{authkit.WithRedirectURL(callbacks[0], callbacks[1]), authkit.WithInsecureHTTP(), authkit.WithCookieDomain("example.test")},
		Fake: []authkittest.Option{
			authkittest.WithRedirectURIs(callbacks...),
			authkittest.WithOrganizations(authkittest.Organization{ID: "org_globex", Name: "Globex"}),
			authkittest.WithUsers(authkittest.User{ID: "user_pat", Email: "pat@example.com", FirstName: "Pat", Memberships: []authkittest.Membership{
				{OrganizationID: "org_acme"}, {OrganizationID: "org_globex"},
			}}),
		},
		Routes: func(a *App, mux *http.ServeMux) {
			mux.Handle("/tenant", a.RequireOrganizationFunc(func(r *http.Request) string { return organizations[r.Host] })(http.HandlerFunc(me)))
			mux.Handle("/acme", a.Login(authkit.LoginParams{Organization: "org_acme"}))
		},
	})
	at := func(host string) http.Header { return with(Navigation(), "Host", host) }
	status := func(host, session string) int {
		return a.Send(Request{Target: "/tenant", Cookie: session, Header: at(host)}).Status
	}
	started := a.Send(Request{Target: "/acme", Header: at("acme.example.test")})
	b := authkittest.NewBrowser()
	t.Cleanup(b.CloseIdleConnections)
	var callback *url.URL
	b.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Host == "acme.example.test" {
			callback = r.URL
			return http.ErrUseLastResponse
		}
		return nil
	}
	_, err := b.SignIn(started.Header.Get("Location"), "pat@example.com")
	require.NotNil(t, callback, "%v", err)
	a.Logs.addSecrets(nil, callback)
	resp := a.Send(Request{Target: callback.RequestURI(), Cookie: started.stateCookie(t), Header: at("acme.example.test")})
	require.NotNil(t, resp.SetCookies(t)[sessionCookie], resp.Body)
	assert.Equal(t, "example.test", resp.SetCookies(t)[sessionCookie].Domain)
	session := resp.session(t)
	assert.Equal(t, http.StatusOK, status("acme.example.test", session))
	assert.Equal(t, http.StatusForbidden, status("globex.example.test", session))

	form := url.Values{"organization_id": {"org_globex"}, "return_to": {"/tenant"}}
	resp = a.Send(Request{Method: "POST", Target: "/organization", Cookie: session, Form: form, Header: at("globex.example.test")})
	require.Equal(t, http.StatusSeeOther, resp.Status, resp.Body)
	session = resp.session(t)
	assert.Equal(t, http.StatusOK, status("globex.example.test", session))
	assert.Equal(t, http.StatusForbidden, status("acme.example.test", session))
}

func TestDuplicatesAreExpiredForTheDomainsOfTheRequestsHost(t *testing.T) {
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{
		authkit.WithRedirectURL("http://app.example.test/callback", "http://acme.customers.test/callback"), authkit.WithInsecureHTTP(),
	}})
	for host, domains := range map[string][]string{
		"app.example.test":    {"example.test", "app.example.test"},
		"acme.customers.test": {"customers.test", "acme.customers.test"},
		"unknown.test":        {"example.test", "app.example.test"},
	} {
		resp := a.Send(Request{Method: "POST", Target: "/logout", Cookie: "authkit-session=a; authkit-session=b", Header: with(Scripted(), "Host", host)})
		expired := map[string]bool{}
		for _, form := range resp.expiredForms(t) {
			expired[form] = true
		}
		for _, domain := range domains {
			assert.True(t, expired["authkit-session "+domain+" /"], "%s: %s of %v", host, domain, expired)
		}
		for form := range expired {
			if host == "acme.customers.test" {
				assert.NotContains(t, form, "example.test", host)
			} else {
				assert.NotContains(t, form, "customers.test", host)
			}
		}
	}
}
