// The key pairs of test programs.

package authkittest

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"
)

// testKey is an RSA key of 2048 bits with sixteen primes. Package crypto/rsa takes five times as long to sign with two
// primes, and signatures were a third of the time of many tests. The public key looks like any other. Such a key would be a weak secret,
// and none of these is one.
type testKey struct {
	public *rsa.PublicKey
	primes []testPrime
}

// testPrime is a prime of a testKey, with what the Chinese remainder theorem needs (RFC 8017 section 5.1.2, step 2.b).
type testPrime struct {
	prime    *big.Int
	exponent *big.Int // the private exponent modulo prime - 1
	product  *big.Int // of the primes before this one
	inverse  *big.Int // of product, modulo prime
}

// newTestKey returns the n-th key of testKeys.
func newTestKey(n int) *testKey {
	primes, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(testKeys[n], "\n", ""))
	if err != nil {
		panic(fmt.Sprintf("authkittest: %v", err))
	}
	k := &testKey{public: &rsa.PublicKey{N: big.NewInt(1), E: 65537}}
	for text := range slices.Chunk(primes, 16) {
		prime := new(big.Int).SetBytes(text)
		k.primes = append(k.primes, testPrime{
			prime:    prime,
			exponent: new(big.Int).ModInverse(big.NewInt(int64(k.public.E)), new(big.Int).Sub(prime, big.NewInt(1))),
			product:  new(big.Int).Set(k.public.N),
			inverse:  new(big.Int).ModInverse(k.public.N, prime),
		})
		k.public.N.Mul(k.public.N, prime)
	}
	return k
}

// Public implements crypto.Signer.
func (k *testKey) Public() crypto.PublicKey { return k.public }

// hashPrefix is what precedes a SHA-256 hash in a signature (RFC 8017 section 9.2, note 1).
const hashPrefix = "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"

// Sign implements crypto.Signer. It returns the signature of PKCS #1 v1.5, which has nothing random, of a SHA-256 hash.
func (k *testKey) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if opts.HashFunc() != crypto.SHA256 || len(digest) != crypto.SHA256.Size() {
		return nil, errors.New("authkittest: a key of tests signs only SHA-256 hashes")
	}
	size := k.public.Size()
	padding := bytes.Repeat([]byte{0xff}, size-3-len(hashPrefix)-len(digest))
	message := new(big.Int).SetBytes(slices.Concat([]byte{0, 1}, padding, []byte{0}, []byte(hashPrefix), digest))

	signature := new(big.Int) // modulo the product of the primes so far
	for _, p := range k.primes {
		part := new(big.Int).Exp(message, p.exponent, p.prime)
		part.Sub(part, signature).Mul(part, p.inverse).Mod(part, p.prime)
		signature.Add(signature, part.Mul(part, p.product))
	}
	return signature.FillBytes(make([]byte, size)), nil
}

// testKeys are the primes of RSA keys for tests, in base64. They are NOT SECRET: everyone can read them here. Without them, the first
// test of each package would wait for up to a second until a key is generated. There are several because tests rotate keys. See
// newSigner for who gets them.
var testKeys = []string{
	`
/GPP2FqwVwJjuP3VGk7pdfh2lMVj8vmA/thrFqAaiJ/8SqcrKGXdmZWVcnAsqsa7/JzSddb5onWsjKl8wyfpNfxxEA41f9IPlR0OlI2HLBH+p265G9lZ7HSn
w3HBo2Qn/eIjbuChSR8oDZhAOfjYUfopdQEeS9u7xbMCqtMsnoP7NkPsFgh3RL0UlK4DJz/F/xAcJwT9VNyD6FFD+xGJAfl+aL/Oec3SQc5CZeTueKf8Jew/
U+Sd59zlE4UsZO6Z/sGFJ/XqOzJTE8QUryz3BftGsbCe4CQpfqojQGwzHp34GsrPPcaxFT0ZPIi/FmSF/tK/YPFC+qQw4UcLySegJw==
`,
	`
/DqC5eVD/wIyMcLRvoef0/5pmrpA9uY6VNZyLH/1rAv+snv8/SD04FsfIBx0Q7wZ/GKbphy1uQ6SMuLCRIf+N/lHUEn3qagXRXZQ4e0UQ/3/EckMLYb12Ng3
LNBSWSMN/2wM1XPf6IDXyim3tyXHg/+yI9AN4uqcMTKNqSOoylf4QZ3by4b2IYdA9CBAjyBt/NN/1Cwi9gWKLR5/IVzCKf88whEvcdXIdovMcyJIZx34tx4f
DKAqV/eh6v3JpoUx/wBibWBji2eW4qZ6XNntp/1MsKOJgK+rIcVJBjI9EPn/LP/dE58W9hPONEwLWTO7+mFUSlMHsY1J+PGcYtDMFQ==
`,
	`
+w7ao7IW2bnGHlXsaOzFo/tVkEKq1qkfVg6hMqyYe8f41A5EL9dw1yeCp9c6/ylv+mXVAJc9jqKxmAAinSz1+fxTCe24vweL/1UfbJMddiv9SUGyeBsWcTUA
zzSMGJbN+pu4VPc/SGePrAML/Av2w/sh33crsJRE4YatoevacBn7eICH1PjKmywPM+74DwWn+RsQd2KLIwJm7B1BoueZE/5155cZlfmSAApvEdCxFOf7yZWa
VHGV0bFiCgVlExq7+Waytktfsa0EgQBrNE+iHfpCRY3i9umtMhsLxHJsKx/9amIceGsD4j3vd1NgOwyZ/Y6H2EugY1cZkzbuu4kS4Q==
`,
	`
+KwSIf2Fdy4M50mb0TdsXfo5FwonsxrK6dMqCpPeQwP5j0r3LymjEypCBzoEYolJ/wEMEFYLt2wnLr0CYoN4l/ijDRVU/gDWS/uhLbeHVE3/iFyy5mJqszAD
8FRMjG6x/02UoWLVBUSNaX+WbLV9ef9LS/2S8J1S+xgGBJol+Ln8OB/peTRQT3Vt42YDn0u3/g/kFkT2D0EKev7Fhauzsf35viI5pKK9inFZijLygrP5wCKO
fSLs55oZ5GVSJ66D/rJPNGc5XkluKb9WTzYv//xraoiEMkH9uNWPfncJH5f/pv1FoqLqA12VAPDttPiX/IiZjmGnKiSzrCo+PxhqNQ==
`,
}
