// The authenticate call: the members of its request, and the decoding of its response.

package workos_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/workos"
)

func TestAuthenticateSendsOnlyTheMembersOfItsGrant(t *testing.T) {
	tests := map[string]struct {
		public   bool
		call     func(*testing.T, *workos.Client) error
		wantBody string
	}{
		"a code with all parameters": {
			call: func(t *testing.T, c *workos.Client) error {
				_, err := c.AuthenticateWithCode(t.Context(), workos.AuthenticateWithCodeParams{
					Code: code, CodeVerifier: verifier, InvitationToken: "invitation", IPAddress: "192.0.2.1", UserAgent: "Firefox",
				})
				return err
			},
			wantBody: `{"client_id":"client_01A","client_secret":"sk_test_4Secret","grant_type":"authorization_code",
				"code":"01CODE-secret","code_verifier":"verifier-secret","invitation_token":"invitation",
				"ip_address":"192.0.2.1","user_agent":"Firefox"}`,
		},
		"a code of a confidential client without a code verifier": {
			call: func(t *testing.T, c *workos.Client) error {
				_, err := c.AuthenticateWithCode(t.Context(), workos.AuthenticateWithCodeParams{Code: code})
				return err
			},
			wantBody: `{"client_id":"client_01A","client_secret":"sk_test_4Secret","grant_type":"authorization_code","code":"01CODE-secret"}`,
		},
		"a code of a public client": {
			public: true,
			call: func(t *testing.T, c *workos.Client) error {
				_, err := c.AuthenticateWithCode(t.Context(), workos.AuthenticateWithCodeParams{Code: code, CodeVerifier: verifier})
				return err
			},
			wantBody: `{"client_id":"client_01A","grant_type":"authorization_code","code":"01CODE-secret","code_verifier":"verifier-secret"}`,
		},
		"a refresh token with all parameters": {
			call: func(t *testing.T, c *workos.Client) error {
				_, err := c.AuthenticateWithRefreshToken(t.Context(), workos.AuthenticateWithRefreshTokenParams{
					RefreshToken: refreshToken, OrganizationID: "org_01B", IPAddress: "192.0.2.1", UserAgent: "Firefox",
				})
				return err
			},
			wantBody: `{"client_id":"client_01A","client_secret":"sk_test_4Secret","grant_type":"refresh_token",
				"refresh_token":"refresh-secret","organization_id":"org_01B","ip_address":"192.0.2.1","user_agent":"Firefox"}`,
		},
		"a refresh token of a public client": {
			public: true,
			call: func(t *testing.T, c *workos.Client) error {
				_, err := c.AuthenticateWithRefreshToken(t.Context(), workos.AuthenticateWithRefreshTokenParams{RefreshToken: refreshToken})
				return err
			},
			wantBody: `{"client_id":"client_01A","grant_type":"refresh_token","refresh_token":"refresh-secret"}`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			server := newServer(t, respondWith(200, minimalResponse))
			opts := []workos.Option{workos.WithBaseURL(server.URL)}
			wantAuthorization := []string(nil)
			if !tt.public {
				opts = append(opts, workos.WithAPIKey(apiKey))
				wantAuthorization = []string{"Bearer " + apiKey}
			}
			require.NoError(t, tt.call(t, newClient(t, opts...)))

			requests := server.received()
			require.Len(t, requests, 1)
			got := requests[0]
			assert.Equal(t, http.MethodPost, got.method)
			assert.Equal(t, "/user_management/authenticate", got.path)
			assert.Empty(t, got.query)
			assert.JSONEq(t, tt.wantBody, string(got.body))
			assert.Equal(t, wantAuthorization, got.header["Authorization"])
			assert.Equal(t, "application/json", got.header.Get("Content-Type"))
			assert.Equal(t, "application/json", got.header.Get("Accept"))
			assert.Equal(t, workos.UserAgent(), got.header.Get("User-Agent"))
			assert.NotContains(t, got.header, "Idempotency-Key")
		})
	}
}

