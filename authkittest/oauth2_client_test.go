// The registration of clients, and client ID metadata documents.

package authkittest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

func TestAClientRegistersWithTheDefaultsOfRFC7591(t *testing.T) {
	a := newApp(t)
	got := a.register(object{"redirect_uris": []string{"https://client.test/callback"}, "client_name": "Assistant"}, nil)
	require.Equal(t, http.StatusCreated, got.status)
	assert.Equal(t, "no-store", got.header.Get("Cache-Control"))
	assert.NotEmpty(t, got.text("client_id"))
	assert.NotEmpty(t, got.text("client_secret"))
	assert.Equal(t, object{
		"client_id": got.body["client_id"], "client_secret": got.body["client_secret"], "client_name": "Assistant",
		"client_id_issued_at": float64(start.Unix()), "client_secret_expires_at": 0.0, "redirect_uris": []any{"https://client.test/callback"},
		"grant_types": []any{"authorization_code"}, "response_types": []any{"code"}, "token_endpoint_auth_method": "client_secret_basic",
	}, object(got.body))

	public := a.register(object{"redirect_uris": []string{"https://client.test/callback"}, "token_endpoint_auth_method": "none", "scope": "openid"}, nil)
	require.Equal(t, http.StatusCreated, public.status)
	assert.Empty(t, public.text("client_secret"))
	assert.Nil(t, public.body["client_secret_expires_at"])
	assert.Equal(t, "openid", public.text("scope"))
}

