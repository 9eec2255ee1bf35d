// Codes that are mailed to a user, for Magic Auth, email verification and challenges of Radar.

package authkittest

import "time"

// emailedCode is a magic_auth, email_verification or radar_challenge object. Of the first two kinds, only the latest code of a
// user works.
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
	Type      string   `json:"type,omitempty"` // of a radar_challenge
	UserID    string   `json:"user_id"`
	Email     string   `json:"email"`
	Code      string   `json:"code,omitempty"` // not in events
	ExpiresAt string   `json:"expires_at"`
	CreatedAt string   `json:"created_at"`
	UpdatedAt string   `json:"updated_at"`
}

func (c *emailedCode) object() emailedCodeObject {
	o := emailedCodeObject{
		Object: c.kind, ID: c.id, UserID: c.userID, Email: c.email, Code: c.code,
		ExpiresAt: timestamp(c.expiresAt), CreatedAt: timestamp(c.createdAt), UpdatedAt: timestamp(c.updatedAt),
	}
	if c.kind == MailRadarChallenge {
		o.Type = string(RadarEmail)
	}
	return o
}

// sendCode creates a code, mails it to a user and emits the event of its object.
func (f *Server) sendCode(kind MailKind, to *account) *emailedCode {
	c := f.mailCode(kind, to)
	data := c.object()
	data.Code = ""
	f.emit(string(kind)+".created", "", data)
	return c
}

// mailCode creates a code and mails it to a user.
func (f *Server) mailCode(kind MailKind, to *account) *emailedCode {
	now := f.clock.Now()
	c := &emailedCode{
		oneTimeCode: f.newOneTimeCode(), kind: kind, id: newID(string(kind)), userID: to.ID, email: to.Email,
		createdAt: now, updatedAt: now,
	}
	f.emailedCodes = append(f.emailedCodes, c)
	f.deliverMail(Mail{Kind: kind, To: to.Email, Code: c.code})
	return c
}

// redeemEmailed compares code with the latest code that was mailed to a user, and consumes it if they are equal.
func (f *Server) redeemEmailed(kind MailKind, userID, code string) codeState {
	for i := len(f.emailedCodes) - 1; i >= 0; i-- {
		if c := f.emailedCodes[i]; c.kind == kind && c.userID == userID {
			return f.redeem(c, code)
		}
	}
	return codeWrong
}

// redeem compares code with a code that was mailed, and consumes it if they are equal.
func (f *Server) redeem(c *emailedCode, code string) codeState {
	c.updatedAt = f.clock.Now()
	return c.oneTimeCode.redeem(code, c.updatedAt)
}

// getEmailed returns the code object whose ID is in the path.
func (f *Server) getEmailed(c *call, kind MailKind, what string) (any, *apiError) {
	if sent := f.emailed(kind, c.PathValue("id")); sent != nil {
		return sent.object(), nil
	}
	return nil, notFound(what, c.PathValue("id"))
}

// emailed returns the code of a kind with this ID, or nil.
func (f *Server) emailed(kind MailKind, id string) *emailedCode {
	for _, sent := range f.emailedCodes {
		if sent.kind == kind && sent.id == id {
			return sent
		}
	}
	return nil
}
