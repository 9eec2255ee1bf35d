// A follower for the tests: it records what Follow calls.

package redisstore

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// follower runs Follow and records its calls.
type follower struct {
	t      *testing.T
	cancel context.CancelFunc
	ended  chan error

	mu       sync.Mutex
	notices  []string
	caughtUp int
	last     time.Time     // of caughtUp
	longest  time.Duration // between two calls of caughtUp
}

// follow starts Follow and returns after the first call of caughtUp.
func follow(t *testing.T, s *Store) *follower {
	t.Helper()
	f := startFollower(t, s)
	require.Eventually(t, func() bool { return f.rounds() > 0 || len(f.ended) > 0 }, 10*time.Second, time.Millisecond)
	require.Empty(t, f.ended, "Follow has ended")
	return f
}

// startFollower starts Follow and does not wait.
func startFollower(t *testing.T, s *Store) *follower {
	ctx, cancel := context.WithCancel(t.Context())
	f := &follower{t: t, cancel: cancel, ended: make(chan error, 1)}
	go func() {
		f.ended <- s.Follow(ctx, func(notice []byte) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.notices = append(f.notices, string(notice))
		}, func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			now := time.Now()
			if f.caughtUp > 0 {
				f.longest = max(f.longest, now.Sub(f.last))
			}
			f.last = now
			f.caughtUp++
		})
	}()
	t.Cleanup(cancel)
	return f
}

func (f *follower) rounds() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.caughtUp
}

func (f *follower) read() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string{}, f.notices...)
}

// requireNotices waits until Follow has passed exactly these notices.
func (f *follower) requireNotices(want ...string) {
	f.t.Helper()
	f.await(func() bool { return len(f.read()) >= len(want) })
	require.Equal(f.t, append([]string{}, want...), f.read())
}

// awaitRounds waits for n more calls of caughtUp.
func (f *follower) awaitRounds(n int) {
	f.t.Helper()
	n += f.rounds()
	f.await(func() bool { return f.rounds() >= n })
}

// await waits until a condition holds. Follow must not end meanwhile.
func (f *follower) await(condition func() bool) {
	f.t.Helper()
	require.Eventually(f.t, func() bool { return condition() || len(f.ended) > 0 }, 15*time.Second, 2*time.Millisecond)
	if len(f.ended) > 0 && !condition() {
		require.NoError(f.t, <-f.ended, "Follow has ended")
	}
}

// awaitEnd waits until Follow returns, and returns its error.
func (f *follower) awaitEnd(limit time.Duration) error {
	f.t.Helper()
	select {
	case err := <-f.ended:
		require.Error(f.t, err)
		return err
	case <-time.After(limit):
		require.FailNow(f.t, "Follow has not ended", "after %s", limit)
		return nil
	}
}
