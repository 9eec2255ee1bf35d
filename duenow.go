// Due now: sessions that are refreshed at their next request, because their user, a
// membership or an organization has changed at WorkOS.
//
// An event of WorkOS stores a mark with the time of the change. An access token whose time
// of issue is not after the second of the mark may have the old rights, so its session is
// due. Its next request waits for the refresh. These orders must hold:
//
//  1. A mark is stored before the epoch is incremented, as for a sign-out (order 1 of
//     signedout.go). A request with a cached session then finds the mark.
//  2. An exchange reads the marks before it calls WorkOS (changesShown). A token that
//     WorkOS issues then shows every change of these marks, also if it is issued in the
//     same second, and the session is not due for them again (payload.Session.CurrentTo). A
//     mark that comes later makes it due once more.
//
// For 30 seconds, WorkOS answers a refresh token that was exchanged with the same tokens
// again, for example after an exchange of another instance. So a token that was issued
// before the second of a change does not show it, even if it came after the mark
// (currentTo).

package authkit

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/authkit-go/authkit/internal/expiring"
	"github.com/authkit-go/authkit/internal/replica"
	"github.com/authkit-go/authkit/jwks"
)

// dueLimit is how many marks are kept. They take at most about 70 MB. Beyond that, the
// oldest mark is forgotten, and its sessions keep their tokens until these expire.
const dueLimit = 1 << 18

// change is the mark of a change at WorkOS.
type change struct {
	at    time.Time // of the change, on WorkOS's clock
	known time.Time // when this instance has last learnt of a change up to then, on its clock
	until time.Time // when the mark is forgotten
}

// dueMarks holds the marks of the latest changes, by the keys of the users, memberships and
// organizations that were changed.
type dueMarks struct {
	clock     Clock
	mu        sync.Mutex // makes each change of a mark one step
	marks     *expiring.Map[change]
	newest    map[string]time.Time // guarded by mu: the latest change of each kind, by the kind in the keys
	any       atomic.Bool          // there was a mark
	forgotten atomic.Uint64        // marks that were forgotten before their time
	signedOut *signedOut           // has the epoch
}

// newDueMarks returns an empty dueMarks that keeps at most limit marks.
func newDueMarks(clock Clock, limit int, signedOut *signedOut) *dueMarks {
	d := &dueMarks{clock: clock, marks: expiring.New[change](clock.Now, limit).ForBothClocks(), newest: map[string]time.Time{}, signedOut: signedOut}
	d.marks.OnEvict(func(string, change) { d.forgotten.Add(1) })
	return d
}

// note stores a mark until a time. Of two marks, the later times count.
func (d *dueMarks) note(key string, at, until time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	mark := change{at: at, known: d.clock.Now(), until: until}
	if before, ok := d.marks.Get(key); ok {
		switch at.Compare(before.at) {
		case 0:
			mark.known = before.known
		case -1:
			mark.at = before.at // known is that of this change: see isShown
		}
		if mark.until = later(before.until, until); mark == before {
			return
		}
	}
	d.marks.Put(key, mark, mark.until)
	d.newest[kindOf(key)] = later(d.newest[kindOf(key)], mark.at)
	d.any.Store(true)
	d.signedOut.reached("change noted")
	d.signedOut.epoch.Add(1)
}

// maxLead is how far the time of a change that an application reports may be ahead of the clock.
const maxLead = time.Second

// timeOfCall returns the time of a change that an application reports now. A session that is
// current up to an earlier change must be due for this one, so it is a millisecond later than
// the earlier ones, if they have the same time or WorkOS's clock is a little ahead. Those of
// the same kind count only if they have the same key: a session has one key of each kind, and
// calls for many users must not add up.
func (d *dueMarks) timeOfCall(key string) time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := roundUp(d.clock.Now())
	before, _ := d.marks.Get(key)
	newest := before.at
	for kind, at := range d.newest {
		if kind != kindOf(key) {
			newest = later(newest, at)
		}
	}
	if next := newest.Add(time.Millisecond); next.After(now) && next.Sub(now) <= maxLead {
		return next
	}
	return now
}

// kindOf returns the kind in the result of [noticeKey].
func kindOf(key string) string { return key[:1] }

// latest returns the latest change, the zero value if there was none.
func (d *dueMarks) latest(keys ...string) (found change) {
	for _, key := range keys {
		if mark, ok := d.marks.Get(key); ok && mark.at.After(found.at) {
			found = mark
		}
	}
	return found
}

// rightsKey is the key of a change that may concern every user.
var rightsKey = noticeKey(replica.RightsChanged, "")

