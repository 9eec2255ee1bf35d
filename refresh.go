// Refresh: one exchange for many requests.

package authkit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/sync/singleflight"

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
	// replayWindow is how long a retired refresh token is answered from memory
	// once its successor has come back, as WorkOS answers it too.
	replayWindow = 30 * time.Second
	// retryPause is how long nobody tries again after a passing failure.
	retryPause = 5 * time.Second
	// refusalPause is the same after a refusal that will not pass by itself.
	refusalPause = time.Minute
	// spentMemory is how long a refresh token is known to be spent: longer than
	// a handler takes to answer.
	spentMemory = time.Hour
	// renewalLimit bounds how many renewals are remembered. One is the size of
	// a session and its sealed form.
	renewalLimit = 1 << 13
)

var (
	// errEnded says that WorkOS has ended the session.
	errEnded = errors.New("the session was ended by WorkOS")
	// errRefused says that WorkOS did not renew the session, for a reason that
	// neither ends it nor passes by itself.
	errRefused = errors.New("the session was not renewed")
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
	if usable && isUpgrade(r) {
		v.session = old // a response that is taken over may lose the new cookie
		return
	}
	ctx := r.Context()
	if usable {
		bounded, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		stop := a.clock.AfterFunc(usableWait, func() { cancel(errors.New("the renewal takes its time")) })
		defer stop()
		ctx = bounded
	}
	next, err := a.refreshes.await(ctx, old, old.OrganizationID(), a.exchangeRefreshToken)
	switch {
	case a.hasEnded(old):
		return // signed out while the exchange was under way
	case err == nil:
		a.keepRenewed(w, r, v, next)
		v.session = next.session
	case errors.Is(err, errEnded):
		a.cookies.clearSession(w, r)
	default:
		a.keepUnrenewed(w, r, v, old, next)
		switch {
		case errors.Is(err, errRefused):
		case usable:
			v.session = old
		default:
			v.err = err
		}
	}
}

// keepRenewed sets the cookie of a renewed session. One that has outgrown its
// cookies serves this request, and those that the memory answers.
func (a *AuthKit) keepRenewed(w http.ResponseWriter, r *http.Request, v *visit, next *renewal) {
	if err := a.setSession(w.Header(), r, keptSession{next.session, next.text}); err != nil {
		a.log.LogAttrs(r.Context(), slog.LevelError, "authkit: renewed session not kept", slog.Any("error", err))
		return
	}
	v.kept.Store(&keptSession{next.session, next.text})
}

// keepUnrenewed sets what a session that could not be renewed must not lose: a
// refresh token that came without an access token that could be verified, and
// the time of its use where there is an idle limit, since an outage is nobody's
// idleness.
func (a *AuthKit) keepUnrenewed(w http.ResponseWriter, r *http.Request, v *visit, old *Session, next *renewal) {
	kept := *old.sealed
	switch {
	case next != nil && next.keep != "":
		kept.refreshToken = next.keep
	case a.idleLimit == 0:
		return
	}
	kept.renewedAt = a.clock.Now()
	session := makeSession(kept, old.claims)
	text, err := a.format.seal(session)
	if err == nil {
		err = a.setSession(w.Header(), r, keptSession{session, text})
	}
	if err != nil {
		a.log.LogAttrs(r.Context(), slog.LevelError, "authkit: session not kept", slog.Any("error", err))
		return
	}
	v.kept.Store(&keptSession{session, text})
}

// keptSession is a session that a response is about to set, sealed.
type keptSession struct {
	session *Session
	text    string
}

func (a *AuthKit) setSession(h http.Header, r *http.Request, kept keptSession) error {
	if err := a.cookies.setSession(h, r, kept.text); err != nil {
		return tooLarge(kept.session, err)
	}
	return nil
}

// tooLarge adds to an error of the cookies what it is that fills them.
func tooLarge(s *Session, err error) error { return fmt.Errorf("%w: %s", err, s.sealed.contents()) }

