// The authenticate endpoint, refresh tokens, impersonation and logout.

package authkittest_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

func TestAnInvalidCodeExchangeIsRefused(t *testing.T) {
	cases := map[string]struct {
		params map[string]string
		code   string
	}{
		"no grant type":                         {map[string]string{"grant_type": ""}, "invalid_request"},
		"an unknown grant type":                 {map[string]string{"grant_type": "implicit"}, "invalid_request"},
		"no client ID":                          {map[string]string{"client_id": ""}, "invalid_request"},
		"another client ID":                     {map[string]string{"client_id": "client_other"}, "invalid_client"},
		"a wrong secret":                        {map[string]string{"client_secret": "sk_test_wrong"}, "invalid_client"},
		"no code":                               {map[string]string{"code": ""}, "invalid_request"},
		"neither secret nor verifier":           {map[string]string{"client_secret": "", "code_verifier": ""}, "invalid_request"},
		"an unknown code":                       {map[string]string{"code": "unknown"}, "invalid_grant"},
		"a wrong verifier":                      {map[string]string{"code_verifier": "wrong"}, "invalid_grant"},
		"a secret but no verifier despite S256": {map[string]string{"code_verifier": ""}, "invalid_grant"},
	}
	a := newApp(t)
	code := a.code("Ada")
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			params := map[string]string{"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
			for name, value := range c.params {
				params[name] = value
			}
			got := a.authenticate(params)
			assert.Equal(t, http.StatusBadRequest, got.status)
			assert.Equal(t, c.code, got.text("error"))
			assert.NotEmpty(t, got.text("error_description"))
		})
	}
	assert.Equal(t, http.StatusOK, a.exchange(code).status, "a refused exchange does not consume the code")
	assert.Equal(t, "invalid_grant", a.exchange(code).text("error"), "a code works once")
}

func TestAnAuthorizationCodeExpiresAfterTenMinutes(t *testing.T) {
	a := newApp(t)
	code := a.code("Ada")
	a.clock.Advance(10 * time.Minute)
	assert.Equal(t, "invalid_grant", a.exchange(code).text("error"))
}

func TestACodeVerifierWithoutACodeChallengeIsRefused(t *testing.T) {
	a := newApp(t)
	b, _ := a.authorize(map[string]string{"code_challenge": "", "code_challenge_method": ""})
	code := a.callbackQuery(a.press(b, "Ada", nil)).Get("code")
	assert.Equal(t, "code_challenge_not_found", a.exchange(code).text("code"))
}

func TestAPublicClientNeedsNoSecret(t *testing.T) {
	a := newApp(t)
	got := a.authenticate(map[string]string{"client_secret": "", "grant_type": "authorization_code", "code": a.code("Ada"), "code_verifier": verifier})
	require.Equal(t, http.StatusOK, got.status)
	assert.Equal(t, http.StatusOK, a.refresh(got.text("refresh_token"), "client_secret", "").status)
}

func TestASessionStartedWithAClientSecretNeedsItToRefresh(t *testing.T) {
	a := newApp(t)
	token := a.signIn("Ada").text("refresh_token")
	assert.Equal(t, "invalid_client", a.refresh(token, "client_secret", "").text("error"))
	assert.Equal(t, http.StatusOK, a.refresh(token).status)
}

func TestTheAuthenticateEndpointAcceptsForms(t *testing.T) {
	a := newApp(t)
	form := url.Values{"grant_type": {"refresh_token"}, "client_id": {a.ClientID()}, "client_secret": {a.APIKey()},
		"refresh_token": {a.signIn("Ada").text("refresh_token")}}
	assert.Equal(t, http.StatusOK, a.read(http.PostForm(a.URL()+"/user_management/authenticate", form)).status)
}

func TestTheAuthenticateEndpointRefusesUnreadableBodies(t *testing.T) {
	a := newApp(t)
	for contentType, body := range map[string]string{
		"application/json":                  `{"grant_type":1}`,
		"text/plain":                        `grant_type=refresh_token`,
		"application/x-www-form-urlencoded": `grant_type=%zz`,
	} {
		got := a.read(http.Post(a.URL()+"/user_management/authenticate", contentType, strings.NewReader(body)))
		assert.Equal(t, http.StatusBadRequest, got.status)
		assert.Equal(t, "invalid_request", got.text("error"))
	}
}

