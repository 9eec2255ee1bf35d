// The log: order, gaps, expiry, and what a follower sees of it.

package redisstore

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAFollowerGetsTheRedisLogFromItsBeginning(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, client *redis.Client) {
		s := newStore(t, client)
		var want []string
		add := func() {
			want = append(want, fmt.Sprint("notice\x00", len(want)))
			require.NoError(t, s.Append(t.Context(), []byte(want[len(want)-1])))
		}
		for range 2*batch + 1 { // more than two reads
			add()
		}
		f := follow(t, s)
		require.Equal(t, want, f.read(), "before the first call of caughtUp")
		add()
		f.requireNotices(want...)
		rounds := f.rounds()
		add()
		f.requireNotices(want...)
		f.await(func() bool { return f.rounds() > rounds })

		second := follow(t, s)
		require.Equal(t, want, second.read())
	})
}

func TestAFullLastReadOfTheRedisLogLosesNothing(t *testing.T) {
	t.Parallel()
	s := newStore(t, startRedis(t).client())
	for i := range batch {
		require.NoError(t, s.Append(t.Context(), strconv.AppendInt(nil, int64(i), 10)))
	}
	f := follow(t, s)
	require.Len(t, f.read(), batch)
	require.NoError(t, s.Append(t.Context(), []byte("last")))
	f.await(func() bool { return len(f.read()) == batch+1 })
}

func TestEveryRedisFollowerGetsTheSameOrder(t *testing.T) {
	t.Parallel()
	r := startRedis(t)
	const appenders, each = 8, 50
	var followers []*follower
	var wg sync.WaitGroup
	for a := range appenders {
		s := newStore(t, r.client())
		wg.Go(func() {
			for i := range each {
				assert.NoError(t, s.Append(t.Context(), fmt.Appendf(nil, "%d/%d", a, i)))
			}
		})
		if a%2 == 0 {
			followers = append(followers, startFollower(t, newStore(t, r.client())))
		}
	}
	wg.Wait()
	for _, f := range followers {
		f.await(func() bool { return len(f.read()) == appenders*each })
		assert.Equal(t, followers[0].read(), f.read())
	}
	next := make([]int, appenders)
	for _, notice := range followers[0].read() {
		var a, i int
		_, err := fmt.Sscanf(notice, "%d/%d", &a, &i)
		require.NoError(t, err)
		require.Equal(t, next[a], i, "order of one appender")
		next[a]++
	}
}

func TestFollowMakesNoCallAfterItHasReturned(t *testing.T) {
	t.Parallel()
	s := newStore(t, startRedis(t).client())
	f := follow(t, s)
	f.cancel()
	require.Error(t, f.awaitEnd(20*time.Second))
	before := f.rounds()
	require.NoError(t, s.Append(t.Context(), []byte("late")))
	second := follow(t, s)
	second.requireNotices("late")
	second.awaitRounds(1)
	assert.Equal(t, before, f.rounds())
	assert.Empty(t, f.read())
}

func TestANoticeLeavesTheRedisLogAfterItsRetention(t *testing.T) {
	t.Parallel()
	r := startRedis(t)
	s := newStore(t, r.client())
	s.retention = 300 * time.Millisecond
	live := follow(t, s)
	require.NoError(t, s.Append(t.Context(), []byte("old")))
	require.NoError(t, s.Append(t.Context(), []byte("new")))
	live.requireNotices("old", "new")
	require.Eventually(t, func() bool {
		f := follow(t, s)
		defer f.cancel()
		return len(f.read()) == 0
	}, 5*time.Second, 100*time.Millisecond, "an idle log is trimmed by its readers")
	require.NoError(t, s.Append(t.Context(), []byte("newer")))
	live.requireNotices("old", "new", "newer")
}

// A follower does not err if the notice that it read last has become too old,
// whether the log is idle or not.
func TestAnIdleRedisLogThatIsTrimmedIsNotLost(t *testing.T) {
	t.Parallel()
	r := startRedis(t)
	s := newStore(t, r.client())
	s.retention = 1200 * time.Millisecond // each round of a follower is one second
	f := follow(t, s)
	require.NoError(t, s.Append(t.Context(), []byte("1")))
	first := r.do("XREVRANGE", "authkit:log", "+", "-", "COUNT", 1).([]any)[0].([]any)[0]
	f.awaitRounds(4)
	assert.Empty(t, r.do("XRANGE", "authkit:log", first, first), "the notice was trimmed")
	require.NoError(t, s.Append(t.Context(), []byte("2")))
	f.requireNotices("1", "2")
	f.awaitRounds(3)
	f.requireNotices("1", "2")
}

