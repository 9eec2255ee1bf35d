// The memory of verified tokens, keys that change, and what the log says.

package resource_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/testkey"
	"github.com/authkit-go/authkit/internal/testrun"
	"github.com/authkit-go/authkit/jwks"
	"github.com/authkit-go/authkit/resource"
)

func TestATokenThatWasVerifiedBeforeStillExpires(t *testing.T) {
	p := protect(t)
	token := p.token(p.user())
	first, err := p.api.Verify(t.Context(), token)
	require.NoError(t, err)
	again, err := p.api.Verify(t.Context(), token)
	require.NoError(t, err)
	assert.Same(t, first, again, "it comes from the memory")

	p.clock.Advance(5*time.Minute + 59*time.Second)
	_, err = p.api.Verify(t.Context(), token)
	require.NoError(t, err, "within the leeway")
	p.clock.Advance(time.Second)
	_, err = p.api.Verify(t.Context(), token)
	assert.ErrorIs(t, err, resource.ErrInvalidToken)
	assert.ErrorIs(t, err, jwks.ErrExpired)
}

func TestATokenIsRefusedWhenItsKeyIsWithdrawn(t *testing.T) {
	p := protect(t)
	token := p.token(p.user().with(object{"exp": p.clock.Now().Add(time.Hour).Unix()}))
	_, err := p.api.Verify(t.Context(), token)
	require.NoError(t, err)

	p.keys.Store(&map[string]*testkey.Key{"kid_2": otherKey()})
	p.clock.Advance(11 * time.Minute)
	require.Eventually(t, func() bool { // the keys are refreshed behind a request
		_, err = p.api.Verify(t.Context(), token)
		return err != nil
	}, 5*time.Second, time.Millisecond)
	assert.ErrorIs(t, err, resource.ErrInvalidToken)
	_, err = p.api.Verify(t.Context(), sign("kid_2", otherKey(), p.user()))
	assert.NoError(t, err)
}

func TestANewKeyIsFetchedAtOnce(t *testing.T) {
	p := protect(t)
	_, err := p.api.Verify(t.Context(), p.token(p.user()))
	require.NoError(t, err)
	p.keys.Store(&map[string]*testkey.Key{"kid_1": signingKey(), "kid_2": otherKey()})
	_, err = p.api.Verify(t.Context(), sign("kid_2", otherKey(), p.user()))
	require.NoError(t, err)
	assert.EqualValues(t, 2, p.fetches.Load())
}

func TestAFloodOfInventedKeysStartsOneFetchInThirtySeconds(t *testing.T) {
	p := protect(t)
	_, err := p.api.Verify(t.Context(), p.token(p.user()))
	require.NoError(t, err)
	for i := range testrun.Length(100, 500) {
		_, err := p.api.Verify(t.Context(), sign(fmt.Sprintf("kid_x%d", i), otherKey(), p.user()))
		require.ErrorIs(t, err, resource.ErrInvalidToken)
	}
	assert.EqualValues(t, 2, p.fetches.Load())
	p.clock.Advance(31 * time.Second)
	_, err = p.api.Verify(t.Context(), sign("kid_y", otherKey(), p.user()))
	require.Error(t, err)
	assert.EqualValues(t, 3, p.fetches.Load())
}

// flood returns made-up tokens: of keys that the issuer does not have, with wrong signatures, and of other issuers.
func (p *protected) flood(n int) []string {
	p.Helper()
	claims := p.user()
	genuine := p.token(claims)
	tokens := make([]string, 0, n)
	for i := range n {
		switch i % 4 {
		case 0:
			tokens = append(tokens, withHeader(genuine, object{"alg": "RS256", "typ": "JWT", "kid": fmt.Sprintf("kid_x%d", i)}))
		case 1: // a wrong signature, different each time
			tokens = append(tokens, genuine[:len(genuine)-8]+fmt.Sprintf("%07dA", i))
		case 2:
			tokens = append(tokens, sign(fmt.Sprintf("kid_y%d", i), otherKey(), claims.with(object{"iss": fmt.Sprintf("https://issuer-%d.test", i)})))
		default:
			tokens = append(tokens, sign("kid_1", otherKey(), claims.with(object{"iss": fmt.Sprintf("https://issuer-%d.test", i)})))
		}
	}
	return tokens
}

