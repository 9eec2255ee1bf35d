// Names of keys, seals of records, and authentication of notices.

package replica

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
)

// HashSize is how many bytes of a SHA-256 hash name a token or a session.
const HashSize = 16

// Hash returns the name of a token, a session ID or another text in the store. It is
// plain SHA-256, so that instances with different passwords agree during a rotation.
// The texts have more than 100 random bits, so the hash does not reveal them.
func Hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return string(sum[:HashSize])
}

// vault seals and names what an application keeps in a store.
type vault struct {
	passwords   []string // the first seals, all open
	application string   // what seals are bound to
	name        string   // starts every key, as text
	mark        string   // starts every notice, as bytes
}

// newVault returns the vault of an application: a client ID at an API host. Two
// applications on one engine have different keys and ignore each other's notices.
func newVault(passwords []string, clientID, apiHost string) *vault {
	application := clientID + "\n" + apiHost
	sum := sha256.Sum256([]byte(application))
	mark := string(sum[:9])
	return &vault{
		passwords: passwords, application: application, mark: mark,
		name: base64.RawURLEncoding.EncodeToString([]byte(mark)) + ":",
	}
}

// key returns the key of a value. hash is the result of [Hash].
func (v *vault) key(kind, hash string) string {
	return v.name + kind + ":" + base64.RawURLEncoding.EncodeToString([]byte(hash))
}

var errSeal = errors.New("the record does not open: another cookie password sealed it, or it was changed")

// seal encrypts a text so that only a caller with the secret and a cookie password
// can open it (HKDF, RFC 5869; AES-256-GCM, NIST SP 800-38D). The secret is
// the token that the record belongs to. So no record can be moved to another token.
func (v *vault) seal(purpose, secret string, text []byte) ([]byte, error) {
	aead, err := v.cipher(v.passwords[0], purpose, secret)
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, text, nil), nil
}

// open decrypts what seal has made, with any of the passwords.
func (v *vault) open(purpose, secret string, sealed []byte) ([]byte, error) {
	for _, password := range v.passwords {
		aead, err := v.cipher(password, purpose, secret)
		if err != nil {
			return nil, err
		}
		text, err := aead.Open(nil, nil, sealed, nil)
		if err == nil {
			return text, nil
		}
	}
	return nil, errSeal
}

// cipher returns the cipher of a secret. It chooses a random nonce, which comes before the ciphertext.
func (v *vault) cipher(password, purpose, secret string) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, []byte(password), []byte(secret), "authkit store "+purpose+"\n"+v.application, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// macSize is the size of a message authentication code in a notice.
const macSize = 16

// sign appends the codes of a notice, one for each password. So an instance that
// knows only one of them can check the notice, while a password is rotated.
func (v *vault) sign(notice []byte) []byte {
	signed := append([]byte{}, notice...)
	for _, password := range v.passwords {
		signed = append(signed, v.mac(password, notice)...)
	}
	return signed
}

// verify reports whether one of the codes of a notice is right. The notice has the
// given size without its codes.
func (v *vault) verify(signed []byte, size int) bool {
	if len(signed) < size+macSize || (len(signed)-size)%macSize != 0 {
		return false
	}
	for _, password := range v.passwords {
		expected := v.mac(password, signed[:size])
		for codes := signed[size:]; len(codes) > 0; codes = codes[macSize:] {
			if hmac.Equal(codes[:macSize], expected) {
				return true
			}
		}
	}
	return false
}

func (v *vault) mac(password string, notice []byte) []byte {
	return v.code(password, "notice\n"+v.application, notice, macSize)
}

func (v *vault) code(password, subject string, text []byte, size int) []byte {
	h := hmac.New(sha256.New, []byte(password))
	h.Write([]byte("authkit store " + subject + "\n"))
	h.Write(text)
	return h.Sum(nil)[:size]
}

// markCodeSize is the size of a code in a mark. A code can only be guessed by requests.
const markCodeSize = 8

// markOf returns the mark of a key: text and its codes, one for each password. So who
// can write to the store cannot make a mark, and cannot move one to another key.
func (v *vault) markOf(key string, text []byte) []byte {
	marked := append([]byte{}, text...)
	for _, password := range v.passwords {
		marked = append(marked, v.code(password, "mark\n"+key, text, markCodeSize)...)
	}
	return marked
}

// isMark reports whether one of the codes of a mark is right. size is that of its nonce.
func (v *vault) isMark(key string, marked []byte, size int) bool {
	size++ // its first byte
	if len(marked) < size+markCodeSize || (len(marked)-size)%markCodeSize != 0 {
		return false
	}
	for _, password := range v.passwords {
		expected := v.code(password, "mark\n"+key, marked[:size], markCodeSize)
		for codes := marked[size:]; len(codes) > 0; codes = codes[markCodeSize:] {
			if hmac.Equal(codes[:markCodeSize], expected) {
				return true
			}
		}
	}
	return false
}

// random returns n random bytes.
func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return string(b)
}
