// MemoryStore: its failures and its counts.

package authkittest_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

// callStore calls each method of a store and returns the errors.
func callStore(ctx context.Context, store *authkittest.MemoryStore) map[string]error {
	_, _, _, get := store.Get(ctx, "other")
	_, _, _, swap := store.Swap(ctx, "other", nil, []byte("v"), time.Hour)
	return map[string]error{
		"Get": get, "Swap": swap, "Append": store.Append(ctx, []byte("other")),
		"Follow": store.Follow(ctx, func([]byte) {}, func() {}),
	}
}

func TestAStoreThatIsDownFailsEveryCallAndEveryFollower(t *testing.T) {
	store, clock := newMemoryStore()
	put(t, store, "k", "v", time.Hour)
	require.NoError(t, store.Append(t.Context(), []byte("before")))
	f := followMemory(t, store)
	f.seen()

	store.SetDown(true)
	require.EqualError(t, <-f.ended, "authkittest: Follow: the store is down (SetDown)")
	for name, err := range callStore(t.Context(), store) {
		assert.EqualError(t, err, "authkittest: "+name+": the store is down (SetDown)")
	}
	clock.Advance(time.Minute)

	store.SetDown(false)
	assert.Empty(t, f.seen(), "the follower that has ended")
	_, left, found, err := store.Get(t.Context(), "k")
	require.NoError(t, err)
	assert.True(t, found)
	assert.Equal(t, 59*time.Minute, left)
	assert.Equal(t, 1, store.Len(), "the Swap that failed had no effect")
	assert.Equal(t, "before end", followMemory(t, store).seen())
}

func TestCallsOfAFrozenStoreWait(t *testing.T) {
	store, clock := newMemoryStore()
	f := followMemory(t, store)
	f.seen()
	store.SetFrozen(true)

	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan map[string]error)
	go func() { ended <- callStore(ctx, store) }()
	require.Eventually(t, func() bool { return store.Commands().Get == 1 }, 10*time.Second, time.Millisecond)
	cancel()
	for name, err := range <-ended {
		assert.EqualError(t, err, "authkittest: "+name+": context canceled")
	}

	appended := make(chan error)
	go func() { appended <- store.Append(t.Context(), []byte("waits")) }()
	require.Eventually(t, func() bool { return store.Commands().Append == 2 }, 10*time.Second, time.Millisecond)
	clock.Advance(time.Minute)
	assert.Empty(t, f.seen(), "calls while the store is frozen")

	store.SetFrozen(false)
	require.NoError(t, <-appended)
	assert.Contains(t, []string{"end waits end", "waits end"}, f.seen())
	assert.Zero(t, store.Len(), "a call whose context ended has no effect")
	clock.Advance(time.Second)
	assert.Equal(t, "end", f.seen())
}

func TestAFrozenStoreThatGoesDownFailsTheCallsThatWait(t *testing.T) {
	store, _ := newMemoryStore()
	store.SetFrozen(true)
	ended := make(chan error)
	go func() {
		_, _, _, err := store.Get(t.Context(), "k")
		ended <- err
	}()
	require.Eventually(t, func() bool { return store.Commands().Get == 1 }, 10*time.Second, time.Millisecond)
	store.SetDown(true)
	assert.EqualError(t, <-ended, "authkittest: Get: the store is down (SetDown)")
}

func TestAFlushRemovesValuesAndNoticesAndEndsFollowers(t *testing.T) {
	store, _ := newMemoryStore()
	put(t, store, "k", "v", time.Hour)
	require.NoError(t, store.Append(t.Context(), []byte("before")))
	f := followMemory(t, store)
	f.seen()

	store.Flush()
	require.EqualError(t, <-f.ended, "authkittest: Follow: the log has lost what was read (Flush)")
	assert.Zero(t, store.Len())
	require.NoError(t, store.Append(t.Context(), []byte("after")))
	assert.Empty(t, f.seen(), "the follower that has ended")
	assert.Equal(t, "after end", followMemory(t, store).seen())
}

func TestAChangeWhoseReplyIsLostTakesEffect(t *testing.T) {
	store, _ := newMemoryStore()
	f := followMemory(t, store)
	f.seen()
	store.LoseReplies(2)

	current, _, swapped, err := store.Swap(t.Context(), "k", nil, []byte("v"), time.Hour)
	require.EqualError(t, err, "authkittest: Swap: the change was made, but its reply is lost (LoseReplies)")
	assert.Nil(t, current)
	assert.False(t, swapped)
	value, _, _, err := store.Get(t.Context(), "k")
	require.NoError(t, err)
	assert.Equal(t, "v", string(value))

	require.EqualError(t, store.Append(t.Context(), []byte("n")),
		"authkittest: Append: the change was made, but its reply is lost (LoseReplies)")
	assert.Equal(t, "n end", f.seen())
	require.NoError(t, store.Append(t.Context(), []byte("next")), "only two replies are lost")
}

func TestAMemoryStoreCountsItsCalls(t *testing.T) {
	store, _ := newMemoryStore()
	followMemory(t, store)
	put(t, store, "k", "v", time.Hour)
	_, _, _, err := store.Swap(t.Context(), "k", []byte("v"), nil, 0)
	require.NoError(t, err)
	_, _, _, err = store.Get(t.Context(), "k")
	require.NoError(t, err)
	require.NoError(t, store.Append(t.Context(), []byte("n")))
	assert.Equal(t, authkittest.StoreCommands{Get: 1, Swap: 2, Append: 1, Follow: 1}, store.Commands())

	store.ResetCommands()
	store.SetDown(true)
	_, _, _, err = store.Get(t.Context(), "k")
	require.Error(t, err)
	assert.Equal(t, authkittest.StoreCommands{Get: 1}, store.Commands())
}
