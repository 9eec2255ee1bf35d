// The parser of the JWS compact serialization (RFC 7515 section 7.1). It also checks the header, before any cryptography.

package jwks

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
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

// base64url is the encoding of RFC 7515 section 2, in canonical form only. Package base64 skips CR and LF; decodeSegment
// refuses them.
var base64url = base64.RawURLEncoding.Strict()

// compact is a token in canonical form with an acceptable header. Its signature has not been checked.
type compact struct {
	text      string // the token
	keyID     string
	payload   string
	signed    string // the signing input: the first two segments and the dot between them
	signature []byte
}

func parseCompact(token string) (*compact, error) {
	if len(token) > maxTokenSize {
		return nil, &RefusedError{"token", fmt.Sprintf("at most %d bytes", maxTokenSize), fmt.Sprintf("%d bytes", len(token))}
	}
	if n := strings.Count(token, ".") + 1; n != 3 {
		return nil, &RefusedError{"token", "three segments", strconv.Itoa(n)}
	}
	header64, rest, _ := strings.Cut(token, ".")
	payload64, signature64, _ := strings.Cut(rest, ".")

	if len(header64) > maxHeaderSize {
		return nil, &RefusedError{"header", fmt.Sprintf("at most %d bytes", maxHeaderSize), fmt.Sprintf("%d bytes", len(header64))}
	}
	header, err := decodeSegment("header", header64)
	if err != nil {
		return nil, err
	}
	keyID, err := checkHeader(string(header))
	if err != nil {
		return nil, err
	}
	payload, err := decodeSegment("payload", payload64)
	if err != nil {
		return nil, err
	}
	signature, err := decodeSegment("signature", signature64)
	if err != nil {
		return nil, err
	}
	return &compact{
		text:      token,
		keyID:     keyID,
		payload:   string(payload),
		signed:    token[:len(header64)+1+len(payload64)],
		signature: signature,
	}, nil
}

func decodeSegment(part, segment string) ([]byte, error) {
	if segment == "" {
		return nil, &RefusedError{part, "a value", "an empty segment"}
	}
	decoded, err := base64url.DecodeString(segment)
	if err != nil || strings.ContainsAny(segment, "\r\n") {
		return nil, &RefusedError{part, "canonical base64url without padding", "another encoding"}
	}
	return decoded, nil
}

// forbiddenParameters are header parameters that change how a token must be verified. This package supports none of them.
var forbiddenParameters = []string{
	"crit",                     // RFC 7515 section 4.1.11: no extension is supported, so none may be critical
	"b64",                      // RFC 7797: an unencoded payload
	"jku", "jwk", "x5u", "x5c", // RFC 8725 section 3.10: the token must not choose the key that verifies it
}

// stringParameters are header parameters that RFC 7515 section 4.1 defines as strings. Their values are not used.
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
