// Attacks on the authorization server of WorkOS Connect, and requests that are wrong.

package authkittest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

func TestAnAuthorizationCodeThatIsReplayedRevokesItsTokens(t *testing.T) {
	a := newApp(t)
	c := newOAuthClient(a, nil)
	code := c.codeFor(nil)
	issued := c.exchangeCode(code, nil)
	require.Equal(t, http.StatusOK, issued.status)
	assertOAuthError(t, c.exchangeCode(code, nil), 400, "invalid_grant")
	assertOAuthError(t, c.refreshWith(issued.text("refresh_token"), nil), 400, "invalid_grant")
	assert.Equal(t, http.StatusUnauthorized, a.userInfoFor(http.MethodGet, issued.text("access_token")).status)
	assert.Equal(t, http.StatusOK, c.exchangeCode(c.codeFor(nil), nil).status, "a new sign-in works")
}

func TestARefreshTokenThatIsReplayedRevokesItsGrant(t *testing.T) {
	a := newApp(t)
	c := newOAuthClient(a, nil)
	stolen := c.tokens(nil).text("refresh_token")
	current := c.refreshWith(stolen, nil)
	require.Equal(t, http.StatusOK, current.status)
	assertOAuthError(t, c.refreshWith(stolen, nil), 400, "invalid_grant")
	assertOAuthError(t, c.refreshWith(current.text("refresh_token"), nil), 400, "invalid_grant")
}

func TestACodeIsBoundToItsClientItsVerifierAndItsRedirectURI(t *testing.T) {
	a := newApp(t)
	c, other := newOAuthClient(a, nil), newOAuthClient(a, nil)
	code := c.codeFor(nil)
	for name, f := range map[string]struct {
		change map[string]string
		code   string
	}{
		"another verifier":                 {map[string]string{"code_verifier": strings.Repeat("x", 43)}, "invalid_grant"},
		"the challenge as the verifier":    {map[string]string{"code_verifier": challenge(verifier)}, "invalid_grant"},
		"no verifier":                      {map[string]string{"code_verifier": ""}, "invalid_request"},
		"the redirect URI of another":      {map[string]string{"redirect_uri": other.callback}, "invalid_grant"},
		"another port":                     {map[string]string{"redirect_uri": "http://127.0.0.1:1/callback"}, "invalid_grant"},
		"no redirect URI":                  {map[string]string{"redirect_uri": ""}, "invalid_request"},
		"the code of another client":       {map[string]string{"client_id": other.id}, "invalid_grant"},
		"another code":                     {map[string]string{"code": "x"}, "invalid_grant"},
		"no code":                          {map[string]string{"code": ""}, "invalid_request"},
		"a grant that is not there":        {map[string]string{"grant_type": "password"}, "unsupported_grant_type"},
		"a code as a refresh token":        {map[string]string{"grant_type": "refresh_token", "refresh_token": code}, "invalid_grant"},
		"a refresh without a token":        {map[string]string{"grant_type": "refresh_token"}, "invalid_request"},
		"a grant that is missing entirely": {map[string]string{"grant_type": ""}, "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			a.T = t
			assertOAuthError(t, c.exchangeCode(code, f.change), 400, f.code)
		})
	}
	a.T = t
	assertOAuthError(t, c.exchangeCode(code, map[string]string{"client_id": ""}), 401, "invalid_client")
	assertOAuthError(t, c.exchangeCode(code, map[string]string{"client_id": a.ClientID()}), 401, "invalid_client")
	issued := c.exchangeCode(code, nil)
	require.Equal(t, http.StatusOK, issued.status, "none of them used the code up")
	assertOAuthError(t, other.refreshWith(issued.text("refresh_token"), nil), 400, "invalid_grant")
	assert.Equal(t, http.StatusOK, c.refreshWith(issued.text("refresh_token"), nil).status)
}

