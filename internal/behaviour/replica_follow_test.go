// Follow at several instances that share a store: one instance follows for all.

package behaviour

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// listsRead returns how often each of the instances has requested the list of events.
func (f *eventFleet) listsRead() map[*eventMember]int64 {
	read := map[*eventMember]int64{}
	for _, m := range f.members {
		read[m] = m.lists.Load()
	}
	return read
}

// awaitRefusal advances the clock until each of the instances refuses a session. It returns how long that took.
func (f *eventFleet) awaitRefusal(t testing.TB, cookie string, members ...*eventMember) time.Duration {
	t.Helper()
	return f.rounds(t, func() bool {
		for _, m := range members {
			if m.Status(t, cookie) != http.StatusUnauthorized {
				return false
			}
		}
		return true
	}, "each instance refuses the session")
}

func TestOneOfThreeInstancesReadsTheEventsAndTellsTheOthers(t *testing.T) {
	t.Parallel()
	f := newEventFleet(t, 3, true)
	f.follow(t, "", nil, f.members...)
	holder := f.holder(t)
	cookie := f.members[0].SignedIn(Kim).CookieHeader()
	stranger := f.members[1].SignedIn(lee).CookieHeader()
	f.warm(t, cookie, stranger)

	before := f.listsRead()
	for range 10 { // 30 s, which is longer than the lease
		f.round(t)
	}
	for m, n := range before {
		if m == holder {
			// It reads the list after it has asked the store, and a round ends when it has asked.
			require.Eventually(t, func() bool { return m.lists.Load() > n+9 }, WaitTimeout, time.Millisecond)
		} else {
			assert.Equal(t, n, m.lists.Load(), "an instance without the lease reads no list")
		}
	}
	f.Fake.RevokeSession(f.sessionIDOf(t, f.members[0].App, cookie))
	assert.LessOrEqual(t, f.awaitRefusal(t, cookie, f.members...), 8*time.Second)
	f.warm(t, stranger)
	assert.Same(t, holder, f.holder(t))

	kim := f.members[2].SignedIn(Kim).CookieHeader()
	f.warm(t, kim)
	before = f.listsRead()
	exchanges := f.Fake.Calls(authkittest.RouteRefresh)
	f.changeRole(t, "member")
	f.rounds(t, func() bool {
		for _, m := range f.members {
			if _, role, err := m.role(kim); err != nil || role != "member" {
				return false
			}
		}
		return true
	}, "each instance shows the new role")
	assert.Equal(t, exchanges+1, f.Fake.Calls(authkittest.RouteRefresh), "one exchange for all instances")
	for _, m := range f.others(holder) {
		assert.Equal(t, before[m], m.lists.Load())
	}
}

func TestWhenTheHolderStopsAnotherInstanceFollowsAndMissesNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		end    func(*eventMember)
		within time.Duration
	}{
		"its context ends": {func(m *eventMember) { m.stop() }, 8 * time.Second},
		"it crashes":       {(*eventMember).crash, 15*time.Second + 8*time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			f := newEventFleet(t, 3, true)
			f.follow(t, "", nil, f.members...)
			first := f.holder(t)
			rest := f.others(first)
			cookies := []string{rest[0].SignedIn(Kim).CookieHeader(), rest[1].SignedIn(Kim).CookieHeader()}
			var ids []string
			for _, cookie := range cookies {
				ids = append(ids, f.sessionIDOf(t, rest[0].App, cookie))
			}
			f.warm(t, cookies...)

			c.end(first)
			f.Fake.RevokeSession(ids[0]) // no instance follows now
			assert.LessOrEqual(t, f.awaitRefusal(t, cookies[0], rest...), c.within)
			second := f.holder(t)
			assert.NotSame(t, first, second)
			f.Fake.RevokeSession(ids[1])
			assert.LessOrEqual(t, f.awaitRefusal(t, cookies[1], rest...), 8*time.Second)
			if name == "its context ends" {
				assert.Equal(t, http.StatusUnauthorized, first.Status(t, cookies[1]), "it reads the log of the store")
				assert.Equal(t, authkit.EventsNone, first.Stats().Events.State)
			}
		})
	}
}

