// MemoryStore: values, notices and their expiry. The suite of storetest covers what it has in common with other stores.

package authkittest_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

var _ authkit.Store = (*authkittest.MemoryStore)(nil)

// memoryFollower records the calls of one Follow.
type memoryFollower struct {
	cancel context.CancelFunc
	ended  chan error

	mu    sync.Mutex
	calls []string // the notices, and "end" for each call of caughtUp
}

// followMemory starts a follower. It returns when caughtUp was called once, unless the store is frozen.
func followMemory(t *testing.T, store *authkittest.MemoryStore) *memoryFollower {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	f := &memoryFollower{cancel: cancel, ended: make(chan error, 1)}
	caughtUp, once := make(chan struct{}), sync.Once{}
	go func() {
		f.ended <- store.Follow(ctx, func(notice []byte) { f.note(string(notice)) }, func() {
			f.note("end")
			once.Do(func() { close(caughtUp) })
		})
	}()
	select {
	case <-caughtUp:
	case err := <-f.ended:
		require.NoError(t, err, "Follow")
	}
	return f
}

func (f *memoryFollower) note(call string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, call)
}

// seen returns the calls since the last call of seen.
func (f *memoryFollower) seen() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	calls := strings.Join(f.calls, " ")
	f.calls = nil
	return calls
}

func newMemoryStore(opts ...authkittest.MemoryStoreOption) (*authkittest.MemoryStore, *authkittest.FakeClock) {
	clock := authkittest.NewFakeClock(start)
	return authkittest.NewMemoryStore(clock, opts...), clock
}

// put stores value under key and fails the test if that is not possible.
func put(t *testing.T, store *authkittest.MemoryStore, key, value string, ttl time.Duration) {
	t.Helper()
	_, _, swapped, err := store.Swap(t.Context(), key, nil, []byte(value), ttl)
	require.NoError(t, err)
	require.True(t, swapped)
}

func TestAMemoryStoreNeedsAClockAndAPositiveRetention(t *testing.T) {
	assert.PanicsWithValue(t, "authkittest: NewMemoryStore: clock is nil: pass the clock of the instances",
		func() { authkittest.NewMemoryStore(nil) })
	assert.PanicsWithValue(t, "authkittest: WithNoticeRetention: 0s is not positive",
		func() { newMemoryStore(authkittest.WithNoticeRetention(0)) })
}

func TestAValueOfAMemoryStoreExpiresOnItsClock(t *testing.T) {
	store, clock := newMemoryStore()
	put(t, store, "k", "one", time.Second)
	clock.Advance(time.Second - time.Millisecond)
	value, left, found, err := store.Get(t.Context(), "k")
	require.NoError(t, err)
	assert.Equal(t, "one", string(value))
	assert.Equal(t, time.Millisecond, left)
	assert.True(t, found)

	clock.Advance(time.Millisecond)
	_, _, found, err = store.Get(t.Context(), "k")
	require.NoError(t, err)
	assert.False(t, found)
	current, left, swapped, err := store.Swap(t.Context(), "k", []byte("one"), []byte("two"), time.Second)
	require.NoError(t, err)
	assert.Nil(t, current)
	assert.Zero(t, left)
	assert.False(t, swapped)
	put(t, store, "k", "two", time.Minute)
}

func TestTheLengthOfAMemoryStoreCountsNoExpiredValue(t *testing.T) {
	store, clock := newMemoryStore()
	for i := range 3000 {
		put(t, store, fmt.Sprintf("short:%04d", i), "xxxxx", time.Second)
	}
	assert.Equal(t, 3000, store.Len())
	assert.Equal(t, 3000*15, store.Bytes())
	clock.Advance(time.Second)
	put(t, store, "k", "one", time.Hour)
	assert.Equal(t, 1, store.Len())
	assert.Equal(t, 4, store.Bytes())
}

