// Magic Auth, MFA, email verification and password reset.

package workos_test

import (
	"context"
	"slices"
	"time"

	"github.com/authkit-go/authkit/workos"
)

var (
	created = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	updated = time.Date(2026, 5, 4, 10, 0, 0, 500e6, time.UTC)
	expires = time.Date(2026, 5, 4, 10, 10, 0, 0, time.UTC)
)

const (
	createdJSON = `"created_at":"2026-01-01T00:00:00.000Z"`
	timesJSON   = createdJSON + `,"updated_at":"2026-05-04T10:00:00.500Z"`
	expiresJSON = `"expires_at":"2026-05-04T10:10:00.000Z"`

	factorJSON = `{"object":"authentication_factor","id":"auth_factor_01A","type":"totp","user_id":"user_01A",
		"totp":{"issuer":"Acme","user":"kim@acme.test"},` + timesJSON + `}`
	challengeJSON = `{"object":"authentication_challenge","id":"auth_challenge_01A","authentication_factor_id":"auth_factor_01A",` + timesJSON + `}`
)

var (
	factor = workos.AuthFactor{
		ID: "auth_factor_01A", Type: "totp", UserID: "user_01A", TOTP: &workos.TOTP{Issuer: "Acme", User: "kim@acme.test"},
		CreatedAt: created, UpdatedAt: updated,
	}
	challenge = workos.AuthChallenge{
		ID: "auth_challenge_01A", AuthenticationFactorID: "auth_factor_01A", CreatedAt: created, UpdatedAt: updated,
	}

	// readErrors are the errors of a call that names a resource.
	readErrors = slices.Concat(bare(401, 403, 404), limitErrors, plain(422, as[*workos.ValidationError], workos.CodeInvalidRequestParameters))
)

