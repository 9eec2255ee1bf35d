// Tests of values: Get and Swap.

package pgstore

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// swapped is what Swap returned.
type swapped struct {
	current string
	swapped bool
}

func swap(t testing.TB, s *Store, key, old, value string, ttl time.Duration) (swapped, time.Duration) {
	t.Helper()
	bytesOf := func(text string) []byte {
		if text == "" {
			return nil
		}
		return []byte(text)
	}
	current, left, ok, err := s.Swap(t.Context(), key, bytesOf(old), bytesOf(value), ttl)
	require.NoError(t, err)
	require.Equal(t, current == nil, left == 0, "only a value has a time")
	return swapped{string(current), ok}, left
}

func TestAPostgresSwapReturnsWhatTheKeyHasAfterTheCall(t *testing.T) {
	for name, c := range map[string]struct {
		before, old, value string
		want               swapped
	}{
		"nothing for a value":                     {"", "", "new", swapped{"new", true}},
		"nothing, but there is a value":           {"other", "", "new", swapped{"other", false}},
		"nothing, but the value is there already": {"new", "", "new", swapped{"new", true}},
		"an old value for a new one":              {"old", "old", "new", swapped{"new", true}},
		"an old value that is not there":          {"other", "old", "new", swapped{"other", false}},
		"an old value, but there is nothing":      {"", "old", "new", swapped{"", false}},
		"an old value, but the new one is there":  {"new", "old", "new", swapped{"new", true}},
		"a removal":                               {"old", "old", "", swapped{"", true}},
		"a removal of what is not there":          {"other", "old", "", swapped{"other", false}},
		"a removal of nothing":                    {"", "old", "", swapped{"", true}},
		"nothing for nothing":                     {"", "", "", swapped{"", true}},
		"nothing for nothing, but there is one":   {"other", "", "", swapped{"other", false}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t, onceDatabase(t))
			key := strings.ReplaceAll(t.Name(), " ", "_")
			if c.before != "" {
				swap(t, s, key, "", c.before, time.Hour)
			}
			got, left := swap(t, s, key, c.old, c.value, time.Minute)
			assert.Equal(t, c.want, got)
			if got.swapped && c.value != "" {
				assert.InDelta(t, time.Minute, left, float64(10*time.Second))
				assert.LessOrEqual(t, left, time.Minute)
			} else if got.current != "" {
				assert.Greater(t, left, 50*time.Minute, "a swap that fails leaves the time as it is")
			}
			value, got2, found, err := s.Get(t.Context(), key)
			require.NoError(t, err)
			assert.Equal(t, c.want.current, string(value))
			assert.Equal(t, value != nil, found)
			assert.LessOrEqual(t, got2, left)
		})
	}
}

// onceDatabase returns a database that several tests use, each with keys of its own.
var onceDatabase = func() func(t testing.TB) string {
	var once sync.Once
	var url string
	return func(t testing.TB) string {
		once.Do(func() { url = newDatabase(t) })
		needsPostgres(t)
		return url
	}
}()

func TestARepeatedPostgresSwapSetsALongerAndAShorterTime(t *testing.T) {
	s := newStore(t, onceDatabase(t))
	for _, old := range []string{"", "old"} {
		key := "repeated:" + old
		swap(t, s, key, "", "value", time.Minute)
		got, left := swap(t, s, key, old, "value", time.Hour)
		assert.Equal(t, swapped{"value", true}, got)
		assert.Greater(t, left, 59*time.Minute)
		_, left = swap(t, s, key, old, "value", time.Second)
		assert.LessOrEqual(t, left, time.Second)
	}
}

