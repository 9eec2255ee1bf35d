// Resources of fine-grained authorization on the wire.

package workos_test

import (
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit/workos"
)

const (
	authorizationResourceJSON = `{"object":"authorization_resource","id":"resource_01A","external_id":"project-7","resource_type_slug":"project",
		"organization_id":"org_01A","parent_resource_id":"resource_00","name":"Site","description":"The new site",` + timesJSON + `}`
	resourcePath         = "/authorization/resources/resource_01A"
	externalResourcePath = "/authorization/organizations/org_01A/resources/project/project%2F7"
)

var (
	authorizationResource = workos.AuthorizationResource{
		ID: "resource_01A", ExternalID: "project-7", TypeSlug: "project", OrganizationID: "org_01A", ParentResourceID: "resource_00",
		Name: "Site", Description: "The new site", CreatedAt: created, UpdatedAt: updated,
	}
	changeResourceErrors = slices.Concat(resourceErrors, plain(400, nil, workos.CodeLockTimeout), plain(409, nil, workos.CodeResourceTypeUpdateInProgress))
	createResourceErrors = slices.Concat(changeResourceErrors, plain(400, nil, workos.CodeBadRequest),
		plain(409, nil, workos.CodeAuthorizationResourceExternalIDConflict))
	deleteResourceErrors = slices.Concat(changeResourceErrors, plain(409, nil, workos.CodeResourceHasDependents))
	listResourcesErrors  = slices.Concat(resourceErrors, plain(400, nil, workos.CodeMissingOrganizationIDOrResourceTypeSlug))
)

var authorizationResourceCalls = map[string]wire{
	"ListResources": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return collect(c.ListResources(ctx, workos.ListResourcesParams{OrganizationID: "org_01A"}))
		},
		method: "GET", path: "/authorization/resources", query: "organization_id=org_01A", status: 200, response: listOf(authorizationResourceJSON),
		required: listRequired, want: []workos.AuthorizationResource{authorizationResource}, errors: listResourcesErrors,
	},
	"ListResources with all fields": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return collect(c.ListResources(ctx, workos.ListResourcesParams{
				OrganizationID: "org_01A", TypeSlug: "project", ExternalID: "project-7", Parent: workos.Resource{ExternalID: "space-1", TypeSlug: "workspace"},
				Paging: workos.Paging{PageSize: 9, Order: workos.OrderAscending, After: "resource_00"},
			}))
		},
		method: "GET", path: "/authorization/resources",
		query: "after=resource_00&limit=9&order=asc&organization_id=org_01A&parent_external_id=space-1&parent_resource_type_slug=workspace" +
			"&resource_external_id=project-7&resource_type_slug=project",
		status: 200, response: listOf(authorizationResourceJSON), required: listRequired, want: []workos.AuthorizationResource{authorizationResource},
		errors: listResourcesErrors,
	},
	"ListResources of a parent by ID": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return collect(c.ListResources(ctx, workos.ListResourcesParams{TypeSlug: "project", Parent: workos.Resource{ID: "resource_00"}}))
		},
		method: "GET", path: "/authorization/resources", query: "parent_resource_id=resource_00&resource_type_slug=project", status: 200,
		response: listOf(authorizationResourceJSON), required: listRequired, want: []workos.AuthorizationResource{authorizationResource},
		errors: listResourcesErrors,
	},
	"GetResource": {
		call:   func(ctx context.Context, c *workos.Client) (any, error) { return c.GetResource(ctx, "resource_01A") },
		method: "GET", path: resourcePath, status: 200, response: authorizationResourceJSON, required: []string{"id"}, want: &authorizationResource,
		errors: resourceErrors,
	},
	"GetResourceByExternalID": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.GetResourceByExternalID(ctx, "org_01A", "project", "project/7")
		},
		method: "GET", path: externalResourcePath, status: 200, response: authorizationResourceJSON, required: []string{"id"},
		want: &authorizationResource, errors: readErrors,
	},
	"CreateResource": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.CreateResource(ctx, workos.CreateResourceParams{
				OrganizationID: "org_01A", TypeSlug: "project", ExternalID: "project-7", Name: "Site", Description: "The new site",
				Parent: workos.Resource{ID: "resource_00"},
			})
		},
		method: "POST", path: "/authorization/resources",
		body: `{"organization_id":"org_01A","resource_type_slug":"project","external_id":"project-7","name":"Site","description":"The new site",
			"parent_resource_id":"resource_00"}`,
		status: 201, response: authorizationResourceJSON, required: []string{"id"}, want: &authorizationResource, errors: createResourceErrors,
	},
	"CreateResource below another one by external ID": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.CreateResource(ctx, workos.CreateResourceParams{
				OrganizationID: "org_01A", TypeSlug: "project", ExternalID: "project-7", Name: "Site",
				Parent: workos.Resource{ExternalID: "space-1", TypeSlug: "workspace"},
			})
		},
		method: "POST", path: "/authorization/resources",
		body: `{"organization_id":"org_01A","resource_type_slug":"project","external_id":"project-7","name":"Site",
			"parent_resource_external_id":"space-1","parent_resource_type_slug":"workspace"}`,
		status: 201, response: authorizationResourceJSON, required: []string{"id"}, want: &authorizationResource, errors: createResourceErrors,
	},
	"CreateResource without a parent": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.CreateResource(ctx, workos.CreateResourceParams{
				OrganizationID: "org_01A", TypeSlug: "project", ExternalID: "project-7", Name: "Site",
			})
		},
		method: "POST", path: "/authorization/resources",
		body:   `{"organization_id":"org_01A","resource_type_slug":"project","external_id":"project-7","name":"Site"}`,
		status: 201, response: authorizationResourceJSON, required: []string{"id"}, want: &authorizationResource, errors: createResourceErrors,
	},
	"UpdateResource": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.UpdateResource(ctx, "resource_01A", workos.UpdateResourceParams{
				Name: "Site", Description: workos.Null[string](), Parent: workos.Resource{ExternalID: "space-1", TypeSlug: "workspace"},
			})
		},
		method: "PATCH", path: resourcePath,
		body:   `{"name":"Site","description":null,"parent_resource_external_id":"space-1","parent_resource_type_slug":"workspace"}`,
		status: 200, response: authorizationResourceJSON, required: []string{"id"}, want: &authorizationResource, errors: changeResourceErrors,
	},
	"UpdateResourceByExternalID": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.UpdateResourceByExternalID(ctx, "org_01A", "project", "project/7", workos.UpdateResourceParams{
				Description: workos.Value("The new site"), Parent: workos.Resource{ID: "resource_00"},
			})
		},
		method: "PATCH", path: externalResourcePath, body: `{"description":"The new site","parent_resource_id":"resource_00"}`,
		status: 200, response: authorizationResourceJSON, required: []string{"id"}, want: &authorizationResource, errors: changeResourceErrors,
	},
	"UpdateResourceByExternalID with a name only": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.UpdateResourceByExternalID(ctx, "org_01A", "project", "project/7", workos.UpdateResourceParams{Name: "Site"})
		},
		method: "PATCH", path: externalResourcePath, body: `{"name":"Site"}`,
		status: 200, response: authorizationResourceJSON, required: []string{"id"}, want: &authorizationResource, errors: changeResourceErrors,
	},
	"DeleteResource": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return done(c.DeleteResource(ctx, "resource_01A", workos.DeleteResourceParams{}))
		},
		method: "DELETE", path: resourcePath, status: 204, errors: deleteResourceErrors,
	},
	"DeleteResource with what is below it": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return done(c.DeleteResource(ctx, "resource_01A", workos.DeleteResourceParams{Cascade: true}))
		},
		method: "DELETE", path: resourcePath, query: "cascade_delete=true", status: 204, errors: deleteResourceErrors,
	},
	"DeleteResourceByExternalID": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return done(c.DeleteResourceByExternalID(ctx, "org_01A", "project", "project/7", workos.DeleteResourceParams{Cascade: true}))
		},
		method: "DELETE", path: externalResourcePath, query: "cascade_delete=true", status: 204, errors: deleteResourceErrors,
	},
}

