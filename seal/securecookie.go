// The default format: gorilla/securecookie with derived keys.

package seal

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

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
// The text encodes securecookie's output anew, because securecookie encodes each byte
// in base64 twice. It is a quarter shorter, and securecookie itself does not read it.
//
// The Sealer also opens what [Compact] sealed for the same purpose with one of the
// passwords. So an application can change to Compact and back without ending sessions:
// it seals with Compact as soon as all of its instances open both formats.
//
// securecookie's own limits on age and length are off. The caller decides how
// long a session lasts and how many cookies hold it.
func SecureCookie(purpose string, passwords ...string) (Sealer, error) {
	if err := checkSettings(purpose, passwords); err != nil {
		return nil, err
	}
	compact, err := newCompact(purpose, passwords)
	if err != nil {
		return nil, err
	}
	if compact.check() != nil {
		compact = nil // with GODEBUG=fips140=only
	}
	s := &secureCookie{name: purpose, compact: compact}
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
	name    string
	codecs  []*securecookie.SecureCookie // the first seals
	compact *compactSealer               // opens, and never seals; nil if this program cannot use the format
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
	return pack(text)
}

func (s *secureCookie) Open(text string) ([]byte, error) {
	if strings.HasPrefix(text, compactPrefix) {
		if s.compact == nil {
			return nil, openError("it is in the compact format, which this program cannot use")
		}
		return s.compact.Open(text)
	}
	unpacked, ok := unpack(text)
	if !ok {
		return nil, ErrOpen
	}
	for _, codec := range s.codecs {
		var plaintext []byte
		if err := codec.Decode(s.name, unpacked, &plaintext); err == nil {
			return plaintext, nil
		}
	}
	return nil, ErrOpen
}

// macLength is the length of an HMAC-SHA256, in bytes.
const macLength = sha256.Size

// pack makes a text of securecookie a quarter shorter. That text is the base64 of
// "date|value|mac", and the value in it is the base64 of the ciphertext: its bytes
// are encoded twice. The packed text is the base64 of the date as a varint, the MAC
// and the ciphertext.
func pack(text string) (string, error) {
	decoded, err := base64.URLEncoding.DecodeString(text)
	parts := bytes.SplitN(decoded, []byte("|"), 3)
	if err != nil || len(parts) != 3 || len(parts[2]) != macLength {
		return "", errors.New("seal: securecookie returned a text of an unknown form")
	}
	date, err := strconv.ParseUint(string(parts[0]), 10, 63)
	if err != nil {
		return "", errors.New("seal: the system's clock is before 1970")
	}
	ciphertext, err := base64.URLEncoding.DecodeString(string(parts[1]))
	if err != nil {
		return "", errors.New("seal: securecookie returned a value of an unknown form")
	}
	packed := binary.AppendUvarint(make([]byte, 0, binary.MaxVarintLen64+macLength+len(ciphertext)), date)
	packed = append(packed, parts[2]...)
	return base64.RawURLEncoding.EncodeToString(append(packed, ciphertext...)), nil
}

// buffers holds *[]byte values for the decoding of texts: every session that is not cached
// is opened. They hold ciphertext only.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// strictEncoding refuses unused bits of the last character that are not zero.
var strictEncoding = base64.RawURLEncoding.Strict()

// decodeInto decodes base64url into a buffer. The octets are valid until the buffer is
// used again. It accepts only the canonical encoding. encoding/base64 skips line breaks,
// so they are refused here.
func decodeInto(buffer *[]byte, text string) (octets []byte, ok bool) {
	if strings.IndexByte(text, '\n') >= 0 || strings.IndexByte(text, '\r') >= 0 {
		return nil, false
	}
	most := strictEncoding.DecodedLen(len(text))
	octets = slices.Grow((*buffer)[:0], most)[:most]
	n, err := strictEncoding.Decode(octets, []byte(text))
	*buffer = octets[:n]
	return octets[:n], err == nil
}

// unpack returns the text of securecookie that pack has packed. It accepts only the
// canonical encodings: an altered text could open if a varint had leading zeros. The
// result is its only allocation.
func unpack(text string) (string, bool) {
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	packed, ok := decodeInto(buffer, text)
	if !ok {
		return "", false
	}
	date, n := binary.Uvarint(packed)
	var canonical [binary.MaxVarintLen64]byte
	if n <= 0 || len(packed) < n+macLength || n != binary.PutUvarint(canonical[:], date) {
		return "", false
	}
	mac, ciphertext := packed[n:n+macLength], packed[n+macLength:]
	all := packed
	start := len(all)
	all = strconv.AppendUint(all, date, 10)
	all = append(all, '|')
	all = base64.URLEncoding.AppendEncode(all, ciphertext)
	all = append(all, '|')
	all = append(all, mac...)
	end := len(all)
	all = base64.URLEncoding.AppendEncode(all, all[start:end])
	*buffer = all
	return string(all[end:]), true
}
