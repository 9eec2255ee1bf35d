// Login: the way into AuthKit, and what the browser remembers of it.

package authkit

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/authkit-go/authkit/workos"
)

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

// Login returns the handler that sends a browser to AuthKit to sign in, and
// afterwards back to the path in the query's return_to, or to "/". It is
// mounted as GET /login, and as often as an application likes:
//
//	mux.Handle("GET /login", ak.Login())
//	mux.Handle("GET /signup", ak.Login(authkit.ScreenHint("sign-up")))
//
// It reads nothing else from the request; what is to vary by request comes
// from [PerRequest]. Any method but GET is answered 405. A script or an image
// of another origin's page is answered 403, since it cannot lead anybody
// anywhere. So is such a page that loads Login in a frame, an object or an embed,
// and so is a prefetch: no person has opened the page yet.
//
// The cookies of the sign-ins that one browser has under way take less than
// 4 KB together. Where a new one needs room, those that took longer than
// [WithSignInTimeout] are dropped first. Of the others, older ones lose the query
// of the page that they lead to, then its path, and are dropped last. Those that
// a page of another origin started go first. Such a page never drops one that
// this site itself started and that can still be finished: where there is no
// other room, the answer is 403 with a link to sign in.
//
// Login panics if no redirect URL is configured, or if the options contradict
// each other: mounting it then is a mistake in the program.
func (a *AuthKit) Login(opts ...LoginOption) http.Handler {
	a.mustRedirect("Login")
	opts = slices.Concat(a.loginOptions, opts)
	if problem := checkLoginOptions(opts); problem != "" {
		panic("authkit: Login: " + problem)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !a.acceptsSignIn(w, r) {
			return
		}
		s := newSignIn(a.redirectURL, r, opts)
		if target := r.URL.Query().Get("return_to"); target != "" {
			s.returnTo = ReturnPath(target)
		}
		a.startSignIn(w, r, s)
	})
}

// acceptsSignIn reports whether a request may start or finish a sign-in. It
// answers those that may not: another method than GET, a prefetch, and what
// another origin's page fetches without going there.
func (a *AuthKit) acceptsSignIn(w http.ResponseWriter, r *http.Request) bool {
	if !a.onlyMethod(w, r, http.MethodGet) {
		return false
	}
	mode := r.Header.Get("Sec-Fetch-Mode")
	switch {
	case isPrefetch(r):
		a.fail(w, r, ErrPrefetch, "")
	case isCrossOrigin(r) && mode != "" && mode != "navigate":
		a.fail(w, r, fmt.Errorf("%w: it fetched the login or callback path", ErrCrossOrigin), "")
	default:
		return true
	}
	return false
}

// isCrossOrigin reports whether a page of another origin has caused a request
// (Fetch Metadata, https://www.w3.org/TR/fetch-metadata/). A browser that does
// not say counts as this site's own.
func isCrossOrigin(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return site == "cross-site" || site == "same-site"
}

// isFrame reports whether a browser loads a page into another one (Fetch
// Metadata, https://www.w3.org/TR/fetch-metadata/#sec-fetch-dest-header).
func isFrame(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Dest") {
	case "iframe", "frame", "object", "embed", "fencedframe":
		return true
	}
	return false
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

// loginLink is the address of a new sign-in that comes back to a page.
func (a *AuthKit) loginLink(returnTo string) string {
	if returnTo == "" || returnTo == "/" {
		return a.loginPath
	}
	return a.loginPath + "?return_to=" + url.QueryEscape(returnTo)
}

// onlyMethod refuses every method but one. A ServeMux pattern for GET serves
// HEAD too, and link scanners that send it must not use anything up.
func (a *AuthKit) onlyMethod(w http.ResponseWriter, r *http.Request, method string) bool {
	if r.Method == method {
		return true
	}
	w.Header().Set("Allow", method)
	a.fail(w, r, fmt.Errorf("%w: %s", ErrMethod, r.Method), "")
	return false
}

func (a *AuthKit) mustRedirect(handler string) {
	if a.redirectURL == "" {
		panic("authkit: " + handler + " needs WithRedirectURL (WORKOS_REDIRECT_URI)")
	}
}
