// Tests of the keys of the signed identity: their rotation, and their faults.

package proxy_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/cmd/authkit/internal/proxy"
)

// signingKeyFile writes a new signing key and returns the name of its file.
func signingKeyFile(t testing.TB, name string) string {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	return writeFile(t, name, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
}

// keySet are the published keys by their ID, as a verifier keeps them.
type keySet map[string]ed25519.PublicKey

// publishedKeys reads the key set as a verifier does.
func (d *door) publishedKeys() keySet {
	d.t.Helper()
	resp, err := http.Get(d.URL + "/authkit/jwks.json")
	require.NoError(d.t, err)
	defer resp.Body.Close()
	var document struct{ Keys []map[string]string }
	require.NoError(d.t, json.NewDecoder(resp.Body).Decode(&document))
	set := keySet{}
	for _, key := range document.Keys {
		public, err := base64.RawURLEncoding.DecodeString(key["x"])
		require.NoError(d.t, err)
		assert.Equal(d.t, "EdDSA", key["alg"])
		assert.NotContains(d.t, key, "d", "the private part")
		set[key["kid"]] = public
	}
	require.Len(d.t, set, len(document.Keys), "each key has an ID of its own")
	return set
}

// accepts reports whether the keys verify a token.
func (s keySet) accepts(t testing.TB, token string) bool {
	t.Helper()
	parts := strings.Split(token, ".")
	require.Len(t, parts, 3)
	decoded := make([][]byte, 3)
	for i, part := range parts {
		var err error
		decoded[i], err = base64.RawURLEncoding.DecodeString(part)
		require.NoError(t, err)
	}
	var header struct{ Kid string }
	require.NoError(t, json.Unmarshal(decoded[0], &header))
	key, known := s[header.Kid]
	return known && ed25519.Verify(key, []byte(parts[0]+"."+parts[1]), decoded[2])
}

func TestTheKeyOfTheSignedIdentityIsRotatedWithoutARefusedToken(t *testing.T) {
	before, after := signingKeyFile(t, "before.pem"), signingKeyFile(t, "after.pem")
	withKeys := func(names ...string) string {
		return "identity: {jwt: {issuer: a, audience: b, key_files: [" + strings.Join(names, ", ") + "]}}\n"
	}
	f := startFromFile(t, echo, withKeys(before))
	cookie := f.cookieOf(ben)
	token := func() string {
		return f.do("", "GET", "/a", nil, "Cookie: "+cookie).sees(t).Header.Get("X-Authkit-Jwt")
	}
	change := func(names ...string) {
		f.write(t, withKeys(names...))
		f.reload <- struct{}{}
		f.reload <- struct{}{} // it is received after the first reload
	}
	old, first := f.publishedKeys(), token()
	require.Len(t, old, 1)
	require.True(t, old.accepts(t, first))

	change(before, after)
	assert.True(t, old.accepts(t, token()), "step 1: a verifier that has not read the keys again")
	both := f.publishedKeys()
	assert.Len(t, both, 2)
	assert.True(t, both.accepts(t, first))
	second := token()

	change(after, before)
	third := token()
	assert.False(t, old.accepts(t, third), "step 2: the new key signs")
	assert.True(t, both.accepts(t, third), "a verifier that has read the keys after step 1")
	assert.True(t, f.publishedKeys().accepts(t, second), "a token that was signed before")

	change(after)
	assert.True(t, both.accepts(t, token()), "step 3")
	assert.Len(t, f.publishedKeys(), 1)
	assert.True(t, f.publishedKeys().accepts(t, third))
}

func TestAKeyThatSignsBeforeItWasPublishedIsLoggedAtAReload(t *testing.T) {
	const warning = "was not published before"
	before, after, late := signingKeyFile(t, "before.pem"), signingKeyFile(t, "after.pem"), signingKeyFile(t, "late.pem")
	f := startFromFile(t, echo, "")
	for _, step := range []struct {
		keys string
		warn bool
	}{
		{before, false}, // the first key of all
		{before + ", " + after, false},
		{after + ", " + before, false},
		{after, false},
		{late + ", " + after, true},
	} {
		f.write(t, "identity: {jwt: {issuer: a, audience: b, key_files: ["+step.keys+"]}}\n")
		f.reload <- struct{}{}
		f.reload <- struct{}{} // it is received after the first reload
		assert.Equal(t, step.warn, strings.Contains(f.Log.String(), warning), step.keys)
	}
	content, err := os.ReadFile(before)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(late, content, 0o600)) // a file that is replaced, as the documentation says not to
	f.reload <- struct{}{}
	f.reload <- struct{}{}
	assert.Equal(t, 2, strings.Count(f.Log.String(), warning))
}

func TestAFaultOfASigningKeyHasItsPlaceInTheList(t *testing.T) {
	withoutVariables(t)
	good := signingKeyFile(t, "good.pem")
	for text, want := range map[string]string{
		"[" + good + ", absent.pem]":                          "identity.jwt.key_files[1]: open absent.pem",
		"[" + good + ", " + writeFile(t, "b", "secret") + "]": "identity.jwt.key_files[1]: the signing key is not in PEM",
		"[" + good + ", " + good + "]":                        "identity.jwt.key_files[1]: is the key of " + good + " too; give each key once",
		"[absent.pem, " + good + ", " + good + "]":            "identity.jwt.key_files[2]: is the key of " + good + " too; give each key once",
		"[]":                           "identity.jwt.key_files: give the file of the private key, or remove identity.jwt",
		"[" + good + "], audience: ''": "identity.jwt: a signer needs an issuer and an audience",
		"[absent.pem], audience: ''":   "identity.jwt: a signer needs an issuer and an audience",
	} {
		audience := ", audience: b"
		if strings.Contains(text, "audience") {
			audience = ""
		}
		c, err := proxy.Load(writeFile(t, "c.yaml", "identity:\n  jwt: {issuer: a"+audience+", key_files: "+text+"}\n"))
		require.NoError(t, err)
		assert.ErrorContains(t, c.Check(), "line 2: "+want)
		assert.NotContains(t, c.Check().Error(), "secret")
	}
}
