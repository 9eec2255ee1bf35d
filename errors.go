// The errors that a caller can tell apart.

package authkit

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/authkit-go/authkit/jwks"
)

// The outcomes that a caller may want to tell apart, with errors.Is. Each of
// them has a page for a person and an application/problem+json document for a
// program (see [Failure]).
var (
	// ErrSignedOut says that a guarded handler was asked for by nobody: 401.
	ErrSignedOut error = &outcome{http.StatusUnauthorized, "signed_out",
		"Sign in to continue", "You are not signed in, or your session has ended."}

	// ErrForbidden says that somebody is signed in who lacks what a guard
	// requires: 403. See [ForbiddenError].
	ErrForbidden error = &outcome{http.StatusForbidden, "forbidden",
		"You can't do this", "You are signed in, but your account does not allow this."}

	// ErrRecentAuth says that somebody is signed in whose last proof of who
	// they are is too old for [AuthKit.RequireRecentAuth]: 403.
	ErrRecentAuth error = &outcome{http.StatusForbidden, "recent_auth_required",
		"Please confirm that it is you", "This needs a sign-in that is more recent than yours."}

	// ErrOrganization says that [AuthKit.SwitchOrganization] was refused: 403.
	// The session is as it was.
	ErrOrganization error = &outcome{http.StatusForbidden, "organization_refused",
		"You can't switch to this organization", "You are still signed in where you were."}

	// ErrOrganizationSignIn says that an organization wants a sign-in of its
	// own before it is switched to: 403.
	ErrOrganizationSignIn error = &outcome{http.StatusForbidden, "organization_sign_in",
		"This organization asks you to sign in", "It has its own way of signing in. You are still signed in where you were."}

	// ErrUnavailable says that it could not be decided who is asking, because
	// WorkOS or its signing keys could not be reached: 503 with Retry-After.
	// It never means that a session is bad. See [UnavailableError].
	ErrUnavailable error = &outcome{http.StatusServiceUnavailable, "unavailable",
		"Please try again in a moment", "Sign-in cannot be checked right now. Nothing is lost: you stay signed in."}

	// ErrTooManyAPIKeys says that an unknown API key was not checked, because
	// more of them came than WorkOS is asked about, or because WorkOS wants no
	// more questions for now: 429 with Retry-After. It never means that the key
	// is bad. See [TooManyAPIKeysError] and [AuthKit.RequireAPIKey].
	ErrTooManyAPIKeys error = &outcome{http.StatusTooManyRequests, "too_many_api_keys",
		"Please try again in a moment", "Too many unknown API keys came at once, so yours has not been checked. Please try again in a moment."}

	// errSignInWaiting is the ErrUnavailable of a callback that has used nothing
	// up yet.
	errSignInWaiting error = &outcome{http.StatusServiceUnavailable, "unavailable",
		"Please try again in a moment", "Your sign-in cannot be finished right now. Nothing is lost: load this page again in a moment."}

	// ErrState says that a callback did not belong to a sign-in which this
	// browser has under way: its state was wrong, used or another browser's, or
	// older than [WithSignInTimeout] for the second time. No code was exchanged:
	// 400. A browser that is signed in already gets no such answer to a wrong or
	// used state: it is led on to the page of that sign-in, or to "/".
	ErrState error = &outcome{http.StatusBadRequest, "invalid_state",
		"This sign-in can't be finished", "It took too long, was finished already, or began in another browser. Please start again."}

	// ErrCancelled says that the person cancelled, or that AuthKit answered
	// access_denied for another reason of theirs: 403.
	ErrCancelled error = &outcome{http.StatusForbidden, "access_denied",
		"Sign-in was cancelled", "You are not signed in. You can try again at any time."}

	// ErrSignInRefused says that AuthKit came back with an error, or that WorkOS
	// refused the code: it was used before, is too old or was made up, a further
	// step is needed, or a policy is in the way. 400. The error code is in the
	// log, at Debug: a link can cause this.
	ErrSignInRefused error = &outcome{http.StatusBadRequest, "sign_in_refused",
		"Sign-in did not work", "The sign-in service did not accept it. Please try again."}

	// ErrSignInRateLimited says that WorkOS answered the code with 429: 429 with
	// Retry-After. It wraps an [ErrUnavailable]. The code is spent; a new sign-in
	// is the way on.
	ErrSignInRateLimited error = &outcome{http.StatusTooManyRequests, "sign_in_rate_limited",
		"Please sign in again in a moment", "There are too many sign-ins just now. You are not signed in yet."}

	// ErrSignIn says that a sign-in failed between this application and WorkOS:
	// WorkOS does not accept its client ID or API key, or the new access token
	// was not accepted here. 502. What was wrong is in the log.
	ErrSignIn error = &outcome{http.StatusBadGateway, "sign_in_failed",
		"Sign-in did not work", "Something went wrong between this site and the sign-in service. Please try again."}

	// ErrSignInUnavailable says that a sign-in had to be given up half way,
	// because WorkOS or its keys could not be reached: 503 with Retry-After. It
	// wraps an [ErrUnavailable]. The code is spent; a new sign-in is the way on.
	ErrSignInUnavailable error = &outcome{http.StatusServiceUnavailable, "sign_in_unavailable",
		"Please sign in again in a moment", "The sign-in service could not be reached. You are not signed in yet."}

	// ErrSessionTooLarge says that a session does not fit into the cookies that
	// it may have, eight or, with [WithSharedSession], one: 500. What fills it
	// is in the log.
	ErrSessionTooLarge error = &outcome{http.StatusInternalServerError, "session_too_large",
		"Sign-in did not work", "Your account holds more than this site can keep in a session. Please tell its operators."}

	// ErrSignInHook says that the application's own [WithOnSignIn] refused a
	// sign-in: 500.
	ErrSignInHook error = &outcome{http.StatusInternalServerError, "sign_in_hook",
		"Sign-in did not work", "This site could not set up your account. Please try again."}

	// ErrCrossOrigin says that a POST came from a page of another site, that such
	// a page's script or image asked for Login or Callback, or that its link
	// would have dropped a sign-in which this site itself started: 403.
	ErrCrossOrigin error = &outcome{http.StatusForbidden, "cross_origin",
		"This request came from another site", "Nothing was changed. Please use this site's own button."}

	// ErrPrefetch says that a browser asked for Login or Callback ahead of time
	// (Sec-Purpose: prefetch), before a person opened it: 403. Nothing was started
	// and nothing used up.
	ErrPrefetch error = &outcome{http.StatusForbidden, "prefetch",
		"This page was asked for ahead of time", "Nothing was changed. Please open the link again."}

	// ErrMethod says that a handler was called with a method that it does not
	// serve: 405 with Allow.
	ErrMethod error = &outcome{http.StatusMethodNotAllowed, "method_not_allowed",
		"This address does not work like that", "Please go back and use the link or the button there."}

	// ErrCookieConflict says that cookies of the session's name are in the way
	// of a session, and that two sign-ins have not helped: 400. Another host of
	// the same domain has set them, or an earlier configuration. See
	// [CookieConflictError].
	ErrCookieConflict error = &outcome{http.StatusBadRequest, "cookie_conflict",
		"Cookies are in the way", "Your browser sends cookies that keep this site from telling who you are. Delete the cookies of this site and of its domain in your browser's settings, then try again."}

	// ErrLogin says that a sign-in could not be started, because the login
	// options of this request contradict each other: 500.
	ErrLogin error = &outcome{http.StatusInternalServerError, "login_options",
		"Sign-in did not work", "This site asked for a sign-in that does not exist. Please tell its operators."}

	// errLoginTooLarge is the ErrLogin of options that do not fit into a cookie.
	// They may come out of the query, as an invitation token does: 400.
	errLoginTooLarge error = &outcome{http.StatusBadRequest, "login_too_large",
		"Sign-in did not work", "The address that led here holds more than this site can keep. Please try it without."}
)

