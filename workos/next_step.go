// The errors that ask for a further step of a sign-in. Each holds everything that the step needs, so the caller stores
// nothing else.

package workos

import (
	"encoding/json"
	"maps"
	"slices"
)

// MFAChallengeError reports that the user must enter a code of one of the factors. The next steps:
//
//	challenge, err := client.ChallengeAuthFactor(ctx, mfa.Factors[0].ID)
//	// ask for the code that the authenticator shows
//	auth, err := client.AuthenticateWithTOTP(ctx, mfa.TOTPParams(challenge.ID, code))
type MFAChallengeError struct {
	apiError
	// PendingAuthenticationToken represents the sign-in so far. It is a secret and is not printed. Keep it between two
	// requests in a sealed cookie or on the server, not in a form.
	PendingAuthenticationToken string             `json:"-"`
	Factors                    []AuthFactorChoice // the factors that the user can choose from
	User                       User               // the user who signs in
}

// AuthFactorChoice is a factor that the user can choose after an [MFAChallengeError].
type AuthFactorChoice struct {
	ID   string `json:"id"`
	Type string `json:"type"` // such as "totp"
}

// TOTPParams returns the parameters of [Client.AuthenticateWithTOTP] for a challenge ID and the user's code.
func (e *MFAChallengeError) TOTPParams(challengeID, code string) AuthenticateWithTOTPParams {
	return AuthenticateWithTOTPParams{
		PendingAuthenticationToken: e.PendingAuthenticationToken, AuthenticationChallengeID: challengeID, Code: code,
	}
}

// MFAEnrollmentError reports that the user must enroll a factor before the sign-in can complete. The next steps:
//
//	enrollment, err := client.EnrollAuthFactor(ctx, mfa.User.ID, workos.EnrollAuthFactorParams{Issuer: "Acme", User: mfa.User.Email})
//	// show enrollment.Factor.TOTP.QRCode and ask for the first code
//	auth, err := client.AuthenticateWithTOTP(ctx, mfa.TOTPParams(enrollment.Challenge.ID, code))
type MFAEnrollmentError struct {
	apiError
	// PendingAuthenticationToken represents the sign-in so far, as in [MFAChallengeError]. It is empty if no sign-in is
	// pending, as after a refresh.
	PendingAuthenticationToken string `json:"-"`
	User                       User   // the user who signs in
}

// TOTPParams returns the parameters of [Client.AuthenticateWithTOTP] for a challenge ID and the user's code.
func (e *MFAEnrollmentError) TOTPParams(challengeID, code string) AuthenticateWithTOTPParams {
	return AuthenticateWithTOTPParams{
		PendingAuthenticationToken: e.PendingAuthenticationToken, AuthenticationChallengeID: challengeID, Code: code,
	}
}

// EmailVerificationRequiredError reports that the user must enter the code that WorkOS mailed. The next step:
//
//	auth, err := client.AuthenticateWithEmailVerification(ctx, required.VerificationParams(code))
type EmailVerificationRequiredError struct {
	apiError
	// PendingAuthenticationToken represents the sign-in so far, as in [MFAChallengeError].
	PendingAuthenticationToken string `json:"-"`
	Email                      string // the address that the code was mailed to
	// EmailVerificationID is the ID for [Client.GetEmailVerification]. An application that sends its own mail reads the
	// code with it.
	EmailVerificationID string
}

// VerificationParams returns the parameters of [Client.AuthenticateWithEmailVerification] for the mailed code.
func (e *EmailVerificationRequiredError) VerificationParams(code string) AuthenticateWithEmailVerificationParams {
	return AuthenticateWithEmailVerificationParams{PendingAuthenticationToken: e.PendingAuthenticationToken, Code: code}
}

// OrganizationSelectionRequiredError reports that the user must choose one of several organizations. The next step:
//
//	auth, err := client.AuthenticateWithOrganizationSelection(ctx, selection.SelectionParams(organizationID))
type OrganizationSelectionRequiredError struct {
	apiError
	// PendingAuthenticationToken represents the sign-in so far, as in [MFAChallengeError].
	PendingAuthenticationToken string               `json:"-"`
	Organizations              []OrganizationChoice // the organizations that the user can choose from
	User                       User                 // the user who signs in
}

// OrganizationChoice is an organization that the user can choose after an [OrganizationSelectionRequiredError].
type OrganizationChoice struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// SelectionParams returns the parameters of [Client.AuthenticateWithOrganizationSelection] for the user's choice.
func (e *OrganizationSelectionRequiredError) SelectionParams(organizationID string) AuthenticateWithOrganizationSelectionParams {
	return AuthenticateWithOrganizationSelectionParams{PendingAuthenticationToken: e.PendingAuthenticationToken, OrganizationID: organizationID}
}

// SSORequiredError reports that the user must sign in by single sign-on. The next step is to send the browser to
// [Client.AuthorizationURL] with one of the connections as ConnectionID and Email as LoginHint.
type SSORequiredError struct {
	apiError
	// PendingAuthenticationToken represents the sign-in so far, as in [MFAChallengeError]. It may be empty.
	PendingAuthenticationToken string `json:"-"`
	Email                      string
	ConnectionIDs              []string
}

