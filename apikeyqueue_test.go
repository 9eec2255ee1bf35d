// Tests of the queue of validations.

package authkit

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func newTestAPIKeys(clock Clock) *apiKeys {
	return newAPIKeys(nil, &config{clock: clock, log: slog.New(slog.DiscardHandler)})
}

// A validation may end after a request has looked into the cache and before it has the lock.
func TestARequestUsesAnAPIKeyResultThatArrivedAfterItsCacheLookup(t *testing.T) {
	clock := newSetClock()
	for name, result := range map[string]keyResult{
		"valid":     {key: &APIKey{}, askedAt: clock.now, until: clock.now.Add(keyResultLifetime)},
		"not valid": {askedAt: clock.now, until: clock.now.Add(keyResultLifetime)},
		"a failure": {err: errKeyNoResult, askedAt: clock.now, until: clock.now.Add(retryPause)},
	} {
		t.Run(name, func(t *testing.T) {
			k := newTestAPIKeys(clock)
			k.cache.put("hash", result)
			v, got := k.join(t.Context(), "hash", "sk_value")
			assert.Nil(t, v, "there is no second validation")
			assert.Equal(t, result, got)
		})
	}
}

// timedClock counts the timers that are set.
type timedClock struct {
	*setClock
	timers int
}

func (c *timedClock) AfterFunc(time.Duration, func()) (stop func() bool) {
	c.timers++
	return func() bool { c.timers--; return true }
}

func TestAnAPIKeyThatLeavesTheQueueStopsItsTimer(t *testing.T) {
	for name, leaves := range map[string]func(*apiKeys, *validation){
		"its request left":    (*apiKeys).leave,
		"it timed out":        (*apiKeys).timeOut,
		"WorkOS answered 429": func(k *apiKeys, _ *validation) { k.pauseUnknown(k.clock.Now().Add(time.Minute)) },
	} {
		t.Run(name, func(t *testing.T) {
			clock := &timedClock{setClock: newSetClock()}
			k := newTestAPIKeys(clock)
			k.unknownQueue.running = unknownSlots
			v, _ := k.join(t.Context(), "hash", "sk_value")
			assert.Equal(t, 1, clock.timers)
			assert.Equal(t, 1, k.budget.reserved)
			leaves(k, v)
			assert.Zero(t, clock.timers)
			assert.Zero(t, k.budget.reserved)
			assert.Zero(t, k.unknownQueue.waiting.Len())
			assert.Empty(t, k.validations)
		})
	}
}
