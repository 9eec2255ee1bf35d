// The errors that an application can act on. Each has a type of its own. The code alone determines the type, because
// the API sends the same code with several statuses and messages.

package workos

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// apiError is the common part of these types: the [Error] that the API sent. Printing shows only that.
type apiError struct{ err *Error }

// Error returns the text of the [*Error] that the API sent.
func (e apiError) Error() string {
	if e.err == nil {
		return "workos: error without a response"
	}
	return e.err.Error()
}

// Unwrap returns the [*Error] that the API sent, or nil if there is none.
func (e apiError) Unwrap() error {
	if e.err == nil {
		return nil
	}
	return e.err
}

// Format implements [fmt.Formatter]. It shows only the [*Error].
func (e apiError) Format(s fmt.State, verb rune) {
	if e.err == nil {
		format(s, verb, e.Error())
		return
	}
	e.err.Format(s, verb)
}

// InvalidGrantError reports an invalid code, refresh token or device code: unknown, expired, already used, or issued to
// another client or for another verifier. It is final: the value will never be valid again.
type InvalidGrantError struct{ apiError }

// InvalidCredentialsError reports a wrong pair of email address and password. It does not say whether a user with that
// address exists. The application should not say so either.
type InvalidCredentialsError struct{ apiError }

// OneTimeCodeError reports an invalid one-time code, sent by mail or shown by an authenticator.
type OneTimeCodeError struct {
	apiError
	Reason OneTimeCodeReason
}

// OneTimeCodeReason says why a one-time code is invalid.
type OneTimeCodeReason string

// The reasons of a [OneTimeCodeError].
const (
	OneTimeCodeWrong           OneTimeCodeReason = "wrong"             // the user may try again
	OneTimeCodeExpired         OneTimeCodeReason = "expired"           // the user needs another code
	OneTimeCodeUsed            OneTimeCodeReason = "used"              // the user needs another code
	OneTimeCodeTooManyAttempts OneTimeCodeReason = "too many attempts" // the user needs another code; even the right one is refused now
)

// WeakPasswordError reports a password that does not meet the environment's requirements.
type WeakPasswordError struct {
	apiError
	Reasons []ErrorDetail // the unmet requirements, as Code and Message
}

// PasswordResetError reports a failed password reset: the token is invalid or the password is too weak.
type PasswordResetError struct {
	apiError
	Reasons []ErrorDetail // the causes, as Code and Message
}

// ValidationError reports missing or malformed parameters.
type ValidationError struct {
	apiError
	Fields []ErrorDetail // the parameters, as Field and Code; may be empty
}

// RateLimitError reports too many calls, in total, for one user or for one address.
type RateLimitError struct {
	apiError
	RetryAfter time.Duration // the delay that the server requested, at most 60 s; 0 if none
}

// DeviceDeniedError reports that the user denied the sign-in of a device.
type DeviceDeniedError struct{ apiError }

// DeviceExpiredError reports that the user did not approve the sign-in of a device in time. [Client.AuthorizeDevice]
// starts a new one. If [Client.PollDevice] detects the expiry by its own clock, the [*Error] has no status.
type DeviceExpiredError struct{ apiError }

// typed returns the error of the type that belongs to the code, or e if there is none.
func (e *Error) typed() error {
	r := apiError{e}
	switch e.Code {
	case CodeInvalidGrant:
		return &InvalidGrantError{r}
	case CodeInvalidCredentials:
		return &InvalidCredentialsError{r}
	case CodeInvalidOneTimeCode, CodeEmailVerificationCodeIncorrect, CodeEmailChangeCodeIncorrect:
		return &OneTimeCodeError{r, OneTimeCodeWrong}
	case CodeOneTimeCodeExpired, CodeEmailVerificationCodeExpired, CodeEmailChangeCodeExpired:
		return &OneTimeCodeError{r, OneTimeCodeExpired}
	case CodeOneTimeCodePreviouslyUsed, CodeEmailVerificationCodeUsed, CodeEmailChangeCodeUsed:
		return &OneTimeCodeError{r, OneTimeCodeUsed}
	case CodeOneTimeCodeTooManyAttempts, CodeEmailChangeTooManyAttempts:
		return &OneTimeCodeError{r, OneTimeCodeTooManyAttempts}
	case CodePasswordStrengthError:
		return &WeakPasswordError{r, e.Details}
	case CodePasswordResetError:
		return &PasswordResetError{r, e.Details}
	case CodeInvalidRequestParameters:
		return &ValidationError{r, e.Details}
	case CodeTooManyRequests, CodeDailyQuotaExceeded:
		return &RateLimitError{r, e.RetryAfter}
	case CodeAccessDenied:
		return &DeviceDeniedError{r}
	case CodeExpiredToken:
		return &DeviceExpiredError{r}
	}
	if step := e.nextStepError(); step != nil {
		return step
	}
	// Some responses have no code. Their status or their fields determine the type.
	switch {
	case e.StatusCode == http.StatusTooManyRequests:
		return &RateLimitError{r, e.RetryAfter}
	case e.Code == "" && slices.ContainsFunc(e.Details, func(d ErrorDetail) bool { return d.Field != "" }):
		return &ValidationError{r, e.Details}
	}
	return e
}
