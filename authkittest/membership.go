// Memberships: what a person is and may do in an organization.

package authkittest

import (
	"slices"
	"time"
)

// Membership is what a person is and may do in one organization. It becomes the claims of the tokens minted for it.
type Membership struct {
	ID             string // "om_…"; derived from the person and the organization when empty
	OrganizationID string
	Status         string   // MembershipActive (the default), MembershipInactive or MembershipPending
	Role           string   // highest-priority role; by default the first of Roles, else "member"
	Roles          []string // every role; Role is added when it is missing
	Permissions    []string
	Entitlements   []string
	FeatureFlags   []string

	createdAt, updatedAt time.Time // zero for a membership that the person came with
}

// What may be the status of a membership. Only an active one lets somebody sign in to the organization.
const (
	MembershipActive   = "active"
	MembershipInactive = "inactive"
	MembershipPending  = "pending" // invited
)

// allRoles lists every role, the one of highest priority first or wherever Roles has it.
func (m Membership) allRoles() []string {
	if slices.Contains(m.Roles, m.role()) {
		return m.Roles
	}
	return append([]string{m.role()}, m.Roles...)
}

func (m Membership) role() string {
	switch {
	case m.Role != "":
		return m.Role
	case len(m.Roles) > 0:
		return m.Roles[0]
	default:
		return "member"
	}
}
