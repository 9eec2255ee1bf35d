// The control handler: WorkOS Connect.

package authkittest_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// command sends a command to the control handler, which must answer with the status, and returns the answer.
func (a *app) command(control, path string, status int, form url.Values) object {
	a.Helper()
	r, err := http.PostForm(control+path, form)
	got := document[object](a.T, r, err)
	require.Equal(a, status, r.StatusCode, path)
	return got
}

func TestTheControlHandlerAddsWhatAnAPINeedsFromConnect(t *testing.T) {
	a := newApp(t)
	control := a.control()
	assert.Equal(t, object{"resources": []any{mcp}}, a.command(control, "/resource-indicator", 200, url.Values{"resource": {mcp}}))
	assert.Equal(t, object{"resources": []any{mcp}}, a.command(control, "/resource-indicator", 200, url.Values{"resource": {mcp}}))
	assert.Equal(t, []any{"email", "offline_access", "openid", "profile", "posts:read", "posts:write"},
		a.command(control, "/scope", 200, url.Values{"scope": {"posts:read", "posts:write", "posts:read"}})["scopes"])

	c := newOAuthClient(a, nil)
	claims := a.tokenClaims(c.tokens(map[string]string{"scope": "posts:read", "resource": mcp}).text("access_token"))
	assert.Equal(t, [2]any{mcp, "posts:read"}, [2]any{claims["aud"], claims["scope"]})
	a.command(control, "/revoke-application", 200, url.Values{"email": {ada}, "client_id": {c.id}})
	a.command(control, "/revoke-application", 404, url.Values{"email": {ada}, "client_id": {c.id}})
	a.command(control, "/revoke-application", 404, url.Values{"email": {"nina@example.com"}, "client_id": {c.id}})

	for _, form := range []url.Values{{}, {"resource": {"/mcp"}}, {"resource": {mcp + "#x"}}} {
		assert.NotEmpty(t, a.command(control, "/resource-indicator", 400, form)["message"])
	}
	a.command(control, "/scope", 400, url.Values{"scope": {""}})
}

func TestTheControlHandlerReturnsTokensOfConnect(t *testing.T) {
	a := newApp(t)
	control := a.control()
	press := a.Organizations()[0]
	machine := a.command(control, "/machine", 200, url.Values{"organization": {press.Name}, "scope": {"posts:read", "posts:write"}})
	id, secret := machine["client_id"].(string), machine["client_secret"].(string)
	issued := a.postForm("/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}}.Encode())
	require.Equal(t, http.StatusOK, issued.status)

	token := a.command(control, "/machine-token", 200, url.Values{"client_id": {id}, "claims": {`{"scope":"posts:read","jti":null}`}})
	claims := a.tokenClaims(token["access_token"].(string))
	assert.Equal(t, [5]any{id, a.ClientID(), press.ID, "posts:read", nil}, [5]any{claims["sub"], claims["aud"], claims["org_id"], claims["scope"], claims["jti"]})

	token = a.command(control, "/resource-token", 200, url.Values{"email": {ada}, "resource": {mcp}, "claims": {`{"exp":1900000000}`}})
	claims = a.tokenClaims(token["access_token"].(string))
	assert.Equal(t, [3]any{mcp, press.ID, 1900000000.0}, [3]any{claims["aud"], claims["org_id"], claims["exp"]})
	assert.Equal(t, a.ClientID(), a.tokenClaims(a.command(control, "/resource-token", 200, url.Values{"email": {ada}})["access_token"].(string))["aud"])

	a.command(control, "/machine", 404, url.Values{"organization": {"org_none"}})
	a.command(control, "/machine-token", 404, url.Values{"client_id": {"client_none"}})
	a.command(control, "/resource-token", 404, url.Values{"email": {"nina@example.com"}})
	a.command(control, "/resource-token", 400, url.Values{"email": {ada}, "claims": {`[]`}})
}
