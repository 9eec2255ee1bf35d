// Connected accounts on the wire.

package workos_test

import (
	"context"
	"slices"

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
	"DeleteConnectedAccount": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return done(c.DeleteConnectedAccount(ctx, "user_01A", "github", "org_01A"))
		},
		method: "DELETE", path: "/user_management/users/user_01A/connected_accounts/github", query: "organization_id=org_01A",
		status: 204, errors: readErrors,
	},
}
