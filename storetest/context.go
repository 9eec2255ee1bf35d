// Cases: calls whose context ends.

package storetest

import (
	"context"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
)

var contextTests = []test{
	{"a call whose context has ended fails", endedContext},
	{"a Follow ends with its context and calls nothing afterwards", followEnds},
	{"a Follow ends at its deadline", followDeadline},
	{"a call of an engine that is frozen ends with its context", frozenContext},
}

// callAll makes a call of each method with ctx and waits until they have returned.
func (c *testCase) callAll(ctx context.Context, store authkit.Store) map[string]error {
	c.Helper()
	type result struct {
		name string
		err  error
	}
	results := make(chan result, 4)
	for name, f := range map[string]func() error{
		"Get":    func() error { _, _, _, err := store.Get(ctx, "k"); return err },
		"Swap":   func() error { _, _, _, err := store.Swap(ctx, "k", nil, []byte("one"), long); return err },
		"Append": func() error { return store.Append(ctx, []byte("one")) },
		"Follow": func() error { return store.Follow(ctx, func([]byte) {}, func() {}) },
	} {
		go func() { results <- result{name, f()} }()
	}
	errs := map[string]error{}
	c.poll("every call returns after its context has ended", func() bool {
		select {
		case r := <-results:
			errs[r.name] = r.err
		default:
		}
		return len(errs) == 4
	})
	return errs
}

func endedContext(c *testCase) {
	store := c.connect()
	cancelled, cancel := context.WithCancel(c.ctx)
	cancel()
	passed, cancel := context.WithDeadline(c.ctx, time.Now().Add(-time.Second))
	defer cancel()
	for _, ctx := range []context.Context{cancelled, passed} {
		for name, err := range c.callAll(ctx, store) {
			assert.Error(c, err, "%s with a context that has ended: %v", name, ctx.Err())
		}
	}
	set := c.put(store, "later", "one", long)
	c.has(store, "later", "one", set.span, long)
}

func followEnds(c *testCase) {
	one, two := c.connect(), c.connect()
	ending, other := c.follow(one), c.follow(two)
	c.append(two, "before")
	ending.awaitNotices(1)
	ending.cancel()
	ending.awaitEnd("Follow returns when its context ends")
	require.Error(c, ending.err)

	c.append(two, "after", "after")
	other.awaitNotices(3)
	awaitRead(other)
	assert.NotContains(c, ending.notices(), "after")
	assert.Equal(c, []string{"before", "after", "after"}, c.backlog(one), "the client works when a Follow has ended")
}

func followDeadline(c *testCase) {
	store := c.connect()
	ctx, cancel := context.WithTimeout(c.ctx, short)
	defer cancel()
	ended := make(chan error, 1)
	begin := time.Now()
	go func() { ended <- store.Follow(ctx, func([]byte) {}, func() {}) }()
	c.poll("Follow returns at its deadline", func() bool { return len(ended) > 0 })
	assert.Error(c, <-ended)
	assert.GreaterOrEqual(c, time.Since(begin), short, "Follow returned before its deadline")
}

func frozenContext(c *testCase) {
	c.needs("Freeze", c.Freeze != nil)
	store := c.connect()
	c.put(store, "before", "one", long)
	thaw := c.freeze()
	ctx, cancel := context.WithTimeout(c.ctx, short)
	defer cancel()
	for name, err := range c.callAll(ctx, store) {
		assert.Error(c, err, "%s of an engine that does not answer", name)
	}
	thaw()
	c.retry("Get succeeds when the engine answers again", func(ctx context.Context) error {
		value, _, _, err := store.Get(ctx, "before")
		if err == nil {
			assert.Equal(c, "one", string(value))
		}
		return err
	})
}
