// Refresh: when a session is renewed, and what its exchange comes to.

package authkit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/authkit-go/authkit/jwks"
	"github.com/authkit-go/authkit/workos"
)

const (
	// clockSkew is how far two clocks may be apart.
	clockSkew = jwks.DefaultLeeway
	// refreshAhead is how long before its expiry a token is renewed at the
	// most; a fifth of its lifetime where that is less.
	refreshAhead = time.Minute
	// usableWait is how long a request waits for a renewal while its token is
	// good still.
	usableWait = 2 * time.Second
	// retryPause is how long nobody tries again after a passing failure.
	retryPause = 5 * time.Second
	// refusalPause is the same after a refusal that will not pass by itself.
	refusalPause = time.Minute
	// exchangeLimit is how long an exchange takes at the most, with its retries
	// and with the wait for the key that its new token needs.
	exchangeLimit = 10 * time.Second
	// verifyMemory is how long tokens are kept that could not be verified yet.
	verifyMemory = time.Hour
)

var (
	// errEnded says that WorkOS has ended the session.
	errEnded = errors.New("the session was ended by WorkOS")
	// errRefused says that WorkOS did not refresh the session, for a reason that
	// neither ends it nor passes by itself.
	errRefused = errors.New("the session was not refreshed")
	// errNotAccepted says that WorkOS answered with a token that is not accepted.
	errNotAccepted = errors.New("the new access token is not accepted")
)

// due tells whether a session whose token is good should be renewed. It never
// is twice within the time that a renewal is ahead: to a clock that is ahead of
// WorkOS's every new token is about to expire, and must not turn every request
// into an exchange.
func (a *AuthKit) due(s *Session) bool {
	now := a.clock.Now()
	issuedAt := s.IssuedAt()
	if issuedAt.IsZero() {
		issuedAt = s.RenewedAt()
	}
	ahead := max(0, min(refreshAhead, s.ExpiresAt().Sub(issuedAt)/5))
	if a.idleLimit > 0 && now.Sub(s.RenewedAt()) >= a.idleLimit/2 {
		return true
	}
	if now.Sub(s.RenewedAt()) < ahead {
		return false
	}
	return !now.Before(s.ExpiresAt().Add(-ahead))
}

// renew exchanges a stale session for a new one and sets its cookie. While the
// old token is usable it serves wherever the new one cannot be had.
func (a *AuthKit) renew(w http.ResponseWriter, r *http.Request, v *visit, old *Session, usable bool) {
	if old.sealed.refreshToken == "" || usable && isUpgrade(r) {
		// Without a refresh token there is no exchange to make. The response to
		// an upgrade may lose the new cookie.
		if usable {
			v.session = old
		}
		return
	}
	since := a.refreshes.soFar()
	ctx := r.Context()
	if usable {
		bounded, stop := a.within(ctx, usableWait, "the refresh takes its time")
		defer stop()
		ctx = bounded
	}
	next, err := a.refreshes.await(ctx, old, wanted{organization: old.OrganizationID()}, a.exchangeRefreshToken)
	a.refreshes.at("awaited")
	switch {
	case a.hasEnded(old):
		return // signed out while the exchange was under way
	case err == nil:
		a.keepRenewed(w, r, v, next)
		v.session = next.session
	case errors.Is(err, errEnded):
		a.clearEnded(w, r, v, old, since)
	default:
		a.keepUnrenewed(w, r, v, old)
		switch {
		case errors.Is(err, errNotAccepted):
		case usable:
			v.session = old
			v.kept.CompareAndSwap(nil, &keptSession{session: old})
		case errors.Is(err, errRefused):
		default:
			v.err = err
		}
	}
}

// within bounds a context to a time on the application's clock. The cause of
// its end is a text.
func (a *AuthKit) within(ctx context.Context, limit time.Duration, cause string) (bounded context.Context, stop func()) {
	bounded, cancel := context.WithCancelCause(ctx)
	stopTimer := a.clock.AfterFunc(limit, func() { cancel(errors.New(cause)) })
	return bounded, func() {
		stopTimer()
		cancel(nil)
	}
}

// keepRenewed sets the cookie of a renewed session. One that has outgrown its
// cookies serves this request, and those that the memory answers.
func (a *AuthKit) keepRenewed(w http.ResponseWriter, r *http.Request, v *visit, next *renewal) {
	if kept := a.keep(w.Header(), r, next.session, next.text); kept != nil {
		v.kept.Store(kept)
	}
}

