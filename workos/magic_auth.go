// Magic Auth: sign-in with a code that is mailed to the user.

package workos

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// MagicAuth is a mailed sign-in code. Printed, logged or encoded as JSON, it does not show the code.
type MagicAuth struct {
	ID        string    `json:"id"` // "magic_auth_…"
	UserID    string    `json:"user_id"`
	Email     string    `json:"email"`
	ExpiresAt time.Time `json:"expires_at,omitzero"` // ten minutes after CreatedAt
	// Code is the code that the user receives by mail. Anyone who has it can sign in as the user, so it must stay on
	// the server. An application reads it only if it sends the mail itself.
	Code string `json:"-"`
	// RadarAuthAttemptID is the RadarAuthAttemptID of [AuthenticateWithMagicAuthParams], so that Radar sees one sign-in. Only
	// [Client.CreateMagicAuth] returns it, if the environment uses Radar.
	RadarAuthAttemptID string    `json:"radar_auth_attempt_id,omitempty"`
	CreatedAt          time.Time `json:"created_at,omitzero"`
	UpdatedAt          time.Time `json:"updated_at,omitzero"`
}

// CreateMagicAuthParams are the parameters of [Client.CreateMagicAuth]. Printed, they show no secret.
type CreateMagicAuthParams struct {
	Email string `json:"email"`
	// InvitationToken accepts an invitation with the later sign-in. Optional.
	InvitationToken string `json:"-"`

	IPAddress string `json:"ip_address,omitempty"` // of the user, for WorkOS's abuse detection; optional
	UserAgent string `json:"user_agent,omitempty"` // of the user's browser, for the same purpose; optional
	SignalsID string `json:"signals_id,omitempty"` // of what WorkOS Radar has collected in the browser; optional
	// RadarAuthAttemptID is that of an earlier call of the same sign-in. Optional.
	RadarAuthAttemptID string `json:"radar_auth_attempt_id,omitempty"`
}

// CreateMagicAuth mails a sign-in code, unless the environment leaves mail to the application. For an unknown address
// it creates a user, so this is sign-up as well. [Client.AuthenticateWithMagicAuth] accepts the code. Email is
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

// GetMagicAuth returns a mailed code.
//
// See https://workos.com/docs/reference/authkit/magic-auth
func (c *Client) GetMagicAuth(ctx context.Context, id string) (*MagicAuth, error) {
	return fetch[MagicAuth](ctx, c, call{
		method: http.MethodGet,
		path:   "/user_management/magic_auth/{magic_auth_id}",
		ids:    []string{id},
	})
}

// UnmarshalJSON implements [json.Unmarshaler]. It reads the code, which encoding omits.
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
