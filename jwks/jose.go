// Everything that the JOSE library does for this module. It appears nowhere else, so that replacing it means replacing
// this file.

package jwks

import (
	"crypto/rsa"
	"encoding/json"
	"errors"
	"math"
	"math/big"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// verifySignature checks the RS256 signature (RFC 7518 section 3.3) of a compact JWS and returns the payload that
// it covers. A header with space around its object fails here, because the library drops that space before it
// verifies; RFC 7515 would allow it, but nobody sends one.
func verifySignature(token string, key *rsa.PublicKey) ([]byte, error) {
	return jws.Verify([]byte(token), jws.WithCompact(), jws.WithKey(jwa.RS256, key))
}

const (
	minModulusBits = 2048 // RFC 7518 section 3.3
	maxModulusBits = 8192 // the cost of a verification grows with the square of it
)

// rsaPublicKey builds a key from its parameters (RFC 7518 section 6.3.1). The rest of a JWK is of no interest, private
// parameters least of all.
func rsaPublicKey(n, e json.RawMessage) (*rsa.PublicKey, error) {
	jwkJSON, err := json.Marshal(map[string]any{"kty": "RSA", "n": n, "e": e})
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
