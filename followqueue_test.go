// The function of Follow: which events it gets, with which cursor, and what its failures do.

package authkit_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/internal/behaviour"
	"github.com/authkit-go/authkit/internal/testrun"
	"github.com/authkit-go/authkit/workos"
)

// handled is one call of the function of Follow.
type handled struct {
	event  workos.Event
	cursor string
	at     time.Time
}

// recorder records the calls of a function of Follow. Events for which fails returns an
// error are not handled.
type recorder struct {
	f     *following
	fails func(workos.Event) error // may be nil

	mu    sync.Mutex
	calls []handled
}

func (r *recorder) handle(_ context.Context, e workos.Event, cursor string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, handled{e, cursor, r.f.Clock.Now()})
	if r.fails != nil {
		return r.fails(e)
	}
	return nil
}

// take returns the calls since the last one.
func (r *recorder) take() []handled {
	r.mu.Lock()
	defer r.mu.Unlock()
	calls := r.calls
	r.calls = nil
	return calls
}

// assertEach asserts that each of want is in got. assert.Subset compares every pair with reflection, which takes half a second with
// some thousand events.
func assertEach(t *testing.T, want, got []string, message ...any) {
	t.Helper()
	missing := map[string]bool{}
	for _, id := range want {
		missing[id] = true
	}
	for _, id := range got {
		delete(missing, id)
	}
	assert.Empty(t, slices.Sorted(maps.Keys(missing)), message...)
}

func idsOf(calls []handled) (ids []string) {
	for _, call := range calls {
		ids = append(ids, call.event.ID)
	}
	return ids
}

func TestTheFunctionOfFollowGetsEachEventOnceInOrder(t *testing.T) {
	f := newFollowing(t)
	f.list.types["dsync.user.created"] = true
	r := &recorder{f: f}
	var want []string
	for _, typ := range workos.EventTypes() {
		want = append(want, f.list.add(typ, 0, 0, `{"id":"x_1","padding":[1, 2]}`))
	}
	want = append(want, f.list.add("dsync.user.created", 0, 0, `["raw"]`))
	f.start(r.handle, "", "dsync.user.created", workos.EventUserCreated)
	f.settle(2)
	for range 60 { // the overlap ends meanwhile
		f.read()
		want = append(want, f.list.addMany(3)...)
	}
	f.read()
	f.stop()
	calls := r.take()
	assert.Equal(t, want, idsOf(calls))
	assert.Equal(t, `["raw"]`, string(calls[len(workos.EventTypes())].event.Data), "as WorkOS sent it")
	for _, asked := range f.list.asked() {
		types := strings.Split(asked.Get("events"), ",")
		slices.Sort(types)
		assert.Len(t, slices.Compact(types), len(strings.Split(asked.Get("events"), ",")), "a type comes once")
	}
}

// The function may call WorkOS or another service about the event. The session must not be served meanwhile.
func TestTheFunctionOfFollowFindsItsEventApplied(t *testing.T) {
	f := newFollowing(t)
	cookie := f.SignedIn(behaviour.Kim).CookieHeader()
	f.revoke(0, 0)
	f.list.setFault(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Query().Get("events"), workos.EventUserCreated) {
			return false
		}
		refuse(w, http.StatusForbidden) // the list of the effects
		return true
	})
	statuses := make(chan int, 1)
	f.start(func(context.Context, workos.Event, string) error {
		resp, err := f.Do(behaviour.Request{Target: "/account", Cookie: cookie, Header: behaviour.Scripted()})
		statuses <- resp.Status
		return err
	}, "")
	f.settle(2)
	assert.Equal(t, http.StatusUnauthorized, <-statuses)
	assert.Equal(t, authkit.EventsFailing, f.Stats().Events.State)
}

