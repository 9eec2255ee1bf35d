// The signature of a request that WorkOS sends: the header WorkOS-Signature.

package workos

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	signatureHeader = "WorkOS-Signature"

	// maxSignedBody is the most bytes of a signed body that are read or verified.
	maxSignedBody = 1 << 20

	// maxSignatureHeader limits the length of the header, and so the number of signatures that are compared.
	maxSignatureHeader = 4096

	// firstMilliseconds is 3 March 1973 as a number of milliseconds, and the year 5138 as a number of seconds. A smaller
	// timestamp is a number of seconds.
	firstMilliseconds = 100_000_000_000
)

// The reasons for which a signature is refused. None of them shows a signature, a secret or a part of the body.
var (
	errNoSignature        = errors.New("the header WorkOS-Signature is missing")
	errSeveralSignatures  = errors.New("the header WorkOS-Signature came more than once")
	errMalformedSignature = errors.New("the header WorkOS-Signature is not of the form t=<milliseconds>, v1=<hex>")
	errWrongSignature     = errors.New("no signature matches: the body was changed, or the secret is another")
	errSeconds            = errors.New("the timestamp is in seconds, and WorkOS sends milliseconds")
	errStale              = errors.New("the timestamp is too old")
	errFuture             = errors.New("the timestamp is in the future")
)

// signatureOf returns the value of the header WorkOS-Signature. A request with several is refused, because two programs
// could look at different ones.
func signatureOf(header http.Header) (string, error) {
	switch values := header.Values(signatureHeader); len(values) {
	case 0:
		return "", errNoSignature
	case 1:
		return values[0], nil
	default:
		return "", errSeveralSignatures
	}
}

// verifySignature checks the value of a WorkOS-Signature header, "t=<milliseconds>, v1=<hex>", over the bytes of a body as
// they arrived. It returns the index of the first secret that has made one of the signatures. The timestamp may differ from
// now by tolerance at most, in both directions. The order of the checks does not matter for the result; the signature comes
// first, so that an error about the timestamp is about a request that WorkOS has signed.
//
// See https://workos.com/docs/events/data-syncing/webhooks and https://workos.com/docs/authkit/actions
func verifySignature(value string, body []byte, now time.Time, tolerance time.Duration, secrets []string) (secret int, err error) {
	timestamp, signatures, err := parseSignature(value)
	if err != nil {
		return 0, err
	}
	secret = -1
	for i, candidate := range secrets {
		expected := signature(timestamp, body, candidate)
		for _, s := range signatures {
			if hmac.Equal(expected, s) && secret < 0 {
				secret = i
			}
		}
	}
	if secret < 0 {
		return 0, errWrongSignature
	}
	milliseconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return 0, errMalformedSignature
	}
	switch age := now.Sub(time.UnixMilli(milliseconds)); {
	case milliseconds < firstMilliseconds:
		return 0, errSeconds
	case age > tolerance:
		return 0, errStale
	case age < -tolerance:
		return 0, errFuture
	}
	return secret, nil
}

// parseSignature returns the timestamp of the header as it was sent, because this text is signed, and its v1 signatures.
// Members with another name are ignored.
func parseSignature(value string) (timestamp string, signatures [][]byte, err error) {
	if len(value) > maxSignatureHeader {
		return "", nil, errMalformedSignature
	}
	for member := range strings.SplitSeq(value, ",") {
		name, text, _ := strings.Cut(strings.TrimSpace(member), "=")
		switch name {
		case "t":
			if timestamp != "" || !isDecimal(text) {
				return "", nil, errMalformedSignature
			}
			timestamp = text
		case "v1":
			if s, err := hex.DecodeString(text); err == nil && len(s) == sha256.Size {
				signatures = append(signatures, s)
			}
		}
	}
	if timestamp == "" || len(signatures) == 0 {
		return "", nil, errMalformedSignature
	}
	return timestamp, signatures, nil
}

func isDecimal(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

// signature returns the HMAC-SHA256 of a timestamp, a full stop and a body.
func signature(timestamp string, body []byte, secret string) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(timestamp + "."))
	mac.Write(body)
	return mac.Sum(nil)
}
