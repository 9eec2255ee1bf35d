// The refusals that an application can do something about, each a type of its own. Which one it is depends on the code
// alone: the API sends one and the same code with several statuses and texts.

package workos

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// refused is what every one of these types is made of: the refusal that it stands for, which is also all that printing
// it shows.
type apiError struct{ err *Error }

// Error tells what was being done and what came back.
func (e apiError) Error() string {
	if e.err == nil {
		return "workos: error without a response"
	}
	return e.err.Error()
}

// Unwrap is the [*Error] that the API replied with.
func (e apiError) Unwrap() error {
	if e.err == nil {
		return nil
	}
	return e.err
}

// Format implements [fmt.Formatter]. It leaves out everything besides the [*Error].
func (e apiError) Format(s fmt.State, verb rune) {
	if e.err == nil {
		format(s, verb, e.Error())
		return
	}
	e.err.Format(s, verb)
}

// InvalidGrantError says that a code, a refresh token or a device code is no good: unknown, expired, used already, or
// of another client or verifier. It is final: what was sent is worth nothing any more.
type InvalidGrantError struct{ apiError }

// InvalidCredentialsError says that e-mail address and password do not go together. Whether there is a user with that
// address it does not say, and neither should the application.
type InvalidCredentialsError struct{ apiError }

// OneTimeCodeError says that a code which was mailed, or which an authenticator shows, does not work.
type OneTimeCodeError struct {
	apiError
	Reason OneTimeCodeReason
}

// OneTimeCodeReason is why a one-time code does not work.
type OneTimeCodeReason string

// The reasons for a code not to work.
const (
	OneTimeCodeWrong           OneTimeCodeReason = "wrong"             // the user may try again
	OneTimeCodeExpired         OneTimeCodeReason = "expired"           // another code has to be sent
	OneTimeCodeUsed            OneTimeCodeReason = "used"              // likewise
	OneTimeCodeTooManyAttempts OneTimeCodeReason = "too many attempts" // likewise: not even the right code works any more
)

// WeakPasswordError says that a password does not meet the environment's requirements.
type WeakPasswordError struct {
	apiError
	Reasons []ErrorDetail // which of them, by Code and Message
}

// PasswordResetError says that a password was not reset: the token is no good or the password is too weak.
type PasswordResetError struct {
	apiError
	Reasons []ErrorDetail // why, by Code and Message
}

// ValidationError says that parameters are missing or malformed.
type ValidationError struct {
	apiError
	Fields []ErrorDetail // which, by Field and Code; may be empty
}

// RateLimitError says that there have been too many calls: in all, for this user or for this address.
type RateLimitError struct {
	apiError
	RetryAfter time.Duration // how long the server asked to be left alone, 60 s at most, 0 if it did not
}

// DeviceDeniedError says that the person has refused the sign-in of a device.
type DeviceDeniedError struct{ apiError }

// DeviceExpiredError says that nobody approved the sign-in of a device in time. It can be started over, by
// [Client.AuthorizeDevice]. Where [Client.PollDevice] found that out by its own clock, the [*Error] has no status.
type DeviceExpiredError struct{ apiError }

// actionable is the error as the caller gets it: of the type that goes with its code, if there is one.
func (e *Error) typed() error {
	r := apiError{e}
	switch e.Code {
	case CodeInvalidGrant:
		return &InvalidGrantError{r}
	case CodeInvalidCredentials:
		return &InvalidCredentialsError{r}
	case CodeInvalidOneTimeCode, CodeEmailVerificationCodeIncorrect:
		return &OneTimeCodeError{r, OneTimeCodeWrong}
	case CodeOneTimeCodeExpired, CodeEmailVerificationCodeExpired:
		return &OneTimeCodeError{r, OneTimeCodeExpired}
	case CodeOneTimeCodePreviouslyUsed, CodeEmailVerificationCodeUsed:
		return &OneTimeCodeError{r, OneTimeCodeUsed}
	case CodeOneTimeCodeTooManyAttempts:
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
	// Some replies have no code, and say what they are by the only other means that HTTP and the API leave them.
	switch {
	case e.StatusCode == http.StatusTooManyRequests:
		return &RateLimitError{r, e.RetryAfter}
	case e.Code == "" && slices.ContainsFunc(e.Details, func(d ErrorDetail) bool { return d.Field != "" }):
		return &ValidationError{r, e.Details}
	}
	return e
}
