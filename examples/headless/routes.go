// The routes of the application: its pages and its forms.

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
	// maxFormSize is larger than every form of this application.
	maxFormSize = 64 << 10
	// callTimeout limits the calls to WorkOS for one page.
	callTimeout = 10 * time.Second
)

// application keeps nothing in memory: sessions and pending sign-ins are in cookies.
type application struct {
	authkit *authkit.AuthKit // creates the sessions and stores pending sign-ins
	workos  *workos.Client   // authenticates the users

	unfinished unfinishedFactors
}

// options returns the options for an application with its own sign-in and error pages.
func (a *application) options() []authkit.Option {
	return []authkit.Option{authkit.WithSignInPage(), authkit.WithErrorHandler(a.handleFailure)}
}

// routes returns the handler of the whole application.
func (a *application) routes() http.Handler {
	mux := http.NewServeMux()

	// The first pages of a sign-in, a sign-up and a password reset.
	mux.HandleFunc("GET /login", a.showSignIn)
	mux.Handle("POST /login", a.form(a.signIn, "email", "password"))
	mux.HandleFunc("GET /signup", a.showSignUp)
	mux.Handle("POST /signup", a.form(a.signUp, "email", "password"))
	mux.HandleFunc("GET /login/code", a.showCodeRequest)
	mux.Handle("POST /login/code", a.form(a.requestCode, "email"))
	mux.HandleFunc("GET /forgot", a.showResetRequest)
	mux.Handle("POST /forgot", a.form(a.requestReset, "email"))
	mux.HandleFunc("GET /forgot/sent", a.showResetSent)

	// The next steps. Each needs a pending sign-in at that step. A sign-in can be cancelled at every step.
	mux.Handle("POST /login/cancel", a.form(a.cancel))
	mux.HandleFunc("GET "+stepCode, a.requireStep(a.showCode, stepCode))
	mux.Handle("POST "+stepCode, a.form(a.requireStep(a.submitCode, stepCode), "code"))
	mux.Handle("POST "+stepCode+"/again", a.form(a.requireStep(a.resendCode, stepCode)))
	mux.HandleFunc("GET "+stepVerify, a.requireStep(a.showVerification, stepVerify))
	mux.Handle("POST "+stepVerify, a.form(a.requireStep(a.submitVerification, stepVerify), "code"))
	mux.Handle("POST "+stepVerify+"/again", a.form(a.requireStep(a.resendVerification, stepVerify)))
	mux.HandleFunc("GET "+stepEnroll, a.requireStep(a.showEnrollment, stepEnroll))
	mux.Handle("POST "+stepEnroll+"/new", a.form(a.requireStep(a.enroll, stepEnroll)))
	mux.Handle("POST "+stepEnroll, a.form(a.requireStep(a.submitEnrollment, stepEnroll), "code"))
	mux.HandleFunc("GET "+stepTOTP, a.requireStep(a.showTOTP, stepTOTP))
	mux.Handle("POST "+stepTOTP, a.form(a.requireStep(a.submitTOTP, stepTOTP), "code"))
	mux.HandleFunc("GET "+stepMailCheck, a.requireStep(a.showMailCheck, stepMailCheck))
	mux.Handle("POST "+stepMailCheck, a.form(a.requireStep(a.submitMailCheck, stepMailCheck), "code"))
	mux.HandleFunc("GET "+stepPhone, a.requireStep(a.showPhone, stepPhone))
	mux.Handle("POST "+stepPhone, a.form(a.requireStep(a.submitPhone, stepPhone), "phone_number"))
	mux.HandleFunc("GET "+stepSMSCheck, a.requireStep(a.showSMSCheck, stepSMSCheck))
	mux.Handle("POST "+stepSMSCheck, a.form(a.requireStep(a.submitSMSCheck, stepSMSCheck), "code"))
	mux.Handle("POST "+stepSMSCheck+"/again", a.form(a.requireStep(a.resendSMS, stepSMSCheck)))
	mux.Handle("POST "+stepSMSCheck+"/other", a.form(a.requireStep(a.changePhone, stepSMSCheck)))
	mux.HandleFunc("GET "+stepOrganization, a.requireStep(a.showOrganizations, stepOrganization))
	mux.Handle("POST "+stepOrganization, a.form(a.requireStep(a.submitOrganization, stepOrganization), "organization_id"))
	mux.HandleFunc("GET "+stepMethods, a.requireStep(a.showMethods, stepMethods))
	mux.HandleFunc("GET "+stepHosted, a.requireStep(a.showHostedStep, stepHosted))

	// The page that the link in a password reset email opens.
	mux.HandleFunc("GET "+stepReset, a.showNewPassword)
	mux.Handle("POST "+stepReset, a.form(a.submitNewPassword, "password"))
	mux.HandleFunc("GET "+stepReset+"/done", a.showResetDone)

	// The page that the link in an invitation opens, and the pages on which an administrator invites.
	mux.HandleFunc("GET "+stepInvitation, a.showInvitation)
	mux.Handle("POST "+stepInvitation+"/signup", a.form(a.signUpInvited, "password"))
	mux.Handle("POST "+stepInvitation+"/login", a.form(a.signInInvited, "password"))
	mux.Handle("POST "+stepInvitation+"/code", a.form(a.requestInvitedCode))
	mux.Handle("POST "+stepInvitation+"/join", a.authkit.RequireAuth(a.form(a.join)))
	mux.Handle("GET /team", a.manageMembers(http.HandlerFunc(a.showTeam)))
	mux.Handle("POST /team/invite", a.manageMembers(a.form(a.invite, "email")))
	mux.Handle("POST /team/resend", a.manageMembers(a.form(a.resendInvitation, "invitation_id")))
	mux.Handle("POST /team/revoke", a.manageMembers(a.form(a.revokeInvitation, "invitation_id")))

	// Sign-in on pages of WorkOS or of an identity provider, and the callback that they return to.
	mux.HandleFunc("GET "+stepSSO, a.requireStep(a.startSSO(), stepSSO, stepMethods))
	mux.Handle("GET /login/hosted", a.loginWith(""))
	for _, p := range providers {
		mux.Handle("GET "+p.path(), a.loginWith(p.ID))
	}
	mux.Handle("GET /callback", a.authkit.Callback())
	mux.Handle("POST /logout", a.authkit.Logout())

	// The application itself.
	mux.HandleFunc("GET /{$}", home)
	mux.Handle("GET /account", a.authkit.RequireAuth(http.HandlerFunc(account)))
	mux.Handle("GET /api/me", a.authkit.RequireAuth(http.HandlerFunc(me)))
	mux.HandleFunc("GET /style.css", demo.Style)
	mux.HandleFunc("GET /healthz", demo.Healthy)
	return a.authkit.Middleware(mux)
}

// form wraps the handler of a form. It refuses forms from other origins, limits their size, and checks that the required
// fields are not empty. Browsers check that, too, so a short message is enough here.
func (a *application) form(handler http.HandlerFunc, required ...string) http.Handler {
	return a.authkit.RefuseCrossOrigin(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxFormSize)
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
		ctx, cancel := context.WithTimeout(r.Context(), callTimeout)
		defer cancel()
		handler(w, r.WithContext(ctx))
	}))
}

// home works with and without a session. The error says why a session could not be checked, for example in an outage.
func home(w http.ResponseWriter, r *http.Request) {
	session, _ := authkit.FromContext(r.Context())
	demo.ShowHome(w, session, authkit.ErrorFromContext(r.Context()))
}

// account is behind RequireAuth, so the session exists.
func account(w http.ResponseWriter, r *http.Request) {
	session, _ := authkit.FromContext(r.Context())
	demo.ShowAccount(w, session)
}

// me returns the session as JSON.
func me(w http.ResponseWriter, r *http.Request) {
	session, _ := authkit.FromContext(r.Context())
	demo.WriteMe(w, session)
}
