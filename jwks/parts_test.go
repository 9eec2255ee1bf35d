// Tokens that are verified by their decoded parts.

package jwks_test

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/jwks"
)

// partsOf returns the decoded parts of a token. ok is false if a segment is not canonical base64url.
func partsOf(token string) (parts jwks.Parts, ok bool) {
	segments := strings.Split(token, ".")
	if len(segments) != 3 || strings.ContainsAny(token, "\r\n") {
		return parts, false
	}
	for i, part := range []*string{&parts.Header, &parts.Payload, &parts.Signature} {
		octets, err := base64.RawURLEncoding.Strict().DecodeString(segments[i])
		if err != nil {
			return parts, false
		}
		*part = string(octets)
	}
	return parts, true
}

// requireSameByParts checks that a token and its parts get the same answer, with and without a verification.
func requireSameByParts(t *testing.T, v *jwks.Verifier, token string) {
	t.Helper()
	parts, ok := partsOf(token)
	if !ok {
		return
	}
	type answer func() (*jwks.Claims, error)
	for name, both := range map[string][2]answer{
		"verified": {
			func() (*jwks.Claims, error) { return v.Verify(context.Background(), token) },
			func() (*jwks.Claims, error) { return v.VerifyParts(context.Background(), parts) },
		},
		"unverified": {
			func() (*jwks.Claims, error) { return jwks.UnverifiedClaims(token) },
			func() (*jwks.Claims, error) { return jwks.UnverifiedPartsClaims(parts) },
		},
	} {
		want, wantErr := both[0]()
		got, err := both[1]()
		require.Equal(t, wantErr, err, name)
		require.Equal(t, want == nil, got == nil, name)
		if want == nil {
			continue
		}
		var wantPayload, payload any
		require.Equal(t, want.Decode(&wantPayload), got.Decode(&payload), name)
		require.Equal(t, wantPayload, payload, name)
		require.Equal(t, exported(want), exported(got), name)
		if wantErr == nil && name == "verified" {
			require.NoError(t, v.Recheck(context.Background(), got))
		}
	}
}

// exported returns the exported fields of claims.
func exported(c *jwks.Claims) []any {
	return []any{
		c.Issuer, c.Subject, c.SessionID, c.ClientID, c.ExpiresAt, c.IssuedAt, c.NotBefore, c.ID, c.OrganizationID, c.Role, c.Roles,
		c.Permissions, c.Entitlements, c.FeatureFlags, c.Impersonated, c.Actor, c.AuthTime, c.Audience, c.Scopes,
	}
}

func TestTheDecodedPartsOfATokenGetTheAnswerOfTheToken(t *testing.T) {
	v, c := newVerifier(t)
	good := goodClaims(c.Now()).with("roles", []string{"admin", "billing"}).with("scope", "a b a").with("aud", "x").with("act", map[string]string{"sub": "y"})
	token := sign(keyA(), goodHeader().json(), good.json())
	segments := strings.Split(token, ".")
	for name, token := range map[string]string{
		"good":                             token,
		"expired":                          sign(keyA(), goodHeader().json(), good.with("exp", c.Now().Add(-time.Hour).Unix()).json()),
		"signed with another key":          sign(keyB(), goodHeader().json(), good.json()),
		"another header":                   b64([]byte(goodHeader().with("typ", "JWT").json())) + "." + segments[1] + "." + segments[2],
		"another payload":                  segments[0] + "." + b64([]byte(good.with("sub", "user_other").json())) + "." + segments[2],
		"a header that moves to the next":  b64([]byte(goodHeader().json()+" ")) + "." + segments[1] + "." + segments[2],
		"an unknown key":                   sign(keyA(), goodHeader().with("kid", "kid_unknown").json(), good.json()),
		"no algorithm":                     sign(keyA(), goodHeader().with("alg", "none").json(), good.json()),
		"an embedded key":                  sign(keyA(), goodHeader().with("jwk", map[string]string{}).json(), good.json()),
		"crit":                             sign(keyA(), goodHeader().with("crit", []string{}).json(), good.json()),
		"a header of a kilobyte":           sign(keyA(), padded(t, maxHeader), good.json()),
		"a header of more than a kilobyte": sign(keyA(), padded(t, maxHeader+2), good.json()),
		"a payload of 16 KB":               sign(keyA(), goodHeader().json(), good.with("x", strings.Repeat("x", 16<<10)).json()),
		"no header":                        "." + segments[1] + "." + segments[2],
		"no payload":                       segments[0] + ".." + segments[2],
		"no signature":                     segments[0] + "." + segments[1] + ".",
		"three empty parts":                "..",
		"a payload that is no JSON":        sign(keyA(), goodHeader().json(), "x"),
		"two members of one name":          sign(keyA(), goodHeader().json(), strings.Replace(good.json(), "{", `{"sub":"user_other",`, 1)),
		"another issuer":                   sign(keyA(), goodHeader().json(), good.with("iss", "https://evil.example").json()),
		"another client":                   sign(keyA(), goodHeader().json(), good.with("client_id", "client_other").json()),
		"no session":                       sign(keyA(), goodHeader().json(), good.with("sid", nil).json()),
		"more members than usual":          sign(keyA(), goodHeader().json(), strings.TrimSuffix(good.json(), "}")+`,`+strings.TrimPrefix(members(100), "{")),
	} {
		t.Run(name, func(t *testing.T) {
			_, ok := partsOf(token)
			require.True(t, ok)
			requireSameByParts(t, v, token)
		})
	}
	parts, _ := partsOf(token)
	_, err := v.VerifyParts(t.Context(), parts)
	require.NoError(t, err)
}

