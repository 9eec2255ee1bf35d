// The errors of this package, and the text that a client gets for each.

package authkit

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/authkit-go/authkit/jwks"
)

// The errors of this package, for errors.Is. Each has a page for people and an
// application/problem+json document for programs (see [Failure]). The type of the
// document is the address of the error's documentation, such as
// https://pkg.go.dev/github.com/authkit-go/authkit#ErrUnauthenticated. Its code is
// the error's name in snake case, such as "unauthenticated".
var (
	// ErrUnauthenticated means that an anonymous request asked for a guarded
	// handler: 401.
	ErrUnauthenticated error = &problem{"ErrUnauthenticated", "unauthenticated", http.StatusUnauthorized,
		"Sign in to continue", "You are not signed in, or your session has ended."}

	// ErrForbidden means that the session lacks what a guard requires: 403. See
	// [ForbiddenError].
	ErrForbidden error = &problem{"ErrForbidden", "forbidden", http.StatusForbidden,
		"You can't do this", "You are signed in, but your account does not allow this."}

	// ErrRecentAuthRequired means that the user's last authentication is too old
	// for [AuthKit.RequireRecentAuth]: 403.
	ErrRecentAuthRequired error = &problem{"ErrRecentAuthRequired", "recent_auth_required", http.StatusForbidden,
		"Please confirm that it is you", "This needs a sign-in that is more recent than yours."}

	// ErrRefreshRefused means that [AuthKit.Refresh] was refused, by WorkOS or because
	// the session has no refresh token: 403. The session is unchanged.
	ErrRefreshRefused error = &problem{"ErrRefreshRefused", "refresh_refused", http.StatusForbidden,
		"Your session can't be updated", "You are still signed in, but recent changes of your account are not visible yet."}

	// ErrOrganizationRefused means that [AuthKit.SwitchOrganization] was refused:
	// 403. The session is unchanged, unless WorkOS switched it to an organization
	// other than the one in the form.
	ErrOrganizationRefused error = &problem{"ErrOrganizationRefused", "organization_refused", http.StatusForbidden,
		"You can't switch to this organization", "You are still signed in where you were."}

	// ErrOrganizationSignInRequired means that the organization to switch to
	// requires a sign-in of its own: 403. The session is unchanged.
	ErrOrganizationSignInRequired error = &problem{"ErrOrganizationSignInRequired", "organization_sign_in_required", http.StatusForbidden,
		"This organization asks you to sign in", "It has its own way of signing in. You are still signed in where you were."}

	// ErrUnavailable means that the session, the API key or a permission on a
	// resource could not be checked, because WorkOS or its signing keys could not be
	// reached: 503 with
	// Retry-After. It never means that a session is invalid. See
	// [UnavailableError].
	ErrUnavailable error = &problem{"ErrUnavailable", "unavailable", http.StatusServiceUnavailable,
		"Please try again in a moment", "Sign-in cannot be checked right now. Nothing is lost: you stay signed in."}

	// ErrTooManyAPIKeys means that an unknown API key was not checked, because
	// the budget for unknown keys is used up or WorkOS answered 429: 429 with
	// Retry-After. It never means that the key is invalid. See
	// [TooManyAPIKeysError] and [AuthKit.RequireAPIKey].
	ErrTooManyAPIKeys error = &problem{"ErrTooManyAPIKeys", "too_many_api_keys", http.StatusTooManyRequests,
		"Please try again in a moment", "Too many unknown API keys came at once, so yours has not been checked."}

	// errSignInWaiting is the ErrUnavailable of a callback whose state and code
	// are still unused.
	errSignInWaiting error = &problem{"ErrUnavailable", "unavailable", http.StatusServiceUnavailable,
		"Please try again in a moment", "Your sign-in cannot be finished right now. Nothing is lost: load this page again in a moment."}

	// ErrInvalidState means that a callback did not belong to a pending sign-in
	// of this browser: its state was wrong, already used or from another browser,
	// or the sign-in exceeded [WithSignInTimeout] for the second time. No code was
	// exchanged: 400. If the browser already has a session, a wrong or used state
	// redirects to the page of that sign-in, or to "/", instead.
	ErrInvalidState error = &problem{"ErrInvalidState", "invalid_state", http.StatusBadRequest,
		"This sign-in can't be finished", "It took too long, was finished already, or began in another browser. Please start again."}

	// ErrNoStep means that [AuthKit.LoadStep] found no step of a sign-in in this
	// browser, or one that is older than ten minutes: 400.
	ErrNoStep error = &problem{"ErrNoStep", "no_step", http.StatusBadRequest,
		"This sign-in can't be finished", "It took too long or was continued in another tab. Please start again."}

	// ErrSignInCancelled means that the user cancelled, or that AuthKit returned
	// access_denied for another reason: 403.
	ErrSignInCancelled error = &problem{"ErrSignInCancelled", "sign_in_cancelled", http.StatusForbidden,
		"Sign-in was cancelled", "You are not signed in. You can try again at any time."}

	// ErrSignInStepRequired means that WorkOS requires a further step of a sign-in, and
	// that the sign-in does not continue at AuthKit: it did so once already, or a program
	// requested the callback, or [WithSignInPage] is set: 403. See [AuthKit.Callback]. The error matches [ErrSignInRefused] too, so test for this one
	// first. errors.As finds the error of package workos, such as
	// [workos.MFAChallengeError].
	ErrSignInStepRequired error = &problem{"ErrSignInStepRequired", "sign_in_step_required", http.StatusForbidden,
		"Your sign-in needs another step", "You are not signed in yet: the sign-in service needs something else from you. You can try again."}

	// ErrSignInRefused means that AuthKit returned another error, or that WorkOS
	// refused the code: 400. The code was already used, is too old or was
	// invented, the invitation is not valid any more, or a policy forbids the sign-in. See
	// [SignInRefusedError]. WorkOS's error code is logged at Debug, since any link can cause this.
	ErrSignInRefused error = &problem{"ErrSignInRefused", "sign_in_refused", http.StatusBadRequest,
		"Sign-in did not work", "The sign-in service did not accept it. Please try again."}

	// ErrSignInRateLimited means that WorkOS answered the code with 429: 429 with
	// Retry-After. The code is used up, so the user must sign in again. The error
	// matches [ErrUnavailable] too, so test for this one first.
	ErrSignInRateLimited error = &problem{"ErrSignInRateLimited", "sign_in_rate_limited", http.StatusTooManyRequests,
		"Please sign in again in a moment", "There are too many sign-ins just now. You are not signed in yet."}

	// ErrSignInFailed means that a sign-in failed between this application and
	// WorkOS: WorkOS does not accept the client ID or the API key, or this package
	// does not accept the new access token. 502. The reason is in the log.
	ErrSignInFailed error = &problem{"ErrSignInFailed", "sign_in_failed", http.StatusBadGateway,
		"Sign-in did not work", "Something went wrong between this site and the sign-in service. Please try again."}

	// ErrSignInUnavailable means that a sign-in failed because WorkOS or its
	// signing keys could not be reached: 503 with Retry-After. The code is used
	// up, so the user must sign in again. The error matches [ErrUnavailable] too,
	// so test for this one first.
	ErrSignInUnavailable error = &problem{"ErrSignInUnavailable", "sign_in_unavailable", http.StatusServiceUnavailable,
		"Please sign in again in a moment", "The sign-in service could not be reached. You are not signed in yet."}

	// ErrSessionTooLarge means that a session does not fit into its cookies,
	// which are at most eight, or one with [WithSharedSession]: 500. The log says
	// which part has which size.
	ErrSessionTooLarge error = &problem{"ErrSessionTooLarge", "session_too_large", http.StatusInternalServerError,
		"Sign-in did not work", "Your account has more data than this site can store in a session. Please tell its operators."}

	// ErrSignInHookFailed means that the application's [WithOnSignIn] returned an
	// error, so that there is no session: 500.
	ErrSignInHookFailed error = &problem{"ErrSignInHookFailed", "sign_in_hook_failed", http.StatusInternalServerError,
		"Sign-in did not work", "This site could not set up your account. Please try again."}

	// ErrCrossOriginRefused means that a page of another origin sent a POST, or
	// that its script, image, frame, object or embed requested Login or Callback,
	// or that its link would have displaced a pending sign-in that this site itself
	// started: 403.
	ErrCrossOriginRefused error = &problem{"ErrCrossOriginRefused", "cross_origin_refused", http.StatusForbidden,
		"This request came from another site", "Nothing was changed. Please use this site's own button."}

	// ErrPrefetchRefused means that a browser prefetched Login or Callback
	// (Sec-Purpose: prefetch): 403. No sign-in was started, and no state or code
	// was used.
	ErrPrefetchRefused error = &problem{"ErrPrefetchRefused", "prefetch_refused", http.StatusForbidden,
		"This page was loaded ahead of time", "Nothing was changed. Please open the link again."}

	// ErrMethodNotAllowed means that a handler does not serve the request's
	// method: 405 with Allow.
	ErrMethodNotAllowed error = &problem{"ErrMethodNotAllowed", "method_not_allowed", http.StatusMethodNotAllowed,
		"This address does not work like that", "Please go back and use the link or the button there."}

	// ErrCookieConflict means that cookies with the session's name hide the
	// session, and that two sign-ins have not changed that: 400. Another host of
	// the same domain or an earlier configuration has set them. See
	// [CookieConflictError].
	ErrCookieConflict error = &problem{"ErrCookieConflict", "cookie_conflict", http.StatusBadRequest,
		"Cookies are in the way", "Your browser sends cookies that keep this site from telling who you are. Delete the cookies of this site and of its domain in your browser's settings, then try again."}

	// ErrInvalidActionSignature means that a request to [AuthKit.AuthenticationAction] or
	// [AuthKit.RegistrationAction] is not one of WorkOS: it has no valid signature, or is
	// older than 30 seconds: 401. The log says what was wrong. See [workos.ErrActionSignature].
	ErrInvalidActionSignature error = &problem{"ErrInvalidActionSignature", "invalid_action_signature", http.StatusUnauthorized,
		"This request is not signed", "Only requests that WorkOS has signed with the secret of this endpoint are answered here."}

	// ErrActionTooLarge means that the body of a request to [AuthKit.AuthenticationAction]
	// or [AuthKit.RegistrationAction] has more than 1 MiB: 413.
	ErrActionTooLarge error = &problem{"ErrActionTooLarge", "action_too_large", http.StatusRequestEntityTooLarge,
		"This request is too large", "Requests of WorkOS are smaller than 1 MiB."}

	// ErrActionFailed means that an Action of WorkOS got no verdict: the application's
	// function returned the zero Verdict, panicked or was late, or WorkOS sent a request of
	// another kind: 500. WorkOS then does what the endpoint's setting for errors says. See
	// [AuthKit.AuthenticationAction].
	ErrActionFailed error = &problem{"ErrActionFailed", "action_failed", http.StatusInternalServerError,
		"There is no verdict", "This site could not decide. The reason is in its log."}

	// ErrInvalidWebhookSignature means that a request to [AuthKit.Webhook] is not one of
	// WorkOS: it has no valid signature, or one that is not within 180 seconds of now: 401.
	// The log says what was wrong. See [workos.ErrWebhookSignature] and
	// [workos.ErrWebhookTimestamp].
	ErrInvalidWebhookSignature error = &problem{"ErrInvalidWebhookSignature", "invalid_webhook_signature", http.StatusUnauthorized,
		"This request is not signed", "Only requests that WorkOS has signed with the secret of this endpoint are accepted here."}

	// ErrWebhookTooLarge means that the body of a request to [AuthKit.Webhook] has more
	// than 1 MiB: 413.
	ErrWebhookTooLarge error = &problem{"ErrWebhookTooLarge", "webhook_too_large", http.StatusRequestEntityTooLarge,
		"This request is too large", "Requests of WorkOS are smaller than 1 MiB."}

	// ErrInvalidWebhook means that the body of a signed request to [AuthKit.Webhook] is not
	// an event: 400. See [workos.ErrWebhookBody].
	ErrInvalidWebhook error = &problem{"ErrInvalidWebhook", "invalid_webhook", http.StatusBadRequest,
		"This request has no event", "Only events of WorkOS are accepted here."}

	// ErrEventFailed means that [AuthKit.Webhook] could not handle an event: the
	// application's function has failed, or the other instances could not be told: 500.
	// WorkOS then delivers the event again.
	ErrEventFailed error = &problem{"ErrEventFailed", "event_failed", http.StatusInternalServerError,
		"The event was not handled", "This site could not handle the event. The reason is in its log."}

	// ErrInvalidLoginParams means that the login parameters of this request
	// contradict each other, so that no sign-in could be started: 500.
	ErrInvalidLoginParams error = &problem{"ErrInvalidLoginParams", "invalid_login_params", http.StatusInternalServerError,
		"Sign-in did not work", "This site started the sign-in with wrong parameters. Please tell its operators."}

	// ErrLoginParamsTooLarge means that the login parameters of this request do
	// not fit into a cookie: 400. The client may have caused that, since they can
	// come from the query, as an invitation token does. The error matches
	// [ErrInvalidLoginParams] too.
	ErrLoginParamsTooLarge error = &problem{"ErrLoginParamsTooLarge", "login_params_too_large", http.StatusBadRequest,
		"Sign-in did not work", "The address that led here contains more data than this site can store. Please try it without that data."}
)

