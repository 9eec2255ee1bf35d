// Tests of servers and networks that fail.

package pgstore

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// callsOf returns each method that answers a request, with a short time limit.
func callsOf(s *Store, limit time.Duration) map[string]func() error {
	with := func(call func(ctx context.Context) error) func() error {
		return func() error {
			ctx, cancel := context.WithTimeout(context.Background(), limit)
			defer cancel()
			return call(ctx)
		}
	}
	return map[string]func() error{
		"Get": with(func(ctx context.Context) error { _, _, _, err := s.Get(ctx, "key"); return err }),
		"Swap": with(func(ctx context.Context) error {
			_, _, _, err := s.Swap(ctx, "key", nil, []byte("value"), time.Minute)
			return err
		}),
		"Append": with(func(ctx context.Context) error { return s.Append(ctx, []byte("notice")) }),
	}
}

// assertAllFail checks that all calls return an error soon after their limit.
func assertAllFail(t *testing.T, s *Store, limit time.Duration) {
	t.Helper()
	var all sync.WaitGroup
	for name, call := range callsOf(s, limit) {
		for range 10 {
			all.Go(func() {
				started := time.Now()
				err := call()
				assert.Error(t, err, name)
				assert.Less(t, time.Since(started), limit+5*time.Second, name)
			})
		}
	}
	all.Wait()
}

// awaitAllWork returns when all calls succeed.
func awaitAllWork(t *testing.T, s *Store) {
	t.Helper()
	for name, call := range callsOf(s, 5*time.Second) {
		require.Eventually(t, func() bool { return call() == nil }, 20*time.Second, 10*time.Millisecond, name)
	}
}

func TestAKilledPostgresKeepsValuesAndNotices(t *testing.T) {
	server := startServer(t)
	s := newStore(t, server.newDatabase(t), WithPollInterval(50*time.Millisecond))
	appendAll(t, s, "one", "two")
	swap(t, s, "kept", "", "value", time.Hour)
	f := follow(t, s)
	f.awaitNotices(t, 2)

	server.kill()
	assertAllFail(t, s, 300*time.Millisecond)
	require.NoError(t, server.Restart())
	awaitAllWork(t, s)
	value, _, _, err := s.Get(t.Context(), "kept")
	require.NoError(t, err)
	assert.Equal(t, "value", string(value))
	f.awaitNotices(t, 3)
	f.awaitCaughtUp(t)
	assert.Equal(t, []string{"one", "two", "notice"}, f.got()[:3], "the follower continues where it was")
}

func TestAKilledPostgresWithUnloggedTablesEndsFollow(t *testing.T) {
	server := startServer(t)
	s := newStore(t, server.newDatabase(t), WithPollInterval(50*time.Millisecond), WithUnloggedTables())
	appendAll(t, s, "one", "two")
	f := follow(t, s)
	f.awaitNotices(t, 2)
	server.kill()
	require.NoError(t, server.Restart())
	assert.ErrorIs(t, f.awaitEnd(t), errLogLost)
	awaitAllWork(t, s)
}

func TestAPostgresThatIsDownEndsFollow(t *testing.T) {
	server := startServer(t)
	s := newStore(t, server.newDatabase(t), WithPollInterval(50*time.Millisecond))
	s.linkLimit = 3 * time.Second
	f := follow(t, s)
	f.awaitCaughtUp(t)
	server.kill()
	started := time.Now()
	assert.ErrorContains(t, f.awaitEnd(t), "pgstore: follow: ")
	assert.InDelta(t, s.linkLimit, time.Since(started), float64(s.linkLimit))
	require.NoError(t, server.Restart())
}

func TestAStoppedPostgresHoldsNoCallBeyondItsContext(t *testing.T) {
	server := startServer(t)
	s := newStore(t, server.newDatabase(t), WithPollInterval(50*time.Millisecond))
	s.linkLimit = time.Second
	awaitAllWork(t, s)
	f := follow(t, s)
	f.awaitCaughtUp(t)
	awaitListener(t, s)
	other := storeOn(t, s.pool, WithPollInterval(50*time.Millisecond))
	other.linkLimit = time.Hour
	stopped := follow(t, other)
	patient := follow(t, other)
	stopped.awaitCaughtUp(t)
	patient.awaitCaughtUp(t)

	server.freeze()
	reads := patient.reads()
	started := time.Now()
	stopped.stop()
	assert.ErrorIs(t, stopped.awaitEnd(t), context.Canceled)
	assert.Less(t, time.Since(started), 5*time.Second, "not its limit, which is an hour")
	assertAllFail(t, s, 300*time.Millisecond)
	assert.LessOrEqual(t, patient.reads(), reads+1, "a store that does not answer calls no caughtUp")
	server.thaw()

	awaitAllWork(t, s)
	patient.awaitCaughtUp(t)
	require.Eventually(t, func() bool { return s.pool.Stat().AcquiredConns() <= 1 }, 20*time.Second, time.Millisecond)
}

