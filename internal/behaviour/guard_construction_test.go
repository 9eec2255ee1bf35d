// The construction of guards. A wrong argument must never make a guard that allows every request.

package behaviour

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// middleware is the type that every guard has or returns.
type middleware = func(http.Handler) http.Handler

// guardsOf returns the exported guards of an AuthKit by name. It finds them by reflection, so a new guard is tested as well.
func guardsOf(ak *authkit.AuthKit) map[string]reflect.Value {
	guards := map[string]reflect.Value{}
	v := reflect.ValueOf(ak)
	for i := range v.NumMethod() {
		if name := v.Type().Method(i).Name; strings.HasPrefix(name, "Require") || strings.HasPrefix(name, "Refuse") {
			guards[name] = v.Method(i)
		}
	}
	return guards
}

// emptyArguments returns one constructor call for each set of empty or invalid arguments that the guard's signature allows.
// The keys are labels for messages.
func emptyArguments(t *testing.T, name string, guard reflect.Value) map[string]func() middleware {
	t.Helper()
	switch build := guard.Interface().(type) {
	case func(http.Handler) http.Handler:
		return map[string]func() middleware{"()": func() middleware { return build }}
	case func() func(http.Handler) http.Handler:
		return map[string]func() middleware{"()": build}
	case func(string) func(http.Handler) http.Handler:
		return map[string]func() middleware{
			`("")`:   func() middleware { return build("") },
			`(" ")`:  func() middleware { return build(" ") },
			`("\t")`: func() middleware { return build("\t") },
		}
	case func(...string) func(http.Handler) http.Handler:
		return map[string]func() middleware{
			"()":              func() middleware { return build() },
			"(nil...)":        func() middleware { return build([]string(nil)...) },
			"([]string{}...)": func() middleware { return build([]string{}...) },
			`("")`:            func() middleware { return build("") },
			`(" ")`:           func() middleware { return build(" ") },
			`("", "")`:        func() middleware { return build("", "") },
			`("", "other")`:   func() middleware { return build("", "other") },
			`("other", "")`:   func() middleware { return build("other", "") },
		}
	case func(time.Duration) func(http.Handler) http.Handler:
		return map[string]func() middleware{
			"(0)":                     func() middleware { return build(0) },
			"(-1)":                    func() middleware { return build(-1) },
			"(the smallest duration)": func() middleware { return build(math.MinInt64) },
			"(minus one hour)":        func() middleware { return build(-time.Hour) },
		}
	case func(func(*http.Request) string) func(http.Handler) http.Handler:
		return map[string]func() middleware{
			"(nil)":               func() middleware { return build(nil) },
			`(func … return "")`:  func() middleware { return build(func(*http.Request) string { return "" }) },
			`(func … return " ")`: func() middleware { return build(func(*http.Request) string { return " " }) },
		}
	case func(func(*http.Request) workos.Resource, string) func(http.Handler) http.Handler:
		return map[string]func() middleware{
			`(nil, "posts:write")`: func() middleware { return build(nil, "posts:write") },
			`(func …, "")`:         func() middleware { return build(projectOf, "") },
			`(func …, " ")`:        func() middleware { return build(projectOf, " ") },
			`(func … return zero, …)`: func() middleware {
				return build(func(*http.Request) workos.Resource { return workos.Resource{} }, "posts:write")
			},
			`(func …, "posts:burn")`: func() middleware { return build(projectOf, "posts:burn") },
		}
	}
	require.Failf(t, "this test does not know the signature of a guard", "%s is a %s", name, guard.Type())
	return nil
}

// buildMiddleware returns the middleware that build makes. ok is false if build panics.
func buildMiddleware(build func() middleware) (made middleware, ok bool) {
	defer func() { ok = recover() == nil }()
	return build(), true
}

// newAppWithoutRights returns an application, a handler that answers "reached", and the session cookies of two users. None
// of their sessions satisfies a guard: the roles, permissions, entitlements and feature flags in the tokens are empty
// strings, the authentication is an hour old, and the sessions are impersonated. The first user has no organization, the
// second one has org_acme.
func newAppWithoutRights(t *testing.T) (a *App, pass http.Handler, none, acme string) {
	a = NewApp(t, AppOptions{})
	cookies := map[string]string{}
	for _, email := range []string{lee, Kim} {
		a.Fake.UpdateUser(email, func(p *authkittest.User) {
			p.Claims = map[string]any{
				"act":  map[string]any{"sub": "ops@example.com"},
				"role": "", "roles": []string{"", " "}, "permissions": []string{"", " "},
				"entitlements": []string{"", " "}, "feature_flags": []string{"", " "},
			}
		})
		cookies[email] = a.SignedIn(email).CookieHeader()
	}
	a.Clock.Advance(time.Hour)
	for email, cookie := range cookies {
		cookies[email] = JarAfter(cookie, a.Send(Request{Target: "/account", Cookie: cookie}))
	}
	pass = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "reached") })
	return a, pass, cookies[lee], cookies[Kim]
}

