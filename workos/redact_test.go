// Redaction of secrets, in values of the package and in texts from a server.

package workos_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/workos"
)

func TestNoPrintedLoggedOrEncodedValueShowsASecret(t *testing.T) {
	const secret = "s3cret"
	client, err := workos.NewClient("visible", workos.WithAPIKey(secret))
	require.NoError(t, err)
	codeParams := workos.AuthenticateWithCodeParams{Code: secret, CodeVerifier: secret, InvitationToken: secret, UserAgent: "visible"}
	refreshParams := workos.AuthenticateWithRefreshTokenParams{RefreshToken: secret, OrganizationID: "visible"}
	authorizationParams := workos.AuthorizationParams{InvitationToken: secret, Provider: "visible"}
	passwordParams := workos.AuthenticateWithPasswordParams{Email: "visible", Password: secret, InvitationToken: secret}
	magicAuthParams := workos.AuthenticateWithMagicAuthParams{Email: "visible", Code: secret, InvitationToken: secret}
	verificationParams := workos.AuthenticateWithEmailVerificationParams{PendingAuthenticationToken: secret, Code: secret, UserAgent: "visible"}
	totpParams := workos.AuthenticateWithTOTPParams{PendingAuthenticationToken: secret, Code: secret, AuthenticationChallengeID: "visible"}
	selectionParams := workos.AuthenticateWithOrganizationSelectionParams{PendingAuthenticationToken: secret, OrganizationID: "visible"}
	deviceParams := workos.AuthenticateWithDeviceCodeParams{DeviceCode: secret, UserAgent: "visible"}
	createMagicAuth := workos.CreateMagicAuthParams{Email: "visible", InvitationToken: secret}
	enrollParams := workos.EnrollAuthFactorParams{Issuer: "visible", Secret: secret}
	password := workos.Password{Plain: secret, Hash: secret, HashType: "visible"}
	tokens := workos.OAuthTokens{Provider: "visible", AccessToken: secret, RefreshToken: secret}
	authentication := workos.Authentication{
		OrganizationID: "visible", AccessToken: secret, RefreshToken: secret, AuthKitAuthorizationCode: secret, OAuthTokens: &tokens,
	}
	for name, value := range map[string]any{
		"client":                        client,
		"client by value":               *client,
		"code params":                   codeParams,
		"code params by address":        &codeParams,
		"refresh token params":          refreshParams,
		"refresh params by address":     &refreshParams,
		"authorization params":          authorizationParams,
		"authorization by address":      &authorizationParams,
		"password params":               passwordParams,
		"password params by address":    &passwordParams,
		"Magic Auth code params":        magicAuthParams,
		"Magic Auth code by address":    &magicAuthParams,
		"verification params":           verificationParams,
		"verification by address":       &verificationParams,
		"TOTP params":                   totpParams,
		"TOTP params by address":        &totpParams,
		"organization selection":        selectionParams,
		"selection by address":          &selectionParams,
		"Radar email challenge":         workos.AuthenticateWithRadarEmailChallengeParams{PendingAuthenticationToken: secret, Code: secret, UserAgent: "visible"},
		"Radar SMS challenge":           workos.AuthenticateWithRadarSMSChallengeParams{PendingAuthenticationToken: secret, Code: secret, UserAgent: "visible"},
		"Radar SMS params":              workos.SendRadarSMSChallengeParams{PendingAuthenticationToken: secret, UserID: "visible"},
		"Radar challenge":               workos.RadarChallenge{ID: "visible", Code: secret},
		"invitation":                    workos.Invitation{ID: "visible", Token: secret, AcceptInvitationURL: "https://visible.test/" + secret},
		"connected account":             workos.ConnectedAccountParams{AccessToken: secret, RefreshToken: secret, State: "visible"},
		"device code params":            deviceParams,
		"device code by address":        &deviceParams,
		"Magic Auth params":             createMagicAuth,
		"Magic Auth params by address":  &createMagicAuth,
		"enrollment params":             enrollParams,
		"enrollment params by address":  &enrollParams,
		"password reset":                struct{ Visible any }{workos.ConfirmPasswordResetParams{Token: secret, NewPassword: secret}},
		"user params":                   workos.CreateUserParams{Email: "visible", Password: password},
		"user params by address":        &workos.CreateUserParams{Email: "visible", Password: password},
		"update params":                 workos.UpdateUserParams{Email: "visible", Password: password},
		"OAuth tokens":                  tokens,
		"OAuth tokens by address":       &tokens,
		"authentication":                authentication,
		"authentication by address":     &authentication,
		"authentication in a structure": struct{ Auth workos.Authentication }{authentication},
		"authentications in a list":     []workos.Authentication{authentication},
	} {
		t.Run(name, func(t *testing.T) {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
				text := fmt.Sprintf(verb, value)
				assert.NotContains(t, text, secret, verb)
				assert.NotContains(t, strings.ToLower(text), fmt.Sprintf("%x", secret), verb)
			}
			assert.Contains(t, strings.ToLower(fmt.Sprintf("%+v", value)), "visible")

			encoded, err := json.Marshal(value)
			require.NoError(t, err)
			assert.NotContains(t, string(encoded), secret)

			var log strings.Builder
			slog.New(slog.NewTextHandler(&log, nil)).Info("text", "value", value)
			slog.New(slog.NewJSONHandler(&log, nil)).Info("json", "value", value)
			assert.NotContains(t, log.String(), secret)
		})
	}
}

