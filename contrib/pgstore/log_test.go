// Tests of the log: its order, its end, what is trimmed, and how a loss is noticed.

package pgstore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAPostgresFollowerGetsTheBacklogAndThenNewNotices(t *testing.T) {
	s := newStore(t, newDatabase(t), WithPollInterval(50*time.Millisecond))
	backlog := numbered("before", 12)
	appendAll(t, s, backlog...)
	for _, batch := range []int64{1, 4, 11, 12, 13, 1000} { // the end of the log inside of a read, and at its end
		s.batch = batch
		f := follow(t, s)
		f.awaitCaughtUp(t)
		assert.Equal(t, backlog, f.got(), "in reads of %d", batch)
		assert.Equal(t, len(backlog), f.backlog, "caughtUp comes after the backlog")
		backlog = append(backlog, fmt.Sprint("new ", batch))
		appendAll(t, s, backlog[len(backlog)-1])
		f.awaitNotices(t, len(backlog))
		f.awaitCaughtUp(t)
		assert.Equal(t, backlog, f.got())
		f.stop()
		assert.ErrorIs(t, f.awaitEnd(t), context.Canceled)
	}
	require.Eventually(t, func() bool { return s.pool.Stat().AcquiredConns() == 0 }, 20*time.Second, time.Millisecond)
}

func TestAnAnnouncedPostgresNoticeArrivesBeforeTheNextPoll(t *testing.T) {
	s := newStore(t, newDatabase(t))
	s.options.pollInterval = time.Minute
	f := follow(t, s)
	awaitListener(t, s)
	started := time.Now()
	for i := range 5 {
		appendAll(t, s, fmt.Sprint(i))
		f.awaitNotices(t, i+1)
	}
	assert.Less(t, time.Since(started), s.options.pollInterval, "five notices without a poll")
}

// awaitListener returns when a connection of the database listens: its statement has taken effect.
func awaitListener(t testing.TB, s *Store) (pid int) {
	t.Helper()
	require.Eventually(t, func() bool {
		err := s.pool.QueryRow(t.Context(), "select pid from pg_stat_activity where datname = current_database() and query like 'listen %' and state = 'idle'").Scan(&pid)
		return err == nil
	}, 20*time.Second, 5*time.Millisecond)
	return pid
}

func TestAPostgresFollowerWithoutAnnouncementsPolls(t *testing.T) {
	url := newDatabase(t)
	s := newStore(t, url, WithPollingOnly(), WithPollInterval(20*time.Millisecond))
	f := follow(t, s)
	f.awaitCaughtUp(t)
	appendAll(t, s, numbered("polled", 3)...)
	f.awaitNotices(t, 3)
	assert.Zero(t, count(t, s, "select count(*) from pg_stat_activity where datname = current_database() and query like 'listen %'"))
}

func TestAnIdlePostgresLogIsReadEverySecond(t *testing.T) {
	s := newStore(t, newDatabase(t))
	f := follow(t, s)
	started := time.Now()
	require.Eventually(t, func() bool { return f.reads() >= 4 }, 20*time.Second, 5*time.Millisecond)
	assert.Greater(t, time.Since(started), 2*time.Second, "an idle log is not read more often")
}

// Without the order, a follower could read a notice and leave out one with a smaller
// ID that commits later.
func TestAPostgresNoticeWaitsForTheOneBeforeIt(t *testing.T) {
	url := newDatabase(t)
	s := newStore(t, url, WithPollInterval(20*time.Millisecond))
	appendAll(t, s, "zero")
	f := follow(t, s)
	f.awaitNotices(t, 1)

	tx, err := connect(t, url).Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), s.sql.lock, s.sql.logLock)
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), s.sql.appendNotice, int64(7), []byte("one"))
	require.NoError(t, err)
	second := make(chan error, 1)
	go func() { second <- s.Append(context.Background(), []byte("two")) }()
	awaitLockWait(t, url, 1)
	f.awaitCaughtUp(t)
	assert.Equal(t, []string{"zero"}, f.got())
	require.NoError(t, tx.Commit(t.Context()))
	require.NoError(t, <-second)
	f.awaitNotices(t, 3)
	assert.Equal(t, []string{"zero", "one", "two"}, f.got())
}

