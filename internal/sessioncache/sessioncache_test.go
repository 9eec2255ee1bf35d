// Tests of the session cache.

package sessioncache

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// session stands for a verified session.
type session struct{ userID string }

func sessionOf(i int) *session { return &session{userID: fmt.Sprint(i)} }

// sessionSize is the size of a session that tests pass to Put.
const sessionSize = 2000

// cookieOf returns the text of session i's cookie, in one part.
func cookieOf(i int) []string { return []string{fmt.Sprintf("%0200d", i)} }

// load looks session i up as a request does, and stores it after a miss.
func load(c *Cache[*session], i int) (hit bool) {
	if e := c.Get(cookieOf(i)); e != nil {
		return e.Value.userID == fmt.Sprint(i)
	}
	c.Put(cookieOf(i), sessionOf(i), sessionSize)
	return false
}

// checkConsistency compares the counters of a cache with its contents.
func checkConsistency(t *testing.T, c *Cache[*session]) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	entries, bytes := 0, 0
	for i := range c.buckets {
		for e := c.buckets[i].Load(); e != nil; e = e.next.Load() {
			entries++
			bytes += e.size
		}
	}
	assert.Equal(t, c.entries, entries)
	assert.Equal(t, c.bytes, bytes)
	assert.Equal(t, c.entries, c.small.len()+c.main.len())
	assert.Equal(t, c.bytes, c.small.bytes+c.main.bytes)
	assert.LessOrEqual(t, c.entries, c.maxEntries)
	assert.LessOrEqual(t, c.bytes, c.maxBytes)
	assert.LessOrEqual(t, len(c.ghosts), c.maxEntries)
	assert.LessOrEqual(t, cap(c.small.entries)+cap(c.main.entries), 8*c.maxEntries+16)
}

func TestTheSessionCacheStaysWithinItsLimits(t *testing.T) {
	for name, c := range map[string]struct{ entries, bytes int }{
		"by number":      {50, 1 << 30},
		"by size":        {10_000, 100_000},
		"one entry":      {1, 1 << 30},
		"too small":      {10, 1000},
		"a power of two": {64, 1 << 30},
		"one more":       {65, 1 << 30},
	} {
		t.Run(name, func(t *testing.T) {
			cache := New[*session](c.entries, c.bytes)
			random := rand.New(rand.NewPCG(1, 2))
			for range 20_000 {
				load(cache, int(random.ExpFloat64()*100))
			}
			checkConsistency(t, cache)
			assert.Equal(t, c.bytes > 2000, cache.entries > 0)
		})
	}
}

// An empty cache takes 8 bytes per bucket.
func TestAnEmptySessionCacheWithHugeLimitsTakesLittleMemory(t *testing.T) {
	for name, c := range map[string]struct{ entries, bytes, buckets int }{
		"both huge":               {math.MaxInt, math.MaxInt, 1 << 20},
		"both huge, in 32 bits":   {math.MaxInt32, math.MaxInt32, 1 << 20},
		"a huge number":           {math.MaxInt, 1 << 20, 512},
		"a huge number, 32 bits":  {math.MaxInt32, 1 << 20, 512},
		"a huge size":             {16, math.MaxInt, 16},
		"a huge size, in 32 bits": {16, math.MaxInt32, 16},
		"neither huge":            {16, 1 << 20, 16},
		"less than one entry":     {math.MaxInt, 1, 1},
		"the default":             {10_000, 64 << 20, 1 << 14},
	} {
		t.Run(name, func(t *testing.T) {
			cache := New[*session](c.entries, c.bytes)
			require.Len(t, cache.buckets, c.buckets)
			for i := range 3000 {
				load(cache, i)
			}
			assert.Equal(t, c.bytes > 1, load(cache, 2999))
			checkConsistency(t, cache)
			if c.bytes == 1<<20 {
				assert.LessOrEqual(t, len(cache.ghosts), 512, "the number of ghosts is limited too")
				assert.LessOrEqual(t, cap(cache.ghostRing), 1024)
			}
		})
	}
}

