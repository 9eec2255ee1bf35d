// Password reset: a link by email, which leads to a page for a new password.

package main

import (
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/authkit-go/authkit/workos"
)

// maxResetToken limits the length of a reset token. WorkOS's tokens are much shorter.
const maxResetToken = 512

func resetRequestScreen(email string) screen { return screen{page: resetRequestPage, Email: email} }

func (a *application) showResetRequest(w http.ResponseWriter, r *http.Request) {
	show(w, http.StatusOK, resetRequestScreen(a.pending(r).Email))
}

// requestReset sends the link. WorkOS returns an error if there is no account, or if it may not have a password. The
// response is the same in all cases, so that an attacker cannot find out.
func (a *application) requestReset(w http.ResponseWriter, r *http.Request) {
	email := emailField(r)
	_, err := a.workos.CreatePasswordReset(r.Context(), email)
	switch code := workos.ErrorCode(err); {
	case workos.IsNotFound(err):
	case code == workos.CodePasswordResetNotAllowed, code == workos.CodeEmailPasswordAuthDisabled:
		slog.InfoContext(r.Context(), "no password reset was sent", slog.Any("error", err))
	case err != nil:
		a.handleResult(w, r, resetRequestScreen(email), nil, err)
		return
	}
	http.Redirect(w, r, "/forgot/sent", http.StatusSeeOther)
}

func (a *application) showResetSent(w http.ResponseWriter, _ *http.Request) {
	show(w, http.StatusOK, screen{page: resetSentPage})
}

// showNewPassword shows the form for the new password. It first moves the token from the URL into the cookie and
// redirects, so that no page has the token in its URL. Opening the link does not consume the token, since mail scanners
// open links, too.
func (a *application) showNewPassword(w http.ResponseWriter, r *http.Request) {
	if token := r.URL.Query().Get("token"); token != "" && len(token) <= maxResetToken {
		w.Header().Set("Referrer-Policy", "no-referrer")
		a.redirectToStep(w, r, pendingSignIn{Step: stepReset, ResetToken: token})
		return
	}
	if a.pending(r).Step != stepReset {
		showBadLink(w)
		return
	}
	show(w, http.StatusOK, screen{page: newPasswordPage})
}

func (a *application) submitNewPassword(w http.ResponseWriter, r *http.Request) {
	pending := a.pending(r)
	if pending.Step != stepReset {
		showBadLink(w)
		return
	}
	_, err := a.workos.ConfirmPasswordReset(r.Context(), workos.ConfirmPasswordResetParams{
		Token: pending.ResetToken, NewPassword: r.PostForm.Get("password"),
	})
	switch {
	case isBadLink(err):
		a.authkit.ClearStep(w)
		showBadLink(w)
	case err != nil:
		a.handleResult(w, r, screen{page: newPasswordPage}, nil, err)
	default:
		// A reset does not sign in: it proves access to the email address, but not the second factor.
		a.authkit.ClearStep(w)
		http.Redirect(w, r, stepReset+"/done", http.StatusSeeOther)
	}
}

func (a *application) showResetDone(w http.ResponseWriter, _ *http.Request) {
	show(w, http.StatusOK, screen{page: resetDonePage})
}

// showBadLink offers the user a new link.
func showBadLink(w http.ResponseWriter) {
	page := resetRequestScreen("")
	page.Problem.Text = "That link no longer works. It was used already, or it has expired. Get a new one here."
	show(w, http.StatusBadRequest, page)
}

// isBadLink reports whether the token is invalid. WorkOS uses the same error for a password that is too weak.
func isBadLink(err error) bool {
	var reset *workos.PasswordResetError
	if !errors.As(err, &reset) {
		return workos.IsNotFound(err)
	}
	return len(reset.Reasons) == 0 || slices.ContainsFunc(reset.Reasons, func(reason workos.ErrorDetail) bool {
		return strings.Contains(reason.Code, "token")
	})
}
