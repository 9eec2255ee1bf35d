// The middleware: from the request's credentials to the session in its context.

package authkit

import (
	"errors"
	"log/slog"
	"net/http"
	"unsafe"

	"github.com/authkit-go/authkit/internal/cookie"
	"github.com/authkit-go/authkit/jwks"
)

// Middleware loads the session of each request and puts it into the request's
// context, where [FromContext] finds it. It blocks no request. A request without a
// valid session is anonymous. If the session could not be checked, FromContext
// returns false and [ErrorFromContext] returns the reason. Guards, such as
// [AuthKit.RequireAuth], decide what such a request gets.
//
// A session that is about to expire is refreshed before the handler runs, and the
// response sets the new cookie. Every response varies on Cookie. A response that
// sets a cookie of this package is kept out of shared caches, even if the handler
// allows them to store it.
//
// Wrap it around a whole router. Wrapping it twice does no harm:
//
//	handler := ak.Middleware(mux) // net/http
//	router.Use(ak.Middleware)     // chi
func (a *AuthKit) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		outer := requestAuthFrom(r.Context())
		if outer != nil && outer.trustedBy(a) {
			next.ServeHTTP(w, r)
			return
		}
		tracked := a.track(w, r, outer)
		if tracked == nil {
			a.serveAnonymous(next, w, r)
			return
		}
		if tracked.auth.stale {
			a.refreshSession(w, r, &tracked.auth)
		}
		a.noteLoaded(tracked, w, r, outer)
		defer tracked.finish()
		next.ServeHTTP(tracked.writer.matchInterfaces(), &tracked.request)
		a.noteAnswer(r, int(tracked.writer.status))
	})
}

// track loads the session of a request. It returns nil for a request without any
// credentials, unless a middleware around this one has found something. If the session
// is stale, the caller refreshes it.
//
// It is not a part of the middleware's closure, as noteLoaded and copyRequest are not: what
// they need is off the stack before the request waits for a refresh, and before the handler
// runs. A server of HTTP/2 has a new goroutine for each request, whose stack starts with
// 2 KB and is copied to grow.
//
//go:noinline
func (a *AuthKit) track(w http.ResponseWriter, r *http.Request, outer *requestAuth) *trackedRequest {
	a.noteTarget(r)
	var own cookie.Value
	a.cookies.ReadSession(r.Header, &own)
	if outer == nil && own.IsAbsent() && a.hasNoCredentials(r.Header) {
		return nil
	}
	tracked := &trackedRequest{auth: requestAuth{Context: r.Context(), authKit: a}}
	tracked.writer = responseWriter{ResponseWriter: w, auth: &tracked.auth, request: r}
	a.load(&tracked.auth, w, r, &own)
	return tracked
}

// noteLoaded completes a tracked request when its session is loaded and refreshed, and
// counts it.
//
//go:noinline
func (a *AuthKit) noteLoaded(tracked *trackedRequest, w http.ResponseWriter, r *http.Request, outer *requestAuth) {
	if tracked.auth.outcome == requestUnavailable && hasLeft(r.Context(), tracked.auth.err) {
		tracked.auth.outcome = requestLeft
	}
	if outer == nil || !a.hasPassed(w) {
		a.counters.countRequest(tracked.auth.outcome, unsafe.Pointer(&tracked.writer))
	}
	if tracked.auth.cached && tracked.auth.outcome != requestCached {
		a.counters.cacheHits.Add(1)
	}
	tracked.copyRequest(r)
}

// serveAnonymous serves a request without any credentials. The context stays unchanged,
// FromContext returns false and guards use a.anonymous.
func (a *AuthKit) serveAnonymous(next http.Handler, w http.ResponseWriter, r *http.Request) {
	a.noteNoSession(r)
	writer := &responseWriter{ResponseWriter: w, auth: a.anonymous, request: r}
	if !a.hasPassed(w) {
		a.counters.countRequest(requestAnonymous, unsafe.Pointer(writer))
	}
	defer writer.finalizeHeaders() // also if the handler panics: an outer recovery may write a response
	next.ServeHTTP(writer.matchInterfaces(), r)
	a.noteAnswer(r, int(writer.status))
}

// trackedRequest holds the finding about a request, the writer of its response and the
// request that the handler gets in one allocation.
type trackedRequest struct {
	auth    requestAuth
	writer  responseWriter
	request http.Request
}

// copyRequest sets the request of the handler, whose context is the finding. The compiler keeps the copy that WithContext
// makes on the stack.
//
//go:noinline
func (t *trackedRequest) copyRequest(r *http.Request) { t.request = *r.WithContext(&t.auth) }

// finish ends a request, also if the handler has panicked. The server removes the
// temporary files of an upload, and finds them in its own request only: it does not know
// the copy that the handler got.
func (t *trackedRequest) finish() {
	if outer := t.writer.request; outer.MultipartForm == nil {
		outer.MultipartForm = t.request.MultipartForm
	}
	t.writer.finalizeHeaders()
}

