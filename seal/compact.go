// The compact format: AES-256-GCM with a key for each text, encoded once.

package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"strings"
	"sync"
)

// Compact returns a [Sealer] whose texts are shorter than those of [SecureCookie] and take less time to open. Both take the
// same purpose and passwords. SecureCookie also opens the texts of Compact, but Compact opens only its own.
//
// A text is
//
//	c1.<base64url of the salt, the ciphertext and the tag>
//
// The base64url has no padding, and only its canonical form opens. The salt is 16 random octets. The ciphertext is as long as
// the plaintext. It is encrypted and authenticated with AES-256-GCM (NIST SP 800-38D) and the full tag of 16 octets:
//
//	HKDF:
//	  secret          = HKDF-Extract(SHA-256, salt: none, IKM: password)                           RFC 5869, section 2.2
//	  key             = HKDF-Expand(SHA-256, secret, info: "authkit/seal/compact/v1" || salt, 32)  section 2.3
//	AES-256-GCM:
//	  nonce           = 12 zero octets
//	  additional data = length of the purpose in 8 octets, big-endian || purpose
//
// # Security
//
// Nonces: GCM is safe if no two texts have the same key and nonce. Here each text has its own key, so the nonce can be
// constant. Two texts have the same key only if they have the same password and the same salt. Among n texts of one password,
// the probability that two have the same salt is about n²/2¹²⁹. For 2⁴⁸ texts, a million per second for nine years, it is
// 2⁻³³, below the limit of 2⁻³² that SP 800-38D sets (section 8). It becomes likely at about 2⁶⁴ texts. A random nonce of 12
// octets under one key reaches that limit at 2³² texts. All keys have the same nonce, so an attacker with n texts can guess the
// keys of all at once. For 2⁴⁸ texts, this takes 2²⁰⁸ guesses instead of 2²⁵⁶. Two texts with the same salt would reveal the difference of their
// plaintexts, and would allow a forgery with this salt. They reveal nothing about another text.
//
// Purposes: the additional data is authenticated, so a text opens for its own purpose only. Different purposes have different
// additional data. The salt and the label separate the keys from all other keys that this module derives from a password.
//
// Changes: a change of the salt changes the key. The tag authenticates the ciphertext and the additional data. The tag is
// never truncated. No part of the text has a second encoding. So a text that differs from a sealed one in any bit does not
// open.
//
// Key commitment: AES-GCM does not commit to its key. A sender who knows two keys can make one text that opens with both, to
// different plaintexts. Open tries several passwords, but this gives an attacker nothing. To make such a text, the attacker
// must know the passwords, and one of them is enough to seal any plaintext. Such a text can also test many guesses of a
// password in one request. But an attacker who has any sealed text, such as the cookie of a sign-in, can test guesses without
// requests. No guess succeeds, because a password has at least 32 random bytes. Do not use a password that a person has chosen.
//
// Timing: GCM compares tags in constant time. The time of Open reveals which of the passwords has sealed the text. That is
// not secret: it tells when the text was sealed, relative to a rotation.
//
// Texts over 32 KiB are neither sealed nor opened. With GODEBUG=fips140=only, which allows AES-GCM with random nonces only, the error
// matches [errors.ErrUnsupported].
func Compact(purpose string, passwords ...string) (Sealer, error) {
	if err := checkSettings(purpose, passwords); err != nil {
		return nil, err
	}
	s, err := newCompact(purpose, passwords)
	if err != nil {
		return nil, err
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	return s, nil
}

// check returns an error if this program cannot use the format.
func (s *compactSealer) check() error {
	if _, err := s.passwords[0].cipher(nil); err != nil {
		return fmt.Errorf("seal: %w: %w", errors.ErrUnsupported, err)
	}
	return nil
}

const (
	// compactPrefix begins every text of the format. No other format has a dot as the third character.
	compactPrefix     = "c1."
	compactSaltLength = 16
	compactTagLength  = 16
)

// The inputs that every text has in common. Each text has its own key, so its nonce can be constant.
var (
	compactLabel   = []byte("authkit/seal/compact/v1")
	compactCounter = []byte{1} // of the only block that HKDF-Expand makes
	compactNonce   [12]byte
)

type compactSealer struct {
	passwords      []*compactPassword // the first seals
	additionalData []byte
}

// compactPassword makes the ciphers of a password.
type compactPassword struct {
	derivations sync.Pool // of *compactDerivation values
}

// compactDerivation derives keys from the secret of a password. An HMAC that is reset does not process the secret again.
type compactDerivation struct {
	hmac hash.Hash // HMAC-SHA256 with the secret
	key  [keyLength]byte
}

func newCompact(purpose string, passwords []string) (*compactSealer, error) {
	s := &compactSealer{
		additionalData: append(binary.BigEndian.AppendUint64(nil, uint64(len(purpose))), purpose...),
	}
	for _, password := range passwords {
		secret, err := hkdf.Extract(sha256.New, []byte(password), nil)
		if err != nil {
			return nil, fmt.Errorf("seal: derive the secret of the keys: %w", err)
		}
		p := &compactPassword{}
		p.derivations.New = func() any { return &compactDerivation{hmac: hmac.New(sha256.New, secret)} }
		s.passwords = append(s.passwords, p)
	}
	return s, nil
}

// cipher returns the cipher of one text. Its key has the length of one hash, so HKDF-Expand is one HMAC over the info and an
// octet 1 (RFC 5869, section 2.3). The known answers of the tests are from a whole HKDF.
func (p *compactPassword) cipher(salt []byte) (cipher.AEAD, error) {
	d := p.derivations.Get().(*compactDerivation)
	defer p.derivations.Put(d)
	d.hmac.Reset()
	d.hmac.Write(compactLabel)
	d.hmac.Write(salt)
	d.hmac.Write(compactCounter)
	block, err := aes.NewCipher(d.hmac.Sum(d.key[:0]))
	clear(d.key[:])
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return cipher.NewGCM(block)
}

func (s *compactSealer) Seal(plaintext []byte) (string, error) {
	if len(plaintext) == 0 {
		return "", errors.New("seal: the plaintext is empty")
	}
	octets := make([]byte, compactSaltLength, compactSaltLength+len(plaintext)+compactTagLength)
	rand.Read(octets) // never fails: crypto/rand ends the program instead
	aead, err := s.passwords[0].cipher(octets)
	if err != nil {
		return "", err
	}
	octets = aead.Seal(octets, compactNonce[:], plaintext, s.additionalData)
	return checkLength(compactPrefix + base64.RawURLEncoding.EncodeToString(octets))
}

func (s *compactSealer) Open(text string) ([]byte, error) {
	if len(text) > maxLength {
		return nil, errTooLong
	}
	encoded, ok := strings.CutPrefix(text, compactPrefix)
	if !ok {
		return nil, openError("it does not start with " + compactPrefix)
	}
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	octets, ok := decodeInto(buffer, encoded)
	if !ok {
		return nil, openError("it is not canonical base64url")
	}
	if len(octets) <= compactSaltLength+compactTagLength {
		return nil, openError("it is too short")
	}
	salt, ciphertext := octets[:compactSaltLength], octets[compactSaltLength:]
	plaintext := make([]byte, 0, len(ciphertext)-compactTagLength)
	for _, password := range s.passwords {
		aead, err := password.cipher(salt)
		if err != nil {
			return nil, err
		}
		if opened, err := aead.Open(plaintext, compactNonce[:], ciphertext, s.additionalData); err == nil {
			return opened, nil
		}
	}
	return nil, ErrOpen
}
