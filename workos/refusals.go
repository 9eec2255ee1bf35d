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
type refused struct{ refusal *Error }

// Error tells what was being done and what came back.
func (r refused) Error() string {
	if r.refusal == nil {
		return "workos: refused"
	}
	return r.refusal.Error()
}

// Unwrap is the [*Error] that the API replied with.
func (r refused) Unwrap() error {
	if r.refusal == nil {
		return nil
	}
	return r.refusal
}

// Format implements [fmt.Formatter]. It leaves out everything besides the [*Error].
func (r refused) Format(s fmt.State, verb rune) {
	if r.refusal == nil {
		format(s, verb, r.Error())
		return
	}
	r.refusal.Format(s, verb)
}

// InvalidGrantError says that a code, a refresh token or a device code is no good: unknown, expired, used already, or
// of another client or verifier. It is final: what was sent is worth nothing any more.
type InvalidGrantError struct{ refused }

// InvalidCredentialsError says that e-mail address and password do not go together. Whether there is a user with that
// address it does not say, and neither should the application.
type InvalidCredentialsError struct{ refused }

// OneTimeCodeError says that a code which was mailed, or which an authenticator shows, does not work.
type OneTimeCodeError struct {
	refused
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
	refused
	Reasons []ErrorDetail // which of them, by Code and Message
}

// PasswordResetError says that a password was not reset: the token is no good or the password is too weak.
type PasswordResetError struct {
	refused
	Reasons []ErrorDetail // why, by Code and Message
}

// ValidationError says that parameters are missing or malformed.
type ValidationError struct {
	refused
	Fields []ErrorDetail // which, by Field and Code; may be empty
}

// RateLimitError says that there have been too many calls: in all, for this user or for this address.
type RateLimitError struct {
	refused
	RetryAfter time.Duration // how long the server asked to be left alone, 60 s at most, 0 if it did not
}

// DeviceDeniedError says that the person has refused the sign-in of a device.
type DeviceDeniedError struct{ refused }

// DeviceExpiredError says that nobody approved the sign-in of a device in time. It can be started over, by
// [Client.AuthorizeDevice]. Where [Client.PollDevice] found that out by its own clock, the [*Error] has no status.
type DeviceExpiredError struct{ refused }

// actionable is the error as the caller gets it: of the type that goes with its code, if there is one.
func (e *Error) actionable() error {
	r := refused{e}
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
	if step := e.furtherStep(); step != nil {
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
