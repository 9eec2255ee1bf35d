// Groups of members of an organization.

package workos

import (
	"context"
	"iter"
	"net/http"
	"time"
)

// Group is a group of members of an organization.
//
// See https://workos.com/docs/reference/groups
type Group struct {
	ID             string    `json:"id"` // "group_…"
	OrganizationID string    `json:"organization_id"`
	Name           string    `json:"name"`
	Description    string    `json:"description,omitempty"`
	CreatedAt      time.Time `json:"created_at,omitzero"`
	UpdatedAt      time.Time `json:"updated_at,omitzero"`
}

// CreateGroupParams are the parameters of [Client.CreateGroup]. Name is required. A field with its zero value is omitted.
type CreateGroupParams struct {
	Name        string `json:"name"`                  // at most 256 characters
	Description string `json:"description,omitempty"` // at most 150 characters
}

// UpdateGroupParams are the parameters of [Client.UpdateGroup]. A field with its zero value leaves the value of the group
// unchanged.
type UpdateGroupParams struct {
	Name        string           `json:"name,omitempty"`
	Description Optional[string] `json:"description,omitzero"` // Null removes it
}

const (
	groupsPath       = "/organizations/{organization_id}/groups"
	groupPath        = groupsPath + "/{group_id}"
	groupMembersPath = groupPath + "/organization-memberships"
)

// ListGroups lists the groups of an organization.
//
// See https://workos.com/docs/reference/groups
func (c *Client) ListGroups(ctx context.Context, organizationID string, p Paging) iter.Seq2[Group, error] {
	return list[Group](ctx, c, call{path: groupsPath, ids: []string{organizationID}}, p)
}

// GetGroup returns a group of an organization.
//
// See https://workos.com/docs/reference/groups
func (c *Client) GetGroup(ctx context.Context, organizationID, id string) (*Group, error) {
	return fetch[Group](ctx, c, call{method: http.MethodGet, path: groupPath, ids: []string{organizationID, id}})
}

// CreateGroup creates a group in an organization. It has no members yet: see [Client.AddGroupMember].
//
// See https://workos.com/docs/reference/groups
func (c *Client) CreateGroup(ctx context.Context, organizationID string, p CreateGroupParams) (*Group, error) {
	return fetch[Group](ctx, c, call{
		method:   http.MethodPost,
		path:     groupsPath,
		ids:      []string{organizationID},
		body:     p,
		required: []argument{{"name", p.Name}},
	})
}

// UpdateGroup changes a group and returns the updated group.
//
// See https://workos.com/docs/reference/groups
func (c *Client) UpdateGroup(ctx context.Context, organizationID, id string, p UpdateGroupParams) (*Group, error) {
	return fetch[Group](ctx, c, call{method: http.MethodPatch, path: groupPath, ids: []string{organizationID, id}, body: p})
}

// DeleteGroup deletes a group. Its members stay members of the organization.
//
// See https://workos.com/docs/reference/groups
func (c *Client) DeleteGroup(ctx context.Context, organizationID, id string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: groupPath, ids: []string{organizationID, id}}, nil)
}

// ListGroupMembers lists the members of a group.
//
// See https://workos.com/docs/reference/groups
func (c *Client) ListGroupMembers(ctx context.Context, organizationID, groupID string, p Paging) iter.Seq2[OrganizationMembership, error] {
	return list[OrganizationMembership](ctx, c, call{path: groupMembersPath, ids: []string{organizationID, groupID}}, p)
}

// AddGroupMember adds a member of the organization to a group, and returns the group. If the group has the most members that
// it may have, the error has the code [CodeGroupMembershipLimitExceeded].
//
// See https://workos.com/docs/reference/groups
func (c *Client) AddGroupMember(ctx context.Context, organizationID, groupID, membershipID string) (*Group, error) {
	return fetch[Group](ctx, c, call{
		method: http.MethodPost,
		path:   groupMembersPath,
		ids:    []string{organizationID, groupID},
		body: struct {
			MembershipID string `json:"organization_membership_id"`
		}{membershipID},
		required: []argument{{"organization_membership_id", membershipID}},
	})
}

// RemoveGroupMember removes a member from a group.
//
// See https://workos.com/docs/reference/groups
func (c *Client) RemoveGroupMember(ctx context.Context, organizationID, groupID, membershipID string) error {
	return c.do(ctx, call{
		method: http.MethodDelete,
		path:   groupMembersPath + "/{organization_membership_id}",
		ids:    []string{organizationID, groupID, membershipID},
	}, nil)
}

// ListOrganizationMembershipGroups lists the groups that a member belongs to.
//
// See https://workos.com/docs/reference/authkit/organization-membership
func (c *Client) ListOrganizationMembershipGroups(ctx context.Context, membershipID string, p Paging) iter.Seq2[Group, error] {
	return list[Group](ctx, c, call{path: membershipPath + "/groups", ids: []string{membershipID}}, p)
}

func (g *Group) validate() error { return requireID(g.ID) }
