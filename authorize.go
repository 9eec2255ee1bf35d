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
func (a *AuthKit) sessionBefore(r *http.Request) *sessionBefore {
	if a.cookies.sameSite != http.SameSiteStrictMode {
		return nil
	}
	for _, s := range a.sessionsSent(r) {
		return &sessionBefore{s.ID(), s.UserID(), s.sealed.refreshToken}
	}
	return nil
}

// session is a session to end. Its tokens' times are not known any more: they
// count as issued now, for an hour.
func (b *sessionBefore) session(now time.Time) *Session {
	s := NewSession(SessionParams{
		ID: b.id, User: User{ID: b.userID}, ExpiresAt: now.Add(time.Hour), Claims: map[string]any{"iat": now.Unix()},
	})
	s.sealed.refreshToken = b.refreshToken
	return s
}

const (
	// stateOctets is the entropy of a state (RFC 6749, section 10.10).
	stateOctets = 32
)

// startSignIn remembers a sign-in in the browser and sends it to AuthKit. It
// refuses the frame of another origin's page, except where a sign-in of this
// browser starts again: AuthKit has led that one back, in the frame that it
// began in.
func (a *AuthKit) startSignIn(w http.ResponseWriter, r *http.Request, s signIn) {
	if s.replaces == nil && isCrossOrigin(r) && isFrame(r) {
		a.fail(w, r, fmt.Errorf("%w: it loaded a sign-in into a frame", ErrCrossOrigin), "")
		return
	}
	pending := pendingSignIn{
		state:           newState(),
		verifier:        pkce.NewVerifier(),
		returnTo:        s.returnTo,
		appState:        s.appState,
		invitationToken: s.params.InvitationToken,
		startedAt:       a.clock.Now(),
		crossOrigin:     isCrossOrigin(r),
		before:          a.sessionBefore(r),
		asked: workos.AuthorizationParams{
			Provider: s.params.Provider, ConnectionID: s.params.ConnectionID, OrganizationID: s.params.OrganizationID,
			ScreenHint: s.params.ScreenHint, LoginHint: s.params.LoginHint, DomainHint: s.params.DomainHint, Prompt: s.params.Prompt,
		},
	}
	if pending.asked.Provider == workos.ProviderAuthKit {
		pending.asked.Provider = "" // as newSignIn has it anyway
	}
	if s.replaces != nil {
		pending.restarted = true
		pending.crossOrigin = s.replaces.crossOrigin // not AuthKit, which leads to every callback
	}
	if s.params.MaxAge != nil {
		maxAge := time.Duration(*s.params.MaxAge) * time.Second
		pending.maxAge = &maxAge
	}
	s.params.State = pending.state
	s.params.CodeChallenge = pkce.Challenge(pending.verifier)
	location, err := a.client.AuthorizationURL(s.params)
	if err != nil {
		a.failPage(w, r, fmt.Errorf("%w: %w", ErrLogin, err), s.returnTo)
		return
	}
	if err := a.keepSignIn(w, r, pending, s.replaces); err != nil {
		a.failPage(w, r, err, s.returnTo)
		return
	}
	if s.withoutState {
		a.cookies.setRestart(w)
	}
	a.noteConflict(w, r)
	a.expireInTheWay(w.Header(), r, len(location))
	noStore(w.Header())
	w.Header().Set("Referrer-Policy", "no-referrer")
	seeOther(w, location)
}

// restartSignIn starts a sign-in again that cannot be finished: to the same
// page, and asking the same of AuthKit.
func (a *AuthKit) restartSignIn(w http.ResponseWriter, r *http.Request, pending *pendingSignIn) {
	s := signIn{params: pending.asked, returnTo: pending.returnTo, appState: pending.appState, replaces: pending}
	s.params.RedirectURI = a.redirectURL
	s.params.InvitationToken = pending.invitationToken
	if pending.maxAge != nil {
		seconds := int(*pending.maxAge / time.Second)
		s.params.MaxAge = &seconds
	}
	s.defaultProvider()
	a.startSignIn(w, r, s)
}

func newState() string {
	octets := make([]byte, stateOctets)
	rand.Read(octets) // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(octets)
}
