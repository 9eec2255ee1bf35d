// A client that starts with nothing but the address of the API: it finds the authorization server of package authkittest, registers,
// signs a user in, and calls the API. Machines, keys that change, and outages.

package resource_test

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/pkce"
	"github.com/authkit-go/authkit/resource"
)

const kim = "kim@acme.test"

// connected is an API behind a Server whose issuer is a fake AuthKit.
type connected struct {
	*testing.T
	fake     *authkittest.Server
	clock    *authkittest.FakeClock
	api      *httptest.Server
	resource string
}

// connect starts the API and its fake. GET /mcp/posts needs the scope posts:read, and GET /mcp/drafts also posts:write.
func connect(t *testing.T, opts ...func(*authkittest.Server) resource.Option) *connected {
	c := &connected{T: t, clock: authkittest.NewFakeClock(time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC))}
	c.fake = authkittest.New(t, authkittest.WithClock(c.clock), authkittest.WithScopes("posts:read", "posts:write"),
		authkittest.WithUsers(authkittest.User{Email: kim, Memberships: []authkittest.Membership{{OrganizationID: "org_acme"}}}))
	mux := http.NewServeMux()
	c.api = httptest.NewServer(mux)
	t.Cleanup(c.api.Close)
	c.resource = c.api.URL + "/mcp"
	c.fake.AddResourceIndicator(c.resource)
	all := []resource.Option{resource.WithClock(c.clock)}
	for _, opt := range opts {
		all = append(all, opt(c.fake))
	}
	api, err := resource.New(c.fake.URL(), c.resource, all...)
	require.NoError(t, err)
	show := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, _ := resource.FromContext(r.Context())
		_ = json.NewEncoder(w).Encode(object{"user": token.UserID(), "client": token.ClientID(), "organization": token.OrganizationID(), "machine": token.IsMachine()})
	})
	mux.Handle(api.MetadataPath(), api.Metadata())
	mux.Handle("GET /mcp/posts", api.Require("posts:read")(show))
	mux.Handle("GET /mcp/drafts", api.Require("posts:read", "posts:write")(show))
	return c
}

// get requests a path of the API with a token, or with none.
func (c *connected) get(path, token string) (status int, challenge string, body object) {
	c.Helper()
	r, err := http.NewRequestWithContext(c.Context(), http.MethodGet, c.api.URL+path, nil)
	require.NoError(c, err)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(r)
	require.NoError(c, err)
	defer response.Body.Close()
	require.NoError(c, json.NewDecoder(response.Body).Decode(&body))
	return response.StatusCode, response.Header.Get("WWW-Authenticate"), body
}

// status returns the status of a request with a token.
func (c *connected) status(path, token string) int {
	c.Helper()
	status, _, _ := c.get(path, token)
	return status
}

// document reads a JSON document.
func (c *connected) document(response *http.Response, err error) (document object) {
	c.Helper()
	require.NoError(c, err)
	defer response.Body.Close()
	require.Less(c, response.StatusCode, 300)
	require.NoError(c, json.NewDecoder(response.Body).Decode(&document))
	return document
}

// attribute returns an attribute of a challenge.
func attribute(challenge, name string) string {
	match := regexp.MustCompile(name + `="([^"]*)"`).FindStringSubmatch(challenge)
	if match == nil {
		return ""
	}
	return match[1]
}

// client is a client that registered itself.
type client struct {
	*connected
	browser  *authkittest.Browser
	server   object // metadata of the authorization server
	resource string // from the metadata of the API
	id       string
	callback string
}

