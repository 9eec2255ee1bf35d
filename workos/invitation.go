// Invitations of persons to the application or to an organization.

package workos

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// Invitation is the invitation of a person to the application or to an organization. Printed, logged or encoded as JSON,
// it shows neither the token nor the URL. The data of events have neither.
//
// See https://workos.com/docs/reference/authkit/invitation
type Invitation struct {
	ID             string    `json:"id"` // "invitation_…"
	Email          string    `json:"email"`
	State          string    `json:"state"`                      // one of the InvitationState constants
	OrganizationID string    `json:"organization_id,omitempty"`  // empty for an invitation to the application
	InviterUserID  string    `json:"inviter_user_id,omitempty"`  // empty if no user has invited
	AcceptedUserID string    `json:"accepted_user_id,omitempty"` // empty until it is accepted
	RoleSlug       string    `json:"role_slug,omitempty"`        // the role in the organization
	AcceptedAt     time.Time `json:"accepted_at,omitzero"`
	RevokedAt      time.Time `json:"revoked_at,omitzero"`
	ExpiresAt      time.Time `json:"expires_at,omitzero"`
	// Token accepts the invitation: it is the InvitationToken of [AuthorizationParams] and of the sign-in calls. It proves
	// access to the mailbox, so only the mail may contain it. AcceptInvitationURL contains it. An application reads them
	// only if it sends the mail itself.
	Token               string    `json:"-"`
	AcceptInvitationURL string    `json:"-"`
	CreatedAt           time.Time `json:"created_at,omitzero"`
	UpdatedAt           time.Time `json:"updated_at,omitzero"`
}

// The states of an [Invitation].
const (
	InvitationStatePending  = "pending"
	InvitationStateAccepted = "accepted"
	InvitationStateExpired  = "expired"
	InvitationStateRevoked  = "revoked"
)

// SendInvitationParams are the parameters of [Client.SendInvitation]. Email is required. A field with its zero value is
// omitted.
type SendInvitationParams struct {
	Email          string `json:"email"`
	OrganizationID string `json:"organization_id,omitempty"` // the organization to join; empty invites to the application only
	RoleSlug       string `json:"role_slug,omitempty"`       // the role in the organization; empty means its default role
	ExpiresInDays  int    `json:"expires_in_days,omitempty"` // 1 to 30; 0 means 7
	InviterUserID  string `json:"inviter_user_id,omitempty"` // the user whom the mail names as the inviter
	Locale         string `json:"locale,omitempty"`          // the language of the mail, such as "fr-CA"
}

// ResendInvitationParams are the parameters of [Client.ResendInvitation].
type ResendInvitationParams struct {
	Locale string `json:"locale,omitempty"` // the language of the mail, such as "fr-CA"
}

// ListInvitationsParams are the parameters of [Client.ListInvitations]. The zero value lists all invitations.
type ListInvitationsParams struct {
	OrganizationID string // only invitations to this organization
	Email          string // only invitations of this address
	Paging
}

const (
	invitationsPath = "/user_management/invitations"
	invitationPath  = invitationsPath + "/{invitation_id}"
)

// SendInvitation invites a person and mails the invitation, unless the environment leaves mail to the application. The code
// of the error says whether there is nothing to do:
//
//   - [CodeUserAlreadyExists], without an organization: the person is a user already;
//   - [CodeUserAlreadyOrganizationMember], with an organization: the person is a member already;
//   - [CodeEmailAlreadyInvited] and [CodeEmailAlreadyInvitedToOrganization]: there is a pending invitation.
//     [Client.ListInvitations] finds it, and [Client.ResendInvitation] mails it again.
//
// See https://workos.com/docs/reference/authkit/invitation
func (c *Client) SendInvitation(ctx context.Context, p SendInvitationParams) (*Invitation, error) {
	return fetch[Invitation](ctx, c, call{
		method:   http.MethodPost,
		path:     invitationsPath,
		body:     p,
		required: []argument{{"email", p.Email}},
	})
}

// GetInvitation returns an invitation.
//
// See https://workos.com/docs/reference/authkit/invitation
func (c *Client) GetInvitation(ctx context.Context, id string) (*Invitation, error) {
	return fetch[Invitation](ctx, c, call{method: http.MethodGet, path: invitationPath, ids: []string{id}})
}

// GetInvitationByToken returns the invitation of a token, for example for a page that a person opens with the link of a
// mail. It accepts nothing. Check the State: an invitation that is not pending is returned too.
//
// See https://workos.com/docs/reference/authkit/invitation
func (c *Client) GetInvitationByToken(ctx context.Context, token string) (*Invitation, error) {
	return fetch[Invitation](ctx, c, call{
		method:  http.MethodGet,
		path:    invitationsPath + "/by_token/{token}",
		ids:     []string{token},
		secrets: []string{token},
	})
}

// ListInvitations lists invitations in every state.
//
// See https://workos.com/docs/reference/authkit/invitation
func (c *Client) ListInvitations(ctx context.Context, p ListInvitationsParams) iter.Seq2[Invitation, error] {
	query := url.Values{}
	set(query, "organization_id", p.OrganizationID)
	set(query, "email", p.Email)
	return list[Invitation](ctx, c, call{path: invitationsPath, query: query}, p.Paging)
}

// AcceptInvitation accepts a pending invitation, and makes its user a member of its organization. It makes no session. It is
// for a user who is signed in already. WorkOS does not know who that is, so compare the Email of the invitation with the
// user's before. A person who signs in or signs up accepts an invitation with its Token instead. If the invitation is not
// pending, the error has the code [CodeInviteNotPending].
//
// See https://workos.com/docs/reference/authkit/invitation
func (c *Client) AcceptInvitation(ctx context.Context, id string) (*Invitation, error) {
	return c.changeInvitation(ctx, id, "/accept", nil)
}

// ResendInvitation mails a pending invitation again. If the invitation is not pending, the code of the error says why:
// [CodeInviteAccepted], [CodeInviteExpired] or [CodeInviteRevoked].
//
// See https://workos.com/docs/reference/authkit/invitation
func (c *Client) ResendInvitation(ctx context.Context, id string, p ResendInvitationParams) (*Invitation, error) {
	return c.changeInvitation(ctx, id, "/resend", p)
}

// RevokeInvitation makes a pending invitation invalid. If the invitation is not pending, the error has the code
// [CodeInviteNotPending].
//
// See https://workos.com/docs/reference/authkit/invitation
func (c *Client) RevokeInvitation(ctx context.Context, id string) (*Invitation, error) {
	return c.changeInvitation(ctx, id, "/revoke", nil)
}

func (c *Client) changeInvitation(ctx context.Context, id, action string, body any) (*Invitation, error) {
	return fetch[Invitation](ctx, c, call{method: http.MethodPost, path: invitationPath + action, ids: []string{id}, body: body})
}

// UnmarshalJSON implements [json.Unmarshaler]. It reads the token and the URL, which encoding omits.
func (i *Invitation) UnmarshalJSON(data []byte) error {
	type plain Invitation
	response := struct {
		*plain
		Token *string `json:"token"`
		URL   *string `json:"accept_invitation_url"`
	}{(*plain)(i), &i.Token, &i.AcceptInvitationURL}
	return json.Unmarshal(data, &response)
}

func (i *Invitation) validate() error { return requireID(i.ID) }

// Format implements [fmt.Formatter]. It masks the token and the URL.
func (i Invitation) Format(s fmt.State, verb rune) {
	type plain Invitation
	i.Token, i.AcceptInvitationURL = mask(i.Token), mask(i.AcceptInvitationURL)
	format(s, verb, plain(i))
}
