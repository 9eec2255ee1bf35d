// What comes next: every answer of WorkOS to every form goes through here.

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

// next goes on from an answer of WorkOS: into the application, to the next step, or back to the page that somebody is
// at, with a word on what went wrong.
func (a *application) next(w http.ResponseWriter, r *http.Request, at screen, auth *workos.Authentication, err error) {
	if err == nil {
		a.enter(w, r, at, auth)
		return
	}
	if f, ok := stepAfter(err); ok {
		f.ReturnTo = a.flow(r).ReturnTo
		a.goTo(w, r, f)
		return
	}
	a.again(w, r, at, err)
}

// enter makes an authentication a session, and leads to where the person was going.
func (a *application) enter(w http.ResponseWriter, r *http.Request, at screen, auth *workos.Authentication) {
	target := cmp.Or(a.flow(r).ReturnTo, "/")
	_, err := a.authkit.SignIn(w, r, auth)
	switch {
	case errors.Is(err, authkit.ErrUnavailable): // without its keys the token proves nothing
		a.again(w, r, at, err)
	case err != nil:
		a.authkit.Fail(w, r, err)
	default:
		http.Redirect(w, r, target, http.StatusSeeOther)
	}
}

// stepAfter is the step that an error asks for, and what has to be remembered for it.
func stepAfter(err error) (flow, bool) {
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
		return flow{Step: stepVerify, Pending: verify.PendingAuthenticationToken, Email: verify.Email, Verification: verify.EmailVerificationID}, true
	case errors.As(err, &enroll) && enroll.PendingAuthenticationToken != "":
		return flow{Step: stepEnroll, Pending: enroll.PendingAuthenticationToken, Email: enroll.User.Email, UserID: enroll.User.ID}, true
	case errors.As(err, &mfa):
		i := slices.IndexFunc(mfa.Factors, func(f workos.AuthFactorChoice) bool { return f.Type == "totp" })
		if i < 0 {
			return flow{Step: stepElsewhere, Email: mfa.User.Email}, true // a kind of factor that has no page here
		}
		return flow{Step: stepTOTP, Pending: mfa.PendingAuthenticationToken, Email: mfa.User.Email, Factor: mfa.Factors[i].ID}, true
	case errors.As(err, &organization):
		return flow{Step: stepOrganization, Pending: organization.PendingAuthenticationToken, Email: organization.User.Email, UserID: organization.User.ID}, true
	case errors.As(err, &sso):
		return flow{Step: stepSSO, Email: sso.Email, Connection: first(sso.ConnectionIDs)}, true
	case errors.As(err, &methods):
		return flow{Step: stepMethods, Email: methods.Email, Connection: first(methods.SSOConnectionIDs), Methods: methods.Methods}, true
	case errors.As(err, &radar):
		return flow{Step: stepElsewhere}, true
	}
	switch workos.ErrorCode(err) {
	case workos.CodePasskeyProgressiveEnrollment, workos.CodeApplicationConsentRequired:
		return flow{Step: stepElsewhere}, true
	}
	return flow{}, false
}

// first is the one to use where any will do.
func first(ids []string) string {
	if len(ids) == 0 {
		return ""
	}
	return ids[0]
}

// again shows a page once more, with what went wrong. What somebody has typed in, apart from passwords and codes, is
// still there.
func (a *application) again(w http.ResponseWriter, r *http.Request, at screen, err error) {
	p := problemOf(err, at.code)
	if p.Status >= http.StatusInternalServerError {
		slog.WarnContext(r.Context(), "a sign-in could not go on", slog.Any("error", err))
	}
	if p.over {
		a.startOver(w, r, p.Text)
		return
	}
	if p.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(seconds(p.RetryAfter)))
	}
	at.Problem = p
	show(w, p.Status, at)
}

func seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }

// fail answers what authkit's own handlers cannot go on with. A sign-in at a provider may ask for a next step too, which
// is then one of this application's.
func (a *application) fail(w http.ResponseWriter, r *http.Request, failure authkit.Failure) {
	if f, ok := stepAfter(failure.Err); ok && failure.Page {
		f.ReturnTo = a.flow(r).ReturnTo
		a.goTo(w, r, f)
		return
	}
	if !failure.Page {
		failure.ServeHTTP(w, r)
		return
	}
	at := screen{page: failurePage, Title: failure.Title, Text: failure.Detail, Link: failure.Link, Label: "Sign in"}
	if errors.Is(failure.Err, authkit.ErrSignInCancelled) {
		at.Label = "Try again"
	}
	show(w, failure.Status, at)
}
