// The change of a user's email address, confirmed with a code that is mailed to the new address.

package workos

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// EmailChange is a change of a user's email address that waits for its code. The response does not contain the code.
//
// See https://workos.com/docs/reference/authkit/user
type EmailChange struct {
	User      User      `json:"user"` // still with the old address
	NewEmail  string    `json:"new_email"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	CreatedAt time.Time `json:"created_at,omitzero"`
}

// SendEmailChange mails a code to a new email address of a user. The address changes when [Client.ConfirmEmailChange] gets
// the code. [Client.UpdateUser] changes an address without a proof that the user controls it. Both arguments are required.
// If the address cannot be used, the code of the error says why: [CodeEmailNotAvailable], [CodeEmailChangeNotNeeded],
// [CodeEmailChangeNotAllowed] or [CodeInvalidEmail].
//
// See https://workos.com/docs/reference/authkit/user
func (c *Client) SendEmailChange(ctx context.Context, userID, newEmail string) (*EmailChange, error) {
	return fetch[EmailChange](ctx, c, call{
		method: http.MethodPost,
		path:   userPath + "/email_change/send",
		ids:    []string{userID},
		body: struct {
			NewEmail string `json:"new_email"`
		}{newEmail},
		required: []argument{{"new_email", newEmail}},
	})
}

// ConfirmEmailChange accepts the code that [Client.SendEmailChange] mailed and returns the user with the new address. There
// is exactly one attempt. An invalid code is a [*OneTimeCodeError]. If there is no change to confirm, the error has the code
// [CodeNoPendingEmailChange]. If another user has the address by now, it has the code [CodeEmailNotAvailable].
//
// See https://workos.com/docs/reference/authkit/user
func (c *Client) ConfirmEmailChange(ctx context.Context, userID, code string) (*User, error) {
	return c.fetchUser(ctx, call{
		method: http.MethodPost,
		path:   userPath + "/email_change/confirm",
		ids:    []string{userID},
		body: struct {
			Code string `json:"code"`
		}{code},
		required: []argument{{"code", code}},
		secrets:  []string{code},
	})
}

func (e *EmailChange) validate() error {
	if err := e.User.validate(); err != nil {
		return fmt.Errorf("user: %w", err)
	}
	return nil
}