func TestPostgresAppendsKeepTheOrderWithoutTheLock(t *testing.T) {
	url := newDatabase(t)
	s := newStore(t, url, WithPollInterval(20*time.Millisecond))
	tx, err := connect(t, url).Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), s.sql.appendNotice, int64(7), []byte("one")) // as a program without the lock
	require.NoError(t, err)
	second := make(chan error, 1)
	go func() { second <- s.Append(context.Background(), []byte("two")) }()
	awaitLockWait(t, url, 1)
	require.NoError(t, tx.Commit(t.Context()))
	require.NoError(t, <-second, "the second try gets the next ID")
	f := follow(t, s)
	f.awaitNotices(t, 2)
	assert.Equal(t, []string{"one", "two"}, f.got())
}

func TestEveryPostgresFollowerGetsAllNoticesInOneOrder(t *testing.T) {
	for _, level := range isolationLevels {
		t.Run(level, func(t *testing.T) {
			s := isolated(t, level)
			s.batch = 7
			var all sync.WaitGroup
			for writer := range 8 {
				all.Go(func() {
					for _, notice := range numbered(fmt.Sprint("writer ", writer), 25) {
						assert.NoError(t, s.Append(context.Background(), []byte(notice)))
					}
				})
			}
			var followers []*follower
			for i := range 3 {
				require.Eventually(t, func() bool { return count(t, s, "select count(*) from authkit_log") >= 20*i }, 10*time.Second, time.Millisecond)
				followers = append(followers, follow(t, s))
			}
			all.Wait()
			for _, f := range followers {
				f.awaitNotices(t, 200)
				f.awaitCaughtUp(t)
				assert.Equal(t, followers[0].got(), f.got())
			}
			for writer := range 8 {
				prefix := fmt.Sprintf("writer %d ", writer)
				ofWriter := slices.DeleteFunc(followers[0].got(), func(notice string) bool { return !strings.HasPrefix(notice, prefix) })
				assert.Equal(t, numbered(fmt.Sprint("writer ", writer), 25), ofWriter)
			}
		})
	}
}

func TestALostPostgresLogEndsFollow(t *testing.T) {
	for name, sql := range map[string]string{
		"emptied":                              `truncate authkit_log`,
		"emptied, and used again":              `truncate authkit_log; insert into authkit_log values (1, 1, 'x', now())`,
		"the last notice is gone":              `delete from authkit_log where id = 3`,
		"the last notice is another one":       `update authkit_log set stamp = stamp # 1 where id = 3`,
		"restored, with other notices since":   `delete from authkit_log where id > 1; insert into authkit_log select i, i, 'x', now() from generate_series(2, 5) as i`,
		"a new notice is gone":                 `insert into authkit_log values (5, 1, 'x', now())`,
		"the tables are gone":                  `drop table authkit_log`,
		"trimmed while the follower stood":     `update authkit_log set created_at = now() - interval '3 days'; insert into authkit_log values (4, 1, 'x', now() - interval '2 days'), (5, 1, 'x', now()); delete from authkit_log where id < 4`,
		"emptied, after an empty log was read": `truncate authkit_log; insert into authkit_log values (1, 1, 'x', now())`,
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t, newDatabase(t), WithPollInterval(20*time.Millisecond))
			if !strings.HasSuffix(name, "an empty log was read") {
				appendAll(t, s, numbered("notice", 3)...)
			}
			f := follow(t, s)
			f.awaitCaughtUp(t)
			before := f.got()
			execute(t, s, sql)
			err := f.awaitEnd(t)
			if name == "the tables are gone" {
				assert.ErrorContains(t, err, "call Migrate first")
				return
			}
			assert.ErrorIs(t, err, errLogLost)
			assert.Equal(t, before, f.got())
			if name == "emptied" {
				again := follow(t, s)
				again.awaitCaughtUp(t)
				appendAll(t, s, "after the loss")
				again.awaitNotices(t, 1)
				assert.Equal(t, []string{"after the loss"}, again.got())
			}
		})
	}
}

func TestAPostgresLogThatRowSecurityHidesEndsFollow(t *testing.T) {
	url := newDatabase(t)
	s := newStore(t, url)
	execute(t, s, `alter table authkit_log enable row level security, force row level security;
		create policy hidden on authkit_log using (false) with check (true)`)
	execute(t, s, "create role hidden login")
	t.Cleanup(func() { newPool(t, url, nil).Exec(context.Background(), "drop owned by hidden; drop role hidden") })
	execute(t, s, "grant all on authkit_log, authkit_values to hidden")
	blind := storeOn(t, newPool(t, strings.Replace(url, "postgres@", "hidden@", 1), nil))
	assert.ErrorIs(t, follow(t, blind).awaitEnd(t), errLogHidden)
}

