// Signing up, and verifying the address.

package main

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit/authkittest"
)

const kim = "kim@example.com"

// signUp fills in the page for new accounts.
func (p *person) signUp(email, password string) *authkittest.Page {
	p.site.t.Helper()
	p.get("/signup")
	return p.press("Create account", "email", email, "first_name", "Kim", "last_name", "Berg", "password", password)
}

func TestSomebodyNewSignsUpAndVerifiesTheAddress(t *testing.T) {
	s := newSite(t)
	p := s.visitor()
	p.get("/login?return_to=/account")
	p.follow("Create an account")
	p.press("Create account", "email", kim, "first_name", "Kim", "last_name", "Berg", "password", password)
	p.sees("/login/verify", http.StatusOK, "We have mailed a code to <strong>"+kim)
	code := s.code(kim)
	p.press("Continue", "code", " "+code[:3]+" "+code[3:])
	p.isIn("/account", "Kim Berg")
}

func TestASignUpThatIsRefusedSaysWhy(t *testing.T) {
	s := newSite(t)
	p := s.visitor()
	p.signUp(kim, "aaa")
	p.sees("/signup", http.StatusUnprocessableEntity, "not strong enough", "<li>Password must be at least 10 characters long.</li>",
		"easy to guess", `value="Kim"`, `value="Berg"`, `value="`+kim+`"`)
	p.signUp(ada, password)
	p.sees("/signup", http.StatusUnprocessableEntity, "No account can be made with that address")
	p.signUp("kim", password)
	p.sees("/signup", http.StatusUnprocessableEntity, "does not look right")
	s.refuse(authkittest.RouteCreateUser, http.StatusBadRequest, `{"code":"email_domain_not_deliverable","message":"no"}`)
	p.signUp(kim, password)
	p.sees("/signup", http.StatusUnprocessableEntity, "No mail can be delivered")
	s.refuse(authkittest.RouteCreateUser, http.StatusBadRequest, `{"error":"sign_up_not_allowed","error_description":"no"}`)
	p.signUp(kim, password)
	p.sees("/signup", http.StatusForbidden, "by invitation only")

	p.press("Create account", "password", password)
	p.sees("/login/verify", http.StatusOK)
}

func TestAnAccountThatIsMadeIsNotLostWhenTheSignInFails(t *testing.T) {
	s := newSite(t)
	p := s.visitor()
	s.refuse(authkittest.RoutePassword, http.StatusServiceUnavailable, "")
	p.signUp(kim, password)
	p.sees("/signup", http.StatusServiceUnavailable, "Your account is made", "Nothing is lost", `action="/login"`, `value="`+kim+`"`)
	p.press("Sign in", "password", password)
	p.sees("/login/verify", http.StatusOK)
}

func TestAVerificationCodeThatDoesNotWorkSaysWhatToDo(t *testing.T) {
	t.Run("wrong, then right", func(t *testing.T) {
		s, p := unverified(t)
		p.press("Continue", "code", wrongCode)
		p.sees("/login/verify", http.StatusUnprocessableEntity, "That code is not right")
		p.press("Continue", "code", s.code(ada))
		p.isIn("/", ada)
	})
	t.Run("sent again", func(t *testing.T) {
		s, p := unverified(t)
		first := s.code(ada)
		p.press("Send a new code")
		p.sees("/login/verify", http.StatusOK, "Another code is on its way")
		if first != s.code(ada) { // one time in a million they are the same
			p.press("Continue", "code", first)
			p.sees("/login/verify", http.StatusUnprocessableEntity, "That code is not right")
		}
		p.press("Continue", "code", s.code(ada))
		p.isIn("/", ada)
	})
	t.Run("too old", func(t *testing.T) {
		s, p := unverified(t)
		// The code is as old as the sign-in, which goes on a little longer only because WorkOS says so here.
		s.refuse(authkittest.RouteEmailVerification, http.StatusBadRequest, `{"code":"one_time_code_expired","message":"old"}`)
		p.press("Continue", "code", s.code(ada))
		p.sees("/login/verify", http.StatusUnprocessableEntity, "That code is too old. Send a new one below.")
		p.press("Send a new code")
		p.press("Continue", "code", s.code(ada))
		p.isIn("/", ada)
	})
	t.Run("used by another browser", func(t *testing.T) {
		s, p := unverified(t)
		other := s.visitor()
		other.signIn(ada, password)
		other.press("Continue", "code", s.code(ada))
		other.isIn("/", ada)
		p.press("Continue", "code", s.code(ada))
		p.sees("/login/verify", http.StatusUnprocessableEntity, "used already. Send a new one below.")
		p.press("Send a new code")
		p.sees("/login/verify/again", http.StatusBadRequest, "verified meanwhile. Please sign in.")
		p.press("Sign in", "email", ada, "password", password)
		p.isIn("/", ada)
	})
	t.Run("guessed too often", func(t *testing.T) {
		s, p := unverified(t)
		for range 5 {
			p.press("Continue", "code", wrongCode)
		}
		p.press("Continue", "code", s.code(ada))
		p.sees("/login/verify", http.StatusUnprocessableEntity, "too many wrong codes. Send a new one below.")
		p.press("Send a new code")
		p.press("Continue", "code", s.code(ada))
		p.isIn("/", ada)
	})
	t.Run("of a sign-in that WorkOS has given up", func(t *testing.T) {
		s, p := unverified(t)
		s.clock.Advance(6 * time.Minute)
		p.press("Send a new code")
		s.clock.Advance(6 * time.Minute)
		p.press("Continue", "code", s.code(ada))
		p.sees("/login/verify", http.StatusBadRequest, "took too long. Please start again.")
		p.isOut()
	})
	t.Run("of a mail that cannot be sent again", func(t *testing.T) {
		s := newSite(t)
		s.refuse(authkittest.RoutePassword, http.StatusForbidden,
			`{"code":"email_verification_required","pending_authentication_token":"pending","email":"`+ada+`"}`)
		p := s.visitor()
		p.signIn(ada, password)
		p.sees("/login/verify", http.StatusOK)
		assert.NotContains(t, p.Page().Body, "Send a new code")
	})
}
