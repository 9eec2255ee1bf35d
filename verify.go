// Verification: whether the session of a request may be used.

package authkit

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/authkit-go/authkit/internal/cookie"
	"github.com/authkit-go/authkit/internal/payload"
	"github.com/authkit-go/authkit/internal/sessioncache"
	"github.com/authkit-go/authkit/jwks"
)

// Ready makes sure that the signing keys are loaded, and fetches them if
// necessary. It returns an error that matches [ErrUnavailable] if they cannot be
// fetched.
//
// Call Ready in your own sign-in form before you exchange a code: a code can be
// used once, and without the keys its session cannot be verified.
// [AuthKit.Callback] does the same. Ready can also serve as a health check.
func (a *AuthKit) Ready(ctx context.Context) error {
	if err := a.keys.Load(ctx); err != nil {
		return keysUnavailable(err)
	}
	return nil
}

// observeFetch reports a fetch of the signing keys.
func (a *AuthKit) observeFetch(ctx context.Context, fetch jwks.Fetch) {
	seen := Observation{Kind: ObservedKeyFetch, Outcome: OutcomeOK, Err: fetch.Err, Begin: fetch.Begin, Duration: fetch.Duration}
	if fetch.Err != nil {
		seen.Outcome = OutcomeFailed
	}
	a.observers.observe(ctx, seen)
}

// sessionOf opens and verifies the session of a request. It also returns what the marks
// say about the session.
//
// The error is errNoSession if the request has no session cookie. With
// [jwks.ErrExpired], [jwks.ErrUnknownKey] and [jwks.ErrUnavailable] the session
// is returned too, if its token can be decoded: its seal is valid. With any other
// error, the session is nil.
//
// A cookie that was verified before is in the cache. Then only what may have
// changed since is checked: limits, expiry, signing key and sign-outs.
func (a *AuthKit) sessionOf(r *http.Request, own *cookie.Value) (session *Session, found standing, err error) {
	a.useLog(own)
	if own.Found() {
		if cached := a.cache.Get(sessioncache.Cookie, own.Parts()); cached != nil {
			if a.isSteady(cached.Value) {
				found := a.standingSince(cached, true)
				found.cached, found.steady = true, true
				return cached.Value, found, nil
			}
			if err := a.checkLimits(cached.Value.sealed); err != nil {
				return nil, standing{cached: true}, err
			}
			// With a refusal, the cookie is opened and verified again below. The
			// refusal comes from the loaded keys, and newer ones may be fetched.
			validity, err := a.sessionVerifier.Validity(r.Context(), cached.Value.claims)
			if _, refused := err.(*jwks.RefusedError); !refused {
				a.noteSteady(cached.Value, validity.Before(a.steadyUntil(cached.Value)))
				found := a.standingSince(cached, err == nil)
				found.cached = true
				return cached.Value, found, err
			}
		}
		if a.cache != nil {
			a.counters.cacheMisses.Add(1)
		}
	}
	return a.openedSession(r, own)
}

// openedSession is sessionOf for a session that is not cached. It is a function of its own
// because it needs 1.5 KB of the stack, which would make most stacks of requests grow.
func (a *AuthKit) openedSession(r *http.Request, own *cookie.Value) (session *Session, found standing, err error) {
	sealed, err := a.openSession(r, own)
	if err == nil {
		err = a.checkLimits(&sealed)
	}
	if err != nil {
		return nil, standing{}, err
	}
	session, err = a.verify(r.Context(), a.sessionVerifier, sealed)
	if errors.Is(err, jwks.ErrUnknownKey) || errors.Is(err, jwks.ErrUnavailable) {
		session = unverifiedSession(sealed)
	}
	if session == nil {
		return nil, standing{}, err
	}
	found = a.standingOf(session)
	if !found.signedOut && !errors.Is(err, jwks.ErrUnavailable) {
		a.rotations.markDelivered(session)
		a.reportDelivered(session)
	}
	if err == nil && !found.signedOut {
		a.signedOut.watches.refreshed(session)
	}
	if a.cache != nil && err == nil && own.Found() && !sealed.Foreign && !sealed.Unsealed {
		a.cache.Put(sessioncache.Cookie, own.Copy(), session, session.size())
	}
	return session, found, err
}

