// UntilEnd: a context that ends with the session of a long request.

package authkit

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/authkit-go/authkit/jwks"
	"github.com/authkit-go/authkit/resource"
)

// UntilEnd returns a context that ends when the session of a request ends, and at the
// latest with ctx, the context of the request. Use it for a response that is longer than
// an access token: server-sent events, a WebSocket, a long poll.
//
//	ctx := ak.UntilEnd(r.Context())
//	for {
//		select {
//		case <-ctx.Done():
//			return // the user signed out, or the client is gone
//		case message := <-messages:
//			send(w, message)
//		}
//	}
//
// It ends at once when the session is signed out here, or replaced by another sign-in in
// its browser, or ended by [AuthKit.EndSession], [AuthKit.EndUser], the log of the
// store ([WithStore]) or an event of WorkOS ([AuthKit.Follow], [AuthKit.Webhook]), or when WorkOS refuses its refresh because it has ended. [context.Cause]
// then matches [ErrUnauthenticated].
//
// It also ends, with the same cause, when the newest access token of the session is
// expired by more than a minute, or at [WithAbsoluteTimeout] or [WithIdleTimeout]. UntilEnd
// refreshes nothing, because its response cannot set the new cookie any more. Another
// request of the browser does that, and the context then lives as long as the new token.
// Without such a request, let the client connect again: its new request refreshes the
// session. An EventSource does so by itself.
//
// With [WithRevocationDeadline], it ends when the log was not read for so long. The cause
// then matches [ErrUnavailable].
//
// For a request with an API key, it ends at the expiry of the key, and when this instance
// learns that the key was revoked or changed ([AuthKit.Follow], [AuthKit.Webhook] or the log
// of the store), with the same cause. After a change, let the client connect again: its key is
// then validated again. Without events, a revocation does not end the context, because the
// value of the key is not kept.
//
// For a request with a token of package resource ([AuthKit.Accept]), the context ends when
// the token is expired by more than a minute. The cause then also matches
// [resource.ErrInvalidToken].
//
// If ctx has none of these of this AuthKit, the returned context has ended. A change of role
// or organization does not end it. UntilEnd starts no goroutine that waits. What it needs
// is released when ctx ends. A server ends the context of a request when its handler
// returns.
func (a *AuthKit) UntilEnd(ctx context.Context) context.Context { return a.untilEnd(ctx, 0) }

// UntilEndAfter is UntilEnd for a response that may go on for a time d whatever happens to
// its session: a download, which would have to begin again. Call it when the response
// begins. The context does not end before d, except with ctx. Then it ends at once if the
// session or the API key has ended meanwhile, or if the newest access token is expired by
// more than a minute. Otherwise it ends like that of UntilEnd. A call of UntilEnd after d
// would not know of the refreshes and the changes of API keys before it.
func (a *AuthKit) UntilEndAfter(ctx context.Context, d time.Duration) context.Context {
	if d <= 0 {
		return a.UntilEnd(ctx)
	}
	end := a.untilEnd(ctx, d)
	bounded, cancel := context.WithCancelCause(ctx)
	stop := a.clock.AfterFunc(d, func() {
		context.AfterFunc(end, func() { cancel(context.Cause(end)) })
	})
	context.AfterFunc(bounded, func() { stop() })
	return bounded
}

// untilEnd returns the context of UntilEnd. An expired token does not end it before a time
// has passed.
func (a *AuthKit) untilEnd(ctx context.Context, before time.Duration) context.Context {
	bounded, cancel := context.WithCancelCause(ctx)
	auth := requestAuthFrom(ctx)
	if token, ok := resource.FromContext(ctx); ok && (auth == nil || auth.session == nil) {
		a.cancelAtExpiry(bounded, cancel, token)
		return bounded
	}
	key, _ := ctx.Value(apiKeyKey{}).(*requestKey)
	if auth != nil && auth.trustedBy(a) && auth.session == nil && key != nil && key.key != nil {
		a.untilKeyEnds(bounded, cancel, key)
		return bounded
	}
	if auth == nil || !auth.trustedBy(a) || auth.session == nil {
		cancel(fmt.Errorf("%w: the context has no session and no API key", ErrUnauthenticated))
		return bounded
	}
	u := &endWatch{authKit: a, ctx: bounded, cancel: cancel, session: auth.session, newest: auth.session, notBefore: a.clock.Now().Add(before)}
	a.signedOut.watches.add(u, watchKeys(u.session))
	context.AfterFunc(bounded, u.release)
	u.checkSignedOut()
	u.arm()
	return bounded
}

// cancelAtExpiry ends a context when a token of Connect is no longer accepted. WorkOS tells
// no resource that it has revoked a token.
func (a *AuthKit) cancelAtExpiry(ctx context.Context, cancel context.CancelCauseFunc, token *resource.Token) {
	end := token.ExpiresAt().Add(jwks.DefaultLeeway)
	stop := a.clock.AfterFunc(max(0, end.Sub(a.clock.Now())), func() {
		cancel(fmt.Errorf("%w: %w: %w", ErrUnauthenticated, resource.ErrInvalidToken, jwks.ErrExpired))
	})
	context.AfterFunc(ctx, func() { stop() })
}

