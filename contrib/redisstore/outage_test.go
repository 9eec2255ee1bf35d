// Redis is killed, stopped, flushed, evicting, or behind a bad network.

package redisstore

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// requireWholeLog requires that a new follower of the log gets exactly these notices.
func requireWholeLog(t *testing.T, s *Store, want ...string) {
	t.Helper()
	f := follow(t, s)
	defer f.cancel()
	require.Equal(t, append([]string{}, want...), f.read())
}

func TestARedisThatRestartsEmptyEndsFollow(t *testing.T) {
	t.Parallel()
	r := startRedis(t)
	s := newStore(t, r.client())
	require.NoError(t, s.Append(t.Context(), []byte("before")))
	f := follow(t, s)
	f.requireNotices("before")

	r.Kill()
	_, _, _, err := s.Get(within(t, 300*time.Millisecond), "x:1")
	require.Error(t, err)
	require.NoError(t, r.Restart())

	require.Error(t, f.awaitEnd(20*time.Second))
	requireWholeLog(t, s)
	require.NoError(t, s.Append(t.Context(), []byte("after")))
	requireWholeLog(t, s, "after")
	f.requireNotices("before")
}

// go-redis connects to the restarted server before Follow sees an error.
func TestARedisThatRestartsEmptyUnseenEndsFollow(t *testing.T) {
	t.Parallel()
	one, two := startRedis(t), startRedis(t)
	for name, c := range map[string]struct{ before, after []string }{
		"nothing was read, nothing is there":   {nil, nil},
		"nothing was read, something is there": {nil, []string{"2"}},
		"something was read, nothing is there": {[]string{"1"}, nil},
		"something was read, other is there":   {[]string{"1"}, []string{"2"}},
		"more was read than is there":          {[]string{"1", "2", "3"}, []string{"4"}},
	} {
		t.Run(name, func(t *testing.T) {
			one.do("FLUSHALL")
			two.do("FLUSHALL")
			p := startProxy(t, one.addr)
			s := newStore(t, p.client())
			for _, n := range c.before {
				require.NoError(t, s.Append(t.Context(), []byte(n)))
			}
			f := follow(t, s)
			f.requireNotices(c.before...)
			p.moveTo(two.addr)
			other := newStore(t, two.client())
			for _, n := range c.after {
				require.NoError(t, other.Append(t.Context(), []byte(n)))
			}
			assert.ErrorIs(t, f.awaitEnd(20*time.Second), errLost)
			f.requireNotices(c.before...)
			requireWholeLog(t, s, c.after...)
		})
	}
}

func TestAFlushOfRedisEndsFollow(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ before, after []string }{
		"of a log without notices":               {nil, nil},
		"of notices":                             {[]string{"1", "2"}, nil},
		"of notices, and others are added":       {[]string{"1", "2"}, []string{"3", "4", "5"}},
		"of no notices, and the first are added": {nil, []string{"1"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := startRedis(t)
			s := newStore(t, r.client())
			for _, n := range c.before {
				require.NoError(t, s.Append(t.Context(), []byte(n)))
			}
			f := follow(t, s)
			r.do("FLUSHALL")
			for _, n := range c.after {
				require.NoError(t, s.Append(t.Context(), []byte(n)))
			}
			assert.ErrorIs(t, f.awaitEnd(20*time.Second), errLost)
			f.requireNotices(c.before...)
			requireWholeLog(t, s, c.after...)
		})
	}
}

