// The format of the AuthKit libraries: Fe26.2, which iron-session writes.

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
	clock     Clock
}

// Iron returns a [Sealer] for the format of iron-session and iron-webcrypto. The
// AuthKit libraries for Next.js, SvelteKit, TanStack and Node seal their
// sessions in it:
//
//	Fe26.2*<password ID>*<salt>*<iv>*<ciphertext>*<expiration>*<mac salt>*<mac>~2
//
// The ciphertext is AES-256-CBC with a key that PBKDF2 derives from the password
// and the salt. The mac is HMAC-SHA256 over all parts before the mac salt, with
// a key derived from the password and the mac salt. It is checked before
// anything is decrypted. Those libraries can read the plaintext only if it is
// JSON; this Sealer accepts any bytes.
//
// The first password seals, with the ID 1, the only ID that those libraries
// know. All passwords open, regardless of the ID, because iron-session gives
// each password of a rotation its own ID. A password must be valid UTF-8 and
// have at least 32 characters as JavaScript counts them (UTF-16 code units), not
// only 32 bytes. The error names each unusable password.
//
// A text does not expire unless [IronSealer.WithTTL] is used. A text does not
// contain its purpose: a text that was sealed for one purpose opens for any
// other with the same password. So check the content of what you open.
//
// Open also accepts the suffix ~1 and no suffix, as iron-session does. An earlier
// version wrote an object with the members persistent, which is the data, and
// flash. Open returns that object as it is. The mac does not cover the suffix, so
// it says nothing about the content.
//
// Texts over 32 KiB are neither sealed nor opened. With GODEBUG=fips140=only, which does not allow PBKDF2 with SHA-1, the error matches
// [errors.ErrUnsupported].
func Iron(passwords ...string) (*IronSealer, error) {
	if err := CheckPasswords(passwords...); err != nil {
		return nil, err
	}
	var faults []error
	for i, password := range passwords {
		if !utf8.ValidString(password) {
			faults = append(faults, fmt.Errorf("seal: password %d of %d is not valid UTF-8, which the iron format needs", i+1, len(passwords)))
		} else if n := len(utf16.Encode([]rune(password))); n < MinPasswordLength {
			faults = append(faults, fmt.Errorf("seal: password %d of %d is %d characters long; the iron format needs at least %d",
				i+1, len(passwords), n, MinPasswordLength))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	if _, err := ironKey(passwords[0], newIronSalt()); err != nil {
		return nil, fmt.Errorf("%w: %w", errors.ErrUnsupported, err) // with GODEBUG=fips140=only
	}
	return &IronSealer{passwords: append([]string{}, passwords...), clock: systemClock{}}, nil
}

// WithTTL returns a copy of s whose texts expire after d, in whole milliseconds.
// Zero means that they do not expire. Readers allow 60 seconds of clock skew.
func (s *IronSealer) WithTTL(d time.Duration) *IronSealer {
	c := *s
	c.ttl = d
	return &c
}

// WithClock returns a copy of s that uses clock instead of the system's clock.
func (s *IronSealer) WithClock(clock Clock) *IronSealer {
	c := *s
	c.clock = clock
	return &c
}

const (
	ironPrefix     = "Fe26.2"
	ironPasswordID = "1"
	ironVersion    = "2"    // of iron-session, after a ~
	ironEarlier    = "1"    // its version before
	ironParts      = 8      // separated by asterisks
	ironSalt       = 64     // hexadecimal digits; their text is the salt
	ironMaxID      = 64     // characters of a password ID
	ironMaxDigits  = 16     // of an expiration
	ironIterations = 1      // a random password needs no stretching
	ironSkew       = 60_000 // milliseconds
)

// Seal implements [Sealer].
func (s *IronSealer) Seal(plaintext []byte) (string, error) {
	if len(plaintext) == 0 {
		return "", errors.New("seal: the plaintext is empty")
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
		expiration = strconv.FormatInt(s.clock.Now().Add(s.ttl).UnixMilli(), 10)
	}
	authenticated := strings.Join([]string{ironPrefix, ironPasswordID, salt,
		base64.RawURLEncoding.EncodeToString(iv), base64.RawURLEncoding.EncodeToString(octets), expiration}, "*")
	mac, err := ironMAC(password, macSalt, authenticated)
	if err != nil {
		return "", err
	}
	return checkLength(authenticated + "*" + macSalt + "*" + base64.RawURLEncoding.EncodeToString(mac) + "~" + ironVersion)
}

// Open implements [Sealer]. The error says what is wrong: the text is
// malformed, its mac matches no password, or it has expired.
func (s *IronSealer) Open(text string) ([]byte, error) {
	seal, err := parseIron(text)
	if err != nil {
		return nil, err
	}
	password, err := s.passwordOf(seal)
	if err != nil {
		return nil, err
	}
	if seal.expires && seal.expiration <= s.clock.Now().UnixMilli()-ironSkew {
		return nil, openError("it expired at " + time.UnixMilli(seal.expiration).UTC().Format(time.RFC3339))
	}
	block, err := ironCipher(password, seal.salt)
	if err != nil {
		return nil, err
	}
	octets := seal.ciphertext
	cipher.NewCBCDecrypter(block, seal.iv).CryptBlocks(octets, octets)
	// The mac is valid, so only a holder of the password can have made wrong
	// padding. The error is no padding oracle.
	padding := int(octets[len(octets)-1])
	if padding == 0 || padding > aes.BlockSize {
		return nil, openError("invalid padding")
	}
	for _, octet := range octets[len(octets)-padding:] {
		if int(octet) != padding {
			return nil, openError("invalid padding")
		}
	}
	return octets[:len(octets)-padding], nil
}

// passwordOf returns the password whose mac the text has.
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
	return "", openError(fmt.Sprintf("its mac matches none of the passwords (it names password ID %q)", seal.passwordID))
}

// ironSeal holds the parts of a text. They are not authenticated yet.
type ironSeal struct {
	authenticated string // the parts that the mac covers
	passwordID    string
	salt, macSalt string
	iv, mac       []byte
	ciphertext    []byte
	expires       bool
	expiration    int64 // milliseconds since 1970
}

// parseIron splits a text and checks the length and the characters of each
// part, before any cryptography.
func parseIron(text string) (*ironSeal, error) {
	if len(text) > maxLength {
		return nil, errTooLong
	}
	body, version, versioned := strings.Cut(text, "~")
	if versioned && version != ironVersion && version != ironEarlier {
		return nil, openError("its iron-session version is neither " + ironEarlier + " nor " + ironVersion)
	}
	if n := strings.Count(body, "*") + 1; n != ironParts {
		return nil, openError(fmt.Sprintf("it has %d parts; the iron format has %d", n, ironParts))
	}
	parts := strings.Split(body, "*")
	seal := &ironSeal{
		passwordID:    parts[1],
		salt:          parts[2],
		macSalt:       parts[6],
		authenticated: body[:len(body)-len(parts[6])-len(parts[7])-2],
	}
	if parts[0] != ironPrefix {
		return nil, openError("it does not start with " + ironPrefix)
	}
	if len(parts[1]) > ironMaxID || strings.ContainsFunc(parts[1], notWord) {
		return nil, openError("invalid password ID")
	}
	for _, salt := range []string{seal.salt, seal.macSalt} {
		if len(salt) != ironSalt || strings.ContainsFunc(salt, notLowerHex) {
			return nil, openError("invalid salt")
		}
	}
	var ok bool
	if seal.iv, ok = decodeBase64url(parts[3]); !ok || len(seal.iv) != aes.BlockSize {
		return nil, openError("invalid initialization vector")
	}
	if seal.ciphertext, ok = decodeBase64url(parts[4]); !ok || len(seal.ciphertext) == 0 || len(seal.ciphertext)%aes.BlockSize != 0 {
		return nil, openError("invalid ciphertext")
	}
	if expiration := parts[5]; expiration != "" {
		milliseconds, err := strconv.ParseInt(expiration, 10, 64)
		if err != nil || milliseconds <= 0 || len(expiration) > ironMaxDigits || expiration[0] == '0' || expiration[0] == '+' {
			return nil, openError("invalid expiration")
		}
		seal.expires, seal.expiration = true, milliseconds
	}
	if seal.mac, ok = decodeBase64url(parts[7]); !ok || len(seal.mac) != sha256.Size {
		return nil, openError("invalid mac")
	}
	return seal, nil
}

func newIronSalt() string {
	octets := make([]byte, ironSalt/2)
	rand.Read(octets)
	return hex.EncodeToString(octets)
}

// ironKey derives a key from a password. The hexadecimal digits themselves are
// the salt, not the bytes that they encode.
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

// decodeBase64url accepts only the canonical encoding. encoding/base64 skips
// line breaks, so they are refused here.
func decodeBase64url(text string) ([]byte, bool) {
	octets, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return octets, err == nil && !strings.ContainsAny(text, "\r\n")
}

func notLowerHex(r rune) bool { return !('0' <= r && r <= '9' || 'a' <= r && r <= 'f') }

func notWord(r rune) bool {
	return !('0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || r == '_')
}
