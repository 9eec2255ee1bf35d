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

// testKey is an RSA key of 2048 bits with eight primes. To sign with it takes a quarter of the time that package crypto/rsa takes
// with two, and signatures were a third of the time of many tests. Who has the public key sees no difference. Such a key is of no
// use as a secret, and none of them is one.
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
	for text := range slices.Chunk(primes, 32) {
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
//hJpXqPpDfKELgTDGHSQ1+CBX97N6u+RXuM08nP6FfOMEMefBlK8CBJu2EHGLUzCjtDUz4jYJ/v6xtWPNeH/99M86h7tNbScYvFl6k+uqm+yizXlB8Q3u
Ji+IH4LEJX981AC/0ZhTvhE2jHkD5ckBpZLd3m6VpbQsiPDGgtDnXrFTWzDh1/JNaDmz8XBftLVZCOUZR5hzzhMyDhB0m97+vHoDMBUlJiSxst04wygcf2
XKtPwoz6PqIj3kJHl4ax8IMQmCtI5zLb0wrrqYRMUKnPDQCU8Mogs4oP9cvGlrn7bn9jlveBYc3qNHRb4jhuheLn9oi2eY2++AW6Ld2ufw==
`,
	`
3hc4pmVGXjR2pcU7yovvCc9HDeiDCHPelYQ2ZhspVaH59sqVukmIFyqgA3Wx7K+88EucjrW0zyMvVD1qA1NqAdjONevexShIowVw2cAven5/DszqNiokjj
OQyD2njwuF0f8fjrwsBwXJW1WpNQdZgl492m+VsuPQVsMSwbiHaZHxQ/HXxeY7tJSSlmtu+haGDDFNap9PErIvXp4lNeXPl/5gGYyv5SNnNM8hQFdSWgTy
nv0yS5adB7M8elSbzCxz+kqSGxelrpIaVyB3kPl/IuuEfgelscB0Tm6VzFzrTUfvEpjk2Icq103K+n9ejkoTkkaHzCcK/Zgaq9mkeE3vKQ==
`,
	`
1kUoiTFpcYTZYPXmYnTf1IP8EGWjdyB0q5WfLSYsIefDsnQuKkuPiiAeLTuZTKn1Uau+WEqI9zKb3sYM/7iljfVRVlifXCDZwed+sozkhFy7miMZJzeaJo
OGRgBkwSLl+ixEWsltEa5OdPaJM5XAxyg7Nn3zXpw6sxfOdLHipCn7ge3aHi6zcFlm9evNOUNf/rBvbBvK//cJ60LPgFt8VfWTJhc1kn57kZVBvTguJeMq
dQQGQzyFbFJzrgYiK/Zb5hZyjl5FznxVACdDBsT62QwFdC8FPEOf7Oyox6SEYtP8nZOceUr6YNtwbjoEf7G+evQnOCsErJhT7WOSAbu5Uw==
`,
	`
6W2Savp0k1fh+GUxIK6Ys9QVWIHWNIVMfpu9LOT0EHn0lbbCQPIFirP8of+rQMVajoOuYpyldUWvgpCAA+DO4+aqFwx6klXJVoRhuDpjNVdYH46N2/J/Qj
Cs6HlCB7TD89lig/2q4CTwbporaSqGQ8dZylfJAdInHuSpP3L86N/t4lckI47rIbaHol9EJLg6MZKjJnJMtsDnW959CjJrKeojErh7Sp073M/6rwG3//ox
GBoehnbJsKWOFjb5kZjR5pBF+AK1zhWNBM5fzh8QeUcWM+ELaTILRvgYhlX5I8Xo+Co1hPpolcJa20pbWDBX+AUIE2KBfPhi0HWQA793Rw==
`,
}
