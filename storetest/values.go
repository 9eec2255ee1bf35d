// Cases: values and what a Swap does to them.

package storetest

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var valueTests = []test{
	{"an unused key has no value", unusedKey},
	{"a Swap from nothing stores the value", swapFromNothing},
	{"a Swap from the old value replaces it", swapFromOld},
	{"a Swap from a wrong old value changes nothing", swapFromWrongOld},
	{"a repeated Swap counts as swapped", repeatedSwap},
	{"a repeated Swap makes the ttl longer and shorter", repeatedSwapTTL},
	{"a removal removes the old value only", removal},
	{"a repeated removal counts as swapped", repeatedRemoval},
	{"a value may contain every byte", everyByte},
	{"a value may have 64 KiB", largeValue},
	{"values are compared byte by byte", similarValues},
	{"keys are compared byte by byte", similarKeys},
	{"two clients see each other's values", twoClients},
	{"a store keeps no slice of its caller", ownSlices},
}

func unusedKey(c *testCase) {
	store := c.connect()
	c.hasNone(store, "unused")
	c.hasNone(c.connect(), "unused")
}

func swapFromNothing(c *testCase) {
	store := c.connect()
	for _, ttl := range []time.Duration{time.Minute, 25 * time.Hour, 30 * 24 * time.Hour, long + 999_999} {
		key := "k:" + ttl.String()
		set := c.put(store, key, "one", ttl)
		c.has(store, key, "one", set.span, ttl)
	}
	c.put(store, "millisecond", "one", time.Millisecond)
	c.poll("a value with a ttl of a millisecond expires", func() bool { return !c.get(store, "millisecond").ok })
}

func swapFromOld(c *testCase) {
	store := c.connect()
	c.put(store, "k", "one", long)
	set := c.swap(store, "k", []byte("one"), []byte("two"), time.Minute)
	require.True(c, set.ok)
	c.has(store, "k", "two", set.span, time.Minute)
	set = c.swap(store, "k", []byte("two"), []byte("three"), long)
	require.True(c, set.ok)
	c.has(store, "k", "three", set.span, long)
}

func swapFromWrongOld(c *testCase) {
	store := c.connect()
	absent := c.swap(store, "absent", []byte("one"), []byte("two"), long)
	assert.False(c, absent.ok, "a Swap from an old value in a key without a value")
	assert.Nil(c, absent.value)
	c.hasNone(store, "absent")

	set := c.put(store, "k", "one", long)
	for _, old := range [][]byte{nil, []byte("two"), []byte("three")} {
		for _, ttl := range []time.Duration{time.Minute, 2 * long} {
			r := c.swap(store, "k", old, []byte("two"), ttl)
			require.False(c, r.ok, "a Swap from %q, where the key has another value", old)
			c.isLeft(r, "one", set.span, long)
		}
	}
	c.has(store, "k", "one", set.span, long)
}

func repeatedSwap(c *testCase) {
	store := c.connect()
	c.put(store, "k", "one", long)
	for _, old := range []string{"zero", "one", "", "two"} {
		r := c.swap(store, "k", nonEmpty(old), []byte("one"), long)
		require.True(c, r.ok, "a Swap from %q to the value that the key has", old)
		c.has(store, "k", "one", r.span, long)
	}
}

func repeatedSwapTTL(c *testCase) {
	store := c.connect()
	for i, old := range []string{"", "zero", "one"} {
		key := fmt.Sprint("k", i)
		c.put(store, key, "one", long)
		for _, ttl := range []time.Duration{2 * long, time.Minute, 25 * time.Hour, time.Second * 20} {
			set := c.swap(store, key, nonEmpty(old), []byte("one"), ttl)
			c.has(store, key, "one", set.span, ttl)
		}
	}
}

func removal(c *testCase) {
	store := c.connect()
	set := c.put(store, "k", "one", long)
	for _, old := range [][]byte{nil, []byte("two"), []byte("on"), []byte("one\x00")} {
		r := c.swap(store, "k", old, nil, 0)
		require.False(c, r.ok, "a removal of %q, where the key has another value", old)
		c.isLeft(r, "one", set.span, long)
	}
	c.has(store, "k", "one", set.span, long)
	c.remove(store, "k", "one")
	c.hasNone(store, "k")
	assert.False(c, c.swap(store, "k", []byte("one"), []byte("two"), long).ok, "a Swap from a value that was removed")
	c.put(store, "k", "three", long)
}

func repeatedRemoval(c *testCase) {
	store := c.connect()
	c.put(store, "k", "one", long)
	for range 3 {
		c.remove(store, "k", "one")
	}
	c.remove(store, "unused", "one")
	assert.True(c, c.swap(store, "k", nil, nil, 0).ok, "a removal of nothing from a key without a value")
	c.hasNone(store, "k")
}

