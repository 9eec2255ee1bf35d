// A new account with a password.
//
// Signing up tells whether an address is taken, since nobody can have one account twice. Where even that must not be
// told, people sign up by a code (magicauth.go), which is the same for everybody.

package main

import (
	"net/http"
	"strings"

	"github.com/authkit-go/authkit/workos"
)

func (a *application) showSignUp(w http.ResponseWriter, _ *http.Request) {
	show(w, http.StatusOK, screen{page: signUpPage})
}

func (a *application) signUp(w http.ResponseWriter, r *http.Request) {
	at := screen{
		page:      signUpPage,
		Email:     typedEmail(r),
		FirstName: strings.TrimSpace(r.PostForm.Get("first_name")),
		LastName:  strings.TrimSpace(r.PostForm.Get("last_name")),
	}
	password := r.PostForm.Get("password")
	_, err := a.workos.CreateUser(r.Context(), workos.CreateUserParams{
		Email:     at.Email,
		FirstName: at.FirstName,
		LastName:  at.LastName,
		Password:  workos.Password{Plain: password},
		UserAgent: r.UserAgent(),
	})
	if err != nil {
		a.next(w, r, at, nil, err)
		return
	}
	// From here on it is a sign-in, which most likely has the address verified next. Should it fail, there is an account
	// all the same: the page to come back to is the one for signing in.
	at = signInScreen(at.Email)
	at.Info = "Your account is made. Sign in to it with your password."
	auth, err := a.workos.AuthenticateWithPassword(r.Context(), workos.AuthenticateWithPasswordParams{
		Email: at.Email, Password: password, UserAgent: r.UserAgent(),
	})
	a.next(w, r, at, auth, err)
}
