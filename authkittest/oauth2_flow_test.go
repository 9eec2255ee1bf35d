// The authorization code flow of the clients of WorkOS Connect: authorize, consent, token, refresh.

package authkittest_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

const otherMCP = "https://files.harborpress.test"

func TestAClientGetsTheTokensOfTheUserForAResource(t *testing.T) {
	a := newApp(t, authkittest.WithResourceIndicators(mcp), authkittest.WithScopes("posts:read"))
	c := newOAuthClient(a, nil)
	a.clock.Advance(time.Minute)
	q := c.answer(map[string]string{"resource": mcp, "scope": "openid email offline_access posts:read", "nonce": "n-1"})
	assert.Equal(t, state, q.Get("state"))
	assert.Equal(t, a.URL(), q.Get("iss"))
	now := a.clock.Now()
	got := c.exchangeCode(q.Get("code"), map[string]string{"resource": mcp})
	require.Equal(t, http.StatusOK, got.status, "%v", got.body)
	assert.Equal(t, "no-cache", got.header.Get("Pragma"))
	assert.Equal(t, [3]any{"bearer", 300.0, "openid email offline_access posts:read"}, [3]any{got.body["token_type"], got.body["expires_in"], got.body["scope"]})

	claims := a.tokenClaims(got.text("access_token"))
	user := a.Users()[0]
	assert.NotEmpty(t, claims["jti"])
	sid := claims["sid"].(string)
	assert.True(t, strings.HasPrefix(sid, "app_consent_"), sid)
	delete(claims, "jti")
	delete(claims, "sid")
	assert.Equal(t, object{
		"iss": a.URL(), "aud": mcp, "sub": user.ID, "client_id": c.id, "org_id": user.Memberships[0].OrganizationID,
		"scope": "openid email offline_access posts:read", "iat": float64(now.Unix()), "exp": float64(now.Add(5 * time.Minute).Unix()),
	}, claims)

	sum := sha256.Sum256([]byte(got.text("access_token")))
	assert.Equal(t, object{
		"iss": a.URL(), "aud": c.id, "sub": user.ID, "email": ada, "email_verified": true, "nonce": "n-1", "auth_time": float64(now.Unix()),
		"at_hash": base64.RawURLEncoding.EncodeToString(sum[:16]), "iat": float64(now.Unix()), "exp": float64(now.Add(5 * time.Minute).Unix()),
	}, a.tokenClaims(got.text("id_token")))
}

func TestTheAudienceOfATokenFollowsTheResources(t *testing.T) {
	a := newApp(t)
	c := newOAuthClient(a, nil)
	audience := func(response apiResponse) any { return a.tokenClaims(response.text("access_token"))["aud"] }
	assert.Equal(t, a.ClientID(), audience(c.tokens(map[string]string{"resource": mcp})), "an environment without resource indicators ignores the parameter")
	a.AddResourceIndicator(mcp)
	a.AddResourceIndicator(otherMCP)
	assert.Equal(t, a.ClientID(), audience(c.tokens(nil)), "a request without a resource")

	both := c.authorizeURL(map[string]string{"resource": mcp}) + "&resource=" + url.QueryEscape(otherMCP)
	c.get(c.browser, both)
	code := c.press(c.browser, "Allow", nil).URL.Query().Get("code")
	issued := c.exchangeCode(code, nil)
	assert.Equal(t, []any{mcp, otherMCP}, audience(issued))
	narrowed := c.refreshWith(issued.text("refresh_token"), map[string]string{"resource": otherMCP})
	assert.Equal(t, otherMCP, audience(narrowed))
	assert.Equal(t, []any{mcp, otherMCP}, audience(c.refreshWith(narrowed.text("refresh_token"), nil)), "the new refresh token has the whole grant")
}

