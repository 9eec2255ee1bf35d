// The signature of what WorkOS sends: the header WorkOS-Signature of webhooks and Action requests.

package workos

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	signatureHeader = "WorkOS-Signature"

	// maxSignedBody is the most bytes of a signed body that are read or verified.
	maxSignedBody = 1 << 20

	// maxSignatureHeader limits the length of the header.
	maxSignatureHeader = 4 << 10

	// maxSignatures limits the v1 values of a header. WorkOS sends one, and more only while a secret is replaced.
	maxSignatures = 16

	// leastMilliseconds is in 1973 as milliseconds and in the year 5138 as seconds: a smaller timestamp is in seconds.
	leastMilliseconds = 100_000_000_000
)

// signatureFault is why a signature is refused. Its text shows no signature, no secret and no part of the body.
type signatureFault struct {
	text string
	// authentic says that one of the secrets has made the signature, and that only its time is wrong.
	authentic bool
}

func (f *signatureFault) Error() string { return f.text }

func headerFault(text string) *signatureFault { return &signatureFault{text: "the header " + text} }

// verifySignature checks the signature of a body as it was received, and that its time differs from now by tolerance at
// most, in both directions. It returns the index of the first secret that has made one of the signatures. The time is
// checked last, so a fault of the time is about a signature that WorkOS has made.
//
// See https://workos.com/docs/events/data-syncing/webhooks and https://workos.com/docs/authkit/actions
func verifySignature(header http.Header, body []byte, now time.Time, tolerance time.Duration, secrets []string) (secret int, fault *signatureFault) {
	signed, fault := parseSignatureHeader(header.Values(signatureHeader))
	if fault != nil {
		return 0, fault
	}
	if secret = signed.secretOf(body, secrets); secret < 0 {
		return 0, &signatureFault{text: "it matches none of the secrets, or the body was changed on its way"}
	}
	return secret, signed.checkTime(now, tolerance)
}

// parsedSignature is a signature header.
type parsedSignature struct {
	timestamp    string // as it was signed
	milliseconds int64
	signatures   [][]byte
}

// parseSignatureHeader reads the values of the signature header. Values of other schemes than v1 are ignored, as are v1
// values that are no HMAC-SHA256. A request with several headers is refused, because two programs could look at different
// ones.
func parseSignatureHeader(values []string) (*parsedSignature, *signatureFault) {
	switch {
	case len(values) == 0 || len(values) == 1 && strings.TrimSpace(values[0]) == "":
		return nil, headerFault("is missing")
	case len(values) > 1:
		return nil, headerFault("came more than once")
	case len(values[0]) > maxSignatureHeader:
		return nil, headerFault(fmt.Sprintf("is longer than %d bytes", maxSignatureHeader))
	}
	var s parsedSignature
	found, timed := 0, false
	for part := range strings.SplitSeq(values[0], ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		switch {
		case !ok:
			return nil, headerFault(`is malformed: want "t=…, v1=…"`)
		case name == "t" && timed:
			return nil, headerFault("has several timestamps")
		case name == "t":
			timed = true
			s.timestamp = value
			// 15 digits reach beyond the year 30,000. ParseUint accepts no sign and no space.
			milliseconds, err := strconv.ParseUint(value, 10, 63)
			if err != nil || len(value) > 15 {
				return nil, headerFault("has a timestamp that is not a number of milliseconds")
			}
			s.milliseconds = int64(milliseconds)
		case name == "v1":
			if found++; found > maxSignatures {
				return nil, headerFault(fmt.Sprintf("has more than %d signatures", maxSignatures))
			}
			if signature, err := hex.DecodeString(value); err == nil && len(signature) == sha256.Size {
				s.signatures = append(s.signatures, signature)
			}
		}
	}
	switch {
	case !timed:
		return nil, headerFault("has no timestamp")
	case found == 0:
		return nil, headerFault("has no v1 signature")
	}
	return &s, nil
}

// secretOf returns the index of the first secret that has made one of the signatures, or -1. It compares every pair, so the
// time does not depend on which one matches.
func (s *parsedSignature) secretOf(body []byte, secrets []string) int {
	found := -1
	for i, secret := range secrets {
		want := signature(s.timestamp, body, secret)
		for _, signature := range s.signatures {
			if hmac.Equal(signature, want) && found < 0 {
				found = i
			}
		}
	}
	return found
}

// checkTime checks the time of a signature that one of the secrets has made.
func (s *parsedSignature) checkTime(now time.Time, tolerance time.Duration) *signatureFault {
	fault := func(text string) *signatureFault { return &signatureFault{text: text, authentic: true} }
	if s.milliseconds < leastMilliseconds {
		return fault("the timestamp is in seconds, want milliseconds; WorkOS signs milliseconds, an emulator may not")
	}
	switch difference := now.Sub(time.UnixMilli(s.milliseconds)); {
	case difference > tolerance:
		return fault(fmt.Sprintf("signed more than %s ago; it is repeated, or this clock is ahead", tolerance))
	case difference < -tolerance:
		return fault(fmt.Sprintf("signed more than %s in the future; this clock is behind", tolerance))
	}
	return nil
}

// signature returns the HMAC-SHA256 of a timestamp, a full stop and a body.
func signature(timestamp string, body []byte, secret string) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(timestamp + "."))
	mac.Write(body)
	return mac.Sum(nil)
}
