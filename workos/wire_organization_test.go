// Organization memberships, and the API keys that an application issues.

package workos_test

import (
	"context"
	"slices"
	"time"

	"github.com/authkit-go/authkit/workos"
)

const (
	membershipJSON = `{"object":"organization_membership","id":"om_01A","user_id":"user_01A","organization_id":"org_01A",
		"organization_name":"Acme","status":"active","directory_managed":true,"role":{"slug":"admin"},
		"roles":[{"slug":"admin"},{"slug":"billing"}],"custom_attributes":{"department":"Press","level":3},"user":` + userJSON + `,` + timesJSON + `}`
	apiKeyJSON = `{"object":"api_key","id":"api_key_01A","name":"CI","owner":{"type":"organization","id":"org_01A"},
		"obfuscated_value":"sk_...9f2a","permissions":["posts:read"],"last_used_at":"2026-05-04T10:10:00.000Z",` + expiresJSON + `,` + timesJSON + `}`
	newAPIKeyJSON = `{"object":"api_key","id":"api_key_01A","name":"CI","owner":{"type":"organization","id":"org_01A"},"value":"sk_issued-secret",
		"obfuscated_value":"sk_...9f2a","permissions":["posts:read"],"last_used_at":null,` + expiresJSON + `,` + timesJSON + `}`
	listedUserAPIKeyJSON = `{"object":"api_key","id":"api_key_01B","name":"CI","owner":{"type":"user","id":"user_01A","organization_id":"org_01A"},
		"obfuscated_value":"sk_...9f2a","permissions":[],"last_used_at":null,"expires_at":null,` + timesJSON + `}`
	userAPIKeyJSON = `{"object":"api_key","id":"api_key_01B","name":"CI","owner":{"type":"user","id":"user_01A","organization_id":"org_01A"},
		"obfuscated_value":"sk_...9f2a","permissions":[],"last_used_at":null,"expires_at":null,"value":"sk_issued-secret",` + timesJSON + `}`
)

var (
	membership = workos.OrganizationMembership{
		ID: "om_01A", UserID: "user_01A", OrganizationID: "org_01A", OrganizationName: "Acme", Status: workos.MembershipStatusActive,
		DirectoryManaged: true, Role: workos.Role{Slug: "admin"}, Roles: []workos.Role{{Slug: "admin"}, {Slug: "billing"}},
		CustomAttributes: map[string]any{"department": "Press", "level": 3.0}, User: &kim, CreatedAt: created, UpdatedAt: updated,
	}
	organizationKey = workos.APIKey{
		ID: "api_key_01A", Name: "CI", Owner: workos.APIKeyOwner{Type: "organization", ID: "org_01A"}, ObfuscatedValue: "sk_...9f2a",
		Permissions: []string{"posts:read"}, LastUsedAt: expires, ExpiresAt: expires, CreatedAt: created, UpdatedAt: updated,
	}
	agentKey = func() workos.APIKey {
		key := organizationKey
		key.AgentRegistrationID = "agent_reg_01A"
		return key
	}()
	userKey = workos.APIKey{
		ID: "api_key_01B", Name: "CI", Owner: workos.APIKeyOwner{Type: "user", ID: "user_01A", OrganizationID: "org_01A"},
		ObfuscatedValue: "sk_...9f2a", Value: "sk_issued-secret", Permissions: []string{}, CreatedAt: created, UpdatedAt: updated,
	}
	newKey = func() workos.APIKey {
		key := organizationKey
		key.Value, key.LastUsedAt = "sk_issued-secret", time.Time{}
		return key
	}()
	listedUserKey = func() workos.APIKey {
		key := userKey
		key.Value = ""
		return key
	}()

	membershipErrors = slices.Concat(readErrors,
		plain(422, nil, workos.CodeInvalidRole, workos.CodeMultipleRolesNotEnabled, workos.CodeSubResourceScopedRoleNotAllowed))
	newKeyErrors = append(slices.Clone(readErrors),
		errorResponse{422, `{"message":"No.","errors":[{"code":"required","field":"name"}]}`, "", as[*workos.ValidationError]})
)