func TestAnInvalidRegistrationIsRefused(t *testing.T) {
	a := newApp(t)
	uris := func(uri string) object { return object{"redirect_uris": []string{uri}} }
	for name, c := range map[string]struct {
		changes object
		code    string
	}{
		"no redirect URI":              {object{"redirect_uris": nil}, "invalid_redirect_uri"},
		"a fragment":                   {uris("https://client.test/#x"), "invalid_redirect_uri"},
		"an empty fragment":            {uris("https://client.test/#"), "invalid_redirect_uri"},
		"plain http on another host":   {uris("http://client.test/callback"), "invalid_redirect_uri"},
		"a path alone":                 {uris("/callback"), "invalid_redirect_uri"},
		"a script":                     {uris("javascript:alert(1)"), "invalid_redirect_uri"},
		"a user name":                  {uris("https://127.0.0.1@evil.test/"), "invalid_redirect_uri"},
		"a host that begins as this":   {uris("http://127.0.0.1.evil.test/"), "invalid_redirect_uri"},
		"a scheme without a period":    {uris("myapp://callback"), "invalid_redirect_uri"},
		"a private scheme alone":       {uris("com.example.app:callback"), "invalid_redirect_uri"},
		"a private scheme with a #":    {uris("com.example.app:/callback#x"), "invalid_redirect_uri"},
		"one of two":                   {object{"redirect_uris": []string{"https://client.test/", "ftp://client.test/"}}, "invalid_redirect_uri"},
		"another authentication":       {object{"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata"},
		"the implicit grant":           {object{"grant_types": []string{"authorization_code", "implicit"}}, "invalid_client_metadata"},
		"client credentials":           {object{"grant_types": []string{"client_credentials"}}, "invalid_client_metadata"},
		"another response type":        {object{"response_types": []string{"token"}}, "invalid_client_metadata"},
		"a scope that is not there":    {object{"scope": "openid admin"}, "invalid_client_metadata"},
		"a redirect URI that is a map": {object{"redirect_uris": object{}}, "invalid_client_metadata"},
	} {
		t.Run(name, func(t *testing.T) {
			a.T = t
			assertOAuthError(t, a.register(object{"redirect_uris": []string{"https://client.test/callback"}}, c.changes), 400, c.code)
		})
	}
	for _, uri := range []string{"http://localhost/callback", "http://127.0.0.1:7777/callback", "http://[::1]/callback", "https://client.test"} {
		assert.Equal(t, http.StatusCreated, a.register(uris(uri), nil).status, uri)
	}
}

func TestALoopbackRedirectURIMayHaveAnyPort(t *testing.T) {
	a := newApp(t)
	for _, c := range []struct {
		registered, requested string
		want                  bool
	}{
		{"http://127.0.0.1/callback", "http://127.0.0.1:5000/callback", true},
		{"http://127.0.0.1:4000/callback", "http://127.0.0.1:5000/callback", true},
		{"http://localhost:4000/callback", "http://localhost:5000/callback", true},
		{"http://[::1]/callback", "http://[::1]:5000/callback", true},
		{"http://127.0.0.1/callback", "http://localhost:5000/callback", false},
		{"http://127.0.0.1/callback", "http://127.0.0.1:5000/callback/more", false},
		{"http://127.0.0.1/callback", "http://127.0.0.1:5000/callback?next=x", false},
		{"http://127.0.0.1/callback", "http://127.0.0.1:5000@evil.test/callback", false},
		{"http://127.0.0.1/callback", "http://127.0.0.1:5000/callback#x", false},
		{"https://client.test/callback", "https://client.test:8443/callback", false},
		{"https://127.0.0.1/callback", "https://127.0.0.1:5000/callback", false},
		{"https://client.test/callback", "https://client.test/callback/", false},
		{"https://client.test/callback", "https://client.test/Callback", false},
	} {
		client := newOAuthClient(a, object{"redirect_uris": []string{c.registered}})
		page := a.get(client.browser, client.authorizeURL(map[string]string{"redirect_uri": c.requested}))
		want := http.StatusBadRequest
		if c.want {
			want = http.StatusOK
		}
		assert.Equal(t, want, page.StatusCode, "%s for %s", c.requested, c.registered)
		assert.True(t, strings.HasPrefix(page.URL.String(), a.URL()), "the browser stays at the fake")
	}
}

// RFC 8252 sections 7.1 and 8.4.
func TestANativeApplicationHasARedirectURIOfItsOwnScheme(t *testing.T) {
	a := newApp(t)
	for _, c := range []struct {
		registered, requested string
		want                  bool
	}{
		{"com.example.app:/callback", "com.example.app:/callback", true},
		{"com.example.app://auth/callback", "com.example.app://auth/callback", true},
		{"com.example.app:/callback", "com.example.app:/callback/more", false},
		{"com.example.app:/callback", "com.example.other:/callback", false},
		{"com.example.app:/callback", "com.example.app://callback", false},
		{"com.example.app://127.0.0.1:1/callback", "com.example.app://127.0.0.1:2/callback", false},
	} {
		client := newOAuthClient(a, object{"redirect_uris": []string{c.registered}})
		page := a.get(client.browser, client.authorizeURL(map[string]string{"redirect_uri": c.requested}))
		if !c.want {
			assert.Equal(t, http.StatusBadRequest, page.StatusCode, "%s for %s", c.requested, c.registered)
			continue
		}
		require.Equal(t, http.StatusOK, page.StatusCode, c.requested)
		assert.Contains(t, page.Header.Get("Content-Security-Policy"), " com.example.app:;", "a browser follows the redirect after the form")

		client.browser.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
			if r.URL.Scheme == "com.example.app" { // the system opens the application
				return http.ErrUseLastResponse
			}
			return nil
		}
		a.press(client.browser, "Ada", nil)
		opened := a.press(client.browser, "Allow", nil).Header.Get("Location")
		require.True(t, strings.HasPrefix(opened, c.requested+"?"), opened)
		back, err := url.Parse(opened)
		require.NoError(t, err)
		assert.Equal(t, state, back.Query().Get("state"))
		issued := client.exchangeCode(back.Query().Get("code"), map[string]string{"redirect_uri": c.requested})
		assert.Equal(t, http.StatusOK, issued.status, "%v", issued.body)
	}
}

// documentServer serves the metadata document of a client, and changes it by changes.
func documentServer(t *testing.T, callback string, changes func(w http.ResponseWriter, document object)) (clientID string) {
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	clientID = server.URL + "/client.json"
	mux.HandleFunc("GET /client.json", func(w http.ResponseWriter, _ *http.Request) {
		document := object{
			"client_id": clientID, "client_name": "Editor", "redirect_uris": []string{callback}, "token_endpoint_auth_method": "none",
			"grant_types": []string{"authorization_code", "refresh_token"},
		}
		w.Header().Set("Content-Type", "application/json")
		if changes != nil {
			changes(w, document)
		}
		_ = json.NewEncoder(w).Encode(document)
	})
	return clientID
}

