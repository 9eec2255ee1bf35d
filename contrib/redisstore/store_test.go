// Values, against miniredis and against a real Redis.

package redisstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// onEachEngine runs a test against miniredis, which needs no server, and against a
// real Redis.
func onEachEngine(t *testing.T, test func(t *testing.T, client *redis.Client)) {
	t.Run("miniredis", func(t *testing.T) {
		m := miniredis.RunT(t)
		client := redis.NewClient(&redis.Options{Addr: m.Addr()})
		t.Cleanup(func() { _ = client.Close() })
		test(t, client)
	})
	t.Run("redis", func(t *testing.T) { test(t, startRedis(t).client()) })
}

func TestARedisValueIsSwappedOnlyFromWhatItWas(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, client *redis.Client) {
		s := newStore(t, client)
		a, b, c := []byte("a"), []byte("b"), []byte("c")
		for _, step := range []struct {
			name       string
			old, value []byte
			current    []byte
			swapped    bool
		}{
			{"from nothing", nil, a, a, true},
			{"from nothing again, with the same value", nil, a, a, true},
			{"from nothing, but there is a value", nil, b, a, false},
			{"from another value", c, b, a, false},
			{"from the value", a, b, b, true},
			{"repeated", a, b, b, true},
			{"removal of another value", a, nil, b, false},
			{"removal of nothing, but there is a value", nil, nil, b, false},
			{"removal", b, nil, nil, true},
			{"removal repeated", b, nil, nil, true},
			{"from a value, but there is none", b, c, nil, false},
		} {
			current, left, swapped, err := s.Swap(t.Context(), "x:1", step.old, step.value, time.Minute)
			require.NoError(t, err, step.name)
			require.Equal(t, step.swapped, swapped, step.name)
			require.Equal(t, step.current, current, step.name)
			require.LessOrEqual(t, left, time.Minute, step.name)
			require.Equal(t, current != nil, left > 50*time.Second, "%s: %s left", step.name, left)

			value, left, found, err := s.Get(t.Context(), "x:1")
			require.NoError(t, err, step.name)
			require.Equal(t, step.current, value, step.name)
			require.Equal(t, current != nil, found, step.name)
			require.Equal(t, current != nil, left > 50*time.Second, "%s: %s left", step.name, left)
		}
	})
}

func TestARepeatedSwapSetsTheRedisExpiryAnew(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, client *redis.Client) {
		s := newStore(t, client)
		value := []byte("lease")
		for _, ttl := range []time.Duration{time.Minute, time.Hour, 1500 * time.Millisecond} {
			_, left, swapped, err := s.Swap(t.Context(), "x:1", nil, value, ttl)
			require.NoError(t, err)
			require.True(t, swapped)
			require.Equal(t, ttl, left)
			_, left, _, err = s.Get(t.Context(), "x:1")
			require.NoError(t, err)
			require.LessOrEqual(t, left, ttl)
			require.Greater(t, left, ttl-time.Second)
		}
	})
}

func TestAnExpiredRedisValueIsAbsent(t *testing.T) {
	t.Parallel()
	s := newStore(t, startRedis(t).client())
	_, _, swapped, err := s.Swap(t.Context(), "x:1", nil, []byte("a"), 30*time.Millisecond)
	require.NoError(t, err)
	require.True(t, swapped)
	require.Eventually(t, func() bool {
		_, _, found, err := s.Get(t.Context(), "x:1")
		return err == nil && !found
	}, 20*time.Second, time.Millisecond)
	current, _, swapped, err := s.Swap(t.Context(), "x:1", []byte("a"), []byte("b"), time.Minute)
	require.NoError(t, err)
	assert.False(t, swapped)
	assert.Nil(t, current)
	_, _, swapped, err = s.Swap(t.Context(), "x:1", nil, []byte("b"), time.Minute)
	require.NoError(t, err)
	assert.True(t, swapped)
}

func TestRedisKeepsEveryByteOfAValue(t *testing.T) {
	t.Parallel()
	var all []byte
	for b := range 256 {
		all = append(all, byte(b))
	}
	large := bytes.Repeat(all, maxValue/len(all))
	onEachEngine(t, func(t *testing.T, client *redis.Client) {
		s := newStore(t, client)
		key := "x:" + strings.Repeat("~", maxKey-2)
		var old []byte
		for _, value := range [][]byte{all, {0}, large, []byte("\r\n$-1\r\n"), append([]byte{0xff}, large[1:]...)} {
			_, _, swapped, err := s.Swap(t.Context(), key, old, value, time.Minute)
			require.NoError(t, err)
			require.True(t, swapped)
			got, _, _, err := s.Get(t.Context(), key)
			require.NoError(t, err)
			require.True(t, bytes.Equal(value, got))
			old = value
		}
	})
}