var organizationCalls = map[string]wire{
	"CreateOrganizationMembership": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.CreateOrganizationMembership(ctx, workos.CreateOrganizationMembershipParams{
				UserID: "user_01A", OrganizationID: "org_01A", RoleSlug: "admin",
			})
		},
		method: "POST", path: "/user_management/organization_memberships",
		body:   `{"user_id":"user_01A","organization_id":"org_01A","role_slug":"admin"}`,
		status: 201, response: membershipJSON, required: []string{"id"}, want: &membership,
		errors: slices.Concat(membershipErrors, plain(400, nil, workos.CodeCannotReactivatePendingMembership)),
	},
	"CreateOrganizationMembership with several roles": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.CreateOrganizationMembership(ctx, workos.CreateOrganizationMembershipParams{
				UserID: "user_01A", OrganizationID: "org_01A", RoleSlugs: []string{"admin", "billing"},
			})
		},
		method: "POST", path: "/user_management/organization_memberships",
		body:   `{"user_id":"user_01A","organization_id":"org_01A","role_slugs":["admin","billing"]}`,
		status: 201, response: membershipJSON, required: []string{"id"}, want: &membership, errors: membershipErrors,
	},
	"GetOrganizationMembership": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.GetOrganizationMembership(ctx, "om_01A")
		},
		method: "GET", path: "/user_management/organization_memberships/om_01A",
		status: 200, response: membershipJSON, required: []string{"id"}, want: &membership, errors: readErrors,
	},
	"ListOrganizationMemberships": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return collect(c.ListOrganizationMemberships(ctx, workos.ListOrganizationMembershipsParams{
				UserID: "user_01A", OrganizationID: "org_01A", Statuses: []string{workos.MembershipStatusActive, workos.MembershipStatusPending},
			}))
		},
		method: "GET", path: "/user_management/organization_memberships",
		query:  "organization_id=org_01A&statuses=active%2Cpending&user_id=user_01A",
		status: 200, response: listOf(membershipJSON), required: []string{"data", "data.0", "data.0.id"},
		want:   []workos.OrganizationMembership{membership},
		errors: slices.Concat(readErrors, plain(400, nil, workos.CodeMissingUserIDOrOrganizationID)),
	},
	"ListOrganizationMembershipGroups": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return collect(c.ListOrganizationMembershipGroups(ctx, "om_01A", workos.Paging{PageSize: 3}))
		},
		method: "GET", path: "/user_management/organization_memberships/om_01A/groups", query: "limit=3",
		status: 200, response: listOf(groupJSON), required: listRequired, want: []workos.Group{group}, errors: readErrors,
	},
	"UpdateOrganizationMembership": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.UpdateOrganizationMembership(ctx, "om_01A", workos.UpdateOrganizationMembershipParams{RoleSlug: "admin"})
		},
		method: "PUT", path: "/user_management/organization_memberships/om_01A", body: `{"role_slug":"admin"}`,
		status: 200, response: membershipJSON, required: []string{"id"}, want: &membership, errors: membershipErrors,
	},
	"UpdateOrganizationMembership with several roles": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.UpdateOrganizationMembership(ctx, "om_01A", workos.UpdateOrganizationMembershipParams{RoleSlugs: []string{"admin", "billing"}})
		},
		method: "PUT", path: "/user_management/organization_memberships/om_01A", body: `{"role_slugs":["admin","billing"]}`,
		status: 200, response: membershipJSON, required: []string{"id"}, want: &membership, errors: membershipErrors,
	},
	"DeactivateOrganizationMembership": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.DeactivateOrganizationMembership(ctx, "om_01A")
		},
		method: "PUT", path: "/user_management/organization_memberships/om_01A/deactivate",
		status: 200, response: membershipJSON, required: []string{"id"}, want: &membership,
		errors: slices.Concat(readErrors, plain(400, nil, workos.CodeCannotDeactivatePendingMembership)),
	},
	"ReactivateOrganizationMembership": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.ReactivateOrganizationMembership(ctx, "om_01A")
		},
		method: "PUT", path: "/user_management/organization_memberships/om_01A/reactivate",
		status: 200, response: membershipJSON, required: []string{"id"}, want: &membership,
		errors: slices.Concat(readErrors, plain(400, nil, workos.CodeCannotReactivatePendingMembership)),
	},
	"DeleteOrganizationMembership": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return done(c.DeleteOrganizationMembership(ctx, "om_01A"))
		},
		method: "DELETE", path: "/user_management/organization_memberships/om_01A", status: 200, errors: readErrors,
	},
}

