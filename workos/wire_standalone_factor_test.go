// Authentication factors without AuthKit's sign-in on the wire.

package workos_test

import (
	"context"
	"slices"

	"github.com/authkit-go/authkit/workos"
)

var (
	enrollErrors = slices.Concat(readErrors, bare(422))

	standaloneFactorCalls = map[string]wire{
		"EnrollStandaloneAuthFactor of a telephone": {
			call: func(ctx context.Context, c *workos.Client) (any, error) {
				return c.EnrollStandaloneAuthFactor(ctx, workos.EnrollStandaloneAuthFactorParams{
					Type: workos.AuthFactorSMS, PhoneNumber: "+15005550006", UserID: "user_01A",
				})
			},
			method: "POST", path: "/auth/factors/enroll", body: `{"type":"sms","phone_number":"+15005550006","user_id":"user_01A"}`,
			status: 201,
			response: `{"object":"authentication_factor","id":"auth_factor_01B","type":"sms","user_id":"user_01A",
				"sms":{"phone_number":"+15005550006"},` + timesJSON + `}`,
			required: []string{"id"},
			want: &workos.AuthFactor{
				ID: "auth_factor_01B", Type: workos.AuthFactorSMS, UserID: "user_01A", SMS: &workos.SMS{PhoneNumber: "+15005550006"},
				CreatedAt: created, UpdatedAt: updated,
			},
			errors: enrollErrors,
		},
		"EnrollStandaloneAuthFactor of an authenticator": {
			call: func(ctx context.Context, c *workos.Client) (any, error) {
				return c.EnrollStandaloneAuthFactor(ctx, workos.EnrollStandaloneAuthFactorParams{
					Type: workos.AuthFactorTOTP, Issuer: "Acme", User: "kim@acme.test",
				})
			},
			method: "POST", path: "/auth/factors/enroll", body: `{"type":"totp","totp_issuer":"Acme","totp_user":"kim@acme.test"}`,
			secrets: []string{"totp-secret"}, status: 201,
			response: `{"object":"authentication_factor","id":"auth_factor_01A","type":"totp",
				"totp":{"issuer":"Acme","user":"kim@acme.test","secret":"totp-secret","qr_code":"data:image/png;base64,totp-secret",
				"uri":"otpauth://totp/Acme:kim@acme.test?secret=totp-secret"},` + timesJSON + `}`,
			required: []string{"id"},
			want: &workos.AuthFactor{
				ID: "auth_factor_01A", Type: workos.AuthFactorTOTP, CreatedAt: created, UpdatedAt: updated,
				TOTP: &workos.TOTP{
					Issuer: "Acme", User: "kim@acme.test", Secret: "totp-secret", QRCode: "data:image/png;base64,totp-secret",
					URI: "otpauth://totp/Acme:kim@acme.test?secret=totp-secret",
				},
			},
			errors: enrollErrors,
		},
		"EnrollStandaloneAuthFactor of codes that the application delivers": {
			call: func(ctx context.Context, c *workos.Client) (any, error) {
				return c.EnrollStandaloneAuthFactor(ctx, workos.EnrollStandaloneAuthFactorParams{Type: workos.AuthFactorGenericOTP})
			},
			method: "POST", path: "/auth/factors/enroll", body: `{"type":"generic_otp"}`, status: 201,
			response: `{"object":"authentication_factor","id":"auth_factor_01C","type":"generic_otp",` + timesJSON + `}`,
			required: []string{"id"},
			want:     &workos.AuthFactor{ID: "auth_factor_01C", Type: workos.AuthFactorGenericOTP, CreatedAt: created, UpdatedAt: updated},
			errors:   enrollErrors,
		},
	}
)