func TestWithoutItsStoreEachInstanceFollowsAndAfterwardsOneDoes(t *testing.T) {
	t.Parallel()
	f := newEventFleet(t, 3, true)
	f.follow(t, "", nil, f.members...)
	f.holder(t)
	cookie := f.members[0].SignedIn(Kim).CookieHeader()
	again := f.members[0].SignedIn(Kim).CookieHeader()
	ids := []string{f.sessionIDOf(t, f.members[0].App, cookie), f.sessionIDOf(t, f.members[0].App, again)}
	f.warm(t, cookie, again)

	f.setDown(true)
	f.round(t)
	f.Fake.RevokeSession(ids[0])
	f.awaitRefusal(t, cookie, f.members...)
	before := f.listsRead()
	f.round(t)
	f.round(t)
	for i, m := range f.members {
		assert.Greater(t, m.lists.Load(), before[m], "instance %d reads the list", i)
		assert.Equal(t, authkit.EventsFollowed, m.Stats().Events.State, "instance %d", i)
	}

	f.setDown(false)
	holder := f.holder(t)
	before = f.listsRead()
	f.round(t)
	for _, m := range f.others(holder) {
		assert.Equal(t, before[m], m.lists.Load())
	}
	f.Fake.RevokeSession(ids[1])
	f.awaitRefusal(t, again, f.members...)
	late := f.add(t, true)
	require.Eventually(t, func() bool { // the notice of the first one waits until the store is back
		f.Clock.Advance(100 * time.Millisecond)
		return f.members[0].Stats().Store.Waiting+f.members[1].Stats().Store.Waiting+f.members[2].Stats().Store.Waiting == 0
	}, 10*time.Second, 5*time.Millisecond)
	assert.Equal(t, http.StatusUnauthorized, late.Status(t, cookie))
}

func TestAStoreThatLosesEverythingGetsTheEffectsOfEventsBack(t *testing.T) {
	t.Parallel()
	f := newEventFleet(t, 3, true)
	f.follow(t, "", nil, f.members...)
	f.holder(t)
	cookie := f.members[0].SignedIn(Kim).CookieHeader()
	f.warm(t, cookie)
	f.Fake.RevokeSession(f.sessionIDOf(t, f.members[0].App, cookie))
	f.awaitRefusal(t, cookie, f.members...)
	f.round(t)
	calledBefore := f.allCalls()

	f.Store.Flush()
	f.round(t)
	f.holder(t)
	late := f.add(t, true)
	f.awaitRefusal(t, cookie, late)

	last := f.Fake.EmitEvent("user.updated", map[string]any{"object": "user", "id": "user_lee"})
	f.rounds(t, func() bool { return slices.Contains(f.allCalls(), last.ID) }, "the function is called with a new event")
	assert.Subset(t, f.allCalls(), calledBefore)
}

// allCalls returns the IDs of the events for which f was called, at any instance, with repetitions.
func (f *eventFleet) allCalls() (calls []string) {
	for _, m := range f.members {
		calls = append(calls, m.calls()...)
	}
	return calls
}

func TestTheFunctionOfFollowIsCalledByTheHolderAndContinuesAfterATakeover(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*eventMember){
		"its context ends": func(m *eventMember) { m.stop() },
		"it crashes":       (*eventMember).crash,
	} {
		t.Run(name, func(t *testing.T) {
			f := newEventFleet(t, 3, true)
			f.follow(t, "", nil, f.members...)
			first := f.holder(t)
			emit := func() (id string) {
				return f.Fake.EmitEvent("user.updated", map[string]any{"object": "user", "id": "user_lee"}).ID
			}
			called := func(id string) func() bool {
				return func() bool { return slices.Contains(f.allCalls(), id) }
			}
			var early, all []string
			for range 5 {
				early = append(early, emit())
			}
			f.rounds(t, called(early[4]), "f is called")
			for began := f.Clock.Now(); f.Clock.Now().Sub(began) <= workos.EventOverlap; { // then the position moves on
				f.round(t)
			}
			all = append(all, early...)
			for range 12 {
				all = append(all, emit())
				f.rounds(t, called(all[len(all)-1]), "f is called")
				f.round(t)
			}
			for _, m := range f.others(first) {
				assert.Empty(t, m.calls())
			}
			assert.Len(t, first.calls(), len(all), "once for each event")

			end(first)
			all = append(all, emit(), emit())
			f.rounds(t, called(all[len(all)-1]), "f is called after the takeover")
			second := f.holder(t)
			require.NotSame(t, first, second)
			assert.Subset(t, f.allCalls(), all, "no event is missed")
			assert.Empty(t, intersection(early, second.calls()), "the position is stored, so these do not come again")
		})
	}
}

