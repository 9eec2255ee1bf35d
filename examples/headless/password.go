// The first page: email address and password.

package main

import (
	"net/http"
	"strings"

	"github.com/authkit-go/authkit/workos"
)

func signInScreen(email string) screen { return screen{page: signInPage, Email: email} }

// showSignIn remembers the page to come back to, which a guard or a link on an error page puts into the query.
func (a *application) showSignIn(w http.ResponseWriter, r *http.Request) {
	target := r.URL.Query().Get("return_to")
	if target == "" || a.remember(w, r, flow{ReturnTo: a.authkit.SanitizeReturnPath(target)}) {
		show(w, http.StatusOK, signInScreen(""))
	}
}

func (a *application) signIn(w http.ResponseWriter, r *http.Request) {
	email := typedEmail(r)
	auth, err := a.workos.AuthenticateWithPassword(r.Context(), workos.AuthenticateWithPasswordParams{
		Email:     email,
		Password:  r.PostForm.Get("password"),
		UserAgent: r.UserAgent(),
	})
	a.next(w, r, signInScreen(email), auth, err)
}

func typedEmail(r *http.Request) string { return strings.TrimSpace(r.PostForm.Get("email")) }
