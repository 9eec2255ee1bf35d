// Password resets.

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

// requestReset requests a link for a new password.
func (p *person) requestReset(email string) *authkittest.Page {
	p.site.t.Helper()
	p.get("/login")
	p.follow("Forgot your password?")
	return p.press("Email me a link", "email", email)
}

// openLink opens the link in the latest email.
func (p *person) openLink(email string) *authkittest.Page {
	p.site.t.Helper()
	page, err := p.Get(p.site.fake.LastMail(email).Link)
	require.NoError(p.site.t, err)
	return page
}

func TestTheResetFormReplacesThePassword(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.newPerson()
	p.requestReset(ada)
	p.assertPage("/forgot/sent", http.StatusOK, "Check your email")

	other := s.newPerson() // mail is often read in another browser
	other.openLink(ada)
	other.assertPage("/reset-password", http.StatusOK, "Choose a new password")
	other.press("Set password", "password", newPassword)
	other.assertPage("/reset-password/done", http.StatusOK)
	other.assertSignedOut()

	other.follow("Sign in")
	other.press("Sign in", "email", ada, "password", password)
	other.assertPage("/login", http.StatusUnprocessableEntity)
	other.press("Sign in", "email", ada, "password", newPassword)
	other.assertSignedIn("/", ada)
}

func TestAPasswordResetDoesNotRevealWhetherAnAccountExists(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	answerTo := func(email string) (string, http.Header) {
		p := s.newPerson()
		p.requestReset(email)
		p.assertPage("/forgot/sent", http.StatusOK)
		header := p.Page().Header.Clone()
		header.Del("Date")
		return p.Page().Body, header
	}
	body, header := answerTo(ada)
	for name, prepare := range map[string]func(){
		"there is none":              func() {},
		"it may not have a password": func() { s.failOnce(authkittest.RouteCreatePasswordReset, 403, `{"code":"password_reset_not_allowed"}`) },
		"passwords are disabled": func() {
			s.failOnce(authkittest.RouteCreatePasswordReset, 403, `{"code":"email_password_auth_disabled"}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			prepare()
			otherBody, otherHeader := answerTo(unknownUser)
			assert.Equal(t, body, otherBody)
			assert.Equal(t, header, otherHeader)
		})
	}
	assert.Empty(t, s.fake.Mailbox(unknownUser))
}

func TestAWeakNewPasswordIsExplained(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.newPerson()
	p.requestReset(ada)
	p.openLink(ada)
	p.press("Set password", "password", "short")
	p.assertPage("/reset-password", http.StatusUnprocessableEntity, "not strong enough", "<li>Password must be at least 10 characters long.</li>")
	p.press("Set password", "password", newPassword)
	p.assertPage("/reset-password/done", http.StatusOK)

	s.failOnce(authkittest.RouteConfirmPasswordReset, http.StatusBadRequest,
		`{"code":"password_strength_error","errors":[{"code":"password_pwned","message":"It is in a list of stolen ones."}]}`)
	p.requestReset(ada)
	p.openLink(ada)
	p.press("Set password", "password", newPassword)
	p.assertPage("/reset-password", http.StatusUnprocessableEntity, "It is in a list of stolen ones.")
}

func TestAnInvalidResetLinkOffersANewOne(t *testing.T) {
	t.Parallel()
	const words = "That link no longer works"
	t.Run("used already", func(t *testing.T) {
		s := newSite(t)
		p := s.newPerson()
		p.requestReset(ada)
		p.openLink(ada)
		p.press("Set password", "password", newPassword)
		p.openLink(ada)
		p.press("Set password", "password", newPassword)
		p.assertPage("/reset-password", http.StatusBadRequest, words)
		p.press("Email me a link", "email", ada)
		p.openLink(ada)
		p.press("Set password", "password", newPassword)
		p.assertPage("/reset-password/done", http.StatusOK)
	})
	t.Run("expired", func(t *testing.T) {
		s := newSite(t)
		p := s.newPerson()
		p.requestReset(ada)
		s.clock.Advance(16 * time.Minute)
		p.openLink(ada)
		p.press("Set password", "password", newPassword)
		p.assertPage("/reset-password", http.StatusBadRequest, words)
	})
	t.Run("form submitted too late", func(t *testing.T) {
		s := newSite(t)
		p := s.newPerson()
		p.requestReset(ada)
		p.openLink(ada)
		s.clock.Advance(11 * time.Minute)
		p.press("Set password", "password", newPassword)
		p.assertPage("/reset-password", http.StatusBadRequest, words)
	})
	t.Run("guessed", func(t *testing.T) {
		p := newSite(t).newPerson()
		p.get("/reset-password?token=guess")
		p.assertPage("/reset-password", http.StatusOK)
		p.press("Set password", "password", newPassword)
		p.assertPage("/reset-password", http.StatusBadRequest, words)
	})
	t.Run("without a token or with an oversized one", func(t *testing.T) {
		p := newSite(t).newPerson()
		for _, query := range []string{"", "?token=", "?token=" + strings.Repeat("x", 5000)} {
			p.get("/reset-password" + query)
			p.assertPage("/reset-password"+query, http.StatusBadRequest, words)
		}
	})
	t.Run("unknown to WorkOS", func(t *testing.T) {
		s := newSite(t)
		p := s.newPerson()
		p.get("/reset-password?token=guess")
		s.failOnce(authkittest.RouteConfirmPasswordReset, http.StatusNotFound, `{"message":"Not found"}`)
		p.press("Set password", "password", newPassword)
		p.assertPage("/reset-password", http.StatusBadRequest, words)
	})
}

func TestOpeningAResetLinkDoesNotConsumeIt(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.newPerson()
	p.requestReset(ada)
	for _, method := range []string{http.MethodHead, http.MethodGet} { // like a mail scanner
		r, err := http.NewRequest(method, s.fake.LastMail(ada).Link, nil)
		require.NoError(t, err)
		response, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		response.Body.Close()
	}
	p.openLink(ada)
	p.press("Set password", "password", newPassword)
	p.assertPage("/reset-password/done", http.StatusOK)
}
