// The change of a user's email address, with a code that is mailed to the new address.

package authkittest

import (
	"net/http"
	"strings"
	"time"
)

// emailChange is the latest email_change of a user.
type emailChange struct {
	oneTimeCode
	newEmail  string
	createdAt time.Time
}

type emailChangeObject struct {
	Object    string     `json:"object"`
	User      userObject `json:"user"`
	NewEmail  string     `json:"new_email"`
	ExpiresAt string     `json:"expires_at"`
	CreatedAt string     `json:"created_at"`
}

type emailChangeConfirmation struct {
	Object string     `json:"object"`
	User   userObject `json:"user"`
}

// sendEmailChange answers RouteSendEmailChange. The response does not contain the code.
func (f *Server) sendEmailChange(c *call) (any, *apiError) {
	user, apiErr := f.userOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	var in struct {
		NewEmail optional[string] `json:"new_email"`
	}
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	email := in.NewEmail.value
	switch {
	case email == "":
		return nil, required("new_email")
	case !isAddress(email):
		return nil, &apiError{status: http.StatusUnprocessableEntity, Code: "invalid_email", Message: "The email address is invalid."}
	case strings.EqualFold(email, user.Email):
		return nil, conflict("email_change_not_needed", "The user has this email address already.")
	case f.accountByEmail(email) != nil:
		return nil, emailNotAvailable()
	}
	change := &emailChange{oneTimeCode: f.newOneTimeCode(), newEmail: email, createdAt: f.clock.Now()}
	f.emailChanges[user.ID] = change
	f.deliverMail(Mail{Kind: MailEmailChange, To: email, Code: change.code})
	return emailChangeObject{"email_change", user.object(), email, timestamp(change.expiresAt), timestamp(change.createdAt)}, nil
}

func emailNotAvailable() *apiError {
	return conflict("email_not_available", "This email is not available.")
}

// confirmEmailChange answers RouteConfirmEmailChange. The code proves access to the mailbox, so the new address is verified.
func (f *Server) confirmEmailChange(c *call) (any, *apiError) {
	user, apiErr := f.userOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	var in struct {
		Code optional[string] `json:"code"`
	}
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	change := f.emailChanges[user.ID]
	switch {
	case in.Code.value == "":
		return nil, required("code")
	case change == nil:
		return nil, conflict("no_pending_email_change", "The user has no pending change of the email address.")
	case !change.used && in.Code.value == change.code && f.accountByEmail(change.newEmail) != nil:
		return nil, emailNotAvailable()
	}
	switch change.redeem(in.Code.value, f.clock.Now()) {
	case codeAccepted:
	case codeExpired:
		return nil, plainError("email_change_code_expired", "The code has expired.")
	case codeUsed:
		return nil, conflict("email_change_code_previously_used", "The code has already been used.")
	case codeBlocked:
		return nil, &apiError{
			status: http.StatusTooManyRequests, Code: "email_change_too_many_attempts", Message: "The code was entered wrongly too often.",
		}
	default:
		return nil, plainError("email_change_code_incorrect", "The code is incorrect.")
	}
	user.Email, user.EmailUnverified = change.newEmail, false
	f.userChanged(user)
	return emailChangeConfirmation{"email_change_confirmation", user.object()}, nil
}