func TestAnExpiredPostgresValueIsAbsent(t *testing.T) {
	s := newStore(t, onceDatabase(t))
	for _, key := range []string{"expired:put", "expired:replace", "expired:same", "expired:remove"} {
		swap(t, s, key, "", "value", time.Millisecond)
		require.Eventually(t, func() bool {
			_, _, found, err := s.Get(t.Context(), key)
			return err == nil && !found
		}, 20*time.Second, time.Millisecond)
	}
	got, _ := swap(t, s, "expired:replace", "value", "new", time.Minute)
	assert.Equal(t, swapped{"", false}, got, "an expired value is no old value")
	got, _ = swap(t, s, "expired:same", "other", "value", time.Minute)
	assert.Equal(t, swapped{"", false}, got, "an expired value does not come back")
	got, _ = swap(t, s, "expired:remove", "other", "", 0)
	assert.Equal(t, swapped{"", true}, got)
	got, left := swap(t, s, "expired:put", "", "new", time.Minute)
	assert.Equal(t, swapped{"new", true}, got)
	assert.Greater(t, left, 50*time.Second)
}

func TestPostgresKeepsValuesOfAllBytesAndOf64KiB(t *testing.T) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	for mode, pool := range poolsOfEveryMode(t, onceDatabase(t)) {
		s := storeOn(t, pool)
		for _, value := range [][]byte{{0}, every, bytes.Repeat(every, 256)} {
			key := fmt.Sprintf("bytes:'\"\\$1;--:%s:%d", mode, len(value))
			current, _, ok, err := s.Swap(t.Context(), key, nil, value, time.Minute)
			require.NoError(t, err)
			assert.True(t, ok)
			assert.True(t, bytes.Equal(value, current), "in mode %s", mode)
			next := append(bytes.Clone(value[:len(value)-1]), 'x')
			_, _, ok, err = s.Swap(t.Context(), key, value, next, time.Minute)
			require.NoError(t, err)
			assert.True(t, ok)
			got, _, _, err := s.Get(t.Context(), key)
			require.NoError(t, err)
			assert.True(t, bytes.Equal(next, got), "in mode %s", mode)
		}
	}
}

// poolsOfEveryMode returns a pool for each way in which package pgx sends statements.
func poolsOfEveryMode(t testing.TB, url string) map[string]*pgxpool.Pool {
	pools := map[string]*pgxpool.Pool{}
	for _, mode := range []pgx.QueryExecMode{
		pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec,
		pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol,
	} {
		pools[strings.ReplaceAll(mode.String(), " ", "_")] = newPool(t, url, func(c *pgxpool.Config) {
			c.ConnConfig.DefaultQueryExecMode = mode
		})
	}
	return pools
}

func TestThePostgresStoreRefusesArgumentsOutsideTheLimits(t *testing.T) {
	pool, err := pgxpool.New(context.Background(), "postgres://127.0.0.1:1/none")
	require.NoError(t, err)
	defer pool.Close()
	s, err := New(pool)
	require.NoError(t, err)
	for text, call := range map[string]func() error{
		"the key has 0 bytes":   func() error { _, _, _, err := s.Get(t.Context(), ""); return err },
		"the key has 129 bytes": func() error { _, _, _, err := s.Get(t.Context(), strings.Repeat("k", 129)); return err },
		"the key has the byte 0x20": func() error {
			_, _, _, err := s.Swap(t.Context(), "a b", nil, []byte("v"), time.Second)
			return err
		},
		"the value has 65537 bytes": func() error {
			_, _, _, err := s.Swap(t.Context(), "k", nil, make([]byte, maxValue+1), time.Second)
			return err
		},
		"the old value has 0 bytes": func() error {
			_, _, _, err := s.Swap(t.Context(), "k", []byte{}, []byte("v"), time.Second)
			return err
		},
		"a millisecond or more": func() error {
			_, _, _, err := s.Swap(t.Context(), "k", nil, []byte("v"), time.Millisecond-1)
			return err
		},
		"the notice has 0 bytes":    func() error { return s.Append(t.Context(), nil) },
		"the notice has 1025 bytes": func() error { return s.Append(t.Context(), make([]byte, maxNotice+1)) },
	} {
		assert.ErrorContains(t, call(), text)
	}
}

// isolationLevels are the defaults that a database can have.
var isolationLevels = []string{"read committed", "repeatable read", "serializable"}

