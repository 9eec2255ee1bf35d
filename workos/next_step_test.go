// The errors that an application can act on: what they hold, and how the next step uses them.

package workos_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/workos"
)

// signInError signs in with a password, gets the given response and returns the error.
func signInError(t *testing.T, status int, body string, header ...string) error {
	t.Helper()
	server := newServer(t, respondWith(status, body, header...))
	_, err := server.client(t).AuthenticateWithPassword(t.Context(), workos.AuthenticateWithPasswordParams{Email: "kim@acme.test", Password: "hunter2-secret"})
	require.Error(t, err)
	assert.Len(t, server.received(), 1)
	return err
}

// requireAs requires an error of type T and returns it.
func requireAs[T error](t *testing.T, err error) T {
	t.Helper()
	var target T
	require.ErrorAs(t, fmt.Errorf("wrapped: %w", err), &target)
	return target
}

func TestAnMFAChallengeErrorHoldsTheNextStep(t *testing.T) {
	const body = `{"code":"mfa_challenge","message":"MFA.","pending_authentication_token":"pending-secret",
		"authentication_factors":[{"id":"auth_factor_01A","type":"totp"}],"user":` + userJSON + `}`
	challenge := requireAs[*workos.MFAChallengeError](t, signInError(t, 403, body))
	assert.Equal(t, []workos.AuthFactorChoice{{ID: "auth_factor_01A", Type: "totp"}}, challenge.Factors)
	assert.Equal(t, kim, challenge.User)
	assert.Equal(t, "pending-secret", challenge.PendingAuthenticationToken)
	assert.Equal(t, workos.AuthenticateWithTOTPParams{
		PendingAuthenticationToken: "pending-secret", AuthenticationChallengeID: "auth_challenge_01A", Code: "123456",
	}, challenge.TOTPParams("auth_challenge_01A", "123456"))
}

func TestAnMFAEnrollmentErrorHoldsTheNextStepInBothEnvelopes(t *testing.T) {
	for _, body := range []string{
		`{"code":"mfa_enrollment","message":"MFA.","pending_authentication_token":"pending-secret","user":` + userJSON + `}`,
		`{"error":"mfa_enrollment","error_description":"MFA.","pending_authentication_token":"pending-secret","user":` + userJSON + `}`,
	} {
		enrollment := requireAs[*workos.MFAEnrollmentError](t, signInError(t, 400, body))
		assert.Equal(t, kim, enrollment.User)
		assert.Equal(t, workos.AuthenticateWithTOTPParams{
			PendingAuthenticationToken: "pending-secret", AuthenticationChallengeID: "auth_challenge_01A", Code: "123456",
		}, enrollment.TOTPParams("auth_challenge_01A", "123456"))
	}
}

func TestAnEmailVerificationErrorHoldsTheNextStep(t *testing.T) {
	required := requireAs[*workos.EmailVerificationRequiredError](t, signInError(t, 403, `{"code":"email_verification_required","message":"Verify.",
		"pending_authentication_token":"pending-secret","email":"kim@acme.test","email_verification_id":"email_verification_01A"}`))
	assert.Equal(t, "kim@acme.test", required.Email)
	assert.Equal(t, "email_verification_01A", required.EmailVerificationID)
	assert.Equal(t, workos.AuthenticateWithEmailVerificationParams{PendingAuthenticationToken: "pending-secret", Code: "123456"},
		required.VerificationParams("123456"))
}

func TestAnOrganizationSelectionErrorHoldsTheNextStep(t *testing.T) {
	selection := requireAs[*workos.OrganizationSelectionRequiredError](t, signInError(t, 403, `{"code":"organization_selection_required","message":"Choose.",
		"pending_authentication_token":"pending-secret","organizations":[{"id":"org_01A","name":"Acme"},{"id":"org_01B","name":"Birch"}],
		"user":`+userJSON+`}`))
	assert.Equal(t, []workos.OrganizationChoice{{ID: "org_01A", Name: "Acme"}, {ID: "org_01B", Name: "Birch"}}, selection.Organizations)
	assert.Equal(t, kim, selection.User)
	assert.Equal(t, workos.AuthenticateWithOrganizationSelectionParams{PendingAuthenticationToken: "pending-secret", OrganizationID: "org_01B"},
		selection.SelectionParams("org_01B"))
}

