// Steps of the conformance test: WorkOS Connect, whose clients are not package workos.

package authkittest_test

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// send sends a body to a path of the proxy.
func (c *conversation) send(path, contentType, body string) error {
	c.Helper()
	response, err := http.Post(c.proxy+path, contentType, strings.NewReader(body))
	require.NoError(c, err)
	defer response.Body.Close()
	if response.StatusCode >= http.StatusBadRequest {
		return &workos.Error{StatusCode: response.StatusCode}
	}
	return nil
}

// sendForm sends a form to a path of the proxy, as a machine.
func (c *conversation) sendForm(path string, form url.Values) error {
	c.Helper()
	id, secret := c.AddMachine(c.harborPress(), "posts:read")
	form.Set("client_id", id)
	form.Set("client_secret", secret)
	return c.send(path, "application/x-www-form-urlencoded", form.Encode())
}

// userInfo calls /oauth2/userinfo with a token.
func (c *conversation) userInfo(token string) error {
	c.Helper()
	r, err := http.NewRequestWithContext(c.Context(), http.MethodGet, c.proxy+"/oauth2/userinfo", nil)
	require.NoError(c, err)
	r.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(r)
	require.NoError(c, err)
	defer response.Body.Close()
	if response.StatusCode >= http.StatusBadRequest {
		return &workos.Error{StatusCode: response.StatusCode}
	}
	return nil
}

var oauthSteps = []step{
	{authkittest.RouteOAuthMetadata, 200, func(c *conversation) error { return c.visit(c.proxy + "/.well-known/oauth-authorization-server") }},
	{authkittest.RouteOAuthDiscovery, 200, func(c *conversation) error { return c.visit(c.proxy + "/.well-known/openid-configuration") }},
	{authkittest.RouteOAuthJWKS, 200, func(c *conversation) error { return c.visit(c.proxy + "/oauth2/jwks") }},
	{authkittest.RouteOAuthRegister, 201, func(c *conversation) error {
		return c.send("/oauth2/register", "application/json", `{"redirect_uris":["http://127.0.0.1/callback"]}`)
	}},
	{authkittest.RouteOAuthRegister, 400, func(c *conversation) error { return c.send("/oauth2/register", "application/json", `{}`) }},
	{authkittest.RouteOAuthAuthorize, 302, func(c *conversation) error {
		client := newOAuthClient(c.app, nil)
		return c.visit(strings.Replace(client.authorizeURL(nil), c.URL(), c.proxy, 1))
	}},
	{authkittest.RouteOAuthAuthorize, 400, func(c *conversation) error { return c.visit(c.proxy + "/oauth2/authorize") }},
	{authkittest.RouteOAuthToken, 200, func(c *conversation) error {
		return c.sendForm("/oauth2/token", url.Values{"grant_type": {"client_credentials"}})
	}},
	{authkittest.RouteOAuthToken, 400, func(c *conversation) error { return c.sendForm("/oauth2/token", url.Values{}) }},
	{authkittest.RouteOAuthIntrospection, 200, func(c *conversation) error {
		return c.sendForm("/oauth2/introspection", url.Values{"token": {"none"}})
	}},
	{authkittest.RouteOAuthIntrospection, 400, func(c *conversation) error { return c.sendForm("/oauth2/introspection", url.Values{}) }},
	{authkittest.RouteOAuthUserInfo, 200, func(c *conversation) error { return c.userInfo(c.ResourceToken(ada, "")) }},
	{authkittest.RouteOAuthUserInfo, 401, func(c *conversation) error { return c.userInfo("none") }},
}
