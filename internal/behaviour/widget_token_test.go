// Tokens for the widgets of WorkOS in pages of the signed-in user.

package behaviour

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// widgetHandler answers with a widget token of the scopes in the query.
func widgetHandler(a *App) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, err := a.WidgetToken(w, r, r.URL.Query()["scope"]...)
		var refusal *workos.Error
		switch {
		case err == nil:
			json.NewEncoder(w).Encode(map[string]string{"token": token})
		case errors.As(err, &refusal) && !errors.Is(err, authkit.ErrUnavailable):
			http.Error(w, fmt.Sprint("refused with ", refusal.StatusCode), http.StatusTeapot)
		default:
			a.Fail(w, r, err)
		}
	}
}

// NewWidgetApp starts an application whose path /widget answers with a widget token.
func NewWidgetApp(t testing.TB, opts ...authkit.Option) *App {
	return NewApp(t, AppOptions{AuthKit: opts, Routes: func(a *App, mux *http.ServeMux) { mux.Handle("/widget", widgetHandler(a)) }})
}

const usersTable = "/widget?scope=" + workos.WidgetScopeUsersTable

// widgetClaims returns the claims of the widget token in a response.
func widgetClaims(t *testing.T, resp Response) (claims struct {
	Subject        string   `json:"sub"`
	OrganizationID string   `json:"org_id"`
	Scopes         []string `json:"scopes"`
}) {
	t.Helper()
	require.Equal(t, http.StatusOK, resp.Status, resp.Body)
	assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
	parts := strings.Split(decoded(t, resp)["token"].(string), ".")
	require.Len(t, parts, 3)
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(payload, &claims))
	return claims
}

func TestAWidgetTokenIsOfTheUserAndTheOrganizationOfTheSession(t *testing.T) {
	a := NewWidgetApp(t, bearerOptions()...)
	kimCookie, leeCookie := a.SignedIn(Kim).CookieHeader(), a.SignedIn(lee).CookieHeader()
	claims := widgetClaims(t, a.Send(Request{Target: usersTable, Cookie: kimCookie}))
	assert.Equal(t, "user_kim", claims.Subject)
	assert.Equal(t, "org_acme", claims.OrganizationID)
	assert.Equal(t, []string{workos.WidgetScopeUsersTable}, claims.Scopes)

	claims = widgetClaims(t, a.Send(Request{Target: "/widget", Cookie: leeCookie}))
	assert.Equal(t, "user_lee", claims.Subject, "without a scope, a session needs no organization")
	assert.Empty(t, claims.OrganizationID)

	claims = widgetClaims(t, a.Send(Request{Target: usersTable, Cookie: leeCookie, Header: Bearer(a.nativeToken(nil))}))
	assert.Equal(t, "user_kim", claims.Subject, "a bearer token is a session")
	assert.Equal(t, 3, a.Fake.Calls(authkittest.RouteCreateWidgetToken), "no token is remembered")
}

func TestNoWidgetTokenIsMadeWithoutAUsableSession(t *testing.T) {
	a := NewWidgetApp(t)
	ended := a.SignedIn(Kim).CookieHeader()
	require.Equal(t, http.StatusSeeOther, a.Send(Request{Method: http.MethodPost, Target: "/logout", Cookie: ended, Header: Navigation()}).Status)
	a.Fake.UpdateUser(Kim, func(p *authkittest.User) { p.Claims = map[string]any{"act": map[string]any{"sub": "ops@example.com"}} })
	impersonated := a.SignedIn(Kim).CookieHeader()
	key := a.Fake.AddAPIKey(authkittest.APIKey{Name: "full", OrganizationID: "org_acme"})
	a.Mux.Handle("/key", a.RequireAPIKey()(widgetHandler(a)))
	for name, c := range map[string]struct {
		request Request
		status  int
		missing any
	}{
		"anonymous":                            {Request{Target: usersTable}, http.StatusUnauthorized, nil},
		"signed out":                           {Request{Target: usersTable, Cookie: ended}, http.StatusUnauthorized, nil},
		"an API key":                           {Request{Target: "/key", Cookie: impersonated, Header: Bearer(key)}, http.StatusUnauthorized, nil},
		"impersonated":                         {Request{Target: usersTable, Cookie: impersonated}, http.StatusForbidden, "a session without impersonation"},
		"impersonated, without a scope":        {Request{Target: "/widget", Cookie: impersonated}, http.StatusForbidden, "a session without impersonation"},
		"in no organization, but with a scope": {Request{Target: usersTable, Cookie: a.SignedIn(lee).CookieHeader()}, http.StatusForbidden, "a session in an organization"},
	} {
		resp := a.Send(c.request)
		assert.Equal(t, c.status, resp.Status, name)
		assert.Equal(t, c.missing, resp.Problem(t)["missing"], name)
		assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"), name)
	}
	assert.Zero(t, a.Fake.Calls(authkittest.RouteCreateWidgetToken))
}

func TestAWidgetTokenOfASessionThatEndsDuringTheCallIsNotReturned(t *testing.T) {
	a := NewWidgetApp(t)
	cookie := a.SignedIn(Kim).CookieHeader()
	a.Fake.InjectFault(authkittest.RouteCreateWidgetToken, authkittest.Fault{Hang: true, Times: 1})
	answer := a.SendAsync(Request{Target: usersTable, Cookie: cookie, Header: Scripted()})
	a.Fake.AwaitCalls(t, authkittest.RouteCreateWidgetToken, 1)
	require.Equal(t, http.StatusSeeOther, a.Send(Request{Method: http.MethodPost, Target: "/logout", Cookie: cookie, Header: Navigation()}).Status)
	a.Fake.ClearFault(authkittest.RouteCreateWidgetToken)
	resp := <-answer
	assert.Equal(t, http.StatusUnauthorized, resp.Status)
	assert.NotContains(t, resp.Body, "token")
}

