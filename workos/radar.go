// Challenges of WorkOS Radar: a sign-in that looks suspicious continues with a code that is mailed or sent by SMS.

package workos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// RadarChallenge is a mailed code of a Radar challenge. Printed, logged or encoded as JSON, it does not show the code.
type RadarChallenge struct {
	ID        string    `json:"id"`   // "radar_challenge_…"
	Type      string    `json:"type"` // "email"
	UserID    string    `json:"user_id"`
	Email     string    `json:"email"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// Code is the code that the user receives by mail. An application reads it only if it sends the mail itself.
	Code      string    `json:"-"`
	CreatedAt time.Time `json:"created_at,omitzero"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

// RadarSMSChallenge is a code that was sent by SMS.
type RadarSMSChallenge struct {
	VerificationID string `json:"verification_id"` // for [AuthenticateWithRadarSMSChallengeParams]
	PhoneNumber    string `json:"phone_number"`    // the number that the code was sent to
}

// SendRadarSMSChallengeParams are the parameters of [Client.SendRadarSMSChallenge]. The first three are required. Printed,
// they show no secret.
type SendRadarSMSChallengeParams struct {
	UserID                     string `json:"user_id"`
	PendingAuthenticationToken string `json:"-"`            // of the [RadarChallengeError]
	PhoneNumber                string `json:"phone_number"` // the number that the user enters, such as "+15005550006"

	IPAddress string `json:"ip_address,omitempty"` // of the user; optional
	UserAgent string `json:"user_agent,omitempty"` // of the user's browser; optional
}

// AuthenticateWithRadarEmailChallengeParams are the parameters of [Client.AuthenticateWithRadarEmailChallenge].
// [RadarChallengeError.EmailChallengeParams] returns them. Printed, they show no secret.
type AuthenticateWithRadarEmailChallengeParams struct {
	PendingAuthenticationToken string `json:"-"`
	RadarChallengeID           string
	Code                       string `json:"-"` // the code that was mailed

	IPAddress string // as in [AuthenticateWithPasswordParams]
	UserAgent string
	DeviceID  string
}

// AuthenticateWithRadarSMSChallengeParams are the parameters of [Client.AuthenticateWithRadarSMSChallenge].
// [RadarChallengeError.SMSChallengeParams] returns them. Printed, they show no secret.
type AuthenticateWithRadarSMSChallengeParams struct {
	PendingAuthenticationToken string `json:"-"`
	VerificationID             string // of the [RadarSMSChallenge]
	PhoneNumber                string // of the [RadarSMSChallenge]
	Code                       string `json:"-"` // the code that was sent

	IPAddress string // as in [AuthenticateWithPasswordParams]
	UserAgent string
	DeviceID  string
}

// GetRadarChallenge returns a mailed code. Its ID is in the [*RadarChallengeError].
//
// See https://workos.com/docs/authkit/radar
func (c *Client) GetRadarChallenge(ctx context.Context, id string) (*RadarChallenge, error) {
	return fetch[RadarChallenge](ctx, c, call{
		method: http.MethodGet,
		path:   "/user_management/radar_challenges/{radar_challenge_id}",
		ids:    []string{id},
	})
}

// SendRadarSMSChallenge sends the code of a Radar challenge by SMS. [Client.AuthenticateWithRadarSMSChallenge] accepts it.
//
// See https://workos.com/docs/authkit/radar
func (c *Client) SendRadarSMSChallenge(ctx context.Context, p SendRadarSMSChallengeParams) (*RadarSMSChallenge, error) {
	return fetch[RadarSMSChallenge](ctx, c, call{
		method: http.MethodPost,
		path:   "/user_management/radar_challenges",
		body: struct {
			SendRadarSMSChallengeParams
			PendingAuthenticationToken string `json:"pending_authentication_token"`
		}{p, p.PendingAuthenticationToken},
		required: []argument{
			{"user_id", p.UserID}, {"pending_authentication_token", p.PendingAuthenticationToken}, {"phone_number", p.PhoneNumber},
		},
		secrets: []string{p.PendingAuthenticationToken},
	})
}

// AuthenticateWithRadarEmailChallenge continues a sign-in after a [*RadarChallengeError] with the code that WorkOS mailed.
// There is exactly one attempt, of at most 10 s. An invalid code is a [*OneTimeCodeError]. The token, the ID and the code are
// required.
//
// See https://workos.com/docs/authkit/radar
func (c *Client) AuthenticateWithRadarEmailChallenge(ctx context.Context, p AuthenticateWithRadarEmailChallengeParams) (*Authentication, error) {
	return c.authenticate(ctx, keyRequired, grant{
		GrantType:                  grantRadarEmail,
		PendingAuthenticationToken: p.PendingAuthenticationToken,
		RadarChallengeID:           p.RadarChallengeID,
		Code:                       p.Code,
		IPAddress:                  p.IPAddress,
		UserAgent:                  p.UserAgent,
		DeviceID:                   p.DeviceID,
	},
		argument{"pending_authentication_token", p.PendingAuthenticationToken},
		argument{"radar_challenge_id", p.RadarChallengeID},
		argument{"code", p.Code})
}

// AuthenticateWithRadarSMSChallenge continues a sign-in after a [*RadarChallengeError] with the code of
// [Client.SendRadarSMSChallenge]. There is exactly one attempt, of at most 10 s. An invalid code is a [*OneTimeCodeError]. The
// token and the code are required. Without the verification ID or the telephone number, the error has the code
// [CodeVerificationIDRequired] or [CodePhoneNumberRequired] if WorkOS needs it. It needs neither after
// [CodeRadarSMSSignInChallenge], because it has the number of the user.
//
// See https://workos.com/docs/authkit/radar
func (c *Client) AuthenticateWithRadarSMSChallenge(ctx context.Context, p AuthenticateWithRadarSMSChallengeParams) (*Authentication, error) {
	return c.authenticate(ctx, keyRequired, grant{
		GrantType:                  grantRadarSMS,
		PendingAuthenticationToken: p.PendingAuthenticationToken,
		VerificationID:             p.VerificationID,
		PhoneNumber:                p.PhoneNumber,
		Code:                       p.Code,
		IPAddress:                  p.IPAddress,
		UserAgent:                  p.UserAgent,
		DeviceID:                   p.DeviceID,
	},
		argument{"pending_authentication_token", p.PendingAuthenticationToken},
		argument{"code", p.Code})
}

// UnmarshalJSON implements [json.Unmarshaler]. It reads the code, which encoding omits.
func (r *RadarChallenge) UnmarshalJSON(data []byte) error {
	type plain RadarChallenge
	response := struct {
		*plain
		Code *string `json:"code"`
	}{(*plain)(r), &r.Code}
	return json.Unmarshal(data, &response)
}

func (r *RadarChallenge) validate() error { return requireID(r.ID) }

func (r *RadarSMSChallenge) validate() error {
	if r.VerificationID == "" {
		return errors.New("missing verification_id")
	}
	return nil
}

// Format implements [fmt.Formatter]. It masks the code.
func (r RadarChallenge) Format(s fmt.State, verb rune) {
	type plain RadarChallenge
	r.Code = mask(r.Code)
	format(s, verb, plain(r))
}

// Format implements [fmt.Formatter]. It masks the pending token.
func (p SendRadarSMSChallengeParams) Format(s fmt.State, verb rune) {
	type plain SendRadarSMSChallengeParams
	p.PendingAuthenticationToken = mask(p.PendingAuthenticationToken)
	format(s, verb, plain(p))
}

// Format implements [fmt.Formatter]. It masks the pending token and the code.
func (p AuthenticateWithRadarEmailChallengeParams) Format(s fmt.State, verb rune) {
	type plain AuthenticateWithRadarEmailChallengeParams
	p.PendingAuthenticationToken, p.Code = mask(p.PendingAuthenticationToken), mask(p.Code)
	format(s, verb, plain(p))
}

// Format implements [fmt.Formatter]. It masks the pending token and the code.
func (p AuthenticateWithRadarSMSChallengeParams) Format(s fmt.State, verb rune) {
	type plain AuthenticateWithRadarSMSChallengeParams
	p.PendingAuthenticationToken, p.Code = mask(p.PendingAuthenticationToken), mask(p.Code)
	format(s, verb, plain(p))
}
