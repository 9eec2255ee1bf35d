// The decoder of a JWK Set.

package jwks

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzKeySet checks that all keys decoded from any response can verify a signature.
func FuzzKeySet(f *testing.F) {
	modulus := strings.Repeat("_", 342)
	for _, set := range []string{
		`{"keys":[]}`, `{"keys":[{"kty":"RSA","kid":"a","n":"` + modulus + `","e":"AQAB"}]}`, `{"keys":null}`, `[]`, `{"keys":[1,{}]}`,
		`{"keys":[{"kty":"RSA","kid":"a","use":"enc","n":"` + modulus + `","e":"AQAB"}]}`, `{"keys":[{"kty":"EC","kid":"a"}]}`,
		`{"keys":[{"kty":"RSA","kid":"a","n":"` + modulus + `","e":"AQAB"},{"kty":"RSA","kid":"a","n":"` + modulus + `","e":"Aw"}]}`,
		`{"keys":[{"kty":"RSA","kid":"a","n":"AAAA","e":"AAAAAAAAAAAB"}]}`,
	} {
		f.Add([]byte(set))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		keys, _, err := decodeKeySet(body)
		if err != nil {
			require.Empty(t, keys)
			return
		}
		require.NotEmpty(t, keys)
		for id, key := range keys {
			require.NotEmpty(t, id)
			require.GreaterOrEqual(t, key.N.BitLen(), minModulusBits)
			require.LessOrEqual(t, key.N.BitLen(), maxModulusBits)
			require.EqualValues(t, 1, key.N.Bit(0))
			require.GreaterOrEqual(t, key.E, 3)
			require.EqualValues(t, 1, key.E%2)
		}
	})
}
