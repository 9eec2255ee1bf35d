package authkit

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/cookie"
	"github.com/authkit-go/authkit/workos"
)

// cookieOf is a session cookie in one part, as good as any.
func cookieOf(i int) *cookie.Value { return cookieIn(fmt.Sprintf("%0200d", i)) }

// cookieIn is a session cookie in these parts.
func cookieIn(parts ...string) *cookie.Value {
	v := cookie.NewValue(parts...)
	return &v
}

func sessionNumber(i int) *Session {
	return makeSession(sealedSession{accessToken: strings.Repeat("t", 1000), user: workos.User{ID: fmt.Sprint(i)}}, nil)
}

func (c *sessionCache) visit(i int) (hit bool) {
	if e := c.get(cookieOf(i)); e != nil {
		return e.session.sealed.user.ID == fmt.Sprint(i)
	}
	c.put(cookieOf(i), sessionNumber(i))
	return false
}

// consistent holds a cache against its own books.
func (c *sessionCache) consistent(t *testing.T) {
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

func TestTheSessionCacheStaysWithinItsBounds(t *testing.T) {
	for name, c := range map[string]struct{ entries, bytes int }{
		"by number":       {50, 1 << 30},
		"by size":         {10_000, 100_000},
		"one entry":       {1, 1 << 30},
		"less than any":   {10, 1000},
		"a power of two":  {64, 1 << 30},
		"one beyond that": {65, 1 << 30},
	} {
		t.Run(name, func(t *testing.T) {
			cache := newSessionCache(c.entries, c.bytes)
			random := rand.New(rand.NewPCG(1, 2))
			for range 20_000 {
				cache.visit(int(random.ExpFloat64() * 100))
			}
			cache.consistent(t)
			assert.Equal(t, c.bytes > 2000, cache.entries > 0)
		})
	}
}

// What a cache takes before it holds anything is its buckets, 8 bytes each.
func TestASessionCacheOfHugeBoundsTakesNoMemoryAhead(t *testing.T) {
	for name, c := range map[string]struct{ entries, bytes, buckets int }{
		"both huge":               {math.MaxInt, math.MaxInt, 1 << 20},
		"both huge, in 32 bits":   {math.MaxInt32, math.MaxInt32, 1 << 20},
		"a huge number":           {math.MaxInt, 1 << 20, 512},
		"a huge number, 32 bits":  {math.MaxInt32, 1 << 20, 512},
		"a huge size":             {16, math.MaxInt, 16},
		"a huge size, in 32 bits": {16, math.MaxInt32, 16},
		"neither":                 {16, 1 << 20, 16},
		"less than one entry":     {math.MaxInt, 1, 1},
		"the default":             {defaultCacheEntries, defaultCacheBytes, 1 << 14},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := New(WithAPIKey("sk_1"), WithClientID("client_1"), WithCookiePassword(strings.Repeat("p", 32)), WithSessionCache(c.entries, c.bytes))
			require.NoError(t, err)
			require.Len(t, a.cache.buckets, c.buckets)
			for i := range 3000 {
				a.cache.visit(i)
			}
			assert.Equal(t, c.bytes > 1, a.cache.visit(2999))
			a.cache.consistent(t)
			if c.bytes == 1<<20 {
				assert.LessOrEqual(t, len(a.cache.ghosts), 512, "what has left counts too")
				assert.LessOrEqual(t, cap(a.cache.ghostly), 1024)
			}
		})
	}
}

func TestASessionThatFillsTheCacheIsKeptAndALargerOneIsNot(t *testing.T) {
	size := len(cookieOf(1).Text()) + sessionNumber(1).sealed.size() + cachedOverhead
	for bytes, kept := range map[int]bool{size: true, size + 1: true, size - 1: false} {
		cache := newSessionCache(10, bytes)
		cache.visit(1)
		assert.Equal(t, kept, cache.visit(1), "%d bytes of %d", bytes, size)
		cache.consistent(t)
	}
}

func TestASessionCacheOfNothingHoldsNothing(t *testing.T) {
	for _, cache := range []*sessionCache{newSessionCache(0, 1), newSessionCache(1, 0), newSessionCache(-1, -1)} {
		assert.False(t, cache.visit(1))
		assert.False(t, cache.visit(1))
	}
}

func TestWhatIsSeenOnceDoesNotPushOutWhatIsInUse(t *testing.T) {
	cache := newSessionCache(100, 1<<30)
	inUse := func() (hits int) {
		for i := range 80 {
			if cache.visit(i) {
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
		cache.visit(1000 + i)
	}
	assert.Equal(t, 80, inUse(), "a scan of 100,000 sessions went by")
	cache.consistent(t)
}

func TestUseOfACachedSessionIsCountedUpToItsLimit(t *testing.T) {
	cache := newSessionCache(100, 1<<30)
	cache.visit(1)
	for uses := range uint32(10) {
		assert.Equal(t, min(uses+1, maxUses), cache.get(cookieOf(1)).uses.Load())
	}
}

func TestWhatIsNoLongerUsedMakesRoom(t *testing.T) {
	cache := newSessionCache(100, 1<<30)
	for generation := range 5 {
		hits := 0
		for range 20 {
			hits = 0
			for i := range 80 {
				if cache.visit(generation*1000 + i) {
					hits++
				}
			}
		}
		assert.Equal(t, 80, hits)
	}
}

func TestASessionOfSkewedPopularityIsMostlyFound(t *testing.T) {
	cache := newSessionCache(1000, 1<<30)
	zipf := rand.NewZipf(rand.New(rand.NewPCG(1, 2)), 1.1, 1, 100_000)
	hits := 0
	const visits = 200_000
	for range visits {
		if cache.visit(int(zipf.Uint64())) {
			hits++
		}
	}
	assert.Greater(t, float64(hits)/visits, 0.6, "a hundredth of the sessions is kept")
}

// Texts that hash alike are still told apart: the hash is of their end.
func TestTextsOfTheSameEndAreToldApart(t *testing.T) {
	cache := newSessionCache(10, 1<<30)
	end := strings.Repeat("e", tailLength)
	one, other := cookieIn("one"+end), cookieIn("other"+end)
	cache.put(one, sessionNumber(1))
	assert.Nil(t, cache.get(other))
	cache.put(other, sessionNumber(2))
	assert.Equal(t, "1", cache.get(one).session.sealed.user.ID)
	assert.Equal(t, "2", cache.get(other).session.sealed.user.ID)
	assert.Same(t, cache.get(one), cache.get(cookieIn("o", "ne"+end)), "in parts it is the same text")
	assert.Nil(t, cache.get(cookieIn("o", "ne")))
	twice, once := cookieIn(end+end), cookieIn(end)
	cache.put(twice, sessionNumber(3))
	assert.Nil(t, cache.get(once), "the beginning of a text is another")
	cache.consistent(t)
}

func TestTheSessionCacheIsForManyAtOnce(t *testing.T) {
	cache := newSessionCache(50, 1<<30)
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(worker), 2))
			for range 5000 {
				i := int(random.ExpFloat64() * 50)
				if e := cache.get(cookieOf(i)); e != nil {
					assert.Equal(t, fmt.Sprint(i), e.session.sealed.user.ID)
				} else {
					cache.put(cookieOf(i), sessionNumber(i))
				}
			}
		})
	}
	all.Wait()
	cache.consistent(t)
}
