// What went wrong, in the words of a person who has to go on.

package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/workos"
)

// problem is what somebody is told.
type problem struct {
	Status     int
	Text       string
	Reasons    []string      // one by one, where there are several
	RetryAfter time.Duration // how long to wait, or zero
	over       bool          // this sign-in cannot go on, and has to start over
}

const (
	// rateLimitPause is WorkOS's own period, for when it does not say how much of it is left.
	rateLimitPause = time.Minute
	// outagePause is when it is worth trying again.
	outagePause = 10 * time.Second
)

// problemOf puts an error into words. Refusals that only tell whether there is an account do not get here, and none of
// the texts tells it.
func problemOf(err error, kind codeKind) problem {
	var (
		credentials *workos.InvalidCredentialsError
		code        *workos.OneTimeCodeError
		weak        *workos.WeakPasswordError
		reset       *workos.PasswordResetError
		invalid     *workos.ValidationError
		limit       *workos.RateLimitError
		unavailable *authkit.UnavailableError
	)
	switch {
	case errors.As(err, &credentials):
		return problem{Status: http.StatusUnprocessableEntity, Text: "That email address and password do not go together. Check both, or get a new password."}
	case errors.As(err, &code):
		return kind.problem(code.Reason)
	case errors.As(err, &weak):
		return weakPassword(weak.Reasons)
	case errors.As(err, &reset):
		return weakPassword(reset.Reasons)
	case errors.As(err, &invalid):
		return problem{Status: http.StatusUnprocessableEntity, Text: "That does not look right. Check what you typed, such as the email address."}
	case errors.As(err, &limit):
		return tooMany(limit)
	case errors.As(err, &unavailable):
		return outage(unavailable.RetryAfter)
	}
	if p, known := problems[workos.ErrorCode(err)]; known {
		return p
	}
	switch {
	case workos.IsTransient(err):
		return outage(workos.RetryAfter(err))
	case workos.IsNotFound(err):
		return problem{Text: "This sign-in cannot go on. Please start again.", over: true}
	}
	return problem{Status: http.StatusBadGateway, Text: "Something is wrong between this site and the sign-in service. It is not your fault. Try again, and tell us if it stays like this."}
}

// problems are those that their code says all of.
var problems = map[string]problem{
	workos.CodeInvalidPendingAuthenticationToken: {Text: "This sign-in took too long. Please start again.", over: true},
	workos.CodeCodeChallengeNotFound:             {Text: "This sign-in cannot go on. Please start again.", over: true},
	workos.CodeUserMismatch:                      {Text: "This sign-in belongs to somebody else. Please start again.", over: true},
	workos.CodeEmailAlreadyVerified:              {Text: "Your address has been verified meanwhile. Please sign in.", over: true},

	workos.CodeEmailPasswordAuthDisabled:      {Status: http.StatusForbidden, Text: "Passwords are switched off here. Use a code by email instead."},
	workos.CodeAuthenticationMethodNotAllowed: {Status: http.StatusForbidden, Text: "This way of signing in is switched off here. Please choose another."},
	workos.CodeSignUpNotAllowed:               {Status: http.StatusForbidden, Text: "New accounts are made by invitation only. Ask an administrator for one."},

	workos.CodeEmailDomainNotDeliverable: {Status: http.StatusUnprocessableEntity, Text: "No mail can be delivered to that address. Check how it is spelled."},
	workos.CodeInvalidEmail:              {Status: http.StatusUnprocessableEntity, Text: "That is not an email address. Check how it is spelled."},
	workos.CodeUserCreationError: {Status: http.StatusUnprocessableEntity,
		Text: "No account can be made with that address. If you have one already, sign in instead or get a new password."},

	workos.CodeInvalidOrganizationID:          {Status: http.StatusUnprocessableEntity, Text: "You cannot sign in to that organization any more. Choose another."},
	workos.CodeOrganizationNotFound:           {Status: http.StatusUnprocessableEntity, Text: "That organization is gone. Choose another."},
	workos.CodeOrganizationMembershipNotFound: {Status: http.StatusUnprocessableEntity, Text: "You are not a member of that organization any more. Choose another."},
}

// weakPassword repeats WorkOS's reasons: which they are is decided in its dashboard.
func weakPassword(reasons []workos.ErrorDetail) problem {
	p := problem{Status: http.StatusUnprocessableEntity, Text: "That password is not strong enough. Choose another."}
	for _, reason := range reasons {
		if reason.Message != "" {
			p.Reasons = append(p.Reasons, reason.Message)
		}
	}
	return p
}

func tooMany(limit *workos.RateLimitError) problem {
	p := problem{Status: http.StatusTooManyRequests, RetryAfter: limit.RetryAfter}
	if workos.ErrorCode(limit) == workos.CodeDailyQuotaExceeded && p.RetryAfter == 0 {
		p.Text = "That was tried too often today. Try again tomorrow, or another way of signing in."
		return p
	}
	if p.RetryAfter == 0 {
		p.RetryAfter = rateLimitPause
	}
	p.Text = fmt.Sprintf("That was tried too often. Wait for %s, then try again.", waiting(p.RetryAfter))
	return p
}

func outage(retryAfter time.Duration) problem {
	if retryAfter == 0 {
		retryAfter = outagePause
	}
	return problem{
		Status: http.StatusServiceUnavailable, RetryAfter: retryAfter,
		Text: fmt.Sprintf("The sign-in service cannot be reached right now. Nothing is lost: try again in %s.", waiting(retryAfter)),
	}
}

// waiting is a time as people say it.
func waiting(d time.Duration) string {
	switch n := seconds(d); {
	case n == 1:
		return "a second"
	case n < 60:
		return fmt.Sprintf("%d seconds", n)
	case n == 60:
		return "a minute"
	default:
		return fmt.Sprintf("%d minutes", (n+59)/60)
	}
}

// codeKind is where a one-time code comes from, on which it depends how to get another.
type codeKind int

const (
	byMail codeKind = iota
	byApp
	byNewApp
)

func (k codeKind) problem(fault workos.OneTimeCodeReason) problem {
	another := map[codeKind]string{
		byMail:   "Send a new one below.",
		byApp:    "Wait until your app shows the next one.",
		byNewApp: "Wait until your app shows the next one.",
	}[k]
	p := problem{Status: http.StatusUnprocessableEntity}
	switch fault {
	case workos.OneTimeCodeExpired:
		p.Text = "That code is too old. " + another
	case workos.OneTimeCodeUsed:
		p.Text = "That code has been used already. " + another
	case workos.OneTimeCodeTooManyAttempts:
		switch k {
		case byApp:
			return problem{Text: "There were too many wrong codes. Please start again.", over: true}
		case byNewApp:
			another = "Get a new QR code below."
		}
		p.Text = "There were too many wrong codes. " + another
	default:
		p.Text = "That code is not right. Check it and try again."
	}
	return p
}

// typedCode is a code without the blanks that people put into it.
func typedCode(r *http.Request) string {
	return strings.Join(strings.Fields(r.PostForm.Get("code")), "")
}