// lastCookie sees to it that a response which comes late does not take the
// browser back: behind a logout, or to a refresh token that was exchanged since
// the request began.
func (a *AuthKit) lastCookie(h http.Header, r *http.Request, kept *keptSession) {
	ended := a.hasEnded(kept.session)
	if !ended && !a.refreshes.isSpent(kept.session) {
		return
	}
	if !a.cookies.takeBack(h, kept.text) || ended {
		return
	}
	if newest := a.refreshes.newest(kept.session); newest != nil && !a.refreshes.isSpent(newest.session) {
		if err := a.setSession(h, r, keptSession{newest.session, newest.text}); err != nil {
			a.log.LogAttrs(r.Context(), slog.LevelError, "authkit: renewed session not kept", slog.Any("error", err))
		}
	}
}

// refreshes makes one exchange serve every request that presents the same
// refresh token: those that come while it runs wait for it, and those that
// come later with the retired token, because their response was lost or under
// way, are told what it became.
type refreshes struct {
	clock    Clock
	flights  singleflight.Group
	renewals *memory[*renewal] // by the refresh token that was exchanged
	spent    *memory[struct{}] // refresh tokens that no cookie may bring back
	origins  *memory[string]   // by the one that came of it: the one that was exchanged
}

// renewal is what an exchange came to. Without an error and without a session
// its tokens have yet to be verified.
type renewal struct {
	organization string // that the exchange was for
	sealed       sealedSession
	session      *Session
	text         string // the session, sealed
	err          error
	keep         string // a new refresh token whose access token could not be verified
}

func (r *renewal) settled() bool { return r.session != nil || r.err != nil }

// serves tells whether the outcome of an exchange is one for a request that
// wants the session of an organization. An ordinary refresh is content with
// any; a switch is not, and its failure is nobody else's.
func (r *renewal) serves(old *Session, organization string) bool {
	switch {
	case r.organization == organization, errors.Is(r.err, errEnded):
		return true
	case r.err != nil:
		return r.organization == old.OrganizationID()
	}
	return organization == old.OrganizationID()
}

func newRefreshes(clock Clock) *refreshes {
	return &refreshes{
		clock:    clock,
		renewals: newMemory[*renewal](clock, renewalLimit),
		origins:  newMemory[string](clock, renewalLimit),
		spent:    newMemory[struct{}](clock, markLimit),
	}
}

// exchangeFunc makes an exchange, or verifies what an earlier one came to, and
// tells until when the outcome is to be remembered, zero for not at all.
type exchangeFunc func(ctx context.Context, old *Session, organization string, earlier *renewal) (*renewal, time.Time)

// await returns what a session became in an organization: its own for a
// refresh, another for a switch. The exchange belongs to nobody in particular:
// it goes on when the request that started it is cancelled. At most one runs
// for a refresh token, so that a switch that meets another exchange goes on
// from what that came to.
func (f *refreshes) await(ctx context.Context, old *Session, organization string, exchange exchangeFunc) (*renewal, error) {
	const exchangesMet = 5 // in a row, each by another request
	for range exchangesMet {
		next := f.recall(old)
		if next == nil || !next.settled() {
			flight := f.flights.DoChan(old.sealed.refreshToken, func() (any, error) {
				return f.run(context.WithoutCancel(ctx), old, organization, exchange), nil
			})
			select {
			case result := <-flight:
				next = result.Val.(*renewal)
			case <-ctx.Done():
				return nil, unavailable(context.Cause(ctx), 0)
			}
		}
		switch {
		case !next.settled():
			return next, unavailable(errors.New("the renewed token could not be verified yet"), 0)
		case next.serves(old, organization):
			return next, next.err
		case next.session != nil:
			old = next.session
		}
	}
	return nil, unavailable(errors.New("the session is being renewed by too many requests at once"), 0)
}

