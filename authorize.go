// The start of a sign-in: what is asked of AuthKit, and what the callback has to know.

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

// sessionBefore is the session that a request which starts a sign-in brings,
// where the callback will not bring it: browsers withhold a Strict cookie from a
// redirect that began at AuthKit.
func (a *AuthKit) replacedSession(r *http.Request) *replacedSession {
	if a.cookies.SameSite() != http.SameSiteStrictMode {
		return nil
	}
	for _, s := range a.sessionsInCookies(r) {
		return &replacedSession{s.ID(), s.UserID(), s.sealed.RefreshToken}
	}
	return nil
}

// session is a session to end. Its tokens' times are not known any more: they
// count as issued now, for an hour.
func (b *replacedSession) session(now time.Time) *Session {
	s := NewSession(SessionParams{
		ID: b.id, User: User{ID: b.userID}, ExpiresAt: now.Add(time.Hour), Claims: map[string]any{"iat": now.Unix()},
	})
	s.sealed.RefreshToken = b.refreshToken
	return s
}

const (
	// stateOctets is the entropy of a state (RFC 6749, section 10.10).
	stateOctets = 32
)

// authorizationRequest is a sign-in that is about to start.
type authorizationRequest struct {
	params   workos.AuthorizationParams
	returnTo string
	appState string
	// withoutState is true if a callback without a state started the sign-in.
	withoutState bool
	// replaces is the pending sign-in that could not be finished and that this
	// one starts again. It is nil for any other.
	replaces *pendingSignIn
}

func (a *AuthKit) newAuthorizationRequest(p LoginParams) authorizationRequest {
	request := authorizationRequest{params: p.authorization(a.redirectURL), returnTo: "/", appState: p.AppState}
	if p.ReturnTo != "" {
		request.returnTo = a.SanitizeReturnPath(p.ReturnTo)
	}
	return request
}

// startSignIn remembers a sign-in in the browser and sends it to AuthKit. It
// refuses the frame of another origin's page, except where a sign-in of this
// browser starts again: AuthKit has led that one back, in the frame that it
// began in.
func (a *AuthKit) startSignIn(w http.ResponseWriter, r *http.Request, request authorizationRequest) {
	if request.replaces == nil && isCrossOrigin(r) && isFrame(r) {
		a.fail(w, r, fmt.Errorf("%w: it loaded a sign-in into a frame", ErrCrossOriginRefused), "")
		return
	}
	pending := pendingSignIn{
		state:           newState(),
		verifier:        pkce.NewVerifier(),
		returnTo:        request.returnTo,
		appState:        request.appState,
		invitationToken: request.params.InvitationToken,
		startedAt:       a.clock.Now(),
		crossOrigin:     isCrossOrigin(r),
		replaced:        a.replacedSession(r),
		params: workos.AuthorizationParams{
			Provider: request.params.Provider, ConnectionID: request.params.ConnectionID, OrganizationID: request.params.OrganizationID,
			ScreenHint: request.params.ScreenHint, LoginHint: request.params.LoginHint, DomainHint: request.params.DomainHint, Prompt: request.params.Prompt,
		},
	}
	if pending.params.Provider == workos.ProviderAuthKit {
		pending.params.Provider = "" // LoginParams.authorization adds it
	}
	if request.replaces != nil {
		pending.restarted = true
		pending.crossOrigin = request.replaces.crossOrigin // not AuthKit, which leads to every callback
	}
	pending.maxAge = request.params.MaxAge
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
	a.noteConflict(w, r, len(location))
	noStore(w.Header())
	w.Header().Set("Referrer-Policy", "no-referrer")
	seeOther(w, location)
}

// restartSignIn starts a sign-in again that cannot be finished: to the same
// page, and asking the same of AuthKit.
func (a *AuthKit) restartSignIn(w http.ResponseWriter, r *http.Request, pending *pendingSignIn) {
	request := authorizationRequest{params: pending.params, returnTo: pending.returnTo, appState: pending.appState, replaces: pending}
	request.params.RedirectURI = a.redirectURL
	request.params.InvitationToken = pending.invitationToken
	request.params.MaxAge = pending.maxAge
	if request.params.Provider == "" && request.params.ConnectionID == "" {
		request.params.Provider = workos.ProviderAuthKit
	}
	a.startSignIn(w, r, request)
}

func newState() string {
	octets := make([]byte, stateOctets)
	rand.Read(octets) // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(octets)
}
