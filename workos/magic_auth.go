// Magic Auth: sign-in by a code that is mailed to the user.

package workos

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// MagicAuth is a code that has been mailed. Printed, logged or encoded as JSON, it does not show the code.
type MagicAuth struct {
	ID        string    `json:"id"` // "magic_auth_…"
	UserID    string    `json:"user_id"`
	Email     string    `json:"email"`
	ExpiresAt time.Time `json:"expires_at,omitzero"` // ten minutes after CreatedAt
	// Code is what the user gets by mail. It signs in whoever has it, so it must stay on the server: a use for it is an
	// application that sends the mail itself.
	Code      string    `json:"-"`
	CreatedAt time.Time `json:"created_at,omitzero"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

// CreateMagicAuthParams is what [Client.CreateMagicAuth] takes. Printed, it shows no secret.
type CreateMagicAuthParams struct {
	Email string `json:"email"`
	// InvitationToken accepts an invitation with the sign-in to come. Optional.
	InvitationToken string `json:"-"`

	IPAddress string `json:"ip_address,omitempty"` // of the user, for WorkOS's detection of abuse; optional
	UserAgent string `json:"user_agent,omitempty"` // of the user's browser, likewise
}

// CreateMagicAuth mails a sign-in code, unless the environment leaves mailing to the application. An address that is
// unknown becomes a user: this is sign-up as well. [Client.AuthenticateWithMagicAuth] redeems the code. Email is
// required.
//
// See https://workos.com/docs/reference/authkit/magic-auth/create
func (c *Client) CreateMagicAuth(ctx context.Context, p CreateMagicAuthParams) (*MagicAuth, error) {
	return fetch[MagicAuth](ctx, c, call{
		method: http.MethodPost,
		path:   "/user_management/magic_auth",
		body: struct {
			CreateMagicAuthParams
			InvitationToken string `json:"invitation_token,omitempty"`
		}{p, p.InvitationToken},
		required: []argument{{"email", p.Email}},
		secrets:  []string{p.InvitationToken},
	})
}

// GetMagicAuth reads a code that has been mailed.
//
// See https://workos.com/docs/reference/authkit/magic-auth
func (c *Client) GetMagicAuth(ctx context.Context, id string) (*MagicAuth, error) {
	return fetch[MagicAuth](ctx, c, call{
		method: http.MethodGet,
		path:   "/user_management/magic_auth/{magic_auth_id}",
		ids:    []string{id},
	})
}

// UnmarshalJSON implements [json.Unmarshaler]. It reads the code, which encoding leaves out.
func (m *MagicAuth) UnmarshalJSON(data []byte) error {
	type plain MagicAuth
	response := struct {
		*plain
		Code *string `json:"code"`
	}{(*plain)(m), &m.Code}
	return json.Unmarshal(data, &response)
}

func (m *MagicAuth) validate() error { return requireID(m.ID) }

// Format implements [fmt.Formatter]. It masks the code.
func (m MagicAuth) Format(s fmt.State, verb rune) {
	type plain MagicAuth
	m.Code = mask(m.Code)
	format(s, verb, plain(m))
}

// Format implements [fmt.Formatter]. It masks the invitation token.
func (p CreateMagicAuthParams) Format(s fmt.State, verb rune) {
	type plain CreateMagicAuthParams
	p.InvitationToken = mask(p.InvitationToken)
	format(s, verb, plain(p))
}
