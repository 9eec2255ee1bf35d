// Which requests pass, and how the others are answered.

package resource_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/resource"
)

const metadataAttribute = `resource_metadata="https://mcp.acme.test/.well-known/oauth-protected-resource/mcp"`

func TestATokenOfAUserPassesWithItsRights(t *testing.T) {
	p := protect(t)
	got := p.get("/read", "Bearer "+p.token(p.user()))
	require.Equal(t, http.StatusOK, got.status, got.body)
	assert.JSONEq(t, `{"user":"user_01KIM","client":"https://assistant.test/client.json","organization":"org_01ACME",
		"scopes":["openid","posts:read"],"machine":false}`, got.body)
}

func TestATokenOfAMachinePassesWithoutAUser(t *testing.T) {
	p := protect(t, resource.WithAudiences(environment))
	got := p.get("/read", "bearer  "+p.token(p.machine()))
	require.Equal(t, http.StatusOK, got.status, got.body)
	assert.JSONEq(t, `{"user":"","client":"client_01ROBOT","organization":"org_01ACME","scopes":["posts:read"],"machine":true}`, got.body)
}

func TestAnInnerRequireChecksItsScopesOnly(t *testing.T) {
	p := protect(t, resource.WithTokenCache(0, 0))
	assert.Equal(t, http.StatusOK, p.get("/nested", "Bearer "+p.token(p.user())).status)
	assert.Equal(t, http.StatusForbidden, p.get("/nested", "Bearer "+p.token(p.user().with(object{"scope": "openid"}))).status)
	assert.Equal(t, http.StatusUnauthorized, p.get("/nested").status)
}

// Each row is a token that another door, another issuer or an attacker made.
func TestATokenThatIsNotForThisResourceIsRefused(t *testing.T) {
	p := protect(t)
	second := newIssuer(t)
	now := p.clock.Now()
	rows := map[string]string{
		"another audience":                p.token(p.user().with(object{"aud": "https://other.test/mcp"})),
		"the audience with a slash":       p.token(p.user().with(object{"aud": resourceURL + "/"})),
		"the audience as a prefix":        p.token(p.user().with(object{"aud": "https://mcp.acme.test"})),
		"the audience of the environment": p.token(p.user().with(object{"aud": environment})),
		"no audience":                     p.token(p.user().with(object{"aud": nil})),
		"another issuer":                  p.token(p.user().with(object{"iss": "https://other.authkit.app"})),
		"the issuer below a path":         p.token(p.user().with(object{"iss": p.URL + "/oauth2"})),
		"no issuer":                       p.token(p.user().with(object{"iss": nil})),
		"another issuer with its own key": sign("kid_1", otherKey(), second.user()),
		"a session token": p.token(object{"iss": "https://api.workos.com/user_management/" + environment, "sub": "user_01KIM", "sid": "session_01",
			"client_id": environment, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix()}),
		"a session token with the issuer and the audience of the resource": p.token(p.user().with(object{"client_id": environment, "sid": "session_01", "scope": nil, "SCOPE": "posts:read"})),
		"an ID token":                   p.token(p.user().with(object{"nonce": "n"})),
		"an ID token with a hash":       p.token(p.user().with(object{"at_hash": "h"})),
		"an ID token with a null nonce": p.token(p.user().with(object{"c_hash": "h", "nonce": ""})),
		"an ID token of a client":       p.token(p.user().with(object{"aud": "client_01OTHER", "client_id": nil})),
		"no client":                     p.token(p.user().with(object{"client_id": nil})),
		"no subject":                    p.token(p.user().with(object{"sub": nil})),
		"an expired token":              p.token(p.user().with(object{"exp": now.Add(-61 * time.Second).Unix()})),
		"no expiry":                     p.token(p.user().with(object{"exp": nil})),
		"a token of the future":         p.token(p.user().with(object{"nbf": now.Add(2 * time.Minute).Unix()})),
		"another key of the same name":  sign("kid_1", otherKey(), p.user()),
		"an unknown key":                sign("kid_9", otherKey(), p.user()),
		"no algorithm":                  signWith(object{"alg": "none", "kid": "kid_1"}, signingKey(), p.user()),
		"a shared-secret algorithm":     signWith(object{"alg": "HS256", "kid": "kid_1"}, signingKey(), p.user()),
		"an embedded key":               signWith(object{"alg": "RS256", "kid": "kid_1", "jwk": object{"kty": "RSA"}}, signingKey(), p.user()),
		"an unknown critical header":    signWith(object{"alg": "RS256", "kid": "kid_1", "crit": []string{"x"}, "x": 1}, signingKey(), p.user()),
		"no token":                      "abc",
		"an API key":                    "sk_test_a2V5",
		"20 KB":                         strings.Repeat("a", 20<<10),
	}
	for name, token := range rows {
		t.Run(name, func(t *testing.T) {
			got := p.get("/read", "Bearer "+token)
			assert.Equal(t, http.StatusUnauthorized, got.status, got.body)
			assert.Contains(t, got.challenge, `Bearer error="invalid_token", error_description="The access token `)
			assert.Contains(t, got.challenge, metadataAttribute)
			assert.Equal(t, "application/problem+json", got.header.Get("Content-Type"))
			assert.Equal(t, "no-store", got.header.Get("Cache-Control"))
			assert.Equal(t, "nosniff", got.header.Get("X-Content-Type-Options"))
			assert.NotContains(t, got.body, token)
			_, err := p.api.Verify(t.Context(), token)
			assert.ErrorIs(t, err, resource.ErrInvalidToken)
			assert.NotContains(t, err.Error(), token)
			assert.NotContains(t, p.log.String(), token)
		})
	}
}

