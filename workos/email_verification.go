// Verification of a user's e-mail address outside a sign-in.

package workos

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// EmailVerification is a verification code that has been mailed. Printed, logged or encoded as JSON, it does not show
// the code.
type EmailVerification struct {
	ID        string    `json:"id"` // "email_verification_…"
	UserID    string    `json:"user_id"`
	Email     string    `json:"email"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// Code is what the user gets by mail. Reading it is for an application that sends the mail itself.
	Code      string    `json:"-"`
	CreatedAt time.Time `json:"created_at,omitzero"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

// SendEmailVerification mails a code to a user's address and returns the user. WorkOS accepts three of these calls a
// minute for a user.
//
// See https://workos.com/docs/reference/authkit/email-verification
func (c *Client) SendEmailVerification(ctx context.Context, userID string) (*User, error) {
	return c.fetchUser(ctx, call{
		method: http.MethodPost,
		path:   "/user_management/users/{user_id}/email_verification/send",
		ids:    []string{userID},
	})
}

// ConfirmEmailVerification takes the code that [Client.SendEmailVerification] had mailed and returns the user, whose
// address is now verified. It signs nobody in; a sign-in that waits for a code goes on by
// [Client.AuthenticateWithEmailVerification]. There is exactly one attempt. A code that does not work is a
// [*OneTimeCodeError].
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

// GetEmailVerification reads a code that has been mailed, by the ID that an [*EmailVerificationRequiredError] has.
//
// See https://workos.com/docs/reference/authkit/email-verification
func (c *Client) GetEmailVerification(ctx context.Context, id string) (*EmailVerification, error) {
	return fetch[EmailVerification](ctx, c, call{
		method: http.MethodGet,
		path:   "/user_management/email_verification/{email_verification_id}",
		ids:    []string{id},
	})
}

// UnmarshalJSON implements [json.Unmarshaler]. It reads the code, which encoding leaves out.
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
