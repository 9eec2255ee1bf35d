// Problems: what a page tells the user when a call to WorkOS fails.

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

// problem is an error message for the user.
type problem struct {
	Status     int
	Text       string
	Reasons    []string      // a list below the text, if there are several reasons
	RetryAfter time.Duration // 0 if a retry does not help
	startOver  bool          // the pending sign-in cannot continue
}

const (
	// rateLimitWait is the period of WorkOS's rate limit. It is used if the error has no Retry-After.
	rateLimitWait = time.Minute
	// outageWait is used if the error has no Retry-After.
	outageWait = 10 * time.Second
)

// problemOf returns the message for an error. No message reveals whether an account exists, except at sign-up (see
// signup.go). Errors that only say so are handled before.
func problemOf(err error, source codeSource) problem {
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
		return problem{Status: http.StatusUnprocessableEntity, Text: "The email address or the password is wrong. Check both, or reset your password."}
	case errors.As(err, &code):
		return source.problem(code.Reason)
	case errors.As(err, &weak):
		return weakPassword(weak.Reasons)
	case errors.As(err, &reset):
		return weakPassword(reset.Reasons)
	case errors.As(err, &invalid):
		return problem{Status: http.StatusUnprocessableEntity, Text: "That does not look right. Check what you typed, for example the email address."}
	case errors.As(err, &limit):
		return rateLimited(limit)
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
		return problem{Text: "This sign-in cannot continue. Please start again.", startOver: true}
	}
	return problem{Status: http.StatusBadGateway, Text: "This site has a problem with the sign-in service. It is not your fault. Please try again, and tell us if it happens again."}
}

var invitationNotOpen = problem{Status: http.StatusUnprocessableEntity, Text: "The invitation is not open any more."}

// problems holds the messages for errors whose code is enough.
var problems = map[string]problem{
	workos.CodeInvalidPendingAuthenticationToken: {Text: "This sign-in took too long. Please start again.", startOver: true},
	workos.CodeCodeChallengeNotFound:             {Text: "This sign-in cannot continue. Please start again.", startOver: true},
	workos.CodeUserMismatch:                      {Text: "This sign-in belongs to another user. Please start again.", startOver: true},
	workos.CodeEmailAlreadyVerified:              {Text: "Your address is already verified. Please sign in.", startOver: true},

	workos.CodeInvitationInvalid:              {Text: "The invitation does not work any more. Ask for a new one, or sign in if you have joined.", startOver: true},
	workos.CodeInvitationCannotBeUsedForEmail: {Text: "The invitation is for another email address. Open the link in the email again.", startOver: true},

	workos.CodeUserAlreadyOrganizationMember:     {Status: http.StatusUnprocessableEntity, Text: "This person is a member already."},
	workos.CodeEmailAlreadyInvitedToOrganization: {Status: http.StatusUnprocessableEntity, Text: "This person is invited already. You can send the email again below."},
	workos.CodeInviteNotPending:                  invitationNotOpen,
	workos.CodeInviteAccepted:                    invitationNotOpen,
	workos.CodeInviteExpired:                     invitationNotOpen,
	workos.CodeInviteRevoked:                     invitationNotOpen,

	workos.CodeEmailPasswordAuthDisabled:      {Status: http.StatusForbidden, Text: "Passwords are switched off here. Use a code by email instead."},
	workos.CodeAuthenticationMethodNotAllowed: {Status: http.StatusForbidden, Text: "This way to sign in is switched off here. Please choose another."},
	workos.CodeSignUpNotAllowed:               {Status: http.StatusForbidden, Text: "New accounts are by invitation only. Please ask an administrator for an invitation."},

	workos.CodeEmailDomainNotDeliverable: {Status: http.StatusUnprocessableEntity, Text: "Email cannot be delivered to that address. Check the spelling."},
	workos.CodeInvalidEmail:              {Status: http.StatusUnprocessableEntity, Text: "That is not an email address. Check the spelling."},
	workos.CodeUserCreationError: {Status: http.StatusUnprocessableEntity,
		Text: "We cannot create an account with that address. If you have one already, sign in or reset your password."},

	workos.CodeInvalidOrganizationID:          {Status: http.StatusUnprocessableEntity, Text: "You can no longer sign in to that organization. Choose another."},
	workos.CodeOrganizationNotFound:           {Status: http.StatusUnprocessableEntity, Text: "That organization no longer exists. Choose another."},
	workos.CodeOrganizationMembershipNotFound: {Status: http.StatusUnprocessableEntity, Text: "You are no longer a member of that organization. Choose another."},
}

// weakPassword shows the reasons in WorkOS's words. The password rules are set in its dashboard.
func weakPassword(reasons []workos.ErrorDetail) problem {
	p := problem{Status: http.StatusUnprocessableEntity, Text: "That password is not strong enough. Choose another."}
	for _, reason := range reasons {
		if reason.Message != "" {
			p.Reasons = append(p.Reasons, reason.Message)
		}
	}
	return p
}

func rateLimited(limit *workos.RateLimitError) problem {
	p := problem{Status: http.StatusTooManyRequests, RetryAfter: limit.RetryAfter}
	if workos.ErrorCode(limit) == workos.CodeDailyQuotaExceeded && p.RetryAfter == 0 {
		p.Text = "Too many attempts today. Try again tomorrow, or choose another way to sign in."
		return p
	}
	if p.RetryAfter == 0 {
		p.RetryAfter = rateLimitWait
	}
	p.Text = fmt.Sprintf("Too many attempts. Wait for %s, then try again.", durationText(p.RetryAfter))
	return p
}

func outage(retryAfter time.Duration) problem {
	if retryAfter == 0 {
		retryAfter = outageWait
	}
	return problem{
		Status: http.StatusServiceUnavailable, RetryAfter: retryAfter,
		Text: fmt.Sprintf("The sign-in service cannot be reached right now. Nothing is lost: try again in %s.", durationText(retryAfter)),
	}
}

// durationText returns a duration in words, rounded up.
func durationText(d time.Duration) string {
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

// codeSource is the source of a one-time code. It determines how the user gets another one.
type codeSource int

const (
	codeFromEmail codeSource = iota
	codeFromApp
	codeFromNewApp // an app in enrollment
	codeFromSMS
	codeFromCheck // a code of Radar that this application cannot send again
)

func (s codeSource) problem(reason workos.OneTimeCodeReason) problem {
	if s == codeFromCheck && reason != workos.OneTimeCodeWrong {
		return problem{Text: "That code does not work any more. Please sign in again to get a new one.", startOver: true}
	}
	advice := map[codeSource]string{
		codeFromEmail:  "Send a new one below.",
		codeFromSMS:    "Send a new one below.",
		codeFromApp:    "Wait until your app shows the next one.",
		codeFromNewApp: "Wait until your app shows the next one.",
	}[s]
	p := problem{Status: http.StatusUnprocessableEntity}
	switch reason {
	case workos.OneTimeCodeExpired:
		p.Text = "That code has expired. " + advice
	case workos.OneTimeCodeUsed:
		p.Text = "That code was used already. " + advice
	case workos.OneTimeCodeTooManyAttempts:
		switch s {
		case codeFromApp:
			return problem{Text: "There were too many wrong codes. Please start again.", startOver: true}
		case codeFromNewApp:
			advice = "Get a new QR code below."
		}
		p.Text = "There were too many wrong codes. " + advice
	default:
		p.Text = "That code is not right. Check it and try again."
	}
	return p
}

// codeField returns the code in the form, without the spaces that users type between its digits.
func codeField(r *http.Request) string {
	return strings.Join(strings.Fields(r.PostForm.Get("code")), "")
}