func TestAClientWithAMetadataDocumentNeedsNoRegistration(t *testing.T) {
	a := newApp(t)
	c := newOAuthClient(a, nil)
	c.id = documentServer(t, c.callback, nil)
	page := a.get(c.browser, c.authorizeURL(nil))
	assert.Contains(t, page.Body, "Editor", "the sign-in page names the client")
	issued := c.tokens(nil)
	assert.Equal(t, c.id, a.tokenClaims(issued.text("access_token"))["client_id"])
	assert.Equal(t, http.StatusOK, c.refreshWith(issued.text("refresh_token"), nil).status)
}

func TestAnInvalidClientMetadataDocumentIsRefusedOnAPage(t *testing.T) {
	a := newApp(t)
	c := newOAuthClient(a, nil)
	refused := func(t *testing.T, id, text string) {
		t.Helper()
		a.T = t
		page := a.get(c.browser, c.authorizeURL(map[string]string{"client_id": id}))
		assert.Equal(t, http.StatusBadRequest, page.StatusCode)
		assert.True(t, strings.HasPrefix(page.URL.String(), a.URL()+"/oauth2/authorize"), "the browser stays at the fake")
		assert.Contains(t, page.Body, text)
	}
	for name, f := range map[string]struct {
		change func(http.ResponseWriter, object)
		text   string
	}{
		"another client ID":    {func(_ http.ResponseWriter, d object) { d["client_id"] = "https://client.test/client.json" }, "another client_id"},
		"no client ID":         {func(_ http.ResponseWriter, d object) { delete(d, "client_id") }, "another client_id"},
		"a secret":             {func(_ http.ResponseWriter, d object) { d["client_secret"] = "x" }, "client secret"},
		"a shared secret":      {func(_ http.ResponseWriter, d object) { d["token_endpoint_auth_method"] = "client_secret_post" }, "client secret"},
		"another redirect URI": {func(_ http.ResponseWriter, d object) { d["redirect_uris"] = []string{"https://client.test/"} }, "redirect URI"},
		"no redirect URI":      {func(_ http.ResponseWriter, d object) { delete(d, "redirect_uris") }, "redirect URI"},
		"a wrong type":         {func(_ http.ResponseWriter, d object) { d["redirect_uris"] = "x" }, "no JSON object"},
		"too large a document": {func(_ http.ResponseWriter, d object) { d["client_uri"] = strings.Repeat("x", 5<<10) }, "larger than"},
		"another content type": {func(w http.ResponseWriter, _ object) { w.Header().Set("Content-Type", "text/html") }, "content type"},
		"a failing status":     {func(w http.ResponseWriter, _ object) { w.WriteHeader(http.StatusNotFound) }, "404"},
		"a redirect": {func(w http.ResponseWriter, _ object) {
			w.Header().Set("Location", "/other.json")
			w.WriteHeader(http.StatusFound)
		}, "302"},
	} {
		t.Run(name, func(t *testing.T) { refused(t, documentServer(t, c.callback, f.change), f.text) })
	}
	for id, text := range map[string]string{
		"http://client.test/client.json":           "plain http",
		"https://user@client.test/client.json":     "user name",
		"https://client.test/client.json#x":        "fragment",
		"https://client.test":                      "no path",
		"https://client.test/a/../client.json":     "dot segment",
		"https://":                                 "no URL",
		"http://127.0.0.1:1/client.json":           "could not be fetched",
		"http://127.0.0.1.client.test/client.json": "plain http",
	} {
		t.Run(id, func(t *testing.T) { refused(t, id, text) })
	}
}

