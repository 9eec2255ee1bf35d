// Access of the external tests to the marks of changes at WorkOS.

package authkit

import (
	"strconv"
	"time"

	"github.com/authkit-go/authkit/internal/replica"
)

// NoteChanges stores the marks of n users, as an event of each does.
func NoteChanges(a *AuthKit, n int) {
	now := a.clock.Now()
	for i := range n {
		a.due.note(noticeKey(replica.UserChanged, "user_changed_"+strconv.Itoa(i)), now, now.Add(time.Hour))
	}
}

// WithLockedMarks calls f while all marks of changes, of sign-outs and of notices are
// locked. Each of them must have an entry.
func WithLockedMarks(a *AuthKit, f func()) {
	a.due.mu.Lock()
	defer a.due.mu.Unlock()
	a.signedOut.mu.Lock()
	defer a.signedOut.mu.Unlock()
	for range a.due.marks.All() { // the map is locked during the loop
		for range a.signedOut.live.All() {
			for range a.signedOut.expired.All() {
				for range a.signedOut.noticed.All() {
					f()
					return
				}
			}
		}
	}
	panic("there is a map of marks without an entry")
}

// NoteEnds stores marks of a sign-out, of an expired session and of a notice.
func NoteEnds(a *AuthKit) {
	now := a.clock.Now()
	until := now.Add(time.Hour)
	a.signedOut.mark("session_live", now, until, true)
	a.signedOut.mark("session_expired", now, until, false)
	a.signedOut.note(noticeKey(replica.SessionEnded, "session_noticed"), now, until)
}

// NextEpoch makes the next request of each session look for marks.
func NextEpoch(a *AuthKit) { a.signedOut.epoch.Add(1) }
