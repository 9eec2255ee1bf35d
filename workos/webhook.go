// Webhooks: the signature of a delivery, and the event in it.

package workos

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

const (
	// WebhookSignatureHeader is the header with the signature of a webhook.
	WebhookSignatureHeader = signatureHeader

	// WebhookTolerance is the greatest difference between the time of a signature and the time of its check, in both
	// directions. It is that of WorkOS's libraries.
	WebhookTolerance = 180 * time.Second

	// MaxWebhookBody is the greatest size of a webhook, in bytes.
	MaxWebhookBody = maxSignedBody
)

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
// several, while a secret is replaced. ParseWebhook panics without a secret and if one is empty, because the signature of an
// empty secret is no proof.
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
	if err := verifyWebhook(header, body, now, secrets); err != nil {
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

// verifyWebhook checks the signature of a body.
func verifyWebhook(header http.Header, body []byte, now time.Time, secrets []string) error {
	if len(body) > MaxWebhookBody {
		return webhookError(ErrWebhookTooLarge, fmt.Sprintf("more than %d bytes", MaxWebhookBody))
	}
	switch _, fault := verifySignature(header, body, now, WebhookTolerance, secrets); {
	case fault == nil:
		return nil
	case fault.authentic:
		return webhookError(ErrWebhookTimestamp, fault.text)
	default:
		return webhookError(ErrWebhookSignature, fault.text)
	}
}

func webhookError(kind error, fault string) error {
	return fmt.Errorf("workos: webhook: %w: %s", kind, fault)
}
