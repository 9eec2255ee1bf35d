// Calls for a handler that changes the session of its own request: the session that
// they start from, and Refresh. SwitchTo and SignOut are beside their handlers.

package authkit

import (
	"errors"
	"fmt"
	"net/http"
)

// Refresh refreshes the session of a request now. Use it after a change at WorkOS that
// the access token must show at once: a subscription, a role, a profile. Call it before
// the response is written. The response then has the new cookie, and is kept out of
// caches. If the response is lost, the browser keeps its old cookie, which works as
// before and leads to the new session when its token is about to expire.
//
//	session, err := ak.Refresh(w, r)
//	if err != nil {
//		ak.Fail(w, r, err)
//		return
//	}
//
// The new token is from a call of WorkOS that began after the call of Refresh. A refresh
// that was under way does not count. [FromContext] still returns the session that the
// request began with. Refresh works behind the middleware, and also without it.
//
// The session ends if WorkOS has ended it. After any other error it is unchanged. The
// error matches one of these:
//
//   - [ErrUnauthenticated]: the request has no session, or the session has ended. A
//     request with an API key has no session.
//   - [ErrRefreshRefused]: WorkOS refused the refresh, the new token is not accepted, or
//     the session has no refresh token, as that of a bearer token. A refusal of WorkOS is
//     remembered for a minute.
//   - [ErrUnavailable]: WorkOS or its signing keys could not be reached within ten
//     seconds. Until the time to wait is over, WorkOS is not called again.
func (a *AuthKit) Refresh(w http.ResponseWriter, r *http.Request) (*Session, error) {
	auth, session, err := a.requestSession(w, r)
	if err != nil {
		return nil, err
	}
	if session.sealed.RefreshToken == "" {
		return nil, fmt.Errorf("%w: the session has no refresh token", ErrRefreshRefused)
	}
	since := a.rotations.currentCounts()
	next, err := a.rotations.exchangeNow(r.Context(), session, a.exchangeToken)
	err = a.setExchangedSession(w, r, auth, exchangedSession{session, next, err, since})
	switch {
	case err == nil:
		return next.session, nil
	case errors.Is(err, ErrUnauthenticated), errors.Is(err, ErrUnavailable):
		return nil, err
	}
	return nil, fmt.Errorf("%w: %w", ErrRefreshRefused, err)
}

// requestSession returns the session of a request, and the finding that holds it. It
// loads the session if the middleware has not, and leaves a stale one to the exchange of
// the caller. The error matches [ErrUnauthenticated] or [ErrUnavailable]. The response is
// kept out of caches.
func (a *AuthKit) requestSession(w http.ResponseWriter, r *http.Request) (*requestAuth, *Session, error) {
	return a.loadRequest(w, r, true)
}

// loadRequest is requestSession. If exchanges is false, it refreshes a stale session, and
// the response has the new cookie.
func (a *AuthKit) loadRequest(w http.ResponseWriter, r *http.Request, exchanges bool) (*requestAuth, *Session, error) {
	auth := requestAuthFrom(r.Context())
	if auth == nil || !auth.trustedBy(a) {
		auth = &requestAuth{Context: r.Context(), exchanges: exchanges}
		own := a.cookies.Session(r.Header)
		a.load(auth, w, r, &own)
		if auth.stale {
			a.refreshSession(w, r, auth)
		}
		if auth.cached || auth.outcome == requestBearerCached { // the outcome of the request is not counted
			a.counters.cacheHits.Add(1)
		}
		a.varyOnCredentials(w.Header())
	}
	noStore(w.Header())
	switch {
	case auth.session == nil && auth.err != nil:
		return nil, nil, auth.err
	case auth.session == nil:
		return nil, nil, fmt.Errorf("%w: the request has no session", ErrUnauthenticated)
	case a.isSignedOut(auth.session):
		return nil, nil, fmt.Errorf("%w: the session was signed out", ErrUnauthenticated)
	}
	return auth, auth.session, nil
}

// exchangedSession is the result of an exchange that a handler has asked for.
type exchangedSession struct {
	old   *Session
	next  *outcome // set if err is nil
	err   error
	since counts // before the exchange: order 1 of clearing.go
}

// setExchangedSession sets or clears the cookie after an exchange that a handler has
// asked for. It returns the error of the exchange, which matches [ErrUnauthenticated] if
// the session has ended or was signed out.
func (a *AuthKit) setExchangedSession(w http.ResponseWriter, r *http.Request, auth *requestAuth, e exchangedSession) error {
	if a.isSignedOut(e.old) { // after the exchange: order 4 of rotation.go
		return fmt.Errorf("%w: the session was signed out", ErrUnauthenticated)
	}
	if e.err == nil {
		a.setRefreshedSession(w, r, auth, e.next)
		return nil
	}
	a.setUnrefreshedSession(w, r, auth, e.old)
	ended := errors.Is(e.err, errSessionEnded)
	if ended {
		a.clearEndedSession(w, r, auth, e.old, e.since)
	}
	if ended || errors.Is(e.err, errSuperseded) {
		return fmt.Errorf("%w: %w", ErrUnauthenticated, e.err)
	}
	return e.err
}
