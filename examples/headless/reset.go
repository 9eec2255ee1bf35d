// A forgotten password: a link by mail, and a new password on the page that it leads to.

package main

import (
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/authkit-go/authkit/workos"
)

// maxResetToken is far more than WorkOS's have.
const maxResetToken = 512

func forgottenScreen(email string) screen { return screen{page: forgottenPage, Email: email} }

func (a *application) showForgotten(w http.ResponseWriter, r *http.Request) {
	show(w, http.StatusOK, forgottenScreen(a.flow(r).Email))
}

// forgotten answers the same whether there is an account or none, and whether it may have a password or not: WorkOS
// tells, strangers are not told.
func (a *application) forgotten(w http.ResponseWriter, r *http.Request) {
	email := typedEmail(r)
	_, err := a.workos.CreatePasswordReset(r.Context(), email)
	switch code := workos.ErrorCode(err); {
	case workos.IsNotFound(err):
	case code == workos.CodePasswordResetNotAllowed, code == workos.CodeEmailPasswordAuthDisabled:
		slog.InfoContext(r.Context(), "no password reset was sent", slog.Any("error", err))
	case err != nil:
		a.next(w, r, forgottenScreen(email), nil, err)
		return
	}
	http.Redirect(w, r, "/forgot/sent", http.StatusSeeOther)
}

func (a *application) showForgottenSent(w http.ResponseWriter, _ *http.Request) {
	show(w, http.StatusOK, screen{page: forgottenSentPage})
}

// showReset takes the token out of the address before there is a page that could pass the address on. Opening the link
// uses nothing up: mail scanners do that too.
func (a *application) showReset(w http.ResponseWriter, r *http.Request) {
	if token := r.URL.Query().Get("token"); token != "" && len(token) <= maxResetToken {
		w.Header().Set("Referrer-Policy", "no-referrer")
		a.goTo(w, r, flow{Step: stepReset, ResetToken: token})
		return
	}
	if a.flow(r).Step != stepReset {
		a.badLink(w)
		return
	}
	show(w, http.StatusOK, screen{page: newPasswordPage})
}

func (a *application) reset(w http.ResponseWriter, r *http.Request) {
	f := a.flow(r)
	if f.Step != stepReset {
		a.badLink(w)
		return
	}
	_, err := a.workos.ConfirmPasswordReset(r.Context(), workos.ConfirmPasswordResetParams{
		Token: f.ResetToken, NewPassword: r.PostForm.Get("password"),
	})
	switch {
	case isBadLink(err):
		a.authkit.ClearStep(w)
		a.badLink(w)
	case err != nil:
		a.next(w, r, screen{page: newPasswordPage}, nil, err)
	default:
		// Nobody is signed in by this: whoever reads the mail has the address, but not yet a second factor.
		a.authkit.ClearStep(w)
		http.Redirect(w, r, stepReset+"/done", http.StatusSeeOther)
	}
}

func (a *application) showResetDone(w http.ResponseWriter, _ *http.Request) {
	show(w, http.StatusOK, screen{page: resetDonePage})
}

// badLink offers another link.
func (a *application) badLink(w http.ResponseWriter) {
	at := forgottenScreen("")
	at.Problem.Text = "That link does not work any more. It was used, or is too old. Get a new one here."
	show(w, http.StatusBadRequest, at)
}

// isBadLink tells a token that is no good from a password that is too weak: one error stands for both.
func isBadLink(err error) bool {
	var refused *workos.PasswordResetError
	if !errors.As(err, &refused) {
		return workos.IsNotFound(err)
	}
	return len(refused.Reasons) == 0 || slices.ContainsFunc(refused.Reasons, func(reason workos.ErrorDetail) bool {
		return strings.Contains(reason.Code, "token")
	})
}
