// Bearer tokens: sessions of native clients and services.

package authkit

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/authkit-go/authkit/internal/payload"
	"github.com/authkit-go/authkit/jwks"
	"github.com/authkit-go/authkit/workos"
)

// loadBearer makes a session of a bearer token. There is no cookie behind it
// and no refresh token: what is not good now is refused.
func (a *AuthKit) loadBearer(v *requestAuth, r *http.Request, token string) {
	claims, err := a.bearerVerifier.Verify(r.Context(), token)
	switch {
	case err == nil:
		session := makeSession(payload.Session{AccessToken: token, User: workos.User{ID: claims.Subject}}, claims)
		session.bearer = true
		if a.isSignedOut(session) {
			v.challenge = &bearerChallenge{code: "invalid_token", description: "The session has ended"}
			return
		}
		v.session = session
	case errors.Is(err, jwks.ErrUnavailable) && !errors.Is(err, jwks.ErrCoolDown):
		v.err = keysUnavailable(err)
	case errors.Is(err, jwks.ErrExpired):
		v.challenge = &bearerChallenge{code: "invalid_token", description: "The access token expired"}
	default:
		a.log.LogAttrs(r.Context(), slog.LevelDebug, "authkit: bearer token refused", slog.Any("error", err))
		v.challenge = &bearerChallenge{code: "invalid_token", description: "The access token is not accepted"}
	}
}
