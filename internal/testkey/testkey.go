// Package testkey makes RSA keys for tests. They sign thirty times as fast as ordinary keys, and they are public.
package testkey

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"encoding/binary"
	"io"
	"math/big"
	"math/bits"
	"math/rand/v2"
	"slices"
)

const (
	publicExponent = 65537
	primes         = 32 // of 64 bits, so a number modulo a prime is a word of the machine
)

// Key is an RSA key of 2048 bits with 32 primes. Package crypto/rsa takes a long time to sign with two primes, and signatures were a
// third of the time of many tests. The public key looks like any other. Everyone can factor it, so it must not protect anything.
type Key struct {
	*rsa.PrivateKey
	factors []factor
}

// factor is a prime of a Key, with what the Chinese remainder theorem needs.
type factor struct {
	prime    uint64
	exponent uint64   // the private exponent modulo prime - 1
	others   *big.Int // the product of the other primes
	inverse  uint64   // of others, modulo prime
}

// New returns a key, the same in every program: key 0, key 1, and so on.
func New(number int) *Key {
	random := rand.NewChaCha8([32]byte{0: byte(number), 1: byte(number >> 8)})
	one := big.NewInt(1)
	k := &Key{PrivateKey: &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: big.NewInt(1), E: publicExponent}}}
	units := big.NewInt(1) // how many numbers have an inverse modulo N
	for len(k.Primes) < primes {
		// The first six bits are set, so the product has 2048 bits.
		n := random.Uint64() | 0x3f<<58 | 1
		if n%3 == 0 || n%5 == 0 || n%7 == 0 || (factor{prime: n, exponent: n - 1}).power(2) != 1 {
			continue // this is cheaper than ProbablyPrime, and leaves nearly nothing but primes
		}
		p := new(big.Int).SetUint64(n)
		if !p.ProbablyPrime(0) || n%publicExponent == 1 { // this is exact for 64 bits
			continue
		}
		k.Primes = append(k.Primes, p)
		k.N.Mul(k.N, p)
		units.Mul(units, new(big.Int).Sub(p, one))
	}
	k.D = new(big.Int).ModInverse(big.NewInt(publicExponent), units)
	for _, p := range k.Primes {
		others := new(big.Int).Div(k.N, p)
		k.factors = append(k.factors, factor{
			prime:    p.Uint64(),
			exponent: new(big.Int).Mod(k.D, new(big.Int).Sub(p, one)).Uint64(),
			others:   others,
			inverse:  new(big.Int).ModInverse(others, p).Uint64(),
		})
	}
	return k
}

// hashPrefix is what precedes a SHA-256 hash in a signature (RFC 8017 section 9.2, note 1).
const hashPrefix = "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"

// Sign implements crypto.Signer. Only PKCS #1 v1.5 with SHA-256 is fast. Package crypto/rsa makes all other signatures.
func (k *Key) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if opts != crypto.SHA256 || len(digest) != crypto.SHA256.Size() {
		return k.PrivateKey.Sign(random, digest, opts)
	}
	size := k.Size()
	padding := bytes.Repeat([]byte{0xff}, size-3-len(hashPrefix)-len(digest))
	message := slices.Concat([]byte{0, 1}, padding, []byte{0}, []byte(hashPrefix), digest)

	var signature, term, word big.Int
	for _, f := range k.factors {
		part := f.times(f.power(f.remainder(message)), f.inverse)
		signature.Add(&signature, term.Mul(f.others, word.SetUint64(part)))
	}
	return signature.Mod(&signature, k.N).FillBytes(make([]byte, size)), nil
}

// remainder returns a number, which is a multiple of eight octets long, modulo the prime.
func (f factor) remainder(number []byte) (remainder uint64) {
	for ; len(number) > 0; number = number[8:] {
		remainder = bits.Rem64(remainder, binary.BigEndian.Uint64(number), f.prime)
	}
	return remainder
}

func (f factor) times(a, b uint64) uint64 {
	high, low := bits.Mul64(a, b)
	return bits.Rem64(high, low, f.prime)
}

// power returns the power of a number with the private exponent.
func (f factor) power(base uint64) uint64 {
	result := uint64(1)
	for exponent := f.exponent; exponent > 0; exponent >>= 1 {
		if exponent&1 == 1 {
			result = f.times(result, base)
		}
		base = f.times(base, base)
	}
	return result
}
