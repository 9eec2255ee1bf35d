// Refresh: when a session is renewed, and what its exchange comes to.

package authkit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/authkit-go/authkit/internal/payload"
	"github.com/authkit-go/authkit/jwks"
	"github.com/authkit-go/authkit/workos"
)

const (
	// refreshAhead is how long before its expiry a token is renewed at the
	// most; a fifth of its lifetime where that is less.
	refreshAhead = time.Minute
	// usableWait is how long a request waits for a renewal while its token is
	// good still.
	usableTokenWait = 2 * time.Second
	// exchangeLimit is how long an exchange takes at the most, with its retries
	// and with the wait for the key that its new token needs.
	exchangeLimit = 10 * time.Second
	// verifyMemory is how long tokens are kept that could not be verified yet.
	unverifiedLifetime = time.Hour
)

var (
	// errNotAccepted says that WorkOS answered with a token that is not accepted.
	errTokenNotAccepted = errors.New("the new access token is not accepted")
)

// due tells whether a session whose token is good should be renewed. It never
// is twice within the time that a renewal is ahead: to a clock that is ahead of
// WorkOS's every new token is about to expire, and must not turn every request
// into an exchange.
func (a *AuthKit) needsRefresh(s *Session) bool {
	now := a.clock.Now()
	issuedAt := s.IssuedAt()
	if issuedAt.IsZero() {
		issuedAt = s.RefreshedAt()
	}
	ahead := max(0, min(refreshAhead, s.ExpiresAt().Sub(issuedAt)/5))
	if a.idleTimeout > 0 && now.Sub(s.RefreshedAt()) >= a.idleTimeout/2 {
		return true
	}
	if now.Sub(s.RefreshedAt()) < ahead {
		return false
	}
	return !now.Before(s.ExpiresAt().Add(-ahead))
}

// renew exchanges a stale session for a new one and sets its cookie. While the
// old token is usable it serves wherever the new one cannot be had.
func (a *AuthKit) refreshSession(w http.ResponseWriter, r *http.Request, v *requestAuth, old *Session, usable bool) {
	if old.sealed.RefreshToken == "" || usable && isUpgrade(r) {
		// Without a refresh token there is no exchange to make. The response to
		// an upgrade may lose the new cookie.
		if usable {
			v.session = old
		}
		return
	}
	since := a.rotations.currentCounts()
	ctx := r.Context()
	if usable {
		bounded, stop := a.within(ctx, usableTokenWait, "the refresh takes its time")
		defer stop()
		ctx = bounded
	}
	next, err := a.rotations.exchange(ctx, old, exchangeTarget{organization: old.OrganizationID()}, a.exchangeRefreshToken)
	a.rotations.reached("awaited")
	switch {
	case a.isSignedOut(old):
		return // signed out while the exchange was under way
	case err == nil:
		a.setRefreshedSession(w, r, v, next)
		v.session = next.session
	case errors.Is(err, errSessionEnded):
		a.clearEndedSession(w, r, v, old, since)
	default:
		a.setUnrefreshedSession(w, r, v, old)
		switch {
		case errors.Is(err, errTokenNotAccepted):
		case usable:
			v.session = old
			v.pending.CompareAndSwap(nil, &pendingCookie{session: old})
		case errors.Is(err, errRefreshRefused):
		default:
			v.err = err
		}
	}
}

// exchangeRefreshToken is the exchange itself.
func (a *AuthKit) exchangeRefreshToken(ctx context.Context, old *Session, want exchangeTarget, earlier *outcome) exchangeResult {
	end := a.clock.Now().Add(exchangeLimit)
	next := earlier
	if next == nil {
		authentication, err := a.refreshAtWorkOS(ctx, workos.AuthenticateWithRefreshTokenParams{
			RefreshToken:   old.sealed.RefreshToken,
			OrganizationID: want.organization,
		})
		if err != nil {
			return a.failedExchange(ctx, old, want, err)
		}
		next = &outcome{target: want, sealed: a.withSuccessor(old, authentication)}
	}
	bounded, stop := a.within(ctx, end.Sub(a.clock.Now()), "the exchange takes too long")
	defer stop()
	session, err := a.verify(bounded, a.freshVerifier, next.sealed)
	difference := checkSameSession(old, next.sealed)
	own := difference == nil
	switch {
	case !own && (err == nil || errors.Is(err, jwks.ErrUnavailable)):
		err = difference
	case own && errors.Is(err, jwks.ErrUnavailable):
		return exchangeResult{outcome: next, until: a.clock.Now().Add(unverifiedLifetime)}
	case own && earlier != nil && (errors.Is(err, jwks.ErrExpired) || errors.Is(err, jwks.ErrUnknownKey)):
		return exchangeResult{} // it was good when it came, and went stale before it could be verified
	}
	var text string
	if err == nil {
		text, err = a.format.seal(session)
	}
	if err != nil {
		refused := a.failedExchange(ctx, old, want, fmt.Errorf("%w: %w", errTokenNotAccepted, err))
		if own {
			// The old refresh token is spent, so the new one is all that is left
			// of the session.
			refused.outcome.sealed.RefreshToken = next.sealed.RefreshToken
		}
		return refused
	}
	until := a.clock.Now().Add(replayWindow) // of a clock that is far ahead
	if session.ExpiresAt().After(until) {
		until = session.ExpiresAt()
	}
	return exchangeResult{
		outcome: &outcome{target: next.target, sealed: *session.sealed, session: session, text: text},
		until:   until,
		notify: func() {
			if !a.isSignedOut(old) {
				a.callHook(ctx, "WithOnRefresh", func() { a.onRefresh(ctx, RefreshEvent{Session: session, Previous: old}) })
			}
		},
	}
}

