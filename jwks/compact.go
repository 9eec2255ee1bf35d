// The parser of the JWS compact serialization (RFC 7515 section 7.1). It also checks the header, before any cryptography.

package jwks

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

const (
	// maxTokenSize bounds the work that a token can cause before its signature is checked. WorkOS limits the output of a
	// JWT template to 3072 bytes, so real tokens are much smaller.
	maxTokenSize = 16 << 10

	// maxHeaderSize bounds the header segment, which is read before the signature is checked. At WorkOS it has about 80
	// bytes.
	maxHeaderSize = 1 << 10

	maxKeyIDSize = 256
)

// base64url is the encoding of RFC 7515 section 2, in canonical form only. Package base64 skips CR and LF; parseCompact
// refuses them.
var base64url = base64.RawURLEncoding.Strict()

// Parts are the three parts of a token in the compact serialization, decoded from base64url (RFC 7515 section 7.1). They are as
// secret as the token. A caller that stores tokens decoded can have them verified without encoding them first.
type Parts struct {
	Header, Payload string // JSON
	Signature       string // octets
}

// compact is a token in canonical form with an acceptable header. Its signature has not been checked.
type compact struct {
	Parts
	text  string // the token, or "" if only its parts are known
	keyID string
}

// parseCompact parses a token. Its own checks are those of the encoding; newCompact makes all others.
func parseCompact(token string) (compact, error) {
	if err := checkTokenSize(len(token)); err != nil {
		return compact{}, err
	}
	if n := strings.Count(token, ".") + 1; n != 3 {
		return compact{}, &RefusedError{"token", "three segments", strconv.Itoa(n)}
	}
	header64, rest, _ := strings.Cut(token, ".")
	payload64, signature64, _ := strings.Cut(rest, ".")
	if err := checkHeaderSize(len(header64)); err != nil {
		return compact{}, err
	}
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	octets := (*buffer)[:0]
	var ends [3]int
	for i, segment := range [...]string{header64, payload64, signature64} {
		if strings.IndexByte(segment, '\r') >= 0 || strings.IndexByte(segment, '\n') >= 0 {
			return compact{}, errNotCanonical(i)
		}
		var err error
		octets, err = appendDecoded(octets, segment)
		*buffer = octets
		if err != nil {
			return compact{}, errNotCanonical(i)
		}
		ends[i] = len(octets)
	}
	all := string(octets)
	c, err := newCompact(Parts{all[:ends[0]], all[ends[0]:ends[1]], all[ends[1]:]})
	c.text = token
	return c, err
}

// newCompact checks the parts of a token: their sizes and the header.
func newCompact(p Parts) (compact, error) {
	header, payload, signature := base64url.EncodedLen(len(p.Header)), base64url.EncodedLen(len(p.Payload)), base64url.EncodedLen(len(p.Signature))
	if err := checkTokenSize(header + payload + signature + len("..")); err != nil {
		return compact{}, err
	}
	if err := checkHeaderSize(header); err != nil {
		return compact{}, err
	}
	if p.Header == "" {
		return compact{}, errEmptySegment(0)
	}
	keyID, err := checkHeader(p.Header)
	if err != nil {
		return compact{}, err
	}
	if p.Payload == "" {
		return compact{}, errEmptySegment(1)
	}
	if p.Signature == "" {
		return compact{}, errEmptySegment(2)
	}
	return compact{Parts: p, keyID: keyID}, nil
}

// buffers holds *[]byte values for decoded tokens and for signing inputs.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// appendDecoded appends the octets of a segment.
func appendDecoded(octets []byte, segment string) ([]byte, error) {
	start, most := len(octets), base64url.DecodedLen(len(segment))
	octets = slices.Grow(octets, most)
	n, err := base64url.Decode(octets[start:start+most], []byte(segment))
	return octets[:start+n], err
}

func checkTokenSize(n int) error {
	if n > maxTokenSize {
		return &RefusedError{"token", fmt.Sprintf("at most %d bytes", maxTokenSize), fmt.Sprintf("%d bytes", n)}
	}
	return nil
}

func checkHeaderSize(n int) error {
	if n > maxHeaderSize {
		return &RefusedError{"header", fmt.Sprintf("at most %d bytes", maxHeaderSize), fmt.Sprintf("%d bytes", n)}
	}
	return nil
}

var segmentNames = [...]string{"header", "payload", "signature"}

func errNotCanonical(segment int) error {
	return &RefusedError{segmentNames[segment], "canonical base64url without padding", "another encoding"}
}

func errEmptySegment(segment int) error {
	return &RefusedError{segmentNames[segment], "a value", "an empty segment"}
}

// appendSigned appends the signing input: the first two segments and the dot between them (RFC 7515 section 5.2).
func (c *compact) appendSigned(b []byte) []byte {
	if c.text != "" {
		return append(b, c.text[:strings.LastIndexByte(c.text, '.')]...)
	}
	return base64url.AppendEncode(append(base64url.AppendEncode(b, []byte(c.Header)), '.'), []byte(c.Payload))
}

// forbiddenParameters are header parameters that change how a token must be verified. This package supports none of them.
var forbiddenParameters = []string{
	"crit",                     // RFC 7515 section 4.1.11: no extension is supported, so none may be critical
	"b64",                      // RFC 7797: an unencoded payload
	"jku", "jwk", "x5u", "x5c", // RFC 8725 section 3.10: the token must not choose the key that verifies it
}

// stringParameters are header parameters that RFC 7515 section 4.1 defines as strings. The values of all but
// typ are not used.
var stringParameters = []string{"typ", "cty", "x5t", "x5t#S256"}

// checkHeader returns the key ID of an acceptable JOSE header. It ignores unknown parameters (RFC 7515 section 4).
//
// It refuses what JOSE libraries disagree on: white space around the object, and numbers outside the range of a float64
// (splitHeader).
func checkHeader(header string) (keyID string, err error) {
	var buffer [8]member
	params, err := splitHeader(header, buffer[:0])
	if err != nil {
		return "", &RefusedError{"header", "a JSON object with unique members", err.Error()}
	}
	if header[0] != '{' || header[len(header)-1] != '}' {
		return "", &RefusedError{"header", "a JSON object and nothing else", "white space around it"}
	}
	for _, name := range forbiddenParameters {
		if params.has(name) {
			return "", &RefusedError{name, "nothing", params.describe(name)}
		}
	}
	for _, name := range stringParameters {
		if !params.has(name) {
			continue
		}
		if _, ok := params.str(name); !ok {
			return "", &RefusedError{name, "a string", params.describe(name)}
		}
	}
	if typ, ok := params.str("typ"); ok && !isAccessTokenType(typ) {
		return "", &RefusedError{"typ", quote("JWT") + " or " + quote("at+jwt"), quote(typ)}
	}
	// RFC 8725 section 3.1: the verifier chooses the algorithm, not the token.
	if alg, ok := params.str("alg"); !ok {
		return "", &RefusedError{"alg", quote("RS256"), params.describe("alg")}
	} else if alg != "RS256" {
		return "", &RefusedError{"alg", quote("RS256"), quote(alg)}
	}
	keyID, ok := params.str("kid")
	if !ok || keyID == "" {
		return "", &RefusedError{"kid", "a key ID", params.describe("kid")}
	}
	if len(keyID) > maxKeyIDSize {
		return "", &RefusedError{"kid", fmt.Sprintf("at most %d bytes", maxKeyIDSize), fmt.Sprintf("%d bytes", len(keyID))}
	}
	return keyID, nil
}
