// A follower for tests: it calls Follow in the background and keeps what arrives.

package pgstore

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// follower is a running call of Follow.
type follower struct {
	mu       sync.Mutex
	notices  []string
	caughtUp int           // calls of caughtUp
	backlog  int           // notices at the first call of caughtUp
	ended    chan struct{} // closed when Follow has returned
	err      error         // after ended
	stop     context.CancelFunc
}

// follow starts a follower, and stops it when the test ends.
func follow(t testing.TB, s *Store) *follower {
	ctx, cancel := context.WithCancel(context.Background())
	f := &follower{ended: make(chan struct{}), stop: cancel}
	go func() {
		defer close(f.ended)
		f.err = s.Follow(ctx, func(notice []byte) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.notices = append(f.notices, string(notice))
		}, func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			if f.caughtUp++; f.caughtUp == 1 {
				f.backlog = len(f.notices)
			}
		})
	}()
	t.Cleanup(func() {
		cancel()
		<-f.ended
	})
	return f
}

func (f *follower) got() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.notices)
}

func (f *follower) reads() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.caughtUp
}

// awaitCaughtUp returns after a read of the log that began after this call.
func (f *follower) awaitCaughtUp(t testing.TB) {
	t.Helper()
	before := f.reads()
	require.Eventually(t, func() bool { return f.reads() >= before+2 }, 20*time.Second, time.Millisecond)
}

// awaitNotices returns when n notices have arrived.
func (f *follower) awaitNotices(t testing.TB, n int) {
	t.Helper()
	require.Eventually(t, func() bool { return len(f.got()) >= n }, 20*time.Second, time.Millisecond)
}

// awaitEnd returns the error of Follow.
func (f *follower) awaitEnd(t testing.TB) error {
	t.Helper()
	select {
	case <-f.ended:
		return f.err
	case <-time.After(20 * time.Second):
		assert.Fail(t, "Follow did not return")
		return nil
	}
}

// appendAll appends notices.
func appendAll(t testing.TB, s *Store, notices ...string) {
	t.Helper()
	for _, notice := range notices {
		require.NoError(t, s.Append(t.Context(), []byte(notice)))
	}
}

// numbered returns n notices that begin with name.
func numbered(name string, n int) (notices []string) {
	for i := range n {
		notices = append(notices, fmt.Sprintf("%s %d", name, i))
	}
	return notices
}

// execute runs SQL in the database of s.
func execute(t testing.TB, s *Store, sql string, args ...any) {
	t.Helper()
	_, err := s.pool.Exec(t.Context(), sql, args...)
	require.NoError(t, err)
}

// count returns the result of a query of one number.
func count(t testing.TB, s *Store, sql string, args ...any) (n int) {
	t.Helper()
	require.NoError(t, s.pool.QueryRow(t.Context(), sql, args...).Scan(&n))
	return n
}
