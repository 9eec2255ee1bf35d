// The grants for an application with its own sign-in forms. Each grant uses a secret that the user enters, or continues
// a sign-in with its pending token.

package workos

import (
	"context"
	"fmt"
)

// AuthenticateWithPasswordParams are the parameters of [Client.AuthenticateWithPassword]. Printed, they show no secret.
type AuthenticateWithPasswordParams struct {
	Email    string
	Password string `json:"-"`
	// InvitationToken accepts an invitation with this sign-in. Optional.
	InvitationToken string `json:"-"`

	IPAddress string // of the user, for WorkOS's records and abuse detection; optional
	UserAgent string // of the user's browser, for the same purpose; optional
	DeviceID  string // of the user's device, for the same purpose; optional
	SignalsID string // of what WorkOS Radar has collected in the browser; optional
	// RadarAuthAttemptID is the ID of the attempt that Radar has made for an earlier call of the same sign-up. Optional.
	RadarAuthAttemptID string
}

// AuthenticateWithMagicAuthParams are the parameters of [Client.AuthenticateWithMagicAuth]. Printed, they show no
// secret.
type AuthenticateWithMagicAuthParams struct {
	Email string // the address that the code was mailed to
	Code  string `json:"-"`
	// InvitationToken accepts an invitation with this sign-in. Optional.
	InvitationToken string `json:"-"`

	IPAddress          string // as in [AuthenticateWithPasswordParams]
	UserAgent          string
	DeviceID           string
	RadarAuthAttemptID string // as in [AuthenticateWithPasswordParams]; [MagicAuth] has it
}

// AuthenticateWithEmailVerificationParams are the parameters of [Client.AuthenticateWithEmailVerification].
// [EmailVerificationRequiredError.VerificationParams] returns them. Printed, they show no secret.
type AuthenticateWithEmailVerificationParams struct {
	PendingAuthenticationToken string `json:"-"`
	Code                       string `json:"-"` // the code that was mailed

	IPAddress string // as in [AuthenticateWithPasswordParams]
	UserAgent string
	DeviceID  string
}

// AuthenticateWithTOTPParams are the parameters of [Client.AuthenticateWithTOTP]. [MFAChallengeError.TOTPParams] and
// [MFAEnrollmentError.TOTPParams] return them. Printed, they show no secret.
type AuthenticateWithTOTPParams struct {
	PendingAuthenticationToken string `json:"-"`
	// AuthenticationChallengeID is the ID of a challenge of [Client.ChallengeAuthFactor] or [Client.EnrollAuthFactor].
	// A challenge works for one sign-in.
	AuthenticationChallengeID string
	Code                      string `json:"-"` // the six digits from the user's authenticator

	IPAddress string // as in [AuthenticateWithPasswordParams]
	UserAgent string
	DeviceID  string
}

// AuthenticateWithOrganizationSelectionParams are the parameters of [Client.AuthenticateWithOrganizationSelection].
// [OrganizationSelectionRequiredError.SelectionParams] returns them. Printed, they show no secret.
type AuthenticateWithOrganizationSelectionParams struct {
	PendingAuthenticationToken string `json:"-"`
	OrganizationID             string

	IPAddress string // as in [AuthenticateWithPasswordParams]
	UserAgent string
	DeviceID  string
}

// AuthenticateWithPassword signs a user in with email address and password. There is exactly one attempt, of at most
// 10 s. Email and Password are required. A wrong pair is an [*InvalidCredentialsError]. If the sign-in needs a further
// step, the error is one of those that the package documentation lists under "Further steps".
//
// See https://workos.com/docs/reference/authkit/authentication/password
func (c *Client) AuthenticateWithPassword(ctx context.Context, p AuthenticateWithPasswordParams) (*Authentication, error) {
	return c.authenticate(ctx, keyRequired, grant{
		GrantType:          grantPassword,
		Email:              p.Email,
		Password:           p.Password,
		InvitationToken:    p.InvitationToken,
		IPAddress:          p.IPAddress,
		UserAgent:          p.UserAgent,
		DeviceID:           p.DeviceID,
		SignalsID:          p.SignalsID,
		RadarAuthAttemptID: p.RadarAuthAttemptID,
	}, argument{"email", p.Email}, argument{"password", p.Password})
}

// AuthenticateWithMagicAuth signs a user in with the code that [Client.CreateMagicAuth] mailed. A code works once, so
// there is exactly one attempt, of at most 10 s. Email and Code are required. An invalid code is a [*OneTimeCodeError].
//
// See https://workos.com/docs/reference/authkit/authentication
func (c *Client) AuthenticateWithMagicAuth(ctx context.Context, p AuthenticateWithMagicAuthParams) (*Authentication, error) {
	return c.authenticate(ctx, keyRequired, grant{
		GrantType:          grantMagicAuth,
		Email:              p.Email,
		Code:               p.Code,
		InvitationToken:    p.InvitationToken,
		IPAddress:          p.IPAddress,
		UserAgent:          p.UserAgent,
		DeviceID:           p.DeviceID,
		RadarAuthAttemptID: p.RadarAuthAttemptID,
	}, argument{"email", p.Email}, argument{"code", p.Code})
}