func TestARefreshRotatesTheRefreshTokenAndKeepsTheSession(t *testing.T) {
	a := newApp(t)
	first := a.signIn("Ada")
	a.clock.Advance(4 * time.Minute)
	second := a.refresh(first.text("refresh_token"))
	require.Equal(t, http.StatusOK, second.status)
	assert.NotEqual(t, first.text("refresh_token"), second.text("refresh_token"))
	before, err := a.claims(first.text("access_token"))
	require.NoError(t, err)
	after, err := a.claims(second.text("access_token"))
	require.NoError(t, err)
	assert.Equal(t, before["sid"], after["sid"])
	assert.Equal(t, before["auth_time"], after["auth_time"])
	assert.NotEqual(t, before["jti"], after["jti"])
	assert.EqualValues(t, start.Add(9*time.Minute).Unix(), after["exp"])
	assert.Len(t, a.Sessions(), 1)
	assert.Equal(t, start.Add(4*time.Minute), a.Sessions()[0].RefreshedAt)
}

func TestARefreshTokenCanBeReplayedFor30Seconds(t *testing.T) {
	a := newApp(t)
	retired := a.signIn("Ada").text("refresh_token")
	pair := a.refresh(retired)
	a.clock.Advance(30 * time.Second)
	again := a.refresh(retired)
	assert.Equal(t, pair.body, again.body, "within 30 s an exchanged refresh token returns the same tokens")
	a.clock.Advance(time.Second)
	late := a.refresh(retired)
	assert.Equal(t, http.StatusBadRequest, late.status)
	assert.Equal(t, map[string]any{"error": "invalid_grant", "error_description": "Refresh token already exchanged."}, late.body)
	assert.Equal(t, http.StatusOK, a.refresh(pair.text("refresh_token")).status, "a late replay does not end the session")
}

func TestAnInvalidRefreshIsRefused(t *testing.T) {
	a := newApp(t)
	got := a.signIn("Ada")
	assert.Equal(t, "invalid_request", a.refresh("").text("error"))
	assert.Equal(t, "invalid_grant", a.refresh("unknown").text("error"))
	assert.Equal(t, "organization_not_found", a.refresh(got.text("refresh_token"), "organization_id", "org_none").text("error"))
	assert.Equal(t, "organization_membership_not_found",
		a.refresh(got.text("refresh_token"), "organization_id", a.Organizations()[1].ID).text("error"))
	a.RevokeSession(a.Sessions()[0].ID)
	assert.Equal(t, "invalid_grant", a.refresh(got.text("refresh_token")).text("error"))
	assert.False(t, a.Sessions()[0].Active())
}

func TestARefreshSwitchesToAnOrganizationOfTheUser(t *testing.T) {
	a := newApp(t)
	b, _ := a.authorize(nil)
	a.press(b, "Chiara", nil)
	first := a.exchange(a.callbackQuery(a.press(b, "Harbor Press", nil)).Get("code"))
	studio := a.Organizations()[1].ID
	second := a.refresh(first.text("refresh_token"), "organization_id", studio)
	assert.Equal(t, studio, second.text("organization_id"))
	claims, err := a.claims(second.text("access_token"))
	require.NoError(t, err)
	assert.Equal(t, studio, claims["org_id"])
	assert.Equal(t, a.Sessions()[0].ID, claims["sid"])
	third := a.refresh(second.text("refresh_token"))
	assert.Equal(t, studio, third.text("organization_id"), "a refresh keeps the new organization")
}

func TestChangesToAUserAppearInTheNextToken(t *testing.T) {
	a := newApp(t)
	got := a.signIn("Ben")
	a.UpdateUser("ben@harborpress.test", func(p *authkittest.User) {
		p.Memberships[0].Role = "editor"
		p.Memberships[0].FeatureFlags = []string{"beta"}
		p.Claims = map[string]any{"plan": strings.Repeat("x", 6000), "sub": "ignored", "aud": "api"}
	})
	claims, err := a.claims(a.refresh(got.text("refresh_token")).text("access_token"))
	require.NoError(t, err)
	assert.Equal(t, "editor", claims["role"])
	assert.Equal(t, []any{"editor"}, claims["roles"])
	assert.Equal(t, []any{"beta"}, claims["feature_flags"])
	assert.Len(t, claims["plan"], 6000)
	assert.Equal(t, "api", claims["aud"])
	assert.Equal(t, a.Users()[1].ID, claims["sub"], "a template cannot replace sub")
}

func TestAuthenticationsLeaveOutTheMetadataWithTheOption(t *testing.T) {
	for name, opts := range map[string][]authkittest.Option{"by default": nil, "with the option": {authkittest.WithoutUserMetadata()}} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, opts...)
			a.UpdateUser(ada, func(u *authkittest.User) { u.Metadata = map[string]string{"plan": "pro"} })
			a.UpdateUser("chiara@example.com", func(u *authkittest.User) { u.Password = "long enough 1" })
			got := a.signIn("Ada")
			stepUp := a.grant("password", map[string]string{"email": "chiara@example.com", "password": "long enough 1"})
			require.Equal(t, "organization_selection_required", stepUp.text("code"))
			for what, response := range map[string]apiResponse{
				"a sign-in": got, "a refresh": a.refresh(got.text("refresh_token")), "a further step": stepUp,
			} {
				_, sent := response.body["user"].(map[string]any)["metadata"]
				assert.Equal(t, opts == nil, sent, what)
			}
			user := a.mustCall(http.StatusOK, http.MethodGet, userManagement+"/users/"+a.userID(ada), nil)
			assert.Equal(t, object{"plan": "pro"}, user["metadata"])
		})
	}
}

