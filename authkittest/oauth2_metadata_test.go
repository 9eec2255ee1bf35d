// The metadata, keys, user information and introspection of WorkOS Connect.

package authkittest_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

func TestTheMetadataOfTheAuthorizationServerNamesItsEndpoints(t *testing.T) {
	a := newApp(t, authkittest.WithScopes("posts:read"))
	for _, path := range []string{"oauth-authorization-server", "openid-configuration"} {
		r, err := http.Get(a.URL() + "/.well-known/" + path)
		got := a.read(r, err)
		assert.Equal(t, http.StatusOK, got.status)
		assert.Equal(t, "*", got.header.Get("Access-Control-Allow-Origin"))
		assert.Equal(t, a.URL(), got.body["issuer"])
		for member, want := range map[string]string{
			"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "jwks", "registration_endpoint": "register",
			"introspection_endpoint": "introspection",
		} {
			assert.Equal(t, a.URL()+"/oauth2/"+want, got.body[member], member)
		}
		assert.Equal(t, []any{"S256"}, got.body["code_challenge_methods_supported"])
		assert.Equal(t, []any{"code"}, got.body["response_types_supported"])
		assert.Equal(t, []any{"none", "client_secret_post", "client_secret_basic"}, got.body["token_endpoint_auth_methods_supported"])
		assert.Equal(t, []any{"email", "offline_access", "openid", "profile", "posts:read"}, got.body["scopes_supported"])
		assert.Equal(t, true, got.body["client_id_metadata_document_supported"])
		assert.Equal(t, true, got.body["authorization_response_iss_parameter_supported"])
	}
	assert.Equal(t, 1, a.Calls(authkittest.RouteOAuthMetadata))
	assert.Equal(t, 1, a.Calls(authkittest.RouteOAuthDiscovery))
}

func TestAScriptOfAnotherOriginMayCallTheOAuthEndpoints(t *testing.T) {
	a := newApp(t)
	for _, path := range []string{
		"/.well-known/oauth-authorization-server", "/.well-known/openid-configuration", "/oauth2/jwks", "/oauth2/register", "/oauth2/token", "/oauth2/userinfo",
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, a.URL()+path, nil)
		require.NoError(t, err)
		response, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		assert.Equal(t, http.StatusNoContent, response.StatusCode, path)
		assert.Equal(t, "*", response.Header.Get("Access-Control-Allow-Origin"), path)
		assert.Contains(t, response.Header.Get("Access-Control-Allow-Headers"), "Authorization", path)
	}
	a.InjectFault(authkittest.RouteOAuthMetadata, authkittest.Fault{Status: http.StatusServiceUnavailable, Body: `{}`})
	r, err := http.Get(a.URL() + "/.well-known/oauth-authorization-server")
	got := a.read(r, err)
	assert.Equal(t, http.StatusServiceUnavailable, got.status)
	assert.Equal(t, "*", got.header.Get("Access-Control-Allow-Origin"), "a script sees a fault too")
}

func TestEveryTokenOfConnectVerifiesAgainstItsKeysAlsoAfterARotation(t *testing.T) {
	a := newApp(t)
	kids := func() []any {
		r, err := http.Get(a.URL() + "/oauth2/jwks")
		var ids []any
		for _, key := range a.read(r, err).body["keys"].([]any) {
			ids = append(ids, key.(map[string]any)["kid"])
		}
		return ids
	}
	old := a.ResourceToken(ada, mcp)
	before := kids()
	require.Len(t, before, 1)
	a.RotateSigningKeys()
	after := kids()
	require.Len(t, after, 1)
	assert.NotEqual(t, before, after)
	_, err := a.claims(old)
	assert.Error(t, err, "the key of the old token is gone")
	assert.Equal(t, a.URL(), a.tokenClaims(a.ResourceToken(ada, mcp))["iss"])
	a.InjectFault(authkittest.RouteOAuthJWKS, authkittest.Fault{Status: http.StatusInternalServerError, Body: `{}`, Times: 1})
	r, err := http.Get(a.URL() + "/oauth2/jwks")
	assert.Equal(t, http.StatusInternalServerError, a.read(r, err).status)
	assert.Equal(t, after, kids())
}

// userInfoFor calls /oauth2/userinfo.
func (a *app) userInfoFor(method, token string) apiResponse {
	a.Helper()
	r, err := http.NewRequestWithContext(a.Context(), method, a.URL()+"/oauth2/userinfo", nil)
	require.NoError(a, err)
	r.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(r)
	return a.read(response, err)
}

