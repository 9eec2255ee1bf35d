// The results of the forms: each call of WorkOS ends in a session, in the next step, or in the same page with a problem.

package main

import (
	"cmp"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/workos"
)

// handleResult responds to a form with the result of its call to WorkOS. It completes the sign-in, redirects to the next
// step, or shows the current screen again with the problem.
func (a *application) handleResult(w http.ResponseWriter, r *http.Request, current screen, auth *workos.Authentication, err error) {
	if err == nil {
		a.completeSignIn(w, r, current, auth)
		return
	}
	if a.takeBackUnfinished(r, err) {
		a.startOver(w, r, enrollmentTakenBack)
		return
	}
	if pending, ok := nextStep(err, current.Email); ok {
		a.continueWith(w, r, pending, current.invitationToken)
		return
	}
	a.showProblem(w, r, current, err)
}

// continueWith redirects to the page of the next step.
func (a *application) continueWith(w http.ResponseWriter, r *http.Request, pending pendingSignIn, invitationToken string) {
	pending.ReturnTo = a.pending(r).ReturnTo
	if pending.Token == "" { // the step is a sign-in of another kind
		pending.InvitationToken = invitationToken
	}
	a.redirectToStep(w, r, pending)
}

// completeSignIn creates the session and redirects to the page that the user asked for.
func (a *application) completeSignIn(w http.ResponseWriter, r *http.Request, current screen, auth *workos.Authentication) {
	target := cmp.Or(a.pending(r).ReturnTo, "/")
	_, err := a.authkit.SignIn(w, r, auth)
	switch {
	case errors.Is(err, authkit.ErrUnavailable): // the token cannot be verified without the signing keys
		a.showProblem(w, r, current, err)
	case err != nil:
		a.authkit.Fail(w, r, err)
	default:
		http.Redirect(w, r, target, http.StatusSeeOther)
	}
}

// nextStep returns the pending sign-in for the step that an error asks for. email is the address that the user has typed, if
// any. The second result reports whether the error asks for a step.
func nextStep(err error, email string) (pendingSignIn, bool) {
	var (
		verify       *workos.EmailVerificationRequiredError
		enroll       *workos.MFAEnrollmentError
		mfa          *workos.MFAChallengeError
		organization *workos.OrganizationSelectionRequiredError
		sso          *workos.SSORequiredError
		methods      *workos.OrganizationAuthMethodsRequiredError
		radar        *workos.RadarChallengeError
	)
	switch {
	case errors.As(err, &verify):
		return pendingSignIn{Step: stepVerify, Token: verify.PendingAuthenticationToken, Email: verify.Email, VerificationID: verify.EmailVerificationID}, true
	case errors.As(err, &enroll) && enroll.PendingAuthenticationToken != "":
		return pendingSignIn{Step: stepEnroll, Token: enroll.PendingAuthenticationToken, Email: enroll.User.Email, UserID: enroll.User.ID}, true
	case errors.As(err, &mfa):
		i := slices.IndexFunc(mfa.Factors, func(factor workos.AuthFactorChoice) bool { return factor.Type == "totp" })
		if i < 0 {
			return pendingSignIn{Step: stepHosted, Email: mfa.User.Email}, true // this application has no page for other factors
		}
		return pendingSignIn{Step: stepTOTP, Token: mfa.PendingAuthenticationToken, Email: mfa.User.Email, FactorID: mfa.Factors[i].ID}, true
	case errors.As(err, &organization):
		return pendingSignIn{Step: stepOrganization, Token: organization.PendingAuthenticationToken, Email: organization.User.Email, UserID: organization.User.ID}, true
	case errors.As(err, &sso):
		return pendingSignIn{Step: stepSSO, Email: sso.Email, ConnectionID: first(sso.ConnectionIDs)}, true
	case errors.As(err, &methods):
		return pendingSignIn{Step: stepMethods, Email: methods.Email, ConnectionID: first(methods.SSOConnectionIDs), Methods: methods.Methods}, true
	case errors.As(err, &radar):
		return checkStep(radar, email), true
	}
	switch workos.ErrorCode(err) {
	case workos.CodePasskeyProgressiveEnrollment, workos.CodeApplicationConsentRequired:
		return pendingSignIn{Step: stepHosted}, true
	}
	return pendingSignIn{}, false
}

// first returns the first ID, or "" if there is none.
func first(ids []string) string {
	if len(ids) == 0 {
		return ""
	}
	return ids[0]
}

// showProblem shows the screen again with the problem. It keeps what the user typed, except passwords and codes.
func (a *application) showProblem(w http.ResponseWriter, r *http.Request, current screen, err error) {
	p := problemOf(err, current.code)
	p.announce(w, r, err)
	if p.startOver {
		a.startOver(w, r, p.Text)
		return
	}
	current.Problem = p
	show(w, p.Status, current)
}

// announce logs a problem that is not the user's, and sets Retry-After.
func (p problem) announce(w http.ResponseWriter, r *http.Request, err error) {
	if p.Status >= http.StatusInternalServerError {
		slog.WarnContext(r.Context(), "a form could not continue", slog.Any("error", err))
	}
	if p.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(seconds(p.RetryAfter)))
	}
}

func seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }

// handleFailure responds to a failure in authkit's own handlers. A sign-in with an identity provider may need another
// step, too: the callback then leads to a page of this application.
func (a *application) handleFailure(w http.ResponseWriter, r *http.Request, failure authkit.Failure) {
	if failure.Page && a.takeBackUnfinished(r, failure.Err) {
		a.startOver(w, r, enrollmentTakenBack)
		return
	}
	if pending, ok := nextStep(failure.Err, ""); ok && failure.Page {
		a.continueWith(w, r, pending, a.pending(r).continuedInvitation())
		return
	}
	if !failure.Page {
		failure.ServeHTTP(w, r)
		return
	}
	page := screen{page: failurePage, Title: failure.Title, Text: failure.Detail, Link: failure.Link, Label: "Sign in"}
	if errors.Is(failure.Err, authkit.ErrSignInCancelled) {
		page.Label = "Try again"
	}
	show(w, failure.Status, page)
}
