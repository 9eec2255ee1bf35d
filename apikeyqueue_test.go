package authkit

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit/workos"
)

func newTestAPIKeys(clock Clock) *apiKeys {
	return newAPIKeys(nil, &config{clock: clock, log: slog.New(slog.DiscardHandler)})
}

// A question may end between a request's look into the memory and its turn.
func TestAnAnswerAboutAnAPIKeyThatCameInTheMeantimeIsTaken(t *testing.T) { // A5
	clock := newSetClock()
	for name, answer := range map[string]keyAnswer{
		"valid":     {key: &APIKey{}, asked: clock.now, until: clock.now.Add(keyAnswerLifetime)},
		"not valid": {asked: clock.now, until: clock.now.Add(keyAnswerLifetime)},
		"a failure": {err: errKeyNoEnd, asked: clock.now, until: clock.now.Add(retryPause)},
	} {
		t.Run(name, func(t *testing.T) {
			k := newTestAPIKeys(clock)
			k.remember("hash", answer)
			q, got := k.join(t.Context(), "hash", "sk_value")
			assert.Nil(t, q, "no second question")
			assert.Equal(t, answer, got)
		})
	}
}

func TestWhatIsRememberedOfValidAPIKeysIsBounded(t *testing.T) { // A5
	clock := newSetClock()
	k := newTestAPIKeys(clock)
	large := strings.Repeat("x", 1<<19)
	for i := range 50 {
		key := &APIKey{Name: large, Owner: workos.APIKeyOwner{Type: "organization", ID: "org_1"}, Permissions: []string{large}}
		k.remember(fmt.Sprint(i), keyAnswer{key: key, asked: clock.now, until: clock.now.Add(keyAnswerLifetime)})
	}
	assert.Equal(t, 31, k.proven.Len(), "about 1 MiB each, of 32 MiB")
	assert.LessOrEqual(t, k.proven.Bytes(), 32<<20)

	for i := range 20_000 {
		k.remember(fmt.Sprint("small", i), keyAnswer{key: &APIKey{}, asked: clock.now, until: clock.now.Add(keyAnswerLifetime)})
	}
	assert.Equal(t, 16_384, k.proven.Len())
	_, known := k.remembered("small19999")
	assert.True(t, known)
	_, known = k.remembered("small0")
	assert.False(t, known, "the oldest has left")
}

func TestWhatIsRememberedOfUnknownAPIKeysIsBoundedAndApart(t *testing.T) { // A5
	clock := newSetClock()
	k := newTestAPIKeys(clock)
	k.remember("good", keyAnswer{key: &APIKey{}, asked: clock.now, until: clock.now.Add(keyAnswerLifetime)})
	for i := range 40_000 {
		answer := keyAnswer{until: clock.now.Add(keyAnswerLifetime)}
		if i%2 == 0 {
			answer.err = errors.New("a failure")
		}
		k.remember(fmt.Sprint(i), answer)
	}
	assert.Equal(t, 4096, k.unknown.Len())
	answer, known := k.remembered("good")
	assert.True(t, known)
	assert.NotNil(t, answer.key)
}

func TestAFailureNeverMakesAnAPIKeyProvenForLonger(t *testing.T) { // A5
	clock := newSetClock()
	k := newTestAPIKeys(clock)
	k.remember("good", keyAnswer{key: &APIKey{}, asked: clock.now, until: clock.now.Add(keyAnswerLifetime)})
	for range 14 {
		clock.now = clock.now.Add(12*time.Hour - 1)
		k.remember("good", keyAnswer{err: errors.New("a failure"), asked: clock.now, until: clock.now.Add(retryPause)})
	}
	_, proven := k.proven.Get("good")
	assert.True(t, proven)
	clock.now = clock.now.Add(14)
	_, proven = k.proven.Get("good")
	assert.False(t, proven)
}

func TestTheBudgetOfUnknownAPIKeysIsWhatItGainsHoweverItIsReserved(t *testing.T) { // A5
	clock := newSetClock()
	var b budget
	reserve := func() (n int) {
		for b.reserve(clock.now) == 0 {
			n++
		}
		return n
	}
	assert.Equal(t, 200, reserve())

	// What is reserved for long and then given back leaves no more than was there.
	clock.now = clock.now.Add(time.Hour)
	assert.Zero(t, reserve())
	for range 200 {
		b.settle(clock.now, false)
	}
	assert.Equal(t, 200, reserve())

	// Charged is when the question has ended.
	for range 200 {
		b.settle(clock.now, true)
	}
	assert.Equal(t, 100*time.Millisecond, b.reserve(clock.now))
	clock.now = clock.now.Add(30 * time.Millisecond)
	assert.Equal(t, 70*time.Millisecond, b.reserve(clock.now))
	clock.now = clock.now.Add(70 * time.Millisecond)
	assert.Equal(t, 1, reserve())
	b.settle(clock.now, true)

	// A clock that goes back neither gains nor loses anything.
	clock.now = clock.now.Add(-time.Hour)
	assert.Equal(t, 100*time.Millisecond, b.reserve(clock.now))
	clock.now = clock.now.Add(time.Second)
	assert.Equal(t, 10, reserve())
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

func TestAnAPIKeyThatHasLeftTheQueueLeavesNoTimer(t *testing.T) { // A5
	for name, leaves := range map[string]func(*apiKeys, *question){
		"its request went away": (*apiKeys).leave,
		"it gave up":            (*apiKeys).giveUp,
		"WorkOS wants no more":  func(k *apiKeys, _ *question) { k.limit(k.clock.Now().Add(time.Minute)) },
	} {
		t.Run(name, func(t *testing.T) {
			clock := &timedClock{setClock: newSetClock()}
			k := newTestAPIKeys(clock)
			k.unknownLane.running = unknownPlaces
			q, _ := k.join(t.Context(), "hash", "sk_value")
			assert.Equal(t, 1, clock.timers)
			assert.Equal(t, 1, k.budget.reserved)
			leaves(k, q)
			assert.Zero(t, clock.timers)
			assert.Zero(t, k.budget.reserved)
			assert.Zero(t, k.unknownLane.queue.Len())
			assert.Empty(t, k.questions)
		})
	}
}