// An application stores one of the cursors and starts again from it, after a long time.
func TestARestartFromAnyCursorMissesNoEvent(t *testing.T) {
	f := newFollowing(t)
	r := &recorder{f: f}
	f.start(r.handle, "")
	f.settle(2)
	for n := range 50 {
		f.list.addMany(1)
		if n%5 == 0 { // appears late
			f.list.add(workos.EventUserCreated, 0, 15*time.Second, `{"id":"user_late"}`)
		}
		f.read()
	}
	for range 20 {
		f.read()
	}
	f.stop()
	calls := r.take()
	require.Len(t, calls, 60)
	assert.Equal(t, behaviour.Start.Add(-62*time.Minute).Format(time.RFC3339), calls[0].cursor, "no event is old enough")
	assert.NotEqual(t, calls[0].cursor, calls[59].cursor)
	f.jumpBy(3 * time.Hour)
	for _, i := range []int{0, 1, 25, 26, 40, 58, 59} {
		f.start(r.handle, calls[i].cursor)
		f.settle(2)
		f.stop()
		again := idsOf(r.take())
		assertEach(t, idsOf(calls[i:]), again, "cursor %d", i)
		if i > 40 {
			assert.Less(t, len(again), 40, "cursor %d: most earlier events do not come again", i)
		}
	}
}

func TestAFailedEventIsTriedAgainAndHoldsUpNothingElse(t *testing.T) {
	f := newFollowing(t)
	ids := f.list.addMany(3)
	poisoned := ids[1]
	r := &recorder{f: f, fails: func(e workos.Event) error {
		if e.ID == poisoned {
			return errors.New("no such table")
		}
		return nil
	}}
	f.start(r.handle, "")
	f.settle(2)
	assert.Equal(t, ids, idsOf(r.calls))
	assert.Equal(t, 1, f.Stats().Events.Retrying)
	assert.EqualValues(t, 1, f.Stats().Events.Failures)
	last := r.take()[1].at
	for attempt := range 11 {
		want := min(time.Second<<attempt, 10*time.Minute)
		if early := testrun.Length(want-10*time.Second, 0); early > 0 { // otherwise every read of the pause takes place
			f.advance(early)
			require.Empty(t, r.take(), "attempt %d", attempt)
		}
		var calls []handled
		for calls = r.take(); len(calls) == 0; calls = r.take() {
			f.read()
		}
		require.Equal(t, []string{poisoned}, idsOf(calls))
		pause := calls[0].at.Sub(last)
		assert.True(t, want <= pause && pause <= want+1250*time.Millisecond, "attempt %d after %s", attempt, pause)
		last = calls[0].at
	}
	next := f.list.addMany(1)[0]
	for range 40 {
		f.read()
	}
	calls := r.take()
	require.Equal(t, []string{next}, idsOf(calls))
	for f.Clock.Now().Sub(behaviour.Start) < 72*time.Hour {
		f.advance(testrun.Length(time.Hour, 11*time.Minute))
	}
	f.advance(11 * time.Minute)
	require.NotEmpty(t, r.take())
	assert.Zero(t, f.Stats().Events.Retrying)
	lines := strings.Split(f.Logs.String(), "\n")
	lines = slices.DeleteFunc(lines, func(line string) bool { return !strings.Contains(line, "is given up") })
	require.Len(t, lines, 1)
	assert.Contains(t, lines[0], "level=ERROR")
	assert.Contains(t, lines[0], poisoned)
	f.advance(time.Hour)
	f.read()
	assert.Empty(t, r.take())
	f.stop()
}

// A restart begins before the event that fails.
func TestTheCursorStaysBeforeAFailedEvent(t *testing.T) {
	f := newFollowing(t)
	poisoned := f.list.addMany(1)[0]
	r := &recorder{f: f, fails: func(e workos.Event) error {
		if e.ID == poisoned {
			return errors.New("no such table")
		}
		return nil
	}}
	f.start(r.handle, "")
	f.settle(2)
	for range testrun.Length(100, 200) { // more than the overlap
		f.list.addMany(1)
		f.read()
	}
	f.stop()
	calls := r.take()
	for _, call := range calls {
		require.Equal(t, calls[0].cursor, call.cursor)
	}
	r.fails = nil
	f.start(r.handle, calls[len(calls)-1].cursor)
	f.settle(2)
	f.stop()
	assert.Contains(t, idsOf(r.take()), poisoned)
}