// discover finds the authorization server from a challenge, and registers there.
func (c *connected) discover(challenge string) *client {
	c.Helper()
	metadata := c.document(http.Get(attribute(challenge, "resource_metadata")))
	issuer := metadata["authorization_servers"].([]any)[0].(string)
	cl := &client{
		connected: c, browser: authkittest.NewBrowser(), resource: metadata["resource"].(string),
		server: c.document(http.Get(issuer + "/.well-known/oauth-authorization-server")),
	}
	c.Cleanup(cl.browser.CloseIdleConnections)
	require.Equal(c, issuer, cl.server["issuer"])
	listener := httptest.NewServer(http.NotFoundHandler())
	c.Cleanup(listener.Close)
	cl.callback = listener.URL + "/callback"
	registered := c.document(http.Post(cl.server["registration_endpoint"].(string), "application/json", strings.NewReader(
		`{"client_name":"Assistant","redirect_uris":["http://127.0.0.1/callback"],"token_endpoint_auth_method":"none","grant_types":["authorization_code","refresh_token"]}`)))
	cl.id = registered["client_id"].(string)
	return cl
}

// authorize signs Kim in, presses the buttons, and exchanges the code.
func (c *client) authorize(scope string, buttons ...string) object {
	c.Helper()
	verifier, state := pkce.NewVerifier(), rand.Text()
	page, err := c.browser.Get(c.server["authorization_endpoint"].(string) + "?" + url.Values{
		"response_type": {"code"}, "client_id": {c.id}, "redirect_uri": {c.callback}, "scope": {scope}, "state": {state},
		"resource": {c.resource}, "code_challenge": {pkce.Challenge(verifier)}, "code_challenge_method": {"S256"},
	}.Encode())
	require.NoError(c, err)
	for _, button := range buttons {
		page, err = c.browser.Submit(button, nil)
		require.NoError(c, err)
	}
	q := page.URL.Query()
	require.Equal(c, [2]any{state, c.server["issuer"]}, [2]any{q.Get("state"), q.Get("iss")}, "%v", page)
	return c.token(url.Values{
		"grant_type": {"authorization_code"}, "code": {q.Get("code")}, "redirect_uri": {c.callback}, "code_verifier": {verifier}, "resource": {c.resource},
	})
}

func (c *client) token(form url.Values) object {
	c.Helper()
	form.Set("client_id", c.id)
	return c.document(http.PostForm(c.server["token_endpoint"].(string), form))
}

func TestAClientThatKnowsOnlyTheAddressOfTheAPIGetsIn(t *testing.T) {
	c := connect(t)
	status, challenge, _ := c.get("/mcp/posts", "")
	require.Equal(t, http.StatusUnauthorized, status)
	client := c.discover(challenge)
	issued := client.authorize("offline_access "+attribute(challenge, "scope"), kim, "Allow")
	status, _, body := c.get("/mcp/posts", issued["access_token"].(string))
	require.Equal(t, http.StatusOK, status)
	assert.Equal(t, object{"user": c.fake.Users()[0].ID, "client": client.id, "organization": "org_acme", "machine": false}, body)

	c.clock.Advance(5*time.Minute + 61*time.Second)
	status, challenge, _ = c.get("/mcp/posts", issued["access_token"].(string))
	assert.Equal(t, [2]any{http.StatusUnauthorized, "invalid_token"}, [2]any{status, attribute(challenge, "error")}, "it has expired")
	refreshed := client.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {issued["refresh_token"].(string)}})
	assert.Equal(t, http.StatusOK, c.status("/mcp/posts", refreshed["access_token"].(string)))
}

func TestAClientStepsUpForAMissingScope(t *testing.T) {
	c := connect(t)
	_, challenge, _ := c.get("/mcp/posts", "")
	client := c.discover(challenge)
	token := client.authorize("posts:read", kim, "Allow")["access_token"].(string)
	status, challenge, _ := c.get("/mcp/drafts", token)
	require.Equal(t, [2]any{http.StatusForbidden, "insufficient_scope"}, [2]any{status, attribute(challenge, "error")})
	more := client.authorize(attribute(challenge, "scope"), "Allow") // the browser is signed in
	assert.Equal(t, http.StatusOK, c.status("/mcp/drafts", more["access_token"].(string)))
	again := client.authorize(attribute(challenge, "scope"))
	assert.Equal(t, http.StatusOK, c.status("/mcp/drafts", again["access_token"].(string)), "the consent is remembered")
}

