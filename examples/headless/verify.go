// Email verification: WorkOS has mailed a code, and the sign-in waits for it.

package main

import (
	"net/http"

	"github.com/authkit-go/authkit/workos"
)

func verificationScreen(f flow) screen {
	return screen{page: codePage, code: byMail, Action: stepVerify, Email: f.Email, Resent: f.Resent, Renewable: f.Verification != ""}
}

func (a *application) showVerification(w http.ResponseWriter, _ *http.Request, f flow) {
	show(w, http.StatusOK, verificationScreen(f))
}

func (a *application) answerVerification(w http.ResponseWriter, r *http.Request, f flow) {
	auth, err := a.workos.AuthenticateWithEmailVerification(r.Context(), workos.AuthenticateWithEmailVerificationParams{
		PendingAuthenticationToken: f.Pending, Code: typedCode(r), UserAgent: r.UserAgent(),
	})
	a.next(w, r, verificationScreen(f), auth, err)
}

// resendVerification mails another code, which the same sign-in goes on with. Whose it is, is known from the first.
func (a *application) resendVerification(w http.ResponseWriter, r *http.Request, f flow) {
	sent, err := a.workos.GetEmailVerification(r.Context(), f.Verification)
	if err == nil {
		_, err = a.workos.SendEmailVerification(r.Context(), sent.UserID)
	}
	if err != nil {
		a.next(w, r, verificationScreen(f), nil, err)
		return
	}
	f.Resent = true
	a.goTo(w, r, f)
}
