// Refresh: when a session is refreshed, and what an exchange at WorkOS makes of
// it.

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
	// usableTokenWait is how long a request waits for a refresh while its access
	// token is still valid.
	usableTokenWait = 2 * time.Second
	// exchangeLimit is the time limit of an exchange. It includes the retries and
	// the fetch of the signing key for the new token.
	exchangeLimit = 10 * time.Second
	// unverifiedLifetime is how long new tokens are remembered that could not be
	// verified yet.
	unverifiedLifetime = time.Hour
)

// needsRefresh reports whether a session with a valid access token should be
// refreshed.
//
// steadyUntil has the same times. It reports false for some time after a refresh: as long as a token is refreshed
// ahead of its expiry. If this server's clock is ahead of WorkOS's, every new
// token seems to expire soon, and each request would otherwise make an exchange.
func (a *AuthKit) needsRefresh(s *Session) bool {
	now, ahead := a.clock.Now(), refreshedAhead(s)
	if a.idleTimeout > 0 && now.Sub(s.RefreshedAt()) >= a.idleTimeout/2 {
		return true
	}
	if now.Sub(s.RefreshedAt()) < ahead {
		return false
	}
	return !now.Before(s.ExpiresAt().Add(-ahead))
}

// refreshSession refreshes the stale session of a finding and sets its new cookie. usable
// says that the access token of the old session is still valid. Then that session serves the
// request if there is no new one. due says that a change at WorkOS asks for the refresh. Then
// the request waits for it, and a refusal of WorkOS makes it anonymous. The end of the request
// does not end the wait with the old rights: a handler runs also if its client has left.
//
// auth.outcome is that of a request which the old session serves. If it does not serve the
// request, refreshSession changes the outcome.
func (a *AuthKit) refreshSession(w http.ResponseWriter, r *http.Request, auth *requestAuth) {
	old, usable, due := auth.session, auth.usable, auth.due
	auth.session, auth.stale = nil, false
	// A session without a refresh token cannot be refreshed. An upgrade is not
	// worth a refresh, because its response may lose the new cookie.
	if noToken := old.sealed.RefreshToken == ""; noToken || usable && !due && isUpgrade(r) {
		if usable && !(noToken && a.rightsChanged(old)) {
			auth.session = old
		} else {
			auth.outcome = requestStale
		}
		return
	}
	since := a.rotations.currentCounts() // before the exchange: order 1 of clearing.go
	ctx := r.Context()
	if usable {
		wait := usableTokenWait
		if due {
			wait = exchangeLimit
		}
		bounded, stop := a.within(ctx, wait, "the refresh takes too long")
		defer stop()
		ctx = bounded
	}
	next, err := a.exchangeWhileDue(ctx, old, exchangeTarget{organization: old.OrganizationID()})
	a.rotations.reached("awaited")
	switch {
	case a.isSignedOut(old): // after the exchange: order 4 of rotation.go
		auth.outcome = requestEnded
	case err == nil:
		a.setRefreshedSession(w, r, auth, next)
		if r.Context().Err() != nil && a.isDue(next.session) { // a second refresh was not awaited
			auth.err, auth.outcome = unavailable(context.Cause(r.Context()), 0), requestUnavailable
			return
		}
		auth.session, auth.outcome = next.session, requestRefreshed
	case errors.Is(err, errSessionEnded):
		auth.outcome = requestEnded
		a.clearEndedSession(w, r, auth, old, since)
	case errors.Is(err, errSuperseded): // anonymous, and the cookie stays: it may be that of a newer session
		auth.outcome = requestEnded
	default:
		a.setUnrefreshedSession(w, r, auth, old)
		due = due || a.isDue(old) // a change may have become known meanwhile
		switch {
		case errors.Is(err, errTokenNotAccepted):
			auth.outcome = requestTokenRefused
		case due && errors.Is(err, errRefreshRefused):
			auth.outcome = requestStale
		case due && (errors.Is(err, errRefusalOpen) || r.Context().Err() != nil || !isOutage(err)):
			// WorkOS has refused the refresh, or the client has left, perhaps so that
			// its old token serves.
			auth.err, auth.outcome = err, requestUnavailable
		case usable && old.sealed.Unsealed && a.rightsChanged(old): // the client has chosen the refresh token
			auth.err, auth.outcome = err, requestUnavailable
		case usable:
			auth.session = old
			auth.pending.CompareAndSwap(nil, &pendingCookie{session: old})
		case errors.Is(err, errRefreshRefused):
			auth.outcome = requestStale
		default:
			auth.err, auth.outcome = err, requestUnavailable
		}
	}
}

