// Everything that the JOSE library does for this module: it makes keys of JWKs. It appears nowhere else, so that replacing
// it means replacing this file. The tests hold our parser of tokens, and what it lets pass, against the library.

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
	maxModulusBits = 8192 // the cost of a verification grows with the square of it
)

// rsaPublicKey builds a key from its parameters (RFC 7518 section 6.3.1). The rest of a JWK is of no interest, private
// parameters least of all.
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
	// Raw keeps the low 64 bits of the exponent; the bound is the one of crypto/rsa.
	exponent := new(big.Int).SetBytes(parsed.(jwk.RSAPublicKey).E())
	if !exponent.IsInt64() || exponent.Int64() < 3 || exponent.Int64() > math.MaxInt32 || exponent.Bit(0) == 0 {
		return nil, errors.New("unusable RSA exponent")
	}
	return &key, nil
}
