// Connected accounts on the wire.

package workos_test

import (
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/workos"
)

const (
	connectedAccountJSON = `{"object":"connected_account","id":"data_installation_01A","user_id":"user_01A","organization_id":"org_01A",
		"scopes":["repo"],"auth_method":"oauth","api_key_last_4":null,"client_id":null,"client_secret_last_4":null,"state":"connected",` + timesJSON + `}`
	dataProviderJSON = `{"object":"data_provider","id":"data_integration_01A","name":"GitHub","description":"Repositories","slug":"github",
		"integration_type":"github","credentials_type":"oauth2","scopes":["repo"],"auth_methods":["oauth"],"ownership":"userland_user",
		"integrationType":"github","credentialsType":"oauth2","createdAt":"2026-01-01T00:00:00.000Z","updatedAt":"2026-05-04T10:00:00.500Z",
		"connected_account":{"object":"connected_account","id":"data_installation_01A","user_id":"user_01A","organization_id":"org_01A",
		"scopes":["repo"],"auth_method":"oauth","state":"connected","userlandUserId":"user_01A","organizationId":"org_01A",
		"createdAt":"2026-01-01T00:00:00.000Z","updatedAt":"2026-05-04T10:00:00.500Z",` + timesJSON + `},` + timesJSON + `}`
)

var (
	connectedAccount = workos.ConnectedAccount{
		ID: "data_installation_01A", UserID: "user_01A", OrganizationID: "org_01A", Scopes: []string{"repo"},
		State: workos.ConnectedAccountConnected, AuthMethod: "oauth", CreatedAt: created, UpdatedAt: updated,
	}
	dataProvider = workos.DataProvider{
		ID: "data_integration_01A", Name: "GitHub", Description: "Repositories", Slug: "github", IntegrationType: "github",
		CredentialsType: "oauth2", Scopes: []string{"repo"}, AuthMethods: []string{"oauth"}, Ownership: "userland_user",
		Account: &connectedAccount, CreatedAt: created, UpdatedAt: updated,
	}
)

