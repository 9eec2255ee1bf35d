// Verify: from the text of a token to a Token.

package resource

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/authkit-go/authkit/internal/sessioncache"
	"github.com/authkit-go/authkit/jwks"
)

// Verify returns the token with the given text. It is for what is not net/http, such as gRPC; [Server.Require] uses it. The
// error matches [ErrNoToken] (the text is empty), [ErrInvalidToken] or [ErrUnavailable].
//
// A token that was verified before costs no signature check: its times and its key are checked again.
func (s *Server) Verify(ctx context.Context, token string) (*Token, error) {
	if token == "" {
		return nil, ErrNoToken
	}
	text := [1]string{token}
	if entry := s.verified.Get(sessioncache.Token, text[:]); entry != nil {
		err := s.verifier.Recheck(ctx, entry.Value.claims)
		if err == nil {
			return entry.Value, nil
		}
		var refused *jwks.RefusedError
		if !errors.As(err, &refused) { // a refusal is only about the current keys; verifying again may succeed
			return s.result(ctx, entry.Value, err)
		}
	}
	if len(token) <= maxToken {
		token = strings.Clone(token) // the claims and the memory of tokens would keep the text that it is a part of
	}
	claims, err := s.verifier.Verify(ctx, token)
	if err == nil {
		err = refuseSessionToken(claims)
	}
	if err != nil {
		return s.result(ctx, nil, err)
	}
	verified := &Token{s, claims}
	s.verified.Put(sessioncache.Token, token, verified, verified.size())
	return verified, nil
}

// MayVerify reports whether the iss of a token is the issuer of this Server, and its sid is not that of a session: with a custom
// domain, session tokens can have the same issuer. It verifies nothing. It chooses between this Server and another verifier for an
// API that accepts several kinds of tokens. The keys of the wrong issuer are not fetched then. As [Server.Verify] does, it ignores a
// trailing slash. A token that was verified before is not parsed again.
func (s *Server) MayVerify(token string) bool {
	if text := [1]string{token}; s.verified.Get(sessioncache.Token, text[:]) != nil {
		return true
	}
	if len(token) > maxToken {
		return false
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct {
		Issuer    string `json:"iss"`
		SessionID string `json:"sid"`
	}
	return err == nil && json.Unmarshal(payload, &claims) == nil && strings.TrimSuffix(claims.Issuer, "/") == s.issuer &&
		!strings.HasPrefix(claims.SessionID, sessionPrefix)
}

// maxToken is the length of the longest token that the verifier accepts.
const maxToken = 16 << 10

// result returns what Verify returns for an error of the verifier.
func (s *Server) result(ctx context.Context, token *Token, err error) (*Token, error) {
	if err == nil {
		return token, nil
	}
	var unavailable *jwks.UnavailableError
	if errors.As(err, &unavailable) && !errors.Is(err, jwks.ErrCoolDown) { // anybody can invent a key ID
		return nil, &UnavailableError{max(unavailable.RetryAfter, time.Second), unavailable.Err}
	}
	s.log.LogAttrs(ctx, slog.LevelDebug, "resource: access token refused", slog.Any("error", err))
	s.logMismatch(ctx, err)
	return nil, invalid(err)
}

// sessionPrefix begins the sid of a session token. In a token of Connect, sid is the ID of a consent
// (https://workos.com/docs/authkit/connect/token-claims).
const sessionPrefix = "session_"

// refuseSessionToken refuses the access token of a session. With a custom domain, its issuer and its keys can be the same, and a
// JWT template can set any aud. Its client is the application itself, and it has no scopes.
func refuseSessionToken(claims *jwks.Claims) error {
	if strings.HasPrefix(claims.SessionID, sessionPrefix) {
		return &jwks.RefusedError{Part: "sid", Want: "the ID of a consent, or nothing", Got: "the ID of a session"}
	}
	return nil
}

// describeInvalid returns why a token is not accepted, for its sender. It says no more than the sender could read in the token.
func describeInvalid(err error) string {
	var refused *jwks.RefusedError
	switch {
	case errors.Is(err, jwks.ErrExpired):
		return "The access token has expired."
	case errors.As(err, &refused) && refused.Part == "aud":
		return "The access token was not issued for this resource."
	default:
		return "The access token is not accepted."
	}
}
