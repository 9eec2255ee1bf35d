// The default format: gorilla/securecookie under derived keys.

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
// AES-256-CTR and HMAC-SHA256, under keys that HKDF-SHA256 (RFC 5869) derives
// from each password. The cipher's key and the hash's key are independent of
// each other, and so are those of two purposes: a text that was sealed for one
// purpose never opens as another, even where the password is the same.
//
// The first password seals, all of them open. An error names each password
// that is too short (see [CheckPasswords]), or an empty purpose.
//
// securecookie's own limits on age and length are off: how long a session
// lasts and how it is spread over cookies are decided by whoever seals.
func SecureCookie(purpose string, passwords ...string) (Sealer, error) {
	if purpose == "" {
		return nil, errors.New("seal: no purpose")
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

// keyLength selects AES-256, and an HMAC key as long as its hash.
const keyLength = sha256.Size

// deriveKey gives each use of a password a key of its own: info (RFC 5869,
// section 3.2) names the library, the format, the use and the purpose. The use
// comes before the purpose and holds no slash, so that no two pairs of them
// spell the same info.
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
		// securecookie would seal it, and then not open it.
		return "", errors.New("seal: nothing to seal")
	}
	// securecookie encrypts the slice that it is handed in place.
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

// pad restores the padding that Seal took off, which a cookie has no use for.
// It accepts one spelling of a text only: encoding/base64 skips line breaks
// and ignores the unused bits of the last character, and both would let an
// altered text open.
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