// isolated returns a store on a database whose default isolation level is level.
func isolated(t testing.TB, level string) *Store {
	t.Helper()
	url := newDatabase(t)
	admin := connect(t, url)
	_, err := admin.Exec(t.Context(), "alter database "+admin.Config().Database+" set default_transaction_isolation = '"+level+"'")
	require.NoError(t, err)
	s := newStore(t, url, WithPollInterval(50*time.Millisecond))
	var got string
	require.NoError(t, s.pool.QueryRow(t.Context(), "show transaction_isolation").Scan(&got))
	require.Equal(t, level, got)
	return s
}

func TestOneOfFiftyPostgresSwapsWinsAndTheOthersGetItsValue(t *testing.T) {
	for _, level := range isolationLevels {
		t.Run(level, func(t *testing.T) {
			s := isolated(t, level)
			for round := range 5 {
				key := fmt.Sprint("race:", round)
				var mu sync.Mutex
				results := map[swapped]int{}
				winner := ""
				var all sync.WaitGroup
				for i := range 50 {
					all.Go(func() {
						value := strconv.Itoa(i + 1)
						current, _, ok, err := s.Swap(context.Background(), key, nil, []byte(value), time.Minute)
						mu.Lock()
						defer mu.Unlock()
						if !assert.NoError(t, err) {
							return
						}
						results[swapped{string(current), ok}]++
						if ok {
							winner = value
						}
					})
				}
				all.Wait()
				assert.Equal(t, map[swapped]int{{winner, true}: 1, {winner, false}: 49}, results)
			}
		})
	}
}

func TestPostgresSwapsOfEightWritersCountWithoutALoss(t *testing.T) {
	for _, level := range isolationLevels {
		t.Run(level, func(t *testing.T) {
			s := isolated(t, level)
			swap(t, s, "counter", "", "0 of nothing", time.Minute)
			var all sync.WaitGroup
			for writer := range 8 {
				all.Go(func() {
					current := []byte("0 of nothing")
					for done := 0; done < 20; {
						n, _ := strconv.Atoi(strings.Fields(string(current))[0])
						// Two writers must not put the same value: both would count as swapped.
						value := fmt.Appendf(nil, "%d of %d", n+1, writer)
						next, _, ok, err := s.Swap(context.Background(), "counter", current, value, time.Minute)
						if !assert.NoError(t, err) {
							return
						}
						if ok {
							done++
						}
						current = next
					}
				})
			}
			all.Wait()
			value, _, _, err := s.Get(t.Context(), "counter")
			require.NoError(t, err)
			assert.Equal(t, "160", strings.Fields(string(value))[0])
		})
	}
}

// A swap that waits for another transaction must decide with the row and the clock of
// the moment at which it goes on.
func TestAPostgresSwapThatWaitedComparesWithTheNewestRow(t *testing.T) {
	url := newDatabase(t)
	s := newStore(t, url)
	for name, c := range map[string]struct {
		old      string
		expires  string
		want     swapped
		wantLeft time.Duration
	}{
		"an insert that commits":             {"", "clock_timestamp() + interval '1 hour'", swapped{"theirs", false}, 50 * time.Minute},
		"an insert that expires meanwhile":   {"", "clock_timestamp() + interval '10 milliseconds'", swapped{"ours", true}, time.Minute - 150*time.Millisecond},
		"an update of what is expected":      {"theirs", "clock_timestamp() + interval '1 hour'", swapped{"ours", true}, time.Minute - 150*time.Millisecond},
		"an update that expires meanwhile":   {"theirs", "clock_timestamp() + interval '10 milliseconds'", swapped{"", false}, 0},
		"an update of what is not expected":  {"before", "clock_timestamp() + interval '1 hour'", swapped{"theirs", false}, 50 * time.Minute},
		"a removal of what is not there now": {"removal", "clock_timestamp() + interval '1 hour'", swapped{"theirs", false}, 50 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			key := strings.ReplaceAll(t.Name(), " ", "_")
			if c.old != "" {
				swap(t, s, key, "", "before", time.Minute)
			}
			holder := connect(t, url)
			tx, err := holder.Begin(t.Context())
			require.NoError(t, err)
			_, err = tx.Exec(t.Context(), `insert into authkit_values values ($1, 'theirs', `+c.expires+`)
				on conflict (key) do update set value = excluded.value, expires_at = excluded.expires_at`, key)
			require.NoError(t, err)

			type result struct {
				got  swapped
				left time.Duration
			}
			results := make(chan result, 1)
			go func() {
				old, value := c.old, "ours"
				if old == "removal" {
					old, value = "before", ""
				}
				got, left := swap(t, s, key, old, value, time.Minute)
				results <- result{got, left}
			}()
			awaitLockWait(t, url, 1)
			require.Eventually(t, func() bool { // after the start of the swap
				var over bool
				return holder.QueryRow(t.Context(), `select clock_timestamp() > max(query_start) + interval '300 milliseconds'
					from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`).Scan(&over) == nil && over
			}, 20*time.Second, 5*time.Millisecond)
			require.NoError(t, tx.Commit(t.Context()))
			got := <-results
			assert.Equal(t, c.want, got.got)
			assert.GreaterOrEqual(t, got.left, c.wantLeft, "the time starts after the wait")
		})
	}
}

