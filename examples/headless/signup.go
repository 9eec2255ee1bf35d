// Sign-up: a new account with a password.
//
// The response reveals whether an address has an account, since an address can have only one. If your application must
// not reveal that, let users sign up with a code (magicauth.go): its responses are the same in both cases.

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
	email := emailField(r)
	next := signInScreen(email)
	a.createAccount(w, r, screen{page: signUpPage, Email: email}, next)
}

// createAccount creates an account for the email address of page, with the names and the password in the form, and signs in
// with it. If the sign-in fails, it shows next, which asks for the password again.
func (a *application) createAccount(w http.ResponseWriter, r *http.Request, page, next screen) {
	page.FirstName = strings.TrimSpace(r.PostForm.Get("first_name"))
	page.LastName = strings.TrimSpace(r.PostForm.Get("last_name"))
	_, err := a.workos.CreateUser(r.Context(), workos.CreateUserParams{
		Email:     page.Email,
		FirstName: page.FirstName,
		LastName:  page.LastName,
		Password:  workos.Password{Plain: r.PostForm.Get("password")},
		UserAgent: r.UserAgent(),
	})
	if err != nil {
		a.handleResult(w, r, page, nil, err)
		return
	}
	// The account exists. The next step of its sign-in is usually the verification of the address.
	next.Info = "Your account has been created. Sign in with your password."
	a.signInWithPassword(w, r, next)
}