// isOutage reports whether an exchange has failed because WorkOS could not be reached, has
// answered 408, 429 or 5xx, or has sent something unreadable. Other failures are transient
// too, such as a 401 or the page of a firewall, but they may be about this session.
func isOutage(err error) bool {
	var reply *workos.Error
	if !errors.As(err, &reply) {
		return true
	}
	status := reply.StatusCode
	return status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= 500
}

// exchangeWhileDue returns the outcome of a refresh or a switch. If a change at WorkOS became
// known while the new token was made, or if an earlier exchange answers the request, the new
// session may be due itself. It is then refreshed too. If that fails for a transient
// reason, it is returned nevertheless.
func (a *AuthKit) exchangeWhileDue(ctx context.Context, s *Session, want exchangeTarget) (*outcome, error) {
	const maxExchanges = 5
	var latest *outcome
	for range maxExchanges {
		next, err := a.rotations.exchange(ctx, s, want, a.exchangeToken)
		if latest != nil && errors.Is(err, ErrUnavailable) && !errors.Is(err, errRefusalOpen) {
			break
		}
		if err != nil || !a.isDue(next.session) {
			return next, err
		}
		latest, s = next, next.session
		want = exchangeTarget{organization: s.OrganizationID()}
	}
	return latest, nil
}

// exchangeRefreshToken exchanges the refresh token of a session at WorkOS and
// verifies the new tokens. If earlier is not nil, that exchange was made already,
// and only its tokens are verified. It is an [exchangeFunc].
func (a *AuthKit) exchangeRefreshToken(ctx context.Context, old *Session, want exchangeTarget, earlier *outcome) exchangeResult {
	end := a.clock.Now().Add(exchangeLimit)
	next := earlier
	if next == nil {
		begun := a.rotations.begun.Add(1)
		shown := a.changesShown(old.UserID(), want.organization) // before the call: order 2 of duenow.go
		a.rotations.reached("changes read")
		authentication, err := a.refreshAtWorkOS(ctx, workos.AuthenticateWithRefreshTokenParams{
			RefreshToken:   old.sealed.RefreshToken,
			OrganizationID: want.organization,
		})
		if err != nil {
			return a.failedExchange(ctx, old, want, err)
		}
		next = &outcome{target: want, sealed: a.withSuccessor(old, authentication), begun: begun}
		next.sealed.CurrentTo = currentTo(authentication.AccessToken, old, shown)
	}
	return a.verifyExchanged(ctx, old, want, next, earlier != nil, end)
}

// verifyExchanged verifies the tokens of an exchange and returns its result. again
// says that the exchange was made earlier, here or at another instance, so that its
// tokens may be stale.
func (a *AuthKit) verifyExchanged(ctx context.Context, old *Session, want exchangeTarget, next *outcome, again bool, end time.Time) exchangeResult {
	bounded, stop := a.within(ctx, end.Sub(a.clock.Now()), "the exchange takes too long")
	defer stop()
	session, err := a.verify(bounded, a.freshVerifier, next.sealed)
	difference := checkSameSession(old, next.sealed)
	switch {
	case difference != nil:
		if err == nil || errors.Is(err, jwks.ErrUnavailable) {
			err = difference
		}
	case errors.Is(err, jwks.ErrUnavailable):
		return exchangeResult{outcome: next, until: a.clock.Now().Add(unverifiedLifetime)}
	case again && (errors.Is(err, jwks.ErrExpired) || errors.Is(err, jwks.ErrUnknownKey)):
		return exchangeResult{} // the token became stale before it could be verified
	}
	var text string
	if err == nil {
		if text, err = a.format.seal(session); errors.Is(err, ErrSessionTooLarge) {
			err = nil // without a text, setSession logs it and sets no cookie
		}
	}
	if err != nil {
		failed := a.failedExchange(ctx, old, want, fmt.Errorf("%w: %w", errTokenNotAccepted, err))
		if difference == nil {
			// The exchange consumed the old refresh token. Without the new one, the
			// session could not be refreshed again.
			failed.outcome.sealed.RefreshToken = next.sealed.RefreshToken
		}
		return failed
	}
	a.signedOut.watches.refreshed(session)
	lines, text := a.cookies.Lines(text)
	return a.refreshedResult(ctx, old, &outcome{
		target: next.target, sealed: *session.sealed, session: session, begun: next.begun,
		cookie: pendingCookie{session: session, sealed: text, lines: lines},
	})
}

// refreshedResult returns the result of an exchange whose session was verified.
// The outcome is remembered until the access token expires. If this server's
// clock is far ahead, the token seems expired, and the outcome is remembered for
// replayWindow.
func (a *AuthKit) refreshedResult(ctx context.Context, old *Session, next *outcome) exchangeResult {
	until := a.clock.Now().Add(replayWindow)
	if expiresAt := next.session.ExpiresAt(); expiresAt.After(until) {
		until = expiresAt
	}
	return exchangeResult{
		outcome: next,
		until:   until,
		notify: func() {
			if !a.isSignedOut(old) {
				a.callHook(ctx, "WithOnRefresh", func() { a.onRefresh(ctx, RefreshEvent{Session: next.session, Previous: old}) })
			}
		},
	}
}

