// Bearer tokens: the sessions of native clients and services.

package authkit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/authkit-go/authkit/internal/payload"
	"github.com/authkit-go/authkit/internal/sessioncache"
	"github.com/authkit-go/authkit/jwks"
	"github.com/authkit-go/authkit/workos"
)

// loadBearer loads the session from a bearer token. Such a session has no cookie
// and no refresh token, so an expired token is refused.
func (a *AuthKit) loadBearer(auth *requestAuth, r *http.Request, token string) {
	found := a.verifyBearer(r.Context(), token)
	auth.session, auth.challenge, auth.err = found.session, found.challenge, found.err
	switch {
	case auth.session != nil && found.cached:
		auth.outcome = requestBearerCached // counts as a hit of the cache
		return
	case auth.session != nil:
		auth.outcome = requestBearer
	case auth.err != nil:
		auth.outcome = requestUnavailable
	default:
		auth.outcome = requestBearerRefused
	}
	if found.cached {
		a.counters.cacheHits.Add(1)
	}
}

// VerifyToken returns the session of an access token, as the middleware does for a
// token in the Authorization header ([WithBearerTokens]). It is for what is not
// net/http, such as gRPC. The session has no profile and no refresh token. Put it into
// a context with [NewContext]; [AuthKit.UntilEnd] then ends with the token or with the
// session.
//
// The error matches [ErrUnauthenticated] if the token is not accepted: it is not one of
// this application, it has expired, or its session has ended. The same holds for every
// token without WithBearerTokens. The error matches [ErrUnavailable], and is an
// [*UnavailableError], if the token could not be checked. Neither contains the token.
func (a *AuthKit) VerifyToken(ctx context.Context, token string) (*Session, error) {
	if !a.AcceptsBearerTokens() {
		return nil, fmt.Errorf("%w: access tokens are accepted only with WithBearerTokens", ErrUnauthenticated)
	}
	found := a.verifyBearer(ctx, token)
	if found.cached {
		a.counters.cacheHits.Add(1)
	}
	if found.challenge != nil {
		return nil, found.challenge.err()
	}
	return found.session, found.err
}

// AcceptsBearerTokens reports whether [WithBearerTokens] is given. Without it,
// [AuthKit.VerifyToken] refuses every token, so an adapter can report the missing option
// at start-up.
func (a *AuthKit) AcceptsBearerTokens() bool { return a.bearerVerifier != nil }

// bearerFinding is what a bearer token comes to. One of the first three is set.
type bearerFinding struct {
	session   *Session
	challenge *bearerChallenge // of a 401
	err       error            // why the token could not be checked
	cached    bool             // the token was verified before
}

// maxAccessToken is the length of the longest token that the verifier accepts.
const maxAccessToken = 16 << 10

// refusedBearer returns the finding about a token that is not accepted.
func refusedBearer(description string) bearerFinding {
	return bearerFinding{challenge: &bearerChallenge{code: "invalid_token", description: description}}
}

// verifyBearer finds out about a bearer token. A token of Connect is for the guard that
// accepts it ([AuthKit.Accept]). It is refused as a session.
//
// A token that was verified before is in the cache. Then only what may have changed since
// is checked: expiry, signing key, sign-outs and changes of rights.
func (a *AuthKit) verifyBearer(ctx context.Context, token string) bearerFinding {
	text := [1]string{token}
	entry := a.cache.Get(sessioncache.Token, text[:])
	if a.isForResource(token, entry) {
		return refusedBearer("The access token is not accepted")
	}
	a.followLog()
	if entry != nil {
		// With a refusal, the token is verified again below. The refusal comes from the
		// loaded keys, and newer ones may be fetched.
		var err error
		if !a.isSteady(entry.Value) {
			var validity jwks.Validity
			validity, err = a.bearerVerifier.Validity(ctx, entry.Value.claims)
			a.noteSteady(entry.Value, validity)
		}
		if _, refused := err.(*jwks.RefusedError); !refused {
			found := a.judgeBearer(ctx, entry.Value, entry, err)
			found.cached = true
			return found
		}
	}
	if a.cache != nil {
		a.counters.cacheMisses.Add(1)
		if len(token) <= maxAccessToken {
			token = strings.Clone(token) // the cache would keep the text that it is a part of
		}
	}
	claims, err := a.bearerVerifier.Verify(ctx, token)
	if err != nil {
		return a.judgeBearer(ctx, nil, nil, err)
	}
	session := makeSession(payload.Session{AccessToken: payload.UnsplitToken(token), User: workos.User{ID: claims.Subject}}, claims)
	session.bearer = true
	a.shareLists(claims)
	a.lifetimes.saw(claims)
	found := a.judgeBearer(ctx, session, nil, nil)
	if found.session != nil {
		a.cache.Put(sessioncache.Token, token, session, session.size())
	}
	return found
}

// judgeBearer returns the finding about a token. err is the result of its verification. If
// err is nil, session is that of the token. entry is its entry in the cache, or nil.
func (a *AuthKit) judgeBearer(ctx context.Context, session *Session, entry *sessioncache.Entry[*Session], err error) bearerFinding {
	switch {
	case err == nil && a.logIsTooOld():
		return bearerFinding{err: errLogTooOld}
	case err == nil:
		var marked standing
		if entry != nil {
			marked = a.standingSince(entry, true)
		} else {
			marked = a.standingOf(session)
		}
		switch {
		case marked.signedOut:
			return refusedBearer("The session has ended")
		case marked.due:
			return refusedBearer("The rights of the user have changed since the access token was issued")
		}
		return bearerFinding{session: session}
	case errors.Is(err, jwks.ErrUnavailable) && !errors.Is(err, jwks.ErrCoolDown):
		return bearerFinding{err: keysUnavailable(err)}
	case errors.Is(err, jwks.ErrExpired):
		return refusedBearer("The access token expired")
	default:
		a.log.LogAttrs(ctx, slog.LevelDebug, "authkit: bearer token refused", slog.Any("error", err))
		return refusedBearer("The access token is not accepted")
	}
}