func intersection(a, b []string) (both []string) {
	for _, s := range a {
		if slices.Contains(b, s) {
			both = append(both, s)
		}
	}
	return both
}

// A store that fails now and then does not make the function start again from its last position each time.
func TestAnInstanceThatGetsItsDutyBackCallsTheFunctionWithNoEventAgain(t *testing.T) {
	t.Parallel()
	f := newEventFleet(t, 1, true)
	m := f.members[0]
	f.follow(t, "", nil, m)
	f.holder(t)
	var all []string
	for range 5 {
		id := f.Fake.EmitEvent("user.updated", map[string]any{"object": "user", "id": "user_lee"}).ID
		all = append(all, id)
		f.rounds(t, func() bool { return slices.Contains(m.calls(), id) }, "f is called")
		m.store.cut.Store(true)
		f.round(t)
		f.round(t)
		m.store.cut.Store(false)
		f.holder(t)
		f.round(t)
	}
	assert.ElementsMatch(t, all, m.calls())
}

// An event whose function fails everywhere is not lost by a takeover.
func TestAnEventThatFailsAtTheHolderIsTriedByTheNextOne(t *testing.T) {
	t.Parallel()
	f := newEventFleet(t, 2, true)
	var mu sync.Mutex
	poisoned, failures := "", 0
	f.follow(t, "", func(e workos.Event) error {
		mu.Lock()
		defer mu.Unlock()
		if e.ID == poisoned {
			failures++
			return errors.New("the function of a test fails")
		}
		return nil
	}, f.members...)
	first := f.holder(t)
	mu.Lock()
	bad := f.Fake.EmitEvent("user.updated", map[string]any{"object": "user", "id": "user_lee"}).ID
	poisoned = bad
	mu.Unlock()
	f.rounds(t, func() bool {
		mu.Lock()
		defer mu.Unlock()
		return failures > 0
	}, "the function fails")
	for range 20 { // longer than EventOverlap
		f.Fake.EmitEvent("user.updated", map[string]any{"object": "user", "id": "user_lee"})
		f.round(t)
	}
	first.stop()
	mu.Lock()
	poisoned = ""
	mu.Unlock()
	second := f.others(first)[0]
	f.rounds(t, func() bool { return slices.Contains(second.calls(), bad) }, "the next instance calls the function with it")
}

// The position is stored again, also if it stays the same. So a store that has lost it has it again.
func TestAPositionThatTheStoreHasLostIsStoredAgain(t *testing.T) {
	t.Parallel()
	f := newEventFleet(t, 2, true)
	first, second := f.members[0], f.members[1]
	var failing atomic.Bool
	fail := func(workos.Event) error {
		if failing.Load() {
			return errors.New("the function of a test fails")
		}
		return nil
	}
	f.follow(t, "", fail, first)
	f.holder(t)
	early := f.Fake.EmitEvent("user.updated", map[string]any{"object": "user", "id": "user_lee"}).ID
	f.rounds(t, func() bool { return slices.Contains(first.calls(), early) }, "f is called")
	for began := f.Clock.Now(); f.Clock.Now().Sub(began) <= workos.EventOverlap; { // then there is a position
		f.round(t)
	}
	failing.Store(true)
	bad := f.Fake.EmitEvent("user.updated", map[string]any{"object": "user", "id": "user_lee"}).ID
	f.rounds(t, func() bool { return first.Stats().Events.Retrying == 1 }, "the function fails")
	f.Clock.Advance(2 * time.Hour) // a new instance would not read so far back
	f.round(t)
	f.Store.Flush()
	for range 25 {
		f.round(t)
	}
	first.stop()
	failing.Store(false)
	f.follow(t, "", fail, second)
	f.rounds(t, func() bool { return slices.Contains(second.calls(), bad) }, "the next instance calls the function with the event")
}

