// Require: the guard of a resource.

package resource

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Require returns a middleware that passes requests whose access token is accepted and has all of the scopes. Without scopes,
// every accepted token passes. The handler finds the token with [FromContext]. Other requests are answered as the package
// documentation says.
//
// Require can be used for single routes and inside another Require of the same Server: a token is verified once for a
// request. It panics at construction if a scope is not one (RFC 6749 section 3.3), and the middleware panics if its handler is
// nil.
func (s *Server) Require(scopes ...string) func(http.Handler) http.Handler {
	for _, scope := range scopes {
		if err := checkScope(scope); err != nil {
			panic("resource: Require: " + err.Error())
		}
	}
	scopes = slices.Clone(scopes)
	return func(next http.Handler) http.Handler {
		if next == nil {
			panic("resource: Require: the handler is nil")
		}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			token, outer := s.FromContext(r.Context())
			var err error
			if !outer {
				token, err = s.tokenOf(r)
			}
			if err == nil {
				err = token.CheckScopes(scopes...)
			}
			if err != nil {
				s.refuse(w, r, token, scopes, err)
				return
			}
			if !outer {
				r = r.WithContext(NewContext(r.Context(), token))
			}
			next.ServeHTTP(w, r)
		})
	}
}

// FromContext returns the token of a request if this Server has verified it. The function [FromContext] returns the token of
// every Server.
func (s *Server) FromContext(ctx context.Context) (*Token, bool) {
	token, ok := FromContext(ctx)
	if !ok || token.server != s {
		return nil, false
	}
	return token, true
}

// tokenOf returns the token in the header of a request.
func (s *Server) tokenOf(r *http.Request) (*Token, error) {
	text, err := bearerToken(r.Header)
	if err != nil {
		return nil, err
	}
	return s.Verify(r.Context(), text)
}

// bearerToken reads the Authorization header (RFC 6750 section 2.1). The name of the scheme has any case (RFC 9110 section 11.1).
// Another scheme counts as no token.
func bearerToken(h http.Header) (string, error) {
	values := h["Authorization"]
	if len(values) == 0 {
		return "", ErrNoToken
	}
	if len(values) > 1 {
		return "", ErrInvalidRequest
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", ErrNoToken
	}
	if token = strings.Trim(token, " "); token == "" || strings.Contains(token, " ") {
		return "", ErrInvalidRequest
	}
	return token, nil
}

// refuse answers a request that does not pass. token is nil unless it is accepted.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, token *Token, scopes []string, err error) {
	refusal := RefusalOf(err)
	if errors.Is(err, ErrNoToken) {
		s.noteHost(r)
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	var unavailable *UnavailableError
	if errors.As(err, &unavailable) {
		seconds := (unavailable.RetryAfter + time.Second - 1) / time.Second
		h.Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
	} else {
		h.Set("WWW-Authenticate", s.challenge(refusal, token, scopes))
	}
	s.log.LogAttrs(r.Context(), slog.LevelDebug, "resource: request refused", slog.Int("status", refusal.Status), slog.String("code", refusal.Code))
	s.onRefusal(w, r, refusal)
}

// Challenge returns the value of WWW-Authenticate with which [Server.Require] answers an error of [Server.Verify] or
// [Token.CheckScopes]: RFC 6750 section 3, with the address of the metadata (RFC 9728 section 5.1). It is for a guard that also
// accepts other credentials. Its scope names what a new token should have: the scopes that the route requires, and those that the
// token has already, so that a client that asks for a new one loses nothing. The token is nil if it was not accepted. The value
// is "" for [ErrUnavailable], which is no reason to get another token.
func (s *Server) Challenge(err error, token *Token, scopes ...string) string {
	if errors.Is(err, ErrUnavailable) {
		return ""
	}
	return s.challenge(RefusalOf(err), token, scopes)
}

func (s *Server) challenge(refusal Refusal, token *Token, scopes []string) string {
	var b strings.Builder
	b.WriteString("Bearer ")
	if refusal.Code != "unauthenticated" { // RFC 6750 section 3.1: no error if the request had no token
		b.WriteString(`error="` + refusal.Code + `", error_description="` + refusal.Detail + `", `)
	}
	if wanted := withScopesOf(token, scopes); len(wanted) > 0 {
		b.WriteString(`scope="` + strings.Join(wanted, " ") + `", `)
	}
	b.WriteString(`resource_metadata="` + s.metadata.String() + `"`)
	return b.String()
}

// maxChallengedScopes is the number of scopes in a challenge. A header field must not become as long as a token.
const maxChallengedScopes = 50

// offlineAccess asks for a refresh token (OpenID Connect Core 1.0 section 11). No resource needs it, so it is in no challenge (MCP
// authorization specification of 2026-07-28, section Refresh Tokens). A client adds it by itself.
const offlineAccess = "offline_access"

// withScopesOf returns the required scopes and then those of the token, each once.
func withScopesOf(token *Token, required []string) []string {
	wanted := slices.Clone(required)
	for _, scope := range token.Scopes() {
		if len(wanted) < maxChallengedScopes && scope != offlineAccess && !slices.Contains(wanted, scope) && checkScope(scope) == nil {
			wanted = append(wanted, scope)
		}
	}
	return wanted
}