func TestASessionAsLargeAsTheCacheIsStoredAndALargerOneIsNot(t *testing.T) {
	size := len(cookieOf(1)[0]) + sessionSize + Overhead
	for bytes, stored := range map[int]bool{size: true, size + 1: true, size - 1: false} {
		cache := New[*session](10, bytes)
		load(cache, 1)
		assert.Equal(t, stored, load(cache, 1), "%d bytes of %d", bytes, size)
		checkConsistency(t, cache)
	}
}

func TestASessionCacheWithoutRoomStoresNothing(t *testing.T) {
	for _, cache := range []*Cache[*session]{New[*session](0, 1), New[*session](1, 0), New[*session](-1, -1)} {
		assert.False(t, load(cache, 1))
		assert.False(t, load(cache, 1))
	}
}

func TestSessionsUsedOnceDoNotEvictSessionsInUse(t *testing.T) {
	cache := New[*session](100, 1<<30)
	inUse := func() (hits int) {
		for i := range 80 {
			if load(cache, i) {
				hits++
			}
		}
		return hits
	}
	for range 5 {
		inUse()
	}
	require.Equal(t, 80, inUse())
	for i := range 100_000 {
		load(cache, 1000+i)
	}
	assert.Equal(t, 80, inUse(), "a scan of 100,000 sessions evicts none in use")
	checkConsistency(t, cache)
}

func TestTheUseCountOfACachedSessionStopsAtItsMaximum(t *testing.T) {
	cache := New[*session](100, 1<<30)
	load(cache, 1)
	for uses := range uint32(10) {
		assert.Equal(t, min(uses+1, maxUses), cache.Get(cookieOf(1)).uses.Load())
	}
}

func TestSessionsNoLongerUsedAreEvicted(t *testing.T) {
	cache := New[*session](100, 1<<30)
	for generation := range 5 {
		hits := 0
		for range 20 {
			hits = 0
			for i := range 80 {
				if load(cache, generation*1000+i) {
					hits++
				}
			}
		}
		assert.Equal(t, 80, hits)
	}
}

func TestTheHitRateIsHighIfFewSessionsAreUsedMost(t *testing.T) {
	cache := New[*session](1000, 1<<30)
	zipf := rand.NewZipf(rand.New(rand.NewPCG(1, 2)), 1.1, 1, 100_000)
	hits := 0
	const loads = 200_000
	for range loads {
		if load(cache, int(zipf.Uint64())) {
			hits++
		}
	}
	assert.Greater(t, float64(hits)/loads, 0.6, "the cache holds a hundredth of the sessions")
}

// Only the end of a text is hashed. Texts with equal hashes are still distinguished.
func TestCookiesWithTheSameEndHaveEntriesOfTheirOwn(t *testing.T) {
	cache := New[*session](10, 1<<30)
	end := strings.Repeat("e", tailLength)
	one, other := []string{"one" + end}, []string{"other" + end}
	cache.Put(one, sessionOf(1), sessionSize)
	assert.Nil(t, cache.Get(other))
	cache.Put(other, sessionOf(2), sessionSize)
	assert.Equal(t, "1", cache.Get(one).Value.userID)
	assert.Equal(t, "2", cache.Get(other).Value.userID)
	assert.Same(t, cache.Get(one), cache.Get([]string{"o", "ne" + end}), "the parts join to the same text")
	assert.Nil(t, cache.Get([]string{"o", "ne"}), "the text is cut")
	cache.Put([]string{end + end}, sessionOf(3), sessionSize)
	assert.Nil(t, cache.Get([]string{end}), "a prefix is another text")
	checkConsistency(t, cache)
}

func TestTheSessionCacheServesConcurrentRequests(t *testing.T) {
	cache := New[*session](50, 1<<30)
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(worker), 2))
			for range 5000 {
				i := int(random.ExpFloat64() * 50)
				if e := cache.Get(cookieOf(i)); e != nil {
					assert.Equal(t, fmt.Sprint(i), e.Value.userID)
				} else {
					cache.Put(cookieOf(i), sessionOf(i), sessionSize)
				}
			}
		})
	}
	all.Wait()
	checkConsistency(t, cache)
}
