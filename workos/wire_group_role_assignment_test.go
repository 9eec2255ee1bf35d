// Roles of groups on the wire.

package workos_test

import (
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit/workos"
)

const (
	groupRoleAssignmentJSON = `{"object":"group_role_assignment","id":"gra_01A","group_id":"group_01A","role":{"slug":"editor"},
		"resource":{"id":"resource_01A","external_id":"project-7","resource_type_slug":"project"},` + timesJSON + `}`
	groupRoleAssignmentsPath = "/authorization/groups/group_01A/role_assignments"
)

var groupRoleAssignment = workos.GroupRoleAssignment{
	ID: "gra_01A", GroupID: "group_01A", Role: workos.Role{Slug: "editor"},
	Resource:  workos.Resource{ID: "resource_01A", ExternalID: "project-7", TypeSlug: "project"},
	CreatedAt: created, UpdatedAt: updated,
}

var groupRoleAssignmentCalls = map[string]wire{
	"ListGroupRoleAssignments": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return collect(c.ListGroupRoleAssignments(ctx, "group_01A", workos.Paging{PageSize: 3, After: "gra_00"}))
		},
		method: "GET", path: groupRoleAssignmentsPath, query: "after=gra_00&limit=3", status: 200, response: listOf(groupRoleAssignmentJSON),
		required: listRequired, want: []workos.GroupRoleAssignment{groupRoleAssignment}, errors: readErrors,
	},
	"GetGroupRoleAssignment": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.GetGroupRoleAssignment(ctx, "group_01A", "gra_01A")
		},
		method: "GET", path: groupRoleAssignmentsPath + "/gra_01A", status: 200, response: groupRoleAssignmentJSON, required: []string{"id"},
		want: &groupRoleAssignment, errors: readErrors,
	},
	"AssignGroupRole": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.AssignGroupRole(ctx, "group_01A", "editor", project)
		},
		method: "POST", path: groupRoleAssignmentsPath,
		body:   `{"role_slug":"editor","resource_external_id":"project-7","resource_type_slug":"project"}`,
		status: 201, response: groupRoleAssignmentJSON, required: []string{"id"}, want: &groupRoleAssignment,
		errors: slices.Concat(resourceErrors, plain(409, nil, workos.CodeDuplicateGroupRoleAssignment)),
	},
	"AssignGroupRole in the organization": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.AssignGroupRole(ctx, "group_01A", "editor", workos.Resource{})
		},
		method: "POST", path: groupRoleAssignmentsPath, body: `{"role_slug":"editor"}`,
		status: 201, response: groupRoleAssignmentJSON, required: []string{"id"}, want: &groupRoleAssignment,
		errors: slices.Concat(resourceErrors, plain(409, nil, workos.CodeDuplicateGroupRoleAssignment)),
	},
	"SetGroupRoles": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.SetGroupRoles(ctx, "group_01A", []workos.GroupRole{
				{RoleSlug: "member"}, {RoleSlug: "editor", Resource: project}, {RoleSlug: "viewer", Resource: workos.Resource{ID: "resource_01B"}},
			})
		},
		method: "PUT", path: groupRoleAssignmentsPath,
		body: `{"role_assignments":[{"role_slug":"member"},{"role_slug":"editor","resource_external_id":"project-7","resource_type_slug":"project"},
			{"role_slug":"viewer","resource_id":"resource_01B"}]}`,
		status: 200, response: listOf(groupRoleAssignmentJSON), required: listRequired, want: []workos.GroupRoleAssignment{groupRoleAssignment},
		errors: resourceErrors,
	},
	"SetGroupRoles to none": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.SetGroupRoles(ctx, "group_01A", nil)
		},
		method: "PUT", path: groupRoleAssignmentsPath, body: `{"role_assignments":[]}`,
		status: 200, response: listOf(""), required: []string{"data"}, want: []workos.GroupRoleAssignment{}, errors: resourceErrors,
	},
	"RemoveGroupRole": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return done(c.RemoveGroupRole(ctx, "group_01A", "editor", workos.Resource{ID: "resource_01A"}))
		},
		method: "DELETE", path: groupRoleAssignmentsPath, body: `{"role_slug":"editor","resource_id":"resource_01A"}`, status: 204,
		errors: resourceErrors,
	},
	"RemoveGroupRole in the organization": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return done(c.RemoveGroupRole(ctx, "group_01A", "editor", workos.Resource{}))
		},
		method: "DELETE", path: groupRoleAssignmentsPath, body: `{"role_slug":"editor"}`, status: 204, errors: resourceErrors,
	},
	"RemoveGroupRoleAssignment": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return done(c.RemoveGroupRoleAssignment(ctx, "group_01A", "gra_01A"))
		},
		method: "DELETE", path: groupRoleAssignmentsPath + "/gra_01A", status: 204, errors: readErrors,
	},
}

func TestARoleOfAGroupIsOnOneResourceOrInTheOrganization(t *testing.T) {
	server := newServer(t, respondWith(200, groupRoleAssignmentJSON))
	c, ctx := server.client(t), t.Context()
	for _, resource := range malformedResources {
		_, err := c.AssignGroupRole(ctx, "group_01A", "editor", resource)
		assert.ErrorContains(t, err, "role_assignments: the resource has neither an ID alone nor", "%+v", resource)
		assert.ErrorContains(t, c.RemoveGroupRole(ctx, "group_01A", "editor", resource), "the resource has neither", "%+v", resource)
		_, err = c.SetGroupRoles(ctx, "group_01A", []workos.GroupRole{{RoleSlug: "editor", Resource: resource}, {RoleSlug: "member"}})
		assert.ErrorContains(t, err, "PUT /authorization/groups/{group_id}/role_assignments: the resource has neither", "%+v", resource)
	}
	assert.Empty(t, server.received())
}
