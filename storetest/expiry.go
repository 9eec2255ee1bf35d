// Cases: values that expire. A value is observed without a pause until it is gone. Each observation is compared with the
// time at which the value was stored, so a slow machine changes nothing.

package storetest

import (
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const short = 300 * time.Millisecond

var expiryTests = []test{
	{"a value is kept for its ttl", valueExpires},
	{"a shorter ttl of a repeated Swap holds", shorterTTL},
	{"a longer ttl of a repeated Swap holds", longerTTL},
	{"a Swap from nothing succeeds when the value has expired", swapAfterExpiry},
	{"an expired value is no old value", expiredOld},
}

// awaitExpiry reads a key until its value is gone.
func (c *testCase) awaitExpiry(get func() reply, value string, set span, ttl time.Duration) {
	c.Helper()
	c.poll("the value expires", func() bool {
		r := get()
		if string(r.value) == value {
			c.notExpired(r, set, ttl)
			return false
		}
		c.expired(r, set, ttl)
		return true
	})
}

func valueExpires(c *testCase) {
	store := c.connect()
	set := c.put(store, "k", "one", short)
	c.awaitExpiry(func() reply {
		r := c.get(store, "k")
		if r.ok {
			c.isLeft(r, "one", set.span, short)
		}
		return r
	}, "one", set.span, short)
	c.hasNone(c.connect(), "k")
}

func shorterTTL(c *testCase) {
	store := c.connect()
	c.put(store, "k", "one", long)
	set := c.swap(store, "k", nil, []byte("one"), short)
	c.awaitExpiry(func() reply { return c.get(store, "k") }, "one", set.span, short)

	c.put(store, "k", "one", long)
	set = c.swap(store, "k", []byte("one"), []byte("two"), short)
	c.awaitExpiry(func() reply { return c.get(store, "k") }, "two", set.span, short)
}

// longerTTL gives a value a longer ttl and then reads it until the first ttl has passed. If the machine was so slow that the
// value may have expired before it got the longer ttl, the case tries again.
func longerTTL(c *testCase) {
	store := c.connect()
	for _, old := range []string{"", "one", "other"} {
		key := "k:" + old
		c.poll("two calls within "+short.String(), func() bool {
			first := c.swap(store, key, nil, []byte("one"), short)
			second := c.swap(store, key, nonEmpty(old), []byte("one"), long)
			if second.received.Sub(first.sent) >= short {
				c.swap(store, key, []byte("one"), nil, 0)
				return false
			}
			require.True(c, second.ok)
			c.poll("the first ttl passes", func() bool {
				c.has(store, key, "one", second.span, long)
				return time.Since(first.received) > short+2*accuracy
			})
			return true
		})
	}
}

func swapAfterExpiry(c *testCase) {
	store := c.connect()
	set := c.put(store, "k", "one", short)
	c.awaitExpiry(func() reply { return c.swap(store, "k", nil, []byte("two"), long) }, "one", set.span, short)
	r := c.get(store, "k")
	assert.Equal(c, "two", string(r.value))
	assert.Greater(c, r.left, long-time.Minute, "the ttl is that of the new value")
}

// expiredOld has keys that no call touches after their values have expired. They expire before the last one does, which is
// read until it is gone.
func expiredOld(c *testCase) {
	store := c.connect()
	for _, key := range []string{"replaced", "repeated", "removed", "other", "again"} {
		c.put(store, key, "one", short)
	}
	set := c.put(store, "last", "one", short)
	c.awaitExpiry(func() reply { return c.get(store, "last") }, "one", set.span, short)

	r := c.swap(store, "replaced", []byte("one"), []byte("two"), long)
	assert.False(c, r.ok, "a Swap from a value that has expired")
	assert.Nil(c, r.value)
	c.hasNone(store, "replaced")

	r = c.swap(store, "repeated", []byte("zero"), []byte("one"), long)
	assert.False(c, r.ok, "a Swap from another value to a value that has expired")
	assert.Nil(c, r.value)
	c.hasNone(store, "repeated")

	assert.True(c, c.swap(store, "removed", []byte("one"), nil, 0).ok, "a removal of a value that has expired")
	assert.True(c, c.swap(store, "other", []byte("two"), nil, 0).ok, "a removal where a value has expired")
	set = c.put(store, "again", "one", long)
	c.has(store, "again", "one", set.span, long)
}
