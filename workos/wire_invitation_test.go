// Invitations on the wire.

package workos_test

import (
	"context"
	"slices"

	"github.com/authkit-go/authkit/workos"
)

const invitationJSON = `{"object":"invitation","id":"invitation_01A","email":"kim@acme.test","state":"accepted",
	"accepted_at":"2026-05-04T10:10:00.000Z","revoked_at":"2026-05-04T10:10:00.000Z",` + expiresJSON + `,"organization_id":"org_01A",
	"inviter_user_id":"user_01B","accepted_user_id":"user_01A","role_slug":"admin","token":"invitation-secret",
	"accept_invitation_url":"https://auth.acme.test/invite?invitation_token=invitation-secret",` + timesJSON + `}`

var (
	invitation = workos.Invitation{
		ID: "invitation_01A", Email: "kim@acme.test", State: workos.InvitationStateAccepted, OrganizationID: "org_01A",
		InviterUserID: "user_01B", AcceptedUserID: "user_01A", RoleSlug: "admin", AcceptedAt: expires, RevokedAt: expires, ExpiresAt: expires,
		Token: "invitation-secret", AcceptInvitationURL: "https://auth.acme.test/invite?invitation_token=invitation-secret",
		CreatedAt: created, UpdatedAt: updated,
	}
	invitationSecrets = []string{"invitation-secret"}

	sendInvitationErrors = slices.Concat(readErrors, plain(400, nil,
		workos.CodeEmailAlreadyInvitedToOrganization, workos.CodeUserAlreadyOrganizationMember, workos.CodeEmailAlreadyInvited,
		workos.CodeUserAlreadyExists, workos.CodeExpiresInDaysTooShort, workos.CodeExpiresInDaysTooLong, workos.CodeInvalidRole,
		workos.CodeOrganizationBlockedFromSendingInvites, workos.CodeEmailDomainNotDeliverable))
)

var invitationCalls = map[string]wire{
	"SendInvitation to an organization": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.SendInvitation(ctx, workos.SendInvitationParams{
				Email: "kim@acme.test", OrganizationID: "org_01A", RoleSlug: "admin", ExpiresInDays: 30, InviterUserID: "user_01B", Locale: "fr-CA",
			})
		},
		method: "POST", path: "/user_management/invitations",
		body: `{"email":"kim@acme.test","organization_id":"org_01A","role_slug":"admin","expires_in_days":30,
			"inviter_user_id":"user_01B","locale":"fr-CA"}`,
		secrets: invitationSecrets, status: 201, response: invitationJSON, required: []string{"id"}, want: &invitation, errors: sendInvitationErrors,
	},
	"SendInvitation to the application": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.SendInvitation(ctx, workos.SendInvitationParams{Email: "kim@acme.test"})
		},
		method: "POST", path: "/user_management/invitations", body: `{"email":"kim@acme.test"}`, secrets: invitationSecrets,
		status: 201, response: invitationJSON, required: []string{"id"}, want: &invitation, errors: sendInvitationErrors,
	},
	"GetInvitation": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.GetInvitation(ctx, "invitation_01A")
		},
		method: "GET", path: "/user_management/invitations/invitation_01A", secrets: invitationSecrets,
		status: 200, response: invitationJSON, required: []string{"id"}, want: &invitation, errors: readErrors,
	},
	"GetInvitationByToken": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.GetInvitationByToken(ctx, "invitation-secret")
		},
		method: "GET", path: "/user_management/invitations/by_token/invitation-secret", secrets: invitationSecrets,
		status: 200, response: invitationJSON, required: []string{"id"}, want: &invitation, errors: readErrors,
	},
	"ListInvitations": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return collect(c.ListInvitations(ctx, workos.ListInvitationsParams{
				OrganizationID: "org_01A", Email: "kim+a&b@acme.test", Paging: workos.Paging{PageSize: 100, Order: workos.OrderAscending},
			}))
		},
		method: "GET", path: "/user_management/invitations",
		query:   "email=kim%2Ba%26b%40acme.test&limit=100&order=asc&organization_id=org_01A",
		secrets: invitationSecrets, status: 200, response: listOf(invitationJSON), required: listRequired,
		want: []workos.Invitation{invitation}, errors: readErrors,
	},
	"AcceptInvitation": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.AcceptInvitation(ctx, "invitation_01A")
		},
		method: "POST", path: "/user_management/invitations/invitation_01A/accept", secrets: invitationSecrets,
		status: 200, response: invitationJSON, required: []string{"id"}, want: &invitation,
		errors: slices.Concat(readErrors, plain(400, nil,
			workos.CodeInviteNotPending, workos.CodeInvalidInvite, workos.CodeInviteHasAcceptedUserID)),
	},
	"ResendInvitation": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.ResendInvitation(ctx, "invitation_01A", workos.ResendInvitationParams{})
		},
		method: "POST", path: "/user_management/invitations/invitation_01A/resend", body: `{}`, secrets: invitationSecrets,
		status: 200, response: invitationJSON, required: []string{"id"}, want: &invitation,
		errors: slices.Concat(readErrors, plain(400, nil, workos.CodeInviteExpired, workos.CodeInviteRevoked, workos.CodeInviteAccepted,
			workos.CodeEmailDomainNotDeliverable)),
	},
	"ResendInvitation in a language": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.ResendInvitation(ctx, "invitation_01A", workos.ResendInvitationParams{Locale: "ja"})
		},
		method: "POST", path: "/user_management/invitations/invitation_01A/resend", body: `{"locale":"ja"}`, secrets: invitationSecrets,
		status: 200, response: invitationJSON, required: []string{"id"}, want: &invitation, errors: readErrors,
	},
	"RevokeInvitation": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.RevokeInvitation(ctx, "invitation_01A")
		},
		method: "POST", path: "/user_management/invitations/invitation_01A/revoke", secrets: invitationSecrets,
		status: 200, response: invitationJSON, required: []string{"id"}, want: &invitation,
		errors: slices.Concat(readErrors, plain(400, nil, workos.CodeInviteNotPending)),
	},
}
