// The format of the official Go SDK, workos-go.

package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// WorkOSGo returns a [Sealer] for the format in which WorkOS's official Go SDK
// seals sessions: standard base64 of a nonce and an AES-256-GCM ciphertext. If
// the password is 64 hexadecimal digits, they encode the key. Otherwise the key
// is the SHA-256 digest of the password.
//
// The first password seals, and all of them open. As with [Iron], a text does
// not contain its purpose. Texts over 32 KiB are neither sealed nor opened.
func WorkOSGo(passwords ...string) (Sealer, error) {
	if err := CheckPasswords(passwords...); err != nil {
		return nil, err
	}
	s := &workOSGo{}
	for _, password := range passwords {
		key, err := hex.DecodeString(password)
		if err != nil || len(key) != keyLength {
			digest := sha256.Sum256([]byte(password))
			key = digest[:]
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, fmt.Errorf("seal: %w", err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("seal: %w", err)
		}
		s.aeads = append(s.aeads, aead)
	}
	return s, nil
}

type workOSGo struct {
	aeads []cipher.AEAD // the first seals
}

func (s *workOSGo) Seal(plaintext []byte) (string, error) {
	if len(plaintext) == 0 {
		return "", errors.New("seal: the plaintext is empty")
	}
	// Before the ciphertext is its nonce, which the AEAD chooses.
	return checkLength(base64.StdEncoding.EncodeToString(s.aeads[0].Seal(nil, nil, plaintext, nil)))
}

func (s *workOSGo) Open(text string) ([]byte, error) {
	if len(text) > maxLength {
		return nil, errTooLong
	}
	octets, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") {
		return nil, openError("it is not standard base64")
	}
	for _, aead := range s.aeads {
		if len(octets) > aead.Overhead() {
			if plaintext, err := aead.Open(nil, nil, octets, nil); err == nil {
				return plaintext, nil
			}
		}
	}
	return nil, ErrOpen
}