// refreshAtWorkOS makes the call. If the HTTP transport panics or ends its
// goroutine, that is a failed call.
func (a *AuthKit) refreshAtWorkOS(ctx context.Context, params workos.AuthenticateWithRefreshTokenParams) (authentication *workos.Authentication, err error) {
	if ended := callContained(func() { authentication, err = a.client.AuthenticateWithRefreshToken(ctx, params) }); ended != nil {
		return nil, fmt.Errorf("the HTTP client %w", ended)
	}
	return authentication, err
}

// withSuccessor returns the content of a session with the tokens of a refresh. What
// the reply leaves out stays as it was.
func (a *AuthKit) withSuccessor(old *Session, reply *workos.Authentication) payload.Session {
	next := *old.sealed
	next.Unsealed = false // what is written is sealed, and its profile comes from WorkOS
	next.AccessToken = payload.NewToken(reply.AccessToken)
	next.SetUser(reply.User)
	next.RefreshedAt = a.clock.Now()
	if reply.RefreshToken != "" && reply.RefreshToken != old.sealed.RefreshToken {
		next.RefreshToken = reply.RefreshToken
		next.Origin = a.rotations.names.originOf(old.sealed.RefreshToken)
	}
	if reply.AuthenticationMethod != "" {
		next.AuthenticationMethod = reply.AuthenticationMethod
	}
	if reply.Impersonator != nil {
		next.Impersonator = reply.Impersonator
	}
	return next
}

// failedExchange returns the result of a failed exchange, and logs the failure.
// The error of the outcome matches one of these:
//
//   - errSessionEnded: WorkOS has ended the session
//   - errTokenNotAccepted, errRefreshRefused: the session stays, and is not
//     exchanged again for refusalPause
//   - ErrUnavailable: any other failure, which is treated as transient
//
// If an organization requires another way to sign in, that ends a session in a
// refresh, but not in a switch.
func (a *AuthKit) failedExchange(ctx context.Context, old *Session, want exchangeTarget, err error) exchangeResult {
	level, message := slog.LevelWarn, "authkit: session not refreshed, it is kept"
	pause := max(retryPause, workos.RetryAfter(err))
	failure := unavailable(fmt.Errorf("refresh the session: %w", err), pause)

	var reply *workos.Error
	switch {
	case errors.Is(err, errTokenNotAccepted):
		failure, pause = err, refusalPause
	case !errors.As(err, &reply):
	case reply.Code == workos.CodeInvalidGrant, !want.switching && (reply.Code == workos.CodeSSORequired || reply.Code == workos.CodeMFAEnrollment):
		if old.sealed.Unsealed { // the refresh token may be of any session, so the refusal does not end this one
			level, failure, pause = slog.LevelDebug, fmt.Errorf("%w: %w", errRefreshRefused, err), refusalPause
			break
		}
		level, message = slog.LevelInfo, "authkit: session ended by WorkOS"
		if a.replicas != nil {
			message = "authkit: refresh token refused by WorkOS, other instances are asked for its successor"
		}
		failure, pause = fmt.Errorf("%w: %w", errSessionEnded, err), refusalPause
	case reply.Code == workos.CodeInvalidClient, reply.Code == workos.CodeUnauthorizedClient, reply.StatusCode == http.StatusUnauthorized:
		level, message = slog.LevelError, "authkit: WorkOS does not accept this application's client ID or API key"
		a.calls.refuseCredentials()
	case workos.IsTransient(err):
	default: // the reply may have no code: for a deleted user it is a bare 404
		message = "authkit: refresh refused by WorkOS, the cookie is kept and WorkOS is asked again in a minute"
		failure, pause = fmt.Errorf("%w: %w", errRefreshRefused, err), refusalPause
		if want.switching {
			// Debug, because a client can send any organization ID.
			level, message = slog.LevelDebug, "authkit: switch to the organization refused, the session is kept"
		}
	}
	a.log.LogAttrs(ctx, level, message, slog.String("user_id", old.UserID()), slog.Any("error", err))
	result := exchangeResult{outcome: failedOutcome(old, want, failure), until: a.clock.Now().Add(pause)}
	if errors.Is(failure, errSessionEnded) {
		result.notify = func() {
			if !a.isSignedOut(old) { // otherwise Logout has called the hook
				a.callHook(ctx, "WithOnSignOut", func() { a.onSignOut(ctx, SignOutEvent{Session: old, Err: err}) })
			}
		}
	}
	return result
}
