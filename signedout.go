// Signed-out sessions: what this process refuses although its token still verifies.

package authkit

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/authkit-go/authkit/internal/expiring"
	"github.com/authkit-go/authkit/internal/sessioncache"
)

// signedOut remembers the sessions that were signed out here.
//
// The order of two steps matters. A sign-out first puts its mark and then counts
// the epoch on. A request that has a cached session at hand first reads the epoch
// and then looks for a mark. So a session whose entry says that it was checked in
// the present epoch has been checked after the mark of every sign-out of that
// epoch was there. The other way round, a request that falls between the two
// steps would note the new epoch without having seen the mark, and the session
// would be served for as long as it is cached.
type signedOut struct {
	mu sync.Mutex // two marks for one session take turns
	// Both hold, by session ID, the time up to which a sign-in is ended. They are
	// apart so that cookies whose tokens have long expired, which their owner can
	// collect and present in any number, push out no mark of a session that is in
	// use.
	live, expired *expiring.Map[time.Time]
	// epoch counts the sign-outs and starts at 1, so that a new cache entry (0)
	// is always checked.
	epoch atomic.Uint64

	seam func(step string) // for tests, nil otherwise
}

func newSignedOut(clock Clock) *signedOut {
	o := &signedOut{
		live:    expiring.New[time.Time](clock.Now, tokenLimit),
		expired: expiring.New[time.Time](clock.Now, tokenLimit),
	}
	o.epoch.Store(1)
	return o
}

// mark notes that the sign-ins of a session up to a time are ended. live says
// that the session is in use: its token has not expired, or this process has
// served it.
func (o *signedOut) mark(sessionID string, at, until time.Time, live bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if before, ok := o.at(sessionID); ok && before.After(at) {
		at = before
	}
	marks := o.expired
	if live {
		marks = o.live
	}
	marks.Put(sessionID, at, until)
	o.pass("marked")
	o.epoch.Add(1)
}

// keep makes a mark last until a time, if there is one.
func (o *signedOut) keep(sessionID string, until time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if at, ok := o.at(sessionID); ok {
		o.live.Put(sessionID, at, until)
	}
}

// at is the time up to which the sign-ins of a session are ended.
func (o *signedOut) at(sessionID string) (at time.Time, ok bool) {
	at, ok = o.live.Get(sessionID)
	if old, found := o.expired.Get(sessionID); found && old.After(at) {
		return old, true
	}
	return at, ok
}

func (o *signedOut) pass(step string) {
	if o.seam != nil {
		o.seam(step)
	}
}

// replacedMemory is how long a session is refused at least whose place a sign-in
// took. WorkOS is told of its end, so that it is good for nothing; but beside the
// new one it would be a second session.
const replacedLifetime = 24 * time.Hour

// markSignedOut makes this process refuse a session until none of its access
// tokens can be good any more, and for a time at least: those that were issued up
// to now, to whichever request, live as long as this one did, or as the newest
// that is known.
//
// The mark carries the session's own sign-in time where that is later than now:
// others may have taken it from a clock that is ahead of ours. In a shared session
// it is ahead by the skew in any case.
func (a *AuthKit) markSignedOut(s *Session, served bool, atLeast time.Duration) {
	now := a.clock.Now()
	until := now.Add(max(atLeast, time.Minute))
	newest, _ := a.rotations.newest(s)
	for _, token := range []*Session{s, newest} {
		lifetime := token.ExpiresAt().Sub(token.IssuedAt())
		if token.IssuedAt().IsZero() {
			lifetime = time.Hour
		}
		for _, end := range []time.Time{now.Add(lifetime), token.ExpiresAt()} {
			if end.After(until) {
				until = end
			}
		}
	}
	at := now
	if a.shared {
		at = now.Add(clockSkew) // the issuer's clock dates the sessions of neighbours
	}
	if s.SignedInAt().After(at) {
		at = s.SignedInAt()
	}
	live := served || now.Before(s.ExpiresAt().Add(clockSkew))
	a.signedOut.mark(s.ID(), at, until.Add(clockSkew), live)
	a.rotations.supersede(s)
	a.rotations.forgetPredecessors(s)
}

// hasEnded reports whether a session was signed out in this process, and not
// begun anew by a later sign-in: AuthKit may sign a person in to the WorkOS
// session that a script's logout has left alive.
func (a *AuthKit) isSignedOut(s *Session) bool {
	at, ended := a.signedOut.at(s.ID())
	return ended && !s.SignedInAt().After(at)
}

// hasEndedSince is hasEnded for a session that is at hand for many requests: it
// looks again only after a sign-out, whichever session that was of.
func (a *AuthKit) isSignedOutSince(e *sessioncache.Entry[*Session]) bool {
	epoch := a.signedOut.epoch.Load()
	if e.CheckedEpoch.Load() == epoch {
		return false
	}
	a.signedOut.pass("epoch read")
	if a.isSignedOut(e.Value) {
		return true
	}
	a.signedOut.pass("no mark found")
	e.CheckedEpoch.Store(epoch)
	return false
}

// signInTime is the time to seal a new sign-in with. A sign-in to a session that
// is known as signed out is dated after that, whatever the clocks say.
func (a *AuthKit) signInTime(sessionID string) time.Time {
	now := a.clock.Now()
	const sealed = time.Millisecond // the precision of what is sealed
	if at, ended := a.signedOut.at(sessionID); ended && !now.Truncate(sealed).After(at) {
		return at.Add(sealed)
	}
	return now
}