func TestAStoppedRedisHoldsNoCallBeyondItsContext(t *testing.T) {
	t.Parallel()
	r := startRedis(t)
	for name, change := range map[string]func(*redis.Options){
		"default":               func(*redis.Options) {},
		"ContextTimeoutEnabled": func(o *redis.Options) { o.ContextTimeoutEnabled = true },
		"no ReadTimeout":        func(o *redis.Options) { o.ReadTimeout = -1 },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t, r.client(change))
			_, _, _, err := s.Swap(t.Context(), "x:1", nil, []byte("a"), time.Minute)
			require.NoError(t, err)
			f := follow(t, s)
			r.stop()
			t.Cleanup(r.resume)

			for call, run := range map[string]func(context.Context) error{
				"Get": func(ctx context.Context) error { _, _, _, err := s.Get(ctx, "x:1"); return err },
				"Swap": func(ctx context.Context) error {
					_, _, _, err := s.Swap(ctx, "x:1", nil, []byte("b"), time.Minute)
					return err
				},
				"Append": func(ctx context.Context) error { return s.Append(ctx, []byte("n")) },
				"Follow": func(ctx context.Context) error { return s.Follow(ctx, func([]byte) {}, func() {}) },
			} {
				before := time.Now()
				err := run(within(t, 50*time.Millisecond))
				assert.Less(t, time.Since(before), s.patience/2, call)
				assert.ErrorIs(t, err, context.DeadlineExceeded, call)

				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(20*time.Millisecond, cancel)
				before = time.Now()
				err = run(ctx)
				assert.Less(t, time.Since(before), s.patience/2, call)
				assert.ErrorIs(t, err, context.Canceled, call)
			}
			f.cancel()
			assert.ErrorIs(t, f.awaitEnd(s.patience/2), context.Canceled)
			r.resume()
			_, _, found, err := s.Get(within(t, 15*time.Second), "x:1")
			require.NoError(t, err)
			assert.True(t, found)
		})
	}
}

func TestAStoppedRedisIsAnErrorAfterThePatienceOfTheStore(t *testing.T) {
	t.Parallel()
	r := startRedis(t)
	s := newStore(t, r.client())
	require.Equal(t, 10*time.Second, s.patience)
	s.patience = 1500 * time.Millisecond
	f := follow(t, s)
	r.stop()
	t.Cleanup(r.resume)
	_, _, _, err := s.Get(t.Context(), "x:1")
	assert.ErrorContains(t, err, "no reply for 1.5s")
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.ErrorContains(t, f.awaitEnd(20*time.Second), "no reply for 1.5s")
}

func TestAFollowerContinuesAfterAShortStopOfRedis(t *testing.T) {
	t.Parallel()
	r := startRedis(t)
	s := newStore(t, r.client())
	f := follow(t, s)
	r.stop()
	assert.Error(t, s.Append(within(t, 100*time.Millisecond), []byte("1")))
	r.resume()
	require.NoError(t, s.Append(t.Context(), []byte("2")))
	f.await(func() bool { return slices.Contains(f.read(), "2") })
	f.awaitRounds(2)
	read := f.read()
	slices.Sort(read)
	assert.Contains(t, [][]string{{"2"}, {"1", "2"}}, read, "the first Append may have been made, but once")
}

func TestAPartitionedRedisEndsFollow(t *testing.T) {
	t.Parallel()
	p := startProxy(t, startRedis(t).addr)
	s := newStore(t, p.client())
	s.patience = 3 * time.Second
	require.NoError(t, s.Append(t.Context(), []byte("1")))
	f := follow(t, s)
	p.freeze()
	before := time.Now()
	assert.Error(t, s.Append(within(t, 50*time.Millisecond), []byte("2")))
	assert.Less(t, time.Since(before), s.patience)
	assert.Error(t, f.awaitEnd(20*time.Second))
	p.thaw()
	p.cut()
	s.patience = 10 * time.Second
	requireEventuallyWorks(t, s)
	second := follow(t, s)
	require.Equal(t, "1", second.read()[0])
}

func requireEventuallyWorks(t *testing.T, s *Store) {
	t.Helper()
	require.Eventually(t, func() bool {
		_, _, _, err := s.Get(within(t, time.Second), "x:1")
		return err == nil
	}, 15*time.Second, 20*time.Millisecond)
}

func TestCutConnectionsToRedisLoseNoNotice(t *testing.T) {
	t.Parallel()
	r := startRedis(t)
	p := startProxy(t, r.addr)
	s, direct := newStore(t, p.client()), newStore(t, r.client())
	for name, cut := range map[string]func(){"closed": p.cut, "half-closed": p.halfClose} {
		t.Run(name, func(t *testing.T) {
			r.do("FLUSHALL")
			f := follow(t, s)
			var want []string
			for i := range 30 {
				want = append(want, fmt.Sprint(i))
				require.NoError(t, direct.Append(t.Context(), []byte(want[i])))
				if i%3 == 0 {
					cut()
				}
				if len(f.ended) > 0 { // allowed: the next follower gets the whole log
					f = follow(t, s)
				}
			}
			require.Eventually(t, func() bool {
				if len(f.ended) > 0 {
					f = follow(t, s)
				}
				return len(f.read()) >= len(want)
			}, 10*time.Second, 10*time.Millisecond)
			assert.Equal(t, want, f.read())
		})
	}
}

