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
		outer := visitFrom(r.Context())
		if outer != nil && outer.trustedBy(a) {
			next.ServeHTTP(w, r)
			return
		}
		own := a.cookies.session(r.Header)
		if outer == nil && own.count == 0 && !own.several && a.bringsNothing(r.Header) {
			// No context says so: FromContext finds nobody, and guards nobody's visit.
			p := &protectedWriter{ResponseWriter: w, visit: a.nobody, request: r}
			defer p.lastWord() // a panic is answered too, by a recovery around this
			next.ServeHTTP(p.asTheServers(), r)
			return
		}
		p := &passage{visit: visit{Context: r.Context(), owner: a}}
		p.writer = protectedWriter{ResponseWriter: w, visit: &p.visit, request: r}
		a.load(&p.visit, w, r, &own)
		defer p.writer.lastWord()
		next.ServeHTTP(p.writer.asTheServers(), r.WithContext(&p.visit))
	})
}

// passage is a visit and the writer of its response, in one.
type passage struct {
	visit  visit
	writer protectedWriter
}

// visit is what the middleware found out about a request. It is the request's
// context, too, so that it can be found there.
type visit struct {
	context.Context
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

func (v *visit) Value(key any) any {
	if key == (visitKey{}) {
		return v
	}
	return v.Context.Value(key)
}

// String keeps what is inside out of a printed context.
func (v *visit) String() string { return fmt.Sprintf("%v.WithAuthKit", v.Context) }

func visitFrom(ctx context.Context) *visit {
	v, _ := ctx.Value(visitKey{}).(*visit)
	return v
}

// trustedBy tells whether a visit may be taken as a's own finding: what
// another AuthKit let in, with other keys for other people, may not.
func (v *visit) trustedBy(a *AuthKit) bool { return v.owner == nil || v.owner == a }

// visitOf is a visit that a's middleware has let pass.
func (a *AuthKit) visitOf(r *http.Request) *visit {
	if v := visitFrom(r.Context()); v != nil {
		return v
	}
	return a.nobody
}

// bringsNothing tells that a request without a session cookie of ours brings
// nothing else either that could make it somebody's.
func (a *AuthKit) bringsNothing(h http.Header) bool {
	return a.foreign == nil && (a.bearers == nil || len(h["Authorization"]) == 0)
}

// load finds out who is asking: by the bearer token if those are accepted and
// there is one, else by the cookie.
func (a *AuthKit) load(v *visit, w http.ResponseWriter, r *http.Request, own *sessionCookie) {
	if a.bearers != nil {
		if token, ok := bearerToken(r); ok && !isAPIKey(token) {
			a.loadBearer(v, r, token)
			return
		}
		v.challenge = a.nobody.challenge
	}
	a.loadCookie(v, w, r, own)
}

// isOwnHandler tells whether a request is for Login, Callback or Logout. They
// work while WorkOS does not, so nothing is exchanged ahead of them.
func (a *AuthKit) isOwnHandler(r *http.Request) bool { return a.ownPaths[r.URL.Path] == r.Method }

// loadCookie decides what a session that came in a cookie is good for: it
// serves, or is renewed because it has gone stale, or is none.
func (a *AuthKit) loadCookie(v *visit, w http.ResponseWriter, r *http.Request, own *sessionCookie) {
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
		if session != nil && !ended && !session.sealed.foreign {
			a.keepUnrenewed(w, r, v, session)
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
	case usable && !a.due(session):
		v.session = session
	case a.isOwnHandler(r):
		// A sign-in replaces the session: it waits for no exchange.
		if usable {
			v.session = session
		}
	default:
		a.renew(w, r, v, session, usable)
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

// sessionOf walks the line from the cookie to a session: unseal, verify. The
// error is errNoSession, or says why there is none, or is one of package jwks:
// with ErrExpired, ErrUnknownKey and ErrUnavailable the session is returned
// too, if its token can be read; the seal vouches for it. Whether it was signed
// out in this process is told as well.
//
// A cookie that has come before goes the short way: everything that may have
// changed since is looked at again, and nothing else.
func (a *AuthKit) sessionOf(r *http.Request, own *sessionCookie) (session *Session, ended bool, err error) {
	if own.count > 0 {
		if known := a.cache.get(own); known != nil {
			if err := a.checkLimits(known.session.sealed); err != nil {
				return nil, false, err
			}
			// A refusal is about the keys at hand: the cookie is then opened and verified again.
			err := a.verifier.Recheck(r.Context(), known.session.claims)
			if _, refused := err.(*jwks.RefusedError); !refused {
				return known.session, a.hasEndedSince(known), err
			}
		}
	}
	sealed, err := a.openSession(r.Header, own)
	if err == nil {
		err = a.checkLimits(&sealed)
	}
	if err != nil {
		return nil, false, err
	}
	session, err = a.verify(r.Context(), a.verifier, sealed)
	if errors.Is(err, jwks.ErrUnknownKey) || errors.Is(err, jwks.ErrUnavailable) {
		session = unverifiedSession(sealed)
	}
	if session == nil {
		return nil, false, err
	}
	ended = a.hasEnded(session)
	if !ended && !errors.Is(err, jwks.ErrUnavailable) {
		a.refreshes.presented(session)
	}
	if err == nil && own.count > 0 && !sealed.foreign {
		a.cache.put(own, session)
	}
	return session, ended, err
}

// checkLimits holds a session against the application's own limits, on the
// times that were sealed with it.
func (a *AuthKit) checkLimits(sealed *sealedSession) error {
	if a.absoluteLimit == 0 && a.idleLimit == 0 {
		return nil
	}
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
func (a *AuthKit) verify(ctx context.Context, verifier *jwks.Verifier, sealed sealedSession) (*Session, error) {
	claims, err := verifier.Verify(ctx, sealed.accessToken)
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
