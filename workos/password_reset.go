// Password reset: WorkOS mails a token, and the token permits a new password.

package workos

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// PasswordReset is a mailed password reset. Printed, logged or encoded as JSON, it shows neither the token nor the URL.
type PasswordReset struct {
	ID        string    `json:"id"` // "password_reset_…"
	UserID    string    `json:"user_id"`
	Email     string    `json:"email"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// Token permits a new password, so anyone who has it can take over the account. URL contains it. An application
	// reads them only if it sends the mail itself.
	Token     string    `json:"-"`
	URL       string    `json:"-"`
	CreatedAt time.Time `json:"created_at,omitzero"`
}

// ConfirmPasswordResetParams are the parameters of [Client.ConfirmPasswordReset]. Printed, they show no secret.
type ConfirmPasswordResetParams struct {
	Token       string `json:"-"` // the token parameter of the mailed URL
	NewPassword string `json:"-"`
}

// CreatePasswordReset mails a user the URL for a new password. If no user has the address, [IsNotFound] reports true
// for the error. The application must respond the same way in both cases. Otherwise an attacker learns who has an
// account. WorkOS accepts three of these calls per minute and address.
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

// GetPasswordReset returns a mailed reset.
//
// See https://workos.com/docs/reference/authkit/password-reset
func (c *Client) GetPasswordReset(ctx context.Context, id string) (*PasswordReset, error) {
	return fetch[PasswordReset](ctx, c, call{
		method: http.MethodGet,
		path:   "/user_management/password_reset/{password_reset_id}",
		ids:    []string{id},
	})
}

// ConfirmPasswordReset sets a new password and returns the user. It also verifies the email address and ends all
// sessions of the user. A token works once, so there is exactly one attempt. Both parameters are required. If WorkOS
// refuses the token or the password, the error is a [*PasswordResetError] or a [*WeakPasswordError].
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

// UnmarshalJSON implements [json.Unmarshaler]. It reads the token and the URL, which encoding omits.
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

// Format implements [fmt.Formatter]. It masks the token and the URL.
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
