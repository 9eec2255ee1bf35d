// Renewing the session when its access token is about to expire.

package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/authkit-go/authkit/jwks"
	"github.com/authkit-go/authkit/workos"
)

var (
	errEnded    = errors.New("your session has ended and you are signed out; run login")
	errFakeGone = errors.New("you signed in at the fake AuthKit inside login, which is gone; run login again")
)

// stale tells whether to renew: from a minute before the token expires, or a fifth of its life if that is shorter, lest
// one that lives for a minute is renewed on every use.
func (t *tool) stale(claims *jwks.Claims) bool {
	margin := min(time.Minute, claims.ExpiresAt.Sub(claims.IssuedAt)/5)
	return !t.clock.Now().Before(claims.ExpiresAt.Add(-margin))
}

// renew exchanges the refresh token and returns the session as the store has it then. Where it fails, the session is the
// one that the store had, or nil if that is gone.
func (t *tool) renew(ctx context.Context) (*session, *jwks.Claims, error) {
	release, err := t.store.lock(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer release()
	// Whoever held the lock before may have renewed the session, or ended it.
	s, claims, err := t.current()
	if err != nil || !t.stale(claims) {
		return s, claims, err
	}
	if s.Application.Fake {
		return s, claims, errFakeGone
	}
	renewed, fresh, err := t.exchange(ctx, *s)
	switch {
	case err == nil:
		return renewed, fresh, nil
	case ended(err):
		return nil, nil, errors.Join(errEnded, t.store.forget())
	case passing(err):
		return s, claims, unreachable(err)
	default:
		return s, claims, err
	}
}

// exchange gets new tokens for a session and stores them. The caller holds the lock.
func (t *tool) exchange(ctx context.Context, s session) (*session, *jwks.Claims, error) {
	client, err := s.Application.client(t.clock, http.DefaultTransport)
	if err != nil {
		return nil, nil, err
	}
	keys, verifier := s.Application.issued(t.clock, client.JWKSURL())
	if err := keys.Load(ctx); err != nil {
		return nil, nil, err
	}
	// Not for Ctrl-C to break off: the old refresh token is spent once the request has arrived, and the new one would be
	// lost. It takes 10 s at most, and a second Ctrl-C ends it all the same.
	auth, err := client.AuthenticateWithRefreshToken(context.WithoutCancel(ctx), workos.AuthenticateWithRefreshTokenParams{
		RefreshToken:   string(s.RefreshToken),
		OrganizationID: s.OrganizationID,
	})
	if err != nil {
		return nil, nil, err
	}
	// Stored before anything else is done that can fail. Should this fail, the old token still gets the same answer for
	// 30 s; should the access token not verify, the next run goes on from the new refresh token.
	if auth.RefreshToken != "" {
		s.RefreshToken = token(auth.RefreshToken)
		if err := t.store.save(&s); err != nil {
			return nil, nil, err
		}
	}
	claims, err := verifier.Verify(ctx, auth.AccessToken)
	if err != nil {
		return nil, nil, err
	}
	auth.RefreshToken = string(s.RefreshToken)
	renewed := newSession(s.Application, auth)
	return renewed, claims, t.store.save(renewed)
}

// ended tells the refusals after which no refresh token of the session works any more.
func ended(err error) bool {
	switch workos.ErrorCode(err) {
	case workos.CodeInvalidGrant, workos.CodeSSORequired, workos.CodeMFAEnrollment:
		return true
	}
	return false
}
