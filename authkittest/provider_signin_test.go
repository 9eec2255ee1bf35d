// Sign-ins at a provider or a connection, whose further steps the code exchange returns.

package authkittest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

// signInAt signs ada in with a changed authorization request and returns the browser and the response of the code exchange.
func (a *app) signInAt(change map[string]string) (*authkittest.Browser, apiResponse) {
	a.Helper()
	b, _ := a.authorize(change)
	return b, a.exchange(a.callbackQuery(a.press(b, "Ada", nil)).Get("code"))
}

func TestASignInAtAProviderReturnsItsNextStepAtTheCodeExchange(t *testing.T) {
	google := map[string]string{"provider": "GoogleOAuth"}
	for name, c := range map[string]struct {
		request map[string]string
		prepare func(*app)
		want    string
	}{
		"an unverified email address": {google, func(a *app) {
			a.UpdateUser(ada, func(u *authkittest.User) { u.EmailUnverified = true })
		}, "email_verification_required"},
		"two organizations": {google, func(a *app) {
			second := authkittest.Membership{OrganizationID: a.Organizations()[1].ID}
			a.UpdateUser(ada, func(u *authkittest.User) { u.Memberships = append(u.Memberships, second) })
		}, "organization_selection_required"},
		"an enrolled factor": {google, func(a *app) {
			a.UpdateUser(ada, func(u *authkittest.User) { u.Factors = []authkittest.Factor{{Secret: "JBSWY3DPEHPK3PXP"}} })
		}, "mfa_challenge"},
		"a user who needs a factor": {google, func(a *app) {
			a.UpdateUser(ada, func(u *authkittest.User) { u.RequireMFA = true })
		}, "mfa_enrollment"},
		"an organization with single sign-on": {google, func(a *app) {
			a.UpdateOrganization(a.Organizations()[0].ID, func(o *authkittest.Organization) { o.RequireSSO = true })
		}, "sso_required"},
		"an organization with other methods": {google, func(a *app) {
			a.UpdateOrganization(a.Organizations()[0].ID, func(o *authkittest.Organization) { o.AllowedMethods = []string{"Password"} })
		}, "organization_authentication_methods_required"},
		"an unverified email address at a connection": {map[string]string{"provider": "", "connection_id": "conn_press"}, func(a *app) {
			a.UpdateUser(ada, func(u *authkittest.User) { u.EmailUnverified = true })
		}, "email_verification_required"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t)
			a.UpdateOrganization(a.Organizations()[0].ID, func(o *authkittest.Organization) { o.Connections = []string{"conn_press"} })
			c.prepare(a)
			b, got := a.signInAt(c.request)
			assert.GreaterOrEqual(t, got.status, 400)
			assert.Equal(t, c.want, got.text("code")+got.text("error"))
			if got.text("error") == "" {
				assert.NotEmpty(t, got.text("pending_authentication_token"))
			}
			assert.Empty(t, a.Sessions())

			page := a.get(b, a.authorizeURL(nil))
			if c.want == "organization_selection_required" {
				page = a.press(b, "Harbor", nil)
			}
			again := a.exchange(a.callbackQuery(page).Get("code"))
			assert.Equal(t, http.StatusOK, again.status, "the hosted pages meet the requirement: %v", again.body)
		})
	}
}

func TestASignInAtAProviderWithoutAFurtherStepStartsASession(t *testing.T) {
	a := newApp(t)
	_, got := a.signInAt(map[string]string{"provider": "GoogleOAuth"})
	require.Equal(t, http.StatusOK, got.status)
	assert.Equal(t, a.Organizations()[0].ID, got.text("organization_id"), "the only organization is chosen")
	assert.Equal(t, http.StatusOK, a.refresh(got.text("refresh_token")).status)
}

func TestTheStepOfASignInAtAProviderContinuesWithItsGrant(t *testing.T) {
	a := newApp(t)
	b, _ := a.authorize(map[string]string{"provider": "GoogleOAuth"})
	code := a.callbackQuery(a.press(b, "Chiara", nil)).Get("code")
	got := a.exchange(code)
	require.Equal(t, "organization_selection_required", got.text("code"))
	assert.Equal(t, "invalid_grant", a.exchange(code).text("error"), "the code is consumed")

	selected := a.grant("urn:workos:oauth:grant-type:organization-selection", map[string]string{
		"pending_authentication_token": got.text("pending_authentication_token"), "organization_id": a.Organizations()[1].ID,
	})
	require.Equal(t, http.StatusOK, selected.status, "%v", selected.body)
	assert.Equal(t, "GoogleOAuth", selected.text("authentication_method"))
	assert.Equal(t, a.Organizations()[1].ID, selected.text("organization_id"))
}

