// The sign-in calls that WorkOS's official emulator has a route for: invitations, grants, codes by email and factors.

package workos_test

import (
	"crypto/rand"
	"errors"
	"net/http"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/pkce"
	"github.com/authkit-go/authkit/workos"
)

func (e *emulator) tryInvitations(organization *workos.Organization, inviter *workos.User) {
	invite := func(name, email string) *workos.Invitation {
		invitation := &workos.Invitation{ID: unknownID, Token: unknownID}
		e.try("SendInvitation "+name, func() error {
			sent, err := e.SendInvitation(e.ctx(), workos.SendInvitationParams{
				Email: email, OrganizationID: organization.ID, RoleSlug: "editor", InviterUserID: inviter.ID, ExpiresInDays: 3,
			})
			return want(store(&invitation, sent, err), workos.InvitationStatePending, deref(sent).State)
		})
		return invitation
	}
	revoked := invite("to revoke", "revoked@acme.test")
	e.try("GetInvitation", func() error {
		got, err := e.GetInvitation(e.ctx(), revoked.ID)
		return want(err, "revoked@acme.test", deref(got).Email)
	})
	e.try("GetInvitationByToken", func() error {
		got, err := e.GetInvitationByToken(e.ctx(), revoked.Token)
		return want(err, revoked.ID, deref(got).ID)
	})
	tryList[workos.Invitation](e, "ListInvitations", func() (any, error) {
		return collect(e.ListInvitations(e.ctx(), workos.ListInvitationsParams{OrganizationID: organization.ID}))
	})
	e.try("ResendInvitation", func() error {
		_, err := e.ResendInvitation(e.ctx(), revoked.ID, workos.ResendInvitationParams{Locale: "fr"})
		return err
	})
	e.try("RevokeInvitation", func() error {
		got, err := e.RevokeInvitation(e.ctx(), revoked.ID)
		return want(err, workos.InvitationStateRevoked, deref(got).State)
	})

	for _, email := range []string{"lee@acme.test", "noor@acme.test"} {
		e.try("CreateUser "+email, func() error {
			_, err := e.CreateUser(e.ctx(), workos.CreateUserParams{Email: email, EmailVerified: true, Password: workos.Password{Plain: emulatorPassword}})
			return err
		})
	}
	accepted := invite("to accept", "lee@acme.test")
	e.try("AcceptInvitation", func() error {
		got, err := e.AcceptInvitation(e.ctx(), accepted.ID)
		return want(err, workos.InvitationStateAccepted, deref(got).State)
	})
	signedIn := invite("for a sign-in", "noor@acme.test")
	e.try("AuthenticateWithPassword and an invitation", func() error {
		auth, err := e.AuthenticateWithPassword(e.ctx(), workos.AuthenticateWithPasswordParams{
			Email: "noor@acme.test", Password: emulatorPassword, InvitationToken: signedIn.Token,
		})
		if err != nil {
			return err
		}
		return want(nil, organization.ID, auth.OrganizationID)
	})
	e.try("AuthenticateWithPassword and an invitation that was accepted", func() error {
		_, err := e.AuthenticateWithPassword(e.ctx(), workos.AuthenticateWithPasswordParams{
			Email: "noor@acme.test", Password: emulatorPassword, InvitationToken: signedIn.Token,
		})
		return want(nil, workos.CodeInvitationInvalid, workos.ErrorCode(err))
	})
}

func (e *emulator) trySignIns(organization *workos.Organization, user *workos.User) {
	verifier := pkce.NewVerifier()
	code := e.code(workos.AuthorizationParams{
		Provider: workos.ProviderAuthKit, RedirectURI: "http://localhost:8080/callback", State: rand.Text(),
		CodeChallenge: pkce.Challenge(verifier), LoginHint: user.Email,
	})
	auth := &workos.Authentication{}
	e.try("AuthenticateWithCode", func() error {
		got, err := e.AuthenticateWithCode(e.ctx(), workos.AuthenticateWithCodeParams{Code: code, CodeVerifier: verifier, UserAgent: "Firefox"})
		return want(store(&auth, got, err), user.ID, deref(got).User.ID)
	})
	e.try("AuthenticateWithCode a second time", func() error {
		_, err := e.AuthenticateWithCode(e.ctx(), workos.AuthenticateWithCodeParams{Code: code, CodeVerifier: verifier})
		return want(nil, true, as[*workos.InvalidGrantError](err))
	})
	e.try("AuthenticateWithRefreshToken", func() error {
		got, err := e.AuthenticateWithRefreshToken(e.ctx(), workos.AuthenticateWithRefreshTokenParams{
			RefreshToken: auth.RefreshToken, OrganizationID: organization.ID,
		})
		return want(store(&auth, got, err), organization.ID, deref(got).OrganizationID)
	})
	e.try("AuthenticateWithPassword", func() error {
		_, err := e.AuthenticateWithPassword(e.ctx(), workos.AuthenticateWithPasswordParams{Email: user.Email, Password: emulatorPassword})
		return err
	})
	e.try("AuthenticateWithPassword and a wrong password", func() error {
		_, err := e.AuthenticateWithPassword(e.ctx(), workos.AuthenticateWithPasswordParams{Email: user.Email, Password: "wrong"})
		return want(nil, true, as[*workos.InvalidCredentialsError](err))
	})
	e.tryCodes(user)
	e.tryOrganizationSelection(user)
	e.tryDevice()

	session := tryList[workos.Session](e, "ListSessions", func() (any, error) { return collect(e.ListSessions(e.ctx(), user.ID, workos.Paging{})) })
	e.try("FindSession", func() error {
		got, found, err := e.FindSession(e.ctx(), user.ID, session.ID)
		if err != nil || !found {
			return errors.Join(err, want(nil, true, found))
		}
		return want(nil, user.ID, got.UserID)
	})
	e.try("RevokeSession", func() error { return e.RevokeSession(e.ctx(), session.ID) })
}

