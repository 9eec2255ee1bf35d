// Each guard with each kind of credential, and what a refusal names as missing.

package behaviour

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// newGuardedApp returns an application with one route per guard. Lee has an organization and no right that a guard requires.
func newGuardedApp(t *testing.T) *App {
	pass := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if key, ok := authkit.APIKeyFromContext(r.Context()); ok {
			io.WriteString(w, "passed: "+key.Name)
			return
		}
		s, _ := authkit.FromContext(r.Context())
		io.WriteString(w, "passed: "+s.UserID())
	})
	a := NewApp(t, AppOptions{
		AuthKit: []authkit.Option{authkit.WithBearerTokens("client_native")},
		Routes: func(a *App, mux *http.ServeMux) {
			for path, guard := range map[string]func(http.Handler) http.Handler{
				"/auth":            a.RequireAuth,
				"/role":            a.RequireAnyRole("owner", "admin"),
				"/onepermission":   a.RequirePermission("posts:write"),
				"/permission":      a.RequireAllPermissions("posts:read", "posts:write"),
				"/anypermission":   a.RequireAnyPermission("posts:delete", "posts:write"),
				"/onerole":         a.RequireRole("admin"),
				"/entitlement":     a.RequireEntitlement("audit-logs"),
				"/entitlements":    a.RequireAllEntitlements("audit-logs"),
				"/anyentitled":     a.RequireAnyEntitlement("sso", "audit-logs"),
				"/flag":            a.RequireFeatureFlag("beta"),
				"/flags":           a.RequireAllFeatureFlags("beta"),
				"/anyflag":         a.RequireAnyFeatureFlag("alpha", "beta"),
				"/oneorganization": a.RequireOrganization("org_acme"),
				"/anyorganization": a.RequireAnyOrganization("org_other", "org_acme"),
				"/anywhere":        a.RequireOrganizationSession(),
				"/inperson":        a.RefuseImpersonation,
				"/recent":          a.RequireRecentAuth(10 * time.Minute),
				"/resource":        a.RequireResourcePermission(projectOf, "posts:write"),
				"/apikey":          a.RequireAPIKey("posts:write"),
				"/either":          a.RequireAuthOrAPIKey("posts:write"),
				"/accept":          a.Accept(acceptAll(a, "posts:write")...),
				"/composed": func(next http.Handler) http.Handler {
					return a.RequireAuth(a.RequireRole("admin")(a.RequirePermission("posts:write")(next)))
				},
			} {
				mux.Handle(path, guard(pass))
			}
			mux.HandleFunc("/inside", func(w http.ResponseWriter, r *http.Request) {
				a.RequirePermission("posts:write")(pass).ServeHTTP(w, r)
			})
		},
	})
	addProjects(a.Fake)
	a.Fake.UpdateUser(lee, func(p *authkittest.User) {
		p.Memberships = []authkittest.Membership{{OrganizationID: "org_elsewhere", Role: "member", Permissions: []string{"posts:read"}}}
	})
	return a
}

// sessionOf returns the session in a cookie.
func (a *App) sessionOf(cookie string) *authkit.Session {
	a.T.Helper()
	var session *authkit.Session
	handler := a.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		session, _ = authkit.FromContext(r.Context())
	}))
	a.ServeDirectly(handler, Request{Method: "GET", Target: "/", Cookie: cookie})
	require.NotNil(a.T, session)
	return session
}

// bearerOf returns the access token of the session in a cookie.
func (a *App) bearerOf(cookie string) string {
	a.T.Helper()
	return a.sessionOf(cookie).AccessToken()
}

