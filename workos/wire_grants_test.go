// The grants of the authenticate call.

package workos_test

import (
	"context"
	"errors"
	"slices"

	"github.com/authkit-go/authkit/workos"
)

var (
	// grantErrors are the errors that every grant can get.
	grantErrors = slices.Concat(
		oauth(nil, workos.CodeInvalidRequest, workos.CodeInvalidClient, workos.CodeUnauthorizedClient,
			workos.CodeInvalidProfile, workos.CodeInvalidConnection, workos.CodeAuthenticationMethodNotAllowed,
			workos.CodeOrganizationNotFound, workos.CodeOrganizationMembershipNotFound, workos.CodeTokenTooBig,
			workos.CodePKCENotSupported, workos.CodeExtraAttributesRequired, workos.CodeInvalidLinkAuthorizationCode),
		oauth(as[*workos.InvalidGrantError], workos.CodeInvalidGrant),
		oauth(as[*workos.MFAEnrollmentError], workos.CodeMFAEnrollment),
		oauth(as[*workos.SSORequiredError], workos.CodeSSORequired),
		oauth(as[*workos.OrganizationAuthMethodsRequiredError], workos.CodeOrganizationAuthenticationMethodsRequired),
		plain(403, as[*workos.MFAChallengeError], workos.CodeMFAChallenge),
		plain(403, as[*workos.MFAEnrollmentError], workos.CodeMFAEnrollment),
		plain(403, as[*workos.EmailVerificationRequiredError], workos.CodeEmailVerificationRequired),
		plain(403, as[*workos.OrganizationSelectionRequiredError], workos.CodeOrganizationSelectionRequired),
		plain(403, as[*workos.RadarChallengeError], workos.CodeRadarChallenge, workos.CodeRadarSignUpChallenge,
			workos.CodeRadarSMSSignInChallenge, workos.CodeRadarEmailChallenge, workos.CodeRadarSMSChallenge),
		plain(403, nil, workos.CodeAuthenticationMethodNotAllowed, workos.CodeEmailPasswordAuthDisabled,
			workos.CodePasskeyProgressiveEnrollment, workos.CodeApplicationConsentRequired),
		plain(400, nil, workos.CodeInvalidOrganizationID, workos.CodeCodeChallengeNotFound, workos.CodeUserMismatch,
			workos.CodePhoneNumberRequired, workos.CodeVerificationIDRequired),
		plain(422, as[*workos.ValidationError], workos.CodeInvalidRequestParameters),
		bare(400, 401, 404),
	)
	// limitErrors are omitted for calls that are retried after them.
	limitErrors = slices.Concat(
		plain(429, as[*workos.RateLimitError], workos.CodeDailyQuotaExceeded),
		[]errorResponse{
			{429, `{"error":"too_many_requests","error_description":"No."}`, workos.CodeTooManyRequests, as[*workos.RateLimitError]},
			{429, `{"message":"No."}`, "", as[*workos.RateLimitError]},
		},
	)
	invitationErrors  = oauth(nil, workos.CodeInvitationInvalid, workos.CodeInvitationCannotBeUsedForEmail, workos.CodeSignUpNotAllowed)
	oneTimeCodeErrors = slices.Concat(
		plain(400, reason(workos.OneTimeCodeWrong), workos.CodeInvalidOneTimeCode),
		plain(400, reason(workos.OneTimeCodeExpired), workos.CodeOneTimeCodeExpired),
		plain(400, reason(workos.OneTimeCodeUsed), workos.CodeOneTimeCodePreviouslyUsed),
		plain(400, reason(workos.OneTimeCodeTooManyAttempts), workos.CodeOneTimeCodeTooManyAttempts),
	)
	pendingErrors = plain(400, nil, workos.CodeInvalidPendingAuthenticationToken)
)

func reason(want workos.OneTimeCodeReason) func(error) bool {
	return func(err error) bool {
		var target *workos.OneTimeCodeError
		return errors.As(err, &target) && target.Reason == want
	}
}

// grantCall returns a case of the authenticate call. TestAuthenticateReadsTheResponse tests the decoding in detail.
func grantCall(body string, secrets []string, call func(context.Context, *workos.Client) (*workos.Authentication, error), further ...[]errorResponse) wire {
	return wire{
		call:   func(ctx context.Context, c *workos.Client) (any, error) { return call(ctx, c) },
		method: "POST", path: "/user_management/authenticate", body: body,
		secrets: append(secrets, "access-secret", "next-refresh-secret"),
		status:  200, response: `{"user":` + userJSON + `,"access_token":"access-secret","refresh_token":"next-refresh-secret"}`,
		required: []string{"user", "user.id", "access_token", "refresh_token"},
		want: &workos.Authentication{
			User: kim, AccessToken: "access-secret", RefreshToken: "next-refresh-secret",
		},
		errors: slices.Concat(append(further, grantErrors)...),
	}
}