// An empty argument must not be equal to an empty string in a token.
func TestAGuardWithEmptyArgumentsAllowsNoUserWithoutRights(t *testing.T) {
	a, pass, none, acme := newAppWithoutRights(t)
	visitors := map[string]string{"signed out": "", "signed in": none, "signed in to an organization": acme}
	// The requests that a guard allows by its definition. All other guards allow no request of this test.
	allowed := map[string]func(method, visitor string) bool{
		"RequireAuth()":                func(_, visitor string) bool { return visitor != "signed out" },
		"RequireAuthOrAPIKey()":        func(_, visitor string) bool { return visitor != "signed out" },
		"RequireOrganizationSession()": func(_, visitor string) bool { return visitor == "signed in to an organization" },
		"RefuseCrossOrigin()":          func(method, _ string) bool { return method == "GET" },
	}
	guards := guardsOf(a.AuthKit)
	for _, name := range []string{"RequireAuth", "RequireRole", "RequireAnyRole", "RefuseImpersonation", "RequireRecentAuth", "RequireAPIKey"} {
		require.Contains(t, guards, name)
	}
	for name, guard := range guards {
		for arguments, build := range emptyArguments(t, name, guard) {
			t.Run(name+arguments, func(t *testing.T) {
				made, ok := buildMiddleware(build)
				if !ok {
					return // refused at construction
				}
				a.Server.Config.Handler = made(pass)
				allows := allowed[name+strings.NewReplacer("nil...", "", "[]string{}...", "").Replace(arguments)]
				for visitor, cookie := range visitors {
					for _, method := range []string{"GET", "POST"} {
						header := Scripted()
						header.Set("Sec-Fetch-Site", "cross-site")
						resp := a.Send(Request{Method: method, Target: "/guarded", Cookie: cookie, Header: header})
						want := allows != nil && allows(method, visitor)
						assert.Equal(t, want, resp.Body == "reached", "%s, %s: %d %s", method, visitor, resp.Status, resp.Body)
						if !want {
							assert.Contains(t, []int{http.StatusUnauthorized, http.StatusForbidden}, resp.Status)
						}
					}
				}
			})
		}
	}
}

func TestAGuardPanicsForAnEmptyNameOrANegativeAge(t *testing.T) {
	a := newGuardedApp(t)
	var none []string
	for want, build := range map[string]func(){
		"authkit: RequireAnyRole needs at least one role":                   func() { a.RequireAnyRole(none...) },
		"authkit: RequireAllPermissions needs at least one permission":      func() { a.RequireAllPermissions([]string{}...) },
		"authkit: RequireRole: role 1 of 1 is empty":                        func() { a.RequireRole("") },
		"authkit: RequireAnyRole: role 2 of 3 is empty":                     func() { a.RequireAnyRole("admin", "", "owner") },
		"authkit: RequirePermission: permission 1 of 1 is empty":            func() { a.RequirePermission("") },
		"authkit: RequireAllPermissions: permission 1 of 1 is empty":        func() { a.RequireAllPermissions("") },
		"authkit: RequireAnyPermission: permission 2 of 2 is empty":         func() { a.RequireAnyPermission("posts:write", " \t") },
		"authkit: RequireEntitlement: entitlement 1 of 1 is empty":          func() { a.RequireEntitlement("") },
		"authkit: RequireAllEntitlements: entitlement 2 of 2 is empty":      func() { a.RequireAllEntitlements("sso", "") },
		"authkit: RequireAnyEntitlement: entitlement 1 of 2 is empty":       func() { a.RequireAnyEntitlement("", "sso") },
		"authkit: RequireFeatureFlag: feature flag 1 of 1 is empty":         func() { a.RequireFeatureFlag("") },
		"authkit: RequireAllFeatureFlags: feature flag 2 of 2 is empty":     func() { a.RequireAllFeatureFlags("beta", "") },
		"authkit: RequireAnyFeatureFlag: feature flag 1 of 2 is empty":      func() { a.RequireAnyFeatureFlag("", "beta") },
		"authkit: RequireRecentAuth needs an age of zero or more, not -1ns": func() { a.RequireRecentAuth(-1) },
		"authkit: RequireResourcePermission: the function is nil":           func() { a.RequireResourcePermission(nil, "posts:write") },
		"authkit: RequireResourcePermission: permission 1 of 1 is empty":    func() { a.RequireResourcePermission(projectOf, " ") },
		"authkit: RequireAnyOrganization needs at least one organization ID; RequireOrganizationSession accepts every organization": func() {
			a.RequireAnyOrganization(none...)
		},
	} {
		assert.PanicsWithValue(t, want, build)
	}
	for name, build := range map[string]func(){
		"RequireAPIKey":       func() { a.RequireAPIKey("posts:write", "") },
		"RequireAuthOrAPIKey": func() { a.RequireAuthOrAPIKey("") },
	} {
		assert.Panics(t, build, name)
	}
	for _, id := range []string{"", " ", "org_", "acme", "Org_acme", "org_acme ", "org_a/b", "user_kim", "org_" + strings.Repeat("x", 125)} {
		want := fmt.Sprintf(": %q is not an organization ID, which starts with org_", id)
		assert.PanicsWithValue(t, "authkit: RequireOrganization"+want, func() { a.RequireOrganization(id) })
		assert.PanicsWithValue(t, "authkit: RequireAnyOrganization"+want, func() { a.RequireAnyOrganization("org_acme", id) })
	}
	assert.NotPanics(t, func() { a.RequireRecentAuth(0) })
	assert.NotPanics(t, func() { a.RequireOrganizationSession() })
}

