// Fine-grained authorization: who has access to a resource, what a member has access to, and which permissions a member has.

package workos

import (
	"context"
	"iter"
	"net/http"
	"net/url"
)

// The kinds of access that [Client.ListResourceMembers] looks at.
const (
	AssignmentDirect   = "direct"   // by a role on the resource itself, the default
	AssignmentIndirect = "indirect" // also by a role on a resource above it, or in the organization
)

// ListResourceMembersParams are the parameters of [Client.ListResourceMembers] and [Client.ListResourceMembersByExternalID].
// PermissionSlug is required.
type ListResourceMembersParams struct {
	PermissionSlug string // such as "project:edit"
	Assignment     string // AssignmentDirect, the default, or AssignmentIndirect
	Paging
}

// ListOrganizationMembershipResourcesParams are the parameters of [Client.ListOrganizationMembershipResources]. PermissionSlug and
// Parent are required.
type ListOrganizationMembershipResourcesParams struct {
	PermissionSlug string   // such as "project:edit"
	Parent         Resource // the resource whose children are listed
	Paging
}

const (
	memberResourcesPath           = "/authorization/organization_memberships/{organization_membership_id}/resources"
	memberPermissionsPath         = memberResourcesPath + "/{resource_id}/permissions"
	memberExternalPermissionsPath = memberResourcesPath + "/{resource_type_slug}/{external_id}/permissions"
)

// ListResourceMembers lists the members who have a permission on a resource.
//
// By default, the list has only those who have it by a role on the resource itself. With [AssignmentIndirect] it has everyone for
// whom [Client.CheckAuthorization] reports true. The API omits the roles of the memberships.
//
// See https://workos.com/docs/reference/fga/access-check and https://workos.com/docs/fga/resource-discovery
func (c *Client) ListResourceMembers(ctx context.Context, resourceID string, p ListResourceMembersParams) iter.Seq2[OrganizationMembership, error] {
	return c.listMembersOn(ctx, call{path: resourcePath, ids: []string{resourceID}}, p)
}

// ListResourceMembersByExternalID lists the members who have a permission on the resource with the application's own ID, as
// ListResourceMembers does.
//
// See https://workos.com/docs/reference/fga/access-check
func (c *Client) ListResourceMembersByExternalID(
	ctx context.Context, organizationID, typeSlug, externalID string, p ListResourceMembersParams,
) iter.Seq2[OrganizationMembership, error] {
	return c.listMembersOn(ctx, call{path: externalResourcePath, ids: []string{organizationID, typeSlug, externalID}}, p)
}

// ListOrganizationMembershipResources lists the resources on which a member has a permission, among the children of one resource.
// The children of an organization are the resources that were created without a parent. They can have several types: compare
// TypeSlug. The parent may be Resource{TypeSlug: "organization", ExternalID: organizationID}.
//
// See https://workos.com/docs/reference/fga/access-check
func (c *Client) ListOrganizationMembershipResources(
	ctx context.Context, membershipID string, p ListOrganizationMembershipResourcesParams,
) iter.Seq2[AuthorizationResource, error] {
	call := call{
		method:   http.MethodGet,
		path:     memberResourcesPath,
		ids:      []string{membershipID},
		query:    url.Values{},
		required: []argument{{"permission_slug", p.PermissionSlug}},
	}
	set(call.query, "permission_slug", p.PermissionSlug)
	set(call.query, "parent_resource_id", p.Parent.ID)
	set(call.query, "parent_resource_external_id", p.Parent.ExternalID)
	set(call.query, "parent_resource_type_slug", p.Parent.TypeSlug)
	call.invalid = p.Parent.check(call, "parent")
	return list[AuthorizationResource](ctx, c, call, p.Paging)
}

// ListEffectivePermissions lists the permissions that a member has on a resource, by all of the member's roles: on the resource, on
// the resources above it, and in the organization.
//
// See https://workos.com/docs/reference/fga/access-check
func (c *Client) ListEffectivePermissions(ctx context.Context, membershipID string, resource Resource, p Paging) iter.Seq2[Permission, error] {
	call := call{method: http.MethodGet, path: memberPermissionsPath, ids: []string{membershipID, resource.ID}}
	if resource.ID == "" {
		call.path, call.ids = memberExternalPermissionsPath, []string{membershipID, resource.TypeSlug, resource.ExternalID}
	}
	call.invalid = resource.check(call, "resource")
	return list[Permission](ctx, c, call, p)
}

// listMembersOn lists the members who have a permission on the resource of the call.
func (c *Client) listMembersOn(ctx context.Context, call call, p ListResourceMembersParams) iter.Seq2[OrganizationMembership, error] {
	call.method = http.MethodGet
	call.path += "/organization_memberships"
	call.query = url.Values{}
	call.required = []argument{{"permission_slug", p.PermissionSlug}}
	set(call.query, "permission_slug", p.PermissionSlug)
	set(call.query, "assignment", p.Assignment)
	return list[OrganizationMembership](ctx, c, call, p.Paging)
}
