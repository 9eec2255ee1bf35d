// Refusals that are the middle of a sign-in: each holds what the next step takes, so that a caller needs to remember
// nothing else.

package workos

import (
	"encoding/json"
	"maps"
	"slices"
)

// MFAChallengeError says that the user has to give a code of one of the factors. The next steps:
//
//	challenge, err := client.ChallengeAuthFactor(ctx, mfa.Factors[0].ID)
//	… ask for the code that the authenticator shows …
//	auth, err := client.AuthenticateWithTOTP(ctx, mfa.TOTPParams(challenge.ID, code))
type MFAChallengeError struct {
	apiError
	// PendingAuthenticationToken stands for the sign-in so far. It is a secret, which printing does not show: between two
	// requests of a browser it belongs into a sealed cookie or a store, not into a form.
	PendingAuthenticationToken string             `json:"-"`
	Factors                    []AuthFactorChoice // what the user can give a code of
	User                       User               // who is signing in
}

// AuthFactorChoice is a factor that can answer an [MFAChallengeError].
type AuthFactorChoice struct {
	ID   string `json:"id"`
	Type string `json:"type"` // "totp" and so on
}

// TOTPParams is what [Client.AuthenticateWithTOTP] takes to go on, with the ID of the challenge and the user's code.
func (e *MFAChallengeError) TOTPParams(challengeID, code string) AuthenticateWithTOTPParams {
	return AuthenticateWithTOTPParams{
		PendingAuthenticationToken: e.PendingAuthenticationToken, AuthenticationChallengeID: challengeID, Code: code,
	}
}

// MFAEnrollmentError says that the user has to enroll a factor before signing in. The next steps:
//
//	enrollment, err := client.EnrollAuthFactor(ctx, mfa.User.ID, workos.EnrollAuthFactorParams{Issuer: "Acme", User: mfa.User.Email})
//	… show enrollment.Factor.TOTP.QRCode and ask for the first code …
//	auth, err := client.AuthenticateWithTOTP(ctx, mfa.TOTPParams(enrollment.Challenge.ID, code))
type MFAEnrollmentError struct {
	apiError
	// PendingAuthenticationToken stands for the sign-in so far, as that of [MFAChallengeError] does. It is empty where
	// there is none to go on with, as after a refresh.
	PendingAuthenticationToken string `json:"-"`
	User                       User   // who is signing in
}

// TOTPParams is what [Client.AuthenticateWithTOTP] takes to go on, with the ID of the challenge and the user's code.
func (e *MFAEnrollmentError) TOTPParams(challengeID, code string) AuthenticateWithTOTPParams {
	return AuthenticateWithTOTPParams{
		PendingAuthenticationToken: e.PendingAuthenticationToken, AuthenticationChallengeID: challengeID, Code: code,
	}
}

// EmailVerificationRequiredError says that the user has to give the code that WorkOS has mailed. The next step:
//
//	auth, err := client.AuthenticateWithEmailVerification(ctx, required.VerificationParams(code))
type EmailVerificationRequiredError struct {
	apiError
	// PendingAuthenticationToken stands for the sign-in so far, as that of [MFAChallengeError] does.
	PendingAuthenticationToken string `json:"-"`
	Email                      string // where the code went
	// EmailVerificationID is for [Client.GetEmailVerification], by which an application that sends its own mail gets the
	// code.
	EmailVerificationID string
}

// VerificationParams is what [Client.AuthenticateWithEmailVerification] takes to go on, with the code that was mailed.
func (e *EmailVerificationRequiredError) VerificationParams(code string) AuthenticateWithEmailVerificationParams {
	return AuthenticateWithEmailVerificationParams{PendingAuthenticationToken: e.PendingAuthenticationToken, Code: code}
}

// OrganizationSelectionRequiredError says that the user has to choose one of several organizations. The next step:
//
//	auth, err := client.AuthenticateWithOrganizationSelection(ctx, selection.SelectionParams(organizationID))
type OrganizationSelectionRequiredError struct {
	apiError
	// PendingAuthenticationToken stands for the sign-in so far, as that of [MFAChallengeError] does.
	PendingAuthenticationToken string               `json:"-"`
	Organizations              []OrganizationChoice // what there is to choose from
	User                       User                 // who is signing in
}

// OrganizationChoice is an organization that can answer an [OrganizationSelectionRequiredError].
type OrganizationChoice struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// SelectionParams is what [Client.AuthenticateWithOrganizationSelection] takes to go on, with the user's choice.
func (e *OrganizationSelectionRequiredError) SelectionParams(organizationID string) AuthenticateWithOrganizationSelectionParams {
	return AuthenticateWithOrganizationSelectionParams{PendingAuthenticationToken: e.PendingAuthenticationToken, OrganizationID: organizationID}
}

// SSORequiredError says that the user has to sign in by single sign-on. The next step is to send the browser to
// [Client.AuthorizationURL] with one of the connections as ConnectionID and Email as LoginHint.
type SSORequiredError struct {
	apiError
	Email         string
	ConnectionIDs []string
}

// OrganizationAuthMethodsRequiredError says that the user's organization does not permit this way of signing in. The next step
// is another way: one of Methods, or single sign-on as after an [SSORequiredError].
type OrganizationAuthMethodsRequiredError struct {
	apiError
	Email            string
	SSOConnectionIDs []string
	Methods          []string // what it permits: "password", "magic_auth", "google_oauth" and so on, in order of the alphabet
}

// RadarChallengeError says that WorkOS Radar finds the sign-in suspicious and wants another proof. The hosted AuthKit
// pages ask for that; this package has no grant for it, so the next step is to send the browser to
// [Client.AuthorizationURL].
type RadarChallengeError struct {
	apiError
	// PendingAuthenticationToken stands for the sign-in so far, as that of [MFAChallengeError] does.
	PendingAuthenticationToken string `json:"-"`
	RadarChallengeID           string // may be empty
}

// furtherStep is the error of a sign-in that can go on in another way, or nil if e is none.
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
	// As far as the members are what they should be: a sign-in must not end over one that is not needed.
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
		return &SSORequiredError{r, response.Email, response.ConnectionIDs}
	case CodeOrganizationAuthenticationMethodsRequired:
		maps.DeleteFunc(response.AuthMethods, func(_ string, permitted bool) bool { return !permitted })
		return &OrganizationAuthMethodsRequiredError{r, response.Email, response.SSOConnectionIDs, slices.Sorted(maps.Keys(response.AuthMethods))}
	case CodeRadarChallenge, CodeRadarSignUpChallenge, CodeRadarSMSSignInChallenge, CodeRadarEmailChallenge, CodeRadarSMSChallenge:
		return &RadarChallengeError{r, response.Token, response.RadarChallengeID}
	}
	return nil
}
