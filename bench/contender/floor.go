// The floor: the least cryptography that reading a sealed session needs.

package contender

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
)

// sealedSize is the size of the session that the floor opens, in bytes.
const sealedSize = 2048

// floor opens 2 KB that are sealed with AES-256-GCM, and verifies one RS256 signature, that of the contenders' token. It
// is not safe for concurrent use.
type floor struct {
	aead      cipher.AEAD
	nonce     []byte
	sealed    []byte
	opened    []byte
	public    *rsa.PublicKey
	signed    []byte
	signature []byte
}

func newFloor(t token) (*floor, error) {
	block, err := aes.NewCipher(bytes.Repeat([]byte("k"), 32))
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	dot := strings.LastIndexByte(t.text, '.')
	if dot < 0 {
		return nil, errors.New("the token is not a compact JWS")
	}
	signature, err := base64.RawURLEncoding.DecodeString(t.text[dot+1:])
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, aead.NonceSize())
	return &floor{
		aead:      aead,
		nonce:     nonce,
		sealed:    aead.Seal(nil, nonce, bytes.Repeat([]byte("s"), sealedSize), nil),
		public:    t.key.public,
		signed:    []byte(t.text[:dot]),
		signature: signature,
	}, nil
}

// read opens the session and verifies the signature.
func (f *floor) read() error {
	opened, err := f.aead.Open(f.opened[:0], f.nonce, f.sealed, nil)
	if err != nil {
		return err
	}
	f.opened = opened
	digest := sha256.Sum256(f.signed)
	return rsa.VerifyPKCS1v15(f.public, crypto.SHA256, digest[:], f.signature)
}