func TestUserInfoHasTheClaimsThatTheScopesPermit(t *testing.T) {
	a := newApp(t)
	c := newOAuthClient(a, nil)
	for scope, want := range map[string][]string{
		"openid":               {"sub"},
		"openid email":         {"sub", "email", "email_verified"},
		"openid profile":       {"sub", "name", "given_name", "family_name"},
		"openid profile email": {"sub", "name", "given_name", "family_name", "email", "email_verified"},
	} {
		token := c.tokens(map[string]string{"scope": scope}).text("access_token")
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			got := a.userInfoFor(method, token)
			require.Equal(t, http.StatusOK, got.status, scope)
			var names []string
			for name := range got.body {
				names = append(names, name)
			}
			assert.ElementsMatch(t, want, names, scope)
			assert.Equal(t, a.tokenClaims(token)["sub"], got.body["sub"])
		}
	}
}

func TestUserInfoRefusesTokensThatSayNothingAboutAUser(t *testing.T) {
	a := newApp(t, authkittest.WithScopes("posts:read"))
	c := newOAuthClient(a, nil)
	robot, _ := a.AddMachine(a.organizationNamed("Harbor Press"), "openid")
	token := c.tokens(nil).text("access_token")
	for name, refused := range map[string]string{"no token": "", "an unknown token": "x", "a machine's token": a.MachineToken(robot), "a session token": a.BearerToken(ada)} {
		got := a.userInfoFor(http.MethodGet, refused)
		assert.Equal(t, http.StatusUnauthorized, got.status, name)
		assert.Equal(t, `Bearer error="invalid_token"`, got.header.Get("WWW-Authenticate"), name)
	}
	for scheme, status := range map[string]int{"Bearer ": 200, "bearer ": 200, "": 401, "Basic ": 401} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.URL()+"/oauth2/userinfo", nil)
		require.NoError(t, err)
		r.Header.Set("Authorization", scheme+token)
		response, err := http.DefaultClient.Do(r)
		assert.Equal(t, status, a.read(response, err).status, "the scheme is %q", scheme)
	}
	got := a.userInfoFor(http.MethodGet, c.tokens(map[string]string{"scope": "posts:read"}).text("access_token"))
	assert.Equal(t, http.StatusForbidden, got.status)
	assert.Contains(t, got.header.Get("WWW-Authenticate"), "insufficient_scope")

	assert.Equal(t, http.StatusOK, a.userInfoFor(http.MethodGet, token).status)
	a.clock.Advance(5 * time.Minute)
	assert.Equal(t, http.StatusUnauthorized, a.userInfoFor(http.MethodGet, token).status, "it has expired")
}

// organizationNamed returns the ID of an organization.
func (a *app) organizationNamed(name string) string {
	a.Helper()
	for _, o := range a.Organizations() {
		if o.Name == name {
			return o.ID
		}
	}
	require.Fail(a, "no organization has this name", name)
	return ""
}

func TestIntrospectionSaysWhetherATokenIsActive(t *testing.T) {
	a := newApp(t)
	c := newOAuthClient(a, nil)
	robot, secret := a.AddMachine(a.organizationNamed("Harbor Press"), "posts:read")
	about := func(token string) apiResponse {
		return a.postForm("/oauth2/introspection", url.Values{"client_id": {robot}, "client_secret": {secret}, "token": {token}}.Encode())
	}
	issued := c.tokens(nil)
	claims := a.tokenClaims(issued.text("access_token"))
	access := about(issued.text("access_token")).body
	assert.Equal(t, object{
		"active": true, "token_type": "access_token", "client_id": c.id, "iss": a.URL(), "sub": claims["sub"], "sid": claims["sid"],
		"org_id": claims["org_id"], "jti": claims["jti"], "iat": claims["iat"], "exp": claims["exp"],
	}, access)
	refresh := about(issued.text("refresh_token")).body
	assert.Equal(t, [3]any{true, "refresh_token", nil}, [3]any{refresh["active"], refresh["token_type"], refresh["exp"]})
	machine := about(a.MachineToken(robot)).body
	assert.Equal(t, [4]any{true, robot, nil, nil}, [4]any{machine["active"], machine["sub"], machine["sid"], machine["jti"]})

	inactive := object{"active": false}
	assert.Equal(t, inactive, about("unknown").body)
	a.RevokeAuthorizedApplication(ada, c.id)
	assert.Equal(t, inactive, about(issued.text("access_token")).body)
	assert.Equal(t, inactive, about(issued.text("refresh_token")).body)

	assertOAuthError(t, a.postForm("/oauth2/introspection", url.Values{"client_id": {c.id}, "token": {"x"}}.Encode()), 401, "invalid_client")
	assertOAuthError(t, a.postForm("/oauth2/introspection", url.Values{"client_id": {robot}, "client_secret": {"x"}, "token": {"x"}}.Encode()), 401, "invalid_client")
	assertOAuthError(t, about(""), 400, "invalid_request")
}