func TestAPolicyErrorHoldsThePermittedMethodsForEveryStatus(t *testing.T) {
	for _, status := range []int{400, 403, 422} {
		sso := requireAs[*workos.SSORequiredError](t, signInError(t, status, `{"error":"sso_required","error_description":"SSO.","email":"kim@acme.test",
			"connection_ids":["conn_1","conn_2"],"pending_authentication_token":null}`))
		assert.Empty(t, sso.PendingAuthenticationToken)
		assert.Equal(t, "kim@acme.test", sso.Email)
		assert.Equal(t, []string{"conn_1", "conn_2"}, sso.ConnectionIDs)

		methods := requireAs[*workos.OrganizationAuthMethodsRequiredError](t, signInError(t, status, `{"error":"organization_authentication_methods_required",
			"error_description":"No.","email":"kim@acme.test","sso_connection_ids":["conn_1"],
			"auth_methods":{"password":false,"magic_auth":true,"google_oauth":true,"apple_oauth":false}}`))
		assert.Equal(t, "kim@acme.test", methods.Email)
		assert.Equal(t, []string{"conn_1"}, methods.SSOConnectionIDs)
		assert.Equal(t, []string{"google_oauth", "magic_auth"}, methods.Methods)
	}
}

func TestAnSSOErrorHoldsAPendingTokenIfWorkOSSendsOne(t *testing.T) {
	sso := requireAs[*workos.SSORequiredError](t, signInError(t, 400, `{"error":"sso_required","error_description":"SSO.","email":"kim@acme.test",
		"connection_ids":["conn_1"],"pending_authentication_token":"pending-secret"}`))
	assert.Equal(t, "pending-secret", sso.PendingAuthenticationToken)
	assert.Equal(t, []string{"conn_1"}, sso.ConnectionIDs)
	assert.NotContains(t, fmt.Sprintf("%#v", sso), "pending-secret")
}

func TestARadarChallengeErrorHoldsItsIDs(t *testing.T) {
	radar := requireAs[*workos.RadarChallengeError](t, signInError(t, 403,
		`{"code":"radar_challenge","message":"No.","pending_authentication_token":"pending-secret","radar_challenge_id":"radar_01A"}`))
	assert.Equal(t, "pending-secret", radar.PendingAuthenticationToken)
	assert.Equal(t, "radar_01A", radar.RadarChallengeID)
	assert.Zero(t, radar.User)
}

func TestARadarChallengeErrorHoldsTheNextStep(t *testing.T) {
	radar := requireAs[*workos.RadarChallengeError](t, signInError(t, 403, `{"code":"radar_email_challenge","message":"No.",
		"pending_authentication_token":"pending-secret","radar_challenge_id":"radar_01A","user":`+userJSON+`}`))
	assert.Equal(t, kim, radar.User)
	assert.Equal(t, workos.AuthenticateWithRadarEmailChallengeParams{
		PendingAuthenticationToken: "pending-secret", RadarChallengeID: "radar_01A", Code: "123456",
	}, radar.EmailChallengeParams("123456"))
	assert.Equal(t, workos.AuthenticateWithRadarSMSChallengeParams{
		PendingAuthenticationToken: "pending-secret", VerificationID: "verification_01A", PhoneNumber: "+15005550006", Code: "123456",
	}, radar.SMSChallengeParams(workos.RadarSMSChallenge{VerificationID: "verification_01A", PhoneNumber: "+15005550006"}, "123456"))
}

func TestErrorsHoldReasonsFieldsAndDelays(t *testing.T) {
	weak := requireAs[*workos.WeakPasswordError](t, signInError(t, 400,
		`{"code":"password_strength_error","message":"Weak.","errors":[{"code":"password_too_short","message":"Too short."}]}`))
	assert.Equal(t, []workos.ErrorDetail{{Code: "password_too_short", Message: "Too short."}}, weak.Reasons)

	reset := requireAs[*workos.PasswordResetError](t, signInError(t, 400,
		`{"code":"password_reset_error","message":"No.","errors":[{"code":"password_too_weak","message":"Too weak."}]}`))
	assert.Equal(t, []workos.ErrorDetail{{Code: "password_too_weak", Message: "Too weak."}}, reset.Reasons)

	invalid := requireAs[*workos.ValidationError](t, signInError(t, 422,
		`{"code":"invalid_request_parameters","message":"No.","errors":[{"field":"email","code":"email_required"}]}`))
	assert.Equal(t, []workos.ErrorDetail{{Field: "email", Code: "email_required"}}, invalid.Fields)

	for _, body := range []string{`{"code":"daily_quota_exceeded","message":"No."}`, `{"error":"too_many_requests"}`, `{}`, page} {
		err := signInError(t, 429, body, "Retry-After", "7")
		assert.Equal(t, 7*time.Second, requireAs[*workos.RateLimitError](t, err).RetryAfter, body)
		assert.True(t, workos.IsTransient(err), body)
		assert.Equal(t, 7*time.Second, workos.RetryAfter(err), body)
	}
}

