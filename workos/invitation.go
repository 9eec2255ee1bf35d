// Invitations, as WorkOS describes them to an application.

package workos

import "time"

// Invitation is an invitation to the application or to an organization. It has no token.
//
// See https://workos.com/docs/reference/authkit/invitation
type Invitation struct {
	ID             string    `json:"id"` // "invitation_…"
	Email          string    `json:"email"`
	State          string    `json:"state,omitempty"`           // such as "pending", "accepted", "expired" or "revoked"
	OrganizationID string    `json:"organization_id,omitempty"` // empty for an invitation to the application
	InviterUserID  string    `json:"inviter_user_id,omitempty"`
	AcceptedUserID string    `json:"accepted_user_id,omitempty"`
	ExpiresAt      time.Time `json:"expires_at,omitzero"`
	AcceptedAt     time.Time `json:"accepted_at,omitzero"`
	RevokedAt      time.Time `json:"revoked_at,omitzero"`
	CreatedAt      time.Time `json:"created_at,omitzero"`
	UpdatedAt      time.Time `json:"updated_at,omitzero"`
}
