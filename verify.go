// Whether a session may still be used.

package authkit

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/authkit-go/authkit/internal/cookie"
	"github.com/authkit-go/authkit/internal/payload"
	"github.com/authkit-go/authkit/jwks"
)

// Ready makes sure that the signing keys are at hand, fetching them if need be,
// and returns an [ErrUnavailable] where they cannot be had. It is for a form of
// the application's own, before it spends a code for a session that could not
// be verified then; [AuthKit.Callback] does as much by itself. It serves as a
// health check too.
func (a *AuthKit) Ready(ctx context.Context) error {
	if err := a.keys.Load(ctx); err != nil {
		return keysUnavailable(err)
	}
	return nil
}

// sessionOf walks the line from the cookie to a session: unseal, verify. The
// error is errNoSession, or says why there is none, or is one of package jwks:
// with ErrExpired, ErrUnknownKey and ErrUnavailable the session is returned
// too, if its token can be read; the seal vouches for it. Whether it was signed
// out in this process is told as well.
//
// A cookie that has come before goes the short way: everything that may have
// changed since is looked at again, and nothing else.
func (a *AuthKit) sessionOf(r *http.Request, own *cookie.Value) (session *Session, ended bool, err error) {
	if own.Found() {
		if known := a.cache.Get(own.Parts()); known != nil {
			if err := a.checkLimits(known.Value.sealed); err != nil {
				return nil, false, err
			}
			// A refusal is about the keys at hand: the cookie is then opened and verified again.
			err := a.sessionVerifier.Recheck(r.Context(), known.Value.claims)
			if _, refused := err.(*jwks.RefusedError); !refused {
				return known.Value, a.isSignedOutSince(known), err
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
	session, err = a.verify(r.Context(), a.sessionVerifier, sealed)
	if errors.Is(err, jwks.ErrUnknownKey) || errors.Is(err, jwks.ErrUnavailable) {
		session = unverifiedSession(sealed)
	}
	if session == nil {
		return nil, false, err
	}
	ended = a.isSignedOut(session)
	if !ended && !errors.Is(err, jwks.ErrUnavailable) {
		a.rotations.markDelivered(session)
	}
	if err == nil && own.Found() && !sealed.Foreign {
		a.cache.Put(own.Parts(), session, session.size())
	}
	return session, ended, err
}

// checkLimits holds a session against the application's own limits, on the
// times that were sealed with it.
func (a *AuthKit) checkLimits(sealed *payload.Session) error {
	if a.absoluteTimeout == 0 && a.idleTimeout == 0 {
		return nil
	}
	now := a.clock.Now()
	if a.absoluteTimeout > 0 && now.Sub(sealed.SignedInAt) >= a.absoluteTimeout {
		return errors.New("the session is over its absolute limit")
	}
	if a.idleTimeout > 0 && now.Sub(sealed.RefreshedAt) >= a.idleTimeout {
		return errors.New("the session is over its idle limit")
	}
	return nil
}

// verify turns what was sealed, or is about to be, into a session. With
// [jwks.ErrExpired] the session is returned too.
func (a *AuthKit) verify(ctx context.Context, verifier *jwks.Verifier, sealed payload.Session) (*Session, error) {
	claims, err := verifier.Verify(ctx, sealed.AccessToken)
	if claims == nil {
		return nil, err
	}
	if claims.Subject != sealed.User.ID {
		return nil, &jwks.RefusedError{Part: "sub", Want: fmt.Sprintf("%q", sealed.User.ID), Got: fmt.Sprintf("%q", claims.Subject)}
	}
	return makeSession(sealed, claims), err
}