func TestUnexpectedMembersDoNotRemoveTheNextStep(t *testing.T) {
	challenge := requireAs[*workos.MFAChallengeError](t, signInError(t, 403, `{"code":"mfa_challenge","message":7,
		"user":{"id":"user_01A","created_at":"yesterday"},"email":{},"organizations":"x","auth_methods":[],
		"authentication_factors":[{"id":"auth_factor_01A","type":"totp","later":1}],"pending_authentication_token":"pending-secret"}`))
	assert.Equal(t, "pending-secret", challenge.PendingAuthenticationToken)
	assert.Equal(t, []workos.AuthFactorChoice{{ID: "auth_factor_01A", Type: "totp"}}, challenge.Factors)

	bare := requireAs[*workos.MFAChallengeError](t, signInError(t, 403, `{"code":"mfa_challenge"}`))
	assert.Empty(t, bare.PendingAuthenticationToken)
	nulls := requireAs[*workos.MFAChallengeError](t, signInError(t, 403,
		`{"code":"mfa_challenge","pending_authentication_token":null,"authentication_factors":null,"user":null}`))
	assert.Empty(t, nulls.Factors)
}

func TestUserInputDoesNotChangeTheTypeOfAnError(t *testing.T) {
	for _, password := range []string{"a", "_", "invalid", "invalid_credentials"} {
		client := newServer(t, respondWith(400, `{"code":"invalid_credentials","message":"Invalid.","errors":[{"code":"a_b","field":"email"}]}`)).client(t)
		_, err := client.AuthenticateWithPassword(t.Context(), workos.AuthenticateWithPasswordParams{Email: "kim@acme.test", Password: password})
		requireAs[*workos.InvalidCredentialsError](t, err)
		assert.Equal(t, workos.CodeInvalidCredentials, workos.ErrorCode(err))
		assert.Equal(t, []workos.ErrorDetail{{Code: "a_b", Field: "email"}}, requireAPIError(t, err).Details)
	}
}

func TestATypedErrorContainsTheAPIError(t *testing.T) {
	err := signInError(t, 403, `{"code":"mfa_challenge","message":"The token pending-secret waits.","pending_authentication_token":"pending-secret",
		"authentication_factors":[{"id":"auth_factor_01A","type":"totp"}]}`, "X-Request-ID", "req_01A")
	got := requireAPIError(t, err)
	assert.Equal(t, 403, got.StatusCode)
	assert.Equal(t, "req_01A", got.RequestID)
	assert.Equal(t, got.Error(), err.Error())
	assert.Contains(t, err.Error(), "mfa_challenge: The token [redacted] waits.")
	assert.False(t, workos.IsTransient(err))

	challenge := requireAs[*workos.MFAChallengeError](t, err)
	for _, value := range []any{err, *challenge, struct{ Err error }{err}, []error{err}} {
		assertShowsNone(t, value, []string{"pending-secret"})
	}
	encoded, jsonErr := json.Marshal(challenge)
	require.NoError(t, jsonErr)
	assert.Contains(t, string(encoded), "auth_factor_01A")
}

// The tests of an application may create such errors.
func TestATypedErrorWithoutAResponseCanBePrinted(t *testing.T) {
	for _, err := range []error{
		&workos.MFAChallengeError{PendingAuthenticationToken: "pending-secret"}, &workos.MFAEnrollmentError{},
		&workos.EmailVerificationRequiredError{}, &workos.OrganizationSelectionRequiredError{}, &workos.SSORequiredError{},
		&workos.OrganizationAuthMethodsRequiredError{}, &workos.RadarChallengeError{}, &workos.InvalidGrantError{},
		&workos.InvalidCredentialsError{}, &workos.OneTimeCodeError{}, &workos.WeakPasswordError{}, &workos.PasswordResetError{},
		&workos.ValidationError{}, &workos.RateLimitError{}, &workos.DeviceDeniedError{}, &workos.DeviceExpiredError{},
	} {
		assert.Equal(t, "workos: error without a response", err.Error())
		assert.NoError(t, errors.Unwrap(err))
		assert.False(t, workos.IsTransient(err))
		assert.Empty(t, workos.ErrorCode(err))
		assertShowsNone(t, err, []string{"pending-secret"})
	}
}
