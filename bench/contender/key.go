// Signing keys: RSA-2048 keys that sign quickly, since 100,000 tokens must be signed before the measurement.

package contender

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
)

const (
	keyBits  = 2048
	primes   = 8
	exponent = 65537
)

// digestInfo is the prefix of a SHA-256 digest in PKCS #1 v1.5 (RFC 8017, section 9.2, note 1).
var digestInfo = []byte{
	0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20,
}

// key signs with RS256 (RFC 7518, section 3.3). Its modulus has eight primes instead of two (RFC 8017, section 3.2). That
// makes signing about thirty times as fast, and makes the key unsafe outside a benchmark. For a verifier it is the same:
// the modulus has 2048 bits, the exponent is 65537, and a verification costs as much as with every other RSA-2048 key.
type key struct {
	id      string
	public  *rsa.PublicKey
	factors []factor
}

// factor is one prime of the modulus, with its values for the Chinese remainder theorem.
type factor struct {
	prime       *big.Int
	exponent    *big.Int // d mod (prime - 1)
	coefficient *big.Int // 1 modulo this prime and 0 modulo the others
}

// newKey generates a key with the ID.
func newKey(id string) (*key, error) {
	found, modulus, err := newModulus()
	if err != nil {
		return nil, err
	}
	k := &key{id: id, public: &rsa.PublicKey{N: modulus, E: exponent}}
	for _, p := range found {
		others := new(big.Int).Div(modulus, p)
		k.factors = append(k.factors, factor{
			prime:       p,
			exponent:    privateExponent(p),
			coefficient: new(big.Int).Mul(others, new(big.Int).ModInverse(others, p)),
		})
	}
	return k, nil
}

// newModulus generates primes whose product has keyBits bits.
func newModulus() (found []*big.Int, modulus *big.Int, err error) {
	for {
		p, err := rand.Prime(rand.Reader, keyBits/primes)
		if err != nil {
			return nil, nil, fmt.Errorf("generate a prime: %w", err)
		}
		if privateExponent(p) == nil || slices.ContainsFunc(found, func(q *big.Int) bool { return q.Cmp(p) == 0 }) {
			continue
		}
		if found = append(found, p); len(found) < primes {
			continue
		}
		modulus = big.NewInt(1)
		for _, q := range found {
			modulus.Mul(modulus, q)
		}
		if modulus.BitLen() == keyBits {
			return found, modulus, nil
		}
		slices.SortFunc(found, (*big.Int).Cmp)
		found = found[1:] // the product is too short: replace the smallest prime
	}
}

// privateExponent returns the private exponent modulo (prime - 1), or nil if the public exponent has no inverse.
func privateExponent(prime *big.Int) *big.Int {
	return new(big.Int).ModInverse(big.NewInt(exponent), new(big.Int).Sub(prime, big.NewInt(1)))
}

// sign returns a compact JWS with the claims (RFC 7515, section 3.1).
func (k *key) sign(claims any) (string, error) {
	header, err := segment(map[string]string{"alg": "RS256", "kid": k.id, "typ": "JWT"})
	if err != nil {
		return "", err
	}
	payload, err := segment(claims)
	if err != nil {
		return "", err
	}
	input := header + "." + payload
	digest := sha256.Sum256([]byte(input))
	return input + "." + base64.RawURLEncoding.EncodeToString(k.signature(digest[:])), nil
}

// signature signs a SHA-256 digest with PKCS #1 v1.5 (RFC 8017, section 8.2.1).
func (k *key) signature(digest []byte) []byte {
	encoded := make([]byte, keyBits/8)
	tail := encoded[len(encoded)-len(digestInfo)-len(digest):]
	copy(tail[copy(tail, digestInfo):], digest)
	encoded[1] = 1
	for i := 2; i < len(encoded)-len(tail)-1; i++ {
		encoded[i] = 0xff
	}
	message := new(big.Int).SetBytes(encoded)
	sum := new(big.Int)
	for _, f := range k.factors {
		part := new(big.Int).Exp(new(big.Int).Mod(message, f.prime), f.exponent, f.prime)
		sum.Add(sum, part.Mul(part, f.coefficient))
	}
	return sum.Mod(sum, k.public.N).FillBytes(encoded)
}

// jwks returns the key as a JWK Set (RFC 7517, section 5).
func (k *key) jwks() ([]byte, error) {
	return json.Marshal(map[string]any{"keys": []map[string]string{{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": k.id,
		"n": base64.RawURLEncoding.EncodeToString(k.public.N.Bytes()),
		"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(k.public.E)).Bytes()),
	}}})
}

// segment encodes a part of a compact JWS.
func segment(v any) (string, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("encode a part of a token: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(text), nil
}