func TestEveryGuardAnswersEveryKindOfCredential(t *testing.T) {
	a := newGuardedApp(t)
	kimCookie := a.SignedIn(Kim).CookieHeader()
	leeCookie := a.SignedIn(lee).CookieHeader()
	a.Fake.UpdateUser(Kim, func(p *authkittest.User) {
		p.Claims = map[string]any{"act": map[string]any{"sub": "ops@example.com"}}
	})
	impersonated := a.SignedIn(Kim).CookieHeader()
	full := a.Fake.AddAPIKey(authkittest.APIKey{Name: "full", OrganizationID: "org_acme", Permissions: []string{"posts:write"}})
	poor := a.Fake.AddAPIKey(authkittest.APIKey{Name: "poor", OrganizationID: "org_acme", Permissions: []string{"posts:read"}})

	visitors := map[string]Request{
		"signed out":        {},
		"without the right": {Cookie: leeCookie},
		"with the right":    {Cookie: kimCookie},
		"impersonated":      {Cookie: impersonated},
		"with a token":      {Header: http.Header{"Authorization": {"Bearer " + a.bearerOf(kimCookie)}}},
		"with a bad token":  {Header: http.Header{"Authorization": {"Bearer nonsense"}}},
		"with a key":        {Header: http.Header{"Authorization": {"bearer " + full}}},
		"with a poor key":   {Header: http.Header{"Authorization": {"Bearer " + poor}}},
		"with a bad key":    {Header: http.Header{"Authorization": {"Bearer sk_nonsense"}}},
	}
	const ok, unauthenticated, forbidden, redirect = 200, 401, 403, 303
	users := map[string][2]int{ // navigation, fetch
		"signed out": {redirect, unauthenticated}, "without the right": {forbidden, forbidden}, "with the right": {ok, ok}, "with a token": {ok, ok},
		"impersonated": {ok, ok}, "with a bad token": {unauthenticated, unauthenticated},
		"with a key": {redirect, unauthenticated}, "with a poor key": {redirect, unauthenticated}, "with a bad key": {redirect, unauthenticated},
	}
	notImpersonated := map[string][2]int{"without the right": {ok, ok}, "impersonated": {forbidden, forbidden}}
	anyUser := map[string][2]int{"without the right": {ok, ok}}
	keys := map[string][2]int{
		"signed out":        {unauthenticated, unauthenticated},
		"without the right": {unauthenticated, unauthenticated}, "with the right": {unauthenticated, unauthenticated},
		"with a token": {unauthenticated, unauthenticated}, "impersonated": {unauthenticated, unauthenticated},
		"with a bad token": {unauthenticated, unauthenticated},
		"with a key":       {ok, ok}, "with a poor key": {forbidden, forbidden}, "with a bad key": {unauthenticated, unauthenticated},
	}
	usersOrKeys := map[string][2]int{
		"with a key": {ok, ok}, "with a poor key": {forbidden, forbidden}, "with a bad key": {unauthenticated, unauthenticated},
	}
	for path, exceptions := range map[string]map[string][2]int{
		"/auth": anyUser, "/anywhere": anyUser, "/inperson": notImpersonated, "/recent": anyUser,
		"/role": nil, "/permission": nil, "/anypermission": nil, "/entitlement": nil, "/flag": nil, "/oneorganization": nil,
		"/onerole": nil, "/onepermission": nil, "/entitlements": nil, "/anyentitled": nil, "/flags": nil, "/anyflag": nil, "/anyorganization": nil, "/resource": nil,
		"/composed": nil, "/inside": nil, "/apikey": keys, "/either": usersOrKeys,
		"/accept": usersOrKeys,
	} {
		for visitor, q := range visitors {
			want, found := exceptions[visitor]
			if !found {
				want = users[visitor]
			}
			for how, header := range map[string]http.Header{"navigation": Navigation(), "fetch": Scripted()} {
				t.Run(path+", "+visitor+", "+how, func(t *testing.T) {
					for name, values := range q.Header {
						header[name] = values
					}
					resp := a.Send(Request{Target: path, Cookie: q.Cookie, Header: header})
					navigation := how == "navigation"
					status := want[1]
					if navigation {
						status = want[0]
					}
					require.Equal(t, status, resp.Status, resp.Body)
					a.checkGuarded(t, resp, navigation)
				})
			}
		}
	}
}

// checkGuarded checks the response of a guard: its body, its headers and the problem document of a refusal.
func (a *App) checkGuarded(t *testing.T, resp Response, navigation bool) {
	t.Helper()
	switch resp.Status {
	case http.StatusOK:
		assert.Contains(t, resp.Body, "passed: ")
		assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
	case http.StatusSeeOther:
		assert.Contains(t, resp.Header.Get("Location"), a.Fake.URL()+"/user_management/authorize?")
		return
	case http.StatusUnauthorized:
		assert.Contains(t, resp.Header.Get("WWW-Authenticate"), "Bearer")
	}
	assert.Empty(t, resp.Header.Get("Location"))
	assert.Empty(t, resp.SetCookies(t))
	if resp.Status == http.StatusOK {
		return
	}
	if navigation {
		assert.Contains(t, resp.Header.Get("Content-Type"), "text/html")
		return
	}
	problem := resp.Problem(t)
	assert.EqualValues(t, resp.Status, problem["status"])
	if resp.Status == http.StatusForbidden {
		assert.NotEmpty(t, problem["missing"])
		assert.NotContains(t, resp.Body, "user_")
	}
}

