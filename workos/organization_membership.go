// Organization memberships: who belongs to which organization, in which role.

package workos

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// OrganizationMembership is a user's place in an organization.
//
// See https://workos.com/docs/reference/authkit/organization-membership
type OrganizationMembership struct {
	ID               string         `json:"id"` // "om_…"
	UserID           string         `json:"user_id"`
	OrganizationID   string         `json:"organization_id"`
	OrganizationName string         `json:"organization_name,omitempty"`
	Status           string         `json:"status"`                      // MembershipStatusActive, MembershipStatusInactive or MembershipStatusPending
	DirectoryManaged bool           `json:"directory_managed,omitempty"` // a directory decides about it
	Role             Role           `json:"role,omitzero"`               // the one of the highest priority
	Roles            []Role         `json:"roles,omitempty"`             // all of them
	CustomAttributes map[string]any `json:"custom_attributes,omitempty"` // as the directory or the identity provider has them
	User             *User          `json:"user,omitempty"`              // nil where the API leaves it out
	CreatedAt        time.Time      `json:"created_at,omitzero"`
	UpdatedAt        time.Time      `json:"updated_at,omitzero"`
}

// Role is what a member is in an organization.
type Role struct {
	Slug string `json:"slug"` // such as "admin"
}

// The statuses of an [OrganizationMembership].
const (
	MembershipStatusActive   = "active"
	MembershipStatusInactive = "inactive" // deactivated: the user cannot sign in to the organization
	MembershipStatusPending  = "pending"  // invited
)

// CreateOrganizationMembershipParams describes a membership to make. UserID and OrganizationID are required. RoleSlug
// and RoleSlugs exclude each other; with neither, the organization's default role is given.
type CreateOrganizationMembershipParams struct {
	UserID         string   `json:"user_id"`
	OrganizationID string   `json:"organization_id"`
	RoleSlug       string   `json:"role_slug,omitempty"`
	RoleSlugs      []string `json:"role_slugs,omitempty"` // where the environment permits several
}

// UpdateOrganizationMembershipParams are the roles that a member is to have. RoleSlug and RoleSlugs exclude each other.
type UpdateOrganizationMembershipParams struct {
	RoleSlug  string   `json:"role_slug,omitempty"`
	RoleSlugs []string `json:"role_slugs,omitempty"`
}

// ListOrganizationMembershipsParams says which memberships to list. UserID or OrganizationID is required, both are fine.
type ListOrganizationMembershipsParams struct {
	UserID         string
	OrganizationID string
	Statuses       []string // MembershipStatusActive alone if there are none
	Paging
}

const (
	membershipsPath = "/user_management/organization_memberships"
	membershipPath  = membershipsPath + "/{organization_membership_id}"
)

// CreateOrganizationMembership makes a user a member of an organization, or an active one again.
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

// GetOrganizationMembership reads a membership.
//
// See https://workos.com/docs/reference/authkit/organization-membership
func (c *Client) GetOrganizationMembership(ctx context.Context, id string) (*OrganizationMembership, error) {
	return fetch[OrganizationMembership](ctx, c, call{method: http.MethodGet, path: membershipPath, ids: []string{id}})
}

// ListOrganizationMemberships lists the memberships of a user, of an organization, or of the one in the other.
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

// DeactivateOrganizationMembership keeps a member out until it is reactivated. It does nothing to one who is out already,
// and cannot be done to one who is pending.
//
// See https://workos.com/docs/reference/authkit/organization-membership
func (c *Client) DeactivateOrganizationMembership(ctx context.Context, id string) (*OrganizationMembership, error) {
	return fetch[OrganizationMembership](ctx, c, call{method: http.MethodPut, path: membershipPath + "/deactivate", ids: []string{id}})
}

// ReactivateOrganizationMembership lets a member in again, in the role of before. It does nothing to one who is in
// already, and cannot be done to one who is pending.
//
// See https://workos.com/docs/reference/authkit/organization-membership
func (c *Client) ReactivateOrganizationMembership(ctx context.Context, id string) (*OrganizationMembership, error) {
	return fetch[OrganizationMembership](ctx, c, call{method: http.MethodPut, path: membershipPath + "/reactivate", ids: []string{id}})
}

// DeleteOrganizationMembership ends a membership for good.
//
// See https://workos.com/docs/reference/authkit/organization-membership
func (c *Client) DeleteOrganizationMembership(ctx context.Context, id string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: membershipPath, ids: []string{id}}, nil)
}

func (m *OrganizationMembership) validate() error { return requireID(m.ID) }
