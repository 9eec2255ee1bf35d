// What a sign-in asks of AuthKit.

package authkit

import (
	"net/http"
	"time"

	"github.com/authkit-go/authkit/workos"
)

// throughAuthKit makes a sign-in go through AuthKit's hosted pages, whatever
// [WithLoginOptions] says: only they know max_age.
func throughAuthKit(_ *http.Request, s *signIn) {
	s.params.Provider, s.params.ConnectionID = workos.ProviderAuthKit, ""
}

// LoginOption says what a sign-in asks of AuthKit. It is an option of
// [AuthKit.Login], or of all sign-ins through [WithLoginOptions].
type LoginOption func(*http.Request, *signIn)

// signIn is a sign-in about to start.
type signIn struct {
	params   workos.AuthorizationParams
	returnTo string
	appState string
	// withoutState says that a callback without a state started it.
	withoutState bool
	// replaces is the sign-in that could not be finished and that this one
	// starts again, nil for any other.
	replaces *pendingSignIn
}

// ScreenHint chooses AuthKit's first page: "sign-in" or "sign-up".
func ScreenHint(hint string) LoginOption {
	return func(_ *http.Request, s *signIn) { s.params.ScreenHint = hint }
}

// LoginHint fills in the email address.
func LoginHint(email string) LoginOption {
	return func(_ *http.Request, s *signIn) { s.params.LoginHint = email }
}

// DomainHint tells an identity provider which of its domains is meant.
func DomainHint(domain string) LoginOption {
	return func(_ *http.Request, s *signIn) { s.params.DomainHint = domain }
}

// Prompt asks for a particular interaction, such as "login".
func Prompt(prompt string) LoginOption {
	return func(_ *http.Request, s *signIn) { s.params.Prompt = prompt }
}

// MaxAge asks for a new proof of who the person is if the last one is older
// than d, in whole seconds; zero asks for one in any case.
// [Session.AuthenticatedAt] tells afterwards whether it was given.
func MaxAge(d time.Duration) LoginOption {
	return func(_ *http.Request, s *signIn) {
		seconds := int(d / time.Second)
		s.params.MaxAge = &seconds
	}
}

// InvitationToken accepts an invitation along with the sign-in.
func InvitationToken(token string) LoginOption {
	return func(_ *http.Request, s *signIn) { s.params.InvitationToken = token }
}

// Organization signs in to an organization, org_…. With the hosted pages it
// preselects the organization; with [Provider] or [Connection] it must not be
// combined.
func Organization(id string) LoginOption {
	return func(_ *http.Request, s *signIn) { s.params.OrganizationID = id }
}

// Provider goes straight to an identity provider, such as "GoogleOAuth",
// instead of AuthKit's hosted pages.
func Provider(provider string) LoginOption {
	return func(_ *http.Request, s *signIn) { s.params.Provider = provider }
}

// Connection goes straight to an SSO connection, conn_….
func Connection(id string) LoginOption {
	return func(_ *http.Request, s *signIn) { s.params.ConnectionID, s.params.Provider = id, "" }
}

// ReturnTo is the page to go to after the sign-in, a path on this origin. It
// is what is used where the request names none in return_to.
func ReturnTo(path string) LoginOption {
	return func(_ *http.Request, s *signIn) { s.returnTo = ReturnPath(path) }
}

// State carries a text of the application's own through the sign-in, to
// [SignInEvent]. It travels in a sealed cookie and never in a URL.
func State(state string) LoginOption {
	return func(_ *http.Request, s *signIn) { s.appState = state }
}

// PerRequest decides options for each request: the organization by the host
// name, an invitation token out of the query, and so on.
func PerRequest(options func(*http.Request) []LoginOption) LoginOption {
	if options == nil {
		return nil // refused where it is used
	}
	return func(r *http.Request, s *signIn) {
		if r == nil {
			return // the check at construction: there is no request yet
		}
		for _, opt := range options(r) {
			if opt != nil {
				opt(r, s)
			}
		}
	}
}

// newSignIn applies options; r is nil where there is no request yet.
func newSignIn(redirectURL string, r *http.Request, opts []LoginOption) signIn {
	s := signIn{returnTo: "/"}
	s.params.RedirectURI = redirectURL
	for _, opt := range opts {
		opt(r, &s)
	}
	s.defaultProvider()
	return s
}

func (s *signIn) defaultProvider() {
	if s.params.Provider == "" && s.params.ConnectionID == "" {
		s.params.Provider = workos.ProviderAuthKit
	}
}
