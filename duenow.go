// Due now: sessions that are refreshed at their next request, because their user, a
// membership or an organization has changed at WorkOS.
//
// An event of WorkOS stores a mark with the time of the change. An access token whose time
// of issue is not after the second of the mark may have the old rights, so its session is
// due. Its next request waits for the refresh. These orders must hold:
//
//  1. A mark is stored before the epoch is incremented, as for a sign-out (order 1 of
//     signedout.go). A request with a cached session then finds the mark.
//  2. An exchange reads the marks before it calls WorkOS (changesShown). The new token
//     then shows every change of these marks, also if it was issued in the same second,
//     and the session is not due for them again (payload.Session.CurrentTo). A mark that
//     comes later makes it due once more.

package authkit

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/authkit-go/authkit/internal/expiring"
	"github.com/authkit-go/authkit/internal/replica"
	"github.com/authkit-go/authkit/jwks"
)

// dueLimit is how many marks are kept. They take at most about 50 MB. Beyond that, the
// oldest mark is forgotten, and its sessions keep their tokens until these expire.
const dueLimit = 1 << 18

// dueMarks holds the times of changes at WorkOS, on WorkOS's clock, by the keys of the
// users, memberships and organizations that were changed.
type dueMarks struct {
	mu        sync.Mutex // makes each change of a mark one step
	marks     *expiring.Map[dueMark]
	any       atomic.Bool   // there was a mark
	forgotten atomic.Uint64 // marks that were forgotten before their time
	signedOut *signedOut    // has the epoch
}

// dueMark is the time of a change, and until when it is kept.
type dueMark struct{ at, until time.Time }

func newDueMarks(clock Clock, signedOut *signedOut) *dueMarks {
	d := &dueMarks{marks: expiring.New[dueMark](clock.Now, dueLimit), signedOut: signedOut}
	d.marks.OnEvict(func(string, dueMark) { d.forgotten.Add(1) })
	return d
}

// note stores a mark until a time. Of two marks, the later one counts. A mark that is
// there already is kept longer if a longer lifetime of an access token was seen since.
func (d *dueMarks) note(key string, at, until time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if before, ok := d.marks.Get(key); ok {
		if at.Before(before.at) || at.Equal(before.at) && !until.After(before.until) {
			return
		}
		until = later(before.until, until)
	}
	d.marks.Put(key, dueMark{at, until}, until)
	d.any.Store(true)
	d.signedOut.reached("change noted")
	d.signedOut.epoch.Add(1)
}

// latest returns the time of the latest change, zero if there was none.
func (d *dueMarks) latest(keys ...string) (at time.Time) {
	for _, key := range keys {
		if mark, ok := d.marks.Get(key); ok && mark.at.After(at) {
			at = mark.at
		}
	}
	return at
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
	return mayPrecede(s, a.due.latest(keys.changedUser, keys.membership, keys.organization, rightsKey))
}

// rightsChanged is isDue for changes of a membership or an organization. A session that
// cannot be refreshed, such as that of a bearer token, is refused after such a change.
func (a *AuthKit) rightsChanged(s *Session) bool {
	if !a.due.any.Load() {
		return false
	}
	keys := markKeysOf(s)
	return mayPrecede(s, a.due.latest(keys.membership, keys.organization, rightsKey))
}

// mayPrecede reports whether the access token of a session may have been issued before a
// change. The time of issue has seconds only.
func mayPrecede(s *Session, change time.Time) bool {
	return !change.IsZero() && !s.IssuedAt().After(change.Truncate(time.Second)) && s.sealed.CurrentTo.Before(change)
}

// changesShown returns the time of the latest change that a token will show which WorkOS
// issues from now on, for a user in an organization. It is zero if no change is known.
func (a *AuthKit) changesShown(userID, organizationID string) time.Time {
	if !a.due.any.Load() {
		return time.Time{}
	}
	return a.due.latest(
		noticeKey(replica.UserChanged, userID), membershipKey(userID, organizationID),
		noticeKey(replica.OrganizationChanged, organizationID), rightsKey)
}

// currentTo returns what the session of a new access token is sealed with: the time of the
// latest change that the token shows, if its time of issue does not say so.
func currentTo(accessToken string, shown time.Time) time.Time {
	claims, err := jwks.UnverifiedClaims(accessToken)
	if err != nil || shown.IsZero() || claims.IssuedAt.After(shown.Truncate(time.Second)) {
		return time.Time{}
	}
	return shown
}

// leastLifetime is the least time for which marks are kept, and from which events are read.
// WorkOS lets an environment choose the lifetime of access tokens. The default is five
// minutes.
const leastLifetime = time.Hour

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

// longest returns the longest lifetime that was seen, and at least leastLifetime.
func (l *lifetimes) longest() time.Duration {
	return max(leastLifetime, time.Duration(l.longestSeen.Load()))
}
