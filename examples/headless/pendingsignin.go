// The pending sign-in: what the application must know between two steps. It is kept in a sealed cookie, which the browser
// cannot read or change, and never in a form or a URL.

package main

import (
	"net/http"
	"slices"

	"github.com/authkit-go/authkit"
)

// The steps of a sign-in. Each is the path of the page where the user completes the step.
const (
	stepCode         = "/login/code/enter"
	stepVerify       = "/login/verify"
	stepEnroll       = "/login/authenticator"
	stepTOTP         = "/login/totp"
	stepMailCheck    = "/login/check/mail"
	stepPhone        = "/login/check/phone"
	stepSMSCheck     = "/login/check/sms"
	stepOrganization = "/login/organization"
	stepMethods      = "/login/methods"
	stepSSO          = "/login/sso"
	stepHosted       = "/login/hosted-step"
	stepReset        = "/reset-password"
	stepInvitation   = "/invitation"
)

// pendingSignIn is a sign-in between two steps. The step determines which fields are set.
type pendingSignIn struct {
	Step     string `json:",omitempty"`
	ReturnTo string `json:",omitempty"` // the page to show after the sign-in

	Email          string   `json:",omitempty"`
	UserID         string   `json:",omitempty"`
	Token          string   `json:",omitempty"` // WorkOS's pending_authentication_token
	VerificationID string   `json:",omitempty"` // of the email with the code
	Resent         bool     `json:",omitempty"` // the code was sent again
	FactorID       string   `json:",omitempty"` // of the authenticator app
	Secret         string   `json:",omitempty"` // of an authenticator app in enrollment
	ChallengeID    string   `json:",omitempty"` // of the challenge that the code of the app or of Radar's email answers
	PhoneNumber    string   `json:",omitempty"` // the number that the user typed for Radar's SMS
	SMSID          string   `json:",omitempty"` // of the SMS with the code: WorkOS's verification_id
	ConnectionID   string   `json:",omitempty"` // of the SSO connection
	Methods        []string `json:",omitempty"` // the sign-in methods that the organization permits
	ResetToken     string   `json:",omitempty"` // of a password reset

	// InvitationToken is the invitation that the sign-in accepts. A step with a Token has none: WorkOS keeps the invitation then.
	InvitationToken string `json:",omitempty"`
}

// pending returns this browser's pending sign-in, or the zero value if there is none.
func (a *application) pending(r *http.Request) pendingSignIn {
	var pending pendingSignIn
	if a.authkit.LoadStep(r, &pending) != nil {
		return pendingSignIn{}
	}
	return pending
}

// savePending replaces this browser's pending sign-in. If that fails, it responds with an error and returns false.
func (a *application) savePending(w http.ResponseWriter, r *http.Request, pending pendingSignIn) bool {
	err := a.authkit.SaveStep(w, pending)
	if err != nil {
		a.authkit.Fail(w, r, err)
	}
	return err == nil
}

// redirectToStep saves the pending sign-in and redirects to the page of its step.
func (a *application) redirectToStep(w http.ResponseWriter, r *http.Request, pending pendingSignIn) {
	if a.savePending(w, r, pending) {
		http.Redirect(w, r, pending.Step, http.StatusSeeOther)
	}
}

// requireStep passes the pending sign-in to a handler if it is at one of the steps. Otherwise the user starts over: the
// sign-in took more than ten minutes, or another tab started a new one.
func (a *application) requireStep(handler func(http.ResponseWriter, *http.Request, pendingSignIn), steps ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		pending := a.pending(r)
		if !slices.Contains(steps, pending.Step) {
			a.startOver(w, r, "This sign-in took too long, or it continued in another tab. Please start again.")
			return
		}
		handler(w, r, pending)
	}
}

// startOver shows the sign-in page with the reason. Of the pending sign-in only the return path is kept.
func (a *application) startOver(w http.ResponseWriter, r *http.Request, reason string) {
	if a.savePending(w, r, pendingSignIn{ReturnTo: a.pending(r).ReturnTo}) {
		page := signInScreen("")
		page.Problem.Text = reason
		show(w, http.StatusBadRequest, page)
	}
}

// cancel cancels the pending sign-in and redirects to the sign-in page.
func (a *application) cancel(w http.ResponseWriter, r *http.Request) {
	pending := a.pending(r)
	if pending.Step == stepEnroll {
		a.takeBackFactor(r, pending.FactorID)
	}
	if a.savePending(w, r, pendingSignIn{ReturnTo: pending.ReturnTo}) {
		http.Redirect(w, r, "/login", http.StatusSeeOther)
	}
}

// loginParams returns the parameters of an authorization request that continues the pending sign-in.
func (a *application) loginParams(r *http.Request) authkit.LoginParams {
	pending := a.pending(r)
	return authkit.LoginParams{LoginHint: pending.Email, ReturnTo: pending.ReturnTo, InvitationToken: pending.continuedInvitation()}
}

// continuedInvitation returns the invitation that a sign-in on pages of WorkOS or of an identity provider accepts. A user who
// has left the page of the invitation, or that of the code, starts such a sign-in without it.
func (p pendingSignIn) continuedInvitation() string {
	if p.Step == stepInvitation || p.Step == stepCode {
		return ""
	}
	return p.InvitationToken
}
