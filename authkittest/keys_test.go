// Signing keys, the JWKS and the discovery document.

package authkittest_test

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
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

// To generate a key takes longer than several tests.
func TestNoKeyOfATestIsGenerated(t *testing.T) {
	moduli := map[string]bool{}
	for n := range 8 {
		key, generated := authkittest.PrivateKey(n, true)
		assert.False(t, generated, n)
		require.NoError(t, key.Validate(), n)
		assert.Equal(t, 2048, key.N.BitLen(), n)
		moduli[key.N.String()] = true
		again, _ := authkittest.PrivateKey(n, true)
		assert.True(t, key.Equal(again), n)
	}
	assert.Len(t, moduli, 8)
}

// The keys of tests are public.
func TestAProgramThatIsNoTestGeneratesItsKeys(t *testing.T) {
	key, generated := authkittest.PrivateKey(0, false)
	assert.True(t, generated)
	ofTests, _ := authkittest.PrivateKey(0, true)
	assert.False(t, key.Equal(ofTests))
}

func TestTheFakesOfTestsUseTheKeysOfTests(t *testing.T) {
	key, _ := authkittest.PrivateKey(0, true)
	modulus := base64.RawURLEncoding.EncodeToString(key.N.Bytes())
	for range 2 {
		response, err := http.Get(authkittest.New(t).URL() + "/oauth2/jwks")
		require.NoError(t, err)
		defer response.Body.Close()
		var set struct{ Keys []struct{ N string } }
		require.NoError(t, json.NewDecoder(response.Body).Decode(&set))
		require.Len(t, set.Keys, 1)
		assert.Equal(t, modulus, set.Keys[0].N)
	}
}

// Every test of an application starts a fake. The test counts allocations, because a time would depend on the machine. There are
// about 650. If each fake registered the patterns of its pages, there would be 1200, and with those of all endpoints 3600.
func TestAFakeStartsWithFewAllocations(t *testing.T) {
	authkittest.New(t) // the first one builds what all share
	allocations := testing.AllocsPerRun(10, func() {
		f, err := authkittest.Start()
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	})
	assert.Less(t, allocations, 1000.0)
}
