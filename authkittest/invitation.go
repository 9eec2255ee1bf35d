// Invitations to the application or to an organization, which a user accepts at sign-in.

package authkittest

import (
	"crypto/rand"
	"net/url"
	"strings"
	"time"
)

// invitationLifetime is that of WorkOS (https://workos.com/docs/authkit/invitations).
const invitationLifetime = 7 * 24 * time.Hour

type invitation struct {
	id             string
	token          string
	email          string
	organizationID string // empty for an invitation to the application
	roleSlug       string // empty for the default role
	inviterID      string
	acceptedUserID string
	createdAt      time.Time
	updatedAt      time.Time
	expiresAt      time.Time
	acceptedAt     time.Time // zero until it is accepted
	revokedAt      time.Time // zero unless it is revoked
}

// The states of an invitation.
const (
	invitationPending  = "pending"
	invitationAccepted = "accepted"
	invitationRevoked  = "revoked"
	invitationExpired  = "expired"
)

func (i *invitation) state(now time.Time) string {
	switch {
	case !i.acceptedAt.IsZero():
		return invitationAccepted
	case !i.revokedAt.IsZero():
		return invitationRevoked
	case !now.Before(i.expiresAt):
		return invitationExpired
	default:
		return invitationPending
	}
}

// invitationData has no token: the data of events have none.
type invitationData struct {
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

func (f *Server) invitationData(i *invitation) invitationData {
	return invitationData{
		Object: "invitation", ID: i.id, Email: i.email, State: i.state(f.clock.Now()), AcceptedAt: timeOrNull(i.acceptedAt),
		RevokedAt: timeOrNull(i.revokedAt), ExpiresAt: timestamp(i.expiresAt), OrganizationID: orNull(i.organizationID),
		InviterUserID: orNull(i.inviterID), AcceptedUserID: orNull(i.acceptedUserID), RoleSlug: orNull(i.roleSlug),
		CreatedAt: timestamp(i.createdAt), UpdatedAt: timestamp(i.updatedAt),
	}
}

// Invite invites an email address to an organization and returns the invitation_token. The Mailbox of the address has it,
// too. A user who signs in with the token within seven days becomes a member. Invite panics if the organization does not exist.
func (f *Server) Invite(email, organizationID string) (token string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mustOrganization(organizationID)
	return f.invite(invitation{email: email, organizationID: organizationID}, invitationLifetime).token
}

// RevokeInvitation revokes the invitation with this token. It panics if the token is unknown, or if the invitation was accepted
// or revoked.
func (f *Server) RevokeInvitation(token string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := f.invitationWith(token)
	if i == nil || !i.acceptedAt.IsZero() || !i.revokedAt.IsZero() {
		panic("authkittest: RevokeInvitation: no invitation has this token")
	}
	f.withdraw(i)
}

// invite adds an invitation and mails it.
func (f *Server) invite(sent invitation, lifetime time.Duration) *invitation {
	i, now := &sent, f.clock.Now()
	i.id, i.token, i.createdAt, i.updatedAt, i.expiresAt = newID("invitation"), rand.Text(), now, now, now.Add(lifetime)
	f.invitations = append(f.invitations, i)
	f.emitInvitation("created", i)
	f.mailInvitation(i)
	return i
}

func (f *Server) mailInvitation(i *invitation) {
	f.deliverMail(Mail{Kind: MailInvitation, To: i.email, Token: i.token, Link: f.invitationURL(i.token)})
}

func (f *Server) invitationURL(token string) string {
	page := f.settings.invitationURL
	if page == "" {
		page = f.base + "/invite"
	}
	return withQuery(page, url.Values{"invitation_token": {token}})
}

func (f *Server) emitInvitation(change string, i *invitation) {
	f.emit("invitation."+change, i.organizationID, f.invitationData(i))
}

func (f *Server) withdraw(i *invitation) {
	i.revokedAt = f.clock.Now()
	i.updatedAt = i.revokedAt
	f.emitInvitation("revoked", i)
}

func (f *Server) invitationWith(token string) *invitation {
	for _, i := range f.invitations {
		if i.token == token {
			return i
		}
	}
	return nil
}

// invited returns the invitation of a token. It returns nil for an empty token, and an error if the token is unknown or the
// invitation is for another email address.
func (f *Server) invited(token, email string) (*invitation, *apiError) {
	if token == "" {
		return nil, nil
	}
	i := f.invitationWith(token)
	switch {
	case i == nil || i.state(f.clock.Now()) != invitationPending:
		return nil, invitationInvalid()
	case !strings.EqualFold(i.email, email):
		return nil, oauthError("invitation_cannot_be_used_for_email", "The invitation was sent to another address.")
	}
	return i, nil
}

func invitationInvalid() *apiError {
	return oauthError("invitation_invalid", "The invitation is invalid, has expired or was accepted already.")
}

// withInvitation returns the result of a sign-in that accepts an invitation when its session starts. The sign-in goes to the
// organization of the invitation. Without an invitation it returns result unchanged.
func (f *Server) withInvitation(i *invitation, user *account, result signInResult) signInResult {
	if i == nil {
		return result
	}
	f.verifyEmail(user) // the token proves access to the mailbox
	result.invitation = i
	if i.organizationID != "" {
		result.organizationID = i.organizationID
	}
	return result
}

// acceptAtSignIn accepts the invitation of a sign-in that is complete. It returns an error if the invitation has ended since the
// sign-in began.
func (f *Server) acceptAtSignIn(result *signInResult) *apiError {
	i := result.invitation
	if i == nil {
		return nil
	}
	if i.state(f.clock.Now()) != invitationPending {
		return invitationInvalid()
	}
	user := f.accountByID(result.userID)
	f.accept(i, user, user.User.clone())
	result.invitation = nil
	return nil
}

// accept makes the user a member of the inviting organization. before is the user before the change.
func (f *Server) accept(i *invitation, user *account, before User) {
	i.acceptedAt, i.acceptedUserID = f.clock.Now(), user.ID
	i.updatedAt = i.acceptedAt
	f.emitInvitation("accepted", i)
	if i.organizationID != "" {
		at := user.membershipIn(i.organizationID)
		if at < 0 {
			at = len(user.Memberships)
			user.Memberships = append(user.Memberships, Membership{OrganizationID: i.organizationID})
		}
		user.Memberships[at].Status = MembershipActive
		if i.roleSlug != "" {
			f.assign(&user.Memberships[at], []string{i.roleSlug})
		}
	}
	f.applyDefaults(user)
	f.emitChanges(user, before)
}