func TestARequestWithoutAUsableHeaderIsAnsweredWithTheChallenge(t *testing.T) {
	p := protect(t)
	good := "Bearer " + p.token(p.user())
	for name, c := range map[string]struct {
		authorization []string
		status        int
		error         string
	}{
		"no header":              {nil, http.StatusUnauthorized, ""},
		"another scheme":         {[]string{"Basic a2ltOng="}, http.StatusUnauthorized, ""},
		"a scheme with a prefix": {[]string{"Bearers x"}, http.StatusUnauthorized, ""},
		"Bearer alone":           {[]string{"Bearer"}, http.StatusBadRequest, "invalid_request"},
		"Bearer and a space":     {[]string{"Bearer  "}, http.StatusBadRequest, "invalid_request"},
		"two tokens":             {[]string{good + " " + good}, http.StatusBadRequest, "invalid_request"},
		"two headers":            {[]string{good, good}, http.StatusBadRequest, "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			got := p.get("/read", c.authorization...)
			assert.Equal(t, c.status, got.status)
			if c.error == "" {
				assert.Equal(t, `Bearer scope="posts:read", `+metadataAttribute, got.challenge)
			} else {
				assert.Contains(t, got.challenge, `error="`+c.error+`"`)
			}
		})
	}
	assert.Equal(t, http.StatusUnauthorized, p.get("/read?access_token="+strings.TrimPrefix(good, "Bearer ")).status, "not from the query (RFC 9700 section 2.1)")
	assert.Equal(t, `Bearer `+metadataAttribute, p.get("/mcp").challenge, "a route without scopes names none")
	assert.Empty(t, p.send(http.MethodHead, "/mcp").body)
}

func TestAMissingScopeIsNamedTogetherWithTheScopesOfTheToken(t *testing.T) {
	p := protect(t)
	got := p.get("/write", "Bearer "+p.token(p.user().with(object{"scope": `openid posts:read bad"scope`})))
	require.Equal(t, http.StatusForbidden, got.status)
	assert.Contains(t, got.challenge, `error="insufficient_scope"`)
	assert.Contains(t, got.challenge, `scope="posts:read posts:write openid"`)
	assert.Contains(t, got.challenge, metadataAttribute)
	var problem map[string]any
	require.NoError(t, json.Unmarshal([]byte(got.body), &problem))
	assert.Equal(t, "The access token lacks the scope posts:write.", problem["detail"])
	assert.Equal(t, "insufficient_scope", problem["code"])
	assert.Equal(t, "https://pkg.go.dev/github.com/authkit-go/authkit/resource#ErrInsufficientScope", problem["type"])
}

// MCP authorization specification of 2026-07-28, section Refresh Tokens: a resource has no use for offline_access.
func TestAChallengeDoesNotAskForARefreshToken(t *testing.T) {
	p := protect(t)
	got := p.get("/write", "Bearer "+p.token(p.user().with(object{"scope": "offline_access posts:read"})))
	require.Equal(t, http.StatusForbidden, got.status)
	assert.Contains(t, got.challenge, `scope="posts:read posts:write", `)
}

// RFC 9700 section 2.1 on the query. The form of RFC 6750 section 2.2 is not in OAuth 2.1.
func TestATokenInAFormIsNotAccepted(t *testing.T) {
	p := protect(t)
	response, err := http.PostForm(p.server.URL+"/read", url.Values{"access_token": {p.token(p.user())}})
	require.NoError(t, err)
	defer response.Body.Close()
	assert.Equal(t, http.StatusUnauthorized, response.StatusCode)
	assert.Equal(t, `Bearer scope="posts:read", `+metadataAttribute, response.Header.Get("WWW-Authenticate"))
}

func TestAChallengeStaysShortHoweverManyScopesATokenHas(t *testing.T) {
	p := protect(t)
	got := p.get("/write", "Bearer "+p.token(p.user().with(object{"scope": strings.Repeat("s1 ", 10) + manyScopes(500)})))
	require.Equal(t, http.StatusForbidden, got.status)
	assert.Less(t, len(got.challenge), 1000)
}

func manyScopes(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(" s" + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + string(rune('a'+i/26)))
	}
	return b.String()
}

