// RequireRecentAuth: how old an authentication may be, and how AuthKit is asked for a new one.

package behaviour

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

func TestRequireRecentAuthAllowsTheAgeAndTheClockSkew(t *testing.T) {
	a := newGuardedApp(t)
	cookie := a.SignedIn(Kim).CookieHeader()
	a.Clock.Advance(11 * time.Minute)
	resp := a.Send(Request{Target: "/recent", Cookie: cookie, Header: Scripted()})
	assert.Equal(t, http.StatusOK, resp.Status)
	a.Clock.Advance(time.Millisecond)
	assert.Equal(t, http.StatusForbidden, a.Send(Request{Target: "/recent", Cookie: JarAfter(cookie, resp), Header: Scripted()}).Status)
}

func TestRequireRecentAuthWithoutARedirectURLAnswers403ToANavigation(t *testing.T) {
	a := NewApp(t, AppOptions{})
	ak, err := authkit.New(
		authkit.WithAPIKey(a.Fake.APIKey()), authkit.WithClientID(a.Fake.ClientID()), authkit.WithBaseURL(a.Fake.URL()),
		authkit.WithCookiePassword(Password), authkit.WithCookieName("authkit-session"), authkit.WithClock(a.Clock))
	require.NoError(t, err)
	cookie := a.SignedIn(Kim).CookieHeader()
	a.Clock.Advance(2 * time.Minute)
	a.Server.Config.Handler = ak.RequireRecentAuth(0)(http.NotFoundHandler())
	resp := a.Send(Request{Target: "/", Cookie: cookie, Header: Navigation()})
	assert.Equal(t, http.StatusForbidden, resp.Status)
	assert.Empty(t, resp.SetCookies(t))
}

func TestRequireRecentAuthReauthenticatesAndReturnsToThePage(t *testing.T) {
	a := newGuardedApp(t)
	b := a.SignedIn(Kim)
	a.Clock.Advance(10*time.Minute + 59*time.Second)
	assert.Equal(t, http.StatusOK, b.get("/recent").StatusCode, "one minute of clock skew is allowed")
	a.Clock.Advance(2 * time.Second)
	assert.Equal(t, "recent_auth_required", a.Send(Request{Target: "/recent", Cookie: b.CookieHeader(), Header: Scripted()}).Problem(t)["code"])

	page, err := b.SignIn(a.URL+"/recent?x=1", Kim)
	require.NoError(t, err, "AuthKit authenticates the user again")
	assert.Equal(t, "passed: user_kim", page.Body)
	assert.Equal(t, a.URL+"/recent?x=1", page.URL.String())
}

func TestRequireRecentAuthAnswers403IfAuthKitDoesNotReauthenticate(t *testing.T) {
	for name, claims := range map[string]map[string]any{
		"an old auth_time": {"auth_time": Start.Unix()},
		"no auth_time":     {"auth_time": nil},
	} {
		t.Run(name, func(t *testing.T) {
			a := newGuardedApp(t)
			a.Fake.UpdateUser(Kim, func(p *authkittest.User) { p.Claims = claims })
			b := a.SignedIn(Kim)
			before := b.CookieHeader()
			a.Clock.Advance(20 * time.Minute)
			page, err := b.SignIn(a.URL+"/recent", Kim)
			require.Error(t, err)
			assert.Nil(t, page)
			assert.Equal(t, http.StatusForbidden, b.Page().StatusCode)
			assert.Contains(t, b.Page().Body, "more recent")
			assert.NotEmpty(t, before)
			assert.Contains(t, b.get("/").Body, Kim, "the session is unchanged")
		})
	}
}

// Only the provider "authkit" supports max_age, so a new authentication uses it and ignores the provider and the connection
// of the login parameters.
func TestReauthenticationAlwaysUsesTheProviderAuthKit(t *testing.T) {
	for name, option := range map[string]authkit.Option{
		"a provider":   authkit.WithLoginParams(authkit.LoginParams{Provider: "GoogleOAuth"}),
		"a connection": authkit.WithLoginParams(authkit.LoginParams{Connection: "conn_1"}),
		"a connection by request": authkit.WithLoginFunc(func(*http.Request) authkit.LoginParams {
			return authkit.LoginParams{Connection: "conn_1"}
		}),
		"an organization":              authkit.WithLoginParams(authkit.LoginParams{Organization: "org_acme"}),
		"a provider and a domain hint": authkit.WithLoginParams(authkit.LoginParams{Provider: "GoogleOAuth", DomainHint: "example.com"}),
	} {
		t.Run(name, func(t *testing.T) {
			a := NewApp(t, AppOptions{
				AuthKit: []authkit.Option{option},
				Routes: func(a *App, mux *http.ServeMux) {
					mux.Handle("/recent", a.RequireRecentAuth(time.Minute)(http.NotFoundHandler()))
				},
			})
			cookie := NewInstance(t, a.Fake, a.Clock, AppOptions{}).SignedIn(Kim).CookieHeader()
			a.Clock.Advance(4 * time.Minute)
			resp := a.Send(Request{Target: "/recent", Cookie: cookie, Header: Navigation()})
			require.Equal(t, http.StatusSeeOther, resp.Status, resp.Body)
			location, err := resp.Location()
			require.NoError(t, err)
			assert.Equal(t, "authkit", location.Query().Get("provider"))
			assert.Equal(t, "60", location.Query().Get("max_age"))
			assert.NotContains(t, location.Query(), "connection_id")
			assert.Equal(t, name == "an organization", location.Query().Has("organization_id"))
			assert.False(t, a.hasWarning(), a.Logs.String())
		})
	}
}

func TestRequireRecentAuthAnswers403ToABearerToken(t *testing.T) {
	a := newGuardedApp(t)
	cookie := a.SignedIn(Kim).CookieHeader()
	a.Clock.Advance(20 * time.Minute)
	cookie = JarAfter(cookie, a.Send(Request{Target: "/account", Cookie: cookie}))
	resp := a.Send(Request{Target: "/recent", Header: http.Header{"Authorization": {"Bearer " + a.bearerOf(cookie)}, "Accept": {"text/html"}}})
	assert.Equal(t, 403, resp.Status)
}
