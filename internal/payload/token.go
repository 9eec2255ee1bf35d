// The access token of a session, as its decoded parts.

package payload

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/authkit-go/authkit/internal/fields"
	"github.com/authkit-go/authkit/internal/heapsize"
	"github.com/authkit-go/authkit/jwks"
)

// Token is an access token. A JWT is kept as its parts, decoded from base64url: that is a
// quarter shorter, it is what a seal contains, and the parts can be verified without the
// text. Any other token is kept as its text. The zero value is no token.
type Token struct {
	_     [0]func() // not comparable: see Equal
	parts jwks.Parts
	text  string // "" if parts holds the token
}

// NewToken returns the token with this text.
func NewToken(text string) Token {
	if parts, ok := splitToken(text); ok {
		return Token{parts: parts}
	}
	return Token{text: text}
}

// UnsplitToken is NewToken for a token that is not sealed: it keeps the text.
func UnsplitToken(text string) Token { return Token{text: text} }

// splitToken decodes the base64url encoding of the three parts of a JWT (RFC 7515,
// section 7.1). It reports false for a token that Text would not restore exactly.
func splitToken(token string) (jwks.Parts, bool) {
	segments := strings.Split(token, ".")
	if len(segments) != 3 || token == ".." || strings.ContainsAny(token, "\r\n") {
		return jwks.Parts{}, false
	}
	var octets []byte
	var ends [3]int
	for i, segment := range segments {
		var err error
		if octets, err = base64.RawURLEncoding.Strict().AppendDecode(octets, []byte(segment)); err != nil {
			return jwks.Parts{}, false
		}
		ends[i] = len(octets)
	}
	own := string(octets[ends[0]:]) // the payload and the signature share its memory
	payload := ends[1] - ends[0]
	return jwks.Parts{Header: repeatedText(octets[:ends[0]]), Payload: own[:payload], Signature: own[payload:]}, true
}

// IsZero reports whether there is no token.
func (t *Token) IsZero() bool { return t.text == "" && t.parts == jwks.Parts{} }

// Text returns the text of the token. It is made on each call.
func (t *Token) Text() string {
	if t.text != "" || t.IsZero() {
		return t.text
	}
	text := make([]byte, 0, base64.RawURLEncoding.EncodedLen(t.octets())+len(".."))
	for i, part := range t.list() {
		if i > 0 {
			text = append(text, '.')
		}
		text = base64.RawURLEncoding.AppendEncode(text, []byte(part))
	}
	return string(text)
}

func (t *Token) list() [3]string {
	return [...]string{t.parts.Header, t.parts.Payload, t.parts.Signature}
}

func (t *Token) octets() int {
	return len(t.parts.Header) + len(t.parts.Payload) + len(t.parts.Signature)
}

// size returns the bytes that the token takes in memory. A header of the usual length is
// shared with other sessions (repeatedText).
func (t *Token) size() int {
	size := heapsize.Texts(t.text) + heapsize.Texts(t.parts.Payload, t.parts.Signature)
	if len(t.parts.Header) > maxRepeated {
		size += heapsize.Texts(t.parts.Header)
	}
	return size
}

// Equal reports whether two tokens have the same text.
func (t *Token) Equal(other *Token) bool {
	if t.text == "" && other.text == "" {
		return t.parts == other.parts
	}
	return t.Text() == other.Text()
}

// Verify verifies the token, as [jwks.Verifier.Verify] does.
func (t *Token) Verify(ctx context.Context, v *jwks.Verifier) (*jwks.Claims, error) {
	if t.text != "" {
		return v.Verify(ctx, t.text)
	}
	return v.VerifyParts(ctx, t.parts)
}

// UnverifiedClaims returns the claims of the token, as [jwks.UnverifiedClaims] does.
func (t *Token) UnverifiedClaims() (*jwks.Claims, error) {
	if t.text != "" {
		return jwks.UnverifiedClaims(t.text)
	}
	return jwks.UnverifiedPartsClaims(t.parts)
}

// pack returns the parts of the token, each behind its length. Sealing encodes all bytes
// in base64 again, so the cookie becomes a quarter smaller. pack reports false for a token
// that is kept as its text and cannot be split.
func (t *Token) pack() ([]byte, bool) {
	split := *t
	if t.text != "" {
		split = NewToken(t.text)
	}
	if split.text != "" || split.IsZero() {
		return nil, false
	}
	packed := make([]byte, 0, split.octets()+3*binary.MaxVarintLen16)
	for _, part := range split.list() {
		packed = binary.AppendUvarint(packed, uint64(len(part)))
		packed = append(packed, part...)
	}
	return packed, true
}

// place returns where the payload of the token contains a text: its position and its
// length. It reports false if the payload does not contain it, or if the token is not kept
// as its parts.
func (t *Token) place(text string) ([]byte, bool) {
	at := strings.Index(t.parts.Payload, text)
	if at < 0 || text == "" {
		return nil, false
	}
	return binary.AppendUvarint(binary.AppendUvarint(nil, uint64(at)), uint64(len(text))), true
}

// at returns the text at a place.
func (t *Token) at(place []byte) (string, error) {
	at, n := binary.Uvarint(place)
	if n <= 0 || at > uint64(len(t.parts.Payload)) {
		return "", errMalformedToken
	}
	length, m := binary.Uvarint(place[n:])
	if m <= 0 || n+m != len(place) || length == 0 || length > uint64(len(t.parts.Payload))-at {
		return "", errMalformedToken
	}
	return t.parts.Payload[at : at+length], nil
}

var errMalformedToken = fmt.Errorf("%w: access token", fields.ErrEncoding)

// unpackToken returns the token that pack has packed.
func unpackToken(packed []byte) (Token, error) {
	var begin, end [3]int
	at := 0
	for i := range begin {
		length, n := binary.Uvarint(packed[at:])
		if n <= 0 || length > uint64(len(packed)-at-n) {
			return Token{}, errMalformedToken
		}
		begin[i], end[i] = at+n, at+n+int(length)
		at = end[i]
	}
	if at < len(packed) {
		return Token{}, errMalformedToken
	}
	const header, payload, signature = 0, 1, 2
	own := string(packed[begin[payload]:]) // the payload and the signature share its memory
	t := Token{parts: jwks.Parts{
		Header:    repeatedText(packed[begin[header]:end[header]]),
		Payload:   own[:end[payload]-begin[payload]],
		Signature: own[begin[signature]-begin[payload]:],
	}}
	if t.octets() == 0 {
		t.text = ".."
	}
	return t, nil
}