// run makes the one exchange of a refresh token, unless it was made meanwhile.
// A panic, of the application's own transport say, would end the program here,
// where no request's recovery stands above it.
func (f *refreshes) run(ctx context.Context, old *Session, organization string, exchange exchangeFunc) (next *renewal) {
	defer func() {
		if p := recover(); p != nil {
			next = &renewal{organization: organization, err: unavailable(fmt.Errorf("the exchange panicked: %v", p), 0)}
			f.renewals.put(old.sealed.refreshToken, next, f.clock.Now().Add(retryPause))
		}
	}()
	known := f.recall(old)
	if known != nil && known.settled() {
		return known
	}
	next, until := exchange(ctx, old, organization, known)
	if until.IsZero() {
		return next
	}
	f.renewals.put(old.sealed.refreshToken, next, until)
	became := next.keep
	if next.session != nil {
		became = next.sealed.refreshToken
	}
	if became == "" || became == old.sealed.refreshToken {
		return next
	}
	f.spent.put(old.sealed.refreshToken, struct{}{}, f.clock.Now().Add(spentMemory))
	if next.session != nil {
		f.origins.put(became, old.sealed.refreshToken, until)
	} else {
		f.renewals.put(became, next, until)
	}
	return next
}

// recall finds what a session became. Where WorkOS does not rotate the refresh
// token, the successor has the same one, and has become nothing yet.
func (f *refreshes) recall(old *Session) *renewal {
	known, ok := f.renewals.get(old.sealed.refreshToken)
	if !ok || known.err == nil && known.sealed.accessToken == old.sealed.accessToken {
		return nil
	}
	return known
}

// presented notes that a browser has come back with a session. If it came from
// a renewal, the cookie has arrived, and the retired token is answered for a
// short while more.
func (f *refreshes) presented(s *Session) {
	if origin, ok := f.origins.get(s.sealed.refreshToken); ok {
		f.origins.forget(s.sealed.refreshToken)
		f.renewals.shorten(origin, f.clock.Now().Add(replayWindow))
	}
}

// newest is what became of a session, and of that in turn, or nil.
func (f *refreshes) newest(s *Session) (newest *renewal) {
	const chain = 5 // longer ones are no browser's
	for range chain {
		next := f.recall(s)
		if next == nil || next.session == nil {
			break
		}
		newest, s = next, next.session
	}
	return newest
}

// supersede notes that another session has taken a session's place in its
// browser: no response that is still under way may set it again.
func (f *refreshes) supersede(s *Session) {
	until := f.clock.Now().Add(spentMemory)
	f.spent.put(s.sealed.refreshToken, struct{}{}, until)
	if next := f.newest(s); next != nil {
		f.spent.put(next.sealed.refreshToken, struct{}{}, until)
	}
}

// isSpent tells whether the refresh token of a session was exchanged here, or
// the session superseded.
func (f *refreshes) isSpent(s *Session) bool {
	_, spent := f.spent.get(s.sealed.refreshToken)
	return spent
}

