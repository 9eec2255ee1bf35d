// Organization memberships: the users of an organization and their roles.

package workos

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// OrganizationMembership is the membership of a user in an organization.
//
// See https://workos.com/docs/reference/authkit/organization-membership
type OrganizationMembership struct {
	ID               string         `json:"id"` // "om_…"
	UserID           string         `json:"user_id"`
	OrganizationID   string         `json:"organization_id"`
	OrganizationName string         `json:"organization_name,omitempty"`
	Status           string         `json:"status"`                      // one of the MembershipStatus constants
	DirectoryManaged bool           `json:"directory_managed,omitempty"` // managed by a directory
	Role             Role           `json:"role,omitzero"`               // the role with the highest priority
	Roles            []Role         `json:"roles,omitempty"`             // all roles
	CustomAttributes map[string]any `json:"custom_attributes,omitempty"` // from the directory or the identity provider
	User             *User          `json:"user,omitempty"`              // nil if the API omits it
	CreatedAt        time.Time      `json:"created_at,omitzero"`
	UpdatedAt        time.Time      `json:"updated_at,omitzero"`
}

// Role is the role of a member in an organization.
type Role struct {
	Slug string `json:"slug"` // such as "admin"
}

// The statuses of an [OrganizationMembership].
const (
	MembershipStatusActive   = "active"
	MembershipStatusInactive = "inactive" // deactivated: the user cannot sign in to the organization
	MembershipStatusPending  = "pending"  // invited
)

// CreateOrganizationMembershipParams are the parameters of [Client.CreateOrganizationMembership]. UserID and
// OrganizationID are required. RoleSlug and RoleSlugs exclude each other. Without either, the member gets the
// organization's default role.
type CreateOrganizationMembershipParams struct {
	UserID         string   `json:"user_id"`
	OrganizationID string   `json:"organization_id"`
	RoleSlug       string   `json:"role_slug,omitempty"`
	RoleSlugs      []string `json:"role_slugs,omitempty"` // if the environment permits several roles
}

// UpdateOrganizationMembershipParams are the parameters of [Client.UpdateOrganizationMembership]. RoleSlug and
// RoleSlugs exclude each other.
type UpdateOrganizationMembershipParams struct {
	RoleSlug  string   `json:"role_slug,omitempty"`
	RoleSlugs []string `json:"role_slugs,omitempty"`
}

// ListOrganizationMembershipsParams are the parameters of [Client.ListOrganizationMemberships]. UserID, OrganizationID
// or both are required.
type ListOrganizationMembershipsParams struct {
	UserID         string
	OrganizationID string
	Statuses       []string // empty lists only MembershipStatusActive
	Paging
}

const (
	membershipsPath = "/user_management/organization_memberships"
	membershipPath  = membershipsPath + "/{organization_membership_id}"
)

// CreateOrganizationMembership makes a user a member of an organization, or reactivates the membership.
//
// See https://workos.com/docs/reference/authkit/organization-membership/create
func (c *Client) CreateOrganizationMembership(ctx context.Context, p CreateOrganizationMembershipParams) (*OrganizationMembership, error) {
	return fetch[OrganizationMembership](ctx, c, call{
		method:   http.MethodPost,
		path:     membershipsPath,
		body:     p,
		required: []argument{{"user_id", p.UserID}, {"organization_id", p.OrganizationID}},
	})
}

// GetOrganizationMembership returns a membership.
//
// See https://workos.com/docs/reference/authkit/organization-membership
func (c *Client) GetOrganizationMembership(ctx context.Context, id string) (*OrganizationMembership, error) {
	return fetch[OrganizationMembership](ctx, c, call{method: http.MethodGet, path: membershipPath, ids: []string{id}})
}

// ListOrganizationMemberships lists the memberships of a user, of an organization, or of a user in an organization.
//
// See https://workos.com/docs/reference/authkit/organization-membership
func (c *Client) ListOrganizationMemberships(ctx context.Context, p ListOrganizationMembershipsParams) iter.Seq2[OrganizationMembership, error] {
	query := url.Values{}
	set(query, "user_id", p.UserID)
	set(query, "organization_id", p.OrganizationID)
	set(query, "statuses", strings.Join(p.Statuses, ","))
	return list[OrganizationMembership](ctx, c, call{
		path:     membershipsPath,
		query:    query,
		required: []argument{{"user_id or organization_id", p.UserID + p.OrganizationID}},
	}, p.Paging)
}

// UpdateOrganizationMembership changes a member's roles.
//
// See https://workos.com/docs/reference/authkit/organization-membership
func (c *Client) UpdateOrganizationMembership(ctx context.Context, id string, p UpdateOrganizationMembershipParams) (*OrganizationMembership, error) {
	return fetch[OrganizationMembership](ctx, c, call{method: http.MethodPut, path: membershipPath, ids: []string{id}, body: p})
}

// DeactivateOrganizationMembership removes a member's access until the membership is reactivated. It has no effect on
// an inactive membership and is an error for a pending one.
//
// See https://workos.com/docs/reference/authkit/organization-membership
func (c *Client) DeactivateOrganizationMembership(ctx context.Context, id string) (*OrganizationMembership, error) {
	return fetch[OrganizationMembership](ctx, c, call{method: http.MethodPut, path: membershipPath + "/deactivate", ids: []string{id}})
}

// ReactivateOrganizationMembership restores a member's access with the previous role. It has no effect on an active
// membership and is an error for a pending one.
//
// See https://workos.com/docs/reference/authkit/organization-membership
func (c *Client) ReactivateOrganizationMembership(ctx context.Context, id string) (*OrganizationMembership, error) {
	return fetch[OrganizationMembership](ctx, c, call{method: http.MethodPut, path: membershipPath + "/reactivate", ids: []string{id}})
}

// DeleteOrganizationMembership deletes a membership permanently.
//
// See https://workos.com/docs/reference/authkit/organization-membership
func (c *Client) DeleteOrganizationMembership(ctx context.Context, id string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: membershipPath, ids: []string{id}}, nil)
}

func (m *OrganizationMembership) validate() error { return requireID(m.ID) }
