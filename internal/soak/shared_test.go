// The store of a world, its failures, and when the instances have recovered from them.

package soak

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// sharedStore is the store of the processes of a world.
type sharedStore struct {
	store  *authkittest.MemoryStore
	ledger *ledger

	fault atomic.Pointer[storeFault] // the current fault, or nil
	// healing reports that the pauses after a fault may not be over.
	healing atomic.Bool

	kills, ends, takeovers, notAtOnce, restored atomic.Int64
	faults                                      map[string]int // number of rounds by the name of the fault
	lost                                        []string       // guarded by soak.mu: the sessions that were lost, and their processes
	signOutsLost                                int
}

// share gives the world a store.
func (w *world) share() {
	w.shared = &sharedStore{store: authkittest.NewMemoryStore(w.clock.FakeClock), ledger: newLedger(), faults: map[string]int{}}
	// The protocol polls in real time. So the clock moves all the time, ten times as fast as real time.
	w.clock.free = true
	w.clock.faultTakesTime.Store(true)
	w.clock.step.Store(int64(slowStep))
}

func (w *sharedStore) addConditions(c *conditions, b *browser) {
	lost := b.session != "" && w.ledger.lost(b.session) != 0
	c.successorLost = c.successorLost || lost
	// While the other instances are asked about a refused token, the answer is 503.
	c.outage = c.outage || lost || !b.revokedAt.IsZero() || w.fault.Load() != nil || w.healing.Load()
}

// storeFault is one way in which the store fails.
type storeFault struct {
	name       string
	begin, end func(*authkittest.MemoryStore)
	realTime   bool // the processes wait for it in real time
	loses      bool // the store loses its content
}

var storeFaults = []*storeFault{
	{name: "down", begin: setDown(true), end: setDown(false)},
	{name: "frozen", begin: setFrozen(true), end: setFrozen(false), realTime: true},
	{name: "replies lost", begin: loseReplies(20), end: loseReplies(0)},
	{name: "flushed", begin: (*authkittest.MemoryStore).Flush, end: nothing, loses: true},
	{name: "restarted empty", begin: setDown(true), end: func(m *authkittest.MemoryStore) { m.Flush(); m.SetDown(false) }, loses: true},
}

func setDown(down bool) func(*authkittest.MemoryStore) {
	return func(m *authkittest.MemoryStore) { m.SetDown(down) }
}

func setFrozen(frozen bool) func(*authkittest.MemoryStore) {
	return func(m *authkittest.MemoryStore) { m.SetFrozen(frozen) }
}

func loseReplies(n int) func(*authkittest.MemoryStore) {
	return func(m *authkittest.MemoryStore) { m.LoseReplies(n) }
}

func nothing(*authkittest.MemoryStore) {}

func (w *world) beginStoreFault(f *storeFault) {
	w.shared.fault.Store(f)
	if f.realTime {
		w.clock.step.Store(int64(tick))
	}
	f.begin(w.shared.store)
}

// endStoreFault ends the fault itself. Responses count as those of an outage until the processes have recovered.
func (w *world) endStoreFault(f *storeFault) {
	f.end(w.shared.store)
	w.clock.step.Store(int64(slowStep))
}

// awaitStore waits until every process has read the log since, and nothing waits to be written. It reports false if that
// takes too long.
func (w *world) awaitStore() bool {
	const limit = 20 * time.Second // of real time; a process pauses up to two seconds between two attempts
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	since := w.clock.Now()
	for began := time.Now(); time.Since(began) < limit; {
		ready := w.clock.Now().Sub(since) > 2*time.Second // notices are put back within a second
		for _, s := range w.slots {
			stats := s.process.Load().ak.Stats().Store
			current := stats.State == authkit.StoreIdle || stats.State == authkit.StoreConnected && stats.LogReadAt.After(since)
			ready = ready && current && stats.Waiting == 0
		}
		if ready {
			return true
		}
		<-ticker.C
		w.clock.move(restStep)
	}
	return false
}

// logLength returns the number of notices in the log of the store.
func (w *sharedStore) logLength() (n int) {
	ctx, cancel := context.WithCancel(context.Background())
	_ = w.store.Follow(ctx, func([]byte) { n++ }, cancel)
	return n
}
