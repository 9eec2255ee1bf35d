// The handler Me, and a single-page application on another origin.

package behaviour

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

const spa = "https://spa.example.com"

// newMeApp starts an application with Me at /me, behind a CORS middleware for the origin of spa.
func newMeApp(t *testing.T, opts ...authkit.Option) *App {
	t.Helper()
	a := NewApp(t, AppOptions{AuthKit: opts, Routes: func(a *App, mux *http.ServeMux) { mux.Handle("/me", a.AuthKit.Me()) }})
	inner := a.Handler()
	a.Server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Origin") == spa {
			w.Header().Set("Access-Control-Allow-Origin", spa)
			w.Header().Set("Access-Control-Allow-Credentials", "true")
			if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
				w.Header().Set("Access-Control-Allow-Methods", "GET, POST")
				w.WriteHeader(http.StatusNoContent)
				return
			}
		}
		w.Header().Add("Vary", "Origin")
		inner.ServeHTTP(w, r)
	})
	return a
}

func TestMeReturnsTheSessionAsJSON(t *testing.T) {
	a := newMeApp(t)
	cookie := a.SignedIn(Kim).CookieHeader()
	for name, header := range map[string]http.Header{"a script": Scripted(), "a navigation": Navigation(), "a client": {}} {
		resp := a.Send(Request{Target: "/me", Cookie: cookie, Header: header})
		assert.Equal(t, http.StatusOK, resp.Status, name)
		assert.Equal(t, "application/json", resp.Header.Get("Content-Type"))
		assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
		assert.Contains(t, resp.Header.Values("Vary"), "Cookie")
		assert.JSONEq(t, `{
			"session_id": "`+a.SessionID()+`",
			"user": {"id": "user_kim", "email": "kim@example.com", "email_verified": true, "first_name": "Kim", "last_name": "Oduya", "name": "Kim Oduya"},
			"organization_id": "org_acme", "role": "admin", "roles": ["admin"], "permissions": ["posts:read", "posts:write"],
			"entitlements": ["audit-logs"], "feature_flags": ["beta"],
			"expires_at": "`+Start.Add(5*time.Minute).Format(time.RFC3339)+`"
		}`, resp.Body, "no metadata and no token")
	}
}

func TestMeOfAUserWithoutRightsHasEmptyLists(t *testing.T) {
	a := newMeApp(t)
	resp := a.Send(Request{Target: "/me", Cookie: a.SignedIn(lee).CookieHeader(), Header: Scripted()})
	var document map[string]any
	require.NoError(t, json.Unmarshal([]byte(resp.Body), &document))
	for _, list := range []string{"roles", "permissions", "entitlements", "feature_flags"} {
		assert.Equal(t, []any{}, document[list], list)
	}
	assert.NotContains(t, document, "organization_id")
	assert.NotContains(t, document, "impersonator")
}

func TestMeRefreshesAnExpiredToken(t *testing.T) {
	a := newMeApp(t)
	cookie := a.SignedIn(Kim).CookieHeader()
	a.ExpireToken(2 * time.Minute)
	resp := a.Send(Request{Target: "/me", Cookie: cookie, Header: Scripted()})
	assert.Equal(t, http.StatusOK, resp.Status)
	assert.NotEqual(t, cookie, resp.NewCookie(t))
}

func TestMeAnswersAnAnonymousRequestWith401AndStartsNoSignIn(t *testing.T) {
	a := newMeApp(t)
	for name, header := range map[string]http.Header{"a script": Scripted(), "a navigation": Navigation(), "a client": {}} {
		resp := a.Send(Request{Target: "/me", Header: header})
		assert.Equal(t, http.StatusUnauthorized, resp.Status, name)
		assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
		assert.Empty(t, resp.SetCookies(t))
	}
	assert.Equal(t, "unauthenticated", a.Send(Request{Target: "/me", Header: Scripted()}).Problem(t)["code"])
	for _, method := range []string{"HEAD", "POST", "DELETE", "OPTIONS"} {
		resp := a.Send(Request{Method: method, Target: "/me"})
		assert.Equal(t, http.StatusMethodNotAllowed, resp.Status, method)
		assert.Equal(t, "GET", resp.Header.Get("Allow"))
	}
}

