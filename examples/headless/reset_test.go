// Forgotten passwords.

package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

const newPassword = "a better horse for batteries"

// forget asks for a link.
func (p *person) forget(email string) *authkittest.Page {
	p.site.t.Helper()
	p.get("/login")
	p.follow("Forgot your password?")
	return p.press("Mail me a link", "email", email)
}

// open clicks the link in the latest mail.
func (p *person) open(email string) *authkittest.Page {
	p.site.t.Helper()
	page, err := p.Get(p.site.fake.LastMail(email).Link)
	require.NoError(p.site.t, err)
	return page
}

func TestAForgottenPasswordIsReplaced(t *testing.T) {
	s := newSite(t)
	p := s.visitor()
	p.forget(ada)
	p.sees("/forgot/sent", http.StatusOK, "Check your mail")

	elsewhere := s.visitor() // as mail is often read
	elsewhere.open(ada)
	elsewhere.sees("/reset-password", http.StatusOK, "Choose a new password")
	elsewhere.press("Set password", "password", newPassword)
	elsewhere.sees("/reset-password/done", http.StatusOK)
	elsewhere.isOut()

	elsewhere.follow("Sign in")
	elsewhere.press("Sign in", "email", ada, "password", password)
	elsewhere.sees("/login", http.StatusUnprocessableEntity)
	elsewhere.press("Sign in", "email", ada, "password", newPassword)
	elsewhere.isIn("/", ada)
}

func TestAForgottenPasswordIsAnsweredAlikeWhetherThereIsAnAccountOrNot(t *testing.T) {
	s := newSite(t)
	answerTo := func(email string) (string, http.Header) {
		p := s.visitor()
		p.forget(email)
		p.sees("/forgot/sent", http.StatusOK)
		header := p.Page().Header.Clone()
		header.Del("Date")
		return p.Page().Body, header
	}
	body, header := answerTo(ada)
	for name, prepare := range map[string]func(){
		"there is none":                    func() {},
		"it must not have a password":      func() { s.refuse(authkittest.RouteCreatePasswordReset, 403, `{"code":"password_reset_not_allowed"}`) },
		"nobody may have a password there": func() { s.refuse(authkittest.RouteCreatePasswordReset, 403, `{"code":"email_password_auth_disabled"}`) },
	} {
		t.Run(name, func(t *testing.T) {
			prepare()
			otherBody, otherHeader := answerTo(nobody)
			assert.Equal(t, body, otherBody)
			assert.Equal(t, header, otherHeader)
		})
	}
	assert.Empty(t, s.fake.Mailbox(nobody))
}

func TestANewPasswordThatIsTooWeakSaysWhy(t *testing.T) {
	s := newSite(t)
	p := s.visitor()
	p.forget(ada)
	p.open(ada)
	p.press("Set password", "password", "short")
	p.sees("/reset-password", http.StatusUnprocessableEntity, "not strong enough", "<li>Password must be at least 10 characters long.</li>")
	p.press("Set password", "password", newPassword)
	p.sees("/reset-password/done", http.StatusOK)

	s.refuse(authkittest.RouteConfirmPasswordReset, http.StatusBadRequest,
		`{"code":"password_strength_error","errors":[{"code":"password_pwned","message":"It is in a list of stolen ones."}]}`)
	p.forget(ada)
	p.open(ada)
	p.press("Set password", "password", newPassword)
	p.sees("/reset-password", http.StatusUnprocessableEntity, "It is in a list of stolen ones.")
}

func TestALinkThatDoesNotWorkOffersAnother(t *testing.T) {
	const words = "That link does not work any more"
	t.Run("used already", func(t *testing.T) {
		s := newSite(t)
		p := s.visitor()
		p.forget(ada)
		p.open(ada)
		p.press("Set password", "password", newPassword)
		p.open(ada)
		p.press("Set password", "password", newPassword)
		p.sees("/reset-password", http.StatusBadRequest, words)
		p.press("Mail me a link", "email", ada)
		p.open(ada)
		p.press("Set password", "password", newPassword)
		p.sees("/reset-password/done", http.StatusOK)
	})
	t.Run("too old", func(t *testing.T) {
		s := newSite(t)
		p := s.visitor()
		p.forget(ada)
		s.clock.Advance(16 * time.Minute)
		p.open(ada)
		p.press("Set password", "password", newPassword)
		p.sees("/reset-password", http.StatusBadRequest, words)
	})
	t.Run("opened too long ago", func(t *testing.T) {
		s := newSite(t)
		p := s.visitor()
		p.forget(ada)
		p.open(ada)
		s.clock.Advance(11 * time.Minute)
		p.press("Set password", "password", newPassword)
		p.sees("/reset-password", http.StatusBadRequest, words)
	})
	t.Run("made up", func(t *testing.T) {
		p := newSite(t).visitor()
		p.get("/reset-password?token=guess")
		p.sees("/reset-password", http.StatusOK)
		p.press("Set password", "password", newPassword)
		p.sees("/reset-password", http.StatusBadRequest, words)
	})
	t.Run("without a token, or with one beyond all bounds", func(t *testing.T) {
		p := newSite(t).visitor()
		for _, query := range []string{"", "?token=", "?token=" + strings.Repeat("x", 5000)} {
			p.get("/reset-password" + query)
			p.sees("/reset-password"+query, http.StatusBadRequest, words)
		}
	})
	t.Run("unknown to WorkOS", func(t *testing.T) {
		s := newSite(t)
		p := s.visitor()
		p.get("/reset-password?token=guess")
		s.refuse(authkittest.RouteConfirmPasswordReset, http.StatusNotFound, `{"message":"Not found"}`)
		p.press("Set password", "password", newPassword)
		p.sees("/reset-password", http.StatusBadRequest, words)
	})
}

func TestOpeningALinkUsesNothingUp(t *testing.T) {
	s := newSite(t)
	p := s.visitor()
	p.forget(ada)
	for _, method := range []string{http.MethodHead, http.MethodGet} { // as a mail scanner does
		r, err := http.NewRequest(method, s.fake.LastMail(ada).Link, nil)
		require.NoError(t, err)
		response, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		response.Body.Close()
	}
	p.open(ada)
	p.press("Set password", "password", newPassword)
	p.sees("/reset-password/done", http.StatusOK)
}