// OrganizationAuthMethodsRequiredError reports that the user's organization does not permit this authentication method.
// The next step is one of Methods, or single sign-on as after an [SSORequiredError].
type OrganizationAuthMethodsRequiredError struct {
	apiError
	Email            string
	SSOConnectionIDs []string
	Methods          []string // the permitted methods, such as "password", "magic_auth", "google_oauth", in alphabetical order
}

// RadarChallengeError reports that WorkOS Radar considers the sign-in suspicious and requires a challenge. If it has a
// RadarChallengeID, WorkOS mailed a code. The next step:
//
//	auth, err := client.AuthenticateWithRadarEmailChallenge(ctx, radar.EmailChallengeParams(code))
//
// Otherwise a code is sent by SMS ([Client.SendRadarSMSChallenge] and [Client.AuthenticateWithRadarSMSChallenge]). The hosted
// AuthKit pages ask for every challenge, so the next step can also be [Client.AuthorizationURL].
//
// The user types the code in a later request, when this error is gone. Until then, keep PendingAuthenticationToken and RadarChallengeID
// for a code by mail. For a code by SMS, keep PendingAuthenticationToken, User.ID, and the two fields of the [RadarSMSChallenge].
// AuthKit.SaveStep of package authkit keeps them in a sealed cookie. Pass them as the fields of the parameters.
type RadarChallengeError struct {
	apiError
	// PendingAuthenticationToken represents the sign-in so far, as in [MFAChallengeError].
	PendingAuthenticationToken string `json:"-"`
	RadarChallengeID           string // may be empty
	User                       User   // the user who signs in; zero if WorkOS does not send it
}

// EmailChallengeParams returns the parameters of [Client.AuthenticateWithRadarEmailChallenge] for the mailed code.
func (e *RadarChallengeError) EmailChallengeParams(code string) AuthenticateWithRadarEmailChallengeParams {
	return AuthenticateWithRadarEmailChallengeParams{
		PendingAuthenticationToken: e.PendingAuthenticationToken, RadarChallengeID: e.RadarChallengeID, Code: code,
	}
}

// SMSChallengeParams returns the parameters of [Client.AuthenticateWithRadarSMSChallenge] for a challenge of
// [Client.SendRadarSMSChallenge] and the code that the user received.
func (e *RadarChallengeError) SMSChallengeParams(challenge RadarSMSChallenge, code string) AuthenticateWithRadarSMSChallengeParams {
	return AuthenticateWithRadarSMSChallengeParams{
		PendingAuthenticationToken: e.PendingAuthenticationToken, VerificationID: challenge.VerificationID, PhoneNumber: challenge.PhoneNumber,
		Code: code,
	}
}

// nextStepError returns the error of a sign-in that needs a further step, or nil if e is no such error.
func (e *Error) nextStepError() error {
	var response struct {
		Token               string               `json:"pending_authentication_token"`
		Factors             []AuthFactorChoice   `json:"authentication_factors"`
		Email               string               `json:"email"`
		EmailVerificationID string               `json:"email_verification_id"`
		Organizations       []OrganizationChoice `json:"organizations"`
		ConnectionIDs       []string             `json:"connection_ids"`
		SSOConnectionIDs    []string             `json:"sso_connection_ids"`
		AuthMethods         map[string]bool      `json:"auth_methods"`
		RadarChallengeID    string               `json:"radar_challenge_id"`
		User                json.RawMessage      `json:"user"`
	}
	// Decoding errors are ignored: an unexpected member that is not needed must not end the sign-in.
	_ = json.Unmarshal(e.body, &response)
	var user User
	_ = json.Unmarshal(response.User, &user)

	r := apiError{e}
	switch e.Code {
	case CodeMFAChallenge:
		return &MFAChallengeError{r, response.Token, response.Factors, user}
	case CodeMFAEnrollment:
		return &MFAEnrollmentError{r, response.Token, user}
	case CodeEmailVerificationRequired:
		return &EmailVerificationRequiredError{r, response.Token, response.Email, response.EmailVerificationID}
	case CodeOrganizationSelectionRequired:
		return &OrganizationSelectionRequiredError{r, response.Token, response.Organizations, user}
	case CodeSSORequired:
		return &SSORequiredError{r, response.Token, response.Email, response.ConnectionIDs}
	case CodeOrganizationAuthenticationMethodsRequired:
		maps.DeleteFunc(response.AuthMethods, func(_ string, permitted bool) bool { return !permitted })
		return &OrganizationAuthMethodsRequiredError{r, response.Email, response.SSOConnectionIDs, slices.Sorted(maps.Keys(response.AuthMethods))}
	case CodeRadarChallenge, CodeRadarSignUpChallenge, CodeRadarSMSSignInChallenge, CodeRadarEmailChallenge, CodeRadarSMSChallenge:
		return &RadarChallengeError{r, response.Token, response.RadarChallengeID, user}
	}
	return nil
}