func TestAParentHasAnIDOrAnExternalIDWithItsType(t *testing.T) {
	server := newServer(t, respondWith(200, authorizationResourceJSON))
	c, ctx := server.client(t), t.Context()
	for _, parent := range malformedResources {
		_, err := c.CreateResource(ctx, workos.CreateResourceParams{OrganizationID: "x", TypeSlug: "x", ExternalID: "x", Name: "x", Parent: parent})
		assert.ErrorContains(t, err, "POST /authorization/resources: the parent has neither an ID alone nor", "%+v", parent)
		_, err = c.UpdateResource(ctx, "x", workos.UpdateResourceParams{Parent: parent})
		assert.ErrorContains(t, err, "{resource_id}: the parent has neither", "%+v", parent)
		_, err = c.UpdateResourceByExternalID(ctx, "x", "x", "x", workos.UpdateResourceParams{Parent: parent})
		assert.ErrorContains(t, err, "{external_id}: the parent has neither", "%+v", parent)
		_, err = collect(c.ListResources(ctx, workos.ListResourcesParams{OrganizationID: "x", Parent: parent}))
		assert.ErrorContains(t, err, "GET /authorization/resources: the parent has neither", "%+v", parent)
	}
	for _, parent := range append(malformedResources, workos.Resource{}) {
		_, err := collect(c.ListOrganizationMembershipResources(ctx, "x", workos.ListOrganizationMembershipResourcesParams{PermissionSlug: "x", Parent: parent}))
		assert.ErrorContains(t, err, "{organization_membership_id}/resources: the parent has neither", "%+v", parent)
	}
	assert.Empty(t, server.received())
}
