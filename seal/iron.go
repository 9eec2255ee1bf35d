// The format of the AuthKit family: Fe26.2, which iron-session writes.

package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// IronSealer is the [Sealer] that [Iron] returns.
type IronSealer struct {
	passwords []string // the first seals
	ttl       time.Duration
	now       func() time.Time
}

// Iron returns a [Sealer] of the format that the AuthKit libraries for Next.js,
// SvelteKit, TanStack and Node seal their sessions in, and iron-session and
// iron-webcrypto any JSON:
//
//	Fe26.2*<password ID>*<salt>*<iv>*<ciphertext>*<expiration>*<mac salt>*<mac>~2
//
// The ciphertext is AES-256-CBC under a key that PBKDF2 derives from the
// password with the salt, and the mac is HMAC-SHA256, under another, over
// everything before its own salt. It is checked before anything is decrypted.
// What is sealed must be JSON for those libraries to read it; here it is bytes.
//
// The first password seals, under the ID 1, the only one that those libraries
// know. All of them open, whatever the ID says: iron-session counts several
// passwords up where they are rotated. An error names each password that is
// unusable: JavaScript counts characters, so that 32 of them are needed, in
// valid UTF-8, and not only 32 bytes.
//
// A seal does not expire unless [IronSealer.WithTTL] says so. The purpose of a
// text is not part of it: whoever knows the password can put a text that was
// sealed for one thing in the place of another, so what is opened has to be
// recognized by what it holds.
//
// Texts over 32 KB are neither sealed nor opened.
func Iron(passwords ...string) (*IronSealer, error) {
	if err := CheckPasswords(passwords...); err != nil {
		return nil, err
	}
	var faults []error
	for i, password := range passwords {
		if !utf8.ValidString(password) {
			faults = append(faults, fmt.Errorf("seal: password %d of %d is not UTF-8, which the iron format needs", i+1, len(passwords)))
		} else if n := len(utf16.Encode([]rune(password))); n < MinPasswordLength {
			faults = append(faults, fmt.Errorf("seal: password %d of %d is %d characters long; the iron format needs at least %d",
				i+1, len(passwords), n, MinPasswordLength))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return &IronSealer{passwords: append([]string{}, passwords...), now: time.Now}, nil
}

// WithTTL returns a copy of s whose seals expire after d, which is kept in
// whole milliseconds. Zero is for good. Readers allow for 60 s of clock skew.
func (s *IronSealer) WithTTL(d time.Duration) *IronSealer {
	c := *s
	c.ttl = d
	return &c
}

// WithClock returns a copy of s that tells the time by now.
func (s *IronSealer) WithClock(now func() time.Time) *IronSealer {
	c := *s
	c.now = now
	return &c
}

const (
	ironPrefix     = "Fe26.2"
	ironPasswordID = "1"
	ironVersion    = "2"    // of what iron-session seals, behind a ~
	ironParts      = 8      // between asterisks
	ironSalt       = 64     // hexadecimal digits, themselves the salt
	ironMaxID      = 64     // characters of a password ID
	ironMaxDigits  = 16     // of an expiration
	ironIterations = 1      // the password is random, so there is nothing to stretch
	ironSkew       = 60_000 // milliseconds
)

// Seal implements [Sealer].
func (s *IronSealer) Seal(plaintext []byte) (string, error) {
	if len(plaintext) == 0 {
		return "", errors.New("seal: nothing to seal")
	}
	password, salt, macSalt := s.passwords[0], newIronSalt(), newIronSalt()
	block, err := ironCipher(password, salt)
	if err != nil {
		return "", err
	}
	iv := make([]byte, aes.BlockSize)
	rand.Read(iv) // never fails: crypto/rand ends the program instead
	padding := aes.BlockSize - len(plaintext)%aes.BlockSize
	octets := make([]byte, len(plaintext)+padding)
	for i := copy(octets, plaintext); i < len(octets); i++ {
		octets[i] = byte(padding) // PKCS #7 (RFC 5652, section 6.3)
	}
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(octets, octets)

	expiration := ""
	if s.ttl != 0 {
		expiration = strconv.FormatInt(s.now().Add(s.ttl).UnixMilli(), 10)
	}
	authenticated := strings.Join([]string{ironPrefix, ironPasswordID, salt,
		base64.RawURLEncoding.EncodeToString(iv), base64.RawURLEncoding.EncodeToString(octets), expiration}, "*")
	mac, err := ironMAC(password, macSalt, authenticated)
	if err != nil {
		return "", err
	}
	return checkLength(authenticated + "*" + macSalt + "*" + base64.RawURLEncoding.EncodeToString(mac) + "~" + ironVersion)
}

// Open implements [Sealer]. An error says what was wrong: not this format, no
// password's mac, or expired.
func (s *IronSealer) Open(text string) ([]byte, error) {
	seal, err := parseIron(text)
	if err != nil {
		return nil, err
	}
	password, err := s.passwordOf(seal)
	if err != nil {
		return nil, err
	}
	if seal.expires && seal.expiration <= s.now().UnixMilli()-ironSkew {
		return nil, refusal("expired at " + time.UnixMilli(seal.expiration).UTC().Format(time.RFC3339))
	}
	block, err := ironCipher(password, seal.salt)
	if err != nil {
		return nil, err
	}
	octets := seal.ciphertext
	cipher.NewCBCDecrypter(block, seal.iv).CryptBlocks(octets, octets)
	// Only who knows the password could have made wrong padding: there is no
	// oracle in telling.
	padding := int(octets[len(octets)-1])
	if padding == 0 || padding > aes.BlockSize {
		return nil, refusal("padded as the iron format is not")
	}
	for _, octet := range octets[len(octets)-padding:] {
		if int(octet) != padding {
			return nil, refusal("padded as the iron format is not")
		}
	}
	return octets[:len(octets)-padding], nil
}

// passwordOf finds the password that a seal was made with, by its mac.
func (s *IronSealer) passwordOf(seal *ironSeal) (string, error) {
	for _, password := range s.passwords {
		mac, err := ironMAC(password, seal.macSalt, seal.authenticated)
		if err != nil {
			return "", err
		}
		if hmac.Equal(mac, seal.mac) {
			return password, nil
		}
	}
	return "", refusal(fmt.Sprintf("the mac is none of the passwords' (the text names password ID %q)", seal.passwordID))
}

// ironSeal is a text of the format, taken apart. Nothing of it is
// authenticated yet.
type ironSeal struct {
	authenticated string // what the mac is of
	passwordID    string
	salt, macSalt string
	iv, mac       []byte
	ciphertext    []byte
	expires       bool
	expiration    int64 // milliseconds since 1970
}

// parseIron holds each part against the length and the characters that the
// format gives it, all before any cryptography.
func parseIron(text string) (*ironSeal, error) {
	if len(text) > maxLength {
		return nil, errTooLong
	}
	body, version, versioned := strings.Cut(text, "~")
	if versioned && version != ironVersion {
		return nil, refusal("of a version of iron-session other than " + ironVersion)
	}
	if n := strings.Count(body, "*") + 1; n != ironParts {
		return nil, refusal(fmt.Sprintf("%d parts; the iron format has %d", n, ironParts))
	}
	parts := strings.Split(body, "*")
	seal := &ironSeal{
		passwordID:    parts[1],
		salt:          parts[2],
		macSalt:       parts[6],
		authenticated: body[:len(body)-len(parts[6])-len(parts[7])-2],
	}
	if parts[0] != ironPrefix {
		return nil, refusal("not of the iron format, version " + ironPrefix)
	}
	if len(parts[1]) > ironMaxID || strings.ContainsFunc(parts[1], notWord) {
		return nil, refusal("a password ID that is none")
	}
	for _, salt := range []string{seal.salt, seal.macSalt} {
		if len(salt) != ironSalt || strings.ContainsFunc(salt, notLowerHex) {
			return nil, refusal("a salt that is none")
		}
	}
	var ok bool
	if seal.iv, ok = decodeBase64url(parts[3]); !ok || len(seal.iv) != aes.BlockSize {
		return nil, refusal("an initialization vector that is none")
	}
	if seal.ciphertext, ok = decodeBase64url(parts[4]); !ok || len(seal.ciphertext) == 0 || len(seal.ciphertext)%aes.BlockSize != 0 {
		return nil, refusal("a ciphertext that is none")
	}
	if expiration := parts[5]; expiration != "" {
		milliseconds, err := strconv.ParseInt(expiration, 10, 64)
		if err != nil || milliseconds <= 0 || len(expiration) > ironMaxDigits || expiration[0] == '0' || expiration[0] == '+' {
			return nil, refusal("an expiration that is none")
		}
		seal.expires, seal.expiration = true, milliseconds
	}
	if seal.mac, ok = decodeBase64url(parts[7]); !ok || len(seal.mac) != sha256.Size {
		return nil, refusal("a mac that is none")
	}
	return seal, nil
}

func newIronSalt() string {
	octets := make([]byte, ironSalt/2)
	rand.Read(octets)
	return hex.EncodeToString(octets)
}

// ironKey derives a key from a password. The salt is the text of its digits.
func ironKey(password, salt string) ([]byte, error) {
	key, err := pbkdf2.Key(sha1.New, password, []byte(salt), ironIterations, keyLength)
	if err != nil {
		return nil, fmt.Errorf("seal: derive the iron key: %w", err)
	}
	return key, nil
}

func ironCipher(password, salt string) (cipher.Block, error) {
	key, err := ironKey(password, salt)
	if err != nil {
		return nil, err
	}
	return aes.NewCipher(key)
}

func ironMAC(password, salt, text string) ([]byte, error) {
	key, err := ironKey(password, salt)
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil), nil
}

// decodeBase64url accepts one spelling of some octets only. encoding/base64
// skips line breaks.
func decodeBase64url(text string) ([]byte, bool) {
	octets, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return octets, err == nil && !strings.ContainsAny(text, "\r\n")
}

func notLowerHex(r rune) bool { return !('0' <= r && r <= '9' || 'a' <= r && r <= 'f') }

func notWord(r rune) bool {
	return !('0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || r == '_')
}