func TestAnAuthorizationRequestWithAFaultIsRefusedAtTheRedirectURI(t *testing.T) {
	a := newApp(t, authkittest.WithResourceIndicators(mcp), authkittest.WithScopes("posts:read"))
	c := newOAuthClient(a, object{"scope": "openid"})
	for name, f := range map[string]struct {
		change map[string]string
		code   string
	}{
		"no challenge":            {map[string]string{"code_challenge": ""}, "invalid_request"},
		"a plain challenge":       {map[string]string{"code_challenge_method": "plain"}, "invalid_request"},
		"no challenge method":     {map[string]string{"code_challenge_method": ""}, "invalid_request"},
		"a short challenge":       {map[string]string{"code_challenge": "x"}, "invalid_request"},
		"the implicit grant":      {map[string]string{"response_type": "token"}, "unsupported_response_type"},
		"no response type":        {map[string]string{"response_type": ""}, "invalid_request"},
		"a fragment as the mode":  {map[string]string{"response_mode": "fragment"}, "invalid_request"},
		"an unknown scope":        {map[string]string{"scope": "openid admin"}, "invalid_scope"},
		"an unregistered scope":   {map[string]string{"scope": "openid posts:read"}, "invalid_scope"},
		"an unknown resource":     {map[string]string{"resource": "https://evil.test/mcp"}, "invalid_target"},
		"a resource with a slash": {map[string]string{"resource": mcp + "/"}, "invalid_target"},
		"a max_age of words":      {map[string]string{"max_age": "soon"}, "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			a.T = t
			change := map[string]string{"scope": "openid"}
			for name, value := range f.change {
				change[name] = value
			}
			q := c.answer(change)
			assert.Equal(t, [3]string{f.code, state, a.URL()}, [3]string{q.Get("error"), q.Get("state"), q.Get("iss")})
			assert.Empty(t, q.Get("code"))
		})
	}
	a.T = t
	for _, more := range []string{"&scope=openid", "&state=x", "&code_challenge=x", "&response_type=token"} {
		page := a.get(c.browser, c.authorizeURL(map[string]string{"scope": "openid"})+more)
		assert.Equal(t, "invalid_request", page.URL.Query().Get("error"), more)
	}
}

func TestTheAuthorizationEndpointIsNoOpenRedirector(t *testing.T) {
	a := newApp(t)
	c, other := newOAuthClient(a, nil), newOAuthClient(a, nil)
	robot, _ := a.AddMachine(a.organizationNamed("Harbor Press"))
	for name, address := range map[string]string{
		"the redirect URI of another client": c.authorizeURL(map[string]string{"redirect_uri": strings.Replace(other.callback, "/callback", "/other", 1)}),
		"an address elsewhere":               c.authorizeURL(map[string]string{"redirect_uri": "https://evil.test/callback"}),
		"an address below a registered one":  c.authorizeURL(map[string]string{"redirect_uri": c.callback + "/../evil"}),
		"no redirect URI":                    c.authorizeURL(map[string]string{"redirect_uri": ""}),
		"two redirect URIs":                  c.authorizeURL(nil) + "&redirect_uri=" + url.QueryEscape("https://evil.test/"),
		"two clients":                        c.authorizeURL(nil) + "&client_id=" + other.id,
		"an unknown client":                  c.authorizeURL(map[string]string{"client_id": "client_none"}),
		"the client ID of the environment":   c.authorizeURL(map[string]string{"client_id": a.ClientID()}),
		"a machine":                          c.authorizeURL(map[string]string{"client_id": robot}),
		"a fault and an address elsewhere":   c.authorizeURL(map[string]string{"redirect_uri": "https://evil.test/", "response_type": "token"}),
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		require.NoError(t, err)
		response, err := http.DefaultTransport.RoundTrip(r)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		assert.Equal(t, http.StatusBadRequest, response.StatusCode, name)
		assert.Empty(t, response.Header.Get("Location"), name)
	}
}