var connectedAccountCalls = map[string]wire{
	"ListUserDataProviders": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			providers, err := c.ListUserDataProviders(ctx, "user_01A", "org_01A")
			return providers, err
		},
		method: "GET", path: "/user_management/users/user_01A/data_providers", query: "organization_id=org_01A",
		status: 200, response: `{"object":"list","data":[` + dataProviderJSON + `]}`, required: listRequired,
		want: []workos.DataProvider{dataProvider}, errors: readErrors,
	},
	"GetConnectedAccount": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.GetConnectedAccount(ctx, "user_01A", "github", "")
		},
		method: "GET", path: "/user_management/users/user_01A/connected_accounts/github",
		status: 200, response: connectedAccountJSON, required: []string{"id"}, want: &connectedAccount, errors: readErrors,
	},
	"ImportConnectedAccount": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.ImportConnectedAccount(ctx, "user_01A", "github", "org_01A", workos.ConnectedAccountParams{
				AccessToken: "provider-access-secret", RefreshToken: "provider-refresh-secret", ExpiresAt: expires, Scopes: []string{"repo"},
				State: workos.ConnectedAccountConnected,
			})
		},
		method: "POST", path: "/user_management/users/user_01A/connected_accounts/github", query: "organization_id=org_01A",
		body: `{"access_token":"provider-access-secret","refresh_token":"provider-refresh-secret","expires_at":"2026-05-04T10:10:00Z",
			"scopes":["repo"],"state":"connected"}`,
		secrets: []string{"provider-access-secret", "provider-refresh-secret"}, status: 201, response: connectedAccountJSON,
		required: []string{"id"}, want: &connectedAccount, errors: slices.Concat(readErrors, bare(409, 422)),
	},
	"UpdateConnectedAccount": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.UpdateConnectedAccount(ctx, "user_01A", "github", "", workos.ConnectedAccountParams{
				State: workos.ConnectedAccountNeedsReauthorization,
			})
		},
		method: "PUT", path: "/user_management/users/user_01A/connected_accounts/github", body: `{"state":"needs_reauthorization"}`,
		status: 200, response: connectedAccountJSON, required: []string{"id"}, want: &connectedAccount, errors: readErrors,
	},
	"AuthorizeConnectedAccount": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.AuthorizeConnectedAccount(ctx, "github", workos.AuthorizeConnectedAccountParams{
				UserID: "user_01A", OrganizationID: "org_01A", ReturnTo: "https://app.acme.test/settings", Config: map[string]string{"subdomain": "acme"},
			})
		},
		method: "POST", path: "/data-integrations/github/authorize",
		body:   `{"user_id":"user_01A","organization_id":"org_01A","return_to":"https://app.acme.test/settings","config":{"subdomain":"acme"}}`,
		status: 200, response: `{"url":"https://api.workos.com/data-integrations/github/redirect?state=01A"}`, required: []string{"url"},
		want: "https://api.workos.com/data-integrations/github/redirect?state=01A", errors: slices.Concat(readErrors, bare(400)),
	},
	"AuthorizeConnectedAccount of a user without more": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.AuthorizeConnectedAccount(ctx, "github", workos.AuthorizeConnectedAccountParams{UserID: "user_01A"})
		},
		method: "POST", path: "/data-integrations/github/authorize", body: `{"user_id":"user_01A"}`,
		status: 200, response: `{"url":"https://api.workos.com/data-integrations/github/redirect"}`, required: []string{"url"},
		want: "https://api.workos.com/data-integrations/github/redirect", errors: slices.Concat(readErrors, bare(400)),
	},
	"GetConnectedAccountToken": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.GetConnectedAccountToken(ctx, "user_01A", "github", "org_01A")
		},
		method: "POST", path: "/data-integrations/github/token", body: `{"user_id":"user_01A","organization_id":"org_01A"}`,
		secrets: []string{"provider-access-secret"}, status: 200,
		response: `{"active":true,"access_token":{"object":"access_token","access_token":"provider-access-secret",
			"expires_at":"2026-05-04T10:10:00Z","scopes":["repo"],"missing_scopes":["user:email"]}}`,
		required: []string{"active", "access_token", "access_token.access_token"},
		want: &workos.ConnectedAccountToken{
			AccessToken: "provider-access-secret", ExpiresAt: expires, Scopes: []string{"repo"}, MissingScopes: []string{"user:email"},
		},
		errors: slices.Concat(readErrors, bare(400), plain(422, nil, workos.CodeAuthMethodMismatch)),
	},
	"GetConnectedAccountToken that does not expire": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.GetConnectedAccountToken(ctx, "user_01A", "github", "")
		},
		method: "POST", path: "/data-integrations/github/token", body: `{"user_id":"user_01A"}`,
		secrets: []string{"provider-access-secret"}, status: 200,
		response: `{"active":true,"access_token":{"object":"access_token","access_token":"provider-access-secret","expires_at":null,
			"scopes":["repo"],"missing_scopes":[]}}`,
		required: []string{"active", "access_token", "access_token.access_token"},
		want:     &workos.ConnectedAccountToken{AccessToken: "provider-access-secret", Scopes: []string{"repo"}, MissingScopes: []string{}},
		errors:   slices.Concat(readErrors, bare(400), plain(422, nil, workos.CodeAuthMethodMismatch)),
	},
	"DeleteConnectedAccount": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return done(c.DeleteConnectedAccount(ctx, "user_01A", "github", "org_01A"))
		},
		method: "DELETE", path: "/user_management/users/user_01A/connected_accounts/github", query: "organization_id=org_01A",
		status: 204, errors: readErrors,
	},
}

func TestGetConnectedAccountTokenReportsWhyThereIsNone(t *testing.T) {
	for _, reason := range []string{workos.ConnectedAccountNotInstalled, workos.ConnectedAccountNeedsReauthorization} {
		client := offline(t, 200, `{"active":false,"error":"`+reason+`"}`, nil)
		token, err := client.GetConnectedAccountToken(t.Context(), "user_01A", "github", "")
		assert.Nil(t, token)
		var none *workos.ConnectedAccountError
		require.ErrorAs(t, err, &none)
		assert.Equal(t, reason, none.Reason)
		assert.ErrorContains(t, err, reason)
		assert.False(t, workos.IsTransient(err), "the same call has the same result")
	}
}
