// Webhooks: the signature of a delivery, and the event in it.

package workos

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// WebhookSignatureHeader is the header with the signature of a webhook.
	WebhookSignatureHeader = "WorkOS-Signature"

	// WebhookTolerance is the greatest difference between the time of a signature and the time of its check, in both
	// directions. It is that of WorkOS's libraries.
	WebhookTolerance = 180 * time.Second

	// MaxWebhookBody is the greatest size of a webhook, in bytes.
	MaxWebhookBody = 1 << 20
)

// maxSignatures limits the v1 values of a header. WorkOS sends one, and more only while a secret is replaced.
const maxSignatures = 16

// The errors of [ParseWebhook]. Their texts show no secret, no signature and nothing of the body.
var (
	// ErrWebhookTooLarge reports a body of more than [MaxWebhookBody] bytes.
	ErrWebhookTooLarge = errors.New("body too large")

	// ErrWebhookSignature reports that the signature is missing, is malformed, or does not match the body. Anyone can cause
	// it.
	ErrWebhookSignature = errors.New("invalid signature")

	// ErrWebhookTimestamp reports a signature of one of the secrets whose time is not within [WebhookTolerance], or not in
	// milliseconds. Someone repeats an old delivery, or the clock of this machine is wrong.
	ErrWebhookTimestamp = errors.New("timestamp out of tolerance")

	// ErrWebhookBody reports a body that is signed by one of the secrets but is not an event.
	ErrWebhookBody = errors.New("not an event")
)

// ParseWebhook verifies a webhook that WorkOS has sent and returns its event. header is the header of the request. body is
// the body as it was received, byte by byte: if a middleware or a proxy has decoded the JSON and encoded it again, the
// signature does not match. now is the time. secrets are the secrets of the webhook endpoint ([WebhookEndpoint].Secret):
// several, while a secret is replaced. ParseWebhook panics if there is none or if one is empty, because the signature of an
// empty secret is no proof.
//
//	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, workos.MaxWebhookBody))
//	if err != nil {
//		return err
//	}
//	event, err := workos.ParseWebhook(r.Header, body, time.Now(), secret)
//
// The header is "WorkOS-Signature: t=TIME, v1=SIGNATURE". TIME is in milliseconds since 1970, and SIGNATURE is the
// HMAC-SHA256 of TIME, a full stop and the body, as hexadecimal digits. One of up to 16 v1 values must match. Values with
// other names are ignored. The header must come once and have one t. Signatures are compared in constant time. The time
// is checked last, so [ErrWebhookTimestamp] reports an authentic signature. The emulator of WorkOS's command-line package
// signs seconds: such a signature is ErrWebhookTimestamp with a text that says so. Further errors are
// [ErrWebhookTooLarge], [ErrWebhookSignature] and [ErrWebhookBody]; use [errors.Is].
//
// ParseWebhook keeps nothing. So it accepts a delivery that is repeated within [WebhookTolerance]. WorkOS repeats
// deliveries by itself: until it gets a 2xx status, up to six times in three days, in any order, each with a new signature.
// The caller must distinguish events by their ID, or do nothing wrong if it handles one twice.
//
// See https://workos.com/docs/events/data-syncing/webhooks
func ParseWebhook(header http.Header, body []byte, now time.Time, secrets ...string) (Event, error) {
	if len(secrets) == 0 {
		panic("workos: ParseWebhook: no secret")
	}
	for _, secret := range secrets {
		if secret == "" {
			panic("workos: ParseWebhook: a secret is empty")
		}
	}
	if err := verifyWebhook(header.Values(WebhookSignatureHeader), body, now, secrets); err != nil {
		return Event{}, err
	}
	var event Event
	if err := json.Unmarshal(body, &event); err != nil {
		return Event{}, webhookError(ErrWebhookBody, describeDecodeError(err))
	}
	if err := event.validate(); err != nil {
		return Event{}, webhookError(ErrWebhookBody, err.Error())
	}
	return event, nil
}