func TestUnavailableKeysAre503AndNever401(t *testing.T) {
	p := protect(t)
	p.down.Store(true)
	got := p.get("/read", "Bearer "+p.token(p.user()))
	assert.Equal(t, http.StatusServiceUnavailable, got.status)
	assert.Equal(t, "5", got.header.Get("Retry-After"))
	assert.Empty(t, got.challenge)
	_, err := p.api.Verify(t.Context(), p.token(p.user()))
	var unavailable *resource.UnavailableError
	require.ErrorAs(t, err, &unavailable)
	assert.ErrorIs(t, err, resource.ErrUnavailable)
	assert.Equal(t, http.StatusUnauthorized, p.get("/read").status, "a request without a token needs no keys")

	p.clock.Advance(4500 * time.Millisecond)
	assert.Equal(t, "1", p.get("/read", "Bearer "+p.token(p.user())).header.Get("Retry-After"), "half a second, rounded up")

	p.down.Store(false)
	p.clock.Advance(6 * time.Second)
	assert.Equal(t, http.StatusOK, p.get("/read", "Bearer "+p.token(p.user())).status)
}

func TestAnUnavailableErrorWithoutACauseHasAText(t *testing.T) {
	assert.Equal(t, resource.ErrUnavailable.Error(), (&resource.UnavailableError{}).Error())
	assert.ErrorIs(t, &resource.UnavailableError{}, resource.ErrUnavailable)
}

func TestARequireThatRequiresNoScopePanics(t *testing.T) {
	p := protect(t)
	for _, scope := range []string{"", "a b", `a"b`, "é", "a\n"} {
		assert.Panics(t, func() { p.api.Require("posts:read", scope) }, scope)
	}
	assert.Panics(t, func() { p.api.Require("posts:read")(nil) })
}

func TestRequireCopiesItsScopes(t *testing.T) {
	p := protect(t)
	scopes := []string{"posts:write"}
	guard := p.api.Require(scopes...)
	scopes[0] = "posts:read"
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	require.NoError(t, err)
	w := newRecorder()
	r.Header.Set("Authorization", "Bearer "+p.token(p.user()))
	guard(http.NotFoundHandler()).ServeHTTP(w, r)
	assert.Equal(t, http.StatusForbidden, w.Code)
	assert.Contains(t, w.Header().Get("WWW-Authenticate"), `scope="posts:write `)
}

func TestARefusalHandlerReplacesTheBodyAndKeepsTheHeaders(t *testing.T) {
	p := protect(t, resource.WithRefusalHandler(func(w http.ResponseWriter, _ *http.Request, refusal resource.Refusal) {
		assert.ErrorIs(t, refusal.Err, resource.ErrNoToken)
		http.Error(w, "custom "+refusal.Code, refusal.Status)
	}))
	got := p.get("/mcp")
	assert.Equal(t, http.StatusUnauthorized, got.status)
	assert.Equal(t, "custom unauthenticated", got.body)
	assert.Equal(t, "Bearer "+metadataAttribute, got.challenge)
}

func TestTheBodyForAnotherGuardIsThatOfRequire(t *testing.T) {
	p := protect(t)
	token, err := p.api.Verify(t.Context(), p.token(p.user()))
	require.NoError(t, err)
	_, invalid := p.api.Verify(t.Context(), "abc")
	for authorization, err := range map[string]error{
		"Basic a2ltOnNlY3JldA==":      resource.ErrNoToken,
		"Bearer abc":                  invalid,
		"Bearer":                      resource.ErrInvalidRequest,
		"Bearer " + p.token(p.user()): token.CheckScopes("posts:read", "posts:write"),
	} {
		body, jsonErr := json.Marshal(resource.RefusalOf(err))
		require.NoError(t, jsonErr)
		got := p.get("/write", authorization)
		assert.Equal(t, string(body), got.body)
		assert.Equal(t, got.status, resource.RefusalOf(err).Status)
	}
}

func TestAChallengeForAnotherGuardIsThatOfRequire(t *testing.T) {
	p := protect(t)
	token, err := p.api.Verify(t.Context(), p.token(p.user()))
	require.NoError(t, err)
	_, invalid := p.api.Verify(t.Context(), "abc")
	for want, got := range map[string]string{
		p.get("/write").challenge:                              p.api.Challenge(resource.ErrNoToken, nil, "posts:read", "posts:write"),
		p.get("/write", "Bearer abc").challenge:                p.api.Challenge(invalid, nil, "posts:read", "posts:write"),
		p.get("/write", "Bearer").challenge:                    p.api.Challenge(resource.ErrInvalidRequest, nil, "posts:read", "posts:write"),
		p.get("/write", "Bearer "+p.token(p.user())).challenge: p.api.Challenge(token.CheckScopes("posts:read", "posts:write"), token, "posts:read", "posts:write"),
	} {
		assert.Contains(t, want, metadataAttribute)
		assert.Equal(t, want, got)
	}
	p.down.Store(true)
	_, err = protect(t, resource.WithJWKSURL(p.URL+"/oauth2/jwks")).api.Verify(t.Context(), p.token(p.user()))
	require.ErrorIs(t, err, resource.ErrUnavailable)
	assert.Empty(t, p.api.Challenge(err, nil, "posts:read"))
}