func TestAMemoryStoreRefusesWhatTheInterfaceForbids(t *testing.T) {
	store, _ := newMemoryStore()
	ctx, long, v := t.Context(), make([]byte, 64<<10+1), []byte("v")
	swap := func(key string, old, value []byte, ttl time.Duration) error {
		_, _, _, err := store.Swap(ctx, key, old, value, ttl)
		return err
	}
	get := func(key string) error {
		_, _, _, err := store.Get(ctx, key)
		return err
	}
	for want, err := range map[string]error{
		"authkittest: Get: the key is empty":                                                       get(""),
		"authkittest: Get: the key has 129 bytes, more than 128":                                   get(strings.Repeat("k", 129)),
		"authkittest: Get: the key has the byte 0x20 at position 1, which is not printable ASCII":  get("a b"),
		"authkittest: Swap: the key has the byte 0xc3 at position 0, which is not printable ASCII": swap("é", nil, v, time.Second),
		"authkittest: Swap: the key has the byte 0x7f at position 0, which is not printable ASCII": swap("\x7f", nil, v, time.Second),
		"authkittest: Swap: value is empty but not nil":                                            swap("k", nil, []byte{}, time.Second),
		"authkittest: Swap: old is empty but not nil":                                              swap("k", []byte{}, v, time.Second),
		"authkittest: Swap: value has 65537 bytes, more than 65536":                                swap("k", nil, long, time.Second),
		"authkittest: Swap: old has 65537 bytes, more than 65536":                                  swap("k", long, v, time.Second),
		"authkittest: Swap: the ttl 999.999µs is less than a millisecond":                          swap("k", nil, v, time.Millisecond-time.Nanosecond),
		"authkittest: Append: the notice has 0 bytes, not 1 to 1024":                               store.Append(ctx, nil),
		"authkittest: Append: the notice has 1025 bytes, not 1 to 1024":                            store.Append(ctx, long[:1025]),
		"authkittest: Follow: a function is nil":                                                   store.Follow(ctx, nil, func() {}),
	} {
		assert.EqualError(t, err, want)
	}
	assert.NoError(t, swap("k", nil, nil, 0), "the ttl of a removal is ignored")
	assert.Equal(t, authkittest.StoreCommands{Swap: 1}, store.Commands(), "a call that is not allowed is not counted")
}

func TestAnAppendCallsEveryFollowerBeforeItReturns(t *testing.T) {
	store, _ := newMemoryStore()
	require.NoError(t, store.Append(t.Context(), []byte("zero")))
	one, two := followMemory(t, store), followMemory(t, store)
	assert.Equal(t, "zero end", one.seen())
	assert.Equal(t, "zero end", two.seen())
	for range 100 {
		require.NoError(t, store.Append(t.Context(), []byte("more")))
		assert.Equal(t, "more end", one.seen())
		assert.Equal(t, "more end", two.seen())
	}
}

func TestAFollowerCatchesUpEverySecondOfTheClock(t *testing.T) {
	store, clock := newMemoryStore()
	f := followMemory(t, store)
	assert.Equal(t, "end", f.seen())
	clock.Advance(999 * time.Millisecond)
	assert.Empty(t, f.seen())
	clock.Advance(2001 * time.Millisecond)
	assert.Equal(t, "end end end", f.seen())
	f.cancel()
	require.ErrorIs(t, <-f.ended, context.Canceled)
	clock.Advance(time.Minute)
	require.NoError(t, store.Append(t.Context(), []byte("late")))
	assert.Empty(t, f.seen(), "calls after the end of Follow")
}

func TestAFollowersFunctionsMayUseValuesAndOtherGoroutinesMayAppend(t *testing.T) {
	store, _ := newMemoryStore()
	appended := make(chan error, 1)
	var calls []string
	ready := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- store.Follow(ctx, func(notice []byte) {
			calls = append(calls, string(notice))
			_, _, found, err := store.Get(ctx, "k")
			assert.NoError(t, err)
			assert.True(t, found)
			if string(notice) == "question" {
				go func() { appended <- store.Append(ctx, []byte("answer")) }()
			}
		}, func() {
			if len(calls) == 0 {
				close(ready)
			}
		})
	}()
	<-ready
	put(t, store, "k", "v", time.Hour)
	require.NoError(t, store.Append(t.Context(), []byte("question")))
	require.NoError(t, <-appended)
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
	assert.Equal(t, []string{"question", "answer"}, calls)
}