// tryCodes makes the calls for codes that are mailed, and for password resets.
func (e *emulator) tryCodes(user *workos.User) {
	magic := &workos.MagicAuth{ID: unknownID}
	e.try("CreateMagicAuth", func() error {
		created, err := e.CreateMagicAuth(e.ctx(), workos.CreateMagicAuthParams{Email: user.Email, UserAgent: "Firefox"})
		return store(&magic, created, err)
	})
	e.try("GetMagicAuth", func() error {
		got, err := e.GetMagicAuth(e.ctx(), magic.ID)
		return want(err, user.ID, deref(got).UserID)
	})
	e.try("AuthenticateWithMagicAuth and a wrong code", func() error {
		_, err := e.AuthenticateWithMagicAuth(e.ctx(), workos.AuthenticateWithMagicAuthParams{Email: user.Email, Code: "wrong"})
		return want(nil, true, as[*workos.OneTimeCodeError](err))
	})
	e.try("AuthenticateWithMagicAuth", func() error {
		_, err := e.AuthenticateWithMagicAuth(e.ctx(), workos.AuthenticateWithMagicAuthParams{Email: user.Email, Code: magic.Code})
		return err
	})

	reset := &workos.PasswordReset{ID: unknownID}
	e.try("CreatePasswordReset", func() error {
		created, err := e.CreatePasswordReset(e.ctx(), user.Email)
		return store(&reset, created, err)
	})
	e.try("GetPasswordReset", func() error {
		got, err := e.GetPasswordReset(e.ctx(), reset.ID)
		return want(err, user.Email, deref(got).Email)
	})
	var mailed struct{ Token, Code string } // what the mail has; the emulator's own names
	require.NoError(e.t, e.Call(e.ctx(), http.MethodGet, "/user_management/password_reset/{id}", nil, &mailed, reset.ID))
	e.try("ConfirmPasswordReset", func() error {
		got, err := e.ConfirmPasswordReset(e.ctx(), workos.ConfirmPasswordResetParams{Token: mailed.Token, NewPassword: emulatorPassword})
		return want(err, user.ID, deref(got).ID)
	})

	unverified := &workos.User{ID: unknownID}
	e.try("CreateUser without a verified address", func() error {
		created, err := e.CreateUser(e.ctx(), workos.CreateUserParams{Email: "new@acme.test", Password: workos.Password{Plain: emulatorPassword}})
		return store(&unverified, created, err)
	})
	required := &workos.EmailVerificationRequiredError{EmailVerificationID: unknownID}
	e.try("AuthenticateWithPassword without a verified address", func() error {
		_, err := e.AuthenticateWithPassword(e.ctx(), workos.AuthenticateWithPasswordParams{Email: "new@acme.test", Password: emulatorPassword})
		if !errors.As(err, &required) {
			return errors.Join(err, errors.New("no verification is required"))
		}
		return nil
	})
	sent := &workos.EmailVerification{}
	e.try("GetEmailVerification", func() error {
		got, err := e.GetEmailVerification(e.ctx(), required.EmailVerificationID)
		return want(store(&sent, got, err), unverified.ID, deref(got).UserID)
	})
	e.try("AuthenticateWithEmailVerification", func() error {
		_, err := e.AuthenticateWithEmailVerification(e.ctx(), workos.AuthenticateWithEmailVerificationParams{
			PendingAuthenticationToken: required.PendingAuthenticationToken, Code: sent.Code,
		})
		return err
	})
	e.try("SendEmailVerification", func() error {
		_, err := e.SendEmailVerification(e.ctx(), unverified.ID)
		return err
	})
	require.NoError(e.t, e.Call(e.ctx(), http.MethodPost, "/user_management/users/{id}/email_verification/send", nil, &mailed, unverified.ID))
	e.try("ConfirmEmailVerification", func() error {
		_, err := e.ConfirmEmailVerification(e.ctx(), unverified.ID, mailed.Code)
		return err
	})
}