// The last notice that was read becomes too old in the moment in which the next one
// is added: the follower sees that none is missing between them.
func TestANoticeThatFollowsATrimmedOneIsRead(t *testing.T) {
	t.Parallel()
	r := startRedis(t)
	s := newStore(t, r.client())
	require.NoError(t, s.Append(t.Context(), []byte("1")))
	at := position{id: "-"}
	for _, e := range readAll(t, s, at) {
		at = position{e.id, e.mark}
	}
	require.NoError(t, s.Append(t.Context(), []byte("2")))
	r.do("XDEL", "authkit:log", at.id)
	entries := readAll(t, s, at)
	require.Len(t, entries, 1)
	next, isNew, err := at.advance(entries[0])
	require.NoError(t, err)
	assert.True(t, isNew)

	require.NoError(t, s.Append(t.Context(), []byte("3")))
	r.do("XDEL", "authkit:log", next.id)
	entries = readAll(t, s, at)
	require.Len(t, entries, 1)
	_, _, err = at.advance(entries[0])
	require.ErrorIs(t, err, errLost, "notice 2 was never read")
}

// A server with another log may have given the same ID to another entry.
func TestAnotherRedisEntryWithTheSameIDIsALoss(t *testing.T) {
	t.Parallel()
	r := startRedis(t)
	s := newStore(t, r.client())
	r.do("XADD", "authkit:log", "9999999999999-1", "c", strings.Repeat("\x00", 8)+"mark-one", "n", "1")
	entries := readAll(t, s, position{id: "-"})
	at, _, err := position{id: "-"}.advance(entries[0])
	require.NoError(t, err)
	_, isNew, err := at.advance(entries[0])
	require.NoError(t, err)
	require.False(t, isNew)

	r.do("DEL", "authkit:log")
	r.do("XADD", "authkit:log", "9999999999999-1", "c", strings.Repeat("\x00", 8)+"mark-two", "n", "1")
	_, _, err = at.advance(readAll(t, s, at)[0])
	assert.ErrorIs(t, err, errLost)
}

func readAll(t *testing.T, s *Store, from position) []entry {
	t.Helper()
	entries, err := s.read(t.Context(), from)
	require.NoError(t, err)
	return entries
}

func TestARedisLogExpiresIfItIsNotUsed(t *testing.T) {
	t.Parallel()
	r := startRedis(t)
	s := newStore(t, r.client())
	s.retention = 100 * time.Millisecond
	require.NoError(t, s.Append(t.Context(), []byte("1")))
	require.Eventually(t, func() bool { return r.do("EXISTS", "authkit:log") == int64(0) }, 20*time.Second, 10*time.Millisecond)
}

func TestAResentAppendIsInTheRedisLogOnce(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, client *redis.Client) {
		s := newStore(t, client)
		mark := newMark()
		for attempt := 1; attempt <= 3; attempt++ {
			_, err := s.run(t.Context(), appendScript, s.logKey(), s.retention.Milliseconds(), mark, "notice", attempt)
			require.NoError(t, err)
			require.NoError(t, s.Append(t.Context(), []byte("other")))
		}
		f := follow(t, s)
		f.requireNotices("notice", "other", "other", "other")
	})
}

func TestARedisLogThatWasChangedByHandIsAnError(t *testing.T) {
	t.Parallel()
	r := startRedis(t)
	s := newStore(t, r.client())
	f := follow(t, s)
	r.do("XADD", "authkit:log", "*", "x", "y")
	require.ErrorIs(t, f.awaitEnd(20*time.Second), errUnexpected)
}

func TestALongRedisLogIsRead(t *testing.T) {
	t.Parallel()
	r := startRedis(t)
	s := newStore(t, r.client())
	var want []string
	notice := strings.Repeat("n", maxNotice-4)
	for i := range 1000 {
		want = append(want, fmt.Sprintf("%s%04d", notice, i))
	}
	for _, n := range want {
		require.NoError(t, s.Append(t.Context(), []byte(n)))
	}
	r.do("CONFIG", "RESETSTAT")
	f := follow(t, s)
	require.Equal(t, want, f.read())
	assert.Equal(t, 1000/batch+1, r.calls("evalsha"))
}
