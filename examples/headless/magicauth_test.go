// Magic Auth: codes by mail.

package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit/authkittest"
)

// askForCode fills in the page on which a code is asked for.
func (p *person) askForCode(email string) *authkittest.Page {
	p.site.t.Helper()
	p.get("/login/code")
	return p.press("Mail me a code", "email", email)
}

func TestACodeByMailSignsIn(t *testing.T) {
	s := newSite(t)
	p := s.visitor()
	p.get("/account")
	p.follow("Get a code by email")
	p.press("Mail me a code", "email", ada)
	p.sees("/login/code/enter", http.StatusOK, "We have mailed a code to <strong>"+ada)
	p.press("Continue", "code", s.code(ada))
	p.isIn("/account", "MagicAuth")
}

func TestACodeIsAskedForAlikeWhetherThereIsAnAccountOrNot(t *testing.T) {
	s := newSite(t)
	p := s.visitor()
	p.askForCode(ada)
	p.sees("/login/code/enter", http.StatusOK)
	known := p.Page().Body
	p.press("Continue", "code", wrongCode)
	p.sees("/login/code/enter", http.StatusUnprocessableEntity)
	knownWrong := p.Page().Body

	for name, prepare := range map[string]func(){
		"that becomes one":     func() {},
		"that must not be one": func() { s.refuse(authkittest.RouteCreateMagicAuth, 400, `{"error":"sign_up_not_allowed"}`) },
	} {
		t.Run(name, func(t *testing.T) {
			prepare()
			p := s.visitor()
			p.askForCode(nobody)
			p.sees("/login/code/enter", http.StatusOK)
			assert.Equal(t, strings.ReplaceAll(known, ada, nobody), p.Page().Body)
			p.press("Continue", "code", wrongCode)
			p.sees("/login/code/enter", http.StatusUnprocessableEntity)
			assert.Equal(t, strings.ReplaceAll(knownWrong, ada, nobody), p.Page().Body)
			p.isOut()
		})
	}
}

func TestSomebodyNewSignsUpByACode(t *testing.T) {
	s := newSite(t)
	p := s.visitor()
	p.askForCode(nobody)
	p.press("Continue", "code", s.code(nobody))
	p.isIn("/", nobody)
}

func TestACodeThatDoesNotWorkSaysWhatToDo(t *testing.T) {
	t.Run("wrong, then right", func(t *testing.T) {
		s, p := askedForCode(t)
		p.press("Continue", "code", wrongCode)
		p.sees("/login/code/enter", http.StatusUnprocessableEntity, "That code is not right")
		p.press("Continue", "code", s.code(ada))
		p.isIn("/", ada)
	})
	t.Run("too old", func(t *testing.T) {
		s, p := askedForCode(t)
		old := s.code(ada)
		s.clock.Advance(9 * time.Minute)
		s.refuse(authkittest.RouteCreateMagicAuth, http.StatusServiceUnavailable, "")
		p.press("Send a new code") // fails, and the page is still there
		p.sees("/login/code/enter/again", http.StatusServiceUnavailable)
		s.refuse(authkittest.RouteMagicAuth, http.StatusBadRequest, `{"code":"one_time_code_expired","message":"old"}`)
		p.press("Continue", "code", old)
		p.sees("/login/code/enter", http.StatusUnprocessableEntity, "That code is too old. Send a new one below.")
		p.press("Send a new code")
		p.sees("/login/code/enter", http.StatusOK, "Another code is on its way")
		p.press("Continue", "code", s.code(ada))
		p.isIn("/", ada)
	})
	t.Run("used by another browser", func(t *testing.T) {
		s, p := askedForCode(t)
		other := s.visitor()
		other.askForCode(ada)
		other.press("Continue", "code", s.code(ada))
		other.isIn("/", ada)
		p.press("Continue", "code", s.code(ada))
		p.sees("/login/code/enter", http.StatusUnprocessableEntity, "used already. Send a new one below.")
	})
	t.Run("guessed too often", func(t *testing.T) {
		s, p := askedForCode(t)
		for range 5 {
			p.press("Continue", "code", wrongCode)
		}
		p.press("Continue", "code", s.code(ada))
		p.sees("/login/code/enter", http.StatusUnprocessableEntity, "too many wrong codes. Send a new one below.")
		p.press("Send a new code")
		p.press("Continue", "code", s.code(ada))
		p.isIn("/", ada)
	})
}

func TestACodeThatCannotBeMailedSaysWhy(t *testing.T) {
	s := newSite(t)
	p := s.visitor()
	p.askForCode("ada")
	p.sees("/login/code", http.StatusUnprocessableEntity, "does not look right", `value="ada"`)
	s.refuse(authkittest.RouteCreateMagicAuth, http.StatusBadRequest, `{"code":"email_domain_not_deliverable","message":"no"}`)
	p.askForCode(ada)
	p.sees("/login/code", http.StatusUnprocessableEntity, "No mail can be delivered")
	s.refuse(authkittest.RouteCreateMagicAuth, http.StatusBadRequest, `{"error":"authentication_method_not_allowed"}`)
	p.askForCode(ada)
	p.sees("/login/code", http.StatusForbidden, "switched off here")
}
