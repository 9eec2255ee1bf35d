// Magic Auth: a code by mail in place of a password.

package main

import (
	"net/http"

	"github.com/authkit-go/authkit/workos"
)

func codeRequestScreen(email string) screen { return screen{page: codeRequestPage, Email: email} }

func codeScreen(f flow) screen {
	return screen{page: codePage, code: byMail, Action: stepCode, Email: f.Email, Resent: f.Resent, Renewable: true}
}

func (a *application) showCodeRequest(w http.ResponseWriter, r *http.Request) {
	show(w, http.StatusOK, codeRequestScreen(a.flow(r).Email))
}

func (a *application) requestCode(w http.ResponseWriter, r *http.Request) {
	email := typedEmail(r)
	if err := a.sendCode(r, email); err != nil {
		a.next(w, r, codeRequestScreen(email), nil, err)
		return
	}
	a.goTo(w, r, flow{Step: stepCode, ReturnTo: a.flow(r).ReturnTo, Email: email})
}

// sendCode mails a code. An unknown address becomes an account; where that is not allowed, nobody is told that it was
// unknown: the page is the same, and no code will be right.
func (a *application) sendCode(r *http.Request, email string) error {
	_, err := a.workos.CreateMagicAuth(r.Context(), workos.CreateMagicAuthParams{Email: email, UserAgent: r.UserAgent()})
	if workos.ErrorCode(err) == workos.CodeSignUpNotAllowed {
		return nil
	}
	return err
}

func (a *application) showCode(w http.ResponseWriter, _ *http.Request, f flow) {
	show(w, http.StatusOK, codeScreen(f))
}

func (a *application) answerCode(w http.ResponseWriter, r *http.Request, f flow) {
	auth, err := a.workos.AuthenticateWithMagicAuth(r.Context(), workos.AuthenticateWithMagicAuthParams{
		Email: f.Email, Code: typedCode(r), UserAgent: r.UserAgent(),
	})
	a.next(w, r, codeScreen(f), auth, err)
}

func (a *application) resendCode(w http.ResponseWriter, r *http.Request, f flow) {
	if err := a.sendCode(r, f.Email); err != nil {
		a.next(w, r, codeScreen(f), nil, err)
		return
	}
	f.Resent = true
	a.goTo(w, r, f)
}
