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

	"github.com/authkit-go/authkit/internal/replica"
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

// crossingClock passes a time when it has been read a number of times.
type crossingClock struct {
	now, later time.Time
	reads      int // before it is later
	timers     int // that were started
}

func (c *crossingClock) Now() time.Time {
	if c.reads == 0 {
		return c.later
	}
	c.reads--
	return c.now
}

func (c *crossingClock) AfterFunc(time.Duration, func()) (stop func() bool) {
	c.timers++
	return func() bool { return true }
}

// A look at a session reads the clock more than once. The watch knows only the old token, which expires between any two of these
// reads. The session was refreshed, so its stream goes on.
func TestATokenThatExpiresDuringALookAtARefreshedSessionEndsNoStream(t *testing.T) {
	lookDuring(t, 0)
}

// As above, for a clock that jumps over the last minute of the session, in which the look asks in any case.
func TestAClockThatJumpsDuringALookAtARefreshedSessionEndsNoStream(t *testing.T) {
	lookDuring(t, clockSkew)
}

// lookDuring makes looks during which the clock reaches the end of the session. At their beginning, the end is in a nanosecond and
// the jump.
func lookDuring(t *testing.T, jump time.Duration) {
	t.Helper()
	const enough = 20
	for reads := range enough {
		start := time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)
		clock := &crossingClock{now: start, reads: -1}
		a := newOffline(t, clock)
		old := sessionFor(t, "session_1", start, start, start.Add(5*time.Minute))
		next := sessionFor(t, "session_1", start, start.Add(4*time.Minute), start.Add(9*time.Minute))
		next.sealed.RefreshToken = "refreshed"
		ctx := a.UntilEnd(NewContext(t.Context(), old))
		a.rotations.commitOutcome(old, exchangeTarget{}, nil, exchangeResult{outcome: &outcome{sealed: *next.sealed, session: next}, until: next.ExpiresAt()})
		clock.later = old.ExpiresAt().Add(clockSkew)
		clock.now, clock.reads = clock.later.Add(-1-jump), reads
		a.signedOut.watches.at(watchKeys(old)[0])[0].(*endWatch).look()
		assert.NoError(t, context.Cause(ctx), "the clock moves after %d reads", reads)
		if reads == enough-1 {
			assert.Positive(t, clock.reads, "a look reads the clock less often")
		}
	}
}

// The key expires between any two reads of the clock. The context ends at once, or a timer is to end it.
func TestAnAPIKeyThatExpiresDuringTheCallOfUntilEndEndsItsContext(t *testing.T) {
	for reads := range 10 {
		expiry := time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)
		clock := &crossingClock{now: expiry.Add(-1), later: expiry, reads: -1}
		a := newOffline(t, clock)
		clock.reads = reads
		ctx := a.UntilEnd(NewAPIKeyContext(t.Context(), &APIKey{ID: "api_key_1", ExpiresAt: expiry}))
		assert.True(t, ctx.Err() != nil || clock.timers > 0, "the clock moves after %d reads", reads)
	}
}

// A key that an application has put into the context is ended by changes that become known later, because it says nothing about when
// the key was validated.
func TestUntilEndKnowsNoChangeOfAGivenKeyBeforeItsCall(t *testing.T) {
	a := newOffline(t, &timerClock{})
	changed := func() { a.apiKeys.changed.note(replica.Hash("api_key_1"), time.Now().Add(time.Hour)) }
	changed()
	ctx := a.UntilEnd(NewAPIKeyContext(t.Context(), &APIKey{ID: "api_key_1"}))
	require.NoError(t, ctx.Err())
	changed()
	assert.ErrorIs(t, context.Cause(ctx), ErrUnauthenticated)
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
