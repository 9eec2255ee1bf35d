// The securecookie format.

package seal_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/seal"
)

func secureCookie(t testing.TB, purpose string, passwords ...string) seal.Sealer {
	t.Helper()
	sealer, err := seal.SecureCookie(purpose, passwords...)
	require.NoError(t, err)
	return sealer
}

func TestATextOpensOnlyForItsPurpose(t *testing.T) {
	purposes := []string{"session", "session/", "/session", "hash/session", "block/session", "sessio", "Session"}
	for _, sealed := range purposes {
		text, err := secureCookie(t, sealed, password).Seal([]byte("x"))
		require.NoError(t, err)
		for _, opened := range purposes {
			_, err := secureCookie(t, opened, password).Open(text)
			assert.Equal(t, sealed == opened, err == nil, "sealed as %q, opened as %q", sealed, opened)
		}
	}
}

func TestAnEmptyPurposeIsRefused(t *testing.T) {
	_, err := seal.SecureCookie("", password)
	assert.ErrorContains(t, err, "the purpose is empty")
}

func FuzzSecureCookie(f *testing.F) { fuzzOpen(f, secureCookie(f, "session", password, previous)) }