func TestAnAppendEndsWithItsContextIfAFollowerBlocks(t *testing.T) {
	store, _ := newMemoryStore()
	other := followMemory(t, store)
	other.seen()
	entered, release := make(chan struct{}, 9), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	var calls []string
	go func() {
		ended <- store.Follow(ctx, func(notice []byte) {
			calls = append(calls, string(notice))
			entered <- struct{}{}
			<-release
		}, func() { entered <- struct{}{} })
	}()
	<-entered
	first := make(chan error, 1)
	go func() { first <- store.Append(ctx, []byte("first")) }()
	<-entered

	bounded, stop := context.WithCancel(t.Context())
	second := make(chan error, 1)
	go func() { second <- store.Append(bounded, []byte("second")) }()
	require.Eventually(t, func() bool { return strings.Contains(other.seen(), "second") }, 10*time.Second, time.Millisecond)
	stop()
	require.EqualError(t, <-second, "authkittest: Append: the notice is in the log, but a follower still runs: context canceled")
	close(release)
	require.NoError(t, <-first)
	require.NoError(t, store.Append(t.Context(), []byte("third")))
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
	assert.Equal(t, []string{"first", "second", "third"}, calls)
}

func TestAMemoryStoreDropsNoticesAfterTheirRetention(t *testing.T) {
	store, clock := newMemoryStore(authkittest.WithNoticeRetention(time.Minute))
	f := followMemory(t, store)
	require.NoError(t, store.Append(t.Context(), []byte("old")))
	clock.Advance(30 * time.Second)
	require.NoError(t, store.Append(t.Context(), []byte("new")))
	assert.Equal(t, "old new end", followMemory(t, store).seen())
	clock.Advance(30 * time.Second)
	assert.Equal(t, "new end", followMemory(t, store).seen())
	clock.Advance(30 * time.Second)
	assert.Equal(t, "end", followMemory(t, store).seen())
	f.seen()
	require.NoError(t, store.Append(t.Context(), []byte("next")))
	assert.Equal(t, "next end", f.seen(), "a notice that was read before it expired is not lost")

	long, clock := newMemoryStore()
	require.NoError(t, long.Append(t.Context(), []byte("day")))
	clock.Advance(24*time.Hour - time.Second)
	assert.Equal(t, "day end", followMemory(t, long).seen())
	clock.Advance(time.Second)
	assert.Equal(t, "end", followMemory(t, long).seen())
}

// timeOnly is a clock that calls no function.
type timeOnly struct{ *authkittest.FakeClock }

func (timeOnly) AfterFunc(time.Duration, func()) (stop func() bool) {
	return func() bool { return true }
}

func TestAFollowerThatMissesExpiredNoticesFails(t *testing.T) {
	clock := timeOnly{authkittest.NewFakeClock(start)}
	store := authkittest.NewMemoryStore(clock, authkittest.WithNoticeRetention(time.Minute))
	entered, release := make(chan struct{}, 9), make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- store.Follow(t.Context(), func([]byte) {
			entered <- struct{}{}
			<-release
		}, func() { entered <- struct{}{} })
	}()
	<-entered
	appended := make(chan error, 2)
	for range 2 { // the follower gets one of them, and the other expires
		go func() { appended <- store.Append(t.Context(), []byte("n")) }()
	}
	<-entered
	require.Eventually(t, func() bool { return store.Commands().Append == 2 }, 10*time.Second, time.Millisecond)
	clock.Advance(time.Minute)
	close(release)
	require.EqualError(t, <-ended, "authkittest: Follow: notices expired before they were read")
	require.NoError(t, <-appended)
	require.NoError(t, <-appended)
}

func TestAFollowerThatEndsItsGoroutineBlocksNoOtherCall(t *testing.T) {
	store, _ := newMemoryStore()
	caughtUp, ended := make(chan struct{}, 9), make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		ended <- store.Follow(ctx, func(notice []byte) {
			if string(notice) == "exit" { // as a test does that fails
				runtime.Goexit()
			}
		}, func() { caughtUp <- struct{}{} })
	}()
	<-caughtUp
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		assert.NoError(t, store.Append(t.Context(), []byte("exit")), "not reached")
	}()
	<-exited
	require.NoError(t, store.Append(t.Context(), []byte("next")))
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
}
