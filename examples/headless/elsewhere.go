// Ways in that this application has no page for: single sign-on, other providers, and WorkOS's own pages.

package main

import (
	"net/http"
	"slices"

	"github.com/authkit-go/authkit"
)

// provider is an account elsewhere that somebody can sign in with.
type provider struct {
	Method string // as organization_authentication_methods_required has it
	ID     string // as an authorization request has it
	Name   string
}

var providers = []provider{
	{"google_oauth", "GoogleOAuth", "Google"},
	{"microsoft_oauth", "MicrosoftOAuth", "Microsoft"},
	{"github_oauth", "GitHubOAuth", "GitHub"},
	{"apple_oauth", "AppleOAuth", "Apple"},
}

func (p provider) path() string { return "/login/with/" + p.Method }

// way is a way of signing in that an organization permits.
type way struct{ Path, Label string }

// showMethods tells somebody who has signed in otherwise which ways their organization permits.
func (a *application) showMethods(w http.ResponseWriter, _ *http.Request, f flow) {
	at := screen{page: methodsPage, Email: f.Email}
	if f.Connection != "" {
		at.Ways = append(at.Ways, way{stepSSO, "Your organization’s single sign-on"})
	}
	for _, p := range providers {
		if slices.Contains(f.Methods, p.Method) {
			at.Ways = append(at.Ways, way{p.path(), "Continue with " + p.Name})
		}
	}
	if slices.Contains(f.Methods, "magic_auth") {
		at.Ways = append(at.Ways, way{"/login/code", "A code by email"})
	}
	if slices.Contains(f.Methods, "password") {
		at.Ways = append(at.Ways, way{"/login", "Your password"})
	}
	show(w, http.StatusOK, at)
}

// singleSignOn sends a browser to the connection that the sign-in has to take.
func (a *application) singleSignOn() func(http.ResponseWriter, *http.Request, flow) {
	login := a.authkit.LoginFunc(func(r *http.Request) authkit.LoginParams {
		params := a.hints(r)
		params.Connection = a.flow(r).Connection
		return params
	})
	return func(w http.ResponseWriter, r *http.Request, _ flow) { login.ServeHTTP(w, r) }
}

// elsewhere sends a browser to an identity provider, or to WorkOS's own pages if provider is empty.
func (a *application) elsewhere(provider string) http.Handler {
	return a.authkit.LoginFunc(func(r *http.Request) authkit.LoginParams {
		params := a.hints(r)
		params.Provider = provider
		return params
	})
}

func (a *application) showElsewhere(w http.ResponseWriter, _ *http.Request, f flow) {
	show(w, http.StatusOK, screen{page: elsewherePage, Email: f.Email})
}
