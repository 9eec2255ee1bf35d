// The sign-in pages.

package authkittest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

func TestASignInEndsWithAVerifiedAccessToken(t *testing.T) {
	a := newApp(t)
	b := authkittest.NewBrowser()
	page := a.get(b, a.server.URL+"/login")
	assert.Equal(t, http.StatusOK, page.StatusCode)
	assert.Contains(t, page.Body, "asks you to sign in")
	assert.Contains(t, page.Body, "fake AuthKit")
	assert.Contains(t, page.Header.Get("Content-Security-Policy"), "default-src 'none'")

	back := a.callbackQuery(a.press(b, "Ada Okafor", nil))
	assert.Equal(t, state, back.Get("state"))
	got := a.exchange(back.Get("code"))
	require.Equal(t, http.StatusOK, got.status)

	who := a.Users()[0]
	user := got.body["user"].(map[string]any)
	assert.Equal(t, map[string]any{
		"object": "user", "id": who.ID, "email": ada, "email_verified": true, "first_name": "Ada", "last_name": "Okafor",
		"name": "Ada Okafor", "profile_picture_url": nil, "external_id": nil, "metadata": map[string]any{}, "locale": "en-GB",
		"last_sign_in_at": "2026-05-04T10:00:00.000Z", "created_at": "2026-05-04T10:00:00.000Z", "updated_at": "2026-05-04T10:00:00.000Z",
	}, user)
	assert.Equal(t, "Password", got.text("authentication_method"))
	assert.Equal(t, a.Organizations()[0].ID, got.text("organization_id"))
	for _, absent := range []string{"impersonator", "sealed_session", "expires_in", "oauth_tokens"} {
		assert.NotContains(t, got.body, absent)
	}

	claims, err := a.claims(got.text("access_token"))
	require.NoError(t, err)
	session := a.Sessions()[0]
	assert.NotEmpty(t, claims["jti"])
	delete(claims, "jti")
	assert.Equal(t, map[string]any{
		"iss": a.URL() + "/user_management/" + a.ClientID(), "sub": who.ID, "sid": session.ID, "client_id": a.ClientID(),
		"org_id": a.Organizations()[0].ID, "role": "admin", "roles": []any{"admin"},
		"permissions": []any{"posts:read", "posts:write", "members:manage"}, "entitlements": []any{"audit-logs"},
		"auth_time": float64(start.Unix()), "iat": float64(start.Unix()), "exp": float64(start.Unix() + 300),
	}, claims)
	assert.True(t, session.Active())
}

func TestAUserWithoutAnOrganizationHasNoOrganizationClaims(t *testing.T) {
	a := newApp(t)
	got := a.signIn("Dev Patel")
	assert.NotContains(t, got.body, "organization_id")
	claims, err := a.claims(got.text("access_token"))
	require.NoError(t, err)
	for _, name := range []string{"org_id", "role", "roles", "permissions", "entitlements", "feature_flags", "act", "aud", "nbf"} {
		assert.NotContains(t, claims, name)
	}
}

func TestAUserWithTwoOrganizationsChoosesOneOnAPage(t *testing.T) {
	a := newApp(t)
	b, _ := a.authorize(nil)
	page := a.press(b, "Chiara", nil)
	assert.Contains(t, page.Body, "Choose an organization")
	got := a.exchange(a.callbackQuery(a.press(b, "Pine Street", nil)).Get("code"))
	assert.Equal(t, a.Organizations()[1].ID, got.text("organization_id"))
	claims, err := a.claims(got.text("access_token"))
	require.NoError(t, err)
	assert.Equal(t, "admin", claims["role"])
}

func TestOnlyMembersOfTheRequestedOrganizationCanSignIn(t *testing.T) {
	a := newApp(t)
	studio := a.Organizations()[1].ID
	b, page := a.authorize(map[string]string{"organization_id": studio})
	assert.Contains(t, page.Body, "chiara@example.com")
	assert.NotContains(t, page.Body, ada)
	page = a.press(b, "Continue", url.Values{"email": {ada}})
	assert.Equal(t, http.StatusUnprocessableEntity, page.StatusCode)
	assert.Contains(t, page.Body, "is not a member of Pine Street Studio")
	got := a.exchange(a.callbackQuery(a.press(b, "Chiara", nil)).Get("code"))
	assert.Equal(t, studio, got.text("organization_id"))
}

