// Tests of the expiring map.

package expiring

import (
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// manualClock shows the time that a test sets.
type manualClock struct{ now time.Time }

func newClock() *manualClock { return &manualClock{time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)} }

func (c *manualClock) Now() time.Time { return c.now }

func TestAnEntryExpiresExactlyAtItsTime(t *testing.T) {
	clock := newClock()
	m := New[string](clock.Now, 100)
	m.Put("a", "1", clock.now.Add(time.Minute))

	clock.now = clock.now.Add(time.Minute - 1)
	value, ok := m.Get("a")
	assert.True(t, ok)
	assert.Equal(t, "1", value)

	clock.now = clock.now.Add(1)
	value, ok = m.Get("a")
	assert.False(t, ok)
	assert.Empty(t, value, "an expired entry returns the zero value")

	_, ok = m.Get("unknown")
	assert.False(t, ok)
}

func TestPutReplacesAnEntryAndItsExpiry(t *testing.T) {
	clock := newClock()
	m := New[int](clock.Now, 100)
	m.Put("a", 1, clock.now.Add(time.Hour))
	m.Put("a", 2, clock.now.Add(time.Minute))
	value, _ := m.Get("a")
	assert.Equal(t, 2, value)
	clock.now = clock.now.Add(time.Minute)
	_, ok := m.Get("a")
	assert.False(t, ok)
}

func TestAddStoresAKeyOnceUntilItExpires(t *testing.T) {
	clock := newClock()
	m := New[int](clock.Now, 100)
	assert.True(t, m.Add("a", 1, clock.now.Add(time.Minute)))
	assert.False(t, m.Add("a", 2, clock.now.Add(time.Hour)))
	value, _ := m.Get("a")
	assert.Equal(t, 1, value)

	clock.now = clock.now.Add(time.Minute)
	assert.True(t, m.Add("a", 3, clock.now.Add(time.Minute)))
	value, _ = m.Get("a")
	assert.Equal(t, 3, value)
}

func TestOneOfManyConcurrentAddsOfAKeySucceeds(t *testing.T) {
	clock := newClock()
	m := New[struct{}](clock.Now, 100)
	var added atomic.Int32
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if m.Add("state", struct{}{}, clock.now.Add(time.Minute)) {
				added.Add(1)
			}
		})
	}
	wg.Wait()
	assert.EqualValues(t, 1, added.Load())
}

func TestShortenNeverExtendsAnEntry(t *testing.T) {
	clock := newClock()
	m := New[int](clock.Now, 100)
	end := clock.now.Add(time.Minute)
	m.Put("a", 1, end)
	m.Shorten("a", end.Add(time.Hour))
	m.Shorten("unknown", end)
	clock.now = end
	_, ok := m.Get("a")
	assert.False(t, ok, "the entry was extended")
	_, ok = m.Get("unknown")
	assert.False(t, ok)

	m.Put("b", 2, end.Add(time.Hour))
	m.Shorten("b", end.Add(time.Second))
	value, ok := m.Get("b")
	assert.True(t, ok)
	assert.Equal(t, 2, value)
	clock.now = end.Add(time.Second)
	_, ok = m.Get("b")
	assert.False(t, ok, "the entry was not shortened")
}

func TestADeletedEntryIsGone(t *testing.T) {
	clock := newClock()
	m := New[int](clock.Now, 100)
	m.Put("a", 1, clock.now.Add(time.Hour))
	m.Delete("a")
	m.Delete("unknown")
	_, ok := m.Get("a")
	assert.False(t, ok)
	assert.True(t, m.Add("a", 2, clock.now.Add(time.Hour)))
}

func TestAMapNeverHoldsMoreEntriesThanItsLimit(t *testing.T) {
	for _, limit := range []int{1, 10, 64, 100, 1000} {
		t.Run(strconv.Itoa(limit), func(t *testing.T) {
			clock := newClock()
			m := New[int](clock.Now, limit)
			for i := range 3 * limit {
				key := strconv.Itoa(i)
				if i%2 == 0 {
					m.Put(key, i, clock.now.Add(time.Hour))
				} else {
					assert.True(t, m.Add(key, i, clock.now.Add(time.Hour)))
				}
				assert.LessOrEqual(t, m.Len(), limit)
				value, ok := m.Get(key)
				assert.True(t, ok, "the newest entry is missing")
				assert.Equal(t, i, value)
			}
		})
	}
}

func TestReplacingAnEntryOfAFullMapEvictsNoOther(t *testing.T) {
	clock := newClock()
	m := New[int](clock.Now, 100)
	for i := range 100 {
		m.Put(strconv.Itoa(i), i, clock.now.Add(time.Hour))
	}
	for range 200 {
		m.Put("7", 7, clock.now.Add(time.Hour))
	}
	assert.Equal(t, 100, m.Len())
}

