// The failures of a MemoryStore, and the counts of its calls.

package authkittest

import (
	"context"
	"errors"
	"fmt"
)

var (
	errStoreDown    = errors.New("the store is down (SetDown)")
	errStoreFlushed = errors.New("authkittest: Follow: the log has lost what was read (Flush)")
	errReplyLost    = errors.New("the change was made, but its reply is lost (LoseReplies)")
)

// StoreCommands are the numbers of calls of each method of a [MemoryStore]. A call counts when it begins, also if it fails.
// A removal is a Swap.
type StoreCommands struct {
	Get, Swap, Append, Follow int
}

// Commands returns how often each method was called since the start or the last ResetCommands.
func (m *MemoryStore) Commands() StoreCommands {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.commands
}

// ResetCommands sets all counts to zero.
func (m *MemoryStore) ResetCommands() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.commands = StoreCommands{}
}

// SetDown makes the store unreachable, or reachable again. While it is down, every call fails at once without effect. Each
// running Follow returns an error, and no further call of its functions begins. Calls that wait because of SetFrozen fail,
// too.
// Values and notices stay, and continue to expire.
func (m *MemoryStore) SetDown(down bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.down = down
	if down {
		m.failFollowers(fmt.Errorf("authkittest: Follow: %w", errStoreDown))
	}
	m.announceChange()
}

// SetFrozen makes the store stop answering, or answer again. While it is frozen, every call blocks. A call whose ctx ends
// returns an error and has no effect. The other calls continue when the store is no longer frozen. Each running Follow
// stays, but no call of its functions begins. SetFrozen(false) makes it read the log and call caughtUp before it returns.
func (m *MemoryStore) SetFrozen(frozen bool) {
	m.mu.Lock()
	thawed := m.frozen && !frozen
	m.frozen = frozen
	m.announceChange()
	followers := append([]*storeFollower(nil), m.followers...)
	if thawed {
		for _, f := range followers {
			f.unreported = true
		}
	}
	m.mu.Unlock()
	if thawed {
		for _, f := range followers {
			f.deliver(nil)
		}
	}
}

// Flush removes all values and notices, like a restart of an engine that writes nothing to a disk. Each running Follow
// returns an error, and no further call of its functions begins.
func (m *MemoryStore) Flush() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.values)
	m.log = nil
	m.failFollowers(errStoreFlushed)
}

// LoseReplies makes the next n calls of Swap and Append return an error although they take effect, as if the connection broke
// before the reply arrived. A Swap counts also if it swaps nothing. Zero ends this.
func (m *MemoryStore) LoseReplies(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lostReplies = n
}

// begin counts a call and waits while the store is frozen. If it returns nil, the caller has m.mu.
func (m *MemoryStore) begin(ctx context.Context, name string, count *int) error {
	m.mu.Lock()
	*count++
	for {
		err := ctx.Err()
		if err == nil && m.down {
			err = errStoreDown
		}
		if err != nil {
			m.mu.Unlock()
			fakeCallsOf(m.clock).noteFault()
			return fmt.Errorf("authkittest: %s: %w", name, err)
		}
		if !m.frozen {
			return nil
		}
		fakeCallsOf(m.clock).noteFault()
		changed := m.changed
		m.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-changed:
		}
		m.mu.Lock()
	}
}

func (m *MemoryStore) announceChange() {
	close(m.changed)
	m.changed = make(chan struct{})
}

func (m *MemoryStore) failFollowers(err error) {
	for _, f := range m.followers {
		f.fail(err)
	}
}

func (m *MemoryStore) loseReply(name string) error {
	if m.lostReplies <= 0 {
		return nil
	}
	m.lostReplies--
	fakeCallsOf(m.clock).noteFault()
	return fmt.Errorf("authkittest: %s: %w", name, errReplyLost)
}
