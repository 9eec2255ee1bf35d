// Email verification: WorkOS sent a code by email, and the sign-in continues with that code.

package main

import (
	"net/http"

	"github.com/authkit-go/authkit/workos"
)

func verificationScreen(pending pendingSignIn) screen {
	return screen{page: codePage, code: codeFromEmail, Action: stepVerify, Email: pending.Email, Resent: pending.Resent, CanResend: pending.VerificationID != ""}
}

func (a *application) showVerification(w http.ResponseWriter, _ *http.Request, pending pendingSignIn) {
	show(w, http.StatusOK, verificationScreen(pending))
}

func (a *application) submitVerification(w http.ResponseWriter, r *http.Request, pending pendingSignIn) {
	auth, err := a.workos.AuthenticateWithEmailVerification(r.Context(), workos.AuthenticateWithEmailVerificationParams{
		PendingAuthenticationToken: pending.Token, Code: codeField(r), UserAgent: r.UserAgent(),
	})
	a.handleResult(w, r, verificationScreen(pending), auth, err)
}

// resendVerification sends another code for the same sign-in. WorkOS needs the user's ID for that, which the first
// verification contains.
func (a *application) resendVerification(w http.ResponseWriter, r *http.Request, pending pendingSignIn) {
	sent, err := a.workos.GetEmailVerification(r.Context(), pending.VerificationID)
	if err == nil {
		_, err = a.workos.SendEmailVerification(r.Context(), sent.UserID)
	}
	if err != nil {
		a.handleResult(w, r, verificationScreen(pending), nil, err)
		return
	}
	pending.Resent = true
	a.redirectToStep(w, r, pending)
}