func TestASweepRemovesExpiredEntriesAndKeepsTheOthers(t *testing.T) {
	clock := newClock()
	m := New[int](clock.Now, 10_000)
	m.Put("valid", 1, clock.now.Add(time.Hour))
	for i := range 5000 {
		m.Put("expired "+strconv.Itoa(i), i, clock.now.Add(time.Second))
	}
	clock.now = clock.now.Add(time.Second)
	most := m.Len()
	for i := range 5000 {
		m.Put("new "+strconv.Itoa(i), i, clock.now.Add(time.Second))
		most = max(most, m.Len())
	}
	assert.Less(t, most, 10_000, "expired entries are removed before the limit is reached")
	clock.now = clock.now.Add(time.Second)
	for i := range 10_000 {
		m.Put("next "+strconv.Itoa(i), i, clock.now)
	}
	assert.Less(t, m.Len(), 200, "entries that expire at once do not accumulate")
	_, ok := m.Get("valid")
	assert.True(t, ok)
}

func TestTheFirstInsertionAfterTenMinutesRemovesExpiredEntries(t *testing.T) {
	clock := newClock()
	m := New[int](clock.Now, 1<<20)
	for i := range 1000 {
		m.Put(strconv.Itoa(i), i, clock.now.Add(time.Hour))
	}
	clock.now = clock.now.Add(time.Hour)
	m.Put("one more", 0, clock.now.Add(time.Hour))
	assert.Equal(t, 1, m.Len(), "the other entries have expired")
}

func TestASweepFreesTheMemoryOfAMapThatWasLarge(t *testing.T) {
	heap := func() int {
		runtime.GC()
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return int(stats.HeapAlloc)
	}
	clock := newClock()
	m := New[int](clock.Now, 1<<20)
	empty := heap()
	for i := range 100_000 {
		m.Put(strconv.Itoa(i), i, clock.now.Add(time.Hour))
	}
	clock.now = clock.now.Add(30 * time.Minute)
	for i := range 1000 {
		m.Put("later "+strconv.Itoa(i), i, clock.now.Add(time.Hour))
	}
	assert.Greater(t, heap()-empty, 10<<20, "all entries are in force")

	clock.now = clock.now.Add(30 * time.Minute)
	m.Put("last", 0, clock.now.Add(time.Hour))
	assert.Less(t, heap()-empty, 1<<20, "1001 entries are in force")
	value, ok := m.Get("later 999")
	assert.True(t, ok)
	assert.Equal(t, 999, value)
	assert.Equal(t, 1001, m.Len())
}

func TestAFullMapEvictsTheOldestEntry(t *testing.T) {
	clock := newClock()
	m := New[int](clock.Now, 100)
	var evicted []string
	m.OnEvict(func(key string, _ int) { evicted = append(evicted, key) })
	for i := range 100 {
		m.Put(strconv.Itoa(i), i, clock.now.Add(time.Hour))
	}
	m.Put("0", 0, clock.now.Add(time.Hour)) // a second Put makes it the newest
	for i := 100; i < 150; i++ {
		m.Put(strconv.Itoa(i), i, clock.now.Add(time.Hour))
	}
	_, ok := m.Get("0")
	assert.True(t, ok)
	for i := 1; i <= 50; i++ {
		assert.Equal(t, strconv.Itoa(i), evicted[i-1])
		_, ok := m.Get(strconv.Itoa(i))
		assert.False(t, ok, i)
	}
	for i := 51; i < 150; i++ {
		_, ok := m.Get(strconv.Itoa(i))
		assert.True(t, ok, i)
	}
	assert.Len(t, evicted, 50)
}

func TestExpiredEntriesAreRemovedBeforeTheOldestIsEvicted(t *testing.T) {
	clock := newClock()
	m := New[int](clock.Now, 100)
	m.OnEvict(func(key string, _ int) { t.Errorf("%s was evicted", key) })
	for i := range 50 {
		m.Put("valid "+strconv.Itoa(i), i, clock.now.Add(time.Hour))
		m.Put("expired "+strconv.Itoa(i), i, clock.now.Add(time.Second))
	}
	clock.now = clock.now.Add(time.Second)
	for i := range 50 {
		m.Put("new "+strconv.Itoa(i), i, clock.now.Add(time.Hour))
	}
	for i := range 50 {
		_, ok := m.Get("valid " + strconv.Itoa(i))
		assert.True(t, ok, i)
	}
}

func TestTheEvictionOfAnExpiredEntryIsNotTold(t *testing.T) {
	clock := newClock()
	m := New[int](clock.Now, 100)
	told := 0
	m.OnEvict(func(string, int) { told++ })
	for i := range 100 {
		m.Put(strconv.Itoa(i), i, clock.now.Add(time.Minute))
	}
	m.Put("sweeps", 0, clock.now.Add(time.Minute)) // the next sweep is an eighth of the entries later
	assert.Equal(t, 1, told)
	clock.now = clock.now.Add(time.Minute)
	m.Put("evicts", 0, clock.now.Add(time.Minute))
	assert.Equal(t, 100, m.Len(), "no sweep has removed the expired entries")
	assert.Equal(t, 1, told)
}