func TestAPositionThatDoesNotMoveIsStoredOnceAMinute(t *testing.T) {
	t.Parallel()
	f := newEventFleet(t, 1, true)
	m := f.members[0]
	f.follow(t, "", nil, m)
	f.rounds(t, func() bool { return m.store.moved.Load() == 1 }, "the position is stored")
	for began := f.Clock.Now(); f.Clock.Now().Sub(began) < 40*time.Second; {
		f.round(t)
	}
	assert.EqualValues(t, 1, m.store.moved.Load())
	for began := f.Clock.Now(); f.Clock.Now().Sub(began) < 40*time.Second; {
		f.round(t)
	}
	assert.EqualValues(t, 2, m.store.moved.Load())
}

// Otherwise an instance that ends while it reads the events of many days would leave all of them to the next one.
func TestThePositionIsStoredWhileALongListIsRead(t *testing.T) {
	f := newEventFleet(t, 2, true)
	first, second := f.members[0], f.members[1]
	var all []string
	for range 20 {
		all = append(all, f.Fake.EmitEvent("user.updated", map[string]any{"object": "user", "id": "user_lee"}).ID)
	}
	f.Clock.Advance(11 * time.Minute) // older than the overlap
	hangs := make(chan struct{})
	first.follow(t, "", func(ctx context.Context, e workos.Event, _ string) error {
		if e.ID == all[15] {
			close(hangs)
			<-ctx.Done()
			return ctx.Err()
		}
		f.Clock.Advance(time.Second)
		return nil
	})
	select {
	case <-hangs:
	case <-time.After(WaitTimeout):
		require.Fail(t, "the function is not called")
	}
	first.stop()
	f.follow(t, "", nil, second)
	f.rounds(t, func() bool { return slices.Contains(second.calls(), all[19]) }, "the next instance calls the function")
	assert.Subset(t, second.calls(), all[15:])
	assert.Empty(t, intersection(all[:9], second.calls()), "the position of at most five seconds ago is stored")
}

func TestAnIntervalOfAMinuteHasOneHolderToo(t *testing.T) {
	f := newEventFleet(t, 3, true, authkit.WithEventInterval(time.Minute))
	f.step = 75 * time.Second // the interval, and what is added to it at random
	f.follow(t, "", nil, f.members...)
	holder := f.holder(t)
	before := f.listsRead()
	for range 10 {
		began := f.Clock.Now()
		f.round(t)
		// A request for the list that is under way would meet its time limit in the next jump of the clock.
		require.Eventually(t, func() bool { return holder.Stats().Events.ReadAt.After(began) }, WaitTimeout, time.Millisecond, "the list is not read")
	}
	assert.Greater(t, holder.lists.Load(), before[holder])
	for _, m := range f.others(holder) {
		assert.Equal(t, before[m], m.lists.Load(), "an instance without the lease reads no list")
	}
}

func TestWithoutAStoreEachInstanceFollowsAndLearnsWhatAWebhookSaidElsewhere(t *testing.T) {
	f := newEventFleet(t, 2, false)
	f.deliverTo(f.members[0])
	f.follow(t, "", nil, f.members...)
	f.rounds(t, func() bool {
		return f.members[0].Stats().Events.State == authkit.EventsFollowed && f.members[1].Stats().Events.State == authkit.EventsFollowed
	})
	cookie := f.members[0].SignedIn(Kim).CookieHeader()
	id := f.sessionIDOf(t, f.members[0].App, cookie)
	f.warm(t, cookie)
	f.Fake.SetEventHoldBack(5 * time.Second) // so that the webhook is first
	f.Fake.RevokeSession(id)
	f.delivered(t)
	assert.Equal(t, http.StatusUnauthorized, f.members[0].Status(t, cookie), "it has the webhook")
	assert.Equal(t, http.StatusOK, f.members[1].Status(t, cookie), "it does not know yet")
	f.awaitRefusal(t, cookie, f.members...)
	assert.Greater(t, f.members[0].lists.Load(), int64(1))
	assert.Greater(t, f.members[1].lists.Load(), int64(1))
}
