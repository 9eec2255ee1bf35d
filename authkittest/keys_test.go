// Signing keys, the JWKS and the discovery document.

package authkittest_test

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

func TestARotatedSigningKeyIsRemovedImmediately(t *testing.T) {
	a := newApp(t)
	first := a.signIn("Ada")
	a.RotateSigningKeys()
	_, err := a.claims(first.text("access_token"))
	require.ErrorContains(t, err, "among 1")
	_, err = a.claims(a.refresh(first.text("refresh_token")).text("access_token"))
	require.NoError(t, err)
}

func TestAnAddedSigningKeySignsWhileTheOldOneStaysPublished(t *testing.T) {
	a := newApp(t)
	first := a.signIn("Ada")
	a.AddSigningKey()
	second := a.refresh(first.text("refresh_token"))
	for _, token := range []string{first.text("access_token"), second.text("access_token")} {
		_, err := a.claims(token)
		require.NoError(t, err)
	}
	a.RetireSigningKeys()
	_, err := a.claims(first.text("access_token"))
	require.Error(t, err)
	_, err = a.claims(second.text("access_token"))
	require.NoError(t, err)
}

func TestSigningKeysOfTwoFakesHaveDifferentKeyIDs(t *testing.T) {
	a, b := newApp(t), newApp(t)
	_, err := a.claims(b.signIn("Ada").text("access_token"))
	require.Error(t, err)
}

func TestSignTokenSignsAnyClaims(t *testing.T) {
	a := newApp(t)
	claims, err := a.claims(a.SignToken(map[string]any{"exp": 0}))
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"exp": 0.0}, claims)
}

func TestTheJWKSContainsCertificates(t *testing.T) {
	a := newApp(t)
	set := a.read(http.Get(a.URL() + "/sso/jwks/" + a.ClientID()))
	key := set.body["keys"].([]any)[0].(map[string]any)
	assert.Equal(t, []any{"RSA", "sig", "RS256"}, []any{key["kty"], key["use"], key["alg"]})
	der, err := base64.StdEncoding.DecodeString(key["x5c"].([]any)[0].(string))
	require.NoError(t, err)
	_, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	thumbprint := sha256.Sum256(der)
	assert.Equal(t, base64.RawURLEncoding.EncodeToString(thumbprint[:]), key["x5t#S256"])
}

func TestTheDiscoveryDocumentContainsTheEndpoints(t *testing.T) {
	a := newApp(t, authkittest.WithIssuer("https://auth.example.com"))
	got := a.read(http.Get(a.URL() + "/user_management/" + a.ClientID() + "/.well-known/openid-configuration"))
	assert.Equal(t, map[string]any{
		"issuer":                   "https://auth.example.com",
		"authorization_endpoint":   a.URL() + "/user_management/authorize",
		"token_endpoint":           a.URL() + "/user_management/authenticate",
		"jwks_uri":                 a.URL() + "/sso/jwks/" + a.ClientID(),
		"response_types_supported": []any{"code"},
	}, got.body)
}

func TestAnUnknownClientOrPathAnswers404(t *testing.T) {
	a := newApp(t)
	for _, path := range []string{"/sso/jwks/client_other", "/user_management/client_other/.well-known/openid-configuration", "/user_management/nothing"} {
		got := a.read(http.Get(a.URL() + path))
		assert.Equal(t, http.StatusNotFound, got.status)
		assert.NotEmpty(t, got.text("message"))
		assert.Len(t, got.body, 1)
	}
}
