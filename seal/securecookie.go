// The default format: gorilla/securecookie with derived keys.

package seal

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/gorilla/securecookie"
)

// SecureCookie returns the default [Sealer]: gorilla/securecookie with
// AES-256-CTR and HMAC-SHA256. HKDF-SHA256 (RFC 5869) derives the keys from each
// password and the purpose. The cipher key and the hash key are independent, and
// so are the keys of two purposes: a text that was sealed for one purpose never
// opens for another, even with the same password.
//
// The first password seals, and all of them open. It is an error if the purpose
// is empty or a password is too short (see [CheckPasswords]).
//
// securecookie's own limits on age and length are off. The caller decides how
// long a session lasts and how many cookies hold it.
func SecureCookie(purpose string, passwords ...string) (Sealer, error) {
	if purpose == "" {
		return nil, errors.New("seal: the purpose is empty")
	}
	if err := CheckPasswords(passwords...); err != nil {
		return nil, err
	}
	s := &secureCookie{name: purpose}
	for _, password := range passwords {
		hashKey, err := deriveKey(password, "hash", purpose)
		if err != nil {
			return nil, err
		}
		blockKey, err := deriveKey(password, "block", purpose)
		if err != nil {
			return nil, err
		}
		codec := securecookie.New(hashKey, blockKey).
			SetSerializer(securecookie.NopEncoder{}).
			MaxAge(0).
			MaxLength(0)
		s.codecs = append(s.codecs, codec)
	}
	return s, nil
}

// keyLength is the key length of AES-256 and of HMAC-SHA256, in bytes.
const keyLength = sha256.Size

// deriveKey derives a separate key for each use of a password: info (RFC 5869,
// section 3.2) names the library, the format, the use and the purpose. The use
// comes before the purpose and contains no slash, so two different pairs never
// give the same info.
func deriveKey(password, use, purpose string) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, []byte(password), nil, "authkit/seal/securecookie/v1/"+use+"/"+purpose, keyLength)
	if err != nil {
		return nil, fmt.Errorf("seal: derive the %s key: %w", use, err)
	}
	return key, nil
}

type secureCookie struct {
	name   string
	codecs []*securecookie.SecureCookie // the first seals
}

func (s *secureCookie) Seal(plaintext []byte) (string, error) {
	if len(plaintext) == 0 {
		// securecookie seals an empty value but does not open it.
		return "", errors.New("seal: the plaintext is empty")
	}
	// securecookie encrypts the slice in place.
	text, err := s.codecs[0].Encode(s.name, bytes.Clone(plaintext))
	if err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	return strings.TrimRight(text, "="), nil
}

func (s *secureCookie) Open(text string) ([]byte, error) {
	padded, ok := pad(text)
	if !ok {
		return nil, ErrOpen
	}
	for _, codec := range s.codecs {
		var plaintext []byte
		if err := codec.Decode(s.name, padded, &plaintext); err == nil {
			return plaintext, nil
		}
	}
	return nil, ErrOpen
}

// pad restores the padding that Seal removed. It accepts only the canonical
// encoding: encoding/base64 skips line breaks and ignores the unused bits of the
// last character, so an altered text could open.
func pad(text string) (string, bool) {
	if strings.ContainsAny(text, "=\r\n") {
		return "", false
	}
	tail := text[len(text)/4*4:]
	if _, err := base64.RawURLEncoding.Strict().DecodeString(tail); err != nil {
		return "", false
	}
	return text + "=="[:(4-len(tail))%4], true
}