// age makes all notices and values older.
func age(t testing.TB, s *Store, by string) {
	t.Helper()
	execute(t, s, "update authkit_log set created_at = created_at - $1::text::interval", by)
	execute(t, s, "update authkit_values set expires_at = expires_at - $1::text::interval", by)
}

func TestAnExpiredPostgresNoticeIsNotPassed(t *testing.T) {
	s := newStore(t, newDatabase(t), WithLogRetention(time.Hour))
	appendAll(t, s, "one", "two")
	age(t, s, "61 minutes")
	f := follow(t, s)
	f.awaitCaughtUp(t)
	assert.Empty(t, f.got(), "all notices have expired")
	appendAll(t, s, "three")
	f.awaitNotices(t, 1)
	again := follow(t, s)
	again.awaitCaughtUp(t)
	assert.Equal(t, []string{"three"}, f.got())
	assert.Equal(t, []string{"three"}, again.got())
}

func TestTrimmingThePostgresLogDisturbsNoFollower(t *testing.T) {
	s := newStore(t, newDatabase(t), WithLogRetention(time.Hour), WithPollInterval(20*time.Millisecond))
	appendAll(t, s, numbered("old", 10)...)
	f := follow(t, s)
	f.awaitCaughtUp(t)
	var want []string
	want = append(want, f.got()...)
	for round := range 4 {
		age(t, s, "62 minutes") // the log was idle, and the last notice that was read has expired
		s.appends.Store(trimEvery - 1)
		want = append(want, fmt.Sprint("new ", round))
		appendAll(t, s, want[len(want)-1]) // trims
		f.awaitNotices(t, len(want))
		f.awaitCaughtUp(t)
		assert.Equal(t, want, f.got())
		assert.Equal(t, 2, count(t, s, "select count(*) from authkit_log"), "the newest expired notice stays")
	}
}

func TestTrimmingDeletesExpiredPostgresRowsInSmallSteps(t *testing.T) {
	s := newStore(t, newDatabase(t), WithLogRetention(time.Hour))
	execute(t, s, "insert into authkit_log select i, i, 'x', now() - interval '2 hours' from generate_series(1, 600) as i")
	execute(t, s, "insert into authkit_values select i::text, 'x', now() - interval '1 second' from generate_series(1, 600) as i")
	s.swaps.Store(0)
	swap(t, s, "live", "", "value", time.Hour)
	for _, want := range []int{600 - trimRows, 600 - 2*trimRows, 0} {
		s.swaps.Store(trimEvery - 1)
		swap(t, s, "live", "", "value", time.Hour)
		assert.Equal(t, want+1, count(t, s, "select count(*) from authkit_values"))
	}
	live := 0
	for _, want := range []int{600 - trimRows, 600 - 2*trimRows, 1} {
		s.appends.Store(trimEvery - 1)
		appendAll(t, s, "notice")
		live++
		assert.Equal(t, want+live, count(t, s, "select count(*) from authkit_log"))
	}
	for range 2 * trimEvery {
		swap(t, s, "live", "", "value", time.Hour)
	}
	assert.Equal(t, 1, count(t, s, "select count(*) from authkit_values"))
}

func TestTrimmingPassesOverPostgresRowsThatAreInUse(t *testing.T) {
	url := newDatabase(t)
	s := newStore(t, url)
	swap(t, s, "used", "", "value", time.Hour)
	swap(t, s, "unused", "", "value", time.Hour)
	age(t, s, "2 hours")
	tx, err := connect(t, url).Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), "update authkit_values set value = 'revived', expires_at = now() + interval '1 hour' where key = 'used'")
	require.NoError(t, err)
	s.swaps.Store(trimEvery - 1)
	swap(t, s, "other", "", "value", time.Hour) // does not wait
	require.NoError(t, tx.Commit(t.Context()))
	assert.Equal(t, 1, count(t, s, "select count(*) from authkit_values where key = 'used'"))
	assert.Zero(t, count(t, s, "select count(*) from authkit_values where key = 'unused'"))
}

