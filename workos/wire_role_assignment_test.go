// Roles on resources, and authorization checks, on the wire.

package workos_test

import (
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit/workos"
)

const (
	roleAssignmentJSON = `{"object":"role_assignment","id":"role_assignment_01A","organization_membership_id":"om_01A","role":{"slug":"editor"},
		"resource":{"id":"resource_01A","external_id":"project-7","resource_type_slug":"project"},
		"source":{"type":"group","group_role_assignment_id":"group_role_assignment_01A"},` + timesJSON + `}`
	roleAssignmentsPath = "/authorization/organization_memberships/om_01A/role_assignments"
)

var (
	roleAssignment = workos.RoleAssignment{
		ID: "role_assignment_01A", OrganizationMembershipID: "om_01A", Role: workos.Role{Slug: "editor"},
		Resource:  workos.Resource{ID: "resource_01A", ExternalID: "project-7", TypeSlug: "project"},
		Source:    workos.RoleAssignmentSource{Type: "group", GroupRoleAssignmentID: "group_role_assignment_01A"},
		CreatedAt: created, UpdatedAt: updated,
	}
	project        = workos.Resource{ExternalID: "project-7", TypeSlug: "project"}
	resourceErrors = slices.Concat(readErrors, bare(422))

	// malformedResources name more than one resource, or a part of one.
	malformedResources = []workos.Resource{
		{ExternalID: "project-7"}, {TypeSlug: "project"}, {ID: "resource_01A", ExternalID: "project-7"},
		{ID: "resource_01A", TypeSlug: "project"}, {ID: "resource_01A", ExternalID: "project-7", TypeSlug: "project"},
	}
)

var roleAssignmentCalls = map[string]wire{
	"CheckAuthorization by ID": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.CheckAuthorization(ctx, "om_01A", "posts:write", workos.Resource{ID: "resource_01A"})
		},
		method: "POST", path: "/authorization/organization_memberships/om_01A/check",
		body:   `{"permission_slug":"posts:write","resource_id":"resource_01A"}`,
		status: 200, response: `{"authorized":true}`, required: []string{"authorized"}, want: true, errors: resourceErrors,
	},
	"CheckAuthorization by external ID": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.CheckAuthorization(ctx, "om_01A", "posts:write", project)
		},
		method: "POST", path: "/authorization/organization_memberships/om_01A/check",
		body:   `{"permission_slug":"posts:write","resource_external_id":"project-7","resource_type_slug":"project"}`,
		status: 200, response: `{"authorized":false}`, required: []string{"authorized"}, want: false, errors: resourceErrors,
	},
	"AssignRole": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.AssignRole(ctx, "om_01A", "editor", project)
		},
		method: "POST", path: roleAssignmentsPath,
		body:   `{"role_slug":"editor","resource_external_id":"project-7","resource_type_slug":"project"}`,
		status: 201, response: roleAssignmentJSON, required: []string{"id"}, want: &roleAssignment, errors: resourceErrors,
	},
	"RemoveRole": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return done(c.RemoveRole(ctx, "om_01A", "editor", workos.Resource{ID: "resource_01A"}))
		},
		method: "DELETE", path: roleAssignmentsPath, body: `{"role_slug":"editor","resource_id":"resource_01A"}`, status: 204, errors: resourceErrors,
	},
	"ListRoleAssignments": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return collect(c.ListRoleAssignments(ctx, "om_01A", workos.ListRoleAssignmentsParams{Resource: project, Paging: workos.Paging{PageSize: 9}}))
		},
		method: "GET", path: roleAssignmentsPath, query: "limit=9&resource_external_id=project-7&resource_type_slug=project",
		status: 200, response: listOf(roleAssignmentJSON), required: listRequired, want: []workos.RoleAssignment{roleAssignment}, errors: readErrors,
	},
	"ListRoleAssignments by ID": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return collect(c.ListRoleAssignments(ctx, "om_01A", workos.ListRoleAssignmentsParams{Resource: workos.Resource{ID: "resource_01A"}}))
		},
		method: "GET", path: roleAssignmentsPath, query: "resource_id=resource_01A",
		status: 200, response: listOf(roleAssignmentJSON), required: listRequired, want: []workos.RoleAssignment{roleAssignment}, errors: readErrors,
	},
	"ListResourceRoleAssignments": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return collect(c.ListResourceRoleAssignments(ctx, "resource_01A", workos.ListResourceRoleAssignmentsParams{}))
		},
		method: "GET", path: resourcePath + "/role_assignments", status: 200, response: listOf(roleAssignmentJSON), required: listRequired,
		want: []workos.RoleAssignment{roleAssignment}, errors: readErrors,
	},
	"ListResourceRoleAssignmentsByExternalID": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return collect(c.ListResourceRoleAssignmentsByExternalID(ctx, "org_01A", "project", "project/7", workos.ListResourceRoleAssignmentsParams{
				RoleSlug: "editor", Paging: workos.Paging{PageSize: 9},
			}))
		},
		method: "GET", path: externalResourcePath + "/role_assignments", query: "limit=9&role_slug=editor", status: 200,
		response: listOf(roleAssignmentJSON), required: listRequired, want: []workos.RoleAssignment{roleAssignment}, errors: readErrors,
	},
	"RemoveRoleAssignment": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return done(c.RemoveRoleAssignment(ctx, "om_01A", "role_assignment_01A"))
		},
		method: "DELETE", path: roleAssignmentsPath + "/role_assignment_01A", status: 204, errors: readErrors,
	},
}

func TestAResourceHasAnIDOrAnExternalIDWithItsType(t *testing.T) {
	server := newServer(t, respondWith(200, `{"authorized":true}`))
	client := server.client(t)
	for _, resource := range append(malformedResources, workos.Resource{}) {
		authorized, err := client.CheckAuthorization(t.Context(), "om_01A", "posts:write", resource)
		assert.ErrorContains(t, err, "check: the resource has neither an ID alone nor an ExternalID and a TypeSlug", "%+v", resource)
		assert.False(t, authorized)
		_, err = client.AssignRole(t.Context(), "om_01A", "editor", resource)
		assert.ErrorContains(t, err, "the resource has neither", "%+v", resource)
		assert.ErrorContains(t, client.RemoveRole(t.Context(), "om_01A", "editor", resource), "the resource has neither", "%+v", resource)
	}
	assert.Empty(t, server.received())
}
