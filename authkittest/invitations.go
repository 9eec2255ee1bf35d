// API calls for invitations.

package authkittest

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// The limits of expires_in_days.
const (
	minInvitationDays = 1
	maxInvitationDays = 30
)

// invitationObject is an invitation in a response of the API. Unlike the data of events, it has the token.
type invitationObject struct {
	invitationData
	Token     string `json:"token"`
	AcceptURL string `json:"accept_invitation_url"`
}

func (f *Server) invitationObject(i *invitation) invitationObject {
	return invitationObject{f.invitationData(i), i.token, f.invitationURL(i.token)}
}

// invitationOf returns the invitation whose ID is in the path.
func (f *Server) invitationOf(c *call) (*invitation, *apiError) {
	for _, i := range f.invitations {
		if i.id == c.PathValue("id") {
			return i, nil
		}
	}
	return nil, notFound("Invitation", c.PathValue("id"))
}

// sendInvitation answers RouteSendInvitation.
func (f *Server) sendInvitation(c *call) (any, *apiError) {
	var in struct {
		Email          optional[string] `json:"email"`
		OrganizationID nullable[string] `json:"organization_id"`
		RoleSlug       nullable[string] `json:"role_slug"`
		ExpiresInDays  nullable[int]    `json:"expires_in_days"`
		InviterUserID  nullable[string] `json:"inviter_user_id"`
		Locale         nullable[string] `json:"locale"`
	}
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	email, organizationID, role := in.Email.value, in.OrganizationID.value, in.RoleSlug.value
	switch {
	case !isAddress(email):
		return nil, invalid(fieldProblem{Field: "email", Code: "email_required"})
	case in.Locale.value != "" && !localePattern.MatchString(in.Locale.value):
		return nil, invalid(fieldProblem{Field: "locale", Code: "invalid"})
	}
	lifetime := invitationLifetime
	if days := in.ExpiresInDays; days.sent && !days.null {
		switch {
		case days.value < minInvitationDays:
			return nil, plainError("expires_in_days_too_short", "An invitation is valid for at least 1 day.")
		case days.value > maxInvitationDays:
			return nil, plainError("expires_in_days_too_long", "An invitation is valid for at most 30 days.")
		}
		lifetime = time.Duration(days.value) * 24 * time.Hour
	}
	switch _, exists := f.organization(organizationID); {
	case organizationID != "" && !exists:
		return nil, notFound("Organization", organizationID)
	case in.InviterUserID.value != "" && f.accountByID(in.InviterUserID.value) == nil:
		return nil, notFound("User", in.InviterUserID.value)
	case role != "" && (organizationID == "" || !f.knowsRole(organizationID, role)):
		return nil, plainError("invalid_role", "There is no role '"+role+"' for this invitation.")
	}
	if apiErr := f.invitationConflict(email, organizationID); apiErr != nil {
		return nil, apiErr
	}
	i := f.invite(invitation{email: email, organizationID: organizationID, roleSlug: role, inviterID: in.InviterUserID.value}, lifetime)
	return f.invitationObject(i), nil
}

// invitationConflict returns the error for an email address that needs no invitation.
func (f *Server) invitationConflict(email, organizationID string) *apiError {
	user := f.accountByEmail(email)
	switch {
	case user == nil:
	case organizationID == "":
		return plainError("user_already_exists", "There is a user with this email address already.")
	default:
		if _, member := user.membership(organizationID); member {
			return plainError("user_already_organization_member", "The user is a member of the organization already.")
		}
	}
	now := f.clock.Now()
	if slices.ContainsFunc(f.invitations, func(i *invitation) bool {
		return strings.EqualFold(i.email, email) && i.organizationID == organizationID && i.state(now) == invitationPending
	}) {
		if organizationID == "" {
			return plainError("email_already_invited", "The email address is invited already.")
		}
		return plainError("email_already_invited_to_organization", "The email address is invited to the organization already.")
	}
	return nil
}

// getInvitation answers RouteGetInvitation.
func (f *Server) getInvitation(c *call) (any, *apiError) {
	i, apiErr := f.invitationOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	return f.invitationObject(i), nil
}

// getInvitationByToken answers RouteGetInvitationByToken. The error does not repeat the token.
func (f *Server) getInvitationByToken(c *call) (any, *apiError) {
	i := f.invitationWith(c.PathValue("token"))
	if i == nil {
		return nil, &apiError{status: http.StatusNotFound, Message: "Invitation not found."}
	}
	return f.invitationObject(i), nil
}

// listInvitations answers RouteListInvitations.
func (f *Server) listInvitations(c *call) (any, *apiError) {
	q := c.URL.Query()
	email, organizationID := q.Get("email"), q.Get("organization_id")
	found := slices.DeleteFunc(slices.Clone(f.invitations), func(i *invitation) bool {
		return email != "" && !strings.EqualFold(i.email, email) || organizationID != "" && i.organizationID != organizationID
	})
	return page(c, found, func(i *invitation) string { return i.id }, f.invitationObject)
}

// acceptInvitation answers RouteAcceptInvitation. It proves no access to the mailbox, so it does not verify the email address.
func (f *Server) acceptInvitation(c *call) (any, *apiError) {
	i, apiErr := f.invitationOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	user := f.accountByEmail(i.email)
	switch {
	case i.state(f.clock.Now()) != invitationPending:
		return nil, notPending()
	case user == nil:
		return nil, plainError("invalid_invite", "No user has the email address of the invitation.")
	}
	f.accept(i, user, user.User.clone())
	return f.invitationObject(i), nil
}

// resendInvitation answers RouteResendInvitation. The token and the time of its end stay the same.
func (f *Server) resendInvitation(c *call) (any, *apiError) {
	i, apiErr := f.invitationOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	var in struct {
		Locale nullable[string] `json:"locale"`
	}
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	switch i.state(f.clock.Now()) {
	case invitationAccepted:
		return nil, plainError("invite_accepted", "The invitation has been accepted.")
	case invitationRevoked:
		return nil, plainError("invite_revoked", "The invitation has been revoked.")
	case invitationExpired:
		return nil, plainError("invite_expired", "The invitation has expired.")
	}
	i.updatedAt = f.clock.Now()
	f.emitInvitation("resent", i)
	f.mailInvitation(i)
	return f.invitationObject(i), nil
}

// revokeInvitation answers RouteRevokeInvitation.
func (f *Server) revokeInvitation(c *call) (any, *apiError) {
	i, apiErr := f.invitationOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	if i.state(f.clock.Now()) != invitationPending {
		return nil, notPending()
	}
	f.withdraw(i)
	return f.invitationObject(i), nil
}

func notPending() *apiError {
	return plainError("invite_not_pending", "The invitation is not pending.")
}