// keepUnrenewed sets what a session that could not be renewed must not lose: a
// refresh token that came without an access token that could be verified, and
// the time of its use where there is an idle limit, since an outage is nobody's
// idleness.
func (a *AuthKit) keepUnrenewed(w http.ResponseWriter, r *http.Request, v *visit, old *Session) {
	newest, _ := a.refreshes.latest(old)
	if newest == old && a.idleLimit == 0 {
		return
	}
	sealed := *newest.sealed
	sealed.renewedAt = a.clock.Now()
	if kept := a.keep(w.Header(), r, makeSession(sealed, newest.claims), ""); kept != nil {
		v.kept.Store(kept)
	}
}

// keptSession is what a response is about to do with the session's cookie: to
// set a session, sealed, or to clear the cookie of one that WorkOS has ended.
// Without a text, a session to set is one whose refresh may come before the
// response does.
type keptSession struct {
	session *Session
	text    string

	clears   bool
	since    counts // when the request began
	clearing uint64 // the number of this response, once it has cleared the cookie
}

// clearEnded lets the response clear the cookie of a session that WorkOS has
// ended. Whether it still may is decided when its header is written. A response
// that is not this middleware's is about to be written, and is decided on here.
func (a *AuthKit) clearEnded(w http.ResponseWriter, r *http.Request, v *visit, ended *Session, since counts) {
	a.cookies.takeBackSession(w.Header())
	cleared := &keptSession{session: ended, clears: true, since: since}
	if v.owner == a {
		v.kept.Store(cleared)
		return
	}
	a.lastClear(w, r, cleared)
}

// lastClear clears the cookie of a session that WorkOS has ended, unless
// something has taken its place since the request began, or the handler has said
// something of the session's cookies itself. It returns what the response is
// about to do now.
func (a *AuthKit) lastClear(w http.ResponseWriter, r *http.Request, kept *keptSession) *keptSession {
	h := w.Header()
	number := a.refreshes.clear(kept.session, kept.since, kept.clearing)
	switch {
	case number == 0 && kept.clearing != 0:
		a.cookies.takeBackCleared(h)
	case number != 0 && !a.cookies.setsSession(h):
		a.cookies.clearSession(w, r)
	}
	decided := *kept
	decided.clearing = number
	return &decided
}

// keep sets the cookie of a session, whose text is empty where it is not sealed
// yet. It returns nil if that cannot be.
func (a *AuthKit) keep(h http.Header, r *http.Request, s *Session, text string) *keptSession {
	var err error
	if text == "" {
		text, err = a.format.seal(s)
	}
	if err == nil {
		if err = a.cookies.setSession(h, r, text); err == nil {
			return &keptSession{session: s, text: text}
		}
		err = tooLarge(s, err)
	}
	a.log.LogAttrs(r.Context(), slog.LevelError, "authkit: session not kept", slog.Any("error", err))
	return nil
}

// tooLarge adds to an error of the cookies what it is that fills them.
func tooLarge(s *Session, err error) error { return fmt.Errorf("%w: %s", err, s.sealed.contents()) }

// lastCookie sees to it that a response which comes late does not take the
// browser back: behind a logout or a sign-in, or to tokens that were exchanged
// since the request began. What those have become it carries. One whose handler
// has dropped the cookie, as http.TimeoutHandler does with any header, gets it
// again. It returns what the response is about to set now.
func (a *AuthKit) lastCookie(h http.Header, r *http.Request, kept *keptSession) *keptSession {
	newest, spent := a.refreshes.latest(kept.session)
	a.refreshes.at("examined")
	gone := spent || a.hasEnded(kept.session)
	switch {
	case !gone && newest == kept.session:
		if kept.text != "" && !a.cookies.setsSession(h) {
			return a.keep(h, r, kept.session, kept.text)
		}
	case a.cookies.takeBack(h, kept.text) && !gone:
		if next := a.keep(h, r, newest, ""); next != nil {
			return next
		}
	}
	return kept
}

