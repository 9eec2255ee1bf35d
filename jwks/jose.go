// The only use of the JOSE library: it converts a JWK into a key. To replace the library, replace this file. The tests also
// compare our token parser with the library.

package jwks

import (
	"crypto/rsa"
	"encoding/json"
	"errors"
	"math"
	"math/big"

	"github.com/lestrrat-go/jwx/v2/jwk"
)

const (
	minModulusBits = 2048 // RFC 7518 section 3.3
	maxModulusBits = 8192 // the cost of a verification grows with its square
)

// rsaPublicKey builds a key from its parameters n and e (RFC 7518 section 6.3.1). Other members of the JWK, private
// parameters among them, are not used.
func rsaPublicKey(n, e string) (*rsa.PublicKey, error) {
	jwkJSON, err := json.Marshal(map[string]any{"kty": "RSA", "n": json.RawMessage(n), "e": json.RawMessage(e)})
	if err != nil {
		return nil, err
	}
	parsed, err := jwk.ParseKey(jwkJSON)
	if err != nil {
		return nil, errors.New("malformed RSA parameters")
	}
	var key rsa.PublicKey
	if err := parsed.Raw(&key); err != nil {
		return nil, err
	}
	if bits := key.N.BitLen(); bits < minModulusBits || bits > maxModulusBits || key.N.Bit(0) == 0 {
		return nil, errors.New("unusable RSA modulus")
	}
	// Raw keeps only the low 64 bits of the exponent, so check the original. The bounds are those of crypto/rsa.
	exponent := new(big.Int).SetBytes(parsed.(jwk.RSAPublicKey).E())
	if !exponent.IsInt64() || exponent.Int64() < 3 || exponent.Int64() > math.MaxInt32 || exponent.Bit(0) == 0 {
		return nil, errors.New("unusable RSA exponent")
	}
	return &key, nil
}