func TestRedisRefusesWhatTheContractDoesNotAllow(t *testing.T) {
	t.Parallel()
	s := newStore(t, redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"}))
	secret := []byte("sealed")
	swap := func(key string, old, value []byte, ttl time.Duration) error {
		_, _, _, err := s.Swap(t.Context(), key, old, value, ttl)
		return err
	}
	_, _, _, get := s.Get(t.Context(), "a b")
	for name, c := range map[string]struct {
		err  error
		text string
	}{
		"a key with a space":       {get, "printable ASCII"},
		"an empty key":             {swap("", nil, secret, time.Minute), "1 to 128"},
		"a long key":               {swap(strings.Repeat("k", maxKey+1), nil, secret, time.Minute), "1 to 128"},
		"an empty value":           {swap("k", nil, []byte{}, time.Minute), "1 to 65536 bytes"},
		"an empty old value":       {swap("k", []byte{}, secret, time.Minute), "1 to 65536 bytes"},
		"a long value":             {swap("k", nil, make([]byte, maxValue+1), time.Minute), "has 65537"},
		"a ttl below 1 ms":         {swap("k", nil, secret, time.Millisecond-1), "a millisecond"},
		"an empty notice":          {s.Append(t.Context(), nil), "1 to 1024 bytes"},
		"a notice of over 1 KiB":   {s.Append(t.Context(), make([]byte, maxNotice+1)), "has 1025"},
		"a server that is refused": {swap("k", nil, secret, time.Minute), "connection refused"},
	} {
		require.Error(t, c.err, name)
		assert.ErrorContains(t, c.err, c.text, name)
		assert.ErrorContains(t, c.err, "redisstore: ", name)
		assert.NotContains(t, c.err.Error(), string(secret), name)
	}
}

func TestOneOfFiftyRedisSwapsWins(t *testing.T) {
	t.Parallel()
	r := startRedis(t)
	stores := []*Store{newStore(t, r.client()), newStore(t, r.client())}
	var wg sync.WaitGroup
	var mu sync.Mutex
	winners, seen := 0, map[string]int{}
	for i := range 50 {
		wg.Go(func() {
			current, _, swapped, err := stores[i%2].Swap(t.Context(), "x:1", nil, fmt.Append(nil, i), time.Minute)
			mu.Lock()
			defer mu.Unlock()
			if assert.NoError(t, err) {
				seen[string(current)]++
			}
			if swapped {
				winners++
				assert.Equal(t, fmt.Sprint(i), string(current))
			}
		})
	}
	wg.Wait()
	assert.Equal(t, 1, winners)
	assert.Len(t, seen, 1, "every call returns the value of the winner")
}

func TestEachRedisCallIsOneCommand(t *testing.T) {
	t.Parallel()
	r := startRedis(t)
	s := newStore(t, r.client())
	swap := func() error {
		_, _, _, err := s.Swap(t.Context(), "x:1", nil, []byte("a"), time.Minute)
		return err
	}
	get := func() error {
		_, _, _, err := s.Get(t.Context(), "x:1")
		return err
	}
	add := func() error { return s.Append(t.Context(), []byte("n")) }
	for _, call := range []func() error{swap, get, add} { // the first time, the server does not know the script
		require.NoError(t, call())
	}
	for name, call := range map[string]func() error{"Swap": swap, "Get": get, "Append": add} {
		r.do("CONFIG", "RESETSTAT")
		for range 10 {
			require.NoError(t, call())
		}
		assert.Equal(t, 10, r.calls("evalsha"), name)
		assert.Zero(t, r.calls("eval"), name)
	}
}

func TestAFollowerOfAnIdleRedisLogSendsTwoCommandsASecond(t *testing.T) {
	t.Parallel()
	r := startRedis(t)
	s := newStore(t, r.client())
	f := follow(t, s)
	r.do("CONFIG", "RESETSTAT")
	f.awaitRounds(2)
	assert.InDelta(t, 2, r.calls("xread"), 1)
	assert.InDelta(t, 2, r.calls("evalsha"), 1)
	assert.LessOrEqual(t, f.longest, 1900*time.Millisecond)
}

func TestRedisStoreWorksAfterScriptFlush(t *testing.T) {
	t.Parallel()
	r := startRedis(t)
	s := newStore(t, r.client())
	f := follow(t, s)
	for i := range 3 {
		r.do("SCRIPT", "FLUSH")
		value := fmt.Append(nil, i)
		_, _, swapped, err := s.Swap(t.Context(), fmt.Sprint("x:", i), nil, value, time.Minute)
		require.NoError(t, err)
		require.True(t, swapped)
		got, _, _, err := s.Get(t.Context(), fmt.Sprint("x:", i))
		require.NoError(t, err)
		require.Equal(t, value, got)
		require.NoError(t, s.Append(t.Context(), value))
	}
	f.requireNotices("0", "1", "2")
}

func TestNewRedisStoreReportsWhatIsWrong(t *testing.T) {
	t.Parallel()
	client := redis.NewClient(&redis.Options{})
	defer client.Close()
	ring := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"a": "127.0.0.1:1"}})
	defer ring.Close()
	for name, c := range map[string]struct {
		client redis.UniversalClient
		opts   []Option
		text   string
	}{
		"no client":                 {nil, nil, "client: is nil"},
		"a ring":                    {ring, nil, "redis.Ring"},
		"an empty prefix":           {client, []Option{WithPrefix("")}, "WithPrefix"},
		"a prefix with a space":     {client, []Option{WithPrefix("my app:")}, `"my app:"`},
		"a long prefix":             {client, []Option{WithPrefix(strings.Repeat("p", 65))}, "1 to 64"},
		"a retention below 2 min":   {client, []Option{WithLogRetention(2*time.Minute - 1)}, "1m59.999999999s"},
		"a retention above 30 days": {client, []Option{WithLogRetention(720*time.Hour + 1)}, "30 days"},
	} {
		s, err := New(c.client, c.opts...)
		assert.Nil(t, s, name)
		assert.ErrorContains(t, err, c.text, name)
		assert.ErrorContains(t, err, "redisstore: ", name)
	}
	for _, d := range []time.Duration{2 * time.Minute, 720 * time.Hour} {
		_, err := New(client, WithPrefix("{app}:"), WithLogRetention(d))
		assert.NoError(t, err)
	}
}