// outcome is the common shape of the errors above: what a client is told.
type outcome struct {
	status int
	code   string // for programs
	title  string // for people
	text   string // for people: what happened, and how to go on
}

func (o *outcome) Error() string { return "authkit: " + o.code }

// leadsToSignIn tells whether a new sign-in is the way on.
func (o *outcome) leadsToSignIn() bool {
	switch error(o) {
	case ErrUnavailable, ErrForbidden, ErrOrganization, ErrMethod, ErrTooManyAPIKeys:
		return false
	}
	return true
}

// outcomeOf finds what a client is told of err.
func outcomeOf(err error) *outcome {
	var o *outcome
	if errors.As(err, &o) {
		return o
	}
	return ErrSignIn.(*outcome)
}

// UnavailableError is an [ErrUnavailable] with its reason and the time after
// which it is worth trying again.
type UnavailableError struct {
	// RetryAfter is at least a second. It goes out as the Retry-After header
	// (RFC 9110, section 10.2.3).
	RetryAfter time.Duration
	// Err is what could not be had, and why. It holds no secret.
	Err error
}

func (e *UnavailableError) Error() string {
	return ErrUnavailable.Error() + ": " + e.Err.Error()
}

// Unwrap makes errors.Is(err, ErrUnavailable) hold, and lets the reason be found.
func (e *UnavailableError) Unwrap() []error { return []error{ErrUnavailable, e.Err} }

