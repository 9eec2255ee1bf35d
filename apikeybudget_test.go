// Tests of the budget for unknown API keys.

package authkit

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestTheBudgetOfUnknownAPIKeysRefillsAtAFixedRate(t *testing.T) {
	clock := newSetClock()
	var b keyBudget
	reserve := func() (n int) {
		for b.reserve(clock.now) == 0 {
			n++
		}
		return n
	}
	assert.Equal(t, 200, reserve())

	// A reservation that is held for long and then released leaves no more than before.
	clock.now = clock.now.Add(time.Hour)
	assert.Zero(t, reserve())
	for range 200 {
		b.release(clock.now, false)
	}
	assert.Equal(t, 200, reserve())

	// A validation is charged when it ends.
	for range 200 {
		b.release(clock.now, true)
	}
	assert.Equal(t, 100*time.Millisecond, b.reserve(clock.now))
	clock.now = clock.now.Add(30 * time.Millisecond)
	assert.Equal(t, 70*time.Millisecond, b.reserve(clock.now))
	clock.now = clock.now.Add(70 * time.Millisecond)
	assert.Equal(t, 1, reserve())
	b.release(clock.now, true)

	// A clock that is set back does not change the budget.
	clock.now = clock.now.Add(-time.Hour)
	assert.Equal(t, 100*time.Millisecond, b.reserve(clock.now))
	clock.now = clock.now.Add(time.Second)
	assert.Equal(t, 10, reserve())
}
