// Signed-out sessions: sessions that this process refuses although their access
// tokens still verify.
//
// A sign-out stores a mark for the session and then increments the epoch. Each
// entry of the session cache has the epoch in which it was last checked for a
// mark. So a request with a cached session compares two numbers, and looks for a
// mark only after a sign-out. The marks of duenow.go use the same epoch. These orders
// must hold:
//
//  1. A sign-out stores the mark before it increments the epoch (mark). In the
//     other order, a request between the two steps would find no mark and record
//     the new epoch. The session would then be served as long as it is cached.
//  2. A request reads the epoch before it looks for a mark, and records the epoch
//     that it has read (standingSince). In the other order, a sign-out between
//     the two steps has the same effect.
//  3. The epoch starts at 1, and a new cache entry has 0. So a session that was
//     verified before its sign-out and cached after it is checked when it is
//     first used.
//  4. A sign-out stores the mark before it supersedes the session, and does both
//     before its response is written (orders 4 and 3 of rotation.go). So a client
//     that has the response cannot use the old cookie, and a refresh that is under
//     way does not bring the session back.
//  5. A sign-in reads the mark before its session is sealed (signInTime), and its
//     sign-in time is after the mark. Otherwise the mark of an earlier sign-out
//     would end the new session too.
//  6. A sign-in reads how many notices there were before it calls WorkOS
//     (noticesKnown), and a mark of a later notice ends the new session. WorkOS may
//     have made its tokens before the session or the user was ended there.

package authkit

import (
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/authkit-go/authkit/internal/expiring"
	"github.com/authkit-go/authkit/internal/replica"
)

const (
	// signedOutLimit is how many marks live and expired hold, each.
	signedOutLimit = 1 << 16
	// noticedLimit is how many marks noticed holds. All instances together cause them.
	noticedLimit = 1 << 18
	// replacedLifetime is the least time for which a session is refused after a
	// sign-in has replaced it. The session is revoked at WorkOS too. But until
	// its access token expires, the browser would have two sessions.
	replacedLifetime = 24 * time.Hour
)

// signedOut holds the marks of signed-out sessions, and the epoch. A mark is a
// time: sign-ins of the session up to that time are signed out. A mark lasts as long
// as the tokens of the session. These end by the wall clock, which can be set back.
type signedOut struct {
	mu sync.Mutex // makes each change of a mark one step
	// live holds the marks of sessions in use, expired those of other sessions,
	// both by session ID. A user can collect any number of expired cookies and
	// sign each of them out. In a map of their own, their marks evict no mark of a
	// session in use.
	live, expired *expiring.Map[time.Time]
	epoch         atomic.Uint64 // the number of sign-outs plus 1
	// noticed holds the marks of sessions and users that were ended by their IDs, here
	// or at another instance, by noticeKey. anyNoticed reports whether there was one.
	noticed    *expiring.Map[noticedEnd]
	anyNoticed atomic.Bool
	notices    uint64 // guarded by mu: the number of the last notice
	// watches holds who is told about marks. They are told after the mark is stored.
	watches sessionWatches

	step func(name string) // called by reached, for tests
}

func newSignedOut(clock Clock) *signedOut {
	s := &signedOut{
		live:    expiring.New[time.Time](clock.Now, signedOutLimit).ForBothClocks(),
		expired: expiring.New[time.Time](clock.Now, signedOutLimit).ForBothClocks(),
		noticed: expiring.New[noticedEnd](clock.Now, noticedLimit).ForBothClocks(),
	}
	s.epoch.Store(1)
	return s
}

// mark signs out the sign-ins of a session up to a time. The mark is forgotten at
// until. live says that the session is in use: its access token has not expired,
// or this process has served it.
func (s *signedOut) mark(sessionID string, at, until time.Time, live bool) {
	defer s.watches.marked(sessionID) // after the unlock
	s.mu.Lock()
	defer s.mu.Unlock()
	if before, ok := s.at(sessionID); ok && before.After(at) {
		at = before
	}
	marks := s.expired
	if live {
		marks = s.live
	}
	marks.Put(strings.Clone(sessionID), at, until) // it may be a part of a token
	s.reached("marked")
	s.epoch.Add(1)
}

// keep makes the mark of a session last until a time. It does nothing if there is
// no mark.
func (s *signedOut) keep(sessionID string, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, ok := s.at(sessionID); ok {
		s.live.Put(strings.Clone(sessionID), at, until)
	}
}

// at returns the mark of a session, and reports whether there is one.
func (s *signedOut) at(sessionID string) (at time.Time, ok bool) {
	at, ok = s.live.Get(sessionID)
	if old, found := s.expired.Get(sessionID); found && old.After(at) {
		return old, true
	}
	return at, ok
}

// noticedEnd is the mark of a notice: sign-ins up to at are signed out.
type noticedEnd struct {
	at, until time.Time
	number    uint64 // of the notice that has brought at
}

// len returns how many marks are kept.
func (s *signedOut) len() int { return s.live.Len() + s.expired.Len() + s.noticed.Len() }

// allNotices is more than the number of every notice.
const allNotices = math.MaxUint64

// note stores the mark of a notice. Of two notices, the later times count.
func (s *signedOut) note(key string, at, until time.Time) {
	defer s.watches.noted(key) // after the unlock
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notices++
	mark := noticedEnd{at, until, s.notices}
	if before, ok := s.noticed.Get(key); ok {
		if !at.After(before.at) {
			mark.at, mark.number = before.at, before.number
		}
		mark.until = later(before.until, until)
	}
	s.noticed.Put(key, mark, mark.until)
	s.anyNoticed.Store(true)
	s.reached("noted")
	s.epoch.Add(1)
}