// go-redis sends a command again if its reply was lost.
func TestARedisCommandWhoseReplyWasLostTakesEffectOnce(t *testing.T) {
	t.Parallel()
	p := startProxy(t, startRedis(t).addr)
	s := newStore(t, p.client())
	a, b := []byte("a"), []byte("b")
	for _, step := range []struct{ old, value, current []byte }{
		{nil, a, a}, {nil, a, a}, // the second time, the server knows the script
		{a, b, b}, {b, nil, nil},
	} {
		p.cutNextReply()
		current, _, swapped, err := s.Swap(t.Context(), "x:1", step.old, step.value, time.Minute)
		require.NoError(t, err)
		require.True(t, swapped)
		require.Equal(t, step.current, current)
	}
	require.NoError(t, s.Append(t.Context(), []byte("0")))
	for i := 1; i < 4; i++ {
		p.cutNextReply()
		require.NoError(t, s.Append(t.Context(), fmt.Append(nil, i)))
	}
	requireWholeLog(t, s, "0", "1", "2", "3")
}

func TestASlowRedisIsWaitedForUntilTheContextEnds(t *testing.T) {
	t.Parallel()
	p := startProxy(t, startRedis(t).addr)
	s := newStore(t, p.client())
	_, _, _, err := s.Swap(t.Context(), "x:1", nil, []byte("a"), time.Minute)
	require.NoError(t, err)
	f := follow(t, s)
	p.delayBy(100 * time.Millisecond)
	before := time.Now()
	_, _, found, err := s.Get(t.Context(), "x:1")
	require.NoError(t, err)
	assert.True(t, found)
	assert.GreaterOrEqual(t, time.Since(before), 200*time.Millisecond)
	_, _, _, err = s.Get(within(t, 150*time.Millisecond), "x:1")
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	f.awaitRounds(2)
	assert.LessOrEqual(t, f.longest, 2*time.Second)
}

func TestAFullRedisRefusesToWriteAndSaysSo(t *testing.T) {
	t.Parallel()
	r := startRedis(t, "--maxmemory", "3mb", "--maxmemory-policy", "noeviction")
	s := newStore(t, r.client())
	_, _, _, err := s.Swap(t.Context(), "x:1", nil, []byte("kept"), time.Minute)
	require.NoError(t, err)
	f := follow(t, s)
	value := make([]byte, maxValue)
	for i := 0; err == nil; i++ {
		require.Less(t, i, 100)
		_, _, _, err = s.Swap(t.Context(), fmt.Sprint("x:full", i), nil, value, time.Minute)
	}
	assert.ErrorContains(t, err, "swap x:full")
	assert.ErrorContains(t, err, "raise maxmemory")
	assert.True(t, redis.IsOOMError(err))
	err = nil
	for i := 0; err == nil; i++ { // what one value does not fit into
		require.Less(t, i, 1000)
		err = s.Append(t.Context(), make([]byte, maxNotice))
	}
	assert.ErrorContains(t, err, "redisstore: append: ")
	assert.ErrorContains(t, err, "raise maxmemory")

	got, _, found, err := s.Get(t.Context(), "x:1")
	require.NoError(t, err, "reading is allowed")
	assert.True(t, found)
	assert.Equal(t, "kept", string(got))
	f.awaitRounds(2)
	_, _, swapped, err := s.Swap(t.Context(), "x:1", []byte("kept"), nil, 0)
	require.NoError(t, err, "a removal is allowed")
	assert.True(t, swapped)
}

func TestARedisThatEvictsTheLogEndsFollow(t *testing.T) {
	t.Parallel()
	r := startRedis(t, "--maxmemory", "3mb", "--maxmemory-policy", "allkeys-random")
	s := newStore(t, r.client())
	require.NoError(t, s.Append(t.Context(), []byte("1")))
	f := follow(t, s)
	value := make([]byte, 16<<10)
	for i := range 10_000 {
		_, _, _, err := s.Swap(t.Context(), fmt.Sprint("x:", i), nil, value, time.Minute)
		require.NoError(t, err)
		if len(f.ended) > 0 {
			break
		}
	}
	assert.ErrorIs(t, f.awaitEnd(20*time.Second), errLost)
}