// Buffers are reused, so nothing of one token may be left in the claims of another.
func TestTheClaimsOfATokenAreNotChangedByTheNextToken(t *testing.T) {
	v, c := newVerifier(t)
	first := sign(keyA(), goodHeader().json(), goodClaims(c.Now()).with("permissions", []string{"a:1", "a:2"}).with("aud", []string{"a"}).json())
	second := sign(keyA(), goodHeader().json(), goodClaims(c.Now()).with("sub", "user_b").with("permissions", []string{"b:1", "b:2"}).json())
	parts, ok := partsOf(first)
	require.True(t, ok)
	byText, err := v.Verify(t.Context(), first)
	require.NoError(t, err)
	byParts, err := v.VerifyParts(t.Context(), parts)
	require.NoError(t, err)
	want := exported(byText)
	for range 3 {
		next, err := v.Verify(t.Context(), second)
		require.NoError(t, err)
		assert.Equal(t, []string{"b:1", "b:2"}, next.Permissions)
		assert.Nil(t, next.Audience)
		_, err = v.Verify(t.Context(), first[:len(first)-4])
		require.Error(t, err)
	}
	assert.Equal(t, want, exported(byText))
	assert.Equal(t, want, exported(byParts))
	assert.Equal(t, []string{"a:1", "a:2"}, byParts.Permissions)

	_ = append(byParts.Permissions, "c") // the lists share a slice, but not their room
	assert.Equal(t, []string{"a"}, byParts.Audience)
}

// Otherwise a cached token would keep its decoded payload in memory, next to its text.
func TestTheClaimsOfATokenTextShareOneTextOfTheirOwn(t *testing.T) {
	v, c := newVerifier(t)
	token := sign(keyA(), goodHeader().json(), goodClaims(c.Now()).with("jti", "j").with("org_id", "org_a").with("role", "admin").
		with("roles", []string{"admin", "billing"}).with("permissions", []string{"a:1"}).with("entitlements", []string{"sso"}).
		with("feature_flags", []string{"beta"}).with("aud", "x").with("scope", "a b").with("act", map[string]string{"sub": "y"}).json())
	claims, err := v.Verify(t.Context(), token)
	require.NoError(t, err)
	texts := []string{
		claims.Issuer, claims.Subject, claims.SessionID, claims.ClientID, claims.ID, claims.OrganizationID, claims.Role, claims.Actor,
	}
	for _, list := range [][]string{claims.Roles, claims.Permissions, claims.Entitlements, claims.FeatureFlags, claims.Audience, claims.Scopes} {
		require.NotEmpty(t, list)
		texts = append(texts, list...)
	}
	length := len("kid_a")
	for _, text := range texts {
		length += len(text)
	}
	at := func(text string) uintptr { return uintptr(unsafe.Pointer(unsafe.StringData(text))) }
	for _, text := range texts {
		require.NotEmpty(t, text)
		assert.LessOrEqual(t, at(claims.Issuer), at(text), text)
		assert.LessOrEqual(t, at(text)+uintptr(len(text)), at(claims.Issuer)+uintptr(length), text)
	}
}

func TestNoTextOfATokenIsKeptInABufferThatIsReused(t *testing.T) {
	_, c := newVerifier(t)
	token := sign(keyA(), goodHeader().json(), goodClaims(c.Now()).json())
	for range 10 {
		texts := jwks.ReusedTexts(func() {
			_, err := jwks.UnverifiedClaims(token)
			require.NoError(t, err)
		})
		require.NotEmpty(t, texts)
		require.Empty(t, strings.Join(texts, ""))
	}
}
