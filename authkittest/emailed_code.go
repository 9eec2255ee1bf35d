// Codes that are mailed to a user, for Magic Auth and email verification.

package authkittest

import "time"

// emailedCode is a magic_auth or email_verification object. Only the latest code of a user works.
type emailedCode struct {
	oneTimeCode
	kind      MailKind
	id        string
	userID    string
	email     string
	createdAt time.Time
	updatedAt time.Time
}

type emailedCodeObject struct {
	Object    MailKind `json:"object"`
	ID        string   `json:"id"`
	UserID    string   `json:"user_id"`
	Email     string   `json:"email"`
	Code      string   `json:"code,omitempty"` // not in events
	ExpiresAt string   `json:"expires_at"`
	CreatedAt string   `json:"created_at"`
	UpdatedAt string   `json:"updated_at"`
}

func (c *emailedCode) object() emailedCodeObject {
	return emailedCodeObject{
		Object: c.kind, ID: c.id, UserID: c.userID, Email: c.email, Code: c.code,
		ExpiresAt: timestamp(c.expiresAt), CreatedAt: timestamp(c.createdAt), UpdatedAt: timestamp(c.updatedAt),
	}
}

// sendCode creates a code and mails it to a user.
func (f *Server) sendCode(kind MailKind, to *account) *emailedCode {
	now := f.clock.Now()
	c := &emailedCode{
		oneTimeCode: f.newOneTimeCode(), kind: kind, id: newID(string(kind)), userID: to.ID, email: to.Email,
		createdAt: now, updatedAt: now,
	}
	f.emailedCodes = append(f.emailedCodes, c)
	data := c.object()
	data.Code = ""
	f.emit(string(kind)+".created", "", data)
	f.deliverMail(Mail{Kind: kind, To: to.Email, Code: c.code})
	return c
}

// redeemEmailed compares code with the latest code that was mailed to a user, and consumes it if they are equal.
func (f *Server) redeemEmailed(kind MailKind, userID, code string) codeState {
	for i := len(f.emailedCodes) - 1; i >= 0; i-- {
		if c := f.emailedCodes[i]; c.kind == kind && c.userID == userID {
			now := f.clock.Now()
			c.updatedAt = now
			return c.redeem(code, now)
		}
	}
	return codeWrong
}

// getEmailed returns the code object whose ID is in the path.
func (f *Server) getEmailed(c *call, kind MailKind, what string) (any, *apiError) {
	for _, sent := range f.emailedCodes {
		if sent.kind == kind && sent.id == c.PathValue("id") {
			return sent.object(), nil
		}
	}
	return nil, notFound(what, c.PathValue("id"))
}