// refreshAtWorkOS makes the call. A transport that panics, or ends its
// goroutine, fails like a network.
func (a *AuthKit) refreshAtWorkOS(ctx context.Context, params workos.AuthenticateWithRefreshTokenParams) (authentication *workos.Authentication, err error) {
	if ended := callContained(func() { authentication, err = a.client.AuthenticateWithRefreshToken(ctx, params) }); ended != nil {
		return nil, fmt.Errorf("the HTTP client %w", ended)
	}
	return authentication, err
}

// differs tells in what new tokens, which may not be verified, are of another
// session by their own account, or nil.
func checkSameSession(old *Session, next payload.Session) error {
	claims, err := jwks.UnverifiedClaims(next.AccessToken)
	switch {
	case err != nil:
		return err
	case claims.SessionID != old.ID():
		return &jwks.RefusedError{Part: "sid", Want: "the session's own", Got: "another"}
	case claims.Subject != old.UserID():
		return &jwks.RefusedError{Part: "sub", Want: fmt.Sprintf("%q", old.UserID()), Got: fmt.Sprintf("%q", claims.Subject)}
	}
	return nil
}

// successor is what a session becomes with the tokens of a refresh. What a
// reply leaves out stays as it was.
func (a *AuthKit) withSuccessor(old *Session, reply *workos.Authentication) payload.Session {
	next := *old.sealed
	next.AccessToken = reply.AccessToken
	next.SetUser(reply.User)
	next.RefreshedAt = a.clock.Now()
	if reply.RefreshToken != "" {
		next.RefreshToken = reply.RefreshToken
	}
	if reply.AuthenticationMethod != "" {
		next.AuthenticationMethod = reply.AuthenticationMethod
	}
	if reply.Impersonator != nil {
		next.Impersonator = reply.Impersonator
	}
	return next
}

// notRenewed sorts the ways in which an exchange can fail by what they mean
// for the session: it has ended, it is refused for now, or, whatever it was,
// it will pass and nothing happened. What an organization demands of a switch
// ends no session.
func (a *AuthKit) failedExchange(ctx context.Context, old *Session, want exchangeTarget, err error) exchangeResult {
	level, message := slog.LevelWarn, "authkit: session not renewed, it stays"
	pause := max(retryPause, workos.RetryAfter(err))
	outcome := unavailable(fmt.Errorf("refresh the session: %w", err), pause)

	var reply *workos.Error
	switch {
	case errors.Is(err, errTokenNotAccepted):
		outcome, pause = err, refusalPause
	case !errors.As(err, &reply):
	case reply.Code == workos.CodeInvalidGrant, !want.switching && (reply.Code == workos.CodeSSORequired || reply.Code == workos.CodeMFAEnrollment):
		level, message = slog.LevelInfo, "authkit: session ended by WorkOS"
		outcome, pause = fmt.Errorf("%w: %w", errSessionEnded, err), refusalPause
	case reply.Code == workos.CodeInvalidClient, reply.Code == workos.CodeUnauthorizedClient, reply.StatusCode == http.StatusUnauthorized:
		level, message = slog.LevelError, "authkit: WorkOS does not accept this application's client ID or API key"
	case workos.IsTransient(err):
	default: // with or without a code: a user who was deleted is a bare 404
		outcome, pause = fmt.Errorf("%w: %w", errRefreshRefused, err), refusalPause
		if want.switching {
			level, message = slog.LevelDebug, "authkit: organization refused, the session stays" // anybody can make an ID up
		}
	}
	a.log.LogAttrs(ctx, level, message, slog.String("user_id", old.UserID()), slog.Any("error", err))
	result := exchangeResult{outcome: failedOutcome(old, want, outcome), until: a.clock.Now().Add(pause)}
	if errors.Is(outcome, errSessionEnded) {
		result.notify = func() {
			if !a.isSignedOut(old) { // Logout has told of it
				a.callHook(ctx, "WithOnSignOut", func() { a.onSignOut(ctx, SignOutEvent{Session: old, Err: err}) })
			}
		}
	}
	return result
}