func TestAGuardCopiesTheSliceOfItsNames(t *testing.T) {
	a, pass, cookie, _ := newAppWithoutRights(t)
	for name, guard := range map[string]func(...string) func(http.Handler) http.Handler{
		"RequireAnyRole": a.RequireAnyRole, "RequireAnyOrganization": a.RequireAnyOrganization,
		"RequireAllPermissions": a.RequireAllPermissions, "RequireAnyPermission": a.RequireAnyPermission,
		"RequireAllEntitlements": a.RequireAllEntitlements, "RequireAnyEntitlement": a.RequireAnyEntitlement,
		"RequireAllFeatureFlags": a.RequireAllFeatureFlags, "RequireAnyFeatureFlag": a.RequireAnyFeatureFlag,
	} {
		names := []string{"org_other"}
		a.Server.Config.Handler = guard(names...)(pass)
		names[0] = ""
		assert.Equal(t, http.StatusForbidden, a.Send(Request{Target: "/", Cookie: cookie, Header: Scripted()}).Status, name)
	}
}

func TestRequireOrganizationSessionReportsAMissingOrganization(t *testing.T) {
	a, pass, none, acme := newAppWithoutRights(t)
	a.Server.Config.Handler = a.RequireOrganizationSession()(pass)
	resp := a.Send(Request{Target: "/", Cookie: none, Header: Scripted()})
	assert.Equal(t, http.StatusForbidden, resp.Status)
	assert.Equal(t, "a session in an organization", resp.Problem(t)["missing"])
	assert.Equal(t, "reached", a.Send(Request{Target: "/", Cookie: acme}).Body)
}

// The clock skew that is added to the largest duration must not overflow.
func TestRequireRecentAuthAcceptsTheLargestAge(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	pass := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "reached") })
	for _, age := range []time.Duration{math.MaxInt64, math.MaxInt64 - 1, math.MaxInt64 - time.Minute} {
		a.Server.Config.Handler = a.RequireRecentAuth(age)(pass)
		assert.Equal(t, "reached", a.Send(Request{Target: "/", Cookie: cookie}).Body, age)
	}
	a = NewApp(t, AppOptions{})
	a.Fake.UpdateUser(Kim, func(p *authkittest.User) { p.Claims = map[string]any{"auth_time": nil} })
	cookie = a.SignedIn(Kim).CookieHeader()
	a.Server.Config.Handler = a.RequireRecentAuth(math.MaxInt64)(pass)
	assert.Equal(t, http.StatusForbidden, a.Send(Request{Target: "/", Cookie: cookie}).Status, "a token without auth_time satisfies no age")
}

func TestEveryGuardPanicsForANilHandler(t *testing.T) {
	a := newGuardedApp(t)
	const want = "authkit: a guard needs a handler, and this one is nil"
	for name, guard := range guardsOf(a.AuthKit) {
		var made middleware
		switch build := guard.Interface().(type) {
		case func(http.Handler) http.Handler:
			made = build
		case func() func(http.Handler) http.Handler:
			made = build()
		case func(string) func(http.Handler) http.Handler:
			made = build("org_acme")
		case func(...string) func(http.Handler) http.Handler:
			made = build("org_acme")
		case func(time.Duration) func(http.Handler) http.Handler:
			made = build(time.Hour)
		case func(func(*http.Request) string) func(http.Handler) http.Handler:
			made = build(func(*http.Request) string { return "org_acme" })
		case func(func(*http.Request) workos.Resource, string) func(http.Handler) http.Handler:
			made = build(projectOf, "posts:write")
		}
		require.NotNil(t, made, "%s is a %s, which this test does not know", name, guard.Type())
		assert.PanicsWithValue(t, want, func() { made(nil) }, name)
		assert.PanicsWithValue(t, want, func() { made(http.HandlerFunc(nil)) }, name)
		assert.NotPanics(t, func() { made(http.NotFoundHandler()) }, name)
	}
}