func TestARefreshCannotGetMoreThanWasGranted(t *testing.T) {
	a := newApp(t, authkittest.WithResourceIndicators(mcp, otherMCP), authkittest.WithScopes("posts:read", "posts:write"))
	c := newOAuthClient(a, nil)
	issued := c.tokens(map[string]string{"resource": mcp, "scope": "offline_access posts:read"})
	more := c.tokens(map[string]string{"scope": "offline_access posts:read posts:write", "resource": otherMCP})
	require.Equal(t, "offline_access posts:read posts:write", more.text("scope"), "the consent is greater than the first grant")
	token := issued.text("refresh_token")
	assertOAuthError(t, c.refreshWith(token, map[string]string{"scope": "posts:read posts:write"}), 400, "invalid_scope")
	assertOAuthError(t, c.refreshWith(token, map[string]string{"resource": otherMCP}), 400, "invalid_target")
	narrow := c.refreshWith(token, map[string]string{"scope": "posts:read", "resource": mcp})
	require.Equal(t, http.StatusOK, narrow.status, "a refusal does not use the refresh token up")
	assert.Equal(t, mcp, a.tokenClaims(narrow.text("access_token"))["aud"])
	assert.Empty(t, narrow.text("id_token"), "without openid")
}

func TestATokenRequestCannotSwapTheResource(t *testing.T) {
	a := newApp(t, authkittest.WithResourceIndicators(mcp, otherMCP))
	c := newOAuthClient(a, nil)
	code := c.codeFor(map[string]string{"resource": mcp})
	assertOAuthError(t, c.exchangeCode(code, map[string]string{"resource": otherMCP}), 400, "invalid_target")
	assertOAuthError(t, c.exchangeCode(code, map[string]string{"resource": "https://evil.test"}), 400, "invalid_target")
	assert.Equal(t, mcp, a.tokenClaims(c.exchangeCode(code, nil).text("access_token"))["aud"])
	assertOAuthError(t, c.exchangeCode(c.codeFor(nil), map[string]string{"resource": mcp}), 400, "invalid_target")
}

func TestATokenRequestThatIsNoFormIsRefused(t *testing.T) {
	a := newApp(t)
	c := newOAuthClient(a, nil)
	code := c.codeFor(nil)
	form := url.Values{"grant_type": {"authorization_code"}, "client_id": {c.id}, "code": {code}, "redirect_uri": {c.callback}, "code_verifier": {verifier}}
	r, err := http.Post(a.URL()+"/oauth2/token", "application/json", strings.NewReader(`{"grant_type":"authorization_code"}`))
	assertOAuthError(t, a.read(r, err), 400, "invalid_request")
	r, err = http.Post(a.URL()+"/oauth2/token?"+form.Encode(), "application/x-www-form-urlencoded", strings.NewReader(""))
	assertOAuthError(t, a.read(r, err), 400, "invalid_request")
	assertOAuthError(t, a.postForm("/oauth2/token", form.Encode()+"&code="+code), 400, "invalid_request")
	assertOAuthError(t, a.postForm("/oauth2/token", "%zz"), 400, "invalid_request")
	assertOAuthError(t, a.postForm("/oauth2/token", form.Encode()+"&x="+strings.Repeat("x", 1<<20)), 400, "invalid_request")
	assert.Equal(t, http.StatusOK, a.postForm("/oauth2/token", form.Encode()).status)
}

func TestTheConsentPageNeedsASignIn(t *testing.T) {
	a := newApp(t)
	c := newOAuthClient(a, nil)
	page := a.get(c.browser, c.authorizeURL(nil))
	response, err := c.browser.Post(page.URL.String()+"/consent", "application/x-www-form-urlencoded", nil)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	assert.Equal(t, page.URL.Path, response.Request.URL.Path, "back to the sign-in page")
	assert.Contains(t, a.get(c.browser, page.URL.String()+"/consent").Body, "Ada")

	_, ordinary := a.authorize(nil)
	assert.Equal(t, ordinary.URL.Path, a.get(c.browser, ordinary.URL.String()+"/consent").URL.Path, "the application asks for no consent")
}
