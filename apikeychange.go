// Changes of API keys at WorkOS: remembered replies that must not be used any more.

package authkit

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/authkit-go/authkit/internal/expiring"
	"github.com/authkit-go/authkit/internal/replica"
)

// changedKeyLimit is how many changes of API keys are kept.
const changedKeyLimit = 1 << 16

// keyChanges holds when this instance has learnt of the change of an API key, by the hash
// of the key's ID. The value of a key is not known to WorkOS's events.
type keyChanges struct {
	clock Clock
	mu    sync.Mutex   // makes each change one step
	after atomic.Int64 // replies that were asked for later are current, in Unix milliseconds; 0 before the first change
	marks *expiring.Map[time.Time]
}

func newKeyChanges(clock Clock) *keyChanges {
	return &keyChanges{clock: clock, marks: expiring.New[time.Time](clock.Now, changedKeyLimit)}
}

// note records that a key was changed. hash is the result of [replica.Hash].
func (c *keyChanges) note(hash string, until time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.clock.Now()
	c.marks.Put(hash, now, until)
	c.after.Store(max(c.after.Load(), now.UnixMilli()))
}

// outdates reports whether a key has changed since a reply about it was asked for. It
// computes no hash if no key has changed since.
func (c *keyChanges) outdates(key *APIKey, askedAt time.Time) bool {
	if after := c.after.Load(); key == nil || after == 0 || askedAt.UnixMilli() > after {
		return false
	}
	changed, ok := c.marks.Get(replica.Hash(key.ID))
	return ok && !askedAt.After(changed)
}
