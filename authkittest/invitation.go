// Invitations to an organization, which a user accepts at sign-in.

package authkittest

import (
	"crypto/rand"
	"strings"
	"time"
)

// invitationLifetime is that of WorkOS (https://workos.com/docs/authkit/invitations).
const invitationLifetime = 7 * 24 * time.Hour

type invitation struct {
	id             string
	token          string
	email          string
	organizationID string
	acceptedUserID string
	createdAt      time.Time
	acceptedAt     time.Time // zero until it is accepted
	revokedAt      time.Time // zero unless it is revoked
}

// invitationObject has no token: the data of events have none.
type invitationObject struct {
	Object         string  `json:"object"`
	ID             string  `json:"id"`
	Email          string  `json:"email"`
	State          string  `json:"state"`
	AcceptedAt     *string `json:"accepted_at"`
	RevokedAt      *string `json:"revoked_at"`
	ExpiresAt      string  `json:"expires_at"`
	OrganizationID *string `json:"organization_id"`
	InviterUserID  *string `json:"inviter_user_id"`
	AcceptedUserID *string `json:"accepted_user_id"`
	RoleSlug       *string `json:"role_slug"`
	CreatedAt      string  `json:"created_at"`
	UpdatedAt      string  `json:"updated_at"`
}

func (i *invitation) object() invitationObject {
	o := invitationObject{
		Object: "invitation", ID: i.id, Email: i.email, State: "pending", AcceptedAt: timeOrNull(i.acceptedAt),
		RevokedAt: timeOrNull(i.revokedAt), ExpiresAt: timestamp(i.createdAt.Add(invitationLifetime)),
		OrganizationID: orNull(i.organizationID), AcceptedUserID: orNull(i.acceptedUserID), CreatedAt: timestamp(i.createdAt),
		UpdatedAt: timestamp(firstTime(i.revokedAt, firstTime(i.acceptedAt, i.createdAt))),
	}
	switch {
	case !i.acceptedAt.IsZero():
		o.State = "accepted"
	case !i.revokedAt.IsZero():
		o.State = "revoked"
	}
	return o
}

// Invite invites an email address to an organization and returns the invitation_token. The Mailbox of the address has it,
// too. A user who signs in with the token within seven days becomes a member. Invite panics if the organization does not exist.
func (f *Server) Invite(email, organizationID string) (token string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mustOrganization(organizationID)
	i := &invitation{
		id: newID("invitation"), token: rand.Text(), email: email, organizationID: organizationID, createdAt: f.clock.Now(),
	}
	f.invitations[i.token] = i
	f.deliverMail(Mail{Kind: MailInvitation, To: email, Token: i.token})
	f.emit("invitation.created", organizationID, i.object())
	return i.token
}

// RevokeInvitation revokes the invitation with this token. It panics if there is none: the token is unknown, or it was accepted
// or revoked.
func (f *Server) RevokeInvitation(token string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := f.invitations[token]
	if i == nil {
		panic("authkittest: RevokeInvitation: no invitation has this token")
	}
	f.revokeInvitation(i)
}

func (f *Server) revokeInvitation(i *invitation) {
	delete(f.invitations, i.token)
	i.revokedAt = f.clock.Now()
	f.emit("invitation.revoked", i.organizationID, i.object())
}

// invited returns the invitation of a token. It returns nil for an empty token, and an error if the token is unknown or the
// invitation is for another email address.
func (f *Server) invited(token, email string) (*invitation, *apiError) {
	if token == "" {
		return nil, nil
	}
	i := f.invitations[token]
	switch {
	case i == nil || !f.clock.Now().Before(i.createdAt.Add(invitationLifetime)):
		return nil, oauthError("invitation_invalid", "The invitation is invalid, has expired or was accepted already.")
	case !strings.EqualFold(i.email, email):
		return nil, oauthError("invitation_cannot_be_used_for_email", "The invitation was sent to another address.")
	}
	return i, nil
}

// accept makes the user a member of the inviting organization and returns result with that organization. Without an
// invitation it returns result unchanged.
func (f *Server) accept(i *invitation, user *account, result signInResult) signInResult {
	if i == nil {
		return result
	}
	delete(f.invitations, i.token)
	i.acceptedAt, i.acceptedUserID = f.clock.Now(), user.ID
	f.emit("invitation.accepted", i.organizationID, i.object())
	before := user.User.clone()
	user.EmailUnverified = false // the token proves access to the mailbox
	if at := user.membershipIn(i.organizationID); at < 0 {
		user.Memberships = append(user.Memberships, Membership{OrganizationID: i.organizationID})
	} else {
		user.Memberships[at].Status = MembershipActive
	}
	f.applyDefaults(user)
	f.emitChanges(user, before)
	result.organizationID = i.organizationID
	return result
}