func TestTheFakeWaitsFiveSecondsForAClientMetadataDocument(t *testing.T) {
	a := newApp(t)
	c := newOAuthClient(a, nil)
	ended := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		close(ended)
	}))
	defer slow.Close()
	type result struct {
		page *authkittest.Page
		err  error
	}
	done := make(chan result, 1)
	go func() {
		page, err := c.browser.Get(c.authorizeURL(map[string]string{"client_id": slow.URL + "/client.json"}))
		done <- result{page, err}
	}()
	a.clock.AwaitTimers(1)
	a.clock.Advance(5 * time.Second)
	got := <-done
	require.NoError(t, got.err)
	assert.Equal(t, http.StatusBadRequest, got.page.StatusCode)
	assert.Contains(t, got.page.Body, "could not be fetched")
}

func TestAMachineGetsTokensOfItsOrganization(t *testing.T) {
	a := newApp(t, authkittest.WithResourceIndicators(mcp))
	organization := a.organizationNamed("Harbor Press")
	id, secret := a.AddMachine(organization, "posts:read", "posts:write")
	form := url.Values{"grant_type": {"client_credentials"}}
	post := func(change url.Values, basic bool) apiResponse {
		all := url.Values{}
		for _, values := range []url.Values{form, change} {
			for name, value := range values {
				all[name] = value
			}
		}
		if !basic {
			all.Set("client_id", id)
			all.Set("client_secret", secret)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.URL()+"/oauth2/token", strings.NewReader(all.Encode()))
		require.NoError(t, err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if basic {
			r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
		}
		response, err := http.DefaultClient.Do(r)
		return a.read(response, err)
	}
	for _, basic := range []bool{false, true} {
		got := post(nil, basic)
		require.Equal(t, http.StatusOK, got.status, "%v", got.body)
		assert.Equal(t, [3]any{"bearer", 300.0, "posts:read posts:write"}, [3]any{got.body["token_type"], got.body["expires_in"], got.body["scope"]})
		assert.Nil(t, got.body["refresh_token"])
		assert.Nil(t, got.body["id_token"])
		claims := a.tokenClaims(got.text("access_token"))
		assert.NotEmpty(t, claims["jti"])
		delete(claims, "jti")
		assert.Equal(t, object{
			"iss": a.URL(), "aud": a.ClientID(), "sub": id, "client_id": id, "org_id": organization, "scope": "posts:read posts:write",
			"iat": float64(start.Unix()), "exp": float64(start.Add(5 * time.Minute).Unix()),
		}, claims)
	}
	narrow := post(url.Values{"scope": {"posts:read"}, "resource": {mcp}}, false)
	assert.Equal(t, "posts:read", a.tokenClaims(narrow.text("access_token"))["scope"])
	assert.Equal(t, a.ClientID(), a.tokenClaims(narrow.text("access_token"))["aud"], "the tokens of machines are for the environment")
	assertOAuthError(t, post(url.Values{"scope": {"posts:read posts:delete"}}, false), 400, "invalid_scope")
	assertOAuthError(t, post(url.Values{"grant_type": {"authorization_code"}}, false), 400, "unauthorized_client")
	assertOAuthError(t, post(url.Values{"client_secret": {secret}}, true), 400, "invalid_request")
	secret = "another"
	wrong := post(nil, true)
	assertOAuthError(t, wrong, 401, "invalid_client")
	assert.Contains(t, wrong.header.Get("WWW-Authenticate"), "Basic")
	assertOAuthError(t, post(nil, false), 401, "invalid_client")
	assert.Panics(t, func() { a.AddMachine("org_none") })
}

func TestAClientOfAUserHasNoClientCredentials(t *testing.T) {
	a := newApp(t)
	c := newOAuthClient(a, object{"token_endpoint_auth_method": "client_secret_post"})
	assertOAuthError(t, c.post(map[string]string{"grant_type": "client_credentials"}), 400, "unauthorized_client")
}

func TestAnOptionWithAnInvalidResourceIndicatorIsAnError(t *testing.T) {
	for _, uri := range []string{"", "mcp", "/mcp", "https://mcp.acme.test/#x", "https:mcp"} {
		_, err := authkittest.Start(authkittest.WithResourceIndicators(mcp, uri))
		require.Error(t, err, uri)
		assert.Contains(t, err.Error(), fmt.Sprintf("WithResourceIndicators: %q", uri))
		assert.Panics(t, func() { newApp(t).AddResourceIndicator(uri) })
	}
}
