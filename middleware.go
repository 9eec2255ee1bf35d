// From the Cookie header to the Session in the context.

package authkit

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/authkit-go/authkit/internal/cookie"
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
		outer := requestAuthFrom(r.Context())
		if outer != nil && outer.trustedBy(a) {
			next.ServeHTTP(w, r)
			return
		}
		own := a.cookies.Session(r.Header)
		if outer == nil && own.IsAbsent() && a.hasNoCredentials(r.Header) {
			// No context says so: FromContext finds nobody, and guards nobody's visit.
			p := &responseWriter{ResponseWriter: w, auth: a.anonymous, request: r}
			defer p.finalizeHeaders() // a panic is answered too, by a recovery around this
			next.ServeHTTP(p.matchInterfaces(), r)
			return
		}
		p := &trackedRequest{auth: requestAuth{Context: r.Context(), authKit: a}}
		p.writer = responseWriter{ResponseWriter: w, auth: &p.auth, request: r}
		a.load(&p.auth, w, r, &own)
		defer p.writer.finalizeHeaders()
		next.ServeHTTP(p.writer.matchInterfaces(), r.WithContext(&p.auth))
	})
}

// passage is a visit and the writer of its response, in one.
type trackedRequest struct {
	auth   requestAuth
	writer responseWriter
}

// bringsNothing tells that a request without a session cookie of ours brings
// nothing else either that could make it somebody's.
func (a *AuthKit) hasNoCredentials(h http.Header) bool {
	return a.foreign == nil && (a.bearerVerifier == nil || len(h["Authorization"]) == 0)
}

// load finds out who is asking: by the bearer token if those are accepted and
// there is one, else by the cookie.
func (a *AuthKit) load(v *requestAuth, w http.ResponseWriter, r *http.Request, own *cookie.Value) {
	if a.bearerVerifier != nil {
		if token, ok := bearerToken(r); ok && !isAPIKey(token) {
			a.loadBearer(v, r, token)
			return
		}
		v.challenge = a.anonymous.challenge
	}
	a.loadCookie(v, w, r, own)
}

// isOwnHandler tells whether a request is for Login, Callback or Logout. They
// work while WorkOS does not, so nothing is exchanged ahead of them.
func (a *AuthKit) isHandlerPath(r *http.Request) bool { return a.ownPaths[r.URL.Path] == r.Method }

// loadCookie decides what a session that came in a cookie is good for: it
// serves, or is renewed because it has gone stale, or is none.
func (a *AuthKit) loadCookie(v *requestAuth, w http.ResponseWriter, r *http.Request, own *cookie.Value) {
	session, ended, err := a.sessionOf(r, own)
	usable := err == nil
	switch {
	case usable, errors.Is(err, jwks.ErrExpired), errors.Is(err, jwks.ErrUnknownKey):
		// A token was verified before it was sealed, so one whose key is unknown
		// has lost it since: the session is stale, not bad. Others may not have
		// verified it; what comes of the exchange is, in any case.
	case errors.Is(err, jwks.ErrCoolDown) && session != nil && !a.clock.Now().Before(session.ExpiresAt().Add(clockSkew)):
		// Stale too, whichever key it was. Others with old cookies must not keep
		// it from finding out.
	case errors.Is(err, jwks.ErrUnavailable):
		v.err = keysUnavailable(err)
		if session != nil && !ended && !session.sealed.Foreign {
			a.setUnrefreshedSession(w, r, v, session)
		}
		return
	case err == errNoSession:
		return
	default:
		a.logRefused(r.Context(), err)
		return
	}
	switch {
	case session == nil, ended:
	case usable && !a.needsRefresh(session):
		v.session = session
	case a.isHandlerPath(r):
		// A sign-in replaces the session: it waits for no exchange.
		if usable {
			v.session = session
		}
	default:
		a.refreshSession(w, r, v, session, usable)
	}
}

// logRefused tells why a session was not taken. One that does not open may be a
// neighbour's, or sealed by a password in mid-rotation: it stays until sign-in
// or logout replaces it. A token that is not accepted in a seal of our own
// should not be.
func (a *AuthKit) logRefused(ctx context.Context, err error) {
	level, message := slog.LevelDebug, "authkit: session cookie not taken"
	var refused *jwks.RefusedError
	if errors.As(err, &refused) {
		level, message = slog.LevelWarn, "authkit: access token refused"
	}
	a.log.LogAttrs(ctx, level, message, slog.Any("error", err))
}