var signInCalls = map[string]wire{
	"CreateMagicAuth": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.CreateMagicAuth(ctx, workos.CreateMagicAuthParams{
				Email: "kim@acme.test", InvitationToken: "invitation-secret", IPAddress: "192.0.2.1", UserAgent: "Firefox",
				SignalsID: "signals_01A", RadarAuthAttemptID: "attempt_01A",
			})
		},
		method: "POST", path: "/user_management/magic_auth",
		body: `{"email":"kim@acme.test","invitation_token":"invitation-secret","ip_address":"192.0.2.1","user_agent":"Firefox",
			"signals_id":"signals_01A","radar_auth_attempt_id":"attempt_01A"}`,
		secrets: []string{"invitation-secret", "123456-secret"},
		status:  201, response: magicAuthJSON, required: []string{"id"}, want: &magicAuth,
		errors: slices.Concat(bare(401), invitationErrors, limitErrors,
			oauth(nil, workos.CodeAuthenticationMethodNotAllowed),
			plain(400, nil, workos.CodeEmailDomainNotDeliverable),
			plain(422, as[*workos.ValidationError], workos.CodeInvalidRequestParameters)),
	},
	"GetMagicAuth": {
		call:   func(ctx context.Context, c *workos.Client) (any, error) { return c.GetMagicAuth(ctx, "magic_auth_01A") },
		method: "GET", path: "/user_management/magic_auth/magic_auth_01A", secrets: []string{"123456-secret"},
		status: 200, response: magicAuthJSON, required: []string{"id"}, want: &magicAuth,
		errors: readErrors,
	},
	"EnrollAuthFactor": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.EnrollAuthFactor(ctx, "user_01A", workos.EnrollAuthFactorParams{Issuer: "Acme", User: "kim@acme.test", Secret: "MY-secret"})
		},
		method: "POST", path: "/user_management/users/user_01A/auth_factors",
		body:    `{"type":"totp","totp_issuer":"Acme","totp_user":"kim@acme.test","totp_secret":"MY-secret"}`,
		secrets: []string{"MY-secret", "totp-secret"},
		status:  201,
		response: `{"authentication_factor":{"object":"authentication_factor","id":"auth_factor_01A","type":"totp","user_id":"user_01A",
			"totp":{"issuer":"Acme","user":"kim@acme.test","secret":"totp-secret","qr_code":"data:image/png;base64,totp-secret",
			"uri":"otpauth://totp/Acme:kim@acme.test?secret=totp-secret"},` + timesJSON + `},"authentication_challenge":` + challengeJSON + `}`,
		required: []string{"authentication_factor", "authentication_factor.id", "authentication_challenge", "authentication_challenge.id"},
		want: &workos.AuthFactorEnrollment{
			Factor: workos.AuthFactor{
				ID: "auth_factor_01A", Type: "totp", UserID: "user_01A", CreatedAt: created, UpdatedAt: updated,
				TOTP: &workos.TOTP{
					Issuer: "Acme", User: "kim@acme.test", Secret: "totp-secret", QRCode: "data:image/png;base64,totp-secret",
					URI: "otpauth://totp/Acme:kim@acme.test?secret=totp-secret",
				},
			},
			Challenge: challenge,
		},
		errors: readErrors,
	},
	"ListAuthFactors": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return collect(c.ListAuthFactors(ctx, "user_01A", workos.Paging{PageSize: 100, Order: workos.OrderAscending, After: "auth_factor_00"}))
		},
		method: "GET", path: "/user_management/users/user_01A/auth_factors", query: "after=auth_factor_00&limit=100&order=asc",
		status: 200, response: listOf(factorJSON), required: []string{"data", "data.0", "data.0.id"}, want: []workos.AuthFactor{factor},
		errors: readErrors,
	},
	"GetAuthFactor": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.GetAuthFactor(ctx, "auth_factor_01A")
		},
		method: "GET", path: "/auth/factors/auth_factor_01A", status: 200, response: factorJSON, required: []string{"id"}, want: &factor,
		errors: readErrors,
	},
	"GetAuthFactor of a telephone": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.GetAuthFactor(ctx, "auth_factor_01B")
		},
		method: "GET", path: "/auth/factors/auth_factor_01B", status: 200,
		response: `{"object":"authentication_factor","id":"auth_factor_01B","type":"sms","sms":{"phone_number":"+15005550006"},` + timesJSON + `}`,
		required: []string{"id"},
		want: &workos.AuthFactor{
			ID: "auth_factor_01B", Type: workos.AuthFactorSMS, SMS: &workos.SMS{PhoneNumber: "+15005550006"}, CreatedAt: created, UpdatedAt: updated,
		},
		errors: readErrors,
	},
	"DeleteAuthFactor": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return done(c.DeleteAuthFactor(ctx, "auth_factor_01A"))
		},
		method: "DELETE", path: "/auth/factors/auth_factor_01A", status: 204, errors: readErrors,
	},
	"ChallengeAuthFactor": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.ChallengeAuthFactor(ctx, "auth_factor_01A")
		},
		method: "POST", path: "/auth/factors/auth_factor_01A/challenge", body: `{}`,
		status: 201, response: challengeJSON, required: []string{"id"}, want: &challenge, errors: readErrors,
	},
	"ChallengeAuthFactor of a telephone": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.ChallengeAuthFactor(ctx, "auth_factor_01B")
		},
		method: "POST", path: "/auth/factors/auth_factor_01B/challenge", body: `{}`, secrets: []string{"123456-secret"},
		status: 201,
		response: `{"object":"authentication_challenge","id":"auth_challenge_01B","authentication_factor_id":"auth_factor_01B",
			"code":"123456-secret",` + expiresJSON + `,` + timesJSON + `}`,
		required: []string{"id"},
		want: &workos.AuthChallenge{
			ID: "auth_challenge_01B", AuthenticationFactorID: "auth_factor_01B", Code: "123456-secret", ExpiresAt: expires,
			CreatedAt: created, UpdatedAt: updated,
		},
		errors: readErrors,
	},
	"ChallengeSMSAuthFactor": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.ChallengeSMSAuthFactor(ctx, "auth_factor_01A", "Acme: {{code}}")
		},
		method: "POST", path: "/auth/factors/auth_factor_01A/challenge", body: `{"sms_template":"Acme: {{code}}"}`,
		status: 201, response: challengeJSON, required: []string{"id"}, want: &challenge, errors: readErrors,
	},
	"VerifyAuthChallenge with the right code": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			answered, valid, err := c.VerifyAuthChallenge(ctx, "auth_challenge_01A", code)
			return lookup[workos.AuthChallenge]{answered, valid}, err
		},
		method: "POST", path: "/auth/challenges/auth_challenge_01A/verify", body: `{"code":"01CODE-secret"}`, secrets: []string{code},
		status: 201, response: `{"challenge":` + challengeJSON + `,"valid":true}`, required: []string{"valid", "challenge", "challenge.id"},
		want:   lookup[workos.AuthChallenge]{&challenge, true},
		errors: slices.Concat(readErrors, oneTimeCodeErrors),
	},
	"VerifyAuthChallenge with a wrong code": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			answered, valid, err := c.VerifyAuthChallenge(ctx, "auth_challenge_01A", code)
			return lookup[workos.AuthChallenge]{answered, valid}, err
		},
		method: "POST", path: "/auth/challenges/auth_challenge_01A/verify", body: `{"code":"01CODE-secret"}`, secrets: []string{code},
		status: 201, response: `{"challenge":` + challengeJSON + `,"valid":false}`, required: []string{"valid", "challenge", "challenge.id"},
		want:   lookup[workos.AuthChallenge]{&challenge, false},
		errors: readErrors,
	},
	"SendEmailVerification": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.SendEmailVerification(ctx, "user_01A")
		},
		method: "POST", path: "/user_management/users/user_01A/email_verification/send",
		status: 200, response: `{"user":` + userJSON + `}`, required: []string{"user", "user.id"}, want: &kim,
		errors: slices.Concat(readErrors, plain(400, nil, workos.CodeEmailAlreadyVerified)),
	},
	"ConfirmEmailVerification": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.ConfirmEmailVerification(ctx, "user_01A", code)
		},
		method: "POST", path: "/user_management/users/user_01A/email_verification/confirm", body: `{"code":"01CODE-secret"}`,
		secrets: []string{code}, status: 200, response: `{"user":` + userJSON + `}`, required: []string{"user", "user.id"}, want: &kim,
		errors: slices.Concat(readErrors,
			plain(400, nil, workos.CodeEmailPreviouslyVerified),
			plain(400, reason(workos.OneTimeCodeUsed), workos.CodeEmailVerificationCodeUsed),
			plain(400, reason(workos.OneTimeCodeExpired), workos.CodeEmailVerificationCodeExpired),
			plain(400, reason(workos.OneTimeCodeWrong), workos.CodeEmailVerificationCodeIncorrect)),
	},
	"GetEmailVerification": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.GetEmailVerification(ctx, "email_verification_01A")
		},
		method: "GET", path: "/user_management/email_verification/email_verification_01A", secrets: []string{"123456-secret"},
		status: 200, response: `{"object":"email_verification","id":"email_verification_01A","user_id":"user_01A","email":"kim@acme.test",
			"code":"123456-secret",` + expiresJSON + `,` + timesJSON + `}`,
		required: []string{"id"},
		want: &workos.EmailVerification{
			ID: "email_verification_01A", UserID: "user_01A", Email: "kim@acme.test", Code: "123456-secret",
			ExpiresAt: expires, CreatedAt: created, UpdatedAt: updated,
		},
		errors: readErrors,
	},
	"GetRadarChallenge": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.GetRadarChallenge(ctx, "radar_challenge_01A")
		},
		method: "GET", path: "/user_management/radar_challenges/radar_challenge_01A", secrets: []string{"123456-secret"},
		status: 200, response: `{"object":"radar_challenge","id":"radar_challenge_01A","type":"email","user_id":"user_01A","email":"kim@acme.test",
			"code":"123456-secret",` + expiresJSON + `,` + timesJSON + `}`,
		required: []string{"id"},
		want: &workos.RadarChallenge{
			ID: "radar_challenge_01A", Type: "email", UserID: "user_01A", Email: "kim@acme.test", Code: "123456-secret",
			ExpiresAt: expires, CreatedAt: created, UpdatedAt: updated,
		},
		errors: readErrors,
	},
	"SendRadarSMSChallenge": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.SendRadarSMSChallenge(ctx, workos.SendRadarSMSChallengeParams{
				UserID: "user_01A", PendingAuthenticationToken: "pending-secret", PhoneNumber: "+15005550006",
				IPAddress: "192.0.2.1", UserAgent: "Firefox",
			})
		},
		method: "POST", path: "/user_management/radar_challenges",
		body: `{"user_id":"user_01A","pending_authentication_token":"pending-secret","phone_number":"+15005550006",
			"ip_address":"192.0.2.1","user_agent":"Firefox"}`,
		secrets: []string{"pending-secret"},
		status:  201, response: `{"verification_id":"verification_01A","phone_number":"+15005550006"}`, required: []string{"verification_id"},
		want:   &workos.RadarSMSChallenge{VerificationID: "verification_01A", PhoneNumber: "+15005550006"},
		errors: readErrors,
	},
	"CreatePasswordReset": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.CreatePasswordReset(ctx, "kim@acme.test")
		},
		method: "POST", path: "/user_management/password_reset", body: `{"email":"kim@acme.test"}`, secrets: []string{"reset-secret"},
		status: 201, response: passwordResetJSON, required: []string{"id"}, want: &passwordReset,
		errors: slices.Concat(readErrors, plain(403, nil, workos.CodeEmailPasswordAuthDisabled, workos.CodePasswordResetNotAllowed)),
	},
	"GetPasswordReset": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.GetPasswordReset(ctx, "password_reset_01A")
		},
		method: "GET", path: "/user_management/password_reset/password_reset_01A", secrets: []string{"reset-secret"},
		status: 200, response: passwordResetJSON, required: []string{"id"}, want: &passwordReset, errors: readErrors,
	},
	"ConfirmPasswordReset": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.ConfirmPasswordReset(ctx, workos.ConfirmPasswordResetParams{Token: "reset-secret", NewPassword: "hunter2-secret"})
		},
		method: "POST", path: "/user_management/password_reset/confirm", body: `{"token":"reset-secret","new_password":"hunter2-secret"}`,
		secrets: []string{"reset-secret", "hunter2-secret"},
		status:  200, response: `{"user":` + userJSON + `}`, required: []string{"user", "user.id"}, want: &kim,
		errors: slices.Concat(readErrors,
			plain(403, nil, workos.CodeEmailPasswordAuthDisabled),
			plain(400, as[*workos.PasswordResetError], workos.CodePasswordResetError),
			plain(400, as[*workos.WeakPasswordError], workos.CodePasswordStrengthError)),
	},
}