func TestImpersonationRedirectsWithoutAState(t *testing.T) {
	for reason, want := range map[string]any{"ticket 9": "ticket 9", "": nil} {
		a := newApp(t)
		back, err := url.Parse(a.Impersonate(ada, "ops@acme.test", reason, a.callback))
		require.NoError(t, err)
		assert.False(t, back.Query().Has("state"))
		got := a.authenticate(map[string]string{"grant_type": "authorization_code", "code": back.Query().Get("code")})
		require.Equal(t, http.StatusOK, got.status)
		assert.Equal(t, map[string]any{"email": "ops@acme.test", "reason": want}, got.body["impersonator"])
		assert.Equal(t, "Impersonation", got.text("authentication_method"))
		claims, err := a.claims(got.text("access_token"))
		require.NoError(t, err)
		assert.Equal(t, map[string]any{"sub": "ops@acme.test"}, claims["act"])
	}
}

func TestLogoutEndsTheSessionAndTheBrowserSession(t *testing.T) {
	a := newApp(t)
	b, _ := a.authorize(nil)
	got := a.exchange(a.callbackQuery(a.press(b, "Ada", nil)).Get("code"))
	session := a.Sessions()[0].ID
	logout := a.URL() + "/user_management/sessions/logout"

	for _, query := range []string{"", "?session_id=session_none"} {
		answer := a.read(http.Get(logout + query))
		assert.Equal(t, http.StatusUnprocessableEntity, answer.status)
		assert.Contains(t, answer.body, "message")
		assert.NotContains(t, answer.body, "code")
	}
	page := a.get(b, logout+"?session_id="+session+"&return_to="+url.QueryEscape("https://evil.example/"))
	assert.Equal(t, "/signed-out", page.URL.Path)
	assert.Equal(t, http.StatusOK, page.StatusCode)
	assert.Equal(t, "invalid_grant", a.refresh(got.text("refresh_token")).text("error"))
	page = a.get(b, a.authorizeURL(nil))
	assert.Contains(t, page.Body, "asks you to sign in", "the browser is no longer signed in at the fake")
	page = a.get(b, logout+"?session_id="+session+"&return_to="+url.QueryEscape(a.callback))
	a.callbackQuery(page)
}

func TestTheSignedOutPageLinksToTheApplicationOfTheRedirectURI(t *testing.T) {
	for redirect, link := range map[string]string{
		"http://localhost:8080/callback?a=b": `<a href="http://localhost:8080/">Go to http://localhost:8080/</a>`,
		"https://app.example.com/callback":   `<a href="https://app.example.com/">`,
		"com.example.app:/callback":          "",
		"":                                   "",
	} {
		var options []authkittest.Option
		if redirect != "" {
			options = append(options, authkittest.WithRedirectURIs(redirect))
		}
		answer, err := http.Get(authkittest.New(t, options...).URL() + "/signed-out")
		require.NoError(t, err)
		page, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		answer.Body.Close()
		assert.Contains(t, string(page), "You are signed out")
		if link == "" {
			assert.NotContains(t, string(page), "<a ", redirect)
		} else {
			assert.Contains(t, string(page), link, redirect)
		}
	}
}

func TestLogoutRedirectsOnlyToRegisteredAddresses(t *testing.T) {
	a := newApp(t, authkittest.WithSignOutRedirects("https://app.example.com/bye", "https://app.example.com/other"))
	a.signIn("Ada")
	client := a.BrowserClient(t)
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for returnTo, want := range map[string]string{
		"":                              "https://app.example.com/bye",
		"http://localhost/":             "https://app.example.com/bye",
		"https://app.example.com/other": "https://app.example.com/other",
	} {
		response, err := client.Get(a.URL() + "/user_management/sessions/logout?session_id=" + a.Sessions()[0].ID + "&return_to=" + url.QueryEscape(returnTo))
		require.NoError(t, err)
		_, _ = io.Copy(io.Discard, response.Body)
		require.NoError(t, response.Body.Close())
		assert.Equal(t, http.StatusFound, response.StatusCode)
		assert.Equal(t, want, response.Header.Get("Location"))
	}
}
