// Calls for invitations.

package authkittest_test

import (
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// invite sends an invitation to the organization Harbor Press.
func (c *conversation) invite(email string) *workos.Invitation {
	c.Helper()
	return must(c.client.SendInvitation(c.Context(), workos.SendInvitationParams{
		Email: email, OrganizationID: c.harborPress(), InviterUserID: c.userID(ada), ExpiresInDays: 3, Locale: "fr-CA",
	}))
}

var invitationSteps = []step{
	{authkittest.RouteSendInvitation, 201, func(c *conversation) error {
		c.invite("kim@acme.test")
		return nil
	}},
	{authkittest.RouteSendInvitation, 201, func(c *conversation) error {
		return second(c.client.SendInvitation(c.Context(), workos.SendInvitationParams{Email: "lou@acme.test"}))
	}},
	{authkittest.RouteSendInvitation, 400, func(c *conversation) error {
		return second(c.client.SendInvitation(c.Context(), workos.SendInvitationParams{Email: "lou@acme.test"}))
	}},
	{authkittest.RouteSendInvitation, 404, func(c *conversation) error {
		return second(c.client.SendInvitation(c.Context(), workos.SendInvitationParams{Email: "max@acme.test", OrganizationID: "org_none"}))
	}},
	{authkittest.RouteGetInvitation, 200, func(c *conversation) error {
		return second(c.client.GetInvitation(c.Context(), c.invite("get@acme.test").ID))
	}},
	{authkittest.RouteGetInvitation, 404, func(c *conversation) error { return second(c.client.GetInvitation(c.Context(), "invitation_none")) }},
	{authkittest.RouteGetInvitationByToken, 200, func(c *conversation) error {
		return second(c.client.GetInvitationByToken(c.Context(), c.LastMail("kim@acme.test").Token))
	}},
	{authkittest.RouteGetInvitationByToken, 404, func(c *conversation) error {
		return second(c.client.GetInvitationByToken(c.Context(), "none"))
	}},
	{authkittest.RouteListInvitations, 200, func(c *conversation) error {
		return drain(c.client.ListInvitations(c.Context(), workos.ListInvitationsParams{
			Email: "kim@acme.test", OrganizationID: c.harborPress(),
		}))
	}},
	{authkittest.RouteListInvitations, 422, func(c *conversation) error {
		return drain(c.client.ListInvitations(c.Context(), workos.ListInvitationsParams{Paging: wrongPage}))
	}},
	{authkittest.RouteResendInvitation, 200, func(c *conversation) error {
		return second(c.client.ResendInvitation(c.Context(), c.invite("again@acme.test").ID, workos.ResendInvitationParams{Locale: "de"}))
	}},
	{authkittest.RouteResendInvitation, 404, func(c *conversation) error {
		return second(c.client.ResendInvitation(c.Context(), "invitation_none", workos.ResendInvitationParams{}))
	}},
	{authkittest.RouteAcceptInvitation, 200, func(c *conversation) error {
		i := c.invite("joins@acme.test")
		c.person("joins@acme.test")
		return second(c.client.AcceptInvitation(c.Context(), i.ID))
	}},
	{authkittest.RouteAcceptInvitation, 400, func(c *conversation) error {
		return second(c.client.AcceptInvitation(c.Context(), c.invite("stranger@acme.test").ID))
	}},
	{authkittest.RouteAcceptInvitation, 404, func(c *conversation) error {
		return second(c.client.AcceptInvitation(c.Context(), "invitation_none"))
	}},
	{authkittest.RouteRevokeInvitation, 200, func(c *conversation) error {
		return second(c.client.RevokeInvitation(c.Context(), c.invite("revoked@acme.test").ID))
	}},
	{authkittest.RouteRevokeInvitation, 400, func(c *conversation) error {
		i := c.invite("twice@acme.test")
		must(c.client.RevokeInvitation(c.Context(), i.ID))
		return second(c.client.RevokeInvitation(c.Context(), i.ID))
	}},
	{authkittest.RouteResendInvitation, 400, func(c *conversation) error {
		i := c.invite("gone@acme.test")
		must(c.client.RevokeInvitation(c.Context(), i.ID))
		return second(c.client.ResendInvitation(c.Context(), i.ID, workos.ResendInvitationParams{}))
	}},
	{authkittest.RouteRevokeInvitation, 404, func(c *conversation) error {
		return second(c.client.RevokeInvitation(c.Context(), "invitation_none"))
	}},
}