func TestAStoppedPostgresEndsFollowAfterItsLimit(t *testing.T) {
	server := startServer(t)
	s := newStore(t, server.newDatabase(t), WithPollInterval(50*time.Millisecond))
	s.linkLimit = time.Second
	f := follow(t, s)
	f.awaitCaughtUp(t)
	server.freeze()
	defer server.thaw()
	started := time.Now()
	assert.ErrorIs(t, f.awaitEnd(t), context.DeadlineExceeded)
	assert.Less(t, time.Since(started), 8*time.Second, "not the ten seconds of a store whose limit is not set")
}

func TestATerminatedPostgresListenerLosesNoNotice(t *testing.T) {
	s := newStore(t, newDatabase(t), WithPollInterval(100*time.Millisecond))
	f := follow(t, s)
	listener := awaitListener(t, s)
	for i, sql := range []string{
		"select pg_terminate_backend($1)",
		"select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and $1 > 0",
	} {
		execute(t, s, sql, listener)
		appendAll(t, s, fmt.Sprint(i))
		f.awaitNotices(t, i+1)
		require.Eventually(t, func() bool {
			before := listener
			listener = awaitListener(t, s)
			return listener != before
		}, 10*time.Second, 10*time.Millisecond, "the store listens again")
	}
	f.awaitCaughtUp(t)
	assert.Equal(t, []string{"0", "1"}, f.got())
}

func TestAPartitionFromPostgresLosesNoNotice(t *testing.T) {
	direct := newDatabase(t)
	proxy, url := newTCPProxy(t, direct)
	other := newStore(t, direct)
	s := newStore(t, url, WithPollInterval(50*time.Millisecond))
	awaitAllWork(t, s)
	f := follow(t, s)
	f.awaitNotices(t, 1)

	proxy.partition(true)
	assertAllFail(t, s, 300*time.Millisecond)
	before := f.reads()
	appendAll(t, other, numbered("other side", 3)...)
	assert.Equal(t, before, f.reads())
	proxy.partition(false)
	awaitAllWork(t, s)
	f.awaitNotices(t, 4)

	appendAll(t, other, "while cut")
	proxy.cut()
	appendAll(t, other, "after the cut")
	require.Eventually(t, func() bool { return slices.Contains(f.got(), "after the cut") }, 20*time.Second, time.Millisecond)
	// Calls that failed can still arrive at the server. So both followers get to the same
	// log in the end.
	again := follow(t, other)
	require.Eventually(t, func() bool {
		got := f.got()
		return slices.Contains(got, "while cut") && slices.Equal(again.got(), got)
	}, 20*time.Second, time.Millisecond)
}

func TestAPartitionEndsAPostgresFollow(t *testing.T) {
	proxy, url := newTCPProxy(t, newDatabase(t))
	s := newStore(t, url, WithPollInterval(50*time.Millisecond))
	s.linkLimit = time.Second
	f := follow(t, s)
	f.awaitCaughtUp(t)
	proxy.partition(true)
	defer proxy.partition(false)
	started := time.Now()
	assert.ErrorIs(t, f.awaitEnd(t), context.DeadlineExceeded)
	assert.Less(t, time.Since(started), 8*time.Second)
}

func TestAPostgresAppendThatWaitsReturnsWhenItsContextEnds(t *testing.T) {
	url := newDatabase(t)
	s := newStore(t, url)
	tx, err := connect(t, url).Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), s.sql.lock, s.sql.logLock)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	appended := make(chan error, 1)
	go func() { appended <- s.Append(ctx, []byte("late")) }()
	awaitLockWait(t, url, 1)
	cancel()
	assert.ErrorIs(t, <-appended, context.Canceled)
	awaitLockWait(t, url, 0)
	require.NoError(t, tx.Rollback(t.Context()))
	appendAll(t, s, "next")
	assert.Equal(t, 1, count(t, s, "select count(*) from authkit_log"), "the canceled transaction was rolled back")
}

func TestAFullPostgresPoolHoldsNoCallBeyondItsContext(t *testing.T) {
	url := newDatabase(t)
	pool := newPool(t, url, func(c *pgxpool.Config) { c.MaxConns = 1 })
	s := storeOn(t, pool)
	conn, err := pool.Acquire(t.Context())
	require.NoError(t, err)
	assertAllFail(t, s, 100*time.Millisecond)
	conn.Release()
	f := follow(t, s)
	f.awaitCaughtUp(t)
	awaitListener(t, s)
	awaitAllWork(t, s) // the connection that listens takes no place in the pool
}
