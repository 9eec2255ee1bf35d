// The check of WorkOS Radar: a sign-in that looks suspicious continues with a code by email or by SMS.

package main

import (
	"errors"
	"net/http"
	"strings"

	"github.com/authkit-go/authkit/workos"
)

// checkStep returns the pending sign-in for a check of Radar. email is the address that the user has typed, if any: WorkOS
// may not name the user.
func checkStep(radar *workos.RadarChallengeError, email string) pendingSignIn {
	pending := pendingSignIn{Step: stepHosted, Token: radar.PendingAuthenticationToken, Email: email, UserID: radar.User.ID}
	if radar.User.Email != "" {
		pending.Email = radar.User.Email
	}
	switch code := workos.ErrorCode(radar); {
	case radar.RadarChallengeID != "":
		pending.Step, pending.ChallengeID = stepMailCheck, radar.RadarChallengeID
	case code == workos.CodeRadarSMSSignInChallenge: // WorkOS knows the number and has sent the code
		pending.Step = stepSMSCheck
	case code == workos.CodeRadarSignUpChallenge, code == workos.CodeRadarSMSChallenge:
		if pending.Email != "" {
			pending.Step = stepPhone
		}
	}
	return pending
}

// mailCheckScreen offers no new code: WorkOS has no call that sends one. The user signs in again.
func mailCheckScreen(pending pendingSignIn) screen {
	return screen{page: codePage, code: codeFromCheck, Action: stepMailCheck, Email: pending.Email}
}

func (a *application) showMailCheck(w http.ResponseWriter, _ *http.Request, pending pendingSignIn) {
	show(w, http.StatusOK, mailCheckScreen(pending))
}

func (a *application) submitMailCheck(w http.ResponseWriter, r *http.Request, pending pendingSignIn) {
	auth, err := a.workos.AuthenticateWithRadarEmailChallenge(r.Context(), workos.AuthenticateWithRadarEmailChallengeParams{
		PendingAuthenticationToken: pending.Token, RadarChallengeID: pending.ChallengeID, Code: codeField(r), UserAgent: r.UserAgent(),
	})
	a.handleResult(w, r, mailCheckScreen(pending), auth, err)
}

func phoneScreen(pending pendingSignIn) screen {
	return screen{page: phonePage, PhoneNumber: pending.PhoneNumber}
}

func (a *application) showPhone(w http.ResponseWriter, _ *http.Request, pending pendingSignIn) {
	show(w, http.StatusOK, phoneScreen(pending))
}

// submitPhone sends the code to the number in the form.
func (a *application) submitPhone(w http.ResponseWriter, r *http.Request, pending pendingSignIn) {
	pending.PhoneNumber = phoneField(r)
	a.sendSMS(w, r, phoneScreen(pending), pending)
}

// phoneField returns the number in the form in the format E.164, without what users type between its digits.
func phoneField(r *http.Request) string {
	return strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", ".", "", "/", "").Replace(r.PostForm.Get("phone_number"))
}

// sendSMS sends a code to the number of the pending sign-in and redirects to the page that asks for it.
func (a *application) sendSMS(w http.ResponseWriter, r *http.Request, current screen, pending pendingSignIn) {
	sent, err := a.sendSMSTo(r, &pending)
	var invalid *workos.ValidationError
	switch {
	case errors.As(err, &invalid):
		current.Problem = problem{Text: "That is not a phone number. Type it in with its country code, such as +1 500 555 0006."}
		show(w, http.StatusUnprocessableEntity, current)
	case err != nil:
		a.handleResult(w, r, current, nil, err)
	default:
		pending.Step, pending.SMSID, pending.PhoneNumber = stepSMSCheck, sent.VerificationID, sent.PhoneNumber
		a.redirectToStep(w, r, pending)
	}
}

// sendSMSTo sends a code. WorkOS needs the user's ID for that. If the check did not name the user, the address does.
func (a *application) sendSMSTo(r *http.Request, pending *pendingSignIn) (*workos.RadarSMSChallenge, error) {
	if pending.UserID == "" {
		for user, err := range a.workos.ListUsers(r.Context(), workos.ListUsersParams{Email: pending.Email}) {
			if err != nil {
				return nil, err
			}
			pending.UserID = user.ID // an address has one user at most
		}
	}
	return a.workos.SendRadarSMSChallenge(r.Context(), workos.SendRadarSMSChallengeParams{
		UserID: pending.UserID, PendingAuthenticationToken: pending.Token, PhoneNumber: pending.PhoneNumber, UserAgent: r.UserAgent(),
	})
}

// smsScreen offers a new code if the user has typed the number. If WorkOS has the number, this application does not know it.
func smsScreen(pending pendingSignIn) screen {
	s := screen{page: smsPage, code: codeFromCheck, PhoneNumber: pending.PhoneNumber, Resent: pending.Resent}
	if pending.PhoneNumber != "" {
		s.code = codeFromSMS
	}
	return s
}

func (a *application) showSMSCheck(w http.ResponseWriter, _ *http.Request, pending pendingSignIn) {
	show(w, http.StatusOK, smsScreen(pending))
}

func (a *application) submitSMSCheck(w http.ResponseWriter, r *http.Request, pending pendingSignIn) {
	auth, err := a.workos.AuthenticateWithRadarSMSChallenge(r.Context(), workos.AuthenticateWithRadarSMSChallengeParams{
		PendingAuthenticationToken: pending.Token, VerificationID: pending.SMSID, PhoneNumber: pending.PhoneNumber,
		Code: codeField(r), UserAgent: r.UserAgent(),
	})
	a.handleResult(w, r, smsScreen(pending), auth, err)
}

// resendSMS sends another code to the same number.
func (a *application) resendSMS(w http.ResponseWriter, r *http.Request, pending pendingSignIn) {
	current := smsScreen(pending)
	pending.Resent = true
	a.sendSMS(w, r, current, pending)
}

// changePhone asks for another number.
func (a *application) changePhone(w http.ResponseWriter, r *http.Request, pending pendingSignIn) {
	pending.Step, pending.Resent = stepPhone, false
	a.redirectToStep(w, r, pending)
}
