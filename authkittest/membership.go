// Organization memberships: the role and permissions of a user in an organization.

package authkittest

import (
	"slices"
	"time"
)

// Membership is the membership of a user in one organization. The access tokens for that organization have its values as
// claims.
type Membership struct {
	ID             string // "om_…"; derived from the user and the organization when empty
	OrganizationID string
	Status         string   // MembershipActive (the default), MembershipInactive or MembershipPending
	Role           string   // role with the highest priority; the first of Roles when empty, else "member"
	Roles          []string // all roles; Role is added if it is missing
	Permissions    []string
	Entitlements   []string
	FeatureFlags   []string

	createdAt, updatedAt time.Time // zero for a membership from User.Memberships
}

// Values of Membership.Status. A user can only sign in to an organization with an active membership.
const (
	MembershipActive   = "active"
	MembershipInactive = "inactive"
	MembershipPending  = "pending" // invited
)

// allRoles returns all roles. If Role is not in Roles, it comes first.
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
