// Revoking: the end of a session at WorkOS if no browser visits WorkOS's logout
// page.

package authkit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/authkit-go/authkit/internal/expiring"
	"github.com/authkit-go/authkit/workos"
)

const (
	// logoutGrace is the delay before a session is revoked that a script has
	// signed out. It leaves the browser time to visit WorkOS's logout page first.
	logoutGrace = 30 * time.Second
	// maxRevocations limits how many sessions wait to be revoked.
	maxRevocations = 1 << 13
	// maxRevoking limits how many calls run at once.
	maxRevoking = 4
	// revokedLifetime is how long a session is not revoked again.
	revokedLifetime = 24 * time.Hour
	// revokedLimit is how many revoked sessions are remembered.
	revokedLimit = 1 << 16
)

// revokePauses are the delays after each attempt that failed for a transient
// reason. After the last delay comes the last attempt.
var revokePauses = []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute}

// revocations revokes sessions at WorkOS in the background, after the responses
// that ended them. It has a goroutine only for each running call. A process that
// ends loses the revocations that wait.
type revocations struct {
	client *workos.Client
	clock  Clock
	log    *slog.Logger
	done   *expiring.Map[struct{}] // by session ID: sessions that WorkOS has revoked or refused

	mu      sync.Mutex             // guards the fields below
	waiting map[string]*revocation // by session ID: revocations that are not done
	due     []*revocation          // revocations without a further delay, the oldest first
	calls   int                    // number of running calls
}

// revocation is a session to revoke. The mutex of its revocations guards it.
type revocation struct {
	session *Session
	failed  int         // number of failed attempts
	calling bool        // a call is running
	stop    func() bool // stops the timer of the delay; nil if there is no delay
}

func newRevocations(client *workos.Client, clock Clock, log *slog.Logger) *revocations {
	return &revocations{
		client: client, clock: clock, log: log, waiting: map[string]*revocation{}, done: expiring.New[struct{}](clock.Now, revokedLimit),
	}
}

// revoke revokes a session after a delay. It does not wait for the call. A
// session is revoked once, so that an old cookie that is presented repeatedly
// causes no further call. A public client has nil revocations, because it has no
// API key to revoke with.
func (r *revocations) revoke(s *Session, after time.Duration) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, done := r.done.Get(s.ID()); done {
		return
	}
	next, known := r.waiting[s.ID()]
	switch {
	case known && (next.stop == nil || next.failed > 0 || after > 0):
		return
	case known: // it has a delay, and this call wants none
		next.stop()
	case len(r.waiting) >= maxRevocations:
		r.log.Warn("authkit: session not revoked at WorkOS, too many sessions wait", "user_id", s.UserID())
		return
	default:
		next = &revocation{session: s}
		r.waiting[s.ID()] = next
	}
	if after > 0 {
		next.stop = r.clock.AfterFunc(after, func() { r.begin(next) })
		return
	}
	r.enqueue(next)
}

// cancel cancels the revocation of a session, because of a new sign-in to it. It
// returns the session, or nil if no revocation was cancelled. A running call is
// not cancelled.
func (r *revocations) cancel(sessionID string) *Session {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	next, ok := r.waiting[sessionID]
	if !ok || next.calling {
		return nil
	}
	if next.stop != nil {
		next.stop()
	}
	delete(r.waiting, sessionID)
	r.due = slices.DeleteFunc(r.due, func(other *revocation) bool { return other == next })
	return next.session
}

// cancelResumed cancels the revocations of the sessions that a user has signed in to
// again at another instance.
func (r *revocations) cancelResumed(resumed func(*Session) bool) {
	if r == nil {
		return
	}
	r.mu.Lock()
	var ids []string
	for id, next := range r.waiting {
		if resumed(next.session) {
			ids = append(ids, id)
		}
	}
	r.mu.Unlock()
	for _, id := range ids {
		r.cancel(id)
	}
}

// begin is called by the timer of a delay.
func (r *revocations) begin(next *revocation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.waiting[next.session.ID()] == next { // not cancelled since
		r.enqueue(next)
	}
}

// enqueue makes a revocation due. The caller holds mu.
func (r *revocations) enqueue(next *revocation) {
	next.stop = nil
	r.due = append(r.due, next)
	r.startNext()
}

// startNext starts a call if a revocation is due and fewer than maxRevoking calls
// run. The caller holds mu.
func (r *revocations) startNext() {
	if len(r.due) == 0 || r.calls >= maxRevoking {
		return
	}
	next := r.due[0]
	r.due[0] = nil
	r.due = r.due[1:]
	r.calls++
	next.calling = true
	go r.call(next)
}

// call makes one attempt. If the application's HTTP transport panics or calls
// runtime.Goexit, the attempt has failed.
func (r *revocations) call(next *revocation) {
	err := errors.New("the HTTP client ended its goroutine")
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the HTTP client panicked: %v", p)
		}
		r.finish(next, err)
	}()
	err = r.client.RevokeSession(context.Background(), next.session.ID())
}

// finish records the result of an attempt and starts the next call.
func (r *revocations) finish(next *revocation, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls--
	next.calling = false
	defer r.startNext()
	attributes := []any{"user_id", next.session.UserID()}
	if err != nil {
		attributes = append(attributes, "error", err)
	}
	var refusal *workos.Error
	refused := errors.As(err, &refusal) && !workos.IsTransient(err)
	switch {
	case err == nil:
		r.log.Info("authkit: session revoked at WorkOS", attributes...)
	case refused && (refusal.StatusCode == http.StatusUnauthorized || refusal.StatusCode == http.StatusForbidden):
		r.log.Error("authkit: session not revoked, WorkOS does not accept this application's API key", attributes...)
	case refused:
		// Most likely the browser has visited WorkOS's logout page.
		r.log.Debug("authkit: session not revoked, WorkOS has no such session", attributes...)
	case next.failed < len(revokePauses):
		pause := max(revokePauses[next.failed], workos.RetryAfter(err))
		next.failed++
		next.stop = r.clock.AfterFunc(pause, func() { r.begin(next) })
		r.log.Debug("authkit: session not revoked at WorkOS yet, another attempt follows", attributes...)
		return
	default:
		r.log.Warn("authkit: session not revoked at WorkOS, no further attempt follows", attributes...)
	}
	delete(r.waiting, next.session.ID())
	if err == nil || refused {
		r.done.Put(strings.Clone(next.session.ID()), struct{}{}, r.clock.Now().Add(revokedLifetime))
	}
}