const (
	magicAuthJSON = `{"object":"magic_auth","id":"magic_auth_01A","user_id":"user_01A","email":"kim@acme.test","code":"123456-secret",` +
		expiresJSON + `,` + timesJSON + `,"radar_auth_attempt_id":"attempt_01A"}`
	passwordResetJSON = `{"object":"password_reset","id":"password_reset_01A","user_id":"user_01A","email":"kim@acme.test",
		"password_reset_token":"reset-secret","password_reset_url":"https://app.test/reset?token=reset-secret",` + expiresJSON + `,` + createdJSON + `}`
)

var (
	magicAuth = workos.MagicAuth{
		ID: "magic_auth_01A", UserID: "user_01A", Email: "kim@acme.test", Code: "123456-secret",
		RadarAuthAttemptID: "attempt_01A", ExpiresAt: expires, CreatedAt: created, UpdatedAt: updated,
	}
	passwordReset = workos.PasswordReset{
		ID: "password_reset_01A", UserID: "user_01A", Email: "kim@acme.test",
		Token: "reset-secret", URL: "https://app.test/reset?token=reset-secret", ExpiresAt: expires, CreatedAt: created,
	}
)

// listOf returns the envelope of a list with one page.
func listOf(object string) string {
	return `{"object":"list","data":[` + object + `],"list_metadata":{"before":null,"after":null}}`
}
