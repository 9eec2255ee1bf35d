// The signing key against crypto/rsa.

package contender

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestABenchmarkKeyVerifiesLikeAnyRSA2048Key(t *testing.T) {
	k, err := newKey("key")
	require.NoError(t, err)
	require.Equal(t, 2048, k.public.N.BitLen())
	require.Equal(t, 256, k.public.Size())
	for _, message := range []string{"", "a", "another"} {
		digest := sha256.Sum256([]byte(message))
		signature := k.signature(digest[:])
		require.NoError(t, rsa.VerifyPKCS1v15(k.public, crypto.SHA256, digest[:], signature))
		signature[100] ^= 1
		require.Error(t, rsa.VerifyPKCS1v15(k.public, crypto.SHA256, digest[:], signature))
	}
}
