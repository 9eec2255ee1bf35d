// Sign-in methods without a form in this application: single sign-on, other providers, and WorkOS's hosted pages.

package main

import (
	"net/http"
	"slices"

	"github.com/authkit-go/authkit"
)

// provider is an identity provider that users can sign in with.
type provider struct {
	Method string // its name in the error organization_authentication_methods_required
	ID     string // its name in an authorization request
	Name   string
}

var providers = []provider{
	{"google_oauth", "GoogleOAuth", "Google"},
	{"microsoft_oauth", "MicrosoftOAuth", "Microsoft"},
	{"github_oauth", "GitHubOAuth", "GitHub"},
	{"apple_oauth", "AppleOAuth", "Apple"},
}

func (p provider) path() string { return "/login/with/" + p.Method }

// method is a sign-in method that an organization permits, and the page where it starts.
type method struct{ Path, Label string }

// showMethods shows the sign-in methods that the user's organization permits.
func (a *application) showMethods(w http.ResponseWriter, _ *http.Request, pending pendingSignIn) {
	page := screen{page: methodsPage, Email: pending.Email}
	if pending.ConnectionID != "" {
		page.Methods = append(page.Methods, method{stepSSO, "Your organization’s single sign-on"})
	}
	for _, p := range providers {
		if slices.Contains(pending.Methods, p.Method) {
			page.Methods = append(page.Methods, method{p.path(), "Continue with " + p.Name})
		}
	}
	code, password := "/login/code", "/login"
	if pending.InvitationToken != "" {
		code, password = stepInvitation, stepInvitation
	}
	if slices.Contains(pending.Methods, "magic_auth") {
		page.Methods = append(page.Methods, method{code, "A code by email"})
	}
	if slices.Contains(pending.Methods, "password") {
		page.Methods = append(page.Methods, method{password, "Your password"})
	}
	show(w, http.StatusOK, page)
}

// startSSO returns a handler that redirects the browser to the SSO connection that the sign-in must use.
func (a *application) startSSO() func(http.ResponseWriter, *http.Request, pendingSignIn) {
	login := a.authkit.LoginFunc(func(r *http.Request) authkit.LoginParams {
		params := a.loginParams(r)
		params.Connection = a.pending(r).ConnectionID
		return params
	})
	return func(w http.ResponseWriter, r *http.Request, _ pendingSignIn) { login.ServeHTTP(w, r) }
}

// loginWith returns a handler that redirects the browser to an identity provider, or to WorkOS's hosted pages if provider
// is empty.
func (a *application) loginWith(provider string) http.Handler {
	return a.authkit.LoginFunc(func(r *http.Request) authkit.LoginParams {
		params := a.loginParams(r)
		params.Provider = provider
		return params
	})
}

// showHostedStep explains why the next step is on a page of WorkOS.
func (a *application) showHostedStep(w http.ResponseWriter, _ *http.Request, pending pendingSignIn) {
	show(w, http.StatusOK, screen{page: hostedStepPage, Email: pending.Email})
}
