// The layout of the counters.

package authkit

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTwoStripesOfTheCountersAreInNoCacheLineTogether(t *testing.T) {
	const line = 64 // bytes, on amd64 and most others
	var c counters
	end := func(s *stripe) uintptr { return uintptr(unsafe.Pointer(&s.requests)) + unsafe.Sizeof(s.requests) }
	for i := 1; i < len(c.stripes); i++ {
		next := uintptr(unsafe.Pointer(&c.stripes[i].requests))
		require.GreaterOrEqual(t, next/line, (end(&c.stripes[i-1])-1)/line+1, "%d", i)
	}
	assert.Greater(t, uintptr(unsafe.Pointer(&c.cacheHits))/line, (end(&c.stripes[stripes-1])-1)/line, "the next number")
	assert.LessOrEqual(t, unsafe.Sizeof(c.stripes), uintptr(32<<10))
}

func TestTheStripeOfARequestIsThatOfTheMemoryOfItsWriter(t *testing.T) {
	c := &counters{}
	page := make([]responseWriter, 2<<spanBits/unsafe.Sizeof(responseWriter{})) // of two spans, or of parts of three
	for i := range page {
		c.countRequest(requestCached, unsafe.Pointer(&page[i]))
	}
	used := 0
	for i := range c.stripes {
		if c.stripes[i].requests[requestCached].Load() > 0 {
			used++
		}
	}
	assert.Contains(t, []int{2, 3}, used)
	assert.EqualValues(t, len(page), c.requests(requestCached))
	assert.Zero(t, c.requests(requestAnonymous))
}

func TestTheRequestsOfAllStripesAreAddedUp(t *testing.T) {
	c := &counters{}
	for i := range c.stripes {
		c.stripes[i].requests[requestCached].Add(uint64(i) + 1)
	}
	assert.EqualValues(t, stripes*(stripes+1)/2, c.requests(requestCached))
}
