package authkit

import (
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// setClock shows the time that a test sets.
type setClock struct{ now time.Time }

func newSetClock() *setClock { return &setClock{time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)} }

func (c *setClock) Now() time.Time { return c.now }

func (c *setClock) AfterFunc(time.Duration, func()) (stop func() bool) {
	panic("nothing here waits")
}

func TestAnEntryIsRememberedUntilItsTimeAndNotAtIt(t *testing.T) {
	clock := newSetClock()
	m := newMemory[string](clock, 100)
	m.put("a", "1", clock.now.Add(time.Minute))

	clock.now = clock.now.Add(time.Minute - 1)
	value, ok := m.get("a")
	assert.True(t, ok)
	assert.Equal(t, "1", value)

	clock.now = clock.now.Add(1)
	value, ok = m.get("a")
	assert.False(t, ok)
	assert.Empty(t, value, "no value of an entry that is over")

	_, ok = m.get("never there")
	assert.False(t, ok)
}

func TestPuttingAgainReplaces(t *testing.T) {
	clock := newSetClock()
	m := newMemory[int](clock, 100)
	m.put("a", 1, clock.now.Add(time.Hour))
	m.put("a", 2, clock.now.Add(time.Minute))
	value, _ := m.get("a")
	assert.Equal(t, 2, value)
	clock.now = clock.now.Add(time.Minute)
	_, ok := m.get("a")
	assert.False(t, ok)
}

func TestAKeyIsAddedOnceUntilItIsOver(t *testing.T) {
	clock := newSetClock()
	m := newMemory[int](clock, 100)
	assert.True(t, m.add("a", 1, clock.now.Add(time.Minute)))
	assert.False(t, m.add("a", 2, clock.now.Add(time.Hour)))
	value, _ := m.get("a")
	assert.Equal(t, 1, value)

	clock.now = clock.now.Add(time.Minute)
	assert.True(t, m.add("a", 3, clock.now.Add(time.Minute)))
	value, _ = m.get("a")
	assert.Equal(t, 3, value)
}

func TestOfManyWhoAddAKeyOneSucceeds(t *testing.T) {
	clock := newSetClock()
	m := newMemory[struct{}](clock, 100)
	var added atomic.Int32
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if m.add("state", struct{}{}, clock.now.Add(time.Minute)) {
				added.Add(1)
			}
		})
	}
	wg.Wait()
	assert.EqualValues(t, 1, added.Load())
}

func TestShorteningNeverLengthens(t *testing.T) {
	clock := newSetClock()
	m := newMemory[int](clock, 100)
	end := clock.now.Add(time.Minute)
	m.put("a", 1, end)
	m.shorten("a", end.Add(time.Hour))
	m.shorten("never there", end)
	clock.now = end
	_, ok := m.get("a")
	assert.False(t, ok, "not lengthened")
	_, ok = m.get("never there")
	assert.False(t, ok)

	m.put("b", 2, end.Add(time.Hour))
	m.shorten("b", end.Add(time.Second))
	value, ok := m.get("b")
	assert.True(t, ok)
	assert.Equal(t, 2, value)
	clock.now = end.Add(time.Second)
	_, ok = m.get("b")
	assert.False(t, ok, "shortened")
}

func TestWhatIsForgottenIsGone(t *testing.T) {
	clock := newSetClock()
	m := newMemory[int](clock, 100)
	m.put("a", 1, clock.now.Add(time.Hour))
	m.forget("a")
	m.forget("never there")
	_, ok := m.get("a")
	assert.False(t, ok)
	assert.True(t, m.add("a", 2, clock.now.Add(time.Hour)))
}

func TestAMemoryNeverGrowsBeyondItsLimit(t *testing.T) {
	for _, limit := range []int{1, 10, 64, 100, 1000} {
		t.Run(strconv.Itoa(limit), func(t *testing.T) {
			clock := newSetClock()
			m := newMemory[int](clock, limit)
			for i := range 3 * limit {
				key := strconv.Itoa(i)
				if i%2 == 0 {
					m.put(key, i, clock.now.Add(time.Hour))
				} else {
					assert.True(t, m.add(key, i, clock.now.Add(time.Hour)))
				}
				assert.LessOrEqual(t, len(m.entries), limit)
				value, ok := m.get(key)
				assert.True(t, ok, "the newest is always there")
				assert.Equal(t, i, value)
			}
		})
	}
}

