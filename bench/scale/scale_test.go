//go:build linux

// The measurements with few sessions. Times are not checked.

package main

import (
	"bytes"
	"encoding/json"
	"math"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheSessionsThatAreMeasuredAreInTheCacheAndNewOnesEvictThem(t *testing.T) {
	// hold fails unless the cache has each of the sessions, no warm request misses, and each new session evicts one.
	h, err := hold(order{Sessions: 300, Collections: 1, Cycles: 1, Warm: 600, New: 20, Goroutines: 8})
	require.NoError(t, err)
	assert.Equal(t, 300, h.Sessions)
	assert.InDelta(t, 6000, h.Bytes, 3000)
	assert.InDelta(t, 6000, h.Counted, 3000)
	assert.Greater(t, h.Objects, 1.0)
	assert.Greater(t, h.GCShare, 0.0)
	assert.Less(t, h.GCShare, 1.0)
}

func TestTheCacheAloneHasTheSessionsThatItIsAskedFor(t *testing.T) {
	p, err := put(order{Sessions: 300, Warm: 600, Goroutines: 8}) // fails if a session is missing
	require.NoError(t, err)
	assert.Equal(t, 300, p.Sessions)
	assert.Positive(t, p.First)
}

func TestAllWorkIsDoneOnceByAnyNumberOfGoroutines(t *testing.T) {
	for _, goroutines := range []int{1, 3, 64} {
		done := make([]int, 50)
		_, err := work(goroutines, len(done), func() func(int) error {
			return func(i int) error { done[i]++; return nil }
		})
		require.NoError(t, err)
		for i, n := range done {
			assert.Equal(t, 1, n, "%d", i)
		}
	}
}

func TestTheHitRatesOfAScanAreExact(t *testing.T) {
	const population, hot, capacity = 10_000, 100, 1000
	all := map[string]rates{}
	for _, r := range hitRates(population) {
		assert.Equal(t, population, r.Population)
		assert.Equal(t, capacity, r.Capacity)
		all[r.Traffic] = r
	}
	// The scan reaches the hot set first, so these of its requests are hits too.
	even := all["a scan, and as many requests of a hot set"]
	for _, one := range []rate{even.Ours, even.LRU, even.Best} {
		assert.Equal(t, rate{Requests: 2 * population, Hits: population + hot, HotRequests: population, HotHits: population}, one)
	}
	rare := all["a scan, and 1 request of a hot set after every 20 sessions"]
	assert.Equal(t, rate{Requests: population * 21 / 20, Hits: population/20 + hot, HotRequests: population / 20, HotHits: population / 20}, rare.Ours,
		"a scan does not evict the hot set")
	assert.Equal(t, rare.Ours, rare.Best)
	assert.Equal(t, rare.LRU.HotHits, population/20/10, "an LRU forgets a session before its next request, except those that the scan has just begun with")
}

func TestTheHitRatesOfPopularSessionsAreBetweenNothingAndTheBest(t *testing.T) {
	seen := 0
	for _, r := range hitRates(1000) {
		if r.Ours.HotRequests > 0 {
			continue
		}
		seen++
		assert.Equal(t, 2000, r.Ours.Requests)
		assert.Equal(t, 2000, r.LRU.Requests)
		assert.Less(t, r.Ours.Hits, r.Best.Hits, r.Traffic)
		assert.Less(t, r.LRU.Hits, r.Best.Hits, r.Traffic)
		assert.Greater(t, r.Ours.Hits, 1000, r.Traffic)
		assert.Greater(t, r.Ours.Hits, r.LRU.Hits, r.Traffic)
	}
	assert.Equal(t, 2, seen)
}

func TestCookiesAreReplacedAfterTheirLifetime(t *testing.T) {
	const population = 100
	newest, issued := map[int]int{}, map[int]int{}
	i := 0
	for r := range zipf(population, population) {
		if r.refreshes != newest[r.session] {
			assert.Equal(t, newest[r.session]+1, r.refreshes)
			assert.GreaterOrEqual(t, i-issued[r.session], population)
			newest[r.session], issued[r.session] = r.refreshes, i
		}
		i++
	}
	assert.Equal(t, 4*population, i)
	assert.Equal(t, 3, newest[0], "the most popular session")
}

func TestAnLRUEvictsTheLeastRecentlyUsed(t *testing.T) {
	c := newLRU(2)
	for _, step := range []struct {
		session int
		hit     bool
	}{{1, false}, {2, false}, {1, true}, {3, false}, {1, true}, {2, false}, {3, false}} {
		assert.Equal(t, step.hit, c.request(cookie{session: step.session}), "%d", step.session)
	}
}

func TestTheLongestPauseIsThatOfTheHighestBucketThatHasGrown(t *testing.T) {
	histogram := &metrics.Float64Histogram{Counts: []uint64{5, 2, 1}, Buckets: []float64{0, 0.001, 0.002, math.Inf(1)}}
	assert.Equal(t, 2*time.Millisecond, longest([]uint64{1, 1, 1}, histogram))
	assert.Equal(t, 2*time.Millisecond, longest([]uint64{5, 2, 0}, histogram), "the last bucket has no upper bound")
	assert.Zero(t, longest([]uint64{5, 2, 1}, histogram))
}

func TestFewerSessionsAreMeasuredIfTheMemoryIsShort(t *testing.T) {
	assert.Equal(t, 10_000, fitting(10_000, 10_000*peakPerSession))
	assert.Equal(t, 9000, fitting(10_000, 10_000*peakPerSession-1))
	assert.Equal(t, 1000, fitting(10_000, 0))
	assert.Positive(t, availableMemory())
}

func TestTheNumbersOfSessionsAreOnTheCommandLine(t *testing.T) {
	populations, err := parse([]string{"-sessions", "1000,20000"})
	require.NoError(t, err)
	assert.Equal(t, []int{1000, 20_000}, populations)
	for _, arguments := range [][]string{{"-sessions", ""}, {"-sessions", "999"}, {"-sessions", "many"}, {"-unknown"}, {"more"}} {
		_, err := parse(arguments)
		assert.Error(t, err, "%v", arguments)
	}
}

func TestAProcessAnswersItsOrder(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, answerOrder(strings.NewReader(`{"Sessions": 5}`), &out, func(o order) (held, error) { return held{Sessions: o.Sessions}, nil }))
	var h held
	require.NoError(t, json.Unmarshal(out.Bytes(), &h))
	assert.Equal(t, 5, h.Sessions)
	assert.Error(t, answerOrder(strings.NewReader("no order"), &out, hold))
}

