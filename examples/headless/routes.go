// The whole application: which page and which form is where.

package main

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/examples/internal/demo"
	"github.com/authkit-go/authkit/workos"
)

const (
	// maxForm is more than any form here needs.
	maxForm = 64 << 10
	// patience is how long a person waits for a page.
	patience = 10 * time.Second
)

// application has no state of its own: what there is, is in cookies and at WorkOS.
type application struct {
	authkit *authkit.AuthKit // makes sessions, and what is remembered on the way to one
	workos  *workos.Client   // tells who somebody is
}

// options are what authkit has to know of the pages.
func (a *application) options() []authkit.Option {
	return []authkit.Option{authkit.WithSignInPage(), authkit.WithErrorHandler(a.fail)}
}

// routes is the whole application.
func (a *application) routes() http.Handler {
	mux := http.NewServeMux()

	// Ways in.
	mux.HandleFunc("GET /login", a.showSignIn)
	mux.Handle("POST /login", a.form(a.signIn, "email", "password"))
	mux.HandleFunc("GET /signup", a.showSignUp)
	mux.Handle("POST /signup", a.form(a.signUp, "email", "password"))
	mux.HandleFunc("GET /login/code", a.showCodeRequest)
	mux.Handle("POST /login/code", a.form(a.requestCode, "email"))
	mux.HandleFunc("GET /forgot", a.showForgotten)
	mux.Handle("POST /forgot", a.form(a.forgotten, "email"))
	mux.HandleFunc("GET /forgot/sent", a.showForgottenSent)

	// Their next steps. Each is open to a sign-in that has come to it, and to no other.
	mux.HandleFunc("GET "+stepCode, a.at(a.showCode, stepCode))
	mux.Handle("POST "+stepCode, a.form(a.at(a.answerCode, stepCode), "code"))
	mux.Handle("POST "+stepCode+"/again", a.form(a.at(a.resendCode, stepCode)))
	mux.HandleFunc("GET "+stepVerify, a.at(a.showVerification, stepVerify))
	mux.Handle("POST "+stepVerify, a.form(a.at(a.answerVerification, stepVerify), "code"))
	mux.Handle("POST "+stepVerify+"/again", a.form(a.at(a.resendVerification, stepVerify)))
	mux.HandleFunc("GET "+stepEnroll, a.at(a.showEnrollment, stepEnroll))
	mux.Handle("POST "+stepEnroll+"/new", a.form(a.at(a.enroll, stepEnroll)))
	mux.Handle("POST "+stepEnroll, a.form(a.at(a.answerEnrollment, stepEnroll), "code"))
	mux.HandleFunc("GET "+stepTOTP, a.at(a.showTOTP, stepTOTP))
	mux.Handle("POST "+stepTOTP, a.form(a.at(a.answerTOTP, stepTOTP), "code"))
	mux.HandleFunc("GET "+stepOrganization, a.at(a.showOrganizations, stepOrganization))
	mux.Handle("POST "+stepOrganization, a.form(a.at(a.chooseOrganization, stepOrganization), "organization_id"))
	mux.HandleFunc("GET "+stepMethods, a.at(a.showMethods, stepMethods))
	mux.HandleFunc("GET "+stepElsewhere, a.at(a.showElsewhere, stepElsewhere))
	mux.HandleFunc("GET "+stepReset, a.showReset)
	mux.Handle("POST "+stepReset, a.form(a.reset, "password"))
	mux.HandleFunc("GET "+stepReset+"/done", a.showResetDone)
	mux.Handle("POST /login/cancel", a.form(a.cancel))

	// Ways in that lead over pages of WorkOS or an identity provider, and the way back from there.
	mux.HandleFunc("GET "+stepSSO, a.at(a.singleSignOn(), stepSSO, stepMethods))
	mux.Handle("GET /login/hosted", a.elsewhere(""))
	for _, p := range providers {
		mux.Handle("GET "+p.path(), a.elsewhere(p.ID))
	}
	mux.Handle("GET /callback", a.authkit.Callback())
	mux.Handle("POST /logout", a.authkit.Logout())

	// What it is all for.
	mux.HandleFunc("GET /{$}", home)
	mux.Handle("GET /account", a.authkit.RequireAuth(http.HandlerFunc(account)))
	mux.Handle("GET /api/me", a.authkit.RequireAuth(http.HandlerFunc(me)))
	mux.HandleFunc("GET /style.css", demo.Style)
	mux.HandleFunc("GET /healthz", demo.Healthy)
	return a.authkit.Middleware(mux)
}

// form lets a handler have a form that was posted from a page of this application, with all of the fields required
// filled in. Browsers see to that too, so whoever comes without needs no more than a word.
func (a *application) form(handler http.HandlerFunc, required ...string) http.Handler {
	return a.authkit.RefuseCrossOrigin(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if err := r.ParseForm(); err != nil {
			show(w, http.StatusBadRequest, screen{page: failurePage, Title: "This form could not be read", Text: "Please go back and send it again."})
			return
		}
		for _, field := range required {
			if strings.TrimSpace(r.PostForm.Get(field)) == "" {
				show(w, http.StatusUnprocessableEntity, screen{page: failurePage, Title: "Something is missing", Text: "Please go back and fill in every field."})
				return
			}
		}
		ctx, cancel := context.WithTimeout(r.Context(), patience)
		defer cancel()
		handler(w, r.WithContext(ctx))
	}))
}

// home does well without a session.
func home(w http.ResponseWriter, r *http.Request) {
	session, _ := authkit.FromContext(r.Context())
	demo.ShowHome(w, session, authkit.ErrorFromContext(r.Context()))
}

// account runs behind RequireAuth, so there is a session.
func account(w http.ResponseWriter, r *http.Request) {
	session, _ := authkit.FromContext(r.Context())
	demo.ShowAccount(w, session)
}

// me is account for programs.
func me(w http.ResponseWriter, r *http.Request) {
	session, _ := authkit.FromContext(r.Context())
	demo.WriteMe(w, session)
}
