// The grants of an application that has sign-in forms of its own. Each takes a secret that the user has typed in, or
// goes on from the pending token of one that did.

package workos

import (
	"context"
	"fmt"
)

// AuthenticateWithPasswordParams is what [Client.AuthenticateWithPassword] checks. Printed, it shows no secret.
type AuthenticateWithPasswordParams struct {
	Email    string
	Password string `json:"-"`
	// InvitationToken accepts an invitation with this sign-in. Optional.
	InvitationToken string `json:"-"`

	IPAddress string // of the user, for WorkOS's own records and its detection of abuse; optional
	UserAgent string // of the user's browser, likewise
}

// AuthenticateWithMagicAuthParams is what [Client.AuthenticateWithMagicAuth] redeems. Printed, it shows no secret.
type AuthenticateWithMagicAuthParams struct {
	Email string // the address that the code was mailed to
	Code  string `json:"-"`
	// InvitationToken accepts an invitation with this sign-in. Optional.
	InvitationToken string `json:"-"`

	IPAddress string // as in [AuthenticateWithPasswordParams]
	UserAgent string
}

// AuthenticateWithEmailVerificationParams is what [Client.AuthenticateWithEmailVerification] redeems.
// [EmailVerificationRequiredError.VerificationParams] makes it. Printed, it shows no secret.
type AuthenticateWithEmailVerificationParams struct {
	PendingAuthenticationToken string `json:"-"`
	Code                       string `json:"-"` // the code that was mailed

	IPAddress string // as in [AuthenticateWithPasswordParams]
	UserAgent string
}

// AuthenticateWithTOTPParams is what [Client.AuthenticateWithTOTP] redeems. [MFAChallengeError.TOTPParams] and [MFAEnrollmentError.TOTPParams] make
// it. Printed, it shows no secret.
type AuthenticateWithTOTPParams struct {
	PendingAuthenticationToken string `json:"-"`
	// AuthenticationChallengeID is that of a challenge which [Client.ChallengeAuthFactor] or [Client.EnrollAuthFactor]
	// has issued. A challenge is good for one sign-in.
	AuthenticationChallengeID string
	Code                      string `json:"-"` // the six digits that the user's authenticator shows

	IPAddress string // as in [AuthenticateWithPasswordParams]
	UserAgent string
}

// AuthenticateWithOrganizationSelectionParams is what [Client.AuthenticateWithOrganizationSelection] goes on with.
// [OrganizationSelectionRequiredError.SelectionParams] makes it. Printed, it shows no secret.
type AuthenticateWithOrganizationSelectionParams struct {
	PendingAuthenticationToken string `json:"-"`
	OrganizationID             string

	IPAddress string // as in [AuthenticateWithPasswordParams]
	UserAgent string
}

// AuthenticateWithPassword signs a user in by e-mail address and password. There is one attempt, of 10 s at most.
// Email and Password are required. A wrong pair of them is an [*InvalidCredentialsError]; that more is needed is told
// by the errors that the package documentation lists under "Further steps".
//
// See https://workos.com/docs/reference/authkit/authentication/password
func (c *Client) AuthenticateWithPassword(ctx context.Context, p AuthenticateWithPasswordParams) (*Authentication, error) {
	return c.authenticate(ctx, keyRequired, grant{
		GrantType:       grantPassword,
		Email:           p.Email,
		Password:        p.Password,
		InvitationToken: p.InvitationToken,
		IPAddress:       p.IPAddress,
		UserAgent:       p.UserAgent,
	}, argument{"email", p.Email}, argument{"password", p.Password})
}

// AuthenticateWithMagicAuth signs a user in by the code that [Client.CreateMagicAuth] had mailed. A code works once, so
// there is exactly one attempt, of 10 s at most. Email and Code are required. A code that does not work is a
// [*OneTimeCodeError].
//
// See https://workos.com/docs/reference/authkit/authentication
func (c *Client) AuthenticateWithMagicAuth(ctx context.Context, p AuthenticateWithMagicAuthParams) (*Authentication, error) {
	return c.authenticate(ctx, keyRequired, grant{
		GrantType:       grantMagicAuth,
		Email:           p.Email,
		Code:            p.Code,
		InvitationToken: p.InvitationToken,
		IPAddress:       p.IPAddress,
		UserAgent:       p.UserAgent,
	}, argument{"email", p.Email}, argument{"code", p.Code})
}

// AuthenticateWithEmailVerification goes on after an [*EmailVerificationRequiredError]: the code that was mailed
// verifies the address and completes the sign-in. There is exactly one attempt, of 10 s at most.
// PendingAuthenticationToken and Code are required. A code that does not work is a [*OneTimeCodeError].
//
// See https://workos.com/docs/reference/authkit/authentication
func (c *Client) AuthenticateWithEmailVerification(ctx context.Context, p AuthenticateWithEmailVerificationParams) (*Authentication, error) {
	return c.authenticate(ctx, keyRequired, grant{
		GrantType:                  grantEmailVerification,
		PendingAuthenticationToken: p.PendingAuthenticationToken,
		Code:                       p.Code,
		IPAddress:                  p.IPAddress,
		UserAgent:                  p.UserAgent,
	}, argument{"pending_authentication_token", p.PendingAuthenticationToken}, argument{"code", p.Code})
}

// AuthenticateWithTOTP goes on after an [*MFAChallengeError] or an [*MFAEnrollmentError]: the code that the user's
// authenticator shows completes the sign-in. There is exactly one attempt, of 10 s at most. PendingAuthenticationToken,
// AuthenticationChallengeID and Code are required. A code that does not work is a [*OneTimeCodeError].
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
	},
		argument{"pending_authentication_token", p.PendingAuthenticationToken},
		argument{"authentication_challenge_id", p.AuthenticationChallengeID},
		argument{"code", p.Code})
}

// AuthenticateWithOrganizationSelection goes on after an [*OrganizationSelectionRequiredError] with the organization that the
// user has chosen. There is exactly one attempt, of 10 s at most. PendingAuthenticationToken and OrganizationID are
// required.
//
// See https://workos.com/docs/reference/authkit/authentication
func (c *Client) AuthenticateWithOrganizationSelection(ctx context.Context, p AuthenticateWithOrganizationSelectionParams) (*Authentication, error) {
	return c.authenticate(ctx, keyRequired, grant{
		GrantType:                  grantOrganizationSelection,
		PendingAuthenticationToken: p.PendingAuthenticationToken,
		OrganizationID:             p.OrganizationID,
		IPAddress:                  p.IPAddress,
		UserAgent:                  p.UserAgent,
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
