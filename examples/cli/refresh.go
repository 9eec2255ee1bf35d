// The refresh of a session whose access token is about to expire.

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
	errSessionEnded = errors.New("your session has ended and you are signed out; run login")
	errFakeEnded    = errors.New("you signed in with a fake AuthKit, which ended with login; run login again")
)

// needsRefresh reports whether the access token expires within a minute, or within a fifth of its lifetime if that is
// shorter. Otherwise a token with a lifetime of one minute would be refreshed on every use.
func (t *tool) needsRefresh(claims *jwks.Claims) bool {
	margin := min(time.Minute, claims.ExpiresAt.Sub(claims.IssuedAt)/5)
	return !t.clock.Now().Before(claims.ExpiresAt.Add(-margin))
}

// refresh exchanges the refresh token and returns the new session, which is stored. On failure it returns the stored
// session with the error, or nil if the session has ended.
func (t *tool) refresh(ctx context.Context) (*session, *jwks.Claims, error) {
	release, err := t.store.lock(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer release()
	// The process that held the lock before may have refreshed the session, or deleted it: load it again.
	s, claims, err := t.loadSession()
	if err != nil || !t.needsRefresh(claims) {
		return s, claims, err
	}
	if s.Application.Fake {
		return s, claims, errFakeEnded
	}
	refreshed, newClaims, err := t.exchange(ctx, *s)
	switch {
	case err == nil:
		return refreshed, newClaims, nil
	case hasEnded(err):
		return nil, nil, errors.Join(errSessionEnded, t.store.delete())
	case isOutage(err):
		return s, claims, outageError(err)
	default:
		return s, claims, err
	}
}

// exchange gets new tokens for a session and stores them. The caller must hold the lock.
func (t *tool) exchange(ctx context.Context, s session) (*session, *jwks.Claims, error) {
	client, err := s.Application.client(t.clock, http.DefaultTransport)
	if err != nil {
		return nil, nil, err
	}
	keys, verifier := s.Application.newVerifier(t.clock, client.JWKSURL())
	if err := keys.Load(ctx); err != nil {
		return nil, nil, err
	}
	// Ctrl-C must not cancel this request. WorkOS consumes the old refresh token when the request arrives, and the new one
	// would be lost. The request takes at most 10 s, and a second Ctrl-C still ends the program.
	auth, err := client.AuthenticateWithRefreshToken(context.WithoutCancel(ctx), workos.AuthenticateWithRefreshTokenParams{
		RefreshToken:   string(s.RefreshToken),
		OrganizationID: s.OrganizationID,
	})
	if err != nil {
		return nil, nil, err
	}
	// Store the new refresh token before any other step can fail. If this fails, WorkOS gives the same answer to the old
	// token for 30 s. If the access token does not verify, the next run uses the new refresh token.
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
	refreshed := newSession(s.Application, auth)
	return refreshed, claims, t.store.save(refreshed)
}

// hasEnded reports whether the error means that no refresh token of the session works any more.
func hasEnded(err error) bool {
	switch workos.ErrorCode(err) {
	case workos.CodeInvalidGrant, workos.CodeSSORequired, workos.CodeMFAEnrollment:
		return true
	}
	return false
}