func TestTheConsentOfAUserIsRemembered(t *testing.T) {
	a := newApp(t, authkittest.WithResourceIndicators(mcp, otherMCP), authkittest.WithScopes("posts:read"))
	c := newOAuthClient(a, nil)
	asks := func(change map[string]string) bool {
		return strings.Contains(a.get(c.browser, c.authorizeURL(change)).Body, "Allow access")
	}
	a.get(c.browser, c.authorizeURL(map[string]string{"resource": mcp}))
	page := c.press(c.browser, "Ada", nil)
	for _, text := range []string{"Assistant", ada, "openid", "offline_access", mcp, strings.TrimPrefix(strings.TrimSuffix(c.callback, "/callback"), "http://")} {
		assert.Contains(t, page.Body, text)
	}
	sid := a.tokenClaims(c.tokens(map[string]string{"resource": mcp}).text("access_token"))["sid"]
	assert.False(t, asks(map[string]string{"resource": mcp}))
	assert.False(t, asks(map[string]string{"scope": "openid"}), "a part of it")
	assert.True(t, asks(map[string]string{"scope": "openid posts:read"}), "another scope")
	assert.True(t, asks(map[string]string{"resource": otherMCP}), "another resource")
	assert.True(t, asks(map[string]string{"prompt": "consent"}))
	other := newOAuthClient(a, nil)
	other.browser = c.browser
	assert.Contains(t, a.get(c.browser, other.authorizeURL(nil)).Body, "Allow access", "another client")

	more := a.tokenClaims(c.tokens(map[string]string{"scope": "openid posts:read"}).text("access_token"))
	assert.Equal(t, sid, more["sid"], "the consent grows")
	assert.False(t, asks(map[string]string{"scope": "openid posts:read"}))

	listed, err := firstOf(a.workos().ListUserAuthorizedApplications(t.Context(), a.Users()[0].ID, workos.Paging{}))
	require.NoError(t, err)
	assert.Equal(t, [3]string{c.id, "Assistant", mcp}, [3]string{listed.Application.ClientID, listed.Application.Name, listed.OAuthResource})
	a.RevokeAuthorizedApplication(ada, c.id)
	assert.True(t, asks(nil))
	assert.Panics(t, func() { a.RevokeAuthorizedApplication(ada, c.id) })
}

// firstOf returns the first item of a list.
func firstOf[T any](list func(yield func(T, error) bool)) (item T, err error) {
	for item, err = range list {
		break
	}
	return item, err
}

func TestAUserWhoRefusesConsentSendsAnErrorToTheClient(t *testing.T) {
	a := newApp(t)
	c := newOAuthClient(a, nil)
	for _, steps := range [][]string{{"Cancel"}, {"Ada", "Cancel"}} {
		c.browser = newBrowser(t)
		page := a.get(c.browser, c.authorizeURL(nil))
		for _, button := range steps {
			page = a.press(c.browser, button, nil)
		}
		assert.Equal(t, c.callback, page.URL.Scheme+"://"+page.URL.Host+page.URL.Path)
		q := page.URL.Query()
		assert.Equal(t, [3]string{"access_denied", state, a.URL()}, [3]string{q.Get("error"), q.Get("state"), q.Get("iss")})
	}
	assert.Contains(t, a.get(c.browser, c.authorizeURL(nil)).Body, "Allow access", "the refusal is no consent")
}

func TestAnAuthorizedApplicationNeedsNoConsentPage(t *testing.T) {
	a := newApp(t, authkittest.WithResourceIndicators(mcp))
	c := newOAuthClient(a, nil)
	a.AuthorizeApplication(ada, authkittest.AuthorizedApplication{ClientID: c.id, Name: "Assistant", Scopes: []string{"openid", "offline_access"}, OAuthResource: mcp})
	a.get(c.browser, c.authorizeURL(map[string]string{"resource": mcp}))
	page := a.press(c.browser, "Ada", nil)
	assert.Equal(t, http.StatusOK, c.exchangeCode(page.URL.Query().Get("code"), nil).status)
}

func TestPromptNoneShowsNoPage(t *testing.T) {
	a := newApp(t)
	c := newOAuthClient(a, nil)
	silent := map[string]string{"prompt": "none"}
	assert.Equal(t, "login_required", c.answer(silent).Get("error"))
	a.get(c.browser, c.authorizeURL(nil))
	a.press(c.browser, "Ada", nil)
	assert.Equal(t, "interaction_required", c.answer(silent).Get("error"))
	c.tokens(nil)
	assert.NotEmpty(t, c.answer(silent).Get("code"))
}

func TestTheRefreshTokenOfAClientRotates(t *testing.T) {
	a := newApp(t)
	c := newOAuthClient(a, nil)
	assert.Nil(t, c.tokens(map[string]string{"scope": "openid"}).body["refresh_token"], "without offline_access")
	first := c.tokens(nil)
	a.clock.Advance(6 * time.Minute)
	second := c.refreshWith(first.text("refresh_token"), nil)
	require.Equal(t, http.StatusOK, second.status, "%v", second.body)
	assert.NotEqual(t, first.text("refresh_token"), second.text("refresh_token"))
	before, after := a.tokenClaims(first.text("access_token")), a.tokenClaims(second.text("access_token"))
	assert.Equal(t, before["sid"], after["sid"])
	assert.Equal(t, float64(a.clock.Now().Add(5*time.Minute).Unix()), after["exp"])
	assert.Equal(t, before["sub"], a.tokenClaims(second.text("id_token"))["sub"])

	narrow := c.refreshWith(second.text("refresh_token"), map[string]string{"scope": "openid"})
	assert.Equal(t, "openid", narrow.text("scope"))
	assert.Equal(t, "openid offline_access", c.refreshWith(narrow.text("refresh_token"), nil).text("scope"))

	unregistered := newOAuthClient(a, object{"grant_types": []string{"authorization_code"}})
	assert.Nil(t, unregistered.tokens(nil).body["refresh_token"], "the client did not register the grant")
}

