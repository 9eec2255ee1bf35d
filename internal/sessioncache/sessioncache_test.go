// Tests of the session cache.

package sessioncache

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/heapsize"
	"github.com/authkit-go/authkit/internal/testrun"
)

// session stands for a verified session.
type session struct {
	userID string
	lists  Lists
}

func sessionOf(i int) *session { return &session{userID: fmt.Sprint(i)} }

// sessionSize is the size of a session that tests pass to Put.
const sessionSize = 2000

// cookieOf returns the text of session i's cookie, in one part.
func cookieOf(i int) []string { return []string{fmt.Sprintf("%0200d", i)} }

// load looks session i up as a request does, and stores it after a miss.
func load(c *Cache[*session], i int) (hit bool) {
	if e := c.Get(Cookie, cookieOf(i)); e != nil {
		return e.Value.userID == fmt.Sprint(i)
	}
	c.Put(Cookie, cookieOf(i)[0], sessionOf(i), sessionSize)
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
	assert.Equal(t, c.entries, c.small.len+c.main.len)
	assert.Equal(t, c.bytes, c.small.bytes+c.main.bytes)
	assert.LessOrEqual(t, c.entries, c.maxEntries)
	lists, listBytes := map[*string]int32{}, 0
	for i := range c.buckets {
		for e := c.buckets[i].Load(); e != nil; e = e.next.Load() {
			for _, list := range e.Value.lists {
				if len(list) == 0 || c.listsOf == nil {
					continue
				}
				if lists[&list[0]] == 0 {
					listBytes += heapsize.List(list) + listOverhead
				}
				lists[&list[0]]++
			}
		}
	}
	assert.Equal(t, listBytes, c.listBytes)
	if c.listsOf != nil {
		assert.Equal(t, lists, c.holders)
	}
	assert.LessOrEqual(t, c.bytes+c.listBytes, c.maxBytes)
	assert.LessOrEqual(t, len(c.ghosts), c.maxEntries)
	for _, q := range []queue[*session]{c.small, c.main} {
		length, bytes := 0, 0
		var last *Entry[*session]
		for e := q.first; e != nil; e = e.then {
			length, bytes, last = length+1, bytes+e.size, e
		}
		assert.Equal(t, q.len, length)
		assert.Equal(t, q.bytes, bytes)
		assert.Same(t, q.last, last)
	}
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
			for range testrun.Length(5_000, 20_000) {
				load(cache, int(random.ExpFloat64()*100))
			}
			checkConsistency(t, cache)
			assert.Equal(t, c.bytes > 2000, cache.entries > 0)
		})
	}
}

func TestTheListsOfSessionsAreCountedOnceWithinTheLimits(t *testing.T) {
	lists := make([][]string, 40)
	for i := range lists[1:] {
		lists[i+1] = strings.Fields(strings.Repeat(fmt.Sprintf("permission:%d ", i), 1+i*5))
	}
	for name, c := range map[string]struct{ entries, bytes int }{
		"by number": {50, 1 << 30}, "by size": {10_000, 100_000}, "few": {10_000, 10_000}, "one": {1, 1 << 30},
	} {
		t.Run(name, func(t *testing.T) {
			cache := New[*session](c.entries, c.bytes).CountLists(func(s *session) Lists { return s.lists })
			random := rand.New(rand.NewPCG(1, 2))
			for round := range 5000 {
				i := int(random.ExpFloat64() * 100)
				if cache.Get(Cookie, cookieOf(i)) == nil {
					s := sessionOf(i)
					for j := range s.lists {
						s.lists[j] = lists[random.IntN(len(lists))] // also none, and the same twice
					}
					cache.Put(Cookie, cookieOf(i)[0], s, sessionSize)
				}
				if round%500 == 0 {
					checkConsistency(t, cache)
				}
			}
			checkConsistency(t, cache)
			assert.Positive(t, cache.State().Entries)
			assert.Equal(t, cache.bytes+cache.listBytes, cache.State().Bytes)
		})
	}
	assert.Nil(t, New[*session](0, 0).CountLists(func(s *session) Lists { return s.lists }))
}

// An empty cache takes 8 bytes per bucket.
func TestAnEmptySessionCacheWithHugeLimitsTakesLittleMemory(t *testing.T) {
	for name, c := range map[string]struct{ entries, bytes, buckets int }{
		"both huge":               {math.MaxInt, math.MaxInt, 1 << 20},
		"both huge, in 32 bits":   {math.MaxInt32, math.MaxInt32, 1 << 20},
		"a huge number":           {math.MaxInt, 1 << 20, 1024},
		"a huge number, 32 bits":  {math.MaxInt32, 1 << 20, 1024},
		"a huge size":             {16, math.MaxInt, 16},
		"a huge size, in 32 bits": {16, math.MaxInt32, 16},
		"neither huge":            {16, 1 << 20, 16},
		"less than one entry":     {math.MaxInt, 1, 1},
		"the default":             {10_000, 64 << 20, 1 << 14},
	} {
		t.Run(name, func(t *testing.T) {
			cache := New[*session](c.entries, c.bytes)
			require.Equal(t, c.buckets, len(cache.buckets))
			for i := range 3000 {
				load(cache, i)
			}
			assert.Equal(t, c.bytes > 1, load(cache, 2999))
			checkConsistency(t, cache)
			if c.bytes == 1<<20 {
				assert.LessOrEqual(t, len(cache.ghosts), 1024, "the number of ghosts is limited too")
				assert.LessOrEqual(t, cap(cache.ghostRing), 2048)
			}
		})
	}
}

