// Fine-grained authorization: roles of a member on one resource, and whether a member has a permission on it.

package workos

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// Resource names a resource of the application, such as a project. It has an ID, or else an ExternalID and a TypeSlug.
// [AuthorizationResource] is the resource that WorkOS stores. The organization itself is a resource too: its TypeSlug is
// "organization", and its ExternalID is the ID of the organization.
//
// See https://workos.com/docs/reference/fga
type Resource struct {
	ID         string `json:"id,omitempty"`                 // WorkOS's ID of the resource
	ExternalID string `json:"external_id,omitempty"`        // the application's ID of the resource
	TypeSlug   string `json:"resource_type_slug,omitempty"` // such as "project"
}

// RoleAssignment is a role that a member has on a resource.
//
// See https://workos.com/docs/reference/fga
type RoleAssignment struct {
	ID                       string               `json:"id"` // "role_assignment_…"
	OrganizationMembershipID string               `json:"organization_membership_id"`
	Role                     Role                 `json:"role"`
	Resource                 Resource             `json:"resource"`
	Source                   RoleAssignmentSource `json:"source,omitzero"`
	CreatedAt                time.Time            `json:"created_at,omitzero"`
	UpdatedAt                time.Time            `json:"updated_at,omitzero"`
}

// RoleAssignmentSource says why a member has a [RoleAssignment].
type RoleAssignmentSource struct {
	Type                  string `json:"type"`                               // "direct" or "group"
	GroupRoleAssignmentID string `json:"group_role_assignment_id,omitempty"` // only with "group"
}

// ListRoleAssignmentsParams are the parameters of [Client.ListRoleAssignments]. The zero value lists all roles of the member.
type ListRoleAssignmentsParams struct {
	Resource Resource // only roles on this resource
	Paging
}

// ListResourceRoleAssignmentsParams are the parameters of [Client.ListResourceRoleAssignments] and
// [Client.ListResourceRoleAssignmentsByExternalID]. The zero value lists all roles on the resource.
type ListResourceRoleAssignmentsParams struct {
	RoleSlug string // only this role
	Paging
}

const roleAssignmentsPath = "/authorization/organization_memberships/{organization_membership_id}/role_assignments"

// CheckAuthorization reports whether a member has a permission on a resource, by any of the member's roles: on the resource, on
// a resource above it, or in the organization. There is exactly one attempt, of at most 10 s.
//
// See https://workos.com/docs/reference/fga
func (c *Client) CheckAuthorization(ctx context.Context, membershipID, permissionSlug string, resource Resource) (authorized bool, err error) {
	call := call{
		method: http.MethodPost,
		path:   "/authorization/organization_memberships/{organization_membership_id}/check",
		ids:    []string{membershipID},
		body: struct {
			PermissionSlug string `json:"permission_slug"`
			resourceBody
		}{permissionSlug, resource.body()},
		required: []argument{{"permission_slug", permissionSlug}},
	}
	call.invalid = resource.check(call, "resource")
	response, err := fetch[checkResponse](ctx, c, call)
	if err != nil {
		return false, err
	}
	return *response.Authorized, nil
}

// AssignRole gives a member a role on a resource. AuthKit.OrganizationMembershipID of package authkit returns the membership ID
// of a session. No event reports the change: call AuthKit.RefreshUser afterwards, so that guards know it at once.
//
// The creator of a resource has no role on it, unless you assign one.
//
// See https://workos.com/docs/reference/fga
func (c *Client) AssignRole(ctx context.Context, membershipID, roleSlug string, resource Resource) (*RoleAssignment, error) {
	call := changeRole(http.MethodPost, roleAssignmentsPath, membershipID, roleSlug, resource)
	call.invalid = resource.check(call, "resource")
	return fetch[RoleAssignment](ctx, c, call)
}

// RemoveRole takes a role on a resource from a member.
//
// See https://workos.com/docs/reference/fga
func (c *Client) RemoveRole(ctx context.Context, membershipID, roleSlug string, resource Resource) error {
	call := changeRole(http.MethodDelete, roleAssignmentsPath, membershipID, roleSlug, resource)
	call.invalid = resource.check(call, "resource")
	return c.do(ctx, call, nil)
}

