// One case of the suite: calls of a store with the checks that hold for every call.

package storetest

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
)

const (
	defaultPatience = 30 * time.Second
	// accuracy is the greatest error of a time that a store measures: the engine may count whole milliseconds, and its
	// clock may run a little faster or slower than this one.
	accuracy = 50 * time.Millisecond
	long     = time.Hour
)

// times are how long the suite waits for what a store does by itself. The tests of this package have a faster store, and make
// them shorter.
var times = struct {
	caughtUp  time.Duration // the longest pause between two calls of caughtUp
	frozen    time.Duration // how long the engine does not answer, which is longer
	retention time.Duration // of a short log
}{2 * time.Second, 2500 * time.Millisecond, time.Second}

// testCase runs a case. It is a TestingT for require and assert.
type testCase struct {
	*testing.T
	Harness
	ctx context.Context
}

func newCase(t *testing.T, h Harness) *testCase {
	t.Helper()
	require.NotNil(t, h.Connect, "Harness.Connect")
	if h.Patience == 0 {
		h.Patience = defaultPatience
	}
	return &testCase{T: t, Harness: h, ctx: t.Context()}
}

// connect returns a client.
func (c *testCase) connect() authkit.Store {
	c.Helper()
	store := c.Connect(c.T)
	require.NotNil(c, store, "Harness.Connect returned nil")
	return store
}

// poll calls done until it returns true. It fails the case if that takes too long.
func (c *testCase) poll(what string, done func() bool) {
	c.Helper()
	until := time.Now().Add(c.Patience)
	ticks := time.NewTicker(5 * time.Millisecond)
	defer ticks.Stop()
	for !done() {
		if time.Now().After(until) {
			require.FailNow(c, "This did not happen within "+c.Patience.String()+": "+what)
		}
		<-ticks.C
	}
}

// retry calls f until it returns no error: after a fault, a client needs new connections.
func (c *testCase) retry(what string, f func(ctx context.Context) error) {
	c.Helper()
	c.poll(what, func() bool {
		ctx, cancel := context.WithTimeout(c.ctx, 2*time.Second)
		defer cancel()
		return f(ctx) == nil
	})
}

// span is the time of a call: it was made at some time between the two.
type span struct{ sent, received time.Time }

// reply is what a call of Get or Swap returned.
type reply struct {
	value []byte // nil if none
	left  time.Duration
	ok    bool // found or swapped
	span
}

// get calls Get and checks that the values that it returns belong together.
func (c *testCase) get(store authkit.Store, key string) reply {
	c.Helper()
	sent := time.Now()
	value, left, found, err := store.Get(c.ctx, key)
	r := reply{value, left, found, span{sent, time.Now()}}
	require.NoError(c, err, "Get")
	require.GreaterOrEqual(c, left, time.Duration(0), "the time left")
	require.Equal(c, found, value != nil, "found says whether there is a value")
	if !found {
		require.Zero(c, left, "the time left of no value")
	}
	return r
}

// swap calls Swap and checks that the values that it returns belong together.
func (c *testCase) swap(store authkit.Store, key string, old, value []byte, ttl time.Duration) reply {
	c.Helper()
	sent := time.Now()
	current, left, swapped, err := store.Swap(c.ctx, key, old, value, ttl)
	r := reply{current, left, swapped, span{sent, time.Now()}}
	require.NoError(c, err, "Swap")
	require.Equal(c, swapped, string(current) == string(value), "swapped says whether current is value")
	if current == nil {
		require.Zero(c, left, "the time left of no value")
		return r
	}
	require.NotEmpty(c, current, "the value of the key")
	require.GreaterOrEqual(c, left, time.Duration(0), "the time left")
	if swapped {
		require.LessOrEqual(c, left, ttl, "the time left is more than the ttl")
		require.Greater(c, left, ttl-r.received.Sub(r.sent)-accuracy, "the time left is much less than the ttl")
	}
	return r
}

// put stores value in a key that has none.
func (c *testCase) put(store authkit.Store, key, value string, ttl time.Duration) reply {
	c.Helper()
	r := c.swap(store, key, nil, []byte(value), ttl)
	require.True(c, r.ok, "Swap of nothing for a value in a key without a value")
	return r
}

// remove removes value from a key.
func (c *testCase) remove(store authkit.Store, key, value string) {
	c.Helper()
	r := c.swap(store, key, []byte(value), nil, 0)
	require.True(c, r.ok, "removal of the value of a key")
	require.Nil(c, r.value, "the value after its removal")
}

// has checks the value of a key, and that it is kept for ttl from set on.
func (c *testCase) has(store authkit.Store, key, value string, set span, ttl time.Duration) {
	c.Helper()
	c.isLeft(c.get(store, key), value, set, ttl)
}

// isLeft checks that a reply contains a value that is kept for ttl from set on.
func (c *testCase) isLeft(r reply, value string, set span, ttl time.Duration) {
	c.Helper()
	require.NotNil(c, r.value, "there is no value")
	require.True(c, value == string(r.value), "another value: %.100q, not %.100q", r.value, value)
	require.LessOrEqual(c, r.left, ttl, "the time left is more than the ttl")
	require.LessOrEqual(c, r.left, ttl-r.sent.Sub(set.received)+accuracy, "too much time is left")
	require.GreaterOrEqual(c, r.left, ttl-r.received.Sub(set.sent)-accuracy, "too little time is left")
}

// hasNone checks that a key has no value.
func (c *testCase) hasNone(store authkit.Store, key string) {
	c.Helper()
	require.False(c, c.get(store, key).ok, "the key has a value")
}

// expired checks that a value was not removed before its ttl had passed. r is the first reply without the value.
func (c *testCase) expired(r reply, set span, ttl time.Duration) {
	c.Helper()
	assert.GreaterOrEqual(c, r.received.Sub(set.sent), ttl-accuracy, "the value expired too early")
}

// notExpired checks that a reply with the value could come before the value had expired.
func (c *testCase) notExpired(r reply, set span, ttl time.Duration) {
	c.Helper()
	require.Less(c, r.sent.Sub(set.received), ttl+accuracy, "the value is still there after its ttl")
}

// randomBytes returns n bytes, each time the same.
func randomBytes(n int) []byte {
	random := rand.NewChaCha8([32]byte{})
	b := make([]byte, n)
	_, _ = random.Read(b)
	return b
}