// verifyWebhook checks the signature of a body, given the values of its header.
func verifyWebhook(values []string, body []byte, now time.Time, secrets []string) error {
	if len(body) > MaxWebhookBody {
		return webhookError(ErrWebhookTooLarge, fmt.Sprintf("more than %d bytes", MaxWebhookBody))
	}
	signed, err := parseSignatureHeader(values)
	if err != nil {
		return err
	}
	if !signed.matches(body, secrets) {
		return webhookError(ErrWebhookSignature, "it matches none of the secrets, or the body was changed on its way")
	}
	return signed.checkTime(now)
}

// webhookSignature is a signature header.
type webhookSignature struct {
	timestamp    string // as it was signed
	milliseconds int64
	signatures   [][]byte
}

// parseSignatureHeader reads the values of the signature header. Values of other schemes than v1 are ignored, as are v1
// values that are no HMAC-SHA256.
func parseSignatureHeader(values []string) (*webhookSignature, error) {
	fault := func(text string) error { return webhookError(ErrWebhookSignature, "the header "+text) }
	switch {
	case len(values) == 0 || len(values) == 1 && strings.TrimSpace(values[0]) == "":
		return nil, fault("is missing")
	case len(values) > 1:
		return nil, fault("came more than once")
	case len(values[0]) > maxSignatureHeader:
		return nil, fault(fmt.Sprintf("is longer than %d bytes", maxSignatureHeader))
	}
	var s webhookSignature
	found := 0
	for part := range strings.SplitSeq(values[0], ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		switch {
		case !ok:
			return nil, fault(`is malformed: want "t=…, v1=…"`)
		case name == "t" && s.timestamp != "":
			return nil, fault("has several timestamps")
		case name == "t":
			s.timestamp = value
			// 15 digits reach beyond the year 30,000. ParseUint accepts no sign and no space.
			milliseconds, err := strconv.ParseUint(value, 10, 63)
			if err != nil || len(value) > 15 {
				return nil, fault("has a timestamp that is not a number of milliseconds")
			}
			s.milliseconds = int64(milliseconds)
		case name == "v1":
			if found++; found > maxSignatures {
				return nil, fault(fmt.Sprintf("has more than %d signatures", maxSignatures))
			}
			if signature, err := hex.DecodeString(value); err == nil && len(signature) == sha256.Size {
				s.signatures = append(s.signatures, signature)
			}
		}
	}
	switch {
	case s.timestamp == "":
		return nil, fault("has no timestamp")
	case found == 0:
		return nil, fault("has no v1 signature")
	}
	return &s, nil
}

// matches reports whether one of the signatures is that of one of the secrets. It compares every pair, so the time does
// not depend on which one matches.
func (s *webhookSignature) matches(body []byte, secrets []string) bool {
	matches := false
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(s.timestamp))
		mac.Write([]byte("."))
		mac.Write(body)
		want := mac.Sum(nil)
		for _, signature := range s.signatures {
			matches = hmac.Equal(signature, want) || matches
		}
	}
	return matches
}

// leastMilliseconds is in 1973 as milliseconds and in the year 5138 as seconds: a smaller timestamp is in seconds.
const leastMilliseconds = 100_000_000_000

// checkTime checks the time of a signature that matches.
func (s *webhookSignature) checkTime(now time.Time) error {
	if s.milliseconds < leastMilliseconds {
		return webhookError(ErrWebhookTimestamp, "the timestamp is in seconds, want milliseconds; WorkOS signs milliseconds, an emulator may not")
	}
	switch difference := now.Sub(time.UnixMilli(s.milliseconds)); {
	case difference > WebhookTolerance:
		return webhookError(ErrWebhookTimestamp, fmt.Sprintf("signed more than %s ago; an old delivery, or this clock is ahead", WebhookTolerance))
	case difference < -WebhookTolerance:
		return webhookError(ErrWebhookTimestamp, fmt.Sprintf("signed more than %s in the future; this clock is behind", WebhookTolerance))
	}
	return nil
}

func webhookError(kind error, fault string) error {
	return fmt.Errorf("workos: webhook: %w: %s", kind, fault)
}
