// Codes that are mailed to a user: what Magic Auth and email verification have in common.

package authkittest

import "time"

// emailedCode is a magic_auth or email_verification object. Of several to one user only the latest counts.
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
	Code      string   `json:"code"`
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

// sendCode makes a code for a user and mails it.
func (f *Server) sendCode(kind MailKind, to *account) *emailedCode {
	now := f.clock.Now()
	c := &emailedCode{
		oneTimeCode: f.newOneTimeCode(), kind: kind, id: newID(string(kind)), userID: to.ID, email: to.Email,
		createdAt: now, updatedAt: now,
	}
	f.emailedCodes = append(f.emailedCodes, c)
	f.deliverMail(Mail{Kind: kind, To: to.Email, Code: c.code})
	return c
}

// redeemEmailed uses up the latest code that was mailed to a user.
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

// getEmailed answers with the code that the path names.
func (f *Server) getEmailed(c *call, kind MailKind, what string) (any, *apiError) {
	for _, sent := range f.emailedCodes {
		if sent.kind == kind && sent.id == c.PathValue("id") {
			return sent.object(), nil
		}
	}
	return nil, notFound(what, c.PathValue("id"))
}