func TestAnUnknownEmailAddressSignsUp(t *testing.T) {
	a := newApp(t)
	b, _ := a.authorize(nil)
	page := a.press(b, "Continue", url.Values{"email": {"not an address"}})
	assert.Equal(t, http.StatusUnprocessableEntity, page.StatusCode)
	page = a.press(b, "Continue", url.Values{"email": {"kim@example.org"}})
	assert.Equal(t, "kim@example.org", page.Forms[0].Fields.Get("email"))
	page = a.press(b, "Create account", url.Values{"email": {ada}})
	assert.Contains(t, page.Body, "already")
	back := a.callbackQuery(a.press(b, "Create account", url.Values{"email": {"kim@example.org"}, "first_name": {"<Kim>"}}))
	user := a.exchange(back.Get("code")).body["user"].(map[string]any)
	assert.Equal(t, "<Kim>", user["first_name"])
	assert.Nil(t, user["last_name"])
	assert.Len(t, a.Users(), 5)
	_, page = a.authorize(nil)
	assert.NotContains(t, page.Body, "<Kim>", "markup in a name is escaped")
}

func TestScreenHintAndLoginHintChooseThePage(t *testing.T) {
	a := newApp(t)
	_, page := a.authorize(map[string]string{"screen_hint": "sign-up"})
	assert.Contains(t, page.Body, "Create your account")
	_, page = a.authorize(map[string]string{"login_hint": "ben@harborpress.test"})
	assert.Contains(t, page.Forms[0].Buttons[0].Text, "Ben Lindqvist", "the user of login_hint comes first")
	assert.Equal(t, "ben@harborpress.test", page.Forms[1].Fields.Get("email"))
}

func TestACancelledSignInReturnsAccessDeniedAndIsOver(t *testing.T) {
	a := newApp(t)
	b, page := a.authorize(nil)
	signInPage := page.URL.String()
	back := a.callbackQuery(a.press(b, "Cancel", nil))
	assert.Equal(t, "access_denied", back.Get("error"))
	assert.NotEmpty(t, back.Get("error_description"))
	assert.Equal(t, state, back.Get("state"))
	assert.False(t, back.Has("code"))
	page = a.get(b, signInPage)
	assert.Equal(t, http.StatusNotFound, page.StatusCode)
	assert.Contains(t, page.Body, "This sign-in is over")
}

func TestTheSignInPageExpiresAfterAnHour(t *testing.T) {
	a := newApp(t)
	b, _ := a.authorize(nil)
	a.clock.Advance(time.Hour + time.Second)
	assert.Equal(t, http.StatusNotFound, a.press(b, "Ada", nil).StatusCode)
}

func TestASecondSignInUsesTheBrowserSession(t *testing.T) {
	cases := map[string]struct {
		change map[string]string
		passes bool
	}{
		"passes without a page":                                {nil, true},
		"passes when the sign-in is recent enough":             {map[string]string{"max_age": "120"}, true},
		"passes with the login_hint of the same user":          {map[string]string{"login_hint": ada}, true},
		"shows the page when the sign-in is too old":           {map[string]string{"max_age": "60"}, false},
		"shows the page when max_age is zero":                  {map[string]string{"max_age": "0"}, false},
		"shows the page when prompt is login":                  {map[string]string{"prompt": "login"}, false},
		"shows the page with the login_hint of another user":   {map[string]string{"login_hint": "dev@example.com"}, false},
		"shows the page with the screen_hint sign-up":          {map[string]string{"screen_hint": "sign-up"}, false},
		"shows the page for another provider":                  {map[string]string{"provider": "GoogleOAuth"}, false},
		"shows the page for an organization without this user": {map[string]string{"organization_id": "pine"}, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			a := newApp(t)
			if c.change["organization_id"] != "" {
				c.change["organization_id"] = a.Organizations()[1].ID
			}
			b, _ := a.authorize(nil)
			a.press(b, "Ada", nil)
			a.clock.Advance(time.Minute)
			page := a.get(b, a.authorizeURL(c.change))
			if !c.passes {
				assert.True(t, strings.HasPrefix(page.URL.Path, "/sign-in/"), "%v", page)
				return
			}
			claims, err := a.claims(a.exchange(a.callbackQuery(page).Get("code")).text("access_token"))
			require.NoError(t, err)
			assert.EqualValues(t, start.Unix(), claims["auth_time"], "auth_time is that of the first sign-in")
		})
	}
}

func TestTheProviderBecomesTheAuthenticationMethod(t *testing.T) {
	a := newApp(t)
	for method, change := range map[string]map[string]string{
		"GoogleOAuth": {"provider": "GoogleOAuth"},
		"SSO":         {"provider": "", "organization_id": a.Organizations()[0].ID},
	} {
		b, _ := a.authorize(change)
		got := a.exchange(a.callbackQuery(a.press(b, "Ada", nil)).Get("code"))
		assert.Equal(t, method, got.text("authentication_method"))
	}
}
