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
	email := emailField(r)
	auth, err := a.workos.AuthenticateWithPassword(r.Context(), workos.AuthenticateWithPasswordParams{
		Email:     email,
		Password:  r.PostForm.Get("password"),
		UserAgent: r.UserAgent(),
	})
	a.handleResult(w, r, signInScreen(email), auth, err)
}

func emailField(r *http.Request) string { return strings.TrimSpace(r.PostForm.Get("email")) }
