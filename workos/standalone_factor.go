// Authentication factors that the application asks for itself, outside AuthKit's sign-in.

package workos

import (
	"context"
	"net/http"
)

// The types of an [AuthFactor].
const (
	AuthFactorTOTP       = "totp"        // codes of an authenticator
	AuthFactorSMS        = "sms"         // codes sent to a telephone by WorkOS
	AuthFactorGenericOTP = "generic_otp" // codes that the application delivers, see Code of [AuthChallenge]
	AuthFactorWebAuthn   = "webauthn"    // a passkey; cannot be enrolled with this package
)

// EnrollStandaloneAuthFactorParams are the parameters of [Client.EnrollStandaloneAuthFactor]. Type is required. A field with
// its zero value is omitted.
type EnrollStandaloneAuthFactorParams struct {
	Type        string `json:"type"`                   // AuthFactorTOTP, AuthFactorSMS or AuthFactorGenericOTP
	PhoneNumber string `json:"phone_number,omitempty"` // of AuthFactorSMS: in the format E.164, such as "+15005550006"
	Issuer      string `json:"totp_issuer,omitempty"`  // of AuthFactorTOTP: the application's name
	User        string `json:"totp_user,omitempty"`    // of AuthFactorTOTP: the account's name, usually an email address
	UserID      string `json:"user_id,omitempty"`      // the user whose factor it is
}

// EnrollStandaloneAuthFactor adds a factor for codes that the application asks for itself, for example before a payment. The
// application stores the ID of the factor. For a factor that AuthKit asks for at the next sign-in, call
// [Client.EnrollAuthFactor].
//
// A TOTP factor has its secret in this response only. There is no challenge yet: call [Client.ChallengeAuthFactor] or
// [Client.ChallengeSMSAuthFactor], and then [Client.VerifyAuthChallenge] with the code of the user.
//
// See https://workos.com/docs/reference/mfa
func (c *Client) EnrollStandaloneAuthFactor(ctx context.Context, p EnrollStandaloneAuthFactorParams) (*AuthFactor, error) {
	required := []argument{{"type", p.Type}}
	switch p.Type {
	case AuthFactorSMS:
		required = append(required, argument{"phone_number", p.PhoneNumber})
	case AuthFactorTOTP:
		required = append(required, argument{"totp_issuer", p.Issuer}, argument{"totp_user", p.User})
	}
	return fetch[AuthFactor](ctx, c, call{method: http.MethodPost, path: "/auth/factors/enroll", body: p, required: required})
}
