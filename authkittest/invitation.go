// Invitations into an organization, as far as signing in takes them.

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

// Invite invites an address into an organization and returns the invitation_token, which its Mailbox has too. Signing in
// with it makes the person a member. It panics when there is no such organization.
func (f *Server) Invite(email, organizationID string) (token string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mustOrganization(organizationID)
	i := &invitation{token: rand.Text(), email: email, organizationID: organizationID}
	f.invitations[i.token] = i
	f.deliverMail(Mail{Kind: MailInvitation, To: email, Token: i.token})
	return i.token
}

// invited looks up the invitation that a request names for an address; nil when it names none.
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

// accept makes somebody who has signed in a member of the organization that invited them, if one did, and has them sign
// in to it.
func (f *Server) accept(i *invitation, user *account, result signInResult) signInResult {
	if i == nil {
		return result
	}
	delete(f.invitations, i.token)
	user.EmailUnverified = false // the token came by mail
	if at := user.membershipIn(i.organizationID); at < 0 {
		user.Memberships = append(user.Memberships, Membership{OrganizationID: i.organizationID})
	} else {
		user.Memberships[at].Status = MembershipActive
	}
	f.applyDefaults(user)
	result.organizationID = i.organizationID
	return result
}
