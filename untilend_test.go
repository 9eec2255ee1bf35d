// UntilEnd: what it holds, and its order with a sign-out.

package authkit

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// timerClock counts the timers that are neither stopped nor over.
type timerClock struct {
	systemClock
	pending atomic.Int64
}

func (c *timerClock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	c.pending.Add(1)
	timer := time.AfterFunc(d, func() {
		c.pending.Add(-1)
		f()
	})
	return func() bool {
		stopped := timer.Stop()
		if stopped {
			c.pending.Add(-1)
		}
		return stopped
	}
}

func TestUntilEndReleasesEverythingWhenTheRequestEnds(t *testing.T) {
	clock := &timerClock{}
	a := newOffline(t, clock)
	now := time.Now()
	s := sessionFor(t, "session_1", now, now, now.Add(time.Hour))
	request, end := context.WithCancel(t.Context())
	before := runtime.NumGoroutine()
	const streams = 200
	for range streams {
		require.NoError(t, a.UntilEnd(NewContext(request, s)).Err())
	}
	assert.Less(t, runtime.NumGoroutine(), before+streams/2, "no goroutine waits for each stream")
	watchers := a.signedOut.watches.at(watchKeys(s)[0])
	require.Len(t, watchers, streams)
	require.EqualValues(t, streams, clock.pending.Load())
	end()
	require.Eventually(t, func() bool { return a.signedOut.watches.keys.Load()+clock.pending.Load() == 0 }, 10*time.Second, time.Millisecond)
	assert.Empty(t, a.signedOut.watches.byKey)
}

func TestUntilEndSeesASignOutDuringItsCall(t *testing.T) {
	a := newOffline(t, systemClock{})
	now := time.Now()
	s := sessionFor(t, "session_1", now.Add(-time.Minute), now, now.Add(time.Hour))
	ended := false
	a.signedOut.step = func(step string) {
		if step == "marked" && !ended {
			ended = true // the mark is stored, and no watcher was told
			assert.Error(t, a.UntilEnd(NewContext(t.Context(), s)).Err())
		}
	}
	before := a.UntilEnd(NewContext(t.Context(), s))
	a.markSignedOut(s, true, 0)
	require.True(t, ended)
	assert.ErrorIs(t, context.Cause(before), ErrUnauthenticated)
}

func TestUntilEndReleasesTheWatchOfAnAPIKeyWhenTheRequestEnds(t *testing.T) {
	clock := &timerClock{}
	a := newOffline(t, clock)
	request, end := context.WithCancel(t.Context())
	ctx := NewAPIKeyContext(request, &APIKey{ID: "api_key_1", ExpiresAt: time.Now().Add(time.Hour)})
	for range 10 {
		require.NoError(t, a.UntilEnd(ctx).Err())
	}
	require.EqualValues(t, 10, clock.pending.Load())
	end()
	watched := func() int {
		a.apiKeys.changed.mu.Lock()
		defer a.apiKeys.changed.mu.Unlock()
		return len(a.apiKeys.changed.watchers)
	}
	require.Eventually(t, func() bool { return watched() == 0 && clock.pending.Load() == 0 }, 10*time.Second, time.Millisecond)
}
