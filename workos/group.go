// Groups of members of an organization.

package workos

import (
	"context"
	"iter"
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

// ListOrganizationMembershipGroups lists the groups that a member belongs to.
//
// See https://workos.com/docs/reference/authkit/organization-membership
func (c *Client) ListOrganizationMembershipGroups(ctx context.Context, membershipID string, p Paging) iter.Seq2[Group, error] {
	return list[Group](ctx, c, call{path: membershipPath + "/groups", ids: []string{membershipID}}, p)
}

func (g *Group) validate() error { return requireID(g.ID) }
