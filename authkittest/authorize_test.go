// Authorization requests.

package authkittest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

func TestAnInvalidClientOrRedirectURIIsShownOnAPageOfTheFake(t *testing.T) {
	cases := map[string]map[string]string{
		"another client ID":                    {"client_id": "client_other"},
		"no redirect URI":                      {"redirect_uri": ""},
		"a redirect URI of another host":       {"redirect_uri": "https://evil.example/callback"},
		"a redirect URI that only looks local": {"redirect_uri": "http://localhost@evil.example/callback"},
		"a redirect URI of another scheme":     {"redirect_uri": "javascript://localhost/%0aalert(1)"},
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			a := newApp(t)
			_, page := a.authorize(change)
			assert.Equal(t, http.StatusBadRequest, page.StatusCode)
			assert.Equal(t, "/user_management/authorize", page.URL.Path)
			assert.Empty(t, page.Links)
		})
	}
}

func TestOtherInvalidAuthorizationRequestsAreReportedToTheCallback(t *testing.T) {
	cases := map[string]struct {
		change map[string]string
		code   string
	}{
		"another response type":                  {map[string]string{"response_type": "token"}, "unsupported_response_type"},
		"no selector":                            {map[string]string{"provider": ""}, "invalid_connection_selector"},
		"an unknown provider":                    {map[string]string{"provider": "NoSuchOAuth"}, "invalid_connection_selector"},
		"a provider and a connection":            {map[string]string{"connection_id": "conn_1"}, "ambiguous_connection_selector"},
		"another provider and an organization":   {map[string]string{"provider": "GoogleOAuth", "organization_id": "org_1"}, "ambiguous_connection_selector"},
		"an unknown connection":                  {map[string]string{"provider": "", "connection_id": "conn_1"}, "connection_invalid"},
		"an unknown organization":                {map[string]string{"organization_id": "org_none"}, "organization_invalid"},
		"a plain code challenge":                 {map[string]string{"code_challenge_method": "plain"}, "invalid_request"},
		"a code challenge without its method":    {map[string]string{"code_challenge_method": ""}, "invalid_request"},
		"a method without its code challenge":    {map[string]string{"code_challenge": ""}, "invalid_request"},
		"a code challenge of the wrong length":   {map[string]string{"code_challenge": "short"}, "invalid_request"},
		"a max_age that is no number of seconds": {map[string]string{"max_age": "-1"}, "invalid_request"},
		"scopes without a provider":              {map[string]string{"provider": "", "organization_id": "org_1", "provider_scopes": "repo"}, "invalid_request"},
		"an empty scope":                         {map[string]string{"provider": "GoogleOAuth", "provider_scopes": "repo,"}, "invalid_request"},
		"an unknown screen hint":                 {map[string]string{"screen_hint": "sign-out"}, "invalid_request"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			a := newApp(t)
			_, page := a.authorize(c.change)
			back := a.callbackQuery(page)
			assert.Equal(t, c.code, back.Get("error"))
			assert.NotEmpty(t, back.Get("error_description"))
			assert.Equal(t, state, back.Get("state"))
		})
	}
}

func TestOnlyRegisteredRedirectURIsAreAccepted(t *testing.T) {
	a := newApp(t, authkittest.WithRedirectURIs("http://localhost:1/callback?tenant=1", "myapp://callback"))
	_, page := a.authorize(nil)
	assert.Equal(t, http.StatusBadRequest, page.StatusCode, "with registered redirect URIs, loopback hosts are not accepted")

	_, page = a.authorize(map[string]string{"redirect_uri": "myapp://callback"})
	assert.Equal(t, http.StatusOK, page.StatusCode)
	assert.Contains(t, page.Header.Get("Content-Security-Policy"), "form-action 'self' http: myapp:;")

	client := a.BrowserClient(t)
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := client.Get(a.authorizeURL(map[string]string{"redirect_uri": "http://localhost:1/callback?tenant=1", "provider": ""}))
	assert.NoError(t, err)
	defer response.Body.Close()
	assert.True(t, strings.HasPrefix(response.Header.Get("Location"), "http://localhost:1/callback?tenant=1&error="))
}

func TestTheSignInPageShowsTheNameOfTheApplication(t *testing.T) {
	a := newApp(t, authkittest.WithAppName("Galley"))
	_, page := a.authorize(nil)
	assert.Contains(t, page.Body, "<strong>Galley</strong> asks you to sign in")
}

func TestAnAuthorizationRequestIsAlwaysAnswered302(t *testing.T) {
	a := newApp(t)
	b := authkittest.NewBrowser()
	t.Cleanup(b.CloseIdleConnections)
	statusOf := func(change map[string]string) int {
		b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		defer func() { b.CheckRedirect = nil }()
		response, err := b.Client.Get(a.authorizeURL(change))
		require.NoError(t, err)
		defer response.Body.Close()
		return response.StatusCode
	}
	assert.Equal(t, http.StatusFound, statusOf(nil), "a browser that is not signed in")
	assert.Equal(t, http.StatusFound, statusOf(map[string]string{"screen_hint": "wrong"}), "an error for the application")

	a.get(b, a.authorizeURL(nil))
	a.press(b, "Chiara", nil)
	assert.Equal(t, http.StatusFound, statusOf(nil), "a signed-in user with a choice of organizations")
	assert.Equal(t, http.StatusFound, statusOf(map[string]string{"organization_id": a.Organizations()[0].ID}), "a signed-in user without a choice")
}