// problem is an error of this package, with what the response says about it.
type problem struct {
	name   string // its own; errSignInWaiting has that of ErrUnavailable
	code   string // the name in snake case
	status int
	title  string // for people
	detail string // for people: what happened, and what to do
}

func (p *problem) Error() string { return "authkit: " + p.code }

// Unwrap makes [ErrLoginParamsTooLarge] match [ErrInvalidLoginParams], and
// [ErrSignInStepRequired] match [ErrSignInRefused].
func (p *problem) Unwrap() error {
	switch error(p) {
	case ErrLoginParamsTooLarge:
		return ErrInvalidLoginParams
	case ErrSignInStepRequired:
		return ErrSignInRefused
	}
	return nil
}

// typeURI returns the problem type (RFC 9457, section 3.1.1): the address of the
// error's documentation.
func (p *problem) typeURI() string {
	return "https://pkg.go.dev/github.com/authkit-go/authkit#" + p.name
}

// offersSignIn reports whether a new sign-in can solve the problem.
func (p *problem) offersSignIn() bool {
	switch error(p) {
	case ErrUnavailable, ErrForbidden, ErrRefreshRefused, ErrOrganizationRefused, ErrMethodNotAllowed, ErrTooManyAPIKeys,
		ErrInvalidActionSignature, ErrActionTooLarge, ErrActionFailed,
		ErrInvalidWebhookSignature, ErrWebhookTooLarge, ErrInvalidWebhook, ErrEventFailed:
		return false
	}
	return true
}