func TestMeAnswers503IfTheSessionCannotBeChecked(t *testing.T) {
	a := newMeApp(t)
	cookie := a.SignedIn(Kim).CookieHeader()
	a.ExpireToken(2 * time.Minute)
	a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 400, Body: `{"error":"invalid_client"}`})
	resp := a.Send(Request{Target: "/me", Cookie: cookie, Header: Scripted()})
	assert.Equal(t, http.StatusServiceUnavailable, resp.Status)
	assert.NotEmpty(t, resp.Header.Get("Retry-After"))
}

func TestASinglePageApplicationOnAnotherOriginSignsIn(t *testing.T) {
	a := newMeApp(t, authkit.WithReturnOrigins(spa), authkit.WithTrustedOrigins(spa))
	page := spa + "/orders?page=2#row-7"
	fromSPA := with(with(Scripted(), "Origin", spa), "Sec-Fetch-Site", "same-site")
	preflight := with(fromSPA, "Access-Control-Request-Method", "GET")
	assert.Equal(t, http.StatusNoContent, a.Send(Request{Method: "OPTIONS", Target: "/me", Header: preflight}).Status)
	resp := a.Send(Request{Target: "/me", Header: fromSPA})
	require.Equal(t, http.StatusUnauthorized, resp.Status)
	require.Equal(t, spa, resp.Header.Get("Access-Control-Allow-Origin"), "the page can read the status")

	resp = a.finishSignIn(a.StartSignInAs("/login?return_to="+url.QueryEscape(page), Kim))
	require.Equal(t, http.StatusSeeOther, resp.Status)
	assert.Equal(t, page, resp.Header.Get("Location"))
	cookie := resp.NewCookie(t)
	resp = a.Send(Request{Target: "/me", Header: fromSPA, Cookie: cookie})
	assert.Equal(t, http.StatusOK, resp.Status)
	assert.Equal(t, spa, resp.Header.Get("Access-Control-Allow-Origin"))
	assert.True(t, slices.Contains(resp.Header.Values("Vary"), "Cookie") && slices.Contains(resp.Header.Values("Vary"), "Origin"))

	resp = a.Send(Request{Method: "POST", Target: "/logout", Header: fromSPA, Cookie: cookie})
	assert.Equal(t, http.StatusOK, resp.Status)
	assert.Contains(t, resp.Body, `"logout_url":"`+a.Fake.URL()+"/user_management/sessions/logout?")
	assert.Equal(t, spa, resp.Header.Get("Access-Control-Allow-Origin"))
	assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/me", Header: fromSPA, Cookie: cookie}).Status)
}

// The browser sends a preflight without credentials. If a guard passed it on, a handler would run for an anonymous client.
func TestAPreflightNeverPassesAGuard(t *testing.T) {
	a := NewApp(t, AppOptions{Routes: func(a *App, mux *http.ServeMux) {
		handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Handler", "called") })
		mux.Handle("/session", a.RequireAuth(handler))
		mux.Handle("/role", a.RequireRole("admin")(handler))
		mux.Handle("/recent", a.RequireRecentAuth(time.Hour)(handler))
		mux.Handle("/key", a.RequireAPIKey()(handler))
		mux.Handle("/impersonation", a.RefuseImpersonation(handler))
	}})
	for _, target := range []string{"/session", "/role", "/recent", "/key", "/impersonation"} {
		resp := a.Send(Request{Method: "OPTIONS", Target: target, Header: http.Header{
			"Origin": {spa}, "Access-Control-Request-Method": {"DELETE"}, "Access-Control-Request-Headers": {"authorization"}, "Sec-Fetch-Mode": {"cors"},
		}})
		assert.Equal(t, http.StatusUnauthorized, resp.Status, target)
		assert.Empty(t, resp.Header.Get("Handler"), target)
		assert.Empty(t, resp.SetCookies(t), target)
	}
}
