// From an authentication to a session: what ends every way in.

package authkit

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/authkit-go/authkit/jwks"
	"github.com/authkit-go/authkit/workos"
)

// SignIn makes an authentication this browser's session. It is the end of a
// sign-in with forms of the application's own, whichever grant of package
// workos it came from, and does what [AuthKit.Callback] does: the token is
// verified, the hook of [WithOnSignIn] is asked, the session's cookie replaces
// whatever was there, what [AuthKit.SetFlow] kept is dropped, and the response
// must not be stored. Where to go next is the application's decision; it has
// to be a redirect or a page that is written after SignIn.
//
// An error is one of this package's, for [AuthKit.Fail]: no session was made
// and an older one is as it was.
//
// The form that leads here must not be postable from another site; see
// [AuthKit.RefuseCrossOrigin].
func (a *AuthKit) SignIn(w http.ResponseWriter, r *http.Request, authentication *workos.Authentication) (*Session, error) {
	session, err := a.establish(w, r, authentication, pendingSignIn{})
	if err != nil {
		a.signInFailed(r.Context(), err)
	}
	return session, err
}

// establish verifies an authentication and makes it the session of the
// browser that the sign-in belongs to.
func (a *AuthKit) establish(w http.ResponseWriter, r *http.Request, authentication *workos.Authentication, pending pendingSignIn) (*Session, error) {
	ctx := r.Context()
	now := a.clock.Now()
	sealed := sealedSession{
		accessToken:  authentication.AccessToken,
		refreshToken: authentication.RefreshToken,
		impersonator: authentication.Impersonator,
		method:       authentication.AuthenticationMethod,
		signedInAt:   now,
		renewedAt:    now,
	}
	sealed.setUser(authentication.User)
	if unverified := unverifiedSession(sealed); unverified != nil {
		sealed.signedInAt = a.signInTime(unverified.ID())
	}
	session, err := a.verify(ctx, a.issued, sealed)
	switch {
	case errors.Is(err, jwks.ErrUnavailable):
		return nil, fmt.Errorf("%w: %w", ErrSignInUnavailable, keysUnavailable(err))
	case err != nil:
		return nil, fmt.Errorf("%w: the new access token is not accepted: %w", ErrSignIn, err)
	case !pending.provenBy(session):
		return nil, fmt.Errorf("%w: AuthKit gave no new proof", ErrRecentAuth)
	}
	text, err := a.format.seal(session)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSignIn, err)
	}
	if err := a.cookies.checkSize(text); err != nil {
		return nil, tooLarge(session, err)
	}
	// A session that a script has signed out may be signed in to again. It is not
	// revoked while the hook runs, and is not forgotten if the hook refuses.
	heldBack := a.revocations.cancel(session.ID())
	kept := false
	defer func() {
		if heldBack != nil && !kept {
			a.revocations.revoke(heldBack, logoutGrace)
		}
	}()
	if err := a.onSignIn(ctx, SignInEvent{Session: session, State: pending.appState, ReturnTo: pending.returnTo}); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSignInHook, err)
	}
	// Browsers that do not tell a host-only cookie from one of the same Domain
	// (RFC 6265, section 5.3) go by the order: the session comes last.
	a.countSignIn(w.Header(), r, len(text))
	if err := a.cookies.setSession(w.Header(), r, text); err != nil {
		return nil, err
	}
	kept = true
	a.replaceSessions(r, session, pending.before)
	for _, name := range []string{a.cookies.restartName, a.cookies.flowName} {
		if sent(r.Header, name) {
			a.cookies.expire(w, name)
		}
	}
	noStore(w.Header())
	a.log.LogAttrs(ctx, slog.LevelInfo, "authkit: signed in", slog.String("user_id", session.UserID()))
	return session, nil
}

// replaceSessions gives a new session the place of those that the request
// brings, or that were there when the sign-in began: nothing of them that is
// still under way may set a cookie any more. They are ended, here and at WorkOS,
// but for the WorkOS session that the new one goes on with. Of that one, what was
// signed out stays so: its copies must not come back with it.
func (a *AuthKit) replaceSessions(r *http.Request, session *Session, earlier *sessionBefore) {
	a.refreshes.noteSignIn()
	sessions := a.sessionsSent(r)
	if earlier != nil {
		sessions = append(sessions, earlier.session(a.clock.Now()))
	}
	if !a.shared {
		a.signedOut.keep(session.ID(), a.clock.Now().Add(cookieLifetime))
	}
	for _, before := range sessions {
		switch {
		case before.ID() != session.ID():
			a.markSignedOut(before, false, replacedMemory)
			a.revocations.revoke(before, 0)
		case before.sealed.refreshToken != session.sealed.refreshToken:
			a.refreshes.supersede(before)
		}
	}
}

// sessionBefore is what the end of a session needs of it.
type sessionBefore struct{ id, userID, refreshToken string }

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

// RefuseCrossOrigin answers 403 to a form that was posted from another site's
// page, and lets everything else through. It belongs around every handler that
// changes something for whoever is signed in, or signs somebody in. Trusted
// are the redirect URL's origin and those of [WithTrustedOrigins].
func (a *AuthKit) RefuseCrossOrigin(next http.Handler) http.Handler {
	mustHandle(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := a.crossOrigin.Check(r); err != nil {
			a.fail(w, r, fmt.Errorf("%w: %w", ErrCrossOrigin, err), "")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// post is a handler for the forms of this application's own pages: POST only,
// and from nowhere else.
func (a *AuthKit) post(handler http.HandlerFunc) http.Handler {
	guarded := a.RefuseCrossOrigin(handler)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.onlyMethod(w, r, http.MethodPost) {
			guarded.ServeHTTP(w, r)
		}
	})
}