// An application that sends the user to the hosted pages after such an error is signed in with one call of SignIn, as an
// application is that uses the hosted pages alone.
func TestSignInChoosesTheUserOnEverySignInPage(t *testing.T) {
	a := newApp(t)
	a.UpdateOrganization(a.Organizations()[0].ID, func(o *authkittest.Organization) { o.RequireSSO = true })
	connection := a.Organizations()[0].Connections[0]
	steps := []map[string]string{{"provider": "GoogleOAuth"}, {"provider": "", "connection_id": connection, "login_hint": ada}}
	server := http.NewServeMux()
	next := func(w http.ResponseWriter, r *http.Request) {
		if len(steps) == 0 {
			return
		}
		http.Redirect(w, r, a.authorizeURL(steps[0]), http.StatusSeeOther)
		steps = steps[1:]
	}
	server.HandleFunc("/login", next)
	server.HandleFunc("/callback", next)
	a.server.Config.Handler = server
	b := authkittest.NewBrowser()
	t.Cleanup(b.CloseIdleConnections)
	page, err := b.SignIn(a.server.URL+"/login", ada)
	require.NoError(t, err)
	got := a.exchange(a.callbackQuery(page).Get("code"))
	assert.Equal(t, http.StatusOK, got.status)
	assert.Equal(t, "SSO", got.text("authentication_method"))
}

func TestAProviderReturnsItsTokensWithTheOption(t *testing.T) {
	a := newApp(t, authkittest.WithOAuthTokens("GoogleOAuth", "GitHubOAuth"))
	_, got := a.signInAt(map[string]string{"provider": "GoogleOAuth", "provider_scopes": "email,calendar.readonly"})
	require.Equal(t, http.StatusOK, got.status, "%v", got.body)
	tokens := got.body["oauth_tokens"].(map[string]any)
	for _, name := range []string{"access_token", "refresh_token"} {
		assert.NotEmpty(t, tokens[name])
		delete(tokens, name)
	}
	assert.Equal(t, map[string]any{
		"provider": "GoogleOAuth", "expires_at": float64(start.Unix() + 3600), "scopes": []any{"openid", "profile", "email", "calendar.readonly"},
	}, tokens)
	assert.NotContains(t, a.refresh(got.text("refresh_token")).body, "oauth_tokens", "a refresh returns none")

	_, got = a.signInAt(map[string]string{"provider": "MicrosoftOAuth", "provider_scopes": "email"})
	assert.NotContains(t, got.body, "oauth_tokens", "this provider returns none")
	_, got = a.signInAt(nil)
	assert.NotContains(t, got.body, "oauth_tokens", "a password has none")
	a.UpdateUser(ada, func(u *authkittest.User) { u.AuthenticationMethod = "GitHubOAuth" })
	_, got = a.signInAt(nil)
	assert.Equal(t, "GitHubOAuth", got.body["oauth_tokens"].(map[string]any)["provider"], "the user chose the provider on the hosted pages")
}

func TestAStepAfterAProviderReturnsTheTokensOfTheProvider(t *testing.T) {
	a := newApp(t, authkittest.WithOAuthTokens("GoogleOAuth"))
	b, _ := a.authorize(map[string]string{"provider": "GoogleOAuth", "provider_scopes": "calendar.readonly"})
	got := a.exchange(a.callbackQuery(a.press(b, "Chiara", nil)).Get("code"))
	require.Equal(t, "organization_selection_required", got.text("code"))
	assert.NotContains(t, got.body, "oauth_tokens")
	selected := a.grant("urn:workos:oauth:grant-type:organization-selection", map[string]string{
		"pending_authentication_token": got.text("pending_authentication_token"), "organization_id": a.Organizations()[1].ID,
	})
	tokens, _ := selected.body["oauth_tokens"].(map[string]any)
	assert.Contains(t, tokens["scopes"], "calendar.readonly")
}