func TestAMaskShowsWhetherASecretIsPresent(t *testing.T) {
	assert.Equal(t, "{RefreshToken:[redacted] OrganizationID: IPAddress: UserAgent: DeviceID:}",
		fmt.Sprintf("%+v", workos.AuthenticateWithRefreshTokenParams{RefreshToken: "s3cret"}))
	assert.Equal(t, "{RefreshToken: OrganizationID: IPAddress: UserAgent: DeviceID:}",
		fmt.Sprintf("%+v", workos.AuthenticateWithRefreshTokenParams{}))
	assert.Equal(t, "<nil>", fmt.Sprint((*workos.Authentication)(nil)))
}

func TestAnErrorMasksSecretsThatTheServerEchoes(t *testing.T) {
	escaped := strings.ReplaceAll(code, "-", "\\u002d")
	tests := map[string]http.HandlerFunc{
		"in the message":                              respondWith(400, `{"error":"invalid_grant","error_description":"The code '`+code+`' is invalid."}`),
		"in the message, with escapes":                respondWith(400, `{"error":"invalid_grant","error_description":"The code '`+escaped+`' is invalid."}`),
		"in the message, split by control characters": respondWith(400, `{"message":"`+code[:4]+`\u0000\u200b`+code[4:]+`"}`),
		"in the code":                                 respondWith(400, `{"code":"`+code+`"}`),
		"in a detail":                                 respondWith(422, `{"errors":["`+code+`",{"field":"`+verifier+`","code":"`+apiKey+`","message":"`+code+`"}]}`),
		"all secrets in an HTML page":                 respondWith(500, "<p>"+code+" "+verifier+"</p>"+apiKey),
		"at the limit of the quoted text":             respondWith(500, strings.Repeat("x", 295)+code),
		"in the request ID":                           respondWith(400, `{}`, "X-Request-ID", code),
		"in the content type of a bad success":        respondWith(200, "x", "Content-Type", "text/"+code),
		"in the request ID of a bad success":          respondWith(200, "x", "X-Request-ID", code),
		"in the host of a redirect":                   respondWith(302, "", "Location", "https://"+code+".test/"),
		"in the query of a redirect":                  respondWith(307, "", "Location", "https://evil.test/?code="+code),
		"in a URL that cannot be parsed":              respondWith(302, "", "Location", "https://[/"+code),
	}
	for name, handler := range tests {
		t.Run(name, func(t *testing.T) {
			err := exchange(t, newServer(t, handler))
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
				text := fmt.Sprintf(verb, err)
				for _, secret := range []string{code, verifier, apiKey, code[:8]} {
					assert.NotContains(t, text, secret, verb)
				}
			}
		})
	}
}

func TestASecretIsMaskedWholeIfAnotherSecretIsItsPrefix(t *testing.T) {
	client := newServer(t, respondWith(400, `{"message":"not secret-and-its-tail, please"}`)).client(t)
	_, err := client.AuthenticateWithCode(t.Context(), workos.AuthenticateWithCodeParams{Code: "secret", CodeVerifier: "secret-and-its-tail"})
	assert.Equal(t, "not [redacted], please", requireAPIError(t, err).Message)
}