func TestAWidgetTokenWorksWithoutTheMiddlewareAndRefreshesTheSession(t *testing.T) {
	a := NewWidgetApp(t, bearerOptions()...)
	cookie := a.SignedIn(Kim).CookieHeader()
	resp := a.ServeDirectly(widgetHandler(a), Request{Method: http.MethodGet, Target: usersTable, Cookie: cookie})
	assert.Equal(t, "user_kim", widgetClaims(t, resp).Subject)
	assert.Equal(t, []string{"Cookie", "Authorization"}, resp.Header.Values("Vary"))
	assert.Empty(t, resp.SetCookies(t))

	a.Clock.Advance(10 * time.Minute)
	a.permitNone()
	resp = a.ServeDirectly(widgetHandler(a), Request{Method: http.MethodGet, Target: usersTable, Cookie: cookie})
	assert.Equal(t, "user_kim", widgetClaims(t, resp).Subject)
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
	assert.Empty(t, a.sessionOf(resp.NewCookie(t)).Permissions(), "the response has the refreshed session")

	a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 400, Body: `{"error":"invalid_grant"}`})
	a.Clock.Advance(10 * time.Minute)
	resp = a.ServeDirectly(widgetHandler(a), Request{Method: http.MethodGet, Target: usersTable, Cookie: resp.NewCookie(t)})
	assert.Equal(t, http.StatusUnauthorized, resp.Status, "WorkOS has ended the session")
	assert.Negative(t, resp.SetCookies(t)["authkit-session"].MaxAge)
	assert.Equal(t, 2, a.Fake.Calls(authkittest.RouteCreateWidgetToken))
}

// permitNone takes all permissions of kim in org_acme away.
func (a *App) permitNone() {
	a.Fake.UpdateUser(Kim, func(u *authkittest.User) { u.Memberships[0].Permissions = nil })
}

func TestWidgetTokenReportsWhyWorkOSMadeNone(t *testing.T) {
	for name, c := range map[string]struct {
		fault  authkittest.Fault
		status int
		body   string
	}{
		"WorkOS fails":                  {authkittest.Fault{Status: 500}, http.StatusServiceUnavailable, "unavailable"},
		"WorkOS answers 429":            {authkittest.Fault{Status: 429, Body: `{"message":"x"}`}, http.StatusServiceUnavailable, "unavailable"},
		"the connection breaks":         {authkittest.Fault{Reset: true}, http.StatusServiceUnavailable, "unavailable"},
		"the reply has no token":        {authkittest.Fault{Body: `{}`}, http.StatusServiceUnavailable, "unavailable"},
		"WorkOS refuses the scope":      {authkittest.Fault{Status: 422, Body: `{"message":"x"}`}, http.StatusTeapot, "refused with 422"},
		"WorkOS refuses the user":       {authkittest.Fault{Status: 403, Body: `{"message":"x"}`}, http.StatusTeapot, "refused with 403"},
		"WorkOS does not know the user": {authkittest.Fault{Status: 404, Body: `{"message":"x"}`}, http.StatusTeapot, "refused with 404"},
	} {
		t.Run(name, func(t *testing.T) {
			a := NewWidgetApp(t)
			a.Fake.InjectFault(authkittest.RouteCreateWidgetToken, c.fault)
			resp := a.Send(Request{Target: usersTable, Cookie: a.SignedIn(Kim).CookieHeader(), Header: Scripted()})
			assert.Equal(t, c.status, resp.Status)
			assert.Contains(t, resp.Body, c.body)
			assert.Equal(t, c.status == http.StatusServiceUnavailable, resp.Header.Get("Retry-After") != "")
			assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
			assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteCreateWidgetToken))
		})
	}
	a := NewWidgetApp(t)
	resp := a.Send(Request{Target: "/widget?scope=widgets:unknown", Cookie: a.SignedIn(Kim).CookieHeader()})
	assert.Contains(t, resp.Body, "refused with 422", "an unknown scope")
}

func TestAWidgetTokenThatDoesNotComeIsAnOutageAfterTenSeconds(t *testing.T) {
	a := NewWidgetApp(t)
	cookie := a.SignedIn(Kim).CookieHeader()
	a.Fake.InjectFault(authkittest.RouteCreateWidgetToken, authkittest.Fault{Hang: true})
	answer := a.SendAsync(Request{Target: usersTable, Cookie: cookie, Header: Scripted()})
	a.Fake.AwaitCalls(t, authkittest.RouteCreateWidgetToken, 1)
	a.Clock.Advance(10 * time.Second)
	assert.Equal(t, http.StatusServiceUnavailable, (<-answer).Status)
}

func TestAPublicClientMakesNoWidgetToken(t *testing.T) {
	a := NewWidgetApp(t)
	public := NewInstance(t, a.Fake, a.Clock, AppOptions{AuthKit: []authkit.Option{authkit.WithPublicClient()}})
	public.Mux.Handle("/widget", widgetHandler(public))
	resp := public.Send(Request{Target: "/widget", Cookie: a.SignedIn(Kim).CookieHeader()})
	assert.Equal(t, http.StatusBadGateway, resp.Status)
	assert.Zero(t, a.Fake.Calls(authkittest.RouteCreateWidgetToken))
}