func TestASessionAsLargeAsTheCacheIsStoredAndALargerOneIsNot(t *testing.T) {
	size := heapsize.Texts(cookieOf(1)[0]) + sessionSize + overhead
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
	scanned := testrun.Length(20_000, 100_000)
	for i := range scanned {
		load(cache, 1000+i)
	}
	assert.Equal(t, 80, inUse(), "a scan of %d sessions evicts none in use", scanned)
	checkConsistency(t, cache)
}

func TestTheUseCountOfACachedSessionStopsAtItsMaximum(t *testing.T) {
	cache := New[*session](100, 1<<30)
	load(cache, 1)
	for uses := range uint32(10) {
		assert.Equal(t, min(uses+1, maxUses), cache.Get(Cookie, cookieOf(1)).uses.Load())
	}
}

// Two requests with the same cookie verify it at the same time.
func TestATextThatIsPutTwiceHasOneEntry(t *testing.T) {
	cache := New[*session](10, 1<<30)
	cookie := cookieOf(1)
	cache.Put(Cookie, cookie[0], sessionOf(1), sessionSize)
	first := cache.Get(Cookie, cookie)
	cache.Put(Cookie, cookie[0], sessionOf(1), sessionSize)
	assert.Same(t, first, cache.Get(Cookie, cookie))
	assert.Equal(t, 1, cache.Len())
	checkConsistency(t, cache)
}

// Otherwise a session that was used twice would stay as long as one in use.
func TestAUseBeforeASessionJoinsTheMainQueueCountsOnce(t *testing.T) {
	cache := New[*session](10, 1<<30)
	load(cache, 0)
	load(cache, 0)
	for i := range 10 {
		load(cache, 1+i)
	}
	require.Equal(t, 1, cache.main.len)
	assert.Zero(t, cache.main.first.uses.Load())
}

func TestASmallEntryCountsAsAKilobyte(t *testing.T) {
	cache := New[*session](10, 1<<20)
	cache.Put(Cookie, "short", sessionOf(1), 8)
	assert.Equal(t, minSize, cache.State().Bytes)
}

// A Put holds the lock. If it passed all sessions in use to find one to evict, new sessions would wait for tens of
// milliseconds in a cache of a million.
func TestAPutIntoACacheWhoseSessionsAreAllInUsePassesFewOfThem(t *testing.T) {
	const sessions = 10 * maxSteps
	cache := New[*session](sessions, 1<<30)
	useAll := func() {
		for i := range cache.buckets {
			for e := cache.buckets[i].Load(); e != nil; e = e.next.Load() {
				e.uses.Store(maxUses)
			}
		}
	}
	passed := func() (n int) { // since useAll
		for i := range cache.buckets {
			for e := cache.buckets[i].Load(); e != nil; e = e.next.Load() {
				if e.uses.Load() < maxUses {
					n++
				}
			}
		}
		return n
	}
	for i := range sessions {
		load(cache, i)
	}
	for i := range 50 {
		useAll()
		load(cache, sessions+i)
		require.LessOrEqual(t, passed(), maxSteps+1, "and the new one")
		require.Equal(t, sessions, cache.entries)
	}
	assert.Less(t, cache.small.len, sessions/8, "the main queue was passed too")
	checkConsistency(t, cache)
}

func TestTheLimitOfStepsEvictsFewSessionsInUse(t *testing.T) {
	const inUse = 8 * maxSteps
	cache := New[*session](10*maxSteps, 1<<30)
	for range 3 {
		for i := range inUse {
			load(cache, i)
		}
	}
	for i := range 100 * maxSteps {
		load(cache, inUse+i)
	}
	kept := 0
	for i := range inUse {
		if load(cache, i) {
			kept++
		}
	}
	assert.Equal(t, inUse-inUse/(maxSteps+1), kept, "one for each new session that has found none to evict within the limit")
	checkConsistency(t, cache)
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
	loads := testrun.Length(50_000, 200_000)
	for range loads {
		if load(cache, int(zipf.Uint64())) {
			hits++
		}
	}
	assert.Greater(t, float64(hits)/float64(loads), 0.6, "the cache holds a hundredth of the sessions")
}

