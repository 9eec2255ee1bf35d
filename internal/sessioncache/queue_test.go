// Which entries the queues keep.

package sessioncache

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestASessionThatWasUsedInTheMainQueueStaysForAnotherRound(t *testing.T) {
	cache := New[*session](100, 1<<30)
	for range 2 {
		for i := range 90 {
			load(cache, i)
		}
	}
	for i := range 100 {
		load(cache, 1000+i) // used once
	}
	require.Equal(t, 90, cache.main.len)
	for i := 0; i < 90; i += 2 {
		require.NotNil(t, cache.Get(Cookie, cookieOf(i)))
	}
	for i := range 45 { // they join the main queue and take the places of sessions there
		load(cache, 2000+i)
		load(cache, 2000+i)
		load(cache, 3000+i)
	}
	kept := [2]int{}
	for i := range 90 {
		if cache.Get(Cookie, cookieOf(i)) != nil {
			kept[i%2]++
		}
	}
	assert.Equal(t, 45, kept[0], "those that were used")
	assert.Less(t, kept[1], 20, "the others")
	checkConsistency(t, cache)
}

// A refresh gives a session another cookie.
func TestATextThatReplacesOneInUseJoinsTheMainQueue(t *testing.T) {
	for name, c := range map[string]struct {
		kind Kind
		old  int
		gets int // of the old one
		main bool
	}{
		"in use":             {Cookie, 1, 1, true},
		"in use, more often": {Cookie, 1, maxUses + 1, true},
		"put and not used":   {Cookie, 1, 0, false},
		"not in the cache":   {Cookie, 3, 1, false},
		"of another kind":    {Token, 1, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			cache := New[*session](10, 1<<30)
			load(cache, 1)
			for range 2 { // two requests may come with the old text
				for range c.gets {
					cache.Get(Cookie, cookieOf(1))
				}
				cache.Replace(c.kind, cookieOf(c.old), cookieOf(2)[0])
			}
			load(cache, 2)
			assert.Equal(t, c.main, cache.main.len == 1)
			assert.Equal(t, 2, cache.Len())
			assert.LessOrEqual(t, len(cache.ghostRing), 1)
			checkConsistency(t, cache)
		})
	}
	New[*session](0, 0).Replace(Cookie, cookieOf(1), "other")
}

func TestATextThatWasReplacedIsTheNextToLeaveTheMainQueue(t *testing.T) {
	cache := New[*session](10, 1<<30)
	for range maxUses + 1 {
		for i := range 9 {
			load(cache, i)
		}
	}
	load(cache, 100)
	load(cache, 101)
	require.Equal(t, 9, cache.main.len)
	for i := range 9 {
		require.NotNil(t, cache.Get(Cookie, cookieOf(i)))
	}
	cache.Replace(Cookie, cookieOf(4), cookieOf(200)[0])
	load(cache, 200)
	load(cache, 201)
	load(cache, 202)
	for i := range 9 {
		assert.Equal(t, i != 4, cache.find(Cookie, cookieOf(i)) != nil, i)
	}
	assert.NotNil(t, cache.find(Cookie, cookieOf(200)))
	checkConsistency(t, cache)
}