var apiKeyCalls = map[string]wire{
	"CreateOrganizationAPIKey": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.CreateOrganizationAPIKey(ctx, "org_01A", workos.CreateAPIKeyParams{
				Name: "CI", Permissions: []string{"posts:read"}, ExpiresAt: expires,
			})
		},
		method: "POST", path: "/organizations/org_01A/api_keys",
		body:    `{"name":"CI","permissions":["posts:read"],"expires_at":"2026-05-04T10:10:00Z"}`,
		secrets: []string{"sk_issued-secret"}, status: 201, response: newAPIKeyJSON, required: []string{"id"}, want: &newKey, errors: newKeyErrors,
	},
	"CreateUserAPIKey": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.CreateUserAPIKey(ctx, "user_01A", "org_01A", workos.CreateAPIKeyParams{Name: "CI"})
		},
		method: "POST", path: "/user_management/users/user_01A/api_keys", body: `{"name":"CI","organization_id":"org_01A"}`,
		secrets: []string{"sk_issued-secret"}, status: 201, response: userAPIKeyJSON, required: []string{"id"}, want: &userKey,
		errors: append(slices.Clone(newKeyErrors),
			errorResponse{400, `{"message":"No.","errors":[{"code":"required","field":"organization_id"}]}`, "", as[*workos.ValidationError]}),
	},
	"ListOrganizationAPIKeys": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return collect(c.ListOrganizationAPIKeys(ctx, "org_01A", workos.Paging{}))
		},
		method: "GET", path: "/organizations/org_01A/api_keys",
		status: 200, response: listOf(apiKeyJSON), required: []string{"data", "data.0", "data.0.id"}, want: []workos.APIKey{organizationKey},
		errors: readErrors,
	},
	"ListUserAPIKeys": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return collect(c.ListUserAPIKeys(ctx, "user_01A", workos.ListUserAPIKeysParams{
				OrganizationID: "org_01A", Paging: workos.Paging{Order: workos.OrderDescending},
			}))
		},
		method: "GET", path: "/user_management/users/user_01A/api_keys", query: "order=desc&organization_id=org_01A",
		status: 200, response: listOf(listedUserAPIKeyJSON), required: []string{"data", "data.0", "data.0.id"}, want: []workos.APIKey{listedUserKey},
		errors: readErrors,
	},
	"DeleteAPIKey": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return done(c.DeleteAPIKey(ctx, "api_key_01A"))
		},
		method: "DELETE", path: "/api_keys/api_key_01A", status: 204, errors: readErrors,
	},
	"ExpireAPIKey now": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.ExpireAPIKey(ctx, "api_key_01A", workos.ExpireAPIKeyParams{})
		},
		method: "POST", path: "/api_keys/api_key_01A/expire", body: `{}`,
		status: 200, response: apiKeyJSON, required: []string{"id"}, want: &organizationKey,
		errors: slices.Concat(readErrors, plain(409, nil, workos.CodeAPIKeyAlreadyExpired)),
	},
	"ExpireAPIKey later": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.ExpireAPIKey(ctx, "api_key_01A", workos.ExpireAPIKeyParams{ExpiresAt: workos.Value(expires)})
		},
		method: "POST", path: "/api_keys/api_key_01A/expire", body: `{"expires_at":"2026-05-04T10:10:00Z"}`,
		status: 200, response: apiKeyJSON, required: []string{"id"}, want: &organizationKey, errors: readErrors,
	},
	"ExpireAPIKey never": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.ExpireAPIKey(ctx, "api_key_01A", workos.ExpireAPIKeyParams{ExpiresAt: workos.Null[time.Time]()})
		},
		method: "POST", path: "/api_keys/api_key_01A/expire", body: `{"expires_at":null}`,
		status: 200, response: apiKeyJSON, required: []string{"id"}, want: &organizationKey, errors: readErrors,
	},
	"ValidateAPIKey of a valid key": {
		call:   validateAPIKey("sk_issued-secret"),
		method: "POST", path: "/api_keys/validations", body: `{"value":"sk_issued-secret"}`, secrets: []string{"sk_issued-secret"},
		status: 200, response: `{"api_key":` + apiKeyJSON + `,"agent_registration_id":"agent_reg_01A"}`, required: []string{"api_key.id"},
		want:   lookup[workos.APIKey]{&agentKey, true},
		errors: slices.Concat(bare(401), limitErrors, plain(422, as[*workos.ValidationError], workos.CodeInvalidRequestParameters)),
	},
	"ValidateAPIKey of an invalid key": {
		call:   validateAPIKey("sk_issued-secret"),
		method: "POST", path: "/api_keys/validations", body: `{"value":"sk_issued-secret"}`, secrets: []string{"sk_issued-secret"},
		status: 200, response: `{"api_key":null}`,
		want: lookup[workos.APIKey]{}, errors: bare(401),
	},
}

func validateAPIKey(value string) func(context.Context, *workos.Client) (any, error) {
	return func(ctx context.Context, c *workos.Client) (any, error) {
		key, valid, err := c.ValidateAPIKey(ctx, value)
		return lookup[workos.APIKey]{key, valid}, err
	}
}
