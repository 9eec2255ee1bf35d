// Bearer tokens: sessions of native clients and services.

package authkit

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/authkit-go/authkit/jwks"
	"github.com/authkit-go/authkit/workos"
)

// bearerToken is the token of an Authorization header (RFC 6750, section 2.1),
// and whether the header says that there is one. The scheme is in any letters
// (RFC 9110, section 11.1). Of several headers none is believed.
func bearerToken(r *http.Request) (token string, ok bool) {
	lines := r.Header.Values("Authorization")
	if len(lines) == 0 {
		return "", false
	}
	scheme, token, _ := strings.Cut(lines[0], " ")
	if len(lines) > 1 {
		token = ""
	}
	return strings.TrimSpace(token), strings.EqualFold(scheme, "Bearer")
}

// isAPIKey tells an API key from an access token.
func isAPIKey(token string) bool { return strings.HasPrefix(token, "sk_") }

// loadBearer makes a session of a bearer token. There is no cookie behind it
// and no refresh token: what is not good now is refused.
func (a *AuthKit) loadBearer(v *visit, r *http.Request, token string) {
	claims, err := a.bearers.Verify(r.Context(), token)
	switch {
	case err == nil:
		session := makeSession(sealedSession{accessToken: token, user: workos.User{ID: claims.Subject}}, claims)
		session.bearer = true
		if a.hasEnded(session) {
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

// bearerChallenge is what a program that came without a good token is told.
type bearerChallenge struct {
	code, description string // RFC 6750, section 3.1; empty where no token came
}

// refusesToken tells that a token came and was not accepted. That is a
// program's doing: no sign-in page is of use to it.
func (c *bearerChallenge) refusesToken() bool { return c != nil && c.code != "" }

func (c *bearerChallenge) String() string {
	if c.code == "" {
		return "Bearer" // section 3.1: no code where no credentials came
	}
	return fmt.Sprintf("Bearer error=%q, error_description=%q", c.code, c.description)
}
