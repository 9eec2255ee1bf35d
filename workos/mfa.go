// Multi-factor authentication with time-based one-time passwords (TOTP, RFC 6238).

package workos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"time"
)

// AuthFactor is an authentication factor that a user has in addition to a password. Printed, logged or encoded as JSON,
// it shows no secret.
type AuthFactor struct {
	ID        string    `json:"id"`                // "auth_factor_…"
	Type      string    `json:"type"`              // an AuthFactor constant, such as AuthFactorTOTP
	UserID    string    `json:"user_id,omitempty"` // empty for a factor without a user
	TOTP      *TOTP     `json:"totp,omitempty"`    // nil for other types
	SMS       *SMS      `json:"sms,omitempty"`     // nil for other types
	CreatedAt time.Time `json:"created_at,omitzero"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

// TOTP is the account as an authenticator shows it and, only at enrollment, the secret for its codes. Printed, logged
// or encoded as JSON, it does not show the secret in any form.
type TOTP struct {
	Issuer string `json:"issuer"` // the application's name
	User   string `json:"user"`   // the account's name, usually an email address

	Secret string `json:"-"` // base32, for manual entry: HMAC-SHA-1, six digits, 30 s
	QRCode string `json:"-"` // a data: URI of a PNG that encodes URI, for an img element
	URI    string `json:"-"` // otpauth://totp/…
}

// SMS is the telephone number that receives the codes.
type SMS struct {
	PhoneNumber string `json:"phone_number"`
}

// AuthChallenge is a request for one code of one factor. Printed, logged or encoded as JSON, it does not show the code.
type AuthChallenge struct {
	ID                     string    `json:"id"` // "auth_challenge_…"
	AuthenticationFactorID string    `json:"authentication_factor_id"`
	ExpiresAt              time.Time `json:"expires_at,omitzero"` // zero for TOTP, because TOTP codes expire by themselves
	Code                   string    `json:"-"`                   // empty for TOTP
	CreatedAt              time.Time `json:"created_at,omitzero"`
	UpdatedAt              time.Time `json:"updated_at,omitzero"`
}

// AuthFactorEnrollment is a new factor and the challenge for its first code.
type AuthFactorEnrollment struct {
	Factor    AuthFactor    `json:"authentication_factor"`
	Challenge AuthChallenge `json:"authentication_challenge"`
}

// EnrollAuthFactorParams are the parameters of [Client.EnrollAuthFactor]. They say how an authenticator shows the
// account. All fields are optional. Printed, they show no secret.
type EnrollAuthFactorParams struct {
	Issuer string // the application's name
	User   string // the account's name
	// Secret is an existing TOTP secret in base32, for a user who enrolled in another system. If it is empty, WorkOS
	// generates one.
	Secret string `json:"-"`
}

// EnrollAuthFactor adds a TOTP factor to a user. Only this response contains the secret, as text, as QR code and as
// URI. The first code completes the enrollment. If a sign-in waits for it ([MFAEnrollmentError]), pass the code to
// [Client.AuthenticateWithTOTP], otherwise to [Client.VerifyAuthChallenge].
//
// WorkOS asks for a code of the factor at the next sign-in, also if the enrollment was not completed. A user who has left it
// has no code, and is locked out. So store the ID of the factor until its first code was right. If a sign-in asks for a
// stored one ([MFAChallengeError]), delete it ([Client.DeleteAuthFactor]) and let the user sign in again. Delete no factor
// that is not stored: the first factor alone would then be enough to sign in. examples/headless shows this.
//
// See https://workos.com/docs/reference/authkit/mfa/enroll-auth-factor
func (c *Client) EnrollAuthFactor(ctx context.Context, userID string, p EnrollAuthFactorParams) (*AuthFactorEnrollment, error) {
	return fetch[AuthFactorEnrollment](ctx, c, call{
		method: http.MethodPost,
		path:   "/user_management/users/{user_id}/auth_factors",
		ids:    []string{userID},
		body: struct {
			Type   string `json:"type"`
			Issuer string `json:"totp_issuer,omitempty"`
			User   string `json:"totp_user,omitempty"`
			Secret string `json:"totp_secret,omitempty"`
		}{"totp", p.Issuer, p.User, p.Secret},
		secrets: []string{p.Secret},
	})
}

// ListAuthFactors lists a user's factors, without their secrets.
//
// See https://workos.com/docs/reference/authkit/mfa
func (c *Client) ListAuthFactors(ctx context.Context, userID string, p Paging) iter.Seq2[AuthFactor, error] {
	return list[AuthFactor](ctx, c, call{
		path: "/user_management/users/{user_id}/auth_factors",
		ids:  []string{userID},
	}, p)
}

// GetAuthFactor returns a factor, without its secrets.
//
// See https://workos.com/docs/reference/authkit/mfa
func (c *Client) GetAuthFactor(ctx context.Context, id string) (*AuthFactor, error) {
	return fetch[AuthFactor](ctx, c, call{method: http.MethodGet, path: authFactorPath, ids: []string{id}})
}

// DeleteAuthFactor removes a factor from its user.
//
// See https://workos.com/docs/reference/authkit/mfa
func (c *Client) DeleteAuthFactor(ctx context.Context, id string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: authFactorPath, ids: []string{id}}, nil)
}

// ChallengeAuthFactor creates a challenge for a factor. Pass the ID of the challenge and the user's code either to
// [Client.AuthenticateWithTOTP] or to [Client.VerifyAuthChallenge], but not to both: a challenge accepts one answer.
//
// See https://workos.com/docs/reference/mfa/challenge
func (c *Client) ChallengeAuthFactor(ctx context.Context, factorID string) (*AuthChallenge, error) {
	return fetch[AuthChallenge](ctx, c, call{
		method: http.MethodPost,
		path:   "/auth/factors/{authentication_factor_id}/challenge",
		ids:    []string{factorID},
		body:   struct{}{},
	})
}

// ChallengeSMSAuthFactor sends a code to the telephone of a factor of type "sms", with a text of the application. In the
// template, {{code}} is replaced by the code. Otherwise it is like [Client.ChallengeAuthFactor], which sends WorkOS's text.
//
// See https://workos.com/docs/reference/mfa/challenge
func (c *Client) ChallengeSMSAuthFactor(ctx context.Context, factorID, template string) (*AuthChallenge, error) {
	return fetch[AuthChallenge](ctx, c, call{
		method: http.MethodPost,
		path:   authFactorPath + "/challenge",
		ids:    []string{factorID},
		body: struct {
			Template string `json:"sms_template"`
		}{template},
		required: []argument{{"sms_template", template}},
	})
}

// VerifyAuthChallenge returns a challenge and reports whether a code answers it. It does not sign the user in. Use it to ask
// a signed-in user for a code again, or to complete an enrollment. If the ID of the challenge was in the browser, compare the
// AuthenticationFactorID with the user's factor: an attacker can answer a challenge of another factor. There is exactly one
// attempt. A wrong code is not an error, but too many wrong codes are a [*OneTimeCodeError].
//
// See https://workos.com/docs/reference/mfa/challenge
func (c *Client) VerifyAuthChallenge(ctx context.Context, challengeID, code string) (challenge *AuthChallenge, valid bool, err error) {
	response, err := fetch[verifyResponse](ctx, c, call{
		method: http.MethodPost,
		path:   "/auth/challenges/{authentication_challenge_id}/verify",
		ids:    []string{challengeID},
		body: struct {
			Code string `json:"code"`
		}{code},
		required: []argument{{"code", code}},
		secrets:  []string{code},
	})
	if err != nil {
		return nil, false, err
	}
	return &response.Challenge, *response.Valid, nil
}

const authFactorPath = "/auth/factors/{authentication_factor_id}"

// verifyResponse is the response of VerifyAuthChallenge. An absent valid is an error, not false.
type verifyResponse struct {
	Challenge AuthChallenge `json:"challenge"`
	Valid     *bool         `json:"valid"`
}

func (v *verifyResponse) validate() error {
	if v.Valid == nil {
		return errors.New("missing valid")
	}
	if err := v.Challenge.validate(); err != nil {
		return fmt.Errorf("challenge: %w", err)
	}
	return nil
}

func (f *AuthFactor) validate() error    { return requireID(f.ID) }
func (c *AuthChallenge) validate() error { return requireID(c.ID) }

func (e *AuthFactorEnrollment) validate() error {
	if err := e.Factor.validate(); err != nil {
		return fmt.Errorf("authentication_factor: %w", err)
	}
	if err := e.Challenge.validate(); err != nil {
		return fmt.Errorf("authentication_challenge: %w", err)
	}
	return nil
}

// UnmarshalJSON implements [json.Unmarshaler]. It reads the secrets, which encoding omits.
func (t *TOTP) UnmarshalJSON(data []byte) error {
	type plain TOTP
	response := struct {
		*plain
		Secret *string `json:"secret"`
		QRCode *string `json:"qr_code"`
		URI    *string `json:"uri"`
	}{(*plain)(t), &t.Secret, &t.QRCode, &t.URI}
	return json.Unmarshal(data, &response)
}

// UnmarshalJSON implements [json.Unmarshaler]. It reads the code, which encoding omits.
func (c *AuthChallenge) UnmarshalJSON(data []byte) error {
	type plain AuthChallenge
	response := struct {
		*plain
		Code *string `json:"code"`
	}{(*plain)(c), &c.Code}
	return json.Unmarshal(data, &response)
}

// Format implements [fmt.Formatter]. It masks the secret, the QR code and the URI.
func (t TOTP) Format(s fmt.State, verb rune) {
	type plain TOTP
	t.Secret, t.QRCode, t.URI = mask(t.Secret), mask(t.QRCode), mask(t.URI)
	format(s, verb, plain(t))
}

// Format implements [fmt.Formatter]. It masks the code.
func (c AuthChallenge) Format(s fmt.State, verb rune) {
	type plain AuthChallenge
	c.Code = mask(c.Code)
	format(s, verb, plain(c))
}

// Format implements [fmt.Formatter]. It masks the secret.
func (p EnrollAuthFactorParams) Format(s fmt.State, verb rune) {
	type plain EnrollAuthFactorParams
	p.Secret = mask(p.Secret)
	format(s, verb, plain(p))
}