func TestAMapNeverHoldsMoreBytesThanItsLimit(t *testing.T) {
	clock := newClock()
	const most = 100 << 10
	m := New[string](clock.Now, 1<<20).LimitBytes(most, func(text string) int { return len(text) })
	for i := range 1000 {
		m.Put(strconv.Itoa(i), strings.Repeat("x", i), clock.now.Add(time.Hour))
		assert.LessOrEqual(t, m.Bytes(), most)
		_, ok := m.Get(strconv.Itoa(i))
		assert.True(t, ok, "the newest entry is missing")
	}
	m.Put("999", "", clock.now.Add(time.Hour))
	m.Put("too large", strings.Repeat("x", most), clock.now.Add(time.Hour))
	_, ok := m.Get("too large")
	assert.False(t, ok)
	_, ok = m.Get("998")
	assert.True(t, ok, "an entry that is too large evicts nothing")
	for key := range m.entries {
		m.Delete(key)
	}
	assert.Zero(t, m.Bytes())
	assert.Nil(t, m.oldest)
	assert.Nil(t, m.newest)
}

func TestAllYieldsTheEntriesInForceFromTheOldest(t *testing.T) {
	clock := newClock()
	m := New[int](clock.Now, 100)
	m.Put("a", 1, clock.now.Add(time.Hour))
	m.Put("expired", 2, clock.now.Add(time.Second))
	m.Put("b", 3, clock.now.Add(time.Hour))
	clock.now = clock.now.Add(time.Second)
	var keys []string
	for key, value := range m.All() {
		keys = append(keys, key+strconv.Itoa(value))
	}
	assert.Equal(t, []string{"a1", "b3"}, keys)
	for key := range m.All() {
		assert.Equal(t, "a", key)
		break
	}
	assert.Equal(t, 3, m.Len(), "the map is not locked after the loop")
}

// shifted returns a time whose wall clock and whose monotonic clock have moved by different durations, as after a suspend of the
// machine or a step of its clock. Package time has no function for that, so the test writes the monotonic reading.
func shifted(t *testing.T, from time.Time, wall, monotonic time.Duration) time.Time {
	moved := from.Add(wall)
	(*struct {
		wall uint64
		ext  int64
		loc  *time.Location
	})(unsafe.Pointer(&moved)).ext += int64(monotonic - wall)
	require.Equal(t, monotonic, moved.Sub(from))
	require.Equal(t, wall, moved.Round(0).Sub(from.Round(0)))
	return moved
}

func TestAnEntryOfAMapForBothClocksExpiresOnceBothHavePassedItsEnd(t *testing.T) {
	start := time.Now() // a time with both readings
	for name, c := range map[string]struct {
		wall, monotonic time.Duration
		duration, both  bool // whether an entry of an hour is still there, in a Map of each kind
	}{
		"a minute":                 {time.Minute, time.Minute, true, true},
		"nearly an hour":           {time.Hour - 1, time.Hour - 1, true, true},
		"an hour":                  {time.Hour, time.Hour, false, false},
		"a suspend":                {3 * time.Hour, time.Minute, true, true},
		"set back":                 {-3 * time.Hour, time.Hour, false, true},
		"set back for some time":   {time.Hour, 4 * time.Hour, false, false},
		"set forward":              {3 * time.Hour, 2 * time.Minute, true, true},
		"set forward for an hour":  {4 * time.Hour, time.Hour, false, false},
		"slightly behind its end":  {time.Hour - 1, time.Hour, false, true},
		"slightly before its end":  {time.Hour, time.Hour - 1, true, true},
		"set back before its time": {-time.Minute, time.Minute, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			for until, end := range map[string]time.Time{"with both readings": start.Add(time.Hour), "with the wall clock alone": start.Add(time.Hour).Round(0)} {
				clock := &manualClock{start}
				duration, both := New[int](clock.Now, 100), New[int](clock.Now, 100).ForBothClocks()
				duration.Put("a", 1, start.Add(time.Hour))
				both.Put("a", 1, end)
				clock.now = shifted(t, start, c.wall, c.monotonic)
				_, ok := duration.Get("a")
				assert.Equal(t, c.duration, ok, "a duration")
				_, ok = both.Get("a")
				assert.Equal(t, c.both, ok, until)
				assert.Equal(t, !c.both, both.Add("a", 2, end), until)
			}
		})
	}
}

func TestAMapForBothClocksKeepsItsEntriesWhileTheWallClockIsAhead(t *testing.T) {
	clock := &manualClock{time.Now()}
	start := clock.now
	m := New[int](clock.Now, 1000).ForBothClocks()
	for i := range minSweep {
		m.Put(strconv.Itoa(i), i, start.Add(time.Hour).Round(0))
	}
	clock.now = shifted(t, start, 24*time.Hour, sweepInterval)
	m.Put("another", 1, clock.now.Add(time.Minute)) // removes what has expired
	clock.now = shifted(t, start, sweepInterval, sweepInterval)
	for i := range minSweep {
		_, ok := m.Get(strconv.Itoa(i))
		assert.True(t, ok, i)
	}
}