// exchangeRefreshToken is the exchange itself.
func (a *AuthKit) exchangeRefreshToken(ctx context.Context, old *Session, want wanted, earlier *renewal) exchangeResult {
	end := a.clock.Now().Add(exchangeLimit)
	next := earlier
	if next == nil {
		authentication, err := a.refreshAtWorkOS(ctx, workos.RefreshTokenParams{
			RefreshToken:   old.sealed.refreshToken,
			OrganizationID: want.organization,
		})
		if err != nil {
			return a.notRenewed(ctx, old, want, err)
		}
		next = &renewal{wanted: want, sealed: a.successor(old, authentication)}
	}
	bounded, stop := a.within(ctx, end.Sub(a.clock.Now()), "the exchange takes too long")
	defer stop()
	session, err := a.verify(bounded, a.issued, next.sealed)
	difference := differs(old, next.sealed)
	own := difference == nil
	switch {
	case !own && (err == nil || errors.Is(err, jwks.ErrUnavailable)):
		err = difference
	case own && errors.Is(err, jwks.ErrUnavailable):
		return exchangeResult{next: next, until: a.clock.Now().Add(verifyMemory)}
	case own && earlier != nil && (errors.Is(err, jwks.ErrExpired) || errors.Is(err, jwks.ErrUnknownKey)):
		return exchangeResult{} // it was good when it came, and went stale before it could be verified
	}
	var text string
	if err == nil {
		text, err = a.format.seal(session)
	}
	if err != nil {
		refused := a.notRenewed(ctx, old, want, fmt.Errorf("%w: %w", errNotAccepted, err))
		if own {
			// The old refresh token is spent, so the new one is all that is left
			// of the session.
			refused.next.sealed.refreshToken = next.sealed.refreshToken
		}
		return refused
	}
	until := a.clock.Now().Add(replayWindow) // of a clock that is far ahead
	if session.ExpiresAt().After(until) {
		until = session.ExpiresAt()
	}
	return exchangeResult{
		next:  &renewal{wanted: next.wanted, sealed: *session.sealed, session: session, text: text},
		until: until,
		notify: func() {
			if !a.hasEnded(old) {
				a.callHook(ctx, "WithOnRefresh", func() { a.onRefresh(ctx, session) })
			}
		},
	}
}

// refreshAtWorkOS makes the call. A transport that panics, or ends its
// goroutine, fails like a network.
func (a *AuthKit) refreshAtWorkOS(ctx context.Context, params workos.RefreshTokenParams) (authentication *workos.Authentication, err error) {
	if ended := contained(func() { authentication, err = a.client.AuthenticateWithRefreshToken(ctx, params) }); ended != nil {
		return nil, fmt.Errorf("the HTTP client %w", ended)
	}
	return authentication, err
}

// differs tells in what new tokens, which may not be verified, are of another
// session by their own account, or nil.
func differs(old *Session, next sealedSession) error {
	claims, err := jwks.UnverifiedClaims(next.accessToken)
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
func (a *AuthKit) successor(old *Session, reply *workos.Authentication) sealedSession {
	next := *old.sealed
	next.accessToken = reply.AccessToken
	next.setUser(reply.User)
	next.renewedAt = a.clock.Now()
	if reply.RefreshToken != "" {
		next.refreshToken = reply.RefreshToken
	}
	if reply.AuthenticationMethod != "" {
		next.method = reply.AuthenticationMethod
	}
	if reply.Impersonator != nil {
		next.impersonator = reply.Impersonator
	}
	return next
}

// notRenewed sorts the ways in which an exchange can fail by what they mean
// for the session: it has ended, it is refused for now, or, whatever it was,
// it will pass and nothing happened. What an organization demands of a switch
// ends no session.
func (a *AuthKit) notRenewed(ctx context.Context, old *Session, want wanted, err error) exchangeResult {
	level, message := slog.LevelWarn, "authkit: session not renewed, it stays"
	pause := max(retryPause, workos.RetryAfter(err))
	outcome := unavailable(fmt.Errorf("refresh the session: %w", err), pause)

	var reply *workos.Error
	switch {
	case errors.Is(err, errNotAccepted):
		outcome, pause = err, refusalPause
	case !errors.As(err, &reply):
	case reply.Code == workos.CodeInvalidGrant, !want.switching && (reply.Code == workos.CodeSSORequired || reply.Code == workos.CodeMFAEnrollment):
		level, message = slog.LevelInfo, "authkit: session ended by WorkOS"
		outcome, pause = fmt.Errorf("%w: %w", errEnded, err), refusalPause
	case reply.Code == workos.CodeInvalidClient, reply.Code == workos.CodeUnauthorizedClient, reply.StatusCode == http.StatusUnauthorized:
		level, message = slog.LevelError, "authkit: WorkOS does not accept this application's client ID or API key"
	case workos.IsTransient(err):
	default: // with or without a code: a user who was deleted is a bare 404
		outcome, pause = fmt.Errorf("%w: %w", errRefused, err), refusalPause
		if want.switching {
			level, message = slog.LevelDebug, "authkit: organization refused, the session stays" // anybody can make an ID up
		}
	}
	a.log.LogAttrs(ctx, level, message, slog.String("user_id", old.UserID()), slog.Any("error", err))
	result := exchangeResult{next: failed(old, want, outcome), until: a.clock.Now().Add(pause)}
	if errors.Is(outcome, errEnded) {
		result.notify = func() {
			if !a.hasEnded(old) { // Logout has told of it
				a.callHook(ctx, "WithOnSignOut", func() { a.onSignOut(ctx, SignOutEvent{Session: old, Err: err}) })
			}
		}
	}
	return result
}
