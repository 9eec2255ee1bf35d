// Sign-up and email verification.

package main

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit/authkittest"
)

const kim = "kim@example.com"

// signUp submits the sign-up form.
func (p *person) signUp(email, password string) *authkittest.Page {
	p.site.t.Helper()
	p.get("/signup")
	return p.press("Create account", "email", email, "first_name", "Kim", "last_name", "Berg", "password", password)
}

func TestANewUserSignsUpAndVerifiesTheAddress(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.newPerson()
	p.get("/login?return_to=/account")
	p.follow("Create an account")
	p.press("Create account", "email", kim, "first_name", "Kim", "last_name", "Berg", "password", password)
	p.assertPage("/login/verify", http.StatusOK, "We sent a code to <strong>"+kim)
	code := s.code(kim)
	p.press("Continue", "code", " "+code[:3]+" "+code[3:])
	p.assertSignedIn("/account", "Kim Berg")
}

func TestARefusedSignUpIsExplained(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.newPerson()
	p.signUp(kim, "aaa")
	p.assertPage("/signup", http.StatusUnprocessableEntity, "not strong enough", "<li>Password must be at least 10 characters long.</li>",
		"easy to guess", `value="Kim"`, `value="Berg"`, `value="`+kim+`"`)
	p.signUp(ada, password)
	p.assertPage("/signup", http.StatusUnprocessableEntity, "We cannot create an account with that address")
	p.signUp("kim", password)
	p.assertPage("/signup", http.StatusUnprocessableEntity, "does not look right")
	s.failOnce(authkittest.RouteCreateUser, http.StatusBadRequest, `{"code":"email_domain_not_deliverable","message":"no"}`)
	p.signUp(kim, password)
	p.assertPage("/signup", http.StatusUnprocessableEntity, "Email cannot be delivered")
	s.failOnce(authkittest.RouteCreateUser, http.StatusBadRequest, `{"error":"sign_up_not_allowed","error_description":"no"}`)
	p.signUp(kim, password)
	p.assertPage("/signup", http.StatusForbidden, "by invitation only")

	p.press("Create account", "password", password)
	p.assertPage("/login/verify", http.StatusOK)
}

func TestASignUpWhoseSignInFailsShowsTheSignInPage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.newPerson()
	s.failOnce(authkittest.RoutePassword, http.StatusServiceUnavailable, "")
	p.signUp(kim, password)
	p.assertPage("/signup", http.StatusServiceUnavailable, "Your account has been created", "Nothing is lost", `action="/login"`, `value="`+kim+`"`)
	p.press("Sign in", "password", password)
	p.assertPage("/login/verify", http.StatusOK)
}

func TestAVerificationCodeThatFailsIsExplained(t *testing.T) {
	t.Parallel()
	t.Run("wrong, then right", func(t *testing.T) {
		s, p := atVerification(t)
		p.press("Continue", "code", wrongCode)
		p.assertPage("/login/verify", http.StatusUnprocessableEntity, "That code is not right")
		p.press("Continue", "code", s.code(ada))
		p.assertSignedIn("/", ada)
	})
	t.Run("sent again", func(t *testing.T) {
		s, p := atVerification(t)
		first := s.code(ada)
		p.press("Send a new code")
		p.assertPage("/login/verify", http.StatusOK, "We sent another code to")
		if first != s.code(ada) { // by chance they can be equal
			p.press("Continue", "code", first)
			p.assertPage("/login/verify", http.StatusUnprocessableEntity, "That code is not right")
		}
		p.press("Continue", "code", s.code(ada))
		p.assertSignedIn("/", ada)
	})
	t.Run("expired", func(t *testing.T) {
		s, p := atVerification(t)
		// The code and the pending sign-in expire together. The fake expires only the code here.
		s.failOnce(authkittest.RouteEmailVerification, http.StatusBadRequest, `{"code":"one_time_code_expired","message":"old"}`)
		p.press("Continue", "code", s.code(ada))
		p.assertPage("/login/verify", http.StatusUnprocessableEntity, "That code has expired. Send a new one below.")
		p.press("Send a new code")
		p.press("Continue", "code", s.code(ada))
		p.assertSignedIn("/", ada)
	})
	t.Run("used by another browser", func(t *testing.T) {
		s, p := atVerification(t)
		other := s.newPerson()
		other.signIn(ada, password)
		other.press("Continue", "code", s.code(ada))
		other.assertSignedIn("/", ada)
		p.press("Continue", "code", s.code(ada))
		p.assertPage("/login/verify", http.StatusUnprocessableEntity, "used already. Send a new one below.")
		p.press("Send a new code")
		p.assertPage("/login/verify/again", http.StatusBadRequest, "already verified. Please sign in.")
		p.press("Sign in", "email", ada, "password", password)
		p.assertSignedIn("/", ada)
	})
	t.Run("guessed too often", func(t *testing.T) {
		s, p := atVerification(t)
		for range 5 {
			p.press("Continue", "code", wrongCode)
		}
		p.press("Continue", "code", s.code(ada))
		p.assertPage("/login/verify", http.StatusUnprocessableEntity, "too many wrong codes. Send a new one below.")
		p.press("Send a new code")
		p.press("Continue", "code", s.code(ada))
		p.assertSignedIn("/", ada)
	})
	t.Run("of a sign-in that has expired at WorkOS", func(t *testing.T) {
		s, p := atVerification(t)
		s.clock.Advance(6 * time.Minute)
		p.press("Send a new code")
		s.clock.Advance(6 * time.Minute)
		p.press("Continue", "code", s.code(ada))
		p.assertPage("/login/verify", http.StatusBadRequest, "took too long. Please start again.")
		p.assertSignedOut()
	})
	t.Run("that cannot be sent again", func(t *testing.T) {
		s := newSite(t)
		s.failOnce(authkittest.RoutePassword, http.StatusForbidden,
			`{"code":"email_verification_required","pending_authentication_token":"pending","email":"`+ada+`"}`)
		p := s.newPerson()
		p.signIn(ada, password)
		p.assertPage("/login/verify", http.StatusOK)
		assert.NotContains(t, p.Page().Body, "Send a new code")
	})
}
