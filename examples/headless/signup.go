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
	page := screen{
		page:      signUpPage,
		Email:     emailField(r),
		FirstName: strings.TrimSpace(r.PostForm.Get("first_name")),
		LastName:  strings.TrimSpace(r.PostForm.Get("last_name")),
	}
	password := r.PostForm.Get("password")
	_, err := a.workos.CreateUser(r.Context(), workos.CreateUserParams{
		Email:     page.Email,
		FirstName: page.FirstName,
		LastName:  page.LastName,
		Password:  workos.Password{Plain: password},
		UserAgent: r.UserAgent(),
	})
	if err != nil {
		a.handleResult(w, r, page, nil, err)
		return
	}
	// The account exists. Sign in with it: the next step is usually the verification of the address. If the sign-in fails,
	// show the sign-in page and not the sign-up page.
	page = signInScreen(page.Email)
	page.Info = "Your account has been created. Sign in with your password."
	auth, err := a.workos.AuthenticateWithPassword(r.Context(), workos.AuthenticateWithPasswordParams{
		Email: page.Email, Password: password, UserAgent: r.UserAgent(),
	})
	a.handleResult(w, r, page, auth, err)
}
