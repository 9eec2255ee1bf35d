// A sign-in that AuthKit or WorkOS refused: its error, WorkOS's code and the text of its page.

package authkit

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/authkit-go/authkit/workos"
)

// maxErrorCode is the most bytes of an error code. The codes of WorkOS are shorter.
const maxErrorCode = 64

// SignInRefusedError matches [ErrSignInRefused] and has WorkOS's error code. The page of the default answer has texts of its
// own for [workos.CodeInvitationInvalid], [workos.CodeInvitationCannotBeUsedForEmail] and [workos.CodeSignUpNotAllowed]. To
// replace one:
//
//	authkit.WithErrorHandler(func(w http.ResponseWriter, r *http.Request, f authkit.Failure) {
//		var refused *authkit.SignInRefusedError
//		if errors.As(f.Err, &refused) && refused.Code == workos.CodeInvitationInvalid {
//			f.Detail = "This invitation is over. Ask your administrator for a new one."
//		}
//		f.ServeHTTP(w, r)
//	})
type SignInRefusedError struct {
	// Code is the error code: the one in the query with which AuthKit redirected to [AuthKit.Callback] (RFC 6749, section
	// 4.1.2.1), or that of WorkOS's reply to the code. Any link can have any code in its query, so compare Code with the codes
	// that you know, and grant nothing because of it. It has lower-case letters, digits and underscores only. It is "" for a
	// code of another form, and without one.
	Code string
	// Err is the reason. It holds no secret. If WorkOS refused the code, errors.As finds the [workos.Error].
	Err error
}

func (e *SignInRefusedError) Error() string { return ErrSignInRefused.Error() + ": " + e.Err.Error() }

// Unwrap returns [ErrSignInRefused] and the reason.
func (e *SignInRefusedError) Unwrap() []error { return []error{ErrSignInRefused, e.Err} }

// explanation chooses the text by the codes that are known. It never contains the code.
func (e *SignInRefusedError) explanation() string {
	switch e.Code {
	case workos.CodeInvitationInvalid:
		return "The invitation has expired, was withdrawn or was accepted before. If you have accepted it, sign in. Otherwise ask for a new one."
	case workos.CodeInvitationCannotBeUsedForEmail:
		return "The invitation was sent to another email address. Open its link again, and use that address."
	case workos.CodeSignUpNotAllowed:
		return "There is no account for you yet, and this site does not let you create one."
	}
	return ErrSignInRefused.(*problem).detail
}

// refuseSignIn returns a [SignInRefusedError].
func refuseSignIn(code string, err error) error {
	if !isErrorCode(code) {
		code = ""
	}
	return &SignInRefusedError{Code: code, Err: err}
}

func isErrorCode(code string) bool {
	return len(code) <= maxErrorCode && strings.TrimLeft(code, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// refusal returns the error of a callback without a code (RFC 6749, section 4.1.2.1). It
// contains the error code. It does not contain the description, since any link can have any
// description.
func refusal(query url.Values) error {
	code := query.Get("error")
	if code == "access_denied" {
		return ErrSignInCancelled
	}
	if code == "" {
		return fmt.Errorf("%w: the callback has neither a code nor an error", ErrInvalidState)
	}
	return refuseSignIn(code, fmt.Errorf("AuthKit returned %.64q", code))
}
