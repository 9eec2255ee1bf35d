// The followers of the log of a MemoryStore.
//
// A follower reads the log by position, one notice at a time. Its turn is taken by the goroutine that calls its functions:
// that of Follow, of Append or of a timer. The order that must hold: a goroutine gives the turn back under the lock
// of the store, in the step that finds nothing to do. So a goroutine that has added a notice and then finds the turn
// taken knows that the notice is seen.

package authkittest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
)

var errUnreadNotices = errors.New("authkittest: Follow: notices expired before they were read")

type storeFollower struct {
	store    *MemoryStore
	ctx      context.Context // that of Follow
	notice   func([]byte)
	caughtUp func()

	turn  chan struct{} // contains an element while a goroutine has the turn
	ended chan struct{} // closed when Follow returns; then no goroutine gets the turn

	// Guarded by store.mu.
	position   uint64 // of the next notice to read
	unreported bool   // caughtUp must be called at the end of the log
	failed     chan struct{}
	err        error // why failed is closed
	stopTimer  func() bool
}

// Follow calls f with every notice of the log and every new one, and caughtUp at the end of the log, as authkit.Store says.
// It returns an error when ctx ends, after SetDown(true) and after Flush.
func (m *MemoryStore) Follow(ctx context.Context, f func(notice []byte), caughtUp func()) error {
	if f == nil || caughtUp == nil {
		return errors.New("authkittest: Follow: a function is nil")
	}
	if err := m.begin(ctx, "Follow", &m.commands.Follow); err != nil {
		return err
	}
	m.dropNotices()
	follower := &storeFollower{
		store: m, ctx: ctx, notice: f, caughtUp: caughtUp,
		turn: make(chan struct{}, 1), ended: make(chan struct{}), failed: make(chan struct{}),
		position: m.firstNotice(), unreported: true,
	}
	m.followers = append(m.followers, follower)
	follower.stopTimer = m.clock.AfterFunc(catchUpInterval, follower.tick)
	m.mu.Unlock()
	defer follower.end()

	follower.deliver(nil)
	select {
	case <-ctx.Done():
		return fmt.Errorf("authkittest: Follow: %w", ctx.Err())
	case <-follower.failed:
		return follower.err
	}
}

// end waits until no function of the follower runs, and keeps the turn for good.
func (f *storeFollower) end() {
	f.turn <- struct{}{}
	f.store.mu.Lock()
	defer f.store.mu.Unlock()
	f.stopTimer()
	f.store.followers = slices.DeleteFunc(f.store.followers, func(other *storeFollower) bool { return other == f })
	close(f.ended)
}

// deliver calls the functions of the follower until it has read the log to its end. If another goroutine has the turn, it
// waits for it until done is closed, and then returns false. A nil done is never closed.
func (f *storeFollower) deliver(done <-chan struct{}) bool {
	select {
	case f.turn <- struct{}{}:
	default:
		select {
		case f.turn <- struct{}{}:
		case <-f.ended:
			return true
		case <-done:
			return false
		}
	}
	returned := false
	defer func() {
		if !returned { // a function has ended its goroutine, for example a test that failed
			<-f.turn
		}
	}()
	for call := f.next(); call != nil; call = f.next() {
		call()
	}
	returned = true
	return true
}

// next returns what to call next. If that is nil, it has given the turn back.
func (f *storeFollower) next() (call func()) {
	m := f.store
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dropNotices()
	first := m.firstNotice()
	if f.position < first {
		f.fail(errUnreadNotices)
	}
	switch {
	case f.err != nil || f.ctx.Err() != nil || m.frozen:
	case f.position < m.nextNotice:
		notice := bytes.Clone(m.log[f.position-first].bytes)
		f.position++
		f.unreported = true
		return func() { f.notice(notice) }
	case f.unreported:
		f.unreported = false
		return f.caughtUp
	}
	<-f.turn
	return nil
}

// tick reads the log again, every second. It waits for its turn, so a FakeClock returns from Advance when caughtUp was called.
func (f *storeFollower) tick() {
	f.store.mu.Lock()
	if f.isOver() {
		f.store.mu.Unlock()
		return
	}
	f.stopTimer = f.store.clock.AfterFunc(catchUpInterval, f.tick)
	f.unreported = true
	f.store.mu.Unlock()
	f.deliver(nil)
}

func (f *storeFollower) isOver() bool {
	select {
	case <-f.ended:
		return true
	default:
		return f.err != nil || f.ctx.Err() != nil
	}
}

// fail makes Follow return err.
func (f *storeFollower) fail(err error) {
	if f.err == nil {
		f.err = err
		close(f.failed)
	}
}

// dropNotices removes the notices that have expired.
func (m *MemoryStore) dropNotices() {
	now, expired := m.clock.Now(), 0
	for expired < len(m.log) && !now.Before(m.log[expired].expires) {
		expired++
	}
	m.log = m.log[expired:]
}

// firstNotice returns the position of the oldest notice in the log.
func (m *MemoryStore) firstNotice() uint64 { return m.nextNotice - uint64(len(m.log)) }
