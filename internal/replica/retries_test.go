// Tests of the changes that wait for the store.

package replica

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// heldClock keeps the functions of its timers for the test, which calls them.
type heldClock struct{ timers chan func() }

func newHeldClock() heldClock { return heldClock{make(chan func(), 100)} }

func (heldClock) Now() time.Time { return time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC) }

func (c heldClock) AfterFunc(_ time.Duration, f func()) (stop func() bool) {
	c.timers <- f
	return func() bool { return false }
}

func TestAChangeThatAlwaysFailsDoesNotDelayTheOthers(t *testing.T) {
	t.Parallel()
	clock := newHeldClock()
	r := newRetries(clock, DefaultBudgets())
	r.add("refused", "session_1", func(context.Context) error { return errors.New("the value is too large") })
	made := make(chan struct{})
	r.add("sign-out", "", func(context.Context) error { close(made); return nil })
	(<-clock.timers)()
	select {
	case <-made:
	case <-time.After(5 * time.Second):
		t.Fatal("the sign-out waits for a change that always fails")
	}
	require.Eventually(t, func() bool { return r.len() == 1 }, 20*time.Second, time.Millisecond)
}

func TestPublicationsDoNotPushOutSignOuts(t *testing.T) {
	t.Parallel()
	r := newRetries(newHeldClock(), DefaultBudgets())
	fail := func(context.Context) error { return errors.New("the store is down") }
	r.add("sign-out", "", fail)
	for i := range retryLimit + 10 {
		r.add("publication "+strconv.Itoa(i), "session_1", fail)
	}
	assert.Equal(t, retryLimit, r.len())
	assert.Equal(t, "sign-out", r.names()[0])
	assert.Equal(t, "publication 11", r.names()[1])
}