func TestReplacingAnEntryOfAFullMemoryCostsNoOtherItsPlace(t *testing.T) {
	clock := newSetClock()
	m := newMemory[int](clock, 100)
	for i := range 100 {
		m.put(strconv.Itoa(i), i, clock.now.Add(time.Hour))
	}
	for range 200 {
		m.put("7", 7, clock.now.Add(time.Hour))
	}
	assert.Len(t, m.entries, 100)
}

func TestWhatIsOverIsSweptOutAndWhatIsNotStays(t *testing.T) {
	clock := newSetClock()
	m := newMemory[int](clock, 10_000)
	m.put("stays", 1, clock.now.Add(time.Hour))
	for i := range 5000 {
		m.put("over "+strconv.Itoa(i), i, clock.now.Add(time.Second))
	}
	clock.now = clock.now.Add(time.Second)
	most := len(m.entries)
	for i := range 5000 {
		m.put("new "+strconv.Itoa(i), i, clock.now.Add(time.Second))
		most = max(most, len(m.entries))
	}
	assert.Less(t, most, 10_000, "old ones made room before the limit was reached")
	clock.now = clock.now.Add(time.Second)
	for i := range 10_000 {
		m.put("next "+strconv.Itoa(i), i, clock.now)
	}
	assert.Less(t, len(m.entries), 200, "what is over at once does not pile up")
	_, ok := m.get("stays")
	assert.True(t, ok)
}

func TestTheOldestLeavesAFullMemoryAndNeverAnArbitraryOne(t *testing.T) {
	clock := newSetClock()
	m := newMemory[int](clock, 100)
	var left []string
	m.evicted = func(key string, _ int) { left = append(left, key) }
	for i := range 100 {
		m.put(strconv.Itoa(i), i, clock.now.Add(time.Hour))
	}
	m.put("0", 0, clock.now.Add(time.Hour)) // put again, it is the newest
	for i := 100; i < 150; i++ {
		m.put(strconv.Itoa(i), i, clock.now.Add(time.Hour))
	}
	_, ok := m.get("0")
	assert.True(t, ok)
	for i := 1; i <= 50; i++ {
		assert.Equal(t, strconv.Itoa(i), left[i-1])
		_, ok := m.get(strconv.Itoa(i))
		assert.False(t, ok, i)
	}
	for i := 51; i < 150; i++ {
		_, ok := m.get(strconv.Itoa(i))
		assert.True(t, ok, i)
	}
	assert.Len(t, left, 50)
}

func TestWhatIsOverMakesRoomBeforeTheOldestLeaves(t *testing.T) {
	clock := newSetClock()
	m := newMemory[int](clock, 100)
	m.evicted = func(key string, _ int) { t.Errorf("%s left", key) }
	for i := range 50 {
		m.put("stays "+strconv.Itoa(i), i, clock.now.Add(time.Hour))
		m.put("over "+strconv.Itoa(i), i, clock.now.Add(time.Second))
	}
	clock.now = clock.now.Add(time.Second)
	for i := range 50 {
		m.put("new "+strconv.Itoa(i), i, clock.now.Add(time.Hour))
	}
	for i := range 50 {
		_, ok := m.get("stays " + strconv.Itoa(i))
		assert.True(t, ok, i)
	}
}

func TestAMemoryIsBoundedInBytesToo(t *testing.T) {
	clock := newSetClock()
	const most = 100 << 10
	m := newMemory[string](clock, 1<<20).bounded(most, func(text string) int { return len(text) })
	for i := range 1000 {
		m.put(strconv.Itoa(i), strings.Repeat("x", i), clock.now.Add(time.Hour))
		assert.LessOrEqual(t, m.bytes, most)
		_, ok := m.get(strconv.Itoa(i))
		assert.True(t, ok, "the newest is always there")
	}
	m.put("999", "", clock.now.Add(time.Hour))
	m.put("too large", strings.Repeat("x", most), clock.now.Add(time.Hour))
	_, ok := m.get("too large")
	assert.False(t, ok)
	_, ok = m.get("998")
	assert.True(t, ok, "what is too large pushes nothing out")
	for key := range m.entries {
		m.forget(key)
	}
	assert.Zero(t, m.bytes)
	assert.Nil(t, m.oldest)
	assert.Nil(t, m.newest)
}
