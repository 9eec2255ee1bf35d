// The metadata, and what New refuses.

package resource_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/resource"
)

func newRecorder() *httptest.ResponseRecorder { return httptest.NewRecorder() }

func TestTheMetadataNamesTheResourceAndItsIssuer(t *testing.T) {
	p := protect(t, resource.WithScopesSupported("posts:read", "posts:write"), resource.WithName("Posts"), resource.WithDocumentation("https://docs.acme.test"))
	got := p.get("/.well-known/oauth-protected-resource/mcp")
	require.Equal(t, http.StatusOK, got.status)
	assert.JSONEq(t, `{"resource":"`+resourceURL+`","authorization_servers":["`+p.URL+`"],"scopes_supported":["posts:read","posts:write"],
		"bearer_methods_supported":["header"],"resource_name":"Posts","resource_documentation":"https://docs.acme.test"}`, got.body)
	assert.Equal(t, "application/json", got.header.Get("Content-Type"))
	assert.Equal(t, "*", got.header.Get("Access-Control-Allow-Origin"))
	assert.Equal(t, "nosniff", got.header.Get("X-Content-Type-Options"))

	preflight := p.send(http.MethodOptions, "/.well-known/oauth-protected-resource/mcp")
	assert.Equal(t, http.StatusNoContent, preflight.status)
	assert.Equal(t, "*", preflight.header.Get("Access-Control-Allow-Headers"))
}

func TestTheMetadataHandlersRefuseMethodsThatWrite(t *testing.T) {
	p := protect(t)
	got := p.send(http.MethodPost, "/.well-known/oauth-authorization-server")
	assert.Equal(t, http.StatusMethodNotAllowed, got.status)
	assert.Equal(t, "GET, HEAD, OPTIONS", got.header.Get("Allow"))
}

func TestTheMetadataOfTheAuthorizationServerIsARedirect(t *testing.T) {
	p := protect(t)
	got := p.get("/.well-known/oauth-authorization-server")
	assert.Equal(t, http.StatusFound, got.status)
	assert.Equal(t, p.URL+"/.well-known/oauth-authorization-server", got.header.Get("Location"))
	assert.Equal(t, "*", got.header.Get("Access-Control-Allow-Origin"))
	assert.Zero(t, p.fetches.Load(), "nothing is fetched from the issuer")
}

// RFC 9728 section 3.1.
func TestTheMetadataPathContainsThePathOfTheResource(t *testing.T) {
	for address, path := range map[string]string{
		"https://api.acme.test":             "/.well-known/oauth-protected-resource",
		"https://api.acme.test/":            "/.well-known/oauth-protected-resource",
		"https://api.acme.test/mcp":         "/.well-known/oauth-protected-resource/mcp",
		"https://api.acme.test/mcp/":        "/.well-known/oauth-protected-resource/mcp/",
		"https://api.acme.test/a/b%20c":     "/.well-known/oauth-protected-resource/a/b%20c",
		"http://localhost:8080/mcp":         "/.well-known/oauth-protected-resource/mcp",
		"https://api.acme.test:8443/v1/mcp": "/.well-known/oauth-protected-resource/v1/mcp",
	} {
		api, err := resource.New("https://acme.authkit.app/", address)
		require.NoError(t, err, address)
		assert.Equal(t, path, api.MetadataPath(), address)
	}
}

func TestNewNamesEveryFault(t *testing.T) {
	_, err := resource.New("acme.authkit.app", "https://kim:pw@api.acme.test/mcp?x=1", resource.WithAudiences(" "), resource.WithScopesSupported("a b"),
		resource.WithDocumentation("docs"), resource.WithJWKSURL("http://keys.test"), resource.WithClock(nil), resource.WithLogger(nil), resource.WithHTTPClient(nil))
	require.Error(t, err)
	for _, part := range []string{"the issuer", "the resource", "WithAudiences", "WithScopesSupported", "WithDocumentation", "WithJWKSURL", "WithClock", "WithLogger", "WithHTTPClient"} {
		assert.ErrorContains(t, err, part)
	}
	assert.NotContains(t, err.Error(), "pw")

	for _, address := range []string{"", "/mcp", "https://", "mailto:a@b.test", "http://api.acme.test", "https://api.acme.test#f", "https://api.acme.test/?", "https://api.acme.test/a/../b",
		"https://API.acme.test", "HTTPS://api.acme.test", "https://api.acme.test:443/mcp", "http://localhost:80", "https://api.acme.test:/mcp", "https://api.acme.test//mcp",
		"https://api.acme.test/a//b", "https://api.acme.test/{id}", "https://api.acme.test/<a>", "https://api.acme.test/a|b", "https://api.acme.test/`", "https://api.acme.test/^",
		"https://api.acme.test/é", "https://api.acme.test/a b", `https://api.acme.test/a\b`, "https://api.acme.test/" + strings.Repeat("a", 1100)} {
		_, err := resource.New("https://acme.authkit.app", address)
		assert.ErrorContains(t, err, "the resource", address)
	}
	for _, address := range []string{"https://ACME.authkit.app", "https://acme.authkit.app:443", "https://acme.authkit.app//"} {
		_, err := resource.New(address, resourceURL)
		assert.ErrorContains(t, err, "the issuer", address)
	}
	for _, address := range []string{"docs", "https://", "http:///docs", "https://docs.acme.test/ a"} {
		_, err := resource.New("https://acme.authkit.app", resourceURL, resource.WithDocumentation(address))
		assert.ErrorContains(t, err, "WithDocumentation", address)
	}
	_, err = resource.New("https://acme.authkit.app/.well-known/oauth-authorization-server", resourceURL)
	assert.ErrorContains(t, err, "the AuthKit domain alone")
}

func TestTheFaultsOfNewHaveOneOrder(t *testing.T) {
	texts := map[string]bool{}
	for range 20 {
		_, err := resource.New("https://acme.authkit.app", resourceURL, resource.WithClock(nil), resource.WithLogger(nil), resource.WithHTTPClient(nil))
		require.Error(t, err)
		texts[err.Error()] = true
	}
	assert.Len(t, texts, 1)
}

func TestNewIgnoresANilOption(t *testing.T) {
	_, err := resource.New("https://acme.authkit.app", resourceURL, nil)
	assert.NoError(t, err)
}

// RFC 3986 section 6.2.3: an empty path and / are the same. Clients in JavaScript send the resource with the slash.
func TestAResourceWithoutAPathIsTheSameWithASlash(t *testing.T) {
	is := newIssuer(t)
	for _, address := range []string{"https://api.acme.test", "https://api.acme.test/"} {
		api, err := resource.New(is.URL, address, resource.WithClock(is.clock), resource.WithLogger(slog.New(slog.DiscardHandler)))
		require.NoError(t, err)
		for audience, accepted := range map[string]bool{"https://api.acme.test": true, "https://api.acme.test/": true, "https://api.acme.test/mcp": false} {
			_, err := api.Verify(t.Context(), is.token(is.user().with(object{"aud": audience})))
			assert.Equal(t, accepted, err == nil, "%s for %s", audience, address)
		}
		w := httptest.NewRecorder()
		api.Metadata().ServeHTTP(w, httptest.NewRequest(http.MethodGet, api.MetadataPath(), nil))
		assert.Contains(t, w.Body.String(), `"resource":"`+address+`"`, "the metadata has the form that the API was given")
	}
}
