// Tests of the memory of used states, with a small limit.

package authkit

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// LimitUsedStates limits how many used states are remembered. Call it before the first callback.
func (a *AuthKit) LimitUsedStates(limit int) { a.usedStates = newUsedStates(a.clock, limit) }

// BeforeUseOfState sets a hook. It is called when a callback has found its state fresh and is about to use it.
func (a *AuthKit) BeforeUseOfState(hook func()) { a.usedStates.beforeUse = hook }

func TestAnEvictedStateNeverCountsAsFresh(t *testing.T) {
	clock := newSetClock()
	u := newUsedStates(clock, 3)
	start := clock.now
	started := func(i int) *pendingSignIn {
		return &pendingSignIn{state: fmt.Sprint(i), startedAt: start.Add(time.Duration(i) * time.Second)}
	}
	until := start.Add(time.Hour)
	for _, i := range []int{5, 1, 9} {
		assert.Equal(t, stateFresh, u.consume(started(i), until))
		assert.Equal(t, stateUsed, u.consume(started(i), until))
	}
	assert.Equal(t, stateFresh, u.peek(started(2)))
	assert.Equal(t, stateFresh, u.consume(started(10), until), "this evicts the state that was used first, which started at 5")
	for i, want := range map[int]stateUse{5: stateTooOld, 4: stateTooOld, 2: stateTooOld, 6: stateFresh, 1: stateUsed, 9: stateUsed, 10: stateUsed} {
		assert.Equal(t, want, u.peek(started(i)), i)
	}
	assert.Equal(t, stateTooOld, u.consume(started(3), until))
	assert.Equal(t, stateUsed, u.peek(started(1)), "a state that is not used takes no space")
	assert.Equal(t, stateFresh, u.consume(started(11), until), "this evicts 1, which started before 5")
	assert.Equal(t, stateFresh, u.peek(started(6)), "an earlier start changes nothing")
	assert.Equal(t, stateTooOld, u.peek(started(1)))

	clock.now = until
	assert.Equal(t, stateFresh, u.consume(started(7), until.Add(time.Hour)))
	assert.Equal(t, stateTooOld, u.peek(started(5)), "states that end are not evicted, but evicted ones stay refused")
	assert.Equal(t, stateTooOld, u.peek(started(2)))
	assert.Equal(t, stateFresh, u.peek(started(6)))
}