// closingInterval is how often the store is asked for a refresh in the last minute (clockSkew) of a
// session. With one question at its end, a failure of the store at that moment would end the
// context of a session that another instance has refreshed.
const closingInterval = clockSkew / 3

// endWatch ends a context with its session. It is a [sessionWatcher].
type endWatch struct {
	authKit *AuthKit
	ctx     context.Context
	cancel  context.CancelCauseFunc
	session *Session // of the request
	// notBefore is the time before which an expired token does not end the context, because
	// another request may still refresh the session.
	notBefore time.Time

	mu        sync.Mutex
	newest    *Session    // guarded by mu: the same session with its newest token
	stopTimer func() bool // guarded by mu: nil before the first timer
}

func (u *endWatch) end(reason string) {
	u.cancel(fmt.Errorf("%w: %s", ErrUnauthenticated, reason))
}

// release releases what a watch needs. It runs when the context has ended.
func (u *endWatch) release() {
	u.authKit.signedOut.watches.remove(u, watchKeys(u.session))
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.stopTimer != nil {
		u.stopTimer()
	}
}

func (u *endWatch) checkSignedOut() {
	if u.authKit.isSignedOut(u.session) {
		u.end("the session was signed out")
	}
}

// endedByWorkOS ends the context if WorkOS has refused the newest refresh token of its
// session. WorkOS also refuses an old one, for example that of an old copy of the cookie,
// while the session lives.
func (u *endWatch) endedByWorkOS(ended *Session) {
	u.mu.Lock()
	own := u.newest
	u.mu.Unlock()
	own, _ = u.authKit.rotations.newest(own)
	ended, _ = u.authKit.rotations.newest(ended)
	if own.sealed.RefreshToken == ended.sealed.RefreshToken {
		u.end("the session was ended by WorkOS")
	}
}

func (u *endWatch) refreshed(next *Session) {
	if u.session.FromBearerToken() || next.UserID() != u.session.UserID() {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if next.ExpiresAt().After(u.newest.ExpiresAt()) || next.RefreshedAt().After(u.newest.RefreshedAt()) {
		u.newest = next // the timer looks at it
	}
}

// deadline returns when a session can no longer be used without a refresh. It reports
// false if there is no such time.
func (u *endWatch) deadline(s *Session) (at time.Time, ok bool) {
	a := u.authKit
	add := func(from time.Time, limit time.Duration) {
		if end := from.Add(limit); !from.IsZero() && (!ok || end.Before(at)) {
			at, ok = end, true
		}
	}
	add(s.ExpiresAt(), clockSkew)
	if a.absoluteTimeout > 0 {
		add(s.SignedInAt(), a.absoluteTimeout)
	}
	if a.idleTimeout > 0 {
		add(s.RefreshedAt(), a.idleTimeout)
	}
	return at, ok
}

// arm starts the timer for the next look at the session.
func (u *endWatch) arm() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.ctx.Err() != nil {
		return
	}
	a := u.authKit
	at, ok := u.deadline(u.newest)
	now := a.clock.Now()
	left := at.Sub(now)
	wait := left
	if early := u.notBefore.Sub(now); early > 0 { // an instance with a store may have refreshed an expired session
		wait = max(wait, min(early, watchInterval))
	}
	if a.replicas != nil {
		look := watchInterval
		switch {
		case !ok || u.newest.sealed.RefreshToken == "": // the store knows no refresh of it
		case left > clockSkew:
			look = min(look, left-clockSkew)
		case left > 0:
			look = closingInterval
		}
		if a.revocationDeadline > 0 {
			look = min(look, a.revocationDeadline)
		}
		if !ok || look < wait {
			wait, ok = look, true
		}
	}
	if ok {
		u.stopTimer = a.lookAfter(max(0, wait), u.look)
	}
}

// look ends the context if the session cannot be used any more, and starts the next timer
// otherwise.
func (u *endWatch) look() {
	a := u.authKit
	a.followLog()
	u.checkSignedOut()
	if u.ctx.Err() != nil {
		return
	}
	isEarly := a.clock.Now().Before(u.notBefore)
	if a.replicas != nil && a.logIsTooOld() && !isEarly {
		u.cancel(errLogTooOld)
		return
	}
	isOver := u.isOverIn(0) // a session that is over after this is for the next look
	if isOver || u.isOverIn(clockSkew) {
		u.lookForNewest()
	}
	if isOver && u.isOverIn(0) && !isEarly {
		u.end("the access token has expired, or the session has reached its time limit")
		return
	}
	u.arm()
}

// isOverIn reports whether the newest session that is known will be past its deadline in d.
func (u *endWatch) isOverIn(d time.Duration) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	at, ok := u.deadline(u.newest)
	return ok && !u.authKit.clock.Now().Add(d).Before(at)
}

// lookForNewest looks for a refresh that this instance has not seen in a request.
func (u *endWatch) lookForNewest() {
	u.mu.Lock()
	newest := u.newest
	u.mu.Unlock()
	if newest.sealed.RefreshToken == "" {
		return
	}
	newest, _ = u.authKit.rotations.newest(newest)
	u.refreshed(u.authKit.lastRefreshed(u.ctx, newest))
}