var grantCalls = func() map[string]wire {
	const credentials = `"client_id":"client_01A","client_secret":"sk_test_4Secret",`
	byCode := grantCall(`{`+credentials+`"grant_type":"authorization_code","code":"01CODE-secret","code_verifier":"verifier-secret",
			"invitation_token":"invitation-secret","ip_address":"192.0.2.1","user_agent":"Firefox","device_id":"device_01A","signals_id":"signals_01A"}`,
		[]string{code, verifier, "invitation-secret"},
		func(ctx context.Context, c *workos.Client) (*workos.Authentication, error) {
			return c.AuthenticateWithCode(ctx, workos.AuthenticateWithCodeParams{
				Code: code, CodeVerifier: verifier, InvitationToken: "invitation-secret", IPAddress: "192.0.2.1", UserAgent: "Firefox", DeviceID: "device_01A", SignalsID: "signals_01A",
			})
		}, invitationErrors, limitErrors)
	byCode.keyOptional = true
	byToken := grantCall(`{`+credentials+`"grant_type":"refresh_token","refresh_token":"refresh-secret","organization_id":"org_01B",
			"ip_address":"192.0.2.1","user_agent":"Firefox","device_id":"device_01A"}`,
		[]string{refreshToken},
		func(ctx context.Context, c *workos.Client) (*workos.Authentication, error) {
			return c.AuthenticateWithRefreshToken(ctx, workos.AuthenticateWithRefreshTokenParams{
				RefreshToken: refreshToken, OrganizationID: "org_01B", IPAddress: "192.0.2.1", UserAgent: "Firefox", DeviceID: "device_01A",
			})
		}, limitErrors)
	byToken.keyOptional = true
	byToken.required = []string{"user", "user.id", "access_token"}
	byDevice := grantCall(`{"client_id":"client_01A","grant_type":"urn:ietf:params:oauth:grant-type:device_code",
			"device_code":"device-secret","ip_address":"192.0.2.1","user_agent":"acme-cli","device_id":"device_01A"}`,
		[]string{"device-secret"},
		func(ctx context.Context, c *workos.Client) (*workos.Authentication, error) {
			return c.AuthenticateWithDeviceCode(ctx, workos.AuthenticateWithDeviceCodeParams{
				DeviceCode: "device-secret", IPAddress: "192.0.2.1", UserAgent: "acme-cli", DeviceID: "device_01A",
			})
		},
		limitErrors,
		oauth(nil, workos.CodeAuthorizationPending, workos.CodeSlowDown),
		oauth(as[*workos.DeviceDeniedError], workos.CodeAccessDenied),
		oauth(as[*workos.DeviceExpiredError], workos.CodeExpiredToken))
	byDevice.keyOmitted = true

	return map[string]wire{
		"AuthenticateWithCode":         byCode,
		"AuthenticateWithRefreshToken": byToken,
		"AuthenticateWithDeviceCode":   byDevice,
		"AuthenticateWithPassword": grantCall(`{`+credentials+`"grant_type":"password","email":"kim@acme.test","password":"hunter2-secret",
				"invitation_token":"invitation-secret","ip_address":"192.0.2.1","user_agent":"Firefox","device_id":"device_01A","signals_id":"signals_01A","radar_auth_attempt_id":"attempt_01A"}`,
			[]string{"hunter2-secret", "invitation-secret"},
			func(ctx context.Context, c *workos.Client) (*workos.Authentication, error) {
				return c.AuthenticateWithPassword(ctx, workos.AuthenticateWithPasswordParams{
					Email: "kim@acme.test", Password: "hunter2-secret", InvitationToken: "invitation-secret",
					IPAddress: "192.0.2.1", UserAgent: "Firefox", DeviceID: "device_01A", SignalsID: "signals_01A", RadarAuthAttemptID: "attempt_01A",
				})
			},
			limitErrors, invitationErrors, plain(400, as[*workos.InvalidCredentialsError], workos.CodeInvalidCredentials)),
		"AuthenticateWithMagicAuth": grantCall(`{`+credentials+`"grant_type":"urn:workos:oauth:grant-type:magic-auth:code",
				"email":"kim@acme.test","code":"01CODE-secret","invitation_token":"invitation-secret",
				"ip_address":"192.0.2.1","user_agent":"Firefox","device_id":"device_01A","radar_auth_attempt_id":"attempt_01A"}`,
			[]string{code, "invitation-secret"},
			func(ctx context.Context, c *workos.Client) (*workos.Authentication, error) {
				return c.AuthenticateWithMagicAuth(ctx, workos.AuthenticateWithMagicAuthParams{
					Email: "kim@acme.test", Code: code, InvitationToken: "invitation-secret", IPAddress: "192.0.2.1", UserAgent: "Firefox", DeviceID: "device_01A", RadarAuthAttemptID: "attempt_01A",
				})
			}, limitErrors, invitationErrors, oneTimeCodeErrors),
		"AuthenticateWithEmailVerification": grantCall(`{`+credentials+`"grant_type":"urn:workos:oauth:grant-type:email-verification:code",
				"code":"01CODE-secret","pending_authentication_token":"pending-secret","ip_address":"192.0.2.1","user_agent":"Firefox","device_id":"device_01A"}`,
			[]string{code, "pending-secret"},
			func(ctx context.Context, c *workos.Client) (*workos.Authentication, error) {
				return c.AuthenticateWithEmailVerification(ctx, workos.AuthenticateWithEmailVerificationParams{
					PendingAuthenticationToken: "pending-secret", Code: code, IPAddress: "192.0.2.1", UserAgent: "Firefox", DeviceID: "device_01A",
				})
			}, limitErrors, oneTimeCodeErrors, pendingErrors),
		"AuthenticateWithTOTP": grantCall(`{`+credentials+`"grant_type":"urn:workos:oauth:grant-type:mfa-totp","code":"01CODE-secret",
				"pending_authentication_token":"pending-secret","authentication_challenge_id":"auth_challenge_01A",
				"ip_address":"192.0.2.1","user_agent":"Firefox","device_id":"device_01A"}`,
			[]string{code, "pending-secret"},
			func(ctx context.Context, c *workos.Client) (*workos.Authentication, error) {
				return c.AuthenticateWithTOTP(ctx, workos.AuthenticateWithTOTPParams{
					PendingAuthenticationToken: "pending-secret", AuthenticationChallengeID: "auth_challenge_01A", Code: code,
					IPAddress: "192.0.2.1", UserAgent: "Firefox", DeviceID: "device_01A",
				})
			}, limitErrors, oneTimeCodeErrors, pendingErrors),
		"AuthenticateWithRadarEmailChallenge": grantCall(`{`+credentials+`"grant_type":"urn:workos:oauth:grant-type:radar-email-challenge:code",
				"code":"01CODE-secret","pending_authentication_token":"pending-secret","radar_challenge_id":"radar_challenge_01A",
				"ip_address":"192.0.2.1","user_agent":"Firefox","device_id":"device_01A"}`,
			[]string{code, "pending-secret"},
			func(ctx context.Context, c *workos.Client) (*workos.Authentication, error) {
				return c.AuthenticateWithRadarEmailChallenge(ctx, workos.AuthenticateWithRadarEmailChallengeParams{
					PendingAuthenticationToken: "pending-secret", RadarChallengeID: "radar_challenge_01A", Code: code,
					IPAddress: "192.0.2.1", UserAgent: "Firefox", DeviceID: "device_01A",
				})
			}, limitErrors, oneTimeCodeErrors, pendingErrors),
		"AuthenticateWithRadarSMSChallenge": grantCall(`{`+credentials+`"grant_type":"urn:workos:oauth:grant-type:radar-sms-challenge:code",
				"code":"01CODE-secret","pending_authentication_token":"pending-secret","verification_id":"verification_01A",
				"phone_number":"+15005550006","ip_address":"192.0.2.1","user_agent":"Firefox","device_id":"device_01A"}`,
			[]string{code, "pending-secret"},
			func(ctx context.Context, c *workos.Client) (*workos.Authentication, error) {
				return c.AuthenticateWithRadarSMSChallenge(ctx, workos.AuthenticateWithRadarSMSChallengeParams{
					PendingAuthenticationToken: "pending-secret", VerificationID: "verification_01A", PhoneNumber: "+15005550006", Code: code,
					IPAddress: "192.0.2.1", UserAgent: "Firefox", DeviceID: "device_01A",
				})
			}, limitErrors, oneTimeCodeErrors, pendingErrors),
		"AuthenticateWithOrganizationSelection": grantCall(`{`+credentials+`"grant_type":"urn:workos:oauth:grant-type:organization-selection",
				"pending_authentication_token":"pending-secret","organization_id":"org_01B","ip_address":"192.0.2.1","user_agent":"Firefox","device_id":"device_01A"}`,
			[]string{"pending-secret"},
			func(ctx context.Context, c *workos.Client) (*workos.Authentication, error) {
				return c.AuthenticateWithOrganizationSelection(ctx, workos.AuthenticateWithOrganizationSelectionParams{
					PendingAuthenticationToken: "pending-secret", OrganizationID: "org_01B", IPAddress: "192.0.2.1", UserAgent: "Firefox", DeviceID: "device_01A",
				})
			}, limitErrors, pendingErrors),
	}
}()
