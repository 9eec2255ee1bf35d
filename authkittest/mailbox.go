// The messages that AuthKit would send. A test reads them with Mailbox, a user at /mailbox.

package authkittest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// MailKind is the purpose of a message.
type MailKind string

// Values of MailKind.
const (
	MailMagicAuth         MailKind = "magic_auth"
	MailEmailVerification MailKind = "email_verification"
	MailPasswordReset     MailKind = "password_reset"
	MailEmailChange       MailKind = "email_change" // to the new address
	MailInvitation        MailKind = "invitation"
	MailWaitlist          MailKind = "waitlist" // confirms an entry on a waitlist; it has neither a code nor a link
	MailRadarChallenge    MailKind = "radar_challenge"
	MailSMS               MailKind = "sms" // a text message; Mail.To is the phone number
)

// Mail is a message to a user. Its printed form shows neither the code, nor the text, nor the token.
type Mail struct {
	Kind   MailKind
	To     string
	SentAt time.Time
	Code   string `json:"-"` // the one-time code; empty for a password reset or an invitation
	Token  string `json:"-"` // the token of a password reset or an invitation; otherwise empty
	Text   string `json:"-"` // the text of an SMS, with the code; otherwise empty
	Link   string `json:"-"` // the link of a password reset or an invitation, with the token in its query; otherwise empty
}

// String returns the kind and the recipient.
func (m Mail) String() string { return fmt.Sprintf("authkittest.Mail(%s to %s)", m.Kind, m.To) }

// GoString returns String, for %#v.
func (m Mail) GoString() string { return m.String() }

// Subject returns the subject line of the message.
func (m Mail) Subject() string {
	switch m.Kind {
	case MailMagicAuth:
		return "Your sign-in code"
	case MailEmailVerification:
		return "Verify your email address"
	case MailPasswordReset:
		return "Choose a new password"
	case MailEmailChange:
		return "Confirm your new email address"
	case MailInvitation:
		return "You are invited"
	case MailWaitlist:
		return "You are on the waitlist"
	case MailRadarChallenge:
		return "Confirm that it is you"
	default:
		return "Your code"
	}
}

// Mailbox returns all messages to an email address, or to the phone number of a text message, oldest first.
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

// Outbox returns the messages to all email addresses and phone numbers, oldest first.
func (f *Server) Outbox() []Mail {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.mail)
}

// LastMail returns the latest message to an email address or phone number. It panics if no message was sent there.
func (f *Server) LastMail(email string) Mail {
	box := f.Mailbox(email)
	if len(box) == 0 {
		panic(fmt.Sprintf("authkittest: no mail for %q", email))
	}
	return box[len(box)-1]
}

// smsText is the text of an SMS if the application gives none. The text of production is not documented.
const smsText = "Your verification code is {{code}}."

// sendSMS sends a code to a phone number. In the template, {{code}} is replaced by it.
func (f *Server) sendSMS(phoneNumber, template, code string) {
	f.deliverMail(Mail{Kind: MailSMS, To: phoneNumber, Code: code, Text: strings.ReplaceAll(template, "{{code}}", code)})
}

func (f *Server) deliverMail(m Mail) {
	m.SentAt = f.clock.Now()
	f.mail = append(f.mail, m)
}

// mailboxPage shows the messages to all addresses.
func (f *Server) mailboxPage(*http.Request) pageResponse {
	box := slices.Clone(f.mail)
	slices.Reverse(box)
	return showPage(http.StatusOK, "mailbox", view{Mail: box})
}