func everyByte(c *testCase) {
	store := c.connect()
	all := make([]byte, 0, 256)
	for b := range 256 {
		all = append(all, byte(b))
		one := string([]byte{byte(b)})
		set := c.put(store, fmt.Sprint("byte:", b), one, long)
		c.has(store, fmt.Sprint("byte:", b), one, set.span, long)
	}
	for i, value := range []string{string(all), "\x00", "a\x00b", "\r\n", "\xff\xfe", "NULL", "nil", "0", "{}", `\x00`, `"`, "'", "%s"} {
		key := fmt.Sprint("value:", i)
		set := c.put(store, key, value, long)
		c.has(store, key, value, set.span, long)
		set = c.swap(store, key, []byte(value), []byte(value+value), long)
		require.True(c, set.ok, "a Swap from %q", value)
		c.has(store, key, value+value, set.span, long)
		c.remove(store, key, value+value)
	}
}

func largeValue(c *testCase) {
	store := c.connect()
	one := randomBytes(64 << 10)
	two := bytes.Clone(one)
	two[len(two)-1]++
	set := c.put(store, "k", string(one), long)
	c.has(store, "k", string(one), set.span, long)
	assert.False(c, c.swap(store, "k", two, []byte("small"), long).ok, "a Swap from a value that differs in its last byte")
	set = c.swap(store, "k", one, two, long)
	require.True(c, set.ok)
	c.has(store, "k", string(two), set.span, long)
	c.remove(store, "k", string(two))
}

func similarValues(c *testCase) {
	store := c.connect()
	values := []string{"a", "A", "a ", " a", "a\x00", "\x00a", "a\n", "aa", "\u00e1", "a\u0301", "1", "1.0", "01", "true", "t"}
	for _, kept := range values {
		set := c.put(store, "k", kept, long)
		for _, other := range values {
			if other != kept {
				require.False(c, c.swap(store, "k", []byte(other), []byte("new"), long).ok, "%q counts as %q", kept, other)
			}
		}
		c.has(store, "k", kept, set.span, long)
		c.remove(store, "k", kept)
	}
}

func similarKeys(c *testCase) {
	store := c.connect()
	var printable strings.Builder
	for b := '!'; b <= '~'; b++ {
		printable.WriteRune(b)
	}
	keys := []string{
		"a", "A", "a:", ":a", "a:b", "a:b:c", "a::b", "{a}", "{a}b", "a*", "a?", "[a]", `a\`, `a"`, "a'", "a%", "a_", "a/b", "a;b", "$1",
		printable.String(), strings.Repeat("k", 127), strings.Repeat("k", 128), strings.Repeat("k", 127) + "l",
		strings.Repeat(":", 128),
	}
	sets := map[string]span{}
	for _, key := range keys {
		sets[key] = c.put(store, key, "value of "+key, long).span
	}
	for _, key := range keys {
		c.has(store, key, "value of "+key, sets[key], long)
	}
	for i, key := range keys {
		c.remove(store, key, "value of "+key)
		c.hasNone(store, key)
		if i+1 < len(keys) {
			c.has(store, keys[i+1], "value of "+keys[i+1], sets[keys[i+1]], long)
		}
	}
}

func twoClients(c *testCase) {
	one, two := c.connect(), c.connect()
	for i := range 20 {
		key := fmt.Sprint("k", i)
		set := c.put(one, key, "one", long)
		c.has(two, key, "one", set.span, long)
		c.isLeft(c.swap(two, key, nil, []byte("other"), long), "one", set.span, long)
		set = c.swap(two, key, []byte("one"), []byte("two"), time.Minute)
		require.True(c, set.ok)
		c.has(one, key, "two", set.span, time.Minute)
		c.remove(one, key, "two")
		c.hasNone(two, key)
		one, two = two, one
	}
}

func ownSlices(c *testCase) {
	store := c.connect()
	value := []byte("one")
	set := c.swap(store, "k", nil, value, long)
	copy(value, "xxx")
	c.has(store, "k", "one", set.span, long)
	copy(set.value, "xxx")
	c.has(store, "k", "one", set.span, long)
	copy(c.get(store, "k").value, "xxx")
	c.has(store, "k", "one", set.span, long)
	copy(c.swap(store, "k", nil, []byte("two"), long).value, "xxx")
	c.has(store, "k", "one", set.span, long)

	kept := c.get(store, "k").value
	old, next := []byte("one"), []byte("two")
	require.True(c, c.swap(store, "k", old, next, long).ok)
	c.get(store, "k")
	assert.Equal(c, "one", string(kept), "a slice that Get returned before")
	assert.Equal(c, "one", string(old), "the slice of the old value")
	assert.Equal(c, "two", string(next), "the slice of the value")
}

// nonEmpty returns nil for no value.
func nonEmpty(value string) []byte {
	if value == "" {
		return nil
	}
	return []byte(value)
}