// The text is put on one line before the search, so the secret in it may be changed.
func TestASecretWithUnusualWhiteSpaceIsMaskedInAQuotedText(t *testing.T) {
	for _, secret := range []string{"hunter  two", "tab\there", "hun\u200bter", "no\u00a0break", "line\nbreak"} {
		body, err := json.Marshal(map[string]string{"message": "not " + secret + ", please"})
		require.NoError(t, err)
		client := newServer(t, respondWith(400, string(body))).client(t)
		_, err = client.AuthenticateWithCode(t.Context(), workos.AuthenticateWithCodeParams{Code: secret, CodeVerifier: verifier})
		assert.Equal(t, "not [redacted], please", requireAPIError(t, err).Message)
	}
}

func TestASecretIsNotSearchedInTheMaskOfAnotherSecret(t *testing.T) {
	client := newServer(t, respondWith(400, `{"message":"not secret-tail, red or dead"}`)).client(t)
	_, err := client.AuthenticateWithCode(t.Context(), workos.AuthenticateWithCodeParams{Code: "red", CodeVerifier: "secret-tail"})
	assert.Equal(t, "not [redacted], [redacted] or dead", requireAPIError(t, err).Message)
}

// Tokens of other requests are unknown here. Their form identifies them.
func TestAnErrorMasksAnyTokenThatTheServerQuotes(t *testing.T) {
	for name, c := range map[string]struct{ message, want string }{
		"an access token":                                       {"not eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ1In0.c2ln-_, please", "not [redacted], please"},
		"an access token without its signature":                 {"not eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ1In0., please", "not [redacted], please"},
		"a part of an access token":                             {"payload eyJzdWIiOiJ1In0", "payload [redacted]"},
		"an access token that contains a secret of the request": {"not eyJhbGciOi-and-its-tail.eyJzdWIi-and-its-tail.c2ln", "not [redacted]"},
		"an API key":                      {"Invalid API key: sk_test_a2V5, contact support", "Invalid API key: [redacted], contact support"},
		"a word that is not a key":        {"no such task_list", "no such task_list"},
		"at the limit of the quoted text": {strings.Repeat("x", 290) + " eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ1In0.c2ln", strings.Repeat("x", 290) + " [redacted…"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, body := range []string{
				fmt.Sprintf(`{"message":%q}`, c.message),
				fmt.Sprintf(`{"error":"invalid_grant","error_description":%q}`, c.message),
				c.message,
			} {
				client := newServer(t, respondWith(400, body)).client(t)
				_, err := client.AuthenticateWithCode(t.Context(), workos.AuthenticateWithCodeParams{Code: "-and-its-tail", CodeVerifier: verifier})
				assert.Equal(t, c.want, requireAPIError(t, err).Message)
			}
		})
	}
}

func TestATextFromTheServerIsShortAndOnOneLine(t *testing.T) {
	apiErr := requireAPIError(t, exchange(t, newServer(t, respondWith(400,
		`{"code":"a\u001b[31m\nb","message":"`+strings.Repeat("é", 5000)+`\u202e\u0000"}`))))
	assert.Equal(t, "a[31m b", apiErr.Code)
	assert.LessOrEqual(t, len(apiErr.Message), 300+len("…"))
	assert.True(t, utf8.ValidString(apiErr.Message))
	assert.True(t, strings.HasSuffix(apiErr.Message, "é…"), apiErr.Message)
}

func TestAPrintedErrorOmitsTheResponseBody(t *testing.T) {
	apiErr := requireAPIError(t, exchange(t, newServer(t, respondWith(403,
		`{"code":"mfa_challenge","message":"MFA","pending_authentication_token":"pending-secret"}`))))
	decimal := strings.Trim(fmt.Sprint([]byte("pending-secret")), "[]")
	golang := strings.Trim(strings.TrimPrefix(fmt.Sprintf("%#v", []byte("pending-secret")), "[]byte"), "{}")
	for _, value := range []any{apiErr, *apiErr} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			text := fmt.Sprintf(verb, value)
			assert.NotContains(t, text, "pending-secret", verb)
			assert.NotContains(t, text, decimal, verb)
			assert.NotContains(t, text, golang, verb)
			assert.NotContains(t, text, fmt.Sprintf("%x", "pending-secret"), verb)
		}
		assert.Contains(t, fmt.Sprint(value), "mfa_challenge")
		assert.Contains(t, fmt.Sprintf("%#v", value), `Code:"mfa_challenge"`)
	}
}
