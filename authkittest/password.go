// Passwords: the password grant and the strength rules.

package authkittest

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// minPassword is the minimum length of a new password, in characters. It does not apply to User.Password.
const minPassword = 10

// passwordGrant answers RoutePassword. The error is the same for an unknown email address and a wrong password.
func (f *Server) passwordGrant(p parameters) (*authentication, *apiError) {
	if apiErr := p.require("email", "password"); apiErr != nil {
		return nil, apiErr
	}
	invitation, apiErr := f.invited(p["invitation_token"], p["email"])
	if apiErr != nil {
		return nil, apiErr
	}
	user := f.accountByEmail(p["email"])
	if user == nil || user.Password == "" || user.Password != p["password"] {
		apiErr := plainError("invalid_credentials", "Invalid credentials.")
		f.emitGrant("password", user, p, apiErr)
		return nil, apiErr
	}
	f.emitGrant("password", user, p, nil)
	return f.completeSignIn(f.withInvitation(invitation, user, p.signInResult(user, "Password", f.clock.Now())), true)
}

// passwordProblems returns the strength rules that a new password breaks.
func passwordProblems(password string) []fieldProblem {
	var found []fieldProblem
	if utf8.RuneCountInString(password) < minPassword {
		found = append(found, fieldProblem{
			Code: "password_too_short", Message: fmt.Sprintf("Password must be at least %d characters long.", minPassword),
		})
	}
	if first, _ := utf8.DecodeRuneInString(password); strings.Trim(password, string(first)) == "" {
		found = append(found, fieldProblem{Code: "password_too_weak", Message: "Password is too easy to guess."})
	}
	return found
}
