// Tests of the keys.

package testkey_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/testkey"
	"github.com/authkit-go/authkit/internal/testrun"
)

func TestAKeySignsAsPackageRSADoes(t *testing.T) {
	for n := range 4 {
		key := testkey.New(n)
		require.Equal(t, 2048, key.N.BitLen())
		require.NoError(t, key.Validate())
		for i := range testrun.Length(4, 100) {
			digest := sha256.Sum256([]byte{byte(i)})
			want, err := rsa.SignPKCS1v15(nil, key.PrivateKey, crypto.SHA256, digest[:])
			require.NoError(t, err)
			got, err := key.Sign(nil, digest[:], crypto.SHA256)
			require.NoError(t, err)
			require.Equal(t, want, got, "key %d, hash %d", n, i)
			require.NoError(t, rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, digest[:], got))
		}
	}
}

func TestAKeyMakesTheSignaturesThatAreNotFastToo(t *testing.T) {
	key := testkey.New(0)
	digest := sha512.Sum512([]byte("message"))
	signature, err := key.Sign(rand.Reader, digest[:], crypto.SHA512)
	require.NoError(t, err)
	assert.NoError(t, rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA512, digest[:], signature))
	pss := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA512}
	signature, err = key.Sign(rand.Reader, digest[:], pss)
	require.NoError(t, err)
	assert.NoError(t, rsa.VerifyPSS(&key.PublicKey, crypto.SHA512, digest[:], signature, pss))
	_, err = key.Sign(rand.Reader, digest[:], crypto.SHA256)
	assert.Error(t, err, "the hash has another length")
}

func TestEveryKeyIsAnotherOneAndTheSameInEveryProgram(t *testing.T) {
	moduli := map[string]bool{}
	for n := range 20 {
		key := testkey.New(n)
		moduli[key.N.String()] = true
		require.True(t, key.Equal(testkey.New(n).PrivateKey))
	}
	assert.Len(t, moduli, 20)
	assert.Equal(t, "DfBjCmp6FQKZkTOyWzxj", testkey.New(0).N.Text(62)[:20])
}

func BenchmarkKey(b *testing.B) {
	digest := sha256.Sum256(nil)
	b.Run("new", func(b *testing.B) {
		for n := 0; b.Loop(); n++ {
			testkey.New(n)
		}
	})
	key := testkey.New(0)
	b.Run("sign", func(b *testing.B) {
		for b.Loop() {
			_, _ = key.Sign(nil, digest[:], crypto.SHA256)
		}
	})
}
