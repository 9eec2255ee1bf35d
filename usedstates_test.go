package authkit

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// LimitUsedStates makes a process remember fewer used states. It is called before the first.
func (a *AuthKit) LimitUsedStates(limit int) { a.usedStates = newUsedStates(a.clock, limit) }

// BeforeUseOfState has a hook called where a callback has found its state fresh and is about to use it.
func (a *AuthKit) BeforeUseOfState(hook func()) { a.usedStates.beforeUse = hook }

func TestAStateThatIsForgottenNeverCountsAsFresh(t *testing.T) {
	clock := newSetClock()
	u := newUsedStates(clock, 3)
	start := clock.now
	began := func(i int) *pendingSignIn {
		return &pendingSignIn{state: fmt.Sprint(i), startedAt: start.Add(time.Duration(i) * time.Second)}
	}
	until := start.Add(time.Hour)
	for _, i := range []int{5, 1, 9} {
		assert.Equal(t, stateFresh, u.consume(began(i), until))
		assert.Equal(t, stateUsed, u.consume(began(i), until))
	}
	assert.Equal(t, stateFresh, u.peek(began(2)))
	assert.Equal(t, stateFresh, u.consume(began(10), until), "there the one that was used first leaves, which began at 5")
	for i, want := range map[int]stateUse{5: stateTooOld, 4: stateTooOld, 2: stateTooOld, 6: stateFresh, 1: stateUsed, 9: stateUsed, 10: stateUsed} {
		assert.Equal(t, want, u.peek(began(i)), i)
	}
	assert.Equal(t, stateTooOld, u.consume(began(3), until))
	assert.Equal(t, stateUsed, u.peek(began(1)), "what is not used takes no room")
	assert.Equal(t, stateFresh, u.consume(began(11), until), "there 1 leaves, which began earlier")
	assert.Equal(t, stateFresh, u.peek(began(6)), "and that takes nothing back")
	assert.Equal(t, stateTooOld, u.peek(began(1)))

	clock.now = until
	assert.Equal(t, stateFresh, u.consume(began(7), until.Add(time.Hour)))
	assert.Equal(t, stateTooOld, u.peek(began(5)), "what is over leaves without a trace, what was forgotten does not")
	assert.Equal(t, stateTooOld, u.peek(began(2)))
	assert.Equal(t, stateFresh, u.peek(began(6)))
}