// roundUp rounds the time of a mark up to milliseconds, which sealed times and notices
// have. Otherwise the next sign-in could be after the mark of its instance, and not
// after the notice.
func roundUp(at time.Time) time.Time { return at.Add(time.Millisecond - 1).Truncate(time.Millisecond) }

// noticesKnown returns the number of the last notice.
func (s *signedOut) noticesKnown() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.notices
}

// latest returns the latest mark of a session or of its user, and reports whether
// there is one. It ignores the marks of notices after the one with the number known.
func (s *signedOut) latest(sessionID, userID string, known uint64) (at time.Time, ok bool) {
	at, ok = s.at(sessionID)
	if !s.anyNoticed.Load() {
		return at, ok
	}
	return s.laterNotice(at, ok, known, noticeKey(replica.SessionEnded, sessionID), noticeKey(replica.UserEnded, userID))
}

// latestOf is latest for a session. It does not allocate when it is called again for the
// same session.
func (s *signedOut) latestOf(session *Session) (at time.Time, ok bool) {
	at, ok = s.at(session.ID())
	if !s.anyNoticed.Load() {
		return at, ok
	}
	keys := markKeysOf(session)
	return s.laterNotice(at, ok, allNotices, keys.session(), keys.user())
}

// laterNotice returns the latest of a mark, if there is one, and of the marks of notices.
func (s *signedOut) laterNotice(at time.Time, ok bool, known uint64, keys ...string) (time.Time, bool) {
	for _, key := range keys {
		if other, noticed := s.noticed.Get(key); noticed && other.number <= known && (!ok || other.at.After(at)) {
			at, ok = other.at, true
		}
	}
	return at, ok
}

// reached tells a test that a sign-out or a request has reached a step.
func (s *signedOut) reached(name string) {
	if s.step != nil {
		s.step(name)
	}
}

// markSignedOut makes this process refuse a session until all of its access
// tokens have expired, and at least for atLeast. served says that this process
// has served the session.
//
// Other requests may have got newer access tokens for the session. They expire at
// the latest one lifetime from now, or with the newest token that is known.
//
// If the sign-in time of the session is later than now, the mark carries that
// time: another process with a clock ahead may have set it. In a shared session
// the mark is always later by clockSkew, because the clock of the token's issuer
// dates a session that another library wrote.
//
// If instances share a store, the mark carries the sign-in time of the session. The
// next sign-in may be at an instance whose clock is behind.
func (a *AuthKit) markSignedOut(s *Session, served bool, atLeast time.Duration) signOutNotice {
	now := a.clock.Now()
	until := now.Add(max(atLeast, time.Minute))
	newest, _ := a.rotations.newest(s)
	for _, session := range []*Session{s, newest} {
		lifetime := session.ExpiresAt().Sub(session.IssuedAt())
		if session.IssuedAt().IsZero() {
			lifetime = time.Hour
		}
		for _, end := range []time.Time{now.Add(lifetime), session.ExpiresAt()} {
			if end.After(until) {
				until = end
			}
		}
	}
	at := now
	if a.shared {
		at = now.Add(clockSkew)
	}
	if s.SignedInAt().After(at) || a.replicas != nil && !a.shared && !s.SignedInAt().IsZero() {
		at = s.SignedInAt()
	}
	at = roundUp(at)
	live := served || now.Before(s.ExpiresAt().Add(clockSkew))
	a.signedOut.mark(s.ID(), at, until.Add(clockSkew), live)
	a.rotations.supersede(s)
	a.rotations.forgetPredecessors(s)
	return signOutNotice{session: s, at: at, until: until.Add(clockSkew + time.Minute - 1).Truncate(time.Minute)}
}

// signOutNotice is what the other instances learn about a sign-out: its mark. until is
// rounded up to a minute. So the notices of sign-outs that a client repeats with one
// cookie are equal for a minute, and an equal notice is appended once.
type signOutNotice struct {
	session   *Session
	at, until time.Time
}

// isSignedOut reports whether a session was signed out in this process. A later
// sign-in to the same WorkOS session is not signed out: after the logout of a
// script, AuthKit may sign the user in to it again.
//
// A bearer token has no sign-in time. The end of its session refuses it whenever it was
// issued. The end of all sessions of its user refuses it if it was issued before.
func (a *AuthKit) isSignedOut(s *Session) bool {
	at, marked := a.signedOut.latestOf(s)
	switch {
	case !marked || s.SignedInAt().After(at):
		return false
	case !s.FromBearerToken():
		return true
	}
	_, ended := a.signedOut.latest(s.ID(), "", allNotices)
	return ended || !s.IssuedAt().After(at)
}

// signInTime returns the time to seal a new sign-in with. It is the current time. If
// the session has a sign-out mark that is not earlier, it is just after the mark. known is
// the number of the last notice before WorkOS was called: order 6.
func (a *AuthKit) signInTime(sessionID, userID string, known uint64) time.Time {
	now := a.clock.Now()
	const precision = time.Millisecond // of a sealed time
	if at, marked := a.signedOut.latest(sessionID, userID, known); marked && !now.Truncate(precision).After(at) {
		return at.Add(precision)
	}
	return now
}