func (e *emulator) tryOrganizationSelection(user *workos.User) {
	second := &workos.Organization{ID: unknownID}
	e.try("CreateOrganization a second", func() error {
		created, err := e.CreateOrganization(e.ctx(), workos.CreateOrganizationParams{Name: "Beta"})
		return store(&second, created, err)
	})
	e.try("CreateOrganizationMembership a second", func() error {
		_, err := e.CreateOrganizationMembership(e.ctx(), workos.CreateOrganizationMembershipParams{UserID: user.ID, OrganizationID: second.ID})
		return err
	})
	selection := &workos.OrganizationSelectionRequiredError{}
	e.try("AuthenticateWithPassword in two organizations", func() error {
		_, err := e.AuthenticateWithPassword(e.ctx(), workos.AuthenticateWithPasswordParams{Email: user.Email, Password: emulatorPassword})
		if !errors.As(err, &selection) {
			return errors.Join(err, errors.New("no selection is required"))
		}
		return want(nil, 2, len(selection.Organizations))
	})
	e.try("AuthenticateWithOrganizationSelection", func() error {
		auth, err := e.AuthenticateWithOrganizationSelection(e.ctx(), workos.AuthenticateWithOrganizationSelectionParams{
			PendingAuthenticationToken: selection.PendingAuthenticationToken, OrganizationID: second.ID,
		})
		if err != nil {
			return err
		}
		return want(nil, second.ID, auth.OrganizationID)
	})
	e.try("DeleteOrganization the second", func() error { return e.DeleteOrganization(e.ctx(), second.ID) })
}

func (e *emulator) tryDevice() {
	e.try("AuthorizeDevice", func() error {
		_, err := e.AuthorizeDevice(e.ctx())
		return err
	})
	// The emulator wants an API key, and approves at once.
	authorize := func() (code string) {
		var device struct {
			Code string `json:"device_code"`
		}
		in := map[string]string{"client_id": clientID}
		require.NoError(e.t, e.Call(e.ctx(), http.MethodPost, "/user_management/authorize/device", in, &device))
		return device.Code
	}
	e.try("AuthenticateWithDeviceCode", func() error {
		_, err := e.AuthenticateWithDeviceCode(e.ctx(), workos.AuthenticateWithDeviceCodeParams{DeviceCode: authorize()})
		return err
	})
	e.try("PollDevice", func() error {
		_, err := e.PollDevice(e.ctx(), &workos.DeviceAuthorization{
			DeviceCode: authorize(), ExpiresAt: time.Now().Add(time.Minute), Interval: time.Millisecond,
		})
		return err
	})
}

func (e *emulator) tryFactors(user *workos.User) {
	enrolled := &workos.AuthFactorEnrollment{Factor: workos.AuthFactor{ID: unknownID}}
	e.try("EnrollAuthFactor", func() error {
		got, err := e.EnrollAuthFactor(e.ctx(), user.ID, workos.EnrollAuthFactorParams{Issuer: "Acme", User: user.Email})
		return store(&enrolled, got, err)
	})
	enrolled.Factor = tryList[workos.AuthFactor](e, "ListAuthFactors", func() (any, error) {
		return collect(e.ListAuthFactors(e.ctx(), user.ID, workos.Paging{}))
	})
	e.try("GetAuthFactor", func() error {
		got, err := e.GetAuthFactor(e.ctx(), enrolled.Factor.ID)
		return want(err, enrolled.Factor.ID, deref(got).ID)
	})
	challenged := &workos.MFAChallengeError{}
	e.try("AuthenticateWithPassword with a factor", func() error {
		_, err := e.AuthenticateWithPassword(e.ctx(), workos.AuthenticateWithPasswordParams{Email: user.Email, Password: emulatorPassword})
		if !errors.As(err, &challenged) {
			return errors.Join(err, errors.New("no second factor is required"))
		}
		return want(nil, 1, len(challenged.Factors))
	})
	challenge := func(name string) *workos.AuthChallenge {
		challenge := &workos.AuthChallenge{ID: unknownID}
		e.try("ChallengeAuthFactor "+name, func() error {
			got, err := e.ChallengeAuthFactor(e.ctx(), enrolled.Factor.ID)
			return store(&challenge, got, err)
		})
		return challenge
	}
	signIn := challenge("for a sign-in") // the emulator shows its code to no caller, so a code is wrong
	e.try("AuthenticateWithTOTP and a wrong code", func() error {
		_, err := e.AuthenticateWithTOTP(e.ctx(), challenged.TOTPParams(signIn.ID, "wrong"))
		return want(nil, true, as[*workos.OneTimeCodeError](err))
	})
	verify := challenge("to verify")
	e.try("VerifyAuthChallenge and a wrong code", func() error {
		_, valid, err := e.VerifyAuthChallenge(e.ctx(), verify.ID, "wrong")
		return want(err, false, valid)
	})
	e.try("ChallengeSMSAuthFactor", func() error {
		_, err := e.ChallengeSMSAuthFactor(e.ctx(), enrolled.Factor.ID, "Your code is {{code}}")
		return err
	})
	e.try("DeleteAuthFactor", func() error { return e.DeleteAuthFactor(e.ctx(), enrolled.Factor.ID) })
	e.try("EnrollStandaloneAuthFactor", func() error {
		_, err := e.EnrollStandaloneAuthFactor(e.ctx(), workos.EnrollStandaloneAuthFactorParams{Type: workos.AuthFactorTOTP, Issuer: "Acme", User: "kim"})
		return err
	})
}
