// Cases: many goroutines that change one key.

package storetest

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
)

var raceTests = []test{
	{"of fifty Swaps from nothing exactly one wins", fiftySwaps},
	{"a counter that is swapped loses no step", counter},
}

func fiftySwaps(c *testCase) {
	const callers, rounds = 50, 6
	stores := []authkit.Store{c.connect(), c.connect(), c.connect()}
	for round := range rounds {
		key := fmt.Sprint("round:", round/2)
		var old []byte
		if round%2 == 1 { // the callers compete for the place of a value
			old = c.get(stores[0], key).value
		}
		var won atomic.Int32
		var winner atomic.Value
		var all sync.WaitGroup
		start, currents := make(chan struct{}), make([]string, callers)
		for i := range callers {
			all.Go(func() {
				<-start
				value := fmt.Sprintf("%d of round %d", i, round)
				current, _, swapped, err := stores[i%len(stores)].Swap(c.ctx, key, old, []byte(value), long)
				assert.NoError(c, err)
				if swapped {
					won.Add(1)
					winner.Store(value)
				}
				currents[i] = string(current)
			})
		}
		close(start)
		all.Wait()
		require.EqualValues(c, 1, won.Load(), "the number of callers that swapped")
		for _, current := range currents {
			require.Equal(c, winner.Load(), current, "the value that a caller got")
		}
	}
}

// counter has 8 goroutines that count in one key. Each value contains the goroutine and its try: a Swap to a value that the
// key has already counts as swapped, so two goroutines must not write the same one.
func counter(c *testCase) {
	const goroutines, steps = 8, 25
	stores := []authkit.Store{c.connect(), c.connect()}
	var all sync.WaitGroup
	for i := range goroutines {
		all.Go(func() {
			store := stores[i%len(stores)]
			last := 0
			for try, done := 0, 0; done < steps; try++ {
				value, _, _, err := store.Get(c.ctx, "counter")
				if !assert.NoError(c, err) {
					return
				}
				n := countOf(value)
				if !assert.GreaterOrEqual(c, n, last, "the counter went back") {
					return
				}
				next := fmt.Sprintf("%d by %d in try %d", n+1, i, try)
				current, _, swapped, err := store.Swap(c.ctx, "counter", value, []byte(next), long)
				if !assert.NoError(c, err) {
					return
				}
				if last = countOf(current); swapped {
					done++
				}
			}
		})
	}
	all.Wait()
	assert.Equal(c, goroutines*steps, countOf(c.get(stores[0], "counter").value), "the number of steps")
}

func countOf(value []byte) int {
	count, _, _ := strings.Cut(string(value), " ")
	n, _ := strconv.Atoi(count)
	return n
}