func TestRedisPrefixesSeparateApplications(t *testing.T) {
	t.Parallel()
	r := startRedis(t)
	one, two := newStore(t, r.client()), newStore(t, r.client(), WithPrefix("other:"))
	_, _, _, err := one.Swap(t.Context(), "x:1", nil, []byte("a"), time.Minute)
	require.NoError(t, err)
	require.NoError(t, one.Append(t.Context(), []byte("of one")))
	_, _, found, err := two.Get(t.Context(), "x:1")
	require.NoError(t, err)
	assert.False(t, found)
	f := follow(t, two)
	require.NoError(t, two.Append(t.Context(), []byte("of two")))
	f.requireNotices("of two")
	assert.ElementsMatch(t, []any{"authkit:v:x:1", "authkit:log", "other:log"}, r.do("KEYS", "*"))
}

func TestARedisCallReturnsWhenItsContextEnds(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, client *redis.Client) {
		s := newStore(t, client)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		_, _, _, err := s.Get(ended, "x:1")
		assert.ErrorIs(t, err, context.Canceled)
		_, _, _, err = s.Swap(ended, "x:1", nil, []byte("a"), time.Minute)
		assert.ErrorIs(t, err, context.Canceled)
		assert.ErrorIs(t, s.Append(ended, []byte("n")), context.Canceled)
		err = s.Follow(ended, func([]byte) { t.Error("a notice") }, func() { t.Error("caught up") })
		assert.ErrorIs(t, err, context.Canceled)
		_, _, found, err := s.Get(t.Context(), "x:1")
		require.NoError(t, err)
		assert.False(t, found, "nothing was sent")
	})
}

func TestARedisValueWithoutExpiryIsAnError(t *testing.T) {
	t.Parallel()
	r := startRedis(t)
	s := newStore(t, r.client())
	_, _, _, err := s.Swap(t.Context(), "x:1", nil, []byte("sealed"), time.Minute)
	require.NoError(t, err)
	r.do("PERSIST", "authkit:v:x:1")
	_, _, _, err = s.Get(t.Context(), "x:1")
	assert.ErrorContains(t, err, "no expiry")
	_, _, _, err = s.Swap(t.Context(), "x:1", nil, []byte("other"), time.Minute)
	assert.ErrorContains(t, err, "no expiry")
}

func TestRedisErrorsContainNoValue(t *testing.T) {
	t.Parallel()
	swap := func(s *Store) error {
		_, _, _, err := s.Swap(t.Context(), "x:1", []byte("sealed-old"), []byte("sealed-new"), time.Minute)
		if err == nil {
			_, _, _, err = s.Get(t.Context(), "x:1")
		}
		return err
	}
	for name, c := range map[string]struct {
		settings []string
		text     string
	}{
		"a command that the server does not know": {[]string{"--rename-command", "EVALSHA", "", "--rename-command", "EVAL", ""}, "unknown command"},
		"no memory": {[]string{"--maxmemory", "1", "--maxmemory-policy", "noeviction"}, "raise maxmemory"},
		"no rights": {[]string{"--user", "default", "on", "nopass", "~*", "+@all", "-getex", "-xadd"}, "can't run this command"},
		"a replica": {[]string{"--replicaof", "127.0.0.1 1", "--replica-serve-stale-data", "yes"}, "READONLY"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t, startRedis(t, c.settings...).client())
			_, _, _, err := s.Swap(t.Context(), "x:1", nil, []byte("sealed-old"), time.Minute)
			err = errors.Join(err, swap(s), s.Append(t.Context(), []byte("sealed-notice")))
			require.ErrorContains(t, err, c.text)
			assert.NotContains(t, err.Error(), "sealed")
			assert.NotContains(t, fmt.Sprintf("%+v", err), "sealed")
		})
	}
}
