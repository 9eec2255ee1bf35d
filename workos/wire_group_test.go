// Groups and their members on the wire.

package workos_test

import (
	"context"
	"slices"

	"github.com/authkit-go/authkit/workos"
)

const groupJSON = `{"object":"group","id":"group_01A","organization_id":"org_01A","name":"Press","description":"Writes",` + timesJSON + `}`

var (
	group = workos.Group{
		ID: "group_01A", OrganizationID: "org_01A", Name: "Press", Description: "Writes", CreatedAt: created, UpdatedAt: updated,
	}
	changeGroupErrors = slices.Concat(readErrors, bare(422), plain(400, nil, workos.CodeBadRequest))
)

var groupCalls = map[string]wire{
	"ListGroups": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return collect(c.ListGroups(ctx, "org_01A", workos.Paging{PageSize: 3, After: "group_00", Order: workos.OrderAscending}))
		},
		method: "GET", path: "/organizations/org_01A/groups", query: "after=group_00&limit=3&order=asc",
		status: 200, response: listOf(groupJSON), required: listRequired, want: []workos.Group{group}, errors: readErrors,
	},
	"GetGroup": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.GetGroup(ctx, "org_01A", "group_01A")
		},
		method: "GET", path: "/organizations/org_01A/groups/group_01A",
		status: 200, response: groupJSON, required: []string{"id"}, want: &group, errors: readErrors,
	},
	"CreateGroup": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.CreateGroup(ctx, "org_01A", workos.CreateGroupParams{Name: "Press", Description: "Writes"})
		},
		method: "POST", path: "/organizations/org_01A/groups", body: `{"name":"Press","description":"Writes"}`,
		status: 201, response: groupJSON, required: []string{"id"}, want: &group, errors: changeGroupErrors,
	},
	"CreateGroup with a name only": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.CreateGroup(ctx, "org_01A", workos.CreateGroupParams{Name: "Press"})
		},
		method: "POST", path: "/organizations/org_01A/groups", body: `{"name":"Press"}`,
		status: 201, response: groupJSON, required: []string{"id"}, want: &group, errors: changeGroupErrors,
	},
	"UpdateGroup": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.UpdateGroup(ctx, "org_01A", "group_01A", workos.UpdateGroupParams{Name: "Press", Description: workos.Null[string]()})
		},
		method: "PATCH", path: "/organizations/org_01A/groups/group_01A", body: `{"name":"Press","description":null}`,
		status: 200, response: groupJSON, required: []string{"id"}, want: &group, errors: changeGroupErrors,
	},
	"DeleteGroup": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return done(c.DeleteGroup(ctx, "org_01A", "group_01A"))
		},
		method: "DELETE", path: "/organizations/org_01A/groups/group_01A", status: 204, errors: readErrors,
	},
	"ListGroupMembers": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return collect(c.ListGroupMembers(ctx, "org_01A", "group_01A", workos.Paging{PageSize: 3}))
		},
		method: "GET", path: "/organizations/org_01A/groups/group_01A/organization-memberships", query: "limit=3",
		status: 200,
		response: listOf(`{"object":"organization_membership","id":"om_01A","user_id":"user_01A","organization_id":"org_01A",
			"organization_name":"Acme","status":"active","directory_managed":false,"custom_attributes":{"level":3},` + timesJSON + `}`),
		required: listRequired,
		want: []workos.OrganizationMembership{{
			ID: "om_01A", UserID: "user_01A", OrganizationID: "org_01A", OrganizationName: "Acme", Status: workos.MembershipStatusActive,
			CustomAttributes: map[string]any{"level": 3.0}, CreatedAt: created, UpdatedAt: updated,
		}},
		errors: readErrors,
	},
	"AddGroupMember": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.AddGroupMember(ctx, "org_01A", "group_01A", "om_01A")
		},
		method: "POST", path: "/organizations/org_01A/groups/group_01A/organization-memberships",
		body: `{"organization_membership_id":"om_01A"}`, status: 200, response: groupJSON, required: []string{"id"}, want: &group,
		errors: slices.Concat(readErrors, bare(422), plain(400, nil, workos.CodeGroupMembershipLimitExceeded)),
	},
	"RemoveGroupMember": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return done(c.RemoveGroupMember(ctx, "org_01A", "group_01A", "om_01A"))
		},
		method: "DELETE", path: "/organizations/org_01A/groups/group_01A/organization-memberships/om_01A", status: 204, errors: readErrors,
	},
}
