// Magic Auth: a code by email instead of a password.

package main

import (
	"net/http"

	"github.com/authkit-go/authkit/workos"
)

func codeRequestScreen(email string) screen { return screen{page: codeRequestPage, Email: email} }

func codeScreen(pending pendingSignIn) screen {
	return screen{
		page: codePage, code: codeFromEmail, Action: stepCode, Email: pending.Email, Resent: pending.Resent, CanResend: true,
		invitationToken: pending.InvitationToken,
	}
}

func (a *application) showCodeRequest(w http.ResponseWriter, r *http.Request) {
	show(w, http.StatusOK, codeRequestScreen(a.pending(r).Email))
}

func (a *application) requestCode(w http.ResponseWriter, r *http.Request) {
	pending := pendingSignIn{Step: stepCode, ReturnTo: a.pending(r).ReturnTo, Email: emailField(r)}
	if err := a.sendCode(r, pending); err != nil {
		a.handleResult(w, r, codeRequestScreen(pending.Email), nil, err)
		return
	}
	a.redirectToStep(w, r, pending)
}

// sendCode sends a code by email. For an unknown address WorkOS creates an account. If sign-up is not allowed, the user
// sees the same page, so that the response does not reveal whether an account exists. No code is correct then.
func (a *application) sendCode(r *http.Request, pending pendingSignIn) error {
	_, err := a.workos.CreateMagicAuth(r.Context(), workos.CreateMagicAuthParams{
		Email: pending.Email, InvitationToken: pending.InvitationToken, UserAgent: r.UserAgent(),
	})
	if workos.ErrorCode(err) == workos.CodeSignUpNotAllowed {
		return nil
	}
	return err
}

func (a *application) showCode(w http.ResponseWriter, _ *http.Request, pending pendingSignIn) {
	show(w, http.StatusOK, codeScreen(pending))
}

func (a *application) submitCode(w http.ResponseWriter, r *http.Request, pending pendingSignIn) {
	auth, err := a.workos.AuthenticateWithMagicAuth(r.Context(), workos.AuthenticateWithMagicAuthParams{
		Email: pending.Email, Code: codeField(r), InvitationToken: pending.InvitationToken, UserAgent: r.UserAgent(),
	})
	a.handleResult(w, r, codeScreen(pending), auth, err)
}

func (a *application) resendCode(w http.ResponseWriter, r *http.Request, pending pendingSignIn) {
	if err := a.sendCode(r, pending); err != nil {
		a.handleResult(w, r, codeScreen(pending), nil, err)
		return
	}
	pending.Resent = true
	a.redirectToStep(w, r, pending)
}