// awaitLockWait returns when n statements of the database wait for a lock.
func awaitLockWait(t testing.TB, url string, n int) {
	t.Helper()
	admin := connect(t, url)
	require.Eventually(t, func() bool {
		var waiting int
		err := admin.QueryRow(t.Context(), "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'").Scan(&waiting)
		return err == nil && waiting == n
	}, 10*time.Second, 5*time.Millisecond)
}

// countingConn counts what the client sends. A round trip is one packet. A packet that
// begins with Q is a query of the simple protocol.
type countingConn struct {
	net.Conn
	writes, simple *atomic.Int64
}

func (c countingConn) Write(b []byte) (int, error) {
	c.writes.Add(1)
	if b[0] == 'Q' {
		c.simple.Add(1)
	}
	return c.Conn.Write(b)
}

func TestEachPostgresCallTakesOneRoundTripAndHoldsNoConnection(t *testing.T) {
	url := newDatabase(t)
	newStore(t, url)
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol} {
		t.Run(mode.String(), func(t *testing.T) {
			var writes, simple atomic.Int64
			pool := newPool(t, url, func(c *pgxpool.Config) {
				c.MaxConns = 1
				c.ConnConfig.DefaultQueryExecMode = mode
				dial := c.ConnConfig.DialFunc
				c.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
					conn, err := dial(ctx, network, address)
					return countingConn{conn, &writes, &simple}, err
				}
				c.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return false }
			})
			s, err := New(pool)
			require.NoError(t, err)
			require.NoError(t, pool.Ping(t.Context()))
			value := []byte("value")
			simple.Store(0)
			calls := map[string]func() error{
				"Get":             func() error { _, _, _, err := s.Get(t.Context(), "k"); return err },
				"Swap":            func() error { _, _, _, err := s.Swap(t.Context(), "k", nil, value, time.Minute); return err },
				"Swap of a value": func() error { _, _, _, err := s.Swap(t.Context(), "k", value, []byte("next"), time.Minute); return err },
				"removal":         func() error { _, _, _, err := s.Swap(t.Context(), "k", value, nil, 0); return err },
				"Append":          func() error { return s.Append(t.Context(), value) },
			}
			for name, call := range calls {
				for range trimEvery + 1 { // some of them also delete expired rows
					before := writes.Load()
					require.NoError(t, call())
					require.Equal(t, int64(1), writes.Load()-before, name)
					require.Zero(t, pool.Stat().AcquiredConns(), name)
				}
			}
			if mode == pgx.QueryExecModeSimpleProtocol {
				assert.Equal(t, int64(len(calls)*(trimEvery+1)), simple.Load(), "a pool for the simple protocol gets no other")
			} else {
				assert.Zero(t, simple.Load())
			}
			var prepared int
			require.NoError(t, pool.QueryRow(t.Context(), "select count(*) from pg_prepared_statements where statement like '%authkit%'", s.mode).Scan(&prepared))
			assert.Zero(t, prepared)
		})
	}
}