func TestTheReportHasARowForEachMeasurement(t *testing.T) {
	r := report{
		Began: time.Date(2026, 11, 29, 9, 0, 0, 0, time.UTC), LoadBefore: "1.50", LoadAfter: "2.50", Reduced: [][2]int{{1_000_000, 900_000}},
		Held: []held{{
			Sessions: 10_000, Bytes: 5536.8, Counted: 7164, Objects: 13, GCShare: 0.083,
			Empty: collection{Time: time.Millisecond, CPU: time.Millisecond, Pause: 40 * time.Microsecond, Longest: 80 * time.Microsecond},
			Full:  collection{Time: 30 * time.Millisecond, CPU: 59_500 * time.Microsecond, Pause: 50 * time.Microsecond, Longest: 1_234_567},
			Warm:  pair{One: cost{Time: 900, CPU: 950}, Many: cost{Time: 500, CPU: 960, Wait: 3}},
		}},
		Puts:  []puts{{Sessions: 10_000, First: 12_345}},
		Rates: []rates{{Population: 10_000, Capacity: 1000, Traffic: "a scan", Ours: rate{200, 101, 100, 100}, LRU: rate{200, 50, 100, 0}, Best: rate{Requests: 200, Hits: 101}}},
	}
	var text strings.Builder
	require.NoError(t, r.write(&text))
	for _, line := range []string{
		"| 10 000 | 5536 B | 7164 B | 13.0 | 52 MB |\n",
		"| none, cache for 10 000 | 1.00 ms | 1.00 ms | 40.0 µs | 80.0 µs | – |\n",
		"| 10 000 | 30.0 ms | 59.5 ms | 50.0 µs | 1.23 ms | 8.3 % |\n",
		"|--:|--:|---|--:|--:|--:|--:|--:|--:|\n",
		"| 10 000 | 1000 | a scan | 50.5 % | 25.0 % | 50.5 % | 100.0 % | 0.0 % | – |\n",
		"| 10 000 | a warm session | 900 ns | 950 ns | 500 ns | 960 ns | 3 ns |\n",
		"| 10 000 | put, all others are in use | 12.3 µs | – | – | – | – |\n",
		"1 000 000 sessions did not fit into the free memory, so 900 000 were measured.\n",
		"Measured on 2026-11-29, on ",
		"The load was 1.50 before the run and 2.50 after it.\n",
	} {
		assert.Contains(t, text.String(), line)
	}
}
