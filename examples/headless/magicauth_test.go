// Magic Auth: codes by email.

package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit/authkittest"
)

// askForCode requests a code for an address.
func (p *person) askForCode(email string) *authkittest.Page {
	p.site.t.Helper()
	p.get("/login/code")
	return p.press("Email me a code", "email", email)
}

func TestACodeByEmailSignsIn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.newPerson()
	p.get("/account")
	p.follow("Get a code by email")
	p.press("Email me a code", "email", ada)
	p.assertPage("/login/code/enter", http.StatusOK, "We sent a code to <strong>"+ada)
	p.press("Continue", "code", s.code(ada))
	p.assertSignedIn("/account", "MagicAuth")
}

func TestTheCodePagesDoNotRevealWhetherAnAccountExists(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.newPerson()
	p.askForCode(ada)
	p.assertPage("/login/code/enter", http.StatusOK)
	known := p.Page().Body
	p.press("Continue", "code", wrongCode)
	p.assertPage("/login/code/enter", http.StatusUnprocessableEntity)
	knownWrong := p.Page().Body

	for name, prepare := range map[string]func(){
		"sign-up allowed":     func() {},
		"sign-up not allowed": func() { s.failOnce(authkittest.RouteCreateMagicAuth, 400, `{"error":"sign_up_not_allowed"}`) },
	} {
		t.Run(name, func(t *testing.T) {
			prepare()
			p := s.newPerson()
			p.askForCode(unknownUser)
			p.assertPage("/login/code/enter", http.StatusOK)
			assert.Equal(t, strings.ReplaceAll(known, ada, unknownUser), p.Page().Body)
			p.press("Continue", "code", wrongCode)
			p.assertPage("/login/code/enter", http.StatusUnprocessableEntity)
			assert.Equal(t, strings.ReplaceAll(knownWrong, ada, unknownUser), p.Page().Body)
			p.assertSignedOut()
		})
	}
}

func TestANewUserSignsUpWithACode(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.newPerson()
	p.askForCode(unknownUser)
	p.press("Continue", "code", s.code(unknownUser))
	p.assertSignedIn("/", unknownUser)
}

func TestACodeThatFailsIsExplained(t *testing.T) {
	t.Parallel()
	t.Run("wrong, then right", func(t *testing.T) {
		s, p := atCode(t)
		p.press("Continue", "code", wrongCode)
		p.assertPage("/login/code/enter", http.StatusUnprocessableEntity, "That code is not right")
		p.press("Continue", "code", s.code(ada))
		p.assertSignedIn("/", ada)
	})
	t.Run("expired", func(t *testing.T) {
		s, p := atCode(t)
		old := s.code(ada)
		s.clock.Advance(9 * time.Minute)
		s.failOnce(authkittest.RouteCreateMagicAuth, http.StatusServiceUnavailable, "")
		p.press("Send a new code") // fails and shows the same page
		p.assertPage("/login/code/enter/again", http.StatusServiceUnavailable)
		s.failOnce(authkittest.RouteMagicAuth, http.StatusBadRequest, `{"code":"one_time_code_expired","message":"old"}`)
		p.press("Continue", "code", old)
		p.assertPage("/login/code/enter", http.StatusUnprocessableEntity, "That code has expired. Send a new one below.")
		p.press("Send a new code")
		p.assertPage("/login/code/enter", http.StatusOK, "We sent another code to")
		p.press("Continue", "code", s.code(ada))
		p.assertSignedIn("/", ada)
	})
	t.Run("used by another browser", func(t *testing.T) {
		s, p := atCode(t)
		other := s.newPerson()
		other.askForCode(ada)
		other.press("Continue", "code", s.code(ada))
		other.assertSignedIn("/", ada)
		p.press("Continue", "code", s.code(ada))
		p.assertPage("/login/code/enter", http.StatusUnprocessableEntity, "used already. Send a new one below.")
	})
	t.Run("guessed too often", func(t *testing.T) {
		s, p := atCode(t)
		for range 5 {
			p.press("Continue", "code", wrongCode)
		}
		p.press("Continue", "code", s.code(ada))
		p.assertPage("/login/code/enter", http.StatusUnprocessableEntity, "too many wrong codes. Send a new one below.")
		p.press("Send a new code")
		p.press("Continue", "code", s.code(ada))
		p.assertSignedIn("/", ada)
	})
}

func TestAFailedRequestForACodeIsExplained(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.newPerson()
	p.askForCode("ada")
	p.assertPage("/login/code", http.StatusUnprocessableEntity, "does not look right", `value="ada"`)
	s.failOnce(authkittest.RouteCreateMagicAuth, http.StatusBadRequest, `{"code":"email_domain_not_deliverable","message":"no"}`)
	p.askForCode(ada)
	p.assertPage("/login/code", http.StatusUnprocessableEntity, "Email cannot be delivered")
	s.failOnce(authkittest.RouteCreateMagicAuth, http.StatusBadRequest, `{"error":"authentication_method_not_allowed"}`)
	p.askForCode(ada)
	p.assertPage("/login/code", http.StatusForbidden, "switched off here")
}