// problemOf returns the problem that err wraps, [ErrSignInFailed] if there is
// none.
func problemOf(err error) *problem {
	var p *problem
	if errors.As(err, &p) {
		return p
	}
	return ErrSignInFailed.(*problem)
}

// UnavailableError matches [ErrUnavailable] and has a reason and a time to wait.
type UnavailableError struct {
	// RetryAfter is how long to wait before another attempt, at least a second. It
	// is sent as the Retry-After header (RFC 9110, section 10.2.3).
	RetryAfter time.Duration
	// Err says what could not be reached, and why. It holds no secret.
	Err error
}

func (e *UnavailableError) Error() string {
	return ErrUnavailable.Error() + ": " + e.Err.Error()
}

// Unwrap returns [ErrUnavailable] and the reason.
func (e *UnavailableError) Unwrap() []error { return []error{ErrUnavailable, e.Err} }

func (e *UnavailableError) retryAfter() time.Duration { return e.RetryAfter }

// TooManyAPIKeysError matches [ErrTooManyAPIKeys] and has a reason and a time to
// wait.
type TooManyAPIKeysError struct {
	// RetryAfter is how long to wait before another attempt, at least a second. It
	// is sent as the Retry-After header (RFC 9110, section 10.2.3).
	RetryAfter time.Duration
	// Err is the reason. It holds no secret.
	Err error
}

