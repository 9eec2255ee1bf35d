// Revoking: the end of a session at WorkOS where no browser goes through its logout.

package authkit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/authkit-go/authkit/internal/expiring"
	"github.com/authkit-go/authkit/workos"
)

const (
	// logoutGrace is how long a session that a script signed out waits to be
	// revoked: the browser's own way through WorkOS's logout comes first.
	logoutGrace = 30 * time.Second
	// maxRevocations bounds how many sessions wait to be revoked.
	maxRevocations = 1 << 13
	// maxRevoking bounds how many calls are made at once.
	maxRevoking = 4
	// revokedMemory is how long WorkOS is not told of the same session again.
	revokedLifetime = 24 * time.Hour
)

// revokePauses are how long to wait after each attempt that failed for a passing
// reason. The last attempt comes after the last of them.
var revokePauses = []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute}

// revocations revokes sessions at WorkOS, behind the responses that ended them.
// It keeps no goroutine while there is nothing to do. What waits is lost with the
// process.
type revocations struct {
	client *workos.Client
	clock  Clock
	log    *slog.Logger
	done   *expiring.Map[struct{}] // sessions that WorkOS was told of

	mu      sync.Mutex
	waiting map[string]*revocation // by session ID: those that are not done; guarded by mu
	due     []*revocation          // to be made now, the oldest first; guarded by mu
	calls   int                    // being made; guarded by mu
}

// revocation is one session that is to be revoked. It is guarded by the mutex of
// its revocations.
type revocation struct {
	session *Session
	failed  int         // attempts
	calling bool        // an attempt is being made
	stop    func() bool // the timer until it is due, nil once it is
}

func newRevocations(client *workos.Client, clock Clock, log *slog.Logger) *revocations {
	return &revocations{
		client: client, clock: clock, log: log, waiting: map[string]*revocation{}, done: expiring.New[struct{}](clock.Now, tokenLimit),
	}
}

// revoke revokes a session after a time, zero for at once. It returns without
// waiting. A session is revoked once: an old cookie that is presented again and
// again costs no further call. A public client has no key to revoke with.
func (v *revocations) revoke(s *Session, after time.Duration) {
	if v == nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, over := v.done.Get(s.ID()); over {
		return
	}
	next, known := v.waiting[s.ID()]
	switch {
	case known && (next.stop == nil || next.failed > 0 || after > 0):
		return
	case known: // it waits, and is wanted now
		next.stop()
	case len(v.waiting) >= maxRevocations:
		v.log.Warn("authkit: session not revoked at WorkOS, too many are waiting", "user_id", s.UserID())
		return
	default:
		next = &revocation{session: s}
		v.waiting[s.ID()] = next
	}
	if after > 0 {
		next.stop = v.clock.AfterFunc(after, func() { v.begin(next) })
		return
	}
	v.enqueue(next)
}

// cancel calls off the revocation of a session that is signed in to again, and
// returns whose it was, or nil. An attempt that is being made goes on.
func (v *revocations) cancel(sessionID string) *Session {
	if v == nil {
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	next, ok := v.waiting[sessionID]
	if !ok || next.calling {
		return nil
	}
	if next.stop != nil {
		next.stop()
	}
	delete(v.waiting, sessionID)
	v.due = slices.DeleteFunc(v.due, func(other *revocation) bool { return other == next })
	return next.session
}

// begin is what a timer calls.
func (v *revocations) begin(next *revocation) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.waiting[next.session.ID()] == next { // not called off meanwhile
		v.enqueue(next)
	}
}

// enqueue is for a caller that holds mu.
func (v *revocations) enqueue(next *revocation) {
	next.stop = nil
	v.due = append(v.due, next)
	v.startNext()
}

// work starts a call if one is due and may be made. The caller holds mu.
func (v *revocations) startNext() {
	if len(v.due) == 0 || v.calls >= maxRevoking {
		return
	}
	next := v.due[0]
	v.due[0] = nil
	v.due = v.due[1:]
	v.calls++
	next.calling = true
	go v.call(next)
}

// call makes one attempt. A panic or a runtime.Goexit of the application's own
// transport is a failed attempt.
func (v *revocations) call(next *revocation) {
	err := errors.New("the HTTP client came to no end")
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the HTTP client panicked: %v", p)
		}
		v.finish(next, err)
	}()
	err = v.client.RevokeSession(context.Background(), next.session.ID())
}

func (v *revocations) finish(next *revocation, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.calls--
	next.calling = false
	defer v.startNext()
	attributes := []any{"user_id", next.session.UserID()}
	if err != nil {
		attributes = append(attributes, "error", err)
	}
	var refusal *workos.Error
	refused := errors.As(err, &refusal) && !workos.IsTransient(err)
	switch {
	case err == nil:
		v.log.Info("authkit: session revoked at WorkOS", attributes...)
	case refused && (refusal.StatusCode == http.StatusUnauthorized || refusal.StatusCode == http.StatusForbidden):
		v.log.Error("authkit: session not revoked, WorkOS does not accept this application's API key", attributes...)
	case refused:
		// Most likely it has ended already: the browser went through the logout.
		v.log.Debug("authkit: WorkOS has no such session to revoke", attributes...)
	case next.failed < len(revokePauses):
		pause := max(revokePauses[next.failed], workos.RetryAfter(err))
		next.failed++
		next.stop = v.clock.AfterFunc(pause, func() { v.begin(next) })
		v.log.Debug("authkit: session not revoked at WorkOS yet", attributes...)
		return
	default:
		v.log.Warn("authkit: session not revoked at WorkOS, it is given up", attributes...)
	}
	delete(v.waiting, next.session.ID())
	if err == nil || refused {
		v.done.Put(next.session.ID(), struct{}{}, v.clock.Now().Add(revokedLifetime))
	}
}
