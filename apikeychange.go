// Changes of API keys at WorkOS: remembered replies that must not be used any more.

package authkit

import (
	"maps"
	"slices"
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
	marks *expiring.Map[keyChange]

	count    atomic.Uint64                      // the number of changes
	watchers map[string]map[keyWatcher]struct{} // guarded by mu: by the hash of the key's ID
}

// keyWatcher is told about changes of a key. Its method is called on the goroutine that
// learnt of the change, so it must not wait.
type keyWatcher interface{ changed() }

// keyChange is the last change of a key.
type keyChange struct {
	at     time.Time
	number uint64 // the number of changes with it
}

func newKeyChanges(clock Clock) *keyChanges {
	return &keyChanges{clock: clock, marks: expiring.New[keyChange](clock.Now, changedKeyLimit),
		watchers: map[string]map[keyWatcher]struct{}{}}
}

// note records that a key was changed. hash is the result of [replica.Hash].
func (c *keyChanges) note(hash string, until time.Time) {
	c.mu.Lock()
	now := c.clock.Now()
	c.marks.Put(hash, keyChange{now, c.count.Add(1)}, until)
	c.after.Store(max(c.after.Load(), now.UnixMilli()))
	watchers := slices.Collect(maps.Keys(c.watchers[hash]))
	c.mu.Unlock()
	for _, w := range watchers {
		w.changed()
	}
}

// since reports whether a key has changed since the number of changes was count.
func (c *keyChanges) since(hash string, count uint64) bool {
	if c.count.Load() == count {
		return false
	}
	change, ok := c.marks.Get(hash)
	return ok && change.number > count
}

// watch adds a watcher, which is told about changes of its key from now on.
func (c *keyChanges) watch(hash string, w keyWatcher) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.watchers[hash] == nil {
		c.watchers[hash] = map[keyWatcher]struct{}{}
	}
	c.watchers[hash][w] = struct{}{}
}

// unwatch removes a watcher.
func (c *keyChanges) unwatch(hash string, w keyWatcher) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if delete(c.watchers[hash], w); len(c.watchers[hash]) == 0 {
		delete(c.watchers, hash)
	}
}

// outdates reports whether a key has changed since a reply about it was asked for. It
// computes no hash if no key has changed since.
func (c *keyChanges) outdates(key *APIKey, askedAt time.Time) bool {
	if after := c.after.Load(); key == nil || after == 0 || askedAt.UnixMilli() > after {
		return false
	}
	changed, ok := c.marks.Get(replica.Hash(key.ID))
	return ok && !askedAt.After(changed.at)
}