func TestAuthenticateRefusesMissingParametersWithoutARequest(t *testing.T) {
	server := newServer(t, respondWith(200, minimalResponse))
	confidential := server.client(t)
	public := newClient(t, workos.WithBaseURL(server.URL))

	_, err := confidential.AuthenticateWithCode(t.Context(), workos.AuthenticateWithCodeParams{CodeVerifier: verifier})
	assert.ErrorContains(t, err, "the code is empty")
	_, err = public.AuthenticateWithCode(t.Context(), workos.AuthenticateWithCodeParams{Code: code})
	assert.ErrorContains(t, err, "the code verifier is empty")
	_, err = confidential.AuthenticateWithRefreshToken(t.Context(), workos.AuthenticateWithRefreshTokenParams{})
	assert.ErrorContains(t, err, "the refresh token is empty")

	assert.False(t, workos.IsTransient(err))
	assert.Empty(t, server.received())
}

func TestAuthenticateReadsTheResponse(t *testing.T) {
	tests := map[string]struct {
		response string
		want     workos.Authentication
	}{
		"all members and unknown members": {
			response: fullResponse,
			want: workos.Authentication{
				User: workos.User{
					ID: "user_01A", Email: "kim@acme.test", EmailVerified: true, FirstName: "Kim", LastName: "Lee", Name: "Kim Lee",
					ProfilePictureURL: "https://img.test/kim", ExternalID: "42", Locale: "en-GB",
					Metadata:     map[string]string{"plan": "pro"},
					LastSignInAt: time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC),
					CreatedAt:    time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
					UpdatedAt:    time.Date(2026, 5, 4, 10, 0, 0, 500e6, time.UTC),
				},
				OrganizationID: "org_01A", AccessToken: "access-secret", RefreshToken: "next-refresh-secret",
				AuthKitAuthorizationCode: "authkit-code-secret", AuthenticationMethod: "GoogleOAuth",
				Impersonator: &workos.Impersonator{Email: "ops@acme.test", Reason: "ticket 9"},
				OAuthTokens: &workos.OAuthTokens{
					Provider: "GoogleOAuth", AccessToken: "oauth-access-secret", RefreshToken: "oauth-refresh-secret",
					ExpiresAt: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Scopes: []string{"email"},
				},
			},
		},
		"null for every nullable member": {
			response: nullResponse,
			want: workos.Authentication{
				User:        workos.User{ID: "user_01A", Email: "kim@acme.test"},
				AccessToken: "access-secret", RefreshToken: "next-refresh-secret",
			},
		},
		"absence of every optional member": {
			response: minimalResponse,
			want: workos.Authentication{
				User:        workos.User{ID: "user_01A"},
				AccessToken: "access-secret", RefreshToken: "next-refresh-secret",
			},
		},
		"null inside impersonator and OAuth tokens": {
			response: `{"user":{"id":"user_01A"},"access_token":"access-secret","refresh_token":"next-refresh-secret",
				"impersonator":{"email":"ops@acme.test","reason":null},
				"oauth_tokens":{"provider":"XOAuth","access_token":"oauth","refresh_token":null,"expires_at":null,"scopes":null}}`,
			want: workos.Authentication{
				User:        workos.User{ID: "user_01A"},
				AccessToken: "access-secret", RefreshToken: "next-refresh-secret",
				Impersonator: &workos.Impersonator{Email: "ops@acme.test"},
				OAuthTokens:  &workos.OAuthTokens{Provider: "XOAuth", AccessToken: "oauth"},
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			client := newServer(t, respondWith(200, tt.response)).client(t)
			got, err := client.AuthenticateWithCode(t.Context(), workos.AuthenticateWithCodeParams{Code: code})
			require.NoError(t, err)
			assert.Equal(t, tt.want, *got)

			got, err = client.AuthenticateWithRefreshToken(t.Context(), workos.AuthenticateWithRefreshTokenParams{RefreshToken: refreshToken})
			require.NoError(t, err)
			assert.Equal(t, tt.want, *got)
		})
	}
}

func TestARefreshResponseMayOmitTheRefreshToken(t *testing.T) {
	client := newServer(t, respondWith(200, `{"user":{"id":"user_01A"},"access_token":"access-secret"}`)).client(t)
	got, err := client.AuthenticateWithRefreshToken(t.Context(), workos.AuthenticateWithRefreshTokenParams{RefreshToken: refreshToken})
	require.NoError(t, err)
	assert.Equal(t, "access-secret", got.AccessToken)
	assert.Empty(t, got.RefreshToken)

	_, err = client.AuthenticateWithCode(t.Context(), workos.AuthenticateWithCodeParams{Code: code})
	assert.ErrorContains(t, err, "missing refresh_token", "a sign-in without a refresh token could never be refreshed")
}
