// A client of WorkOS Connect for the tests. It checks the protocol itself.

package authkittest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

const mcp = "https://mcp.harborpress.test/mcp"

// oauthClient is a registered client with a browser. Its callback shows the query of the request.
type oauthClient struct {
	*app
	id, secret string
	callback   string
	browser    *authkittest.Browser
}

// newOAuthClient registers a public client with the changes in its metadata.
func newOAuthClient(a *app, changes object) *oauthClient {
	a.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.URL.RawQuery) }))
	a.Cleanup(server.Close)
	c := &oauthClient{app: a, callback: server.URL + "/callback", browser: newBrowser(a.T)}
	got := a.register(object{
		"client_name": "Assistant", "redirect_uris": []string{c.callback}, "token_endpoint_auth_method": "none",
		"grant_types": []string{"authorization_code", "refresh_token"},
	}, changes)
	require.Equal(a, http.StatusCreated, got.status, "%v", got.body)
	c.id, c.secret = got.text("client_id"), got.text("client_secret")
	return c
}

// register registers a client with the metadata, changed by changes. A nil value removes a member.
func (a *app) register(metadata, changes object) apiResponse {
	a.Helper()
	for name, value := range changes {
		if metadata[name] = value; value == nil {
			delete(metadata, name)
		}
	}
	body, err := json.Marshal(metadata)
	require.NoError(a, err)
	r, err := http.Post(a.URL()+"/oauth2/register", "application/json", bytes.NewReader(body))
	return a.read(r, err)
}

// authorizeURL returns a valid authorization request with the parameters in change. An empty value removes a parameter.
func (c *oauthClient) authorizeURL(change map[string]string) string {
	q := url.Values{
		"response_type": {"code"}, "client_id": {c.id}, "redirect_uri": {c.callback}, "state": {state}, "scope": {"openid offline_access"},
		"code_challenge": {challenge(verifier)}, "code_challenge_method": {"S256"},
	}
	for name, value := range change {
		if q.Set(name, value); value == "" {
			q.Del(name)
		}
	}
	return c.URL() + "/oauth2/authorize?" + q.Encode()
}

// answer opens an authorization request, signs Ada in and allows the client, where the fake asks for it. It returns the query that
// the client gets.
func (c *oauthClient) answer(change map[string]string) url.Values {
	c.Helper()
	page := c.get(c.browser, c.authorizeURL(change))
	if strings.Contains(page.Body, "Ada") && !strings.Contains(page.Body, "Allow") {
		page = c.press(c.browser, "Ada", nil)
	}
	if strings.Contains(page.Body, "Allow access") {
		page = c.press(c.browser, "Allow", nil)
	}
	require.True(c, strings.HasPrefix(page.URL.String(), c.callback+"?"), "%v: %s", page, page.Body)
	return page.URL.Query()
}

// codeFor returns the code of an authorization.
func (c *oauthClient) codeFor(change map[string]string) string {
	c.Helper()
	q := c.answer(change)
	require.NotEmpty(c, q.Get("code"), "%v", q)
	return q.Get("code")
}

// post sends a form to the token endpoint. An empty value removes a parameter.
func (c *oauthClient) post(form map[string]string) apiResponse {
	c.Helper()
	q := url.Values{}
	all := map[string]string{"client_id": c.id, "client_secret": c.secret}
	for name, value := range form {
		all[name] = value
	}
	for name, value := range all {
		if value != "" {
			q.Set(name, value)
		}
	}
	return c.postForm("/oauth2/token", q.Encode())
}

// postForm sends a form and requires that no cache stores the answer.
func (a *app) postForm(path, form string) apiResponse {
	a.Helper()
	r, err := http.Post(a.URL()+path, "application/x-www-form-urlencoded", strings.NewReader(form))
	got := a.read(r, err)
	assert.Equal(a, "no-store", got.header.Get("Cache-Control"))
	return got
}

// exchangeCode exchanges a code with the parameters in change.
func (c *oauthClient) exchangeCode(code string, change map[string]string) apiResponse {
	c.Helper()
	form := map[string]string{"grant_type": "authorization_code", "code": code, "redirect_uri": c.callback, "code_verifier": verifier}
	for name, value := range change {
		form[name] = value
	}
	return c.post(form)
}

func (c *oauthClient) refreshWith(token string, change map[string]string) apiResponse {
	c.Helper()
	form := map[string]string{"grant_type": "refresh_token", "refresh_token": token}
	for name, value := range change {
		form[name] = value
	}
	return c.post(form)
}

// tokens authorizes the client and returns its tokens.
func (c *oauthClient) tokens(change map[string]string) apiResponse {
	c.Helper()
	got := c.exchangeCode(c.codeFor(change), nil)
	require.Equal(c, http.StatusOK, got.status, "%v", got.body)
	return got
}

// tokenClaims verifies a token and returns its claims.
func (a *app) tokenClaims(token string) object {
	a.Helper()
	claims, err := a.claims(token)
	require.NoError(a, err)
	return claims
}

func assertOAuthError(t *testing.T, got apiResponse, status int, code string) {
	t.Helper()
	assert.Equal(t, status, got.status, "%v", got.body)
	assert.Equal(t, code, got.text("error"))
	assert.NotEmpty(t, got.text("error_description"))
}