// Only the end of a text is hashed. Texts with equal hashes are still distinguished.
func TestCookiesWithTheSameEndHaveEntriesOfTheirOwn(t *testing.T) {
	cache := New[*session](10, 1<<30)
	end := strings.Repeat("e", tailLength)
	one, other := "one"+end, "other"+end
	get := func(parts ...string) *Entry[*session] { return cache.Get(Cookie, parts) }
	cache.Put(Cookie, one, sessionOf(1), sessionSize)
	assert.Nil(t, get(other))
	cache.Put(Cookie, other, sessionOf(2), sessionSize)
	assert.Equal(t, "1", get(one).Value.userID)
	assert.Equal(t, "2", get(other).Value.userID)
	assert.Same(t, get(one), get("o", "ne"+end), "the parts join to the same text")
	assert.Nil(t, get("o", "ne"), "the text is cut")
	cache.Put(Cookie, end+end, sessionOf(3), sessionSize)
	assert.Nil(t, get(end), "a prefix is another text")
	checkConsistency(t, cache)
}

// Each kind is verified differently, so a token must never be served as a cookie.
func TestEqualTextsOfTwoKindsHaveEntriesOfTheirOwn(t *testing.T) {
	cache := New[*session](10, 1<<30)
	text := strings.Repeat("t", 2*tailLength)
	cache.Put(Token, text, sessionOf(1), sessionSize)
	assert.Nil(t, cache.Get(Cookie, []string{text}))
	cache.Put(Cookie, text, sessionOf(2), sessionSize)
	assert.Equal(t, "1", cache.Get(Token, []string{text}).Value.userID)
	assert.Equal(t, "2", cache.Get(Cookie, []string{text}).Value.userID)
	checkConsistency(t, cache)
}

// longestChain returns how many entries the fullest bucket has.
func longestChain(c *Cache[*session]) (longest int) {
	for i := range c.buckets {
		length := 0
		for e := c.buckets[i].Load(); e != nil; e = e.next.Load() {
			length++
		}
		longest = max(longest, length)
	}
	return longest
}

// The end of a cookie is random, and a client can cut it into chunks as it likes. Whole cookies whose length leaves one
// octet for the last chunk have only 64 different last chunks.
func TestCookiesWithAShortLastChunkHaveShortChainsAndHashesOfTheirOwn(t *testing.T) {
	sessions := testrun.Length(4_096, 16_384)
	random := rand.New(rand.NewPCG(1, 2))
	for name, lasts := range map[string][]int{
		"one octet": {1}, "two octets": {2}, "two chunks of one octet": {1, 1}, "seven chunks of one octet": {1, 1, 1, 1, 1, 1, 1},
		"one octet less than is hashed": {tailLength - 1}, "exactly what is hashed": {tailLength},
	} {
		t.Run(name, func(t *testing.T) {
			cache := New[*session](sessions, 1<<30)
			hashes := map[uint64]bool{}
			for i := range sessions {
				text := strings.Repeat("c", 100) + base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, random.Uint64()))
				var parts []string
				for rest := text; rest != ""; {
					at := 0
					if len(parts) < len(lasts) {
						at = len(rest) - lasts[len(parts)]
					}
					parts, rest = append(parts, rest[at:]), rest[:at]
				}
				slices.Reverse(parts)
				assert.Equal(t, cache.hash([]string{text}), cache.hash(parts), "the hash of a text does not depend on its parts")
				hashes[cache.hash(parts)] = true
				cache.Put(Cookie, text, sessionOf(i), 0)
				assert.Equal(t, fmt.Sprint(i), cache.Get(Cookie, parts).Value.userID)
			}
			assert.Len(t, hashes, sessions)
			assert.Less(t, longestChain(cache), 16, "on average, a bucket has one entry")
		})
	}
}

func TestALookupInPartsAllocatesNothing(t *testing.T) {
	cache := New[*session](10, 1<<30)
	text := strings.Repeat("c", 100)
	cache.Put(Cookie, text, sessionOf(1), sessionSize)
	parts := []string{text[:90], text[90:99], text[99:]}
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		if cache.Get(Cookie, parts) == nil {
			t.Error("not found")
		}
	}))
}

func TestTheSessionCacheServesConcurrentRequests(t *testing.T) {
	cache := New[*session](50, 1<<30)
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(worker), 2))
			for range 5000 {
				i := int(random.ExpFloat64() * 50)
				if e := cache.Get(Cookie, cookieOf(i)); e != nil {
					assert.Equal(t, fmt.Sprint(i), e.Value.userID)
				} else {
					cache.Put(Cookie, cookieOf(i)[0], sessionOf(i), sessionSize)
				}
			}
		})
	}
	all.Wait()
	checkConsistency(t, cache)
}

func TestTheStateOfTheSessionCacheCountsWhatItEvicts(t *testing.T) {
	c := New[*session](2, 1<<20)
	for i := range 5 {
		load(c, i)
	}
	state := c.State()
	assert.Equal(t, State{Entries: 2, Bytes: state.Bytes, MaxEntries: 2, MaxBytes: 1 << 20, Evictions: 3}, state)
	assert.Positive(t, state.Bytes)
	assert.Equal(t, State{}, New[*session](0, 0).State())
}
