// Verification of an email address outside a sign-in.

package workos

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// EmailVerification is a mailed verification code. Printed, logged or encoded as JSON, it does not show the code.
type EmailVerification struct {
	ID        string    `json:"id"` // "email_verification_…"
	UserID    string    `json:"user_id"`
	Email     string    `json:"email"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// Code is the code that the user receives by mail. An application reads it only if it sends the mail itself.
	Code      string    `json:"-"`
	CreatedAt time.Time `json:"created_at,omitzero"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

// SendEmailVerification mails a verification code to the user's address and returns the user. WorkOS accepts three of
// these calls per minute and user.
//
// See https://workos.com/docs/reference/authkit/email-verification
func (c *Client) SendEmailVerification(ctx context.Context, userID string) (*User, error) {
	return c.fetchUser(ctx, call{
		method: http.MethodPost,
		path:   "/user_management/users/{user_id}/email_verification/send",
		ids:    []string{userID},
	})
}

// ConfirmEmailVerification accepts the code that [Client.SendEmailVerification] mailed and returns the user with a
// verified address. It does not sign the user in. A sign-in that waits for a code continues with
// [Client.AuthenticateWithEmailVerification]. There is exactly one attempt. An invalid code is a [*OneTimeCodeError].
//
// See https://workos.com/docs/reference/authkit/email-verification
func (c *Client) ConfirmEmailVerification(ctx context.Context, userID, code string) (*User, error) {
	return c.fetchUser(ctx, call{
		method: http.MethodPost,
		path:   "/user_management/users/{user_id}/email_verification/confirm",
		ids:    []string{userID},
		body: struct {
			Code string `json:"code"`
		}{code},
		required: []argument{{"code", code}},
		secrets:  []string{code},
	})
}

// GetEmailVerification returns a mailed code. Its ID is in the [*EmailVerificationRequiredError].
//
// See https://workos.com/docs/reference/authkit/email-verification
func (c *Client) GetEmailVerification(ctx context.Context, id string) (*EmailVerification, error) {
	return fetch[EmailVerification](ctx, c, call{
		method: http.MethodGet,
		path:   "/user_management/email_verification/{email_verification_id}",
		ids:    []string{id},
	})
}

// UnmarshalJSON implements [json.Unmarshaler]. It reads the code, which encoding omits.
func (v *EmailVerification) UnmarshalJSON(data []byte) error {
	type plain EmailVerification
	response := struct {
		*plain
		Code *string `json:"code"`
	}{(*plain)(v), &v.Code}
	return json.Unmarshal(data, &response)
}

func (v *EmailVerification) validate() error { return requireID(v.ID) }

// Format implements [fmt.Formatter]. It masks the code.
func (v EmailVerification) Format(s fmt.State, verb rune) {
	type plain EmailVerification
	v.Code = mask(v.Code)
	format(s, verb, plain(v))
}