func TestARefreshIsRefusedOnceTheAccessHasEnded(t *testing.T) {
	for name, end := range map[string]func(a *app, c *oauthClient) error{
		"revoked": func(a *app, c *oauthClient) error { a.RevokeAuthorizedApplication(ada, c.id); return nil },
		"deleted by a call": func(a *app, c *oauthClient) error {
			return a.workos().DeleteUserAuthorizedApplication(a.Context(), a.Users()[0].ID, c.id)
		},
		"the user deleted": func(a *app, _ *oauthClient) error { a.DeleteUser(ada); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t)
			c := newOAuthClient(a, nil)
			issued, code := c.tokens(nil), c.codeFor(nil)
			require.NoError(t, end(a, c))
			assertOAuthError(t, c.refreshWith(issued.text("refresh_token"), nil), 400, "invalid_grant")
			assertOAuthError(t, c.exchangeCode(code, nil), 400, "invalid_grant")
		})
	}
}

func TestAnAuthorizationCodeOfAClientExpiresAfterTenMinutes(t *testing.T) {
	a := newApp(t)
	c := newOAuthClient(a, nil)
	code := c.codeFor(nil)
	a.clock.Advance(10*time.Minute - time.Second)
	require.Equal(t, http.StatusOK, c.exchangeCode(code, nil).status)
	code = c.codeFor(nil)
	a.clock.Advance(10 * time.Minute)
	assertOAuthError(t, c.exchangeCode(code, nil), 400, "invalid_grant")
}

func TestAConfidentialClientNeedsItsSecret(t *testing.T) {
	a := newApp(t)
	c := newOAuthClient(a, object{"token_endpoint_auth_method": nil})
	issued := c.tokens(nil)
	code := c.codeFor(nil)
	assertOAuthError(t, c.exchangeCode(code, map[string]string{"client_secret": ""}), 401, "invalid_client")
	assertOAuthError(t, c.exchangeCode(code, map[string]string{"client_secret": "x"}), 401, "invalid_client")
	assertOAuthError(t, c.refreshWith(issued.text("refresh_token"), map[string]string{"client_secret": ""}), 401, "invalid_client")
	assert.Equal(t, http.StatusOK, c.exchangeCode(code, nil).status)
	public := newOAuthClient(a, nil)
	assertOAuthError(t, public.exchangeCode(public.codeFor(nil), map[string]string{"client_secret": "x"}), 401, "invalid_client")
}

func TestAFaultMakesTheTokenEndpointFail(t *testing.T) {
	a := newApp(t)
	c := newOAuthClient(a, nil)
	code := c.codeFor(nil)
	a.InjectFault(authkittest.RouteOAuthToken, authkittest.Fault{Status: http.StatusServiceUnavailable, Body: `{"error":"temporarily_unavailable"}`, Times: 1})
	r, err := http.Post(a.URL()+"/oauth2/token", "application/x-www-form-urlencoded", strings.NewReader("grant_type=authorization_code"))
	assert.Equal(t, http.StatusServiceUnavailable, a.read(r, err).status)
	assert.Equal(t, http.StatusOK, c.exchangeCode(code, nil).status)
	assert.Equal(t, 2, a.Calls(authkittest.RouteOAuthToken))
}

func TestATokenForATestHasTheClaimsOfAGrantedOne(t *testing.T) {
	a := newApp(t, authkittest.WithScopes("posts:read"))
	claims := a.tokenClaims(a.ResourceToken(ada, mcp))
	user := a.Users()[0]
	assert.Equal(t, [4]any{mcp, user.ID, user.Memberships[0].OrganizationID, "openid profile email posts:read"},
		[4]any{claims["aud"], claims["sub"], claims["org_id"], claims["scope"]})
	assert.True(t, strings.HasPrefix(claims["sid"].(string), "app_consent_"))
	assert.Equal(t, a.ClientID(), a.tokenClaims(a.ResourceToken(ada, ""))["aud"])
	custom := a.tokenClaims(a.ResourceToken("dev@example.com", mcp, authkittest.Claims{"scope": "posts:read", "sid": nil}, authkittest.Claims{"exp": start}))
	assert.Equal(t, [4]any{"posts:read", nil, float64(start.Unix()), nil}, [4]any{custom["scope"], custom["sid"], custom["exp"], custom["org_id"]})
	robot, _ := a.AddMachine(user.Memberships[0].OrganizationID, "posts:read")
	machine := a.tokenClaims(a.MachineToken(robot, authkittest.Claims{"scope": "posts:write"}))
	assert.Equal(t, [3]any{robot, "posts:write", nil}, [3]any{machine["sub"], machine["scope"], machine["sid"]})
	assert.Panics(t, func() { a.ResourceToken("none@example.com", mcp) })
	assert.Panics(t, func() { a.MachineToken("client_none") })
}
