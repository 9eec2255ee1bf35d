// Multi-factor authentication by time-based one-time passwords (TOTP, RFC 6238).

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

// AuthFactor is something besides a password that a user signs in by. Printed, logged or encoded as JSON, it shows no
// secret.
type AuthFactor struct {
	ID        string    `json:"id"`                // "auth_factor_…"
	Type      string    `json:"type"`              // "totp", "sms", "generic_otp" or "webauthn"
	UserID    string    `json:"user_id,omitempty"` // empty for a factor of nobody
	TOTP      *TOTP     `json:"totp,omitempty"`    // nil for other types
	SMS       *SMS      `json:"sms,omitempty"`     // likewise
	CreatedAt time.Time `json:"created_at,omitzero"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

// TOTP is what an authenticator application shows an account under and, at enrollment only, what it makes codes from.
// Printed, logged or encoded as JSON, it shows none of the latter.
type TOTP struct {
	Issuer string `json:"issuer"` // the application's name
	User   string `json:"user"`   // the account's name, mostly an e-mail address

	Secret string `json:"-"` // base32, for typing in: HMAC-SHA-1, six digits, 30 s
	QRCode string `json:"-"` // a data: URI of a PNG that holds URI, for an img element
	URI    string `json:"-"` // otpauth://totp/…
}

// SMS is the telephone that codes are sent to.
type SMS struct {
	PhoneNumber string `json:"phone_number"`
}

// AuthChallenge is the demand for one code of one factor. Printed, logged or encoded as JSON, it does not show the code.
type AuthChallenge struct {
	ID                     string    `json:"id"` // "auth_challenge_…"
	AuthenticationFactorID string    `json:"authentication_factor_id"`
	ExpiresAt              time.Time `json:"expires_at,omitzero"` // zero for TOTP, whose codes expire by themselves
	Code                   string    `json:"-"`                   // empty for TOTP
	CreatedAt              time.Time `json:"created_at,omitzero"`
	UpdatedAt              time.Time `json:"updated_at,omitzero"`
}

// AuthFactorEnrollment is a new factor with the challenge that its first code answers.
type AuthFactorEnrollment struct {
	Factor    AuthFactor    `json:"authentication_factor"`
	Challenge AuthChallenge `json:"authentication_challenge"`
}

// EnrollAuthFactorParams says how an authenticator application is to show the account. Everything is optional. Printed,
// it shows no secret.
type EnrollAuthFactorParams struct {
	Issuer string // the application's name
	User   string // the account's name
	// Secret is a TOTP secret of before, in base32, for a user who has enrolled elsewhere. Without it WorkOS makes one.
	Secret string `json:"-"`
}

// EnrollAuthFactor gives a user a TOTP factor. The reply is the only one that ever has its secret, as text, as QR code
// and as address. The first code completes the enrollment, by [Client.AuthenticateWithTOTP] where a sign-in waits for it
// ([MFAEnrollmentError]) and otherwise by [Client.VerifyAuthChallenge].
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

// GetAuthFactor reads a factor, without its secrets.
//
// See https://workos.com/docs/reference/authkit/mfa
func (c *Client) GetAuthFactor(ctx context.Context, id string) (*AuthFactor, error) {
	return fetch[AuthFactor](ctx, c, call{method: http.MethodGet, path: authFactorPath, ids: []string{id}})
}

// DeleteAuthFactor takes a factor away from its user.
//
// See https://workos.com/docs/reference/authkit/mfa
func (c *Client) DeleteAuthFactor(ctx context.Context, id string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: authFactorPath, ids: []string{id}}, nil)
}

// ChallengeAuthFactor demands a code of a factor. The ID of the challenge goes, with the code, either to
// [Client.AuthenticateWithTOTP] or to [Client.VerifyAuthChallenge], not to both: a challenge is used up by an answer.
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

// VerifyAuthChallenge tells whether a code answers a challenge. It signs nobody in: it is for asking a user who is
// signed in once more, and for completing an enrollment. There is exactly one attempt. A wrong code is not an error;
// too many of them are a [*OneTimeCodeError].
//
// See https://workos.com/docs/reference/mfa/challenge
func (c *Client) VerifyAuthChallenge(ctx context.Context, challengeID, code string) (valid bool, err error) {
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
		return false, err
	}
	return *response.Valid, nil
}

const authFactorPath = "/auth/factors/{authentication_factor_id}"

// verification is the reply to a code. That it says so matters: absent is not false.
type verifyResponse struct {
	Valid *bool `json:"valid"`
}

func (v *verifyResponse) validate() error {
	if v.Valid == nil {
		return errors.New("missing valid")
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

// UnmarshalJSON implements [json.Unmarshaler]. It reads the secrets, which encoding leaves out.
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

// UnmarshalJSON implements [json.Unmarshaler]. It reads the code, which encoding leaves out.
func (c *AuthChallenge) UnmarshalJSON(data []byte) error {
	type plain AuthChallenge
	response := struct {
		*plain
		Code *string `json:"code"`
	}{(*plain)(c), &c.Code}
	return json.Unmarshal(data, &response)
}

// Format implements [fmt.Formatter]. It masks the secret, the QR code and the address.
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