var errLimitReached = errors.New("the session has reached a limit of this application")

// checkLimits returns an error that matches errLimitReached if a session has reached the absolute timeout or the
// idle timeout of this application. It uses the times in the seal.
func (a *AuthKit) checkLimits(sealed *payload.Session) error {
	if a.absoluteTimeout == 0 && a.idleTimeout == 0 {
		return nil
	}
	now := a.clock.Now()
	if a.absoluteTimeout > 0 && now.Sub(sealed.SignedInAt) >= a.absoluteTimeout {
		return fmt.Errorf("%w: its absolute timeout", errLimitReached)
	}
	if a.idleTimeout > 0 && now.Sub(sealed.RefreshedAt) >= a.idleTimeout {
		return fmt.Errorf("%w: its idle timeout", errLimitReached)
	}
	return nil
}

// verify verifies the access token of a session and compares its user with the
// profile. With [jwks.ErrExpired] the session is returned too.
func (a *AuthKit) verify(ctx context.Context, verifier *jwks.Verifier, sealed payload.Session) (*Session, error) {
	claims, err := sealed.AccessToken.Verify(ctx, verifier)
	if claims == nil {
		return nil, err
	}
	if claims.Subject != sealed.User.ID {
		return nil, &jwks.RefusedError{Part: "sub", Want: fmt.Sprintf("%q", sealed.User.ID), Got: fmt.Sprintf("%q", claims.Subject)}
	}
	a.lifetimes.saw(claims)
	session := makeSession(sealed, claims)
	a.shareLists(claims)
	return session, err
}

// checkSameSession returns an error if new tokens are for another session or user
// than old. The tokens may be unverified.
func checkSameSession(old *Session, next payload.Session) error {
	claims, err := next.AccessToken.UnverifiedClaims()
	switch {
	case err != nil:
		return err
	case claims.SessionID != old.ID():
		return &jwks.RefusedError{Part: "sid", Want: "the ID of the refreshed session", Got: "another ID"}
	case claims.Subject != old.UserID():
		return &jwks.RefusedError{Part: "sub", Want: fmt.Sprintf("%q", old.UserID()), Got: fmt.Sprintf("%q", claims.Subject)}
	}
	return nil
}

// standing is what the marks say about a session, and where it was found.
type standing struct {
	signedOut bool
	due       bool // it must be refreshed before it is used, see duenow.go; a bearer token is refused
	cached    bool // it is from the cache of verified sessions
	steady    bool // it needs no refresh for its age, see steady.go
}

// standingOf returns what the marks say about a session.
func (a *AuthKit) standingOf(s *Session) standing {
	if a.isSignedOut(s) {
		return standing{signedOut: true}
	}
	if s.bearer { // it cannot be refreshed
		return standing{due: a.rightsChanged(s)}
	}
	return standing{due: a.isDue(s)}
}

// standingSince is standingOf for a cached session. It looks for marks only if one was
// stored since the last check of the entry that has found none. valid says that the token is
// valid now. Only then does the check count: a mark lasts as long as the tokens that it
// concerns. If the clock is ahead for a while, both seem to have expired, and both are back
// when it is set right.
func (a *AuthKit) standingSince(e *sessioncache.Entry[*Session], valid bool) standing {
	epoch := a.signedOut.epoch.Load()
	if e.CheckedEpoch.Load() == epoch {
		return standing{}
	}
	a.signedOut.reached("epoch read")
	if found := a.standingOf(e.Value); found != (standing{}) {
		return found
	}
	a.signedOut.reached("no mark found")
	if valid {
		e.CheckedEpoch.Store(epoch)
	}
	return standing{}
}