func TestAGuardReportsWhatIsMissing(t *testing.T) {
	a := newGuardedApp(t)
	cookie := a.SignedIn(lee).CookieHeader()
	for path, missing := range map[string]string{
		"/role": "role owner or admin", "/permission": "permission posts:write", "/anypermission": "permission posts:delete or posts:write",
		"/entitlement": "entitlement audit-logs", "/flag": "feature flag beta", "/oneorganization": "a session in another organization",
		"/onerole": "role admin", "/onepermission": "permission posts:write", "/entitlements": "entitlement audit-logs",
		"/anyentitled": "entitlement sso or audit-logs", "/flags": "feature flag beta", "/anyflag": "feature flag alpha or beta",
		"/anyorganization": "a session in another organization", "/resource": "permission posts:write on this resource",
	} {
		resp := a.Send(Request{Target: path, Cookie: cookie, Header: Scripted()})
		assert.Equal(t, missing, resp.Problem(t)["missing"])
		assert.Contains(t, a.Send(Request{Target: path, Cookie: cookie, Header: Navigation()}).Body, missing)
	}
}

func TestRefuseImpersonationRefusesAnImpersonatedSession(t *testing.T) {
	a := newGuardedApp(t)
	a.Fake.UpdateUser(Kim, func(p *authkittest.User) {
		p.Claims = map[string]any{"act": map[string]any{"sub": "ops@example.com"}}
	})
	cookie := a.SignedIn(Kim).CookieHeader()
	assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/role", Cookie: cookie}).Status)
	resp := a.Send(Request{Target: "/inperson", Cookie: cookie, Header: Scripted()})
	assert.Equal(t, http.StatusForbidden, resp.Status)
	assert.Equal(t, "a session without impersonation", resp.Problem(t)["missing"])
}

func TestAGuardPanicsForAnEmptyList(t *testing.T) {
	a := newGuardedApp(t)
	for want, guard := range map[string]func(){
		"RequireAnyRole needs at least one role":                 func() { a.RequireAnyRole() },
		"RequireAllPermissions needs at least one permission":    func() { a.RequireAllPermissions() },
		"RequireAnyPermission needs at least one permission":     func() { a.RequireAnyPermission() },
		"RequireAllEntitlements needs at least one entitlement":  func() { a.RequireAllEntitlements() },
		"RequireAnyEntitlement needs at least one entitlement":   func() { a.RequireAnyEntitlement() },
		"RequireAllFeatureFlags needs at least one feature flag": func() { a.RequireAllFeatureFlags() },
		"RequireAnyFeatureFlag needs at least one feature flag":  func() { a.RequireAnyFeatureFlag() },
	} {
		assert.PanicsWithValue(t, "authkit: "+want, guard)
	}
}

func TestAGuardOfAllRightsRefusesASessionWithOneOfThem(t *testing.T) {
	a := newGuardedApp(t)
	cookie := a.SignedIn(Kim).CookieHeader()
	pass := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	for name, guard := range map[string]func(http.Handler) http.Handler{
		"permission posts:burn":   a.RequireAllPermissions("posts:write", "posts:burn"),
		"entitlement burning":     a.RequireAllEntitlements("audit-logs", "burning"),
		"feature flag burning":    a.RequireAllFeatureFlags("beta", "burning"),
		"permission posts:freeze": a.RequireAuthOrAPIKey("posts:write", "posts:freeze"),
	} {
		resp := a.ServeDirectly(guard(pass), Request{Method: "GET", Target: "/", Cookie: cookie, Header: Scripted()})
		assert.Equal(t, http.StatusForbidden, resp.Status, name)
		assert.Equal(t, name, resp.Problem(t)["missing"])
	}
}