// hasNoCredentials reports whether a request that has no session cookie of this
// application has no other credentials either: no session cookie of another
// library and no bearer token.
func (a *AuthKit) hasNoCredentials(h http.Header) bool {
	return a.foreign == nil && (a.bearerVerifier == nil || len(h["Authorization"]) == 0)
}

// load loads the session from the bearer token if bearer tokens are accepted and
// the request has one, and from the cookie otherwise. A session that has to be refreshed
// before the request continues is stale in the finding.
func (a *AuthKit) load(auth *requestAuth, w http.ResponseWriter, r *http.Request, own *cookie.Value) {
	if a.bearerVerifier != nil {
		if token, ok := bearerToken(r); ok && !isAPIKey(token) {
			a.loadBearer(auth, r, token)
			return
		}
		auth.challenge = a.anonymous.challenge
	}
	a.loadCookie(auth, w, r, own)
}

// isHandlerPath reports whether a request is for Login, Callback or Logout. They
// work while WorkOS does not, so no session is refreshed before them.
func (a *AuthKit) isHandlerPath(r *http.Request) bool {
	return a.ownPaths[r.URL.Path] == r.Method || a.isCallback(r)
}

// loadCookie loads the session from the cookie.
func (a *AuthKit) loadCookie(auth *requestAuth, w http.ResponseWriter, r *http.Request, own *cookie.Value) {
	session, found, err := a.sessionOf(r, own)
	auth.cached = found.cached
	a.noteSessionCookies(r, own, session != nil)
	usable := err == nil
	served := requestVerified
	if found.cached {
		served = requestCached
	}
	switch {
	case usable, errors.Is(err, jwks.ErrExpired), errors.Is(err, jwks.ErrUnknownKey):
		// An access token is verified before it is sealed. If its key is unknown now,
		// the key was withdrawn since: the session is stale and gets a refresh. Another
		// library may not have verified the token before it sealed it. The new token is
		// verified in every case.
	case errors.Is(err, jwks.ErrCoolDown) && session != nil && !a.clock.Now().Before(session.ExpiresAt().Add(clockSkew)):
		// The token has expired, so the session is stale no matter which key signed it.
		// The cool-down for unknown keys, which other clients' old cookies can start,
		// must not delay its refresh.
	case errors.Is(err, jwks.ErrUnavailable):
		auth.err, auth.outcome = keysUnavailable(err), requestUnavailable
		if session != nil && !found.signedOut && !session.sealed.Foreign {
			a.setUnrefreshedSession(w, r, auth, session)
		}
		return
	case err == errNoSession:
		a.noteNoSession(r)
		return
	default:
		auth.outcome = outcomeOfRefusal(err)
		a.logRefused(r, err)
		return
	}
	switch {
	case session == nil:
		auth.outcome = requestTokenRefused
	case found.signedOut:
		auth.outcome = requestEnded
	case a.logIsTooOld():
		auth.err, auth.outcome = errLogTooOld, requestUnavailable
	case usable && !found.due && (found.steady || !a.needsRefresh(session)):
		auth.session, auth.outcome = session, served
	case auth.exchanges && session.sealed.RefreshToken != "":
		auth.session, auth.outcome = session, served
	case a.isHandlerPath(r):
		// A sign-in replaces the session and a logout ends it: neither waits for a
		// refresh.
		auth.outcome = requestStale
		if usable {
			auth.session, auth.outcome = session, served
		}
	default:
		auth.session, auth.outcome = session, served
		auth.stale, auth.usable, auth.due = true, usable, found.due
	}
}

// outcomeOfRefusal returns the outcome of a request whose session cookie is not accepted.
func outcomeOfRefusal(err error) requestOutcome {
	var refused *jwks.RefusedError
	switch {
	case errors.As(err, &refused):
		return requestTokenRefused
	case errors.Is(err, errLimitReached):
		return requestEnded
	}
	return requestCookieRefused
}

// logRefused logs why a session cookie was not accepted. A cookie that does not
// open may belong to a neighbouring application, or its password may be in
// rotation: this is logged at Debug. An access token that was sealed with this
// application's password should verify: its refusal is logged at Warn.
func (a *AuthKit) logRefused(r *http.Request, err error) {
	level, message := slog.LevelDebug, "authkit: session cookie not accepted"
	var refused *jwks.RefusedError
	if errors.As(err, &refused) {
		level, message = slog.LevelWarn, "authkit: access token refused"
	}
	if a.log.Enabled(r.Context(), level) {
		a.log.LogAttrs(r.Context(), level, message, slog.Any("error", err), slog.String("cookies", a.cookies.Describe(r.Header)))
	}
}