func (e *UnavailableError) retryAfter() time.Duration { return e.RetryAfter }

// TooManyAPIKeysError is an [ErrTooManyAPIKeys] with its reason and the time
// after which it is worth trying again.
type TooManyAPIKeysError struct {
	// RetryAfter is at least a second. It goes out as the Retry-After header
	// (RFC 9110, section 10.2.3).
	RetryAfter time.Duration
	// Err is the reason. It holds no secret.
	Err error
}

func (e *TooManyAPIKeysError) Error() string {
	return ErrTooManyAPIKeys.Error() + ": " + e.Err.Error()
}

// Unwrap makes errors.Is(err, ErrTooManyAPIKeys) hold, and lets the reason be
// found.
func (e *TooManyAPIKeysError) Unwrap() []error { return []error{ErrTooManyAPIKeys, e.Err} }

func (e *TooManyAPIKeysError) retryAfter() time.Duration { return e.RetryAfter }

// delayed is an error that tells when it is worth trying again.
type delayed interface {
	error
	retryAfter() time.Duration
}

// unavailable wraps a reason. Delays under a second, or none at all, become the
// pause that a failed attempt is followed by.
func unavailable(err error, retryAfter time.Duration) error {
	if retryAfter < time.Second {
		retryAfter = retryPause
	}
	return &UnavailableError{RetryAfter: retryAfter, Err: err}
}

// CookieConflictError is an [ErrCookieConflict] that names the cookies.
type CookieConflictError struct {
	// Names are the names of the session cookies that came, each once.
	Names []string
}

func (e *CookieConflictError) Error() string {
	return fmt.Sprintf("%v: none of the cookies %s could be taken for a session", ErrCookieConflict, strings.Join(e.Names, ", "))
}

// Unwrap makes errors.Is(err, ErrCookieConflict) hold.
func (e *CookieConflictError) Unwrap() error { return ErrCookieConflict }

// ForbiddenError is an [ErrForbidden] that tells what is missing.
type ForbiddenError struct {
	// Missing is what the signed-in person does not have, such as "permission
	// posts:write". It is shown to them.
	Missing string
}

func (e *ForbiddenError) Error() string {
	return ErrForbidden.Error() + ": " + e.Missing + " is missing"
}

// Unwrap makes errors.Is(err, ErrForbidden) hold.
func (e *ForbiddenError) Unwrap() error { return ErrForbidden }

func keysUnavailable(err error) error {
	var cause *jwks.UnavailableError
	if errors.As(err, &cause) {
		return unavailable(err, cause.RetryAfter)
	}
	return unavailable(err, 0)
}

const (
	// retryPause is how long nobody tries again after a passing failure.
	retryPause = 5 * time.Second
	// refusalPause is the same after a refusal that will not pass by itself.
	refusalPause = time.Minute
)