func TestAFailureToTrimIsNoFailureOfAPostgresCall(t *testing.T) {
	for mode, pool := range poolsOfEveryMode(t, newDatabase(t)) {
		t.Run(mode, func(t *testing.T) {
			s := storeOn(t, pool, WithTablePrefix(strings.ToLower(strings.ReplaceAll(mode, " ", "_"))+"_"))
			s.sql.trimLog = "select $1::bigint / 0, $2::bigint"
			s.sql.trimValues = "select $1::bigint / 0"
			for range trimEvery {
				appendAll(t, s, "notice")
				got, _ := swap(t, s, "key", "", "value", time.Hour)
				assert.True(t, got.swapped)
			}
			assert.Equal(t, trimEvery, count(t, s, "select count(*) from "+s.sql.log))
			assert.Zero(t, pool.Stat().AcquiredConns())
		})
	}
}

func TestAPostgresErrorReturnsTheConnectionToThePool(t *testing.T) {
	for mode, pool := range poolsOfEveryMode(t, newDatabase(t)) {
		s, err := New(pool)
		require.NoError(t, err)
		require.NoError(t, pool.Ping(t.Context()))
		created := pool.Stat().NewConnsCount()
		for range 5 {
			assert.ErrorContains(t, s.Append(t.Context(), []byte("notice")), "call Migrate first", "in mode %s", mode)
			_, _, _, err := s.Swap(t.Context(), "key", nil, []byte("value"), time.Hour)
			assert.ErrorContains(t, err, "call Migrate first", "in mode %s", mode)
		}
		assert.Equal(t, created, pool.Stat().NewConnsCount(), "in mode %s", mode)
	}
}

func TestAClosedPoolEndsAPostgresFollow(t *testing.T) {
	url := newDatabase(t)
	newStore(t, url)
	pool, err := pgxpool.New(t.Context(), url)
	require.NoError(t, err)
	s := storeOn(t, pool)
	f := follow(t, s)
	f.awaitCaughtUp(t)
	pool.Close()
	assert.ErrorContains(t, f.awaitEnd(t), "closed pool")
}

// openConn counts the connections that are open.
type openConn struct {
	net.Conn
	open *atomic.Int64
	once *sync.Once
}

func (c openConn) Close() error {
	c.once.Do(func() { c.open.Add(-1) })
	return c.Conn.Close()
}

func TestAPostgresFollowThatHasReturnedHoldsNoConnection(t *testing.T) {
	var open atomic.Int64
	s := storeOn(t, newPool(t, newDatabase(t), func(c *pgxpool.Config) {
		dial := c.ConnConfig.DialFunc
		c.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			if err == nil {
				open.Add(1)
			}
			return openConn{conn, &open, &sync.Once{}}, err
		}
	}))
	before := 0
	for i := range 5 {
		f := follow(t, s)
		require.Eventually(t, func() bool { return awaitListener(t, s) != before }, 10*time.Second, time.Millisecond)
		before = awaitListener(t, s)
		f.awaitNotices(t, i)
		reads := f.reads()
		appendAll(t, s, "notice") // the announcement leads to a read, and then Follow waits
		require.Eventually(t, func() bool { return f.reads() > reads }, 10*time.Second, time.Millisecond)
		// A read that is cancelled gives its connection of the pool back at once, and pgx closes it a little later.
		require.Eventually(t, func() bool { return s.pool.Stat().AcquiredConns() == 0 }, 10*time.Second, time.Millisecond)
		assert.Equal(t, int64(s.pool.Stat().TotalConns())+1, open.Load(), "one connection listens")
		f.stop()
		assert.ErrorIs(t, f.awaitEnd(t), context.Canceled)
		require.LessOrEqual(t, open.Load(), int64(s.pool.Stat().TotalConns()))
	}
}

func TestAPostgresFollowReportsTheEndOfItsContext(t *testing.T) {
	s := newStore(t, newDatabase(t))
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("over"))
	assert.ErrorIs(t, s.Follow(ctx, func([]byte) { t.Error("a call of f") }, func() { t.Error("a call of caughtUp") }), context.Canceled)
	assert.ErrorIs(t, s.Append(ctx, []byte("notice")), context.Canceled)
	_, _, _, err := s.Get(ctx, "key")
	assert.ErrorIs(t, err, context.Canceled)
	_, _, _, err = s.Swap(ctx, "key", nil, []byte("value"), time.Minute)
	assert.ErrorIs(t, err, context.Canceled)

	ctx, stop := context.WithCancel(t.Context())
	appendAll(t, s, "one", "two")
	var got []string
	err = s.Follow(ctx, func(notice []byte) { got = append(got, string(notice)); stop() }, func() { t.Error("a call of caughtUp") })
	assert.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, []string{"one"}, got, "f is not called after the end of ctx")
}
