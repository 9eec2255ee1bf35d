// The cost of a verification.

package jwks_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkVerify measures a whole verification. Compare it with BenchmarkRSA, which measures the part that cannot be avoided.
func BenchmarkVerify(b *testing.B) {
	v, c := newVerifier(b)
	token := sign(keyA(), goodHeader().json(), goodClaims(c.Now()).
		with("org_id", "org_01A").with("role", "admin").with("roles", []string{"admin", "billing"}).
		with("permissions", []string{"posts:read", "posts:write", "users:read"}).json())
	b.ReportAllocs()
	for b.Loop() {
		_, err := v.Verify(b.Context(), token)
		require.NoError(b, err)
	}
}

func BenchmarkRSA(b *testing.B) {
	digest := sha256.Sum256(nil)
	signature, err := keyA().Sign(nil, digest[:], crypto.SHA256)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		require.NoError(b, rsa.VerifyPKCS1v15(&keyA().PublicKey, crypto.SHA256, digest[:], signature))
	}
}
