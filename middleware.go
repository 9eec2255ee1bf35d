// From the Cookie header to the Session in the context.

package authkit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"

	"github.com/authkit-go/authkit/jwks"
)

// Middleware loads the session of each request and passes it on in the
// context, where [FromContext] finds it. It blocks nobody: a request without a
// good session goes on as anonymous, and one whose session could not be
// decided on goes on with the reason in [ErrorFromContext]. What to make of
// that is up to the guards, such as [AuthKit.RequireAuth].
//
// A session that is about to expire is renewed before the request goes on, and
// the response carries its new cookie. Every response varies on Cookie; one
// that sets a cookie of this package is kept out of shared caches whatever the
// handler says.
//
// It is wrapped around a whole router, and wrapping it twice does no harm:
//
//	http.ListenAndServe(addr, ak.Middleware(mux))   // net/http
//	r.Use(ak.Middleware)                            // chi
func (a *AuthKit) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if v := visitFrom(r.Context()); v != nil && v.trustedBy(a) {
			next.ServeHTTP(w, r)
			return
		}
		v := a.load(w, r)
		protected, lastWord := a.protect(w, r, v)
		defer lastWord() // a panic is answered too, by a recovery around this
		next.ServeHTTP(protected, r.WithContext(context.WithValue(r.Context(), visitKey{}, v)))
	})
}

// visit is what the middleware found out about a request.
type visit struct {
	owner   *AuthKit // nil where [NewContext] made it
	session *Session // nil where nobody is signed in
	err     error    // why it could not be decided
	// challenge is what a 401 asks for, nil where bearer tokens are not accepted.
	challenge *bearerChallenge
	// kept is the session that the response is about to set on its own account.
	kept atomic.Pointer[keptSession]
	// guarded says that a guard has let it through. It is set while a handler
	// runs, which may be on another goroutine (http.TimeoutHandler).
	guarded atomic.Bool
}

// visitKey is the context key of a *visit.
type visitKey struct{}

func visitFrom(ctx context.Context) *visit {
	v, _ := ctx.Value(visitKey{}).(*visit)
	return v
}

// trustedBy tells whether a visit may be taken as a's own finding: what
// another AuthKit let in, with other keys for other people, may not.
func (v *visit) trustedBy(a *AuthKit) bool { return v.owner == nil || v.owner == a }

// load finds out who is asking: by the bearer token if those are accepted and
// there is one, else by the cookie.
func (a *AuthKit) load(w http.ResponseWriter, r *http.Request) *visit {
	if a.bearers == nil {
		return a.loadCookie(w, r)
	}
	if token, ok := bearerToken(r); ok && !isAPIKey(token) {
		return a.loadBearer(r, token)
	}
	v := a.loadCookie(w, r)
	v.challenge = &bearerChallenge{}
	return v
}

// isOwnHandler tells whether a request is for Login, Callback or Logout. They
// work while WorkOS does not, so nothing is exchanged ahead of them.
func (a *AuthKit) isOwnHandler(r *http.Request) bool { return a.ownPaths[r.URL.Path] == r.Method }

// loadCookie walks the line from the Cookie header to a session: join the
// chunks, unseal, verify, renew if stale.
func (a *AuthKit) loadCookie(w http.ResponseWriter, r *http.Request) *visit {
	v := &visit{owner: a}
	sealed, err := a.readSession(r.Header)
	if err == errNoSession {
		return v
	}
	if err == nil {
		err = a.checkLimits(sealed)
	}
	if err != nil {
		// It may be a neighbour's, or sealed by a password in mid-rotation: it
		// stays until sign-in or logout replaces it.
		a.log.LogAttrs(r.Context(), slog.LevelDebug, "authkit: session cookie not taken", slog.Any("error", err))
		return v
	}
	session, err := a.verify(r.Context(), sealed)
	usable := err == nil
	switch {
	case usable, errors.Is(err, jwks.ErrExpired):
	case errors.Is(err, jwks.ErrUnknownKey):
		// The token was verified before it was sealed, so its key has been
		// withdrawn since: the session is stale, not bad. Others may not have
		// verified it; what comes of the exchange is, in any case.
		session = unverifiedSession(sealed)
	case errors.Is(err, jwks.ErrUnavailable):
		v.err = keysUnavailable(err)
		if s := unverifiedSession(sealed); s != nil && !a.hasEnded(s) {
			a.keepUnrenewed(w, r, v, s, nil)
		}
		return v
	default:
		a.log.LogAttrs(r.Context(), slog.LevelWarn, "authkit: access token refused", slog.Any("error", err))
		return v
	}
	if session == nil || a.hasEnded(session) {
		return v
	}
	a.refreshes.presented(session)
	if usable && !a.due(session) {
		v.session = session
		return v
	}
	if a.isOwnHandler(r) {
		// A sign-in replaces the session: it waits for no exchange.
		if usable {
			v.session = session
		}
		return v
	}
	a.renew(w, r, v, session, usable)
	return v
}

// checkLimits holds a session against the application's own limits, on the
// times that were sealed with it.
func (a *AuthKit) checkLimits(sealed sealedSession) error {
	now := a.clock.Now()
	if a.absoluteLimit > 0 && now.Sub(sealed.signedInAt) >= a.absoluteLimit {
		return errors.New("the session is over its absolute limit")
	}
	if a.idleLimit > 0 && now.Sub(sealed.renewedAt) >= a.idleLimit {
		return errors.New("the session is over its idle limit")
	}
	return nil
}

// verify turns what was sealed, or is about to be, into a session. With
// [jwks.ErrExpired] the session is returned too.
func (a *AuthKit) verify(ctx context.Context, sealed sealedSession) (*Session, error) {
	claims, err := a.verifier.Verify(ctx, sealed.accessToken)
	if claims == nil {
		return nil, err
	}
	if claims.Subject != sealed.user.ID {
		return nil, &jwks.RefusedError{Part: "sub", Want: fmt.Sprintf("%q", sealed.user.ID), Got: fmt.Sprintf("%q", claims.Subject)}
	}
	return makeSession(sealed, claims), err
}

// unverifiedSession is a session that nothing but its seal vouches for, however
// old: enough to end it, or to exchange it for another. It is nil where the
// token is none.
func unverifiedSession(sealed sealedSession) *Session {
	claims, err := jwks.UnverifiedClaims(sealed.accessToken)
	if err != nil {
		return nil
	}
	return makeSession(sealed, claims)
}

func keysUnavailable(err error) error {
	var cause *jwks.UnavailableError
	if errors.As(err, &cause) {
		return unavailable(err, cause.RetryAfter)
	}
	return unavailable(err, 0)
}