func TestAMachineOfConnectNeedsTheAudienceOfTheEnvironment(t *testing.T) {
	machineToken := func(c *connected) string {
		id, secret := c.fake.AddMachine("org_acme", "posts:read")
		issued := c.document(http.PostForm(c.fake.URL()+"/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}}))
		return issued["access_token"].(string)
	}
	c := connect(t, func(fake *authkittest.Server) resource.Option { return resource.WithAudiences(fake.ClientID()) })
	status, _, body := c.get("/mcp/posts", machineToken(c))
	require.Equal(t, http.StatusOK, status)
	assert.Equal(t, [3]any{"", "org_acme", true}, [3]any{body["user"], body["organization"], body["machine"]})
	assert.Equal(t, http.StatusForbidden, c.status("/mcp/drafts", machineToken(c)), "a machine has its scopes only")

	without := connect(t)
	assert.Equal(t, http.StatusUnauthorized, without.status("/mcp/posts", machineToken(without)))
}

func TestTheAPIRefusesTheOtherTokensOfTheEnvironment(t *testing.T) {
	c := connect(t)
	_, challenge, _ := c.get("/mcp/posts", "")
	issued := c.discover(challenge).authorize("openid posts:read", kim, "Allow")
	require.Equal(t, http.StatusOK, c.status("/mcp/posts", issued["access_token"].(string)))
	for name, token := range map[string]string{
		"a session token":            c.fake.BearerToken(kim, authkittest.Claims{"aud": c.resource, "scope": "posts:read"}),
		"an ID token":                issued["id_token"].(string),
		"a token for another API":    c.fake.ResourceToken(kim, c.resource+"/other"),
		"a token of the environment": c.fake.ResourceToken(kim, ""),
		"a token of another issuer":  c.fake.ResourceToken(kim, c.resource, authkittest.Claims{"iss": "https://evil.test"}),
	} {
		status, challenge, _ := c.get("/mcp/posts", token)
		assert.Equal(t, http.StatusUnauthorized, status, name)
		assert.Equal(t, "invalid_token", attribute(challenge, "error"), name)
	}
}

func TestTheAPIFollowsTheKeysOfItsIssuer(t *testing.T) {
	c := connect(t)
	old := c.fake.ResourceToken(kim, c.resource)
	require.Equal(t, http.StatusOK, c.status("/mcp/posts", old))
	c.fake.AddSigningKey()
	c.clock.Advance(time.Minute)
	assert.Equal(t, http.StatusOK, c.status("/mcp/posts", c.fake.ResourceToken(kim, c.resource)), "a new key is fetched")
	assert.Equal(t, http.StatusOK, c.status("/mcp/posts", old), "the old key is still published")
	assert.Equal(t, 2, c.fake.Calls(authkittest.RouteOAuthJWKS))
}

func TestAnOutageOfTheIssuerIs503UntilItsKeysAreBack(t *testing.T) {
	c := connect(t)
	c.fake.InjectFault(authkittest.RouteOAuthJWKS, authkittest.Fault{Status: http.StatusServiceUnavailable})
	token := c.fake.ResourceToken(kim, c.resource)
	assert.Equal(t, http.StatusServiceUnavailable, c.status("/mcp/posts", token))
	assert.Equal(t, http.StatusUnauthorized, c.status("/mcp/posts", ""))
	c.fake.ClearFault(authkittest.RouteOAuthJWKS)
	c.clock.Advance(6 * time.Second)
	assert.Equal(t, http.StatusOK, c.status("/mcp/posts", token))
	c.fake.InjectFault(authkittest.RouteOAuthJWKS, authkittest.Fault{Status: http.StatusServiceUnavailable})
	assert.Equal(t, http.StatusOK, c.status("/mcp/posts", token), "the keys are known")
}
