// The mail that AuthKit would send: a test reads it by Mailbox, a person at /mailbox.

package authkittest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// MailKind tells what a message is for.
type MailKind string

// The messages that the fake delivers.
const (
	MailMagicAuth         MailKind = "magic_auth"
	MailEmailVerification MailKind = "email_verification"
	MailPasswordReset     MailKind = "password_reset"
	MailInvitation        MailKind = "invitation"
	MailSMS               MailKind = "sms" // a text message; To is the phone number
)

// Mail is a message to a person. Printing one shows neither code nor token.
type Mail struct {
	Kind   MailKind
	To     string
	SentAt time.Time
	Code   string `json:"-"` // the one-time code; empty in a password reset and an invitation
	Token  string `json:"-"` // of a password reset or an invitation
	Link   string `json:"-"` // where a password reset leads, with its token in the query
}

// String tells kind and addressee.
func (m Mail) String() string { return fmt.Sprintf("authkittest.Mail(%s to %s)", m.Kind, m.To) }

// GoString is String, for %#v.
func (m Mail) GoString() string { return m.String() }

// Subject is the line under which the message would arrive.
func (m Mail) Subject() string {
	switch m.Kind {
	case MailMagicAuth:
		return "Your sign-in code"
	case MailEmailVerification:
		return "Verify your email address"
	case MailPasswordReset:
		return "Choose a new password"
	case MailInvitation:
		return "You are invited"
	default:
		return "Your code"
	}
}

// Mailbox returns every message to an address so far, oldest first.
func (f *Server) Mailbox(email string) []Mail {
	f.mu.Lock()
	defer f.mu.Unlock()
	var box []Mail
	for _, m := range f.mail {
		if strings.EqualFold(m.To, email) {
			box = append(box, m)
		}
	}
	return box
}

// LastMail returns the latest message to an address. It panics when there is none.
func (f *Server) LastMail(email string) Mail {
	box := f.Mailbox(email)
	if len(box) == 0 {
		panic(fmt.Sprintf("authkittest: no mail for %q", email))
	}
	return box[len(box)-1]
}

func (f *Server) deliverMail(m Mail) {
	m.SentAt = f.clock.Now()
	f.mail = append(f.mail, m)
}

// mailboxPage shows everybody's messages.
func (f *Server) mailboxPage(*http.Request) pageResponse {
	box := slices.Clone(f.mail)
	slices.Reverse(box)
	return showPage(http.StatusOK, "mailbox", view{Mail: box})
}
