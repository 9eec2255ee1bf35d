// Password reset with a token that is mailed.

package authkittest

import (
	"crypto/rand"
	"net/url"
	"time"
)

// passwordResetLifetime is the lifetime in the example of WorkOS's API reference.
const passwordResetLifetime = 15 * time.Minute

type passwordReset struct {
	id        string
	userID    string
	email     string
	token     string
	used      bool
	createdAt time.Time
}

type passwordResetObject struct {
	Object    string `json:"object"`
	ID        string `json:"id"`
	UserID    string `json:"user_id"`
	Email     string `json:"email"`
	Token     string `json:"password_reset_token,omitempty"` // not in events
	URL       string `json:"password_reset_url,omitempty"`   // not in events
	ExpiresAt string `json:"expires_at"`
	CreatedAt string `json:"created_at"`
}

func (f *Server) passwordResetObject(r *passwordReset) passwordResetObject {
	return passwordResetObject{
		Object: "password_reset", ID: r.id, UserID: r.userID, Email: r.email, Token: r.token, URL: f.passwordResetURL(r.token),
		ExpiresAt: timestamp(r.createdAt.Add(passwordResetLifetime)), CreatedAt: timestamp(r.createdAt),
	}
}

// passwordResetData returns the data of events, which have no token.
func (f *Server) passwordResetData(r *passwordReset) passwordResetObject {
	o := f.passwordResetObject(r)
	o.Token, o.URL = "", ""
	return o
}

func (f *Server) passwordResetURL(token string) string {
	page := f.settings.passwordResetURL
	if page == "" {
		page = f.base + "/reset-password"
	}
	return withQuery(page, url.Values{"token": {token}})
}

// createPasswordReset answers RouteCreatePasswordReset. Like production, it answers 404 for an unknown email address.
func (f *Server) createPasswordReset(c *call) (any, *apiError) {
	var in struct {
		Email optional[string] `json:"email"`
	}
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	if in.Email.value == "" {
		return nil, required("email")
	}
	user := f.accountByEmail(in.Email.value)
	if user == nil {
		return nil, notFound("User", in.Email.value)
	}
	r := &passwordReset{id: newID("password_reset"), userID: user.ID, email: user.Email, token: rand.Text(), createdAt: f.clock.Now()}
	f.passwordResets = append(f.passwordResets, r)
	f.emit("password_reset.created", "", f.passwordResetData(r))
	f.deliverMail(Mail{Kind: MailPasswordReset, To: user.Email, Token: r.token, Link: f.passwordResetURL(r.token)})
	return f.passwordResetObject(r), nil
}

// getPasswordReset answers RouteGetPasswordReset.
func (f *Server) getPasswordReset(c *call) (any, *apiError) {
	for _, r := range f.passwordResets {
		if r.id == c.PathValue("id") {
			return f.passwordResetObject(r), nil
		}
	}
	return nil, notFound("Password Reset", c.PathValue("id"))
}

// confirmPasswordReset answers RouteConfirmPasswordReset. The token proves access to the mailbox, so it also verifies the
// email address. All sessions of the user end.
func (f *Server) confirmPasswordReset(c *call) (any, *apiError) {
	var in struct {
		Token       optional[string] `json:"token"`
		NewPassword optional[string] `json:"new_password"`
	}
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	now := f.clock.Now()
	r := f.passwordResetByToken(in.Token.value)
	switch {
	case in.Token.value == "":
		return nil, required("token")
	case in.NewPassword.value == "":
		return nil, required("new_password")
	case r == nil:
		return nil, resetError(fieldProblem{Code: "password_reset_token_invalid", Message: "The token is invalid."})
	case r.used:
		return nil, resetError(fieldProblem{Code: "password_reset_token_used", Message: "The token has already been used."})
	case !now.Before(r.createdAt.Add(passwordResetLifetime)):
		return nil, resetError(fieldProblem{Code: "password_reset_token_expired", Message: "The token has expired."})
	}
	if problems := passwordProblems(in.NewPassword.value); len(problems) > 0 {
		return nil, resetError(problems...)
	}
	r.used = true
	user := f.accountByID(r.userID)
	user.Password, user.EmailUnverified = in.NewPassword.value, false
	f.userChanged(user)
	f.emit("password_reset.succeeded", "", f.passwordResetData(r))
	f.endSessionsOf(user.ID)
	return userResponse{user.object()}, nil
}

func (f *Server) passwordResetByToken(token string) *passwordReset {
	for _, r := range f.passwordResets {
		if r.token == token {
			return r
		}
	}
	return nil
}

func resetError(problems ...fieldProblem) *apiError {
	apiErr := plainError("password_reset_error", "The password could not be reset.")
	apiErr.Errors = problems
	return apiErr
}
