// Password reset: a token by mail, and a new password against it.

package workos

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// PasswordReset is a reset that has been mailed. Printed, logged or encoded as JSON, it shows neither token nor address.
type PasswordReset struct {
	ID        string    `json:"id"` // "password_reset_…"
	UserID    string    `json:"user_id"`
	Email     string    `json:"email"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// Token lets whoever has it set the user's password, and so does URL, which holds it. Reading them is for an
	// application that sends the mail itself.
	Token     string    `json:"-"`
	URL       string    `json:"-"`
	CreatedAt time.Time `json:"created_at,omitzero"`
}

// ConfirmPasswordResetParams is what [Client.ConfirmPasswordReset] takes. Printed, it shows no secret.
type ConfirmPasswordResetParams struct {
	Token       string `json:"-"` // the token parameter of the address that was mailed
	NewPassword string `json:"-"`
}

// CreatePasswordReset mails a user the address at which to set a new password. For an address without a user its error
// is one that [IsNotFound] tells; an application must answer both alike, or it tells strangers who has an account.
// WorkOS accepts three of these calls a minute for an address.
//
// See https://workos.com/docs/reference/authkit/password-reset
func (c *Client) CreatePasswordReset(ctx context.Context, email string) (*PasswordReset, error) {
	return fetch[PasswordReset](ctx, c, call{
		method: http.MethodPost,
		path:   "/user_management/password_reset",
		body: struct {
			Email string `json:"email"`
		}{email},
		required: []argument{{"email", email}},
	})
}

// GetPasswordReset reads a reset that has been mailed.
//
// See https://workos.com/docs/reference/authkit/password-reset
func (c *Client) GetPasswordReset(ctx context.Context, id string) (*PasswordReset, error) {
	return fetch[PasswordReset](ctx, c, call{
		method: http.MethodGet,
		path:   "/user_management/password_reset/{password_reset_id}",
		ids:    []string{id},
	})
}

// ConfirmPasswordReset sets a new password and returns its user. That also verifies the e-mail address and ends all
// sessions of the user. A token works once, so there is exactly one attempt. Both parameters are required. What is not
// accepted is a [*PasswordResetError] or a [*WeakPasswordError].
//
// See https://workos.com/docs/reference/authkit/password-reset
func (c *Client) ConfirmPasswordReset(ctx context.Context, p ConfirmPasswordResetParams) (*User, error) {
	return c.fetchUser(ctx, call{
		method: http.MethodPost,
		path:   "/user_management/password_reset/confirm",
		body: struct {
			Token       string `json:"token"`
			NewPassword string `json:"new_password"`
		}{p.Token, p.NewPassword},
		required: []argument{{"token", p.Token}, {"new_password", p.NewPassword}},
		secrets:  []string{p.Token, p.NewPassword},
	})
}

// UnmarshalJSON implements [json.Unmarshaler]. It reads the token and the address, which encoding leaves out.
func (r *PasswordReset) UnmarshalJSON(data []byte) error {
	type plain PasswordReset
	response := struct {
		*plain
		Token *string `json:"password_reset_token"`
		URL   *string `json:"password_reset_url"`
	}{(*plain)(r), &r.Token, &r.URL}
	return json.Unmarshal(data, &response)
}

func (r *PasswordReset) validate() error { return requireID(r.ID) }

// Format implements [fmt.Formatter]. It masks the token and the address.
func (r PasswordReset) Format(s fmt.State, verb rune) {
	type plain PasswordReset
	r.Token, r.URL = mask(r.Token), mask(r.URL)
	format(s, verb, plain(r))
}

// Format implements [fmt.Formatter]. It masks the token and the password.
func (p ConfirmPasswordResetParams) Format(s fmt.State, verb rune) {
	type plain ConfirmPasswordResetParams
	p.Token, p.NewPassword = mask(p.Token), mask(p.NewPassword)
	format(s, verb, plain(p))
}