// withHeader returns a token with another header, and the payload and signature that it had.
func withHeader(token string, header object) string {
	text, err := json.Marshal(header)
	if err != nil {
		panic(err)
	}
	_, rest, _ := strings.Cut(token, ".")
	return b64(text) + "." + rest
}

func TestAConcurrentFloodOfMadeUpTokensStartsOneFetchAndLetsAValidUserIn(t *testing.T) {
	p := protect(t, resource.WithTokenCache(2, 1<<20))
	kim := p.token(p.user())
	require.Equal(t, http.StatusOK, p.get("/mcp", "Bearer "+kim).status)
	flood := p.flood(80)
	for round := range 2 {
		var senders sync.WaitGroup
		for sender := range 8 {
			senders.Go(func() {
				for i := sender; i < len(flood); i += 8 {
					assert.Equal(t, http.StatusUnauthorized, p.get("/mcp", "Bearer "+flood[i]).status)
					if i%10 == sender {
						assert.Equal(t, http.StatusOK, p.get("/mcp", "Bearer "+kim).status, "a valid user in the flood")
						new := p.token(p.user().with(object{"jti": fmt.Sprintf("jti_%d_%d", round, i)}))
						assert.Equal(t, http.StatusOK, p.get("/mcp", "Bearer "+new).status, "a new token in the flood")
					}
				}
			})
		}
		senders.Wait()
		assert.EqualValues(t, 2+round, p.fetches.Load(), "one fetch for each cool-down, after that for Kim")
		p.clock.Advance(31 * time.Second)
	}
	for _, token := range flood {
		assert.NotContains(t, p.log.String(), token)
	}
}

func TestTheMemoryOfVerifiedTokensHasALimit(t *testing.T) {
	for name, test := range map[string]struct {
		tokens, bytes, limit int
	}{
		"by their number": {tokens: 3, bytes: 1 << 20, limit: 3},
		"by their bytes":  {tokens: 1000, bytes: 5400, limit: 3}, // each counts as 1.4 to 1.7 KB
		"none":            {tokens: 0, bytes: 1 << 20, limit: 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := protect(t, resource.WithTokenCache(test.tokens, test.bytes))
			verified := map[string]*resource.Token{}
			for i := range 20 {
				text := p.token(p.user().with(object{"jti": fmt.Sprint(i)}))
				token, err := p.api.Verify(t.Context(), text)
				require.NoError(t, err)
				verified[text] = token
			}
			for _, made := range p.flood(40) {
				_, err := p.api.Verify(t.Context(), made)
				require.ErrorIs(t, err, resource.ErrInvalidToken)
			}
			assert.Equal(t, test.limit, p.api.CachedTokens(), "refused tokens push out none")
			for text, first := range verified {
				again, err := p.api.Verify(t.Context(), text)
				require.NoError(t, err)
				assert.Equal(t, first.UserID(), again.UserID())
			}
			assert.LessOrEqual(t, p.api.CachedTokens(), test.limit)
		})
	}
}

func TestVerifiedTokensKeepWorkingWhileTheIssuerIsDown(t *testing.T) {
	p := protect(t)
	token := p.token(p.user().with(object{"exp": p.clock.Now().Add(time.Hour).Unix()}))
	_, err := p.api.Verify(t.Context(), token)
	require.NoError(t, err)
	p.down.Store(true)
	p.clock.Advance(30 * time.Minute)
	_, err = p.api.Verify(t.Context(), token)
	assert.NoError(t, err)
}

func TestAVerifiedTokenIsFoundWithoutAnAllocation(t *testing.T) {
	p := protect(t)
	token := p.token(p.user())
	_, err := p.api.Verify(t.Context(), token)
	require.NoError(t, err)
	ctx := t.Context()
	allocations := testing.AllocsPerRun(100, func() {
		if _, err := p.api.Verify(ctx, token); err != nil {
			panic(err)
		}
	})
	assert.Zero(t, allocations)
}

func TestAVerifiedTokenAllocatesOnlyTheContextOfItsRequest(t *testing.T) {
	p := protect(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/mcp", nil)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+p.token(p.user()))
	w, passed := newRecorder(), 0
	pass := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { passed++ })
	for name, handler := range map[string]http.Handler{
		"without scopes": p.api.Require()(pass),
		"with a scope":   p.api.Require("posts:read")(pass),
		"twice":          p.api.Require()(p.api.Require("posts:read")(pass)),
	} {
		handler.ServeHTTP(w, r)
		allocations := testing.AllocsPerRun(100, func() { handler.ServeHTTP(w, r) })
		assert.LessOrEqual(t, allocations, 2.0, "%s: the context and the copy of the request", name)
	}
	assert.Equal(t, 3*102, passed)
}

