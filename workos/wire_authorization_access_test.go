// Who has access to what, on the wire.

package workos_test

import (
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit/workos"
)

const memberResourcesPath = "/authorization/organization_memberships/om_01A/resources"

var (
	resourceMemberJSON = `{"object":"organization_membership","id":"om_01A","user_id":"user_01A","organization_id":"org_01A","organization_name":"Acme",
		"status":"active","directory_managed":false,"custom_attributes":{"level":3},"user":` + userJSON + `,` + timesJSON + `}`
	resourceMember = workos.OrganizationMembership{
		ID: "om_01A", UserID: "user_01A", OrganizationID: "org_01A", OrganizationName: "Acme", Status: workos.MembershipStatusActive,
		CustomAttributes: map[string]any{"level": 3.0}, User: &kim, CreatedAt: created, UpdatedAt: updated,
	}
	accessErrors = slices.Concat(resourceErrors, plain(400, nil, workos.CodeBadRequest))
)

var authorizationAccessCalls = map[string]wire{
	"ListResourceMembers": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return collect(c.ListResourceMembers(ctx, "resource_01A", workos.ListResourceMembersParams{PermissionSlug: "project:edit"}))
		},
		method: "GET", path: resourcePath + "/organization_memberships", query: "permission_slug=project%3Aedit", status: 200,
		response: listOf(resourceMemberJSON), required: listRequired, want: []workos.OrganizationMembership{resourceMember}, errors: accessErrors,
	},
	"ListResourceMembersByExternalID": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return collect(c.ListResourceMembersByExternalID(ctx, "org_01A", "project", "project/7", workos.ListResourceMembersParams{
				PermissionSlug: "project:edit", Assignment: workos.AssignmentIndirect, Paging: workos.Paging{PageSize: 9, After: "om_00"},
			}))
		},
		method: "GET", path: externalResourcePath + "/organization_memberships",
		query:  "after=om_00&assignment=indirect&limit=9&permission_slug=project%3Aedit",
		status: 200, response: listOf(resourceMemberJSON), required: listRequired, want: []workos.OrganizationMembership{resourceMember},
		errors: accessErrors,
	},
	"ListOrganizationMembershipResources": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return collect(c.ListOrganizationMembershipResources(ctx, "om_01A", workos.ListOrganizationMembershipResourcesParams{
				PermissionSlug: "project:edit", Parent: workos.Resource{ID: "resource_00"}, Paging: workos.Paging{Order: workos.OrderAscending},
			}))
		},
		method: "GET", path: memberResourcesPath, query: "order=asc&parent_resource_id=resource_00&permission_slug=project%3Aedit", status: 200,
		response: listOf(authorizationResourceJSON), required: listRequired, want: []workos.AuthorizationResource{authorizationResource},
		errors: accessErrors,
	},
	"ListOrganizationMembershipResources of a parent by external ID": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return collect(c.ListOrganizationMembershipResources(ctx, "om_01A", workos.ListOrganizationMembershipResourcesParams{
				PermissionSlug: "project:edit", Parent: workos.Resource{ExternalID: "org_01A", TypeSlug: "organization"},
			}))
		},
		method: "GET", path: memberResourcesPath,
		query:  "parent_resource_external_id=org_01A&parent_resource_type_slug=organization&permission_slug=project%3Aedit",
		status: 200, response: listOf(authorizationResourceJSON), required: listRequired, want: []workos.AuthorizationResource{authorizationResource},
		errors: accessErrors,
	},
	"ListEffectivePermissions by ID": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return collect(c.ListEffectivePermissions(ctx, "om_01A", workos.Resource{ID: "resource_01A"}, workos.Paging{PageSize: 100}))
		},
		method: "GET", path: memberResourcesPath + "/resource_01A/permissions", query: "limit=100", status: 200, response: listOf(permissionJSON),
		required: listRequired, want: []workos.Permission{permission}, errors: resourceErrors,
	},
	"ListEffectivePermissions by external ID": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return collect(c.ListEffectivePermissions(ctx, "om_01A", workos.Resource{ExternalID: "project/7", TypeSlug: "project"}, workos.Paging{}))
		},
		method: "GET", path: memberResourcesPath + "/project/project%2F7/permissions", status: 200, response: listOf(permissionJSON),
		required: listRequired, want: []workos.Permission{permission}, errors: resourceErrors,
	},
}

func TestAMalformedResourceHasNoEffectivePermissions(t *testing.T) {
	server := newServer(t, respondWith(200, listOf(permissionJSON)))
	for _, resource := range append(malformedResources, workos.Resource{}) {
		got, err := collect(server.client(t).ListEffectivePermissions(t.Context(), "om_01A", resource, workos.Paging{}))
		assert.ErrorContains(t, err, "permissions: the resource has neither an ID alone nor an ExternalID and a TypeSlug", "%+v", resource)
		assert.Empty(t, got)
	}
	assert.Empty(t, server.received())
}