// AuthenticateWithEmailVerification continues a sign-in after an [*EmailVerificationRequiredError]. The mailed code
// verifies the address and completes the sign-in. There is exactly one attempt, of at most 10 s.
// PendingAuthenticationToken and Code are required. An invalid code is a [*OneTimeCodeError].
//
// See https://workos.com/docs/reference/authkit/authentication
func (c *Client) AuthenticateWithEmailVerification(ctx context.Context, p AuthenticateWithEmailVerificationParams) (*Authentication, error) {
	return c.authenticate(ctx, keyRequired, grant{
		GrantType:                  grantEmailVerification,
		PendingAuthenticationToken: p.PendingAuthenticationToken,
		Code:                       p.Code,
		IPAddress:                  p.IPAddress,
		UserAgent:                  p.UserAgent,
		DeviceID:                   p.DeviceID,
	}, argument{"pending_authentication_token", p.PendingAuthenticationToken}, argument{"code", p.Code})
}

// AuthenticateWithTOTP continues a sign-in after an [*MFAChallengeError] or an [*MFAEnrollmentError]. The code from the
// user's authenticator completes the sign-in. There is exactly one attempt, of at most 10 s.
// PendingAuthenticationToken, AuthenticationChallengeID and Code are required. An invalid code is a
// [*OneTimeCodeError].
//
// See https://workos.com/docs/reference/authkit/authentication/totp
func (c *Client) AuthenticateWithTOTP(ctx context.Context, p AuthenticateWithTOTPParams) (*Authentication, error) {
	return c.authenticate(ctx, keyRequired, grant{
		GrantType:                  grantTOTP,
		PendingAuthenticationToken: p.PendingAuthenticationToken,
		AuthenticationChallengeID:  p.AuthenticationChallengeID,
		Code:                       p.Code,
		IPAddress:                  p.IPAddress,
		UserAgent:                  p.UserAgent,
		DeviceID:                   p.DeviceID,
	},
		argument{"pending_authentication_token", p.PendingAuthenticationToken},
		argument{"authentication_challenge_id", p.AuthenticationChallengeID},
		argument{"code", p.Code})
}

// AuthenticateWithOrganizationSelection continues a sign-in after an [*OrganizationSelectionRequiredError], with the
// organization that the user chose. There is exactly one attempt, of at most 10 s. PendingAuthenticationToken and
// OrganizationID are required.
//
// See https://workos.com/docs/reference/authkit/authentication
func (c *Client) AuthenticateWithOrganizationSelection(ctx context.Context, p AuthenticateWithOrganizationSelectionParams) (*Authentication, error) {
	return c.authenticate(ctx, keyRequired, grant{
		GrantType:                  grantOrganizationSelection,
		PendingAuthenticationToken: p.PendingAuthenticationToken,
		OrganizationID:             p.OrganizationID,
		IPAddress:                  p.IPAddress,
		UserAgent:                  p.UserAgent,
		DeviceID:                   p.DeviceID,
	},
		argument{"pending_authentication_token", p.PendingAuthenticationToken},
		argument{"organization_id", p.OrganizationID})
}

// Format implements [fmt.Formatter]. It masks the password and the invitation token.
func (p AuthenticateWithPasswordParams) Format(s fmt.State, verb rune) {
	type plain AuthenticateWithPasswordParams
	p.Password, p.InvitationToken = mask(p.Password), mask(p.InvitationToken)
	format(s, verb, plain(p))
}

// Format implements [fmt.Formatter]. It masks the code and the invitation token.
func (p AuthenticateWithMagicAuthParams) Format(s fmt.State, verb rune) {
	type plain AuthenticateWithMagicAuthParams
	p.Code, p.InvitationToken = mask(p.Code), mask(p.InvitationToken)
	format(s, verb, plain(p))
}

// Format implements [fmt.Formatter]. It masks the pending token and the code.
func (p AuthenticateWithEmailVerificationParams) Format(s fmt.State, verb rune) {
	type plain AuthenticateWithEmailVerificationParams
	p.PendingAuthenticationToken, p.Code = mask(p.PendingAuthenticationToken), mask(p.Code)
	format(s, verb, plain(p))
}

// Format implements [fmt.Formatter]. It masks the pending token and the code.
func (p AuthenticateWithTOTPParams) Format(s fmt.State, verb rune) {
	type plain AuthenticateWithTOTPParams
	p.PendingAuthenticationToken, p.Code = mask(p.PendingAuthenticationToken), mask(p.Code)
	format(s, verb, plain(p))
}

// Format implements [fmt.Formatter]. It masks the pending token.
func (p AuthenticateWithOrganizationSelectionParams) Format(s fmt.State, verb rune) {
	type plain AuthenticateWithOrganizationSelectionParams
	p.PendingAuthenticationToken = mask(p.PendingAuthenticationToken)
	format(s, verb, plain(p))
}
