// Bearer tokens: the sessions of native clients and services.

package authkit

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/authkit-go/authkit/internal/payload"
	"github.com/authkit-go/authkit/jwks"
	"github.com/authkit-go/authkit/workos"
)

// loadBearer loads the session from a bearer token. Such a session has no cookie
// and no refresh token, so an expired token is refused.
func (a *AuthKit) loadBearer(auth *requestAuth, r *http.Request, token string) {
	a.followLog()
	claims, err := a.bearerVerifier.Verify(r.Context(), token)
	switch {
	case err == nil && a.logIsTooOld():
		auth.err = errLogTooOld
	case err == nil:
		session := makeSession(payload.Session{AccessToken: token, User: workos.User{ID: claims.Subject}}, claims)
		session.bearer = true
		a.lifetimes.saw(claims)
		switch {
		case a.isSignedOut(session):
			auth.challenge = &bearerChallenge{code: "invalid_token", description: "The session has ended"}
		case a.rightsChanged(session):
			auth.challenge = &bearerChallenge{code: "invalid_token", description: "The rights of the user have changed since the access token was issued"}
		default:
			auth.session = session
		}
	case errors.Is(err, jwks.ErrUnavailable) && !errors.Is(err, jwks.ErrCoolDown):
		auth.err = keysUnavailable(err)
	case errors.Is(err, jwks.ErrExpired):
		auth.challenge = &bearerChallenge{code: "invalid_token", description: "The access token expired"}
	default:
		a.log.LogAttrs(r.Context(), slog.LevelDebug, "authkit: bearer token refused", slog.Any("error", err))
		auth.challenge = &bearerChallenge{code: "invalid_token", description: "The access token is not accepted"}
	}
}