func (e *TooManyAPIKeysError) Error() string {
	return ErrTooManyAPIKeys.Error() + ": " + e.Err.Error()
}

// Unwrap returns [ErrTooManyAPIKeys] and the reason.
func (e *TooManyAPIKeysError) Unwrap() []error { return []error{ErrTooManyAPIKeys, e.Err} }

func (e *TooManyAPIKeysError) retryAfter() time.Duration { return e.RetryAfter }

// explained is an error that tells people what to do.
type explained interface {
	error
	explanation() string
}

// delayed is an error with a time to wait before another attempt.
type delayed interface {
	error
	retryAfter() time.Duration
}

// unavailable returns an [UnavailableError]. A delay of less than a second is
// replaced by retryPause.
func unavailable(err error, retryAfter time.Duration) error {
	if retryAfter < time.Second {
		retryAfter = retryPause
	}
	return &UnavailableError{RetryAfter: retryAfter, Err: err}
}

// CookieConflictError matches [ErrCookieConflict] and names the cookies.
type CookieConflictError struct {
	// Names are the names of the session cookies of the request, each once.
	Names []string
}

func (e *CookieConflictError) Error() string {
	return fmt.Sprintf("%v: none of the cookies %s is a session", ErrCookieConflict, strings.Join(e.Names, ", "))
}

// Unwrap returns [ErrCookieConflict].
func (e *CookieConflictError) Unwrap() error { return ErrCookieConflict }

// ForbiddenError matches [ErrForbidden] and names what is missing.
type ForbiddenError struct {
	// Missing is what the session or the API key lacks, such as "permission
	// posts:write". The response contains it.
	Missing string
}

func (e *ForbiddenError) Error() string {
	return ErrForbidden.Error() + ": " + e.Missing + " is missing"
}

// Unwrap returns [ErrForbidden].
func (e *ForbiddenError) Unwrap() error { return ErrForbidden }

// keysUnavailable returns an [UnavailableError] for signing keys that could not be
// fetched.
func keysUnavailable(err error) error {
	var cause *jwks.UnavailableError
	if errors.As(err, &cause) {
		return unavailable(err, cause.RetryAfter)
	}
	return unavailable(err, 0)
}

const (
	// retryPause is how long no attempt follows a transient failure.
	retryPause = 5 * time.Second
	// refusalPause is how long no attempt follows a refusal, which lasts until
	// a setting or an account is changed.
	refusalPause = time.Minute
)
