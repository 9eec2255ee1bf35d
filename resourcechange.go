// Changes at WorkOS that concern permissions on resources: remembered answers that must not be used any more.
//
// Each change has a number. An answer has the number of the last change before it was asked for. It is outdated if a later
// change concerns its user, its membership, its organization, or everybody. These orders must hold:
//
//  1. The number of an answer is read before WorkOS is asked. A change that becomes known during the call outdates the answer.
//  2. A mark is stored before its number becomes the latest. An answer that is newer than the mark then has its number.

package authkit

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/authkit-go/authkit/internal/expiring"
	"github.com/authkit-go/authkit/internal/replica"
)

const (
	// permissionChangeLimit is how many changes are kept. Beyond that, more answers than necessary are outdated.
	permissionChangeLimit = 1 << 12
	// membershipLifetime is how long the ID of a membership is used. It is stable while the membership exists. A membership
	// that has ended answers no question, so an old ID grants nothing.
	membershipLifetime = time.Hour
	// questionLimit is the time limit of a question. It includes the wait for a slot and the look-up of the membership.
	questionLimit = 10 * time.Second
)

// permissionChanges holds the numbers of the latest changes, by the hash of the ID of a user, a membership or an
// organization, or of "" for everybody.
type permissionChanges struct {
	clock  Clock
	mu     sync.Mutex // makes each change one step
	latest atomic.Uint64
	marks  *expiring.Map[uint64]
	// forgotten is the number of the latest mark that was evicted. What was asked for before it is outdated for all users.
	forgotten atomic.Uint64

	step func(name string) // called by note, for tests
}

// newPermissionChanges returns a permissionChanges that keeps at most limit marks.
func newPermissionChanges(clock Clock, limit int) *permissionChanges {
	c := &permissionChanges{clock: clock, marks: expiring.New[uint64](clock.Now, limit)}
	c.marks.OnEvict(func(_ string, number uint64) { c.forgotten.Store(max(c.forgotten.Load(), number)) })
	return c
}

// everybody is the hash of a change that may concern every user.
var everybody = replica.Hash("")

// note records a change. hash is the result of [replica.Hash].
func (c *permissionChanges) note(hash string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	number := c.latest.Load() + 1
	c.marks.Put(hash, number, c.clock.Now().Add(membershipLifetime+questionLimit)) // nothing older is remembered then
	if c.step != nil {
		c.step("change marked")
	}
	c.latest.Store(number)
}

// outdates reports whether a change concerns a session, or the membership with an ID, "" for none, that became known since the
// change with the given number. It looks for marks only if there was any change since.
func (c *permissionChanges) outdates(s *Session, membership string, number uint64) bool {
	switch {
	case c.latest.Load() == number:
		return false
	case c.forgotten.Load() > number:
		return true
	}
	keys := markKeysOf(s)
	hashes := []string{hashOf(keys.changedUser()), hashOf(keys.membership()), hashOf(keys.organization()), everybody}
	if membership != "" {
		hashes = append(hashes, replica.Hash(membership)) // events of groups name no user
	}
	for _, hash := range hashes {
		if mark, ok := c.marks.Get(hash); ok && mark > number {
			return true
		}
	}
	return false
}

// hashOf returns the hash in the result of [noticeKey], which begins with a kind of one byte.
func hashOf(key string) string { return key[1:] }
