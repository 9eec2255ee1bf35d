// Invitations to an organization, which a user accepts at sign-in.

package authkittest

import (
	"crypto/rand"
	"strings"
)

type invitation struct {
	token          string
	email          string
	organizationID string
}

// Invite invites an email address to an organization and returns the invitation_token. The Mailbox of the address has it,
// too. A user who signs in with the token becomes a member. Invite panics if the organization does not exist.
func (f *Server) Invite(email, organizationID string) (token string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mustOrganization(organizationID)
	i := &invitation{token: rand.Text(), email: email, organizationID: organizationID}
	f.invitations[i.token] = i
	f.deliverMail(Mail{Kind: MailInvitation, To: email, Token: i.token})
	return i.token
}

// invited returns the invitation of a token. It returns nil for an empty token, and an error if the token is unknown or the
// invitation is for another email address.
func (f *Server) invited(token, email string) (*invitation, *apiError) {
	if token == "" {
		return nil, nil
	}
	i := f.invitations[token]
	switch {
	case i == nil:
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
	user.EmailUnverified = false // the token proves access to the mailbox
	if at := user.membershipIn(i.organizationID); at < 0 {
		user.Memberships = append(user.Memberships, Membership{OrganizationID: i.organizationID})
	} else {
		user.Memberships[at].Status = MembershipActive
	}
	f.applyDefaults(user)
	result.organizationID = i.organizationID
	return result
}