// ListRoleAssignments lists the roles of a member, on resources and in the organization.
//
// See https://workos.com/docs/reference/fga
func (c *Client) ListRoleAssignments(ctx context.Context, membershipID string, p ListRoleAssignmentsParams) iter.Seq2[RoleAssignment, error] {
	query := url.Values{}
	set(query, "resource_id", p.Resource.ID)
	set(query, "resource_external_id", p.Resource.ExternalID)
	set(query, "resource_type_slug", p.Resource.TypeSlug)
	return list[RoleAssignment](ctx, c, call{path: roleAssignmentsPath, ids: []string{membershipID}, query: query}, p.Paging)
}

// ListResourceRoleAssignments lists the roles that members have on a resource itself. Roles on the resources above it are not in
// the list: see [Client.ListResourceMembers].
//
// See https://workos.com/docs/reference/fga/role-assignment
func (c *Client) ListResourceRoleAssignments(ctx context.Context, resourceID string, p ListResourceRoleAssignmentsParams) iter.Seq2[RoleAssignment, error] {
	return c.listAssignmentsOn(ctx, call{path: resourcePath, ids: []string{resourceID}}, p)
}

// ListResourceRoleAssignmentsByExternalID lists the roles that members have on the resource with the application's own ID, as
// ListResourceRoleAssignments does.
//
// See https://workos.com/docs/reference/fga/role-assignment
func (c *Client) ListResourceRoleAssignmentsByExternalID(
	ctx context.Context, organizationID, typeSlug, externalID string, p ListResourceRoleAssignmentsParams,
) iter.Seq2[RoleAssignment, error] {
	return c.listAssignmentsOn(ctx, call{path: externalResourcePath, ids: []string{organizationID, typeSlug, externalID}}, p)
}

// listAssignmentsOn lists the roles on the resource of the call.
func (c *Client) listAssignmentsOn(ctx context.Context, call call, p ListResourceRoleAssignmentsParams) iter.Seq2[RoleAssignment, error] {
	call.path += "/role_assignments"
	call.query = url.Values{}
	set(call.query, "role_slug", p.RoleSlug)
	return list[RoleAssignment](ctx, c, call, p.Paging)
}

// RemoveRoleAssignment takes the role of an assignment from a member.
//
// See https://workos.com/docs/reference/fga
func (c *Client) RemoveRoleAssignment(ctx context.Context, membershipID, assignmentID string) error {
	return c.do(ctx, call{
		method: http.MethodDelete,
		path:   roleAssignmentsPath + "/{role_assignment_id}",
		ids:    []string{membershipID, assignmentID},
	}, nil)
}

// changeRole returns the call that assigns or removes a role of the member or the group with the given ID.
func changeRole(method, path, id, roleSlug string, resource Resource) call {
	return call{
		method:   method,
		path:     path,
		ids:      []string{id},
		body:     roleOnResource{roleSlug, resource.body()},
		required: []argument{{"role_slug", roleSlug}},
	}
}

// roleOnResource is the body of the calls that assign or remove a role.
type roleOnResource struct {
	RoleSlug string `json:"role_slug"`
	resourceBody
}

// resourceBody is a resource in the parameters of a call.
type resourceBody struct {
	ID         string `json:"resource_id,omitempty"`
	ExternalID string `json:"resource_external_id,omitempty"`
	TypeSlug   string `json:"resource_type_slug,omitempty"`
}

func (r Resource) body() resourceBody { return resourceBody(r) }

// check refuses a resource that names none, or more than one. The API could take either of two. name is that of the argument.
func (r Resource) check(call call, name string) error {
	byID, byExternalID := r.ID != "", r.ExternalID != "" && r.TypeSlug != ""
	if byID == byExternalID || byID && r.body() != (resourceBody{ID: r.ID}) {
		return call.argumentError(name, "has neither an ID alone nor an ExternalID and a TypeSlug")
	}
	return nil
}

// checkResponse is the response of CheckAuthorization. An absent authorized is an error, not false.
type checkResponse struct {
	Authorized *bool `json:"authorized"`
}

func (r *checkResponse) validate() error {
	if r.Authorized == nil {
		return errors.New("missing authorized")
	}
	return nil
}

func (a *RoleAssignment) validate() error { return requireID(a.ID) }