// exchangeRefreshToken is the exchange itself.
func (a *AuthKit) exchangeRefreshToken(ctx context.Context, old *Session, organization string, earlier *renewal) (*renewal, time.Time) {
	next := earlier
	if next == nil {
		authentication, err := a.client.AuthenticateWithRefreshToken(ctx, workos.RefreshTokenParams{
			RefreshToken:   old.sealed.refreshToken,
			OrganizationID: organization,
		})
		if err != nil {
			return a.notRenewed(ctx, old, organization, err)
		}
		next = &renewal{organization: organization, sealed: a.successor(old, authentication)}
	}
	session, err := a.verify(ctx, next.sealed)
	if earlier != nil && (errors.Is(err, jwks.ErrExpired) || errors.Is(err, jwks.ErrUnknownKey)) && sameSession(old, next.sealed) {
		// It was good when it came, and went stale before it could be verified.
		later, until := a.exchangeRefreshToken(ctx, unverifiedSession(next.sealed), organization, nil)
		if later.session == nil && later.keep == "" {
			later.keep = next.sealed.refreshToken
		}
		return later, until
	}
	switch {
	case err != nil:
	case session.ID() != old.ID():
		err = &jwks.RefusedError{Part: "sid", Want: "the session's own", Got: "another"}
	case session.UserID() != old.UserID():
		err = &jwks.RefusedError{Part: "sub", Want: fmt.Sprintf("%q", old.UserID()), Got: fmt.Sprintf("%q", session.UserID())}
	}
	if err != nil {
		// The old refresh token is spent, so the new one is all that is left
		// of the session.
		keep := ""
		if next.sealed.refreshToken != old.sealed.refreshToken && sameSession(old, next.sealed) {
			keep = next.sealed.refreshToken
		}
		if errors.Is(err, jwks.ErrUnavailable) {
			if earlier == nil { // others read it by now
				next.keep = keep
			}
			return next, a.clock.Now().Add(time.Hour)
		}
		refused, until := a.notRenewed(ctx, old, organization, fmt.Errorf("%w: the new access token is not accepted: %w", errRefused, err))
		refused.keep = keep
		return refused, until
	}
	text, err := a.format.seal(session)
	if err != nil {
		return a.notRenewed(ctx, old, organization, fmt.Errorf("%w: %w", errRefused, err))
	}
	if !a.hasEnded(old) {
		a.callHook(ctx, "WithOnRefresh", func() { a.onRefresh(ctx, session) })
	}
	return &renewal{organization: next.organization, sealed: *session.sealed, session: session, text: text}, session.ExpiresAt()
}

// sameSession tells whether tokens that could not be verified say at least that
// they are a session's own.
func sameSession(old *Session, next sealedSession) bool {
	claims, err := jwks.UnverifiedClaims(next.accessToken)
	return err == nil && claims.SessionID == old.ID() && claims.Subject == old.UserID()
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
// it will pass and nothing happened. Of a switch to another organization
// nothing is remembered but that the session has ended.
func (a *AuthKit) notRenewed(ctx context.Context, old *Session, organization string, err error) (*renewal, time.Time) {
	switching := organization != old.OrganizationID()
	level, message := slog.LevelWarn, "authkit: session not renewed, it stays"
	pause := max(retryPause, workos.RetryAfter(err))
	outcome := unavailable(fmt.Errorf("renew the session: %w", err), pause)

	var reply *workos.Error
	switch {
	case errors.Is(err, errRefused):
		outcome, pause = err, refusalPause
	case !errors.As(err, &reply):
	case reply.Code == workos.CodeInvalidGrant, !switching && (reply.Code == workos.CodeSSORequired || reply.Code == workos.CodeMFAEnrollment):
		level, message = slog.LevelInfo, "authkit: session ended by WorkOS"
		outcome, pause = fmt.Errorf("%w: %w", errEnded, err), refusalPause
	case reply.Code == workos.CodeInvalidClient, reply.Code == workos.CodeUnauthorizedClient, reply.StatusCode == http.StatusUnauthorized:
		level, message = slog.LevelError, "authkit: WorkOS does not accept this application's client ID or API key"
	case workos.IsTransient(err), reply.Code == "":
	default:
		outcome, pause = fmt.Errorf("%w: %w", errRefused, err), refusalPause
	}
	a.log.LogAttrs(ctx, level, message, slog.String("user_id", old.UserID()), slog.Any("error", err))
	next := &renewal{organization: organization, err: outcome}
	switch {
	case errors.Is(outcome, errEnded) && a.hasEnded(old): // told of by Logout
	case errors.Is(outcome, errEnded):
		a.callHook(ctx, "WithOnSignOut", func() { a.onSignOut(ctx, SignOutEvent{Session: old, Err: err}) })
	case switching:
		return next, time.Time{}
	}
	return next, a.clock.Now().Add(pause)
}