func TestAFunctionThatPanicsIsCalledAgain(t *testing.T) {
	for name, broken := range map[string]func(){"panic": func() { panic("no database") }, "runtime.Goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			f := newFollowing(t)
			ids := f.list.addMany(2)
			var failed bool
			r := &recorder{f: f, fails: func(workos.Event) error {
				if !failed {
					failed = true
					broken()
				}
				return nil
			}}
			f.start(r.handle, "")
			f.settle(2)
			f.read()
			assert.EqualValues(t, 1, f.Stats().Events.Failures)
			assert.Zero(t, f.Stats().Events.Retrying)
			f.stop()
			assert.Equal(t, []string{ids[0], ids[1], ids[0]}, idsOf(r.take()))
			assert.Equal(t, 1, strings.Count(f.Logs.String(), `level=ERROR msg="authkit: the function for events panicked`))
		})
	}
}

func TestNoFurtherEventsAreReadForTheFunctionWhile1024Fail(t *testing.T) {
	f := newFollowing(t)
	cookie := f.SignedIn(behaviour.Kim).CookieHeader()
	var down atomic.Bool
	down.Store(true)
	r := &recorder{f: f, fails: func(workos.Event) error {
		if down.Load() {
			return errors.New("the database is down")
		}
		return nil
	}}
	ids := f.list.addMany(1100)
	f.start(r.handle, "")
	f.settle(2)
	assert.Equal(t, 1024, f.Stats().Events.Retrying)
	assert.Equal(t, ids[:1024], idsOf(r.take()))
	f.revoke(0, 0)
	f.read()
	f.read()
	assert.Equal(t, 1024, f.Stats().Events.Retrying)
	assert.Equal(t, http.StatusUnauthorized, f.Status(t, cookie), "the effects do not wait")
	assertEach(t, idsOf(r.take()), ids[:1024])
	down.Store(false)
	f.advance(11 * time.Minute)
	f.read()
	f.read()
	assert.Zero(t, f.Stats().Events.Retrying)
	f.stop()
	again := idsOf(r.take())
	slices.Sort(again)
	assertEach(t, ids, again)
	assert.Len(t, slices.Compact(again), 1101)
}

func TestAFunctionThatDoesNotReturnHoldsUpNoEffect(t *testing.T) {
	f := newFollowing(t)
	cookie := f.SignedIn(behaviour.Kim).CookieHeader()
	called, release := make(chan context.Context, 10), make(chan struct{})
	f.list.addMany(1)
	f.start(func(ctx context.Context, _ workos.Event, _ string) error { called <- ctx; <-release; return nil }, "")
	ctx := <-called
	f.settle(1)
	f.revoke(0, 0)
	f.jumpBy(1250 * time.Millisecond)
	f.settle(1)
	assert.Equal(t, http.StatusUnauthorized, f.Status(t, cookie))
	f.jumpBy(28 * time.Second)
	f.settle(1)
	require.NoError(t, ctx.Err())
	f.jumpBy(time.Second)
	f.settle(1)
	require.Error(t, ctx.Err())
	assert.EqualError(t, context.Cause(ctx), "the function took more than 30s")
	assert.NotContains(t, f.Logs.String(), "does not return")
	f.jumpBy(30 * time.Second)
	f.settle(1)
	assert.Equal(t, 1, strings.Count(f.Logs.String(), "the function for events does not return"))
	assert.Empty(t, called, "one call at a time")
	close(release)
	f.settle(2)
	assert.Empty(t, called, "it has returned nil at last")
	f.read()
	f.stop()
	assert.Len(t, called, 1, "the event that ends the session")
}

func TestTheFunctionOfFollowFindsTheEventApplied(t *testing.T) {
	f := newFollowing(t)
	cookie := f.SignedIn(behaviour.Kim).CookieHeader()
	status := make(chan int, 10)
	f.revoke(0, 0)
	f.start(func(context.Context, workos.Event, string) error { status <- f.Status(t, cookie); return nil }, "")
	assert.Equal(t, http.StatusUnauthorized, <-status)
}

func TestAnUnknownCursorStartsWithTheOldestEvent(t *testing.T) {
	for _, status := range []int{http.StatusBadRequest, http.StatusNotFound, http.StatusGone, http.StatusUnprocessableEntity} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			f := newFollowing(t)
			f.list.setFault(func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Query().Get("after") != "event_of_last_year" {
					return false
				}
				refuse(w, status)
				return true
			})
			var want []string
			for day := 89; day >= 0; day-- {
				want = append(want, f.list.add(workos.EventUserCreated, time.Duration(day)*24*time.Hour, 0, `{"id":"user_x"}`))
			}
			r := &recorder{f: f}
			f.start(r.handle, "event_of_last_year")
			f.settle(2)
			f.read()
			f.stop()
			calls := r.take()
			assert.Equal(t, want, idsOf(calls))
			assert.Equal(t, "event_of_last_year", calls[0].cursor, "a restart in between starts there too")
			assert.Equal(t, want[0], calls[1].cursor)
			assert.Equal(t, 1, strings.Count(f.Logs.String(), "level=ERROR"), f.Logs.String())
			assert.Contains(t, f.Logs.String(), "event_of_last_year")
		})
	}
}