// isDue reports whether a session must be refreshed before it is used, because of a change
// at WorkOS.
func (a *AuthKit) isDue(s *Session) bool {
	if !a.due.any.Load() {
		return false
	}
	keys := markKeysOf(s)
	return a.due.anyNotShown(s, keys.changedUser(), keys.membership(), keys.organization(), rightsKey)
}

// rightsChanged is isDue for changes of a membership or an organization. A session that
// cannot be refreshed, such as that of a bearer token, is refused after such a change.
func (a *AuthKit) rightsChanged(s *Session) bool {
	if !a.due.any.Load() {
		return false
	}
	keys := markKeysOf(s)
	return a.due.anyNotShown(s, keys.membership(), keys.organization(), rightsKey)
}

// anyNotShown reports whether a session may not show one of the changes.
func (d *dueMarks) anyNotShown(s *Session, keys ...string) bool {
	for _, key := range keys {
		if mark, ok := d.marks.Get(key); ok && !isShown(s, mark) {
			return true
		}
	}
	return false
}

// isShown reports whether the access token of a session shows a change. It does so if it was
// issued after the change. The time of issue has seconds only. It also does so if the session
// is sealed with the time of the change, or with a later one (CurrentTo).
//
// CurrentTo may be later than the second in which WorkOS has issued the token, because the
// clock that dates a change is ahead. Then the change may have happened after the token was
// issued, and before CurrentTo. So it must have been known when the session was refreshed.
func isShown(s *Session, c change) bool {
	issuedAt, currentTo := s.IssuedAt(), s.sealed.CurrentTo
	switch {
	case issuedAt.After(c.at.Truncate(time.Second)):
		return true
	case currentTo.Before(c.at):
		return false
	}
	ahead := !currentTo.Before(issuedAt.Add(time.Second))
	return !ahead || !c.known.After(s.RefreshedAt())
}

// changesShown returns the latest change that a token shows which WorkOS issues from now on
// for a user in an organization. It is the zero value if no change is known.
func (a *AuthKit) changesShown(userID, organizationID string) change {
	if !a.due.any.Load() {
		return change{}
	}
	return a.due.latest(
		noticeKey(replica.UserChanged, userID), membershipKey(userID, organizationID),
		noticeKey(replica.OrganizationChanged, organizationID), rightsKey)
}

// currentTo returns what the session of a new access token is sealed with: the time of the
// latest change that the token shows, if its time of issue does not say so. shown is that
// change if WorkOS has issued the token for this exchange of old.
//
// A token that was issued before the second of the change may be from an earlier exchange of
// the same refresh token. So it is exchanged again. If old itself is from an exchange after
// the change was known, its token is a new one, and the clocks differ. Otherwise there
// would be no end. A change may be dated later than it became known. Then the time at which
// it became known counts.
func currentTo(accessToken string, old *Session, shown change) time.Time {
	claims, err := jwks.UnverifiedClaims(accessToken)
	if err != nil || shown.at.IsZero() {
		return time.Time{}
	}
	repeated := claims.IssuedAt.Before(earliest(shown.at, shown.known).Truncate(time.Second)) && old.RefreshedAt().Before(shown.known)
	if repeated || claims.IssuedAt.After(shown.at.Truncate(time.Second)) {
		return time.Time{}
	}
	return shown.at
}

// leastLifetime is the least time for which marks are kept, and from which events are read.
// WorkOS lets an environment choose the lifetime of access tokens. The default is five
// minutes.
const leastLifetime = time.Hour

// eventHistory is how long WorkOS keeps events.
const eventHistory = 90 * 24 * time.Hour

// mostLifetime is the longest time for which marks are kept, without the skews of the
// clocks. WorkOS has no earlier events, and may refuse to list them.
const mostLifetime = eventHistory - 4*clockSkew

// lifetimes holds the longest lifetime of an access token that was seen.
type lifetimes struct{ longestSeen atomic.Int64 }

// saw records the lifetime of a verified access token.
func (l *lifetimes) saw(claims *jwks.Claims) {
	if claims.IssuedAt.IsZero() {
		return
	}
	lifetime := int64(claims.ExpiresAt.Sub(claims.IssuedAt))
	for {
		longest := l.longestSeen.Load()
		if lifetime <= longest || l.longestSeen.CompareAndSwap(longest, lifetime) {
			return
		}
	}
}

// longest returns the longest lifetime that was seen, at least leastLifetime and at most
// mostLifetime.
func (l *lifetimes) longest() time.Duration {
	return min(max(leastLifetime, time.Duration(l.longestSeen.Load())), mostLifetime)
}
