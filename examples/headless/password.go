// The sign-in page: email address and password.

package main

import (
	"net/http"
	"strings"

	"github.com/authkit-go/authkit/workos"
)

func signInScreen(email string) screen { return screen{page: signInPage, Email: email} }

// showSignIn shows the form and saves the return path. A guard, or a link on an error page, puts it into the query.
func (a *application) showSignIn(w http.ResponseWriter, r *http.Request) {
	target := r.URL.Query().Get("return_to")
	if target == "" || a.savePending(w, r, pendingSignIn{ReturnTo: a.authkit.SanitizeReturnPath(target)}) {
		show(w, http.StatusOK, signInScreen(""))
	}
}

func (a *application) signIn(w http.ResponseWriter, r *http.Request) {
	a.signInWithPassword(w, r, signInScreen(emailField(r)))
}

// signInWithPassword signs in with the email address of page and the password in the form. If that fails, it shows page again.
func (a *application) signInWithPassword(w http.ResponseWriter, r *http.Request, page screen) {
	auth, err := a.workos.AuthenticateWithPassword(r.Context(), workos.AuthenticateWithPasswordParams{
		Email:           page.Email,
		Password:        r.PostForm.Get("password"),
		InvitationToken: page.invitationToken,
		UserAgent:       r.UserAgent(),
	})
	a.handleResult(w, r, page, auth, err)
}

func emailField(r *http.Request) string { return strings.TrimSpace(r.PostForm.Get("email")) }