// WorkOS refuses the types and not the cursor, so the cursor must not be dropped.
func TestARefusedTypeIsNotTakenForAnUnknownCursor(t *testing.T) {
	f := newFollowing(t)
	ids := f.list.addMany(3)
	r := &recorder{f: f}
	f.start(r.handle, ids[0], "dsync.usr.created")
	f.settle(2)
	f.advance(10 * time.Second)
	assert.Empty(t, r.take())
	assert.NotContains(t, f.Logs.String(), "does not know the event")
	assert.Equal(t, 1, strings.Count(f.Logs.String(), `level=ERROR msg="authkit: the events of WorkOS cannot be read for the function`))
	f.list.mu.Lock()
	f.list.types["dsync.usr.created"] = true
	f.list.mu.Unlock()
	f.advance(75 * time.Second)
	f.stop()
	assert.Equal(t, ids[1:], idsOf(r.take()), "it continues at the cursor")
	assert.Contains(t, f.Logs.String(), "read again for the function")
}

func TestACursorMayBeATime(t *testing.T) {
	f := newFollowing(t)
	f.list.add(workos.EventUserCreated, 49*time.Hour, 0, `{"id":"user_x"}`)
	later := f.list.add(workos.EventUserCreated, 47*time.Hour, 0, `{"id":"user_x"}`)
	r := &recorder{f: f}
	f.start(r.handle, behaviour.Start.Add(-48*time.Hour).Format(time.RFC3339))
	f.settle(2)
	f.stop()
	assert.Equal(t, []string{later}, idsOf(r.take()))
	f.list.asked()
	f.start(r.handle, behaviour.Start.Add(-365*24*time.Hour).Format(time.RFC3339))
	f.settle(2)
	f.stop()
	for _, asked := range f.list.asked() {
		start, err := time.Parse(time.RFC3339, asked.Get("range_start"))
		require.NoError(t, err)
		assert.Less(t, f.Clock.Now().Sub(start), 90*24*time.Hour, "WorkOS has no earlier events")
	}
	assert.Len(t, r.take(), 2)
}

// The application is down for an hour, with events of every type in between.
func TestAnApplicationThatWasDownForAnHourMissesNothing(t *testing.T) {
	f := newFollowing(t)
	kim, lee := f.SignedIn(behaviour.Kim).CookieHeader(), ""
	kimSession := f.SessionID()
	lee = f.SignedIn("lee@example.com").CookieHeader()
	f.list.addMany(2)
	r := &recorder{f: f}
	f.start(r.handle, "")
	f.settle(2)
	for range 30 {
		f.read()
	}
	f.list.addMany(1)
	f.read()
	f.stop()
	before := r.take()
	require.Len(t, before, 3)
	stored := before[2].cursor

	want := []string{f.list.add(workos.EventSessionRevoked, 0, 0, `{"id":"`+kimSession+`","user_id":"user_kim"}`)}
	minutes := testrun.Length(3, 1) // from one event of each type to the next
	for n := 0; n < 60; n += minutes {
		for _, typ := range workos.EventTypes() {
			want = append(want, f.list.add(typ, 0, 0, fmt.Sprintf(`{"id":"x_%d"}`, n)))
		}
		f.jumpBy(time.Duration(minutes) * time.Minute)
	}
	want = append(want, f.list.add(workos.EventUserDeleted, 0, 0, `{"id":"user_lee"}`))
	f.start(r.handle, stored)
	f.settle(2)
	f.stop()
	again := idsOf(r.take())
	assertEach(t, want, again)
	assert.LessOrEqual(t, len(again), len(want)+1, "only the event near the cursor comes again")
	assert.Equal(t, http.StatusUnauthorized, f.Status(t, kim))
	assert.Equal(t, http.StatusUnauthorized, f.Status(t, lee))
}