func TestTheLogNamesTheResourceIndicatorOnce(t *testing.T) {
	p := protect(t)
	for range 3 {
		_, err := p.api.Verify(t.Context(), p.token(p.user().with(object{"aud": environment, "jti": "another"})))
		require.ErrorIs(t, err, resource.ErrInvalidToken)
	}
	assert.Equal(t, 1, strings.Count(p.log.String(), "level=WARN"))
	assert.Contains(t, p.log.String(), "resource_indicator="+resourceURL)

	stranger := protect(t)
	_, err := stranger.api.Verify(t.Context(), sign("kid_1", otherKey(), stranger.user().with(object{"aud": environment})))
	require.Error(t, err)
	assert.NotContains(t, stranger.log.String(), "level=WARN", "a token that the issuer did not sign changes no log")
}

func TestTheLogNamesAnotherIssuerOfGenuineTokensOnce(t *testing.T) {
	p := protect(t)
	other := object{"iss": "https://auth.acme.test"}
	for range 3 {
		_, err := p.api.Verify(t.Context(), p.token(p.user().with(other)))
		require.ErrorIs(t, err, resource.ErrInvalidToken)
	}
	assert.Equal(t, 1, strings.Count(p.log.String(), "level=WARN"))
	assert.Contains(t, p.log.String(), "issuer="+p.URL)
	assert.Contains(t, p.log.String(), `https://auth.acme.test`)

	stranger := protect(t)
	_, err := stranger.api.Verify(t.Context(), sign("kid_1", otherKey(), stranger.user().with(other)))
	require.Error(t, err)
	assert.NotContains(t, stranger.log.String(), "level=WARN", "the issuer did not sign this token")
}

func TestANilOrZeroTokenAnswersZero(t *testing.T) {
	_, ok := resource.FromContext(t.Context())
	assert.False(t, ok)
	for _, token := range []*resource.Token{nil, {}} {
		found, ok := resource.FromContext(resource.NewContext(t.Context(), token))
		assert.False(t, ok)
		assert.Nil(t, found)
		assert.Empty(t, token.UserID()+token.ClientID()+token.OrganizationID())
		assert.Empty(t, token.Scopes())
		assert.Empty(t, token.Audience())
		assert.False(t, token.HasScope("posts:read"))
		assert.Equal(t, resource.ErrNoToken, token.CheckScopes())
		assert.False(t, token.IsMachine())
		assert.Zero(t, token.ExpiresAt())
		assert.Zero(t, token.IssuedAt())
		claims := map[string]any{}
		require.NoError(t, token.Claims(&claims))
		assert.Empty(t, claims)
		assert.Equal(t, "resource.Token(none)", fmt.Sprint(token))
		assert.Equal(t, "none", token.LogValue().String())
	}
}

func TestACallerCannotChangeATokenThatItShares(t *testing.T) {
	p := protect(t)
	token, err := p.api.Verify(t.Context(), p.token(p.user()))
	require.NoError(t, err)
	token.Scopes()[0], token.Audience()[0] = "admin", "https://other.test"
	assert.Equal(t, []string{"openid", "posts:read"}, token.Scopes())
	assert.Equal(t, []string{resourceURL}, token.Audience())

	required := []string{"posts:write", "posts:delete"}
	var missing *resource.ScopeError
	require.ErrorAs(t, token.CheckScopes(required...), &missing)
	required[0] = "posts:read"
	assert.Equal(t, "posts:write", missing.Required[0])
}

