// Roles of groups: in the organization and on resources, which the members of a group have through it.

package workos

import (
	"context"
	"iter"
	"net/http"
	"time"
)

// GroupRoleAssignment is a role that a group has on a resource, or in its organization. Each member of the group has the role, as
// long as it is a member. The [RoleAssignmentSource] of the member's [RoleAssignment] has the ID.
//
// See https://workos.com/docs/reference/groups/role-assignment
type GroupRoleAssignment struct {
	ID        string    `json:"id"` // "gra_…"
	GroupID   string    `json:"group_id"`
	Role      Role      `json:"role"`
	Resource  Resource  `json:"resource"` // with TypeSlug "organization" for a role in the organization
	CreatedAt time.Time `json:"created_at,omitzero"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

// GroupRole is a role for [Client.SetGroupRoles]. RoleSlug is required.
type GroupRole struct {
	RoleSlug string
	Resource Resource // the zero value is the organization
}

const (
	groupRoleAssignmentsPath = "/authorization/groups/{group_id}/role_assignments"
	groupRoleAssignmentPath  = groupRoleAssignmentsPath + "/{role_assignment_id}"
)

// ListGroupRoleAssignments lists the roles of a group, on resources and in the organization.
//
// See https://workos.com/docs/reference/groups/role-assignment
func (c *Client) ListGroupRoleAssignments(ctx context.Context, groupID string, p Paging) iter.Seq2[GroupRoleAssignment, error] {
	return list[GroupRoleAssignment](ctx, c, call{path: groupRoleAssignmentsPath, ids: []string{groupID}}, p)
}

// GetGroupRoleAssignment returns a role of a group.
//
// See https://workos.com/docs/reference/groups/role-assignment
func (c *Client) GetGroupRoleAssignment(ctx context.Context, groupID, assignmentID string) (*GroupRoleAssignment, error) {
	return fetch[GroupRoleAssignment](ctx, c, call{
		method: http.MethodGet, path: groupRoleAssignmentPath, ids: []string{groupID, assignmentID},
	})
}

// AssignGroupRole gives a group a role on a resource. For the zero Resource, it is a role in the organization. If the group has the
// role on the resource already, the error has the code [CodeDuplicateGroupRoleAssignment].
//
// WorkOS gives the role to the members of the group a moment later.
//
// See https://workos.com/docs/reference/groups/role-assignment and https://workos.com/docs/authkit/group-role-assignments
func (c *Client) AssignGroupRole(ctx context.Context, groupID, roleSlug string, resource Resource) (*GroupRoleAssignment, error) {
	call := changeRole(http.MethodPost, groupRoleAssignmentsPath, groupID, roleSlug, resource)
	call.invalid = resource.checkOptional(call, "resource")
	return fetch[GroupRoleAssignment](ctx, c, call)
}

// SetGroupRoles replaces all roles of a group, and returns the new ones. It takes at most 100 roles. Without a role, the group has
// none.
//
// See https://workos.com/docs/reference/groups/role-assignment
func (c *Client) SetGroupRoles(ctx context.Context, groupID string, roles []GroupRole) ([]GroupRoleAssignment, error) {
	call := call{method: http.MethodPut, path: groupRoleAssignmentsPath, ids: []string{groupID}}
	assignments := []roleOnResource{} // a nil slice would be sent as null
	for _, role := range roles {
		call.required = append(call.required, argument{"role_slug", role.RoleSlug})
		if call.invalid == nil {
			call.invalid = role.Resource.checkOptional(call, "resource")
		}
		assignments = append(assignments, roleOnResource{role.RoleSlug, role.Resource.body()})
	}
	call.body = struct {
		RoleAssignments []roleOnResource `json:"role_assignments"`
	}{assignments}
	response, err := fetch[page[GroupRoleAssignment]](ctx, c, call)
	if err != nil {
		return nil, err
	}
	return response.Data, nil
}

// RemoveGroupRole takes a role on a resource from a group. For the zero Resource, it is a role in the organization.
//
// See https://workos.com/docs/reference/groups/role-assignment
func (c *Client) RemoveGroupRole(ctx context.Context, groupID, roleSlug string, resource Resource) error {
	call := changeRole(http.MethodDelete, groupRoleAssignmentsPath, groupID, roleSlug, resource)
	call.invalid = resource.checkOptional(call, "resource")
	return c.do(ctx, call, nil)
}

// RemoveGroupRoleAssignment takes the role of an assignment from a group.
//
// See https://workos.com/docs/reference/groups/role-assignment
func (c *Client) RemoveGroupRoleAssignment(ctx context.Context, groupID, assignmentID string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: groupRoleAssignmentPath, ids: []string{groupID, assignmentID}}, nil)
}

func (a *GroupRoleAssignment) validate() error { return requireID(a.ID) }
