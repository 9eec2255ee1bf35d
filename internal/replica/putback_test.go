// Notices that the log has lost.

package replica_test

import (
	"context"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/replica"
)

// narrowStore is a store that refuses an Append while 32 others run.
type narrowStore struct {
	*authkittest.MemoryStore
	running, refused, appended atomic.Int64
}

func (s *narrowStore) Append(ctx context.Context, notice []byte) error {
	defer s.running.Add(-1)
	if s.running.Add(1) > 32 {
		s.refused.Add(1)
		return context.DeadlineExceeded
	}
	for range 50 {
		runtime.Gosched() // others may come meanwhile, as with a network
	}
	s.appended.Add(1)
	return s.MemoryStore.Append(ctx, notice)
}

func TestManyLostNoticesArePutBackAFewAtATime(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		const notices = 10_000 // more than the changes that wait
		w := newWorld(t)
		store := &narrowStore{MemoryStore: w.store}
		instances := []*instance{w.newInstanceWith(store), w.newInstanceWith(store)}
		for _, i := range instances {
			i.Log.Use()
		}
		now := w.clock.Now()
		for n := range notices {
			_ = instances[0].Log.Announce(t.Context(), replica.Notice{ // if a slow machine needs 100 ms, it is appended later
				Kind: replica.SessionEnded, Hash: replica.Hash(strconv.Itoa(n)), At: now, Until: now.Add(time.Hour),
			})
		}
		require.Eventually(t, func() bool {
			w.clock.Advance(100 * time.Millisecond)
			return instances[1].Log.State().Notices == notices && instances[0].LinkState().Waiting == 0
		}, 10*time.Second, 5*time.Millisecond)
		store.appended.Store(0)
		w.store.Flush()

		late := w.newInstanceWith(store)
		late.Log.Use()
		assert.Eventually(t, func() bool {
			w.clock.Advance(100 * time.Millisecond)
			return late.Log.State().Notices == notices
		}, 20*time.Second, 20*time.Millisecond)
		assert.Zero(t, store.refused.Load(), "the store was never asked for more than it can do")
		assert.Less(t, store.appended.Load(), int64(2*notices), "the instances share the work")
	})
}