func TestPrintingATokenShowsNoToken(t *testing.T) {
	p := protect(t)
	text := p.token(p.user())
	token, err := p.api.Verify(t.Context(), text)
	require.NoError(t, err)
	encoded, err := json.Marshal(token)
	require.NoError(t, err)
	slog.New(slog.NewTextHandler(&p.log, nil)).Info("seen", "token", token)
	all := fmt.Sprintf("%v %+v %#v %s %d", token, token, token, token, token) + string(encoded) + p.log.String()
	for _, part := range strings.Split(text, ".")[1:] {
		assert.NotContains(t, all, part)
	}
	assert.Contains(t, all, "user_01KIM")
	scopes := token.Scopes()
	scopes[0] = "changed"
	assert.NotContains(t, token.Scopes(), "changed")
	var claims struct{ Jti string }
	require.NoError(t, token.Claims(&claims))
	assert.Equal(t, "jti_1", claims.Jti)
	assert.Equal(t, p.clock.Now().Add(5*time.Minute).Unix(), token.ExpiresAt().Unix())
	assert.Equal(t, p.clock.Now().Unix(), token.IssuedAt().Unix())
	assert.Equal(t, []string{resourceURL}, token.Audience())
}

func TestATokenOfAnotherServerIsVerifiedAgain(t *testing.T) {
	p, other := protect(t), protect(t)
	token, err := other.api.Verify(t.Context(), other.token(other.user()))
	require.NoError(t, err)
	r, err := http.NewRequestWithContext(resource.NewContext(t.Context(), token), http.MethodGet, "/", nil)
	require.NoError(t, err)
	reached := false
	w := newRecorder()
	p.api.Require()(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true })).ServeHTTP(w, r)
	assert.False(t, reached)
	assert.Equal(t, http.StatusUnauthorized, w.Code)
}

func TestMayVerifyTellsTheTokensOfTheIssuerFromOthers(t *testing.T) {
	p := protect(t)
	assert.True(t, p.api.MayVerify(p.token(p.user())))
	slash := p.token(p.user().with(object{"iss": p.URL + "/"}))
	assert.True(t, p.api.MayVerify(slash), "Verify ignores the slash, too")
	_, err := p.api.Verify(t.Context(), slash)
	require.NoError(t, err)
	fetched := p.fetches.Load()
	assert.True(t, p.api.MayVerify(sign("kid_1", otherKey(), p.user())), "it does not look at the signature")
	for _, token := range []string{"", "sk_1", "a.b.c", p.token(p.user().with(object{"iss": "https://other.test"})), p.token(p.user().with(object{"iss": 1})),
		p.token(p.user().with(object{"x": strings.Repeat("x", 16<<10)}))} {
		assert.False(t, p.api.MayVerify(token))
	}
	assert.False(t, p.api.MayVerify(p.token(p.user().with(object{"sid": "session_01"}))), "a session token of the same issuer")
	assert.Equal(t, fetched, p.fetches.Load())
}

func TestMayVerifyAcceptsWhatVerifyAcceptsOfTheIssuer(t *testing.T) {
	p := protect(t)
	withSlash := p.token(p.user().with(object{"iss": p.URL + "/"}))
	assert.True(t, p.api.MayVerify(withSlash))
	_, err := p.api.Verify(t.Context(), withSlash)
	require.NoError(t, err)
	assert.True(t, p.api.MayVerify(withSlash), "it was verified before")
	assert.Zero(t, testing.AllocsPerRun(10, func() { p.api.MayVerify(withSlash) }), "it is not parsed again")
}

func TestAServerFindsItsOwnTokensInAContext(t *testing.T) {
	p, other := protect(t), protect(t)
	token, err := other.api.Verify(t.Context(), other.token(other.user()))
	require.NoError(t, err)
	ctx := resource.NewContext(t.Context(), token)
	found, ok := other.api.FromContext(ctx)
	assert.True(t, ok)
	assert.Same(t, token, found)
	found, ok = p.api.FromContext(ctx)
	assert.False(t, ok)
	assert.Nil(t, found)
	assert.Equal(t, other.URL, other.api.Issuer())
}

// With a custom domain, session tokens can have the issuer and the keys of the resource, and a JWT template can set aud.
func TestASessionTokenIsRefusedAlthoughIssuerKeyAndAudienceAreThoseOfTheResource(t *testing.T) {
	p := protect(t, resource.WithAudiences(environment))
	for _, audience := range []string{resourceURL, environment} {
		_, err := p.api.Verify(t.Context(), p.token(p.user().with(object{"sid": "session_01", "client_id": environment, "aud": audience})))
		var refused *jwks.RefusedError
		require.ErrorAs(t, err, &refused)
		assert.Equal(t, "sid", refused.Part)
		assert.ErrorIs(t, err, resource.ErrInvalidToken)
	}
}
