// The start of a sign-in: the authorization URL and the pending sign-in.

package authkit

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"time"

	"github.com/authkit-go/authkit/pkce"
	"github.com/authkit-go/authkit/workos"
)

// stateOctets is the number of random octets in a state. An attacker must not guess it
// (RFC 6749, section 10.10).
const stateOctets = 32

// authorizationRequest is a sign-in that is about to start.
type authorizationRequest struct {
	params   workos.AuthorizationParams
	returnTo string
	appState string
	// withoutState is true if a callback without a state started the sign-in.
	withoutState bool
	// replaces is the pending sign-in that this one starts again. It is nil for any
	// other.
	replaces *pendingSignIn
	// restarted and continued say why, as the fields of pendingSignIn do.
	restarted, continued bool
}

// newAuthorizationRequest returns the sign-in with these parameters that a request starts.
func (a *AuthKit) newAuthorizationRequest(r *http.Request, p LoginParams) authorizationRequest {
	request := authorizationRequest{params: p.authorization(a.redirectURLs.of(r).url), returnTo: a.root(), appState: p.AppState}
	if p.ReturnTo != "" {
		request.returnTo = a.SanitizeReturnPath(p.ReturnTo)
	}
	return request
}

// startSignIn sets the cookie of a pending sign-in and redirects the browser to
// AuthKit. It refuses a frame of another origin's page, unless the sign-in replaces
// one of this browser: AuthKit then redirected the frame in which that one started.
func (a *AuthKit) startSignIn(w http.ResponseWriter, r *http.Request, request authorizationRequest) {
	if request.replaces == nil && isCrossOrigin(r) && isFrame(r) {
		a.fail(w, r, fmt.Errorf("%w: it loaded a sign-in into a frame", ErrCrossOriginRefused), "")
		return
	}
	pending := a.newPendingSignIn(r, request)
	request.params.State = pending.state
	request.params.CodeChallenge = pkce.Challenge(pending.verifier)
	location, err := a.client.AuthorizationURL(request.params)
	if err != nil {
		a.failPage(w, r, fmt.Errorf("%w: %w", ErrInvalidLoginParams, err), request.returnTo)
		return
	}
	if err := a.setPendingSignIn(w, r, pending, request.replaces); err != nil {
		a.failPage(w, r, err, request.returnTo)
		return
	}
	if request.withoutState {
		a.cookies.SetRestart(w.Header())
	}
	a.counters.signInsStarted.Add(1)
	a.mistakes.SignInStarted(r, pending.state)
	a.noteConflict(w, r, len(location))
	noStore(w.Header())
	w.Header().Set("Referrer-Policy", "no-referrer")
	if request.replaces != nil && !loadsPage(r) && wantsPage(r) {
		a.loadNext(w, location) // a service worker repeats the callback as a fetch
		return
	}
	seeOther(w, location)
}

// newPendingSignIn returns the pending sign-in of a request, with a new state and a
// new code verifier.
func (a *AuthKit) newPendingSignIn(r *http.Request, request authorizationRequest) pendingSignIn {
	pending := pendingSignIn{
		state:           newState(),
		verifier:        pkce.NewVerifier(),
		returnTo:        request.returnTo,
		appState:        request.appState,
		invitationToken: request.params.InvitationToken,
		startedAt:       a.clock.Now(),
		maxAge:          request.params.MaxAge,
		crossOrigin:     isCrossOrigin(r),
		replaced:        a.sessionToReplace(r),
		params: workos.AuthorizationParams{
			Provider: request.params.Provider, ConnectionID: request.params.ConnectionID, OrganizationID: request.params.OrganizationID,
			ScreenHint: request.params.ScreenHint, LoginHint: request.params.LoginHint, DomainHint: request.params.DomainHint, Prompt: request.params.Prompt,
			ProviderScopes: request.params.ProviderScopes,
		},
	}
	if pending.params.Provider == workos.ProviderAuthKit {
		pending.params.Provider = "" // the default, which startAgain adds again
	}
	if request.replaces != nil {
		pending.restarted, pending.continued = request.restarted, request.continued
		// The request comes from AuthKit, as every callback does. So the origin that
		// started the first sign-in counts, and the session that it found.
		pending.crossOrigin = request.replaces.crossOrigin
		if pending.replaced == nil {
			pending.replaced = request.replaces.replaced
		}
	}
	return pending
}

// restartSignIn starts a pending sign-in again that took too long, with the same
// parameters and the same return path.
func (a *AuthKit) restartSignIn(w http.ResponseWriter, r *http.Request, pending *pendingSignIn) {
	request := a.startAgain(r, pending)
	request.restarted = true
	a.startSignIn(w, r, request)
}

// startAgain returns a sign-in with the parameters and the return path of a pending one,
// which it replaces. AuthKit has returned a code, so an invitation may be accepted already.
func (a *AuthKit) startAgain(r *http.Request, pending *pendingSignIn) authorizationRequest {
	request := authorizationRequest{
		params: pending.params, returnTo: pending.returnTo, appState: pending.appState,
		replaces: pending, restarted: pending.restarted, continued: pending.continued,
	}
	request.params.RedirectURI = a.redirectURLs.of(r).url
	request.params.InvitationToken = pending.openInvitation()
	request.params.MaxAge = pending.maxAge
	if request.params.Provider == "" && request.params.ConnectionID == "" {
		request.params.Provider = workos.ProviderAuthKit
	}
	return request
}

// sessionToReplace returns the session of a request that starts a sign-in, if the
// callback will not have its cookie, and nil otherwise. Browsers do not send a Strict
// cookie with the redirect from AuthKit.
func (a *AuthKit) sessionToReplace(r *http.Request) *replacedSession {
	if a.cookies.SameSite() != http.SameSiteStrictMode {
		return nil
	}
	sessions := a.sessionsInCookies(r)
	if len(sessions) == 0 {
		return nil
	}
	s := sessions[0]
	return &replacedSession{s.ID(), s.UserID(), s.sealed.RefreshToken}
}

// session returns a session to sign out. The times of its token were not stored, so
// it counts as issued now and as valid for an hour.
func (s *replacedSession) session(now time.Time) *Session {
	session := NewSession(SessionParams{
		ID: s.id, User: User{ID: s.userID}, ExpiresAt: now.Add(time.Hour), Claims: map[string]any{"iat": now.Unix()},
	})
	session.sealed.RefreshToken = s.refreshToken
	return session
}

// newState returns a random state.
func newState() string {
	octets := make([]byte, stateOctets)
	rand.Read(octets) // returns no error: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(octets)
}
