// Follow with the list of the fake: an application that was down, and events that appear late.

package behaviour

import (
	"context"
	"io"
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

// eventFollower is an application that follows the events of the fake.
type eventFollower struct {
	*App
	cancel context.CancelFunc
	ended  chan error

	mu      sync.Mutex
	ids     []string // of the events that its function got
	cursors []string
}

// followEvents starts to follow. stop ends it.
func followEvents(a *App, after string, types ...string) *eventFollower {
	f := &eventFollower{App: a, ended: make(chan error, 1)}
	var ctx context.Context
	ctx, f.cancel = context.WithCancel(context.Background())
	go func() { f.ended <- a.Follow(ctx, f.handle, after, types...) }()
	a.T.Cleanup(f.cancel)
	return f
}

func (f *eventFollower) handle(_ context.Context, e workos.Event, cursor string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ids, f.cursors = append(f.ids, e.ID), append(f.cursors, cursor)
	return nil
}

func (f *eventFollower) handled() (ids, cursors []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ids, f.cursors
}

func (f *eventFollower) stop() {
	f.cancel()
	assert.ErrorIs(f.T, <-f.ended, context.Canceled)
}

// await advances the clock, 25 times as fast as real time, until a condition holds.
func (f *eventFollower) await(holds func() bool, text string) {
	f.T.Helper()
	require.Eventually(f.T, func() bool {
		if holds() {
			return true
		}
		f.Clock.Advance(250 * time.Millisecond)
		return false
	}, WaitTimeout, 10*time.Millisecond, text)
}

// awaitRead advances the clock by seconds until the list of events was read once more.
func (f *eventFollower) awaitRead() {
	f.T.Helper()
	before := f.Fake.Calls("GET /events")
	require.Eventually(f.T, func() bool {
		if f.Fake.Calls("GET /events") > before {
			return true
		}
		f.Clock.Advance(time.Second)
		return false
	}, WaitTimeout, time.Millisecond, "the list of events is read")
}

// awaitHandled waits until the function has got these events.
func (f *eventFollower) awaitHandled(events []authkittest.Event) {
	f.T.Helper()
	f.await(func() bool {
		ids, _ := f.handled()
		got := map[string]bool{}
		for _, id := range ids {
			got[id] = true
		}
		return !slices.ContainsFunc(events, func(e authkittest.Event) bool { return !got[e.ID] })
	}, "the function does not get the events")
}

// deafUsers are users whose sessions end or change while the application is down. Their access
// tokens live for two hours.
func deafUsers() []authkittest.Option {
	member := func(id, organization string) authkittest.User {
		return authkittest.User{ID: "user_" + id, Email: id + "@example.com", Memberships: []authkittest.Membership{{OrganizationID: organization, Role: "admin"}}}
	}
	return []authkittest.Option{
		authkittest.WithUsers(member("ada", "org_acme"), member("ben", "org_acme"), member("cleo", "org_acme"), member("dan", "org_beta"), member("eve", "org_acme")),
		authkittest.WithAccessTokenLifetime(2 * time.Hour),
	}
}

// withRole adds a page that shows the role of the user.
func withRole(a *App, mux *http.ServeMux) {
	mux.Handle("/role", a.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, _ := sessionOf(r)
		io.WriteString(w, s.Role())
	})))
}

func TestARestartedProcessMissesNoEventOfAnHour(t *testing.T) {
	t.Parallel()
	one := NewApp(t, AppOptions{Fake: deafUsers(), Routes: withRole})
	cookies := map[string]string{}
	sessions := map[string]string{}
	for _, name := range []string{"ada", "ben", "cleo", "dan", "eve"} {
		cookies[name] = one.SignedIn(name + "@example.com").CookieHeader()
		sessions[name] = one.SessionID()
	}
	follower := followEvents(one, "", "unheard.of")
	one.Fake.EmitEvent("unheard.of", "first")
	follower.awaitHandled(one.Fake.Events("unheard.of"))
	for range 60 { // until the cursor has left the first events
		follower.awaitRead()
	}
	last := one.Fake.EmitEvent("unheard.of", "last")
	follower.awaitHandled([]authkittest.Event{last})
	follower.stop()
	_, cursors := follower.handled()
	stored := cursors[len(cursors)-1]

	downAt := one.Clock.Now()
	one.Clock.Advance(time.Minute)
	one.Fake.RevokeSession(sessions["ada"])
	one.Fake.DeleteUser("ben@example.com")
	one.Fake.UpdateUser("cleo@example.com", func(u *authkittest.User) {
		u.Memberships[0].Role, u.Memberships[0].Roles = "member", nil
	})
	one.Fake.DeleteOrganization("org_beta")
	for n := range 1000 {
		one.Fake.EmitEvent("unheard.of", n)
		one.Fake.EmitEvent(workos.EventPermissionUpdated, map[string]any{"id": "perm_1"})
		if n%20 == 0 {
			one.Clock.Advance(time.Minute)
		}
	}
	one.Clock.Advance(9 * time.Minute)
	require.Equal(t, time.Hour, one.Clock.Now().Sub(downAt))

	two := NewInstance(t, one.Fake, one.Clock, AppOptions{Routes: withRole}) // the process has started again
	refreshes := two.Fake.Calls(authkittest.RouteRefresh)
	again := followEvents(two, stored, "unheard.of")
	var missed []authkittest.Event
	for _, e := range two.Fake.Events() {
		if !e.CreatedAt.Before(downAt) {
			missed = append(missed, e)
		}
	}
	require.Greater(t, len(missed), 2000)
	again.awaitHandled(missed)
	again.stop()
	ids, _ := again.handled()
	assert.LessOrEqual(t, len(ids), len(missed)+len(two.Fake.Events("unheard.of"))-1000, "little comes again")

	status := func(name string) Response {
		return two.Send(Request{Target: "/role", Cookie: cookies[name], Header: Scripted()})
	}
	assert.Equal(t, http.StatusUnauthorized, status("ada").Status, "the session was revoked")
	assert.Equal(t, http.StatusUnauthorized, status("ben").Status, "the user was deleted")
	assert.Equal(t, http.StatusUnauthorized, status("dan").Status, "the organization was deleted")
	assert.Equal(t, "member", status("cleo").Body, "the role was changed")
	assert.Equal(t, "admin", status("eve").Body)
	assert.Equal(t, refreshes+2, two.Fake.Calls(authkittest.RouteRefresh), "cleo and dan, and not eve")
}

func TestEventsThatWorkOSHoldsBackAreFoundInAnyOrder(t *testing.T) {
	t.Parallel()
	a := NewApp(t, AppOptions{})
	a.Fake.SetEventHoldBack(5 * time.Second)
	cookie := a.SignedIn(Kim).CookieHeader()
	follower := followEvents(a, "", "unheard.of")
	a.Fake.HoldEvents(workos.EventSessionRevoked)
	a.Fake.RevokeSession(a.SessionID())
	for range 3 {
		a.Clock.Advance(time.Second)
		a.Fake.EmitEvent("unheard.of", 1)
	}
	follower.awaitHandled(a.Fake.Events("unheard.of"))
	require.Equal(t, http.StatusOK, a.Status(t, cookie))
	a.Fake.ReleaseEvents()
	revoked := a.Fake.Events(workos.EventSessionRevoked)
	require.Len(t, revoked, 1)
	follower.awaitHandled(revoked)
	assert.Equal(t, http.StatusUnauthorized, a.Status(t, cookie))
	follower.stop()
	ids, _ := follower.handled()
	seen := map[string]bool{}
	for _, id := range ids {
		assert.False(t, seen[id], "an event came twice")
		seen[id] = true
	}
}

// The cursor of a year ago, or of another environment.
func TestFollowStartsWithTheOldestEventAfterACursorThatWorkOSDoesNotKnow(t *testing.T) {
	a := NewApp(t, AppOptions{})
	old := a.Fake.EmitEvent(workos.EventUserCreated, map[string]any{"id": "user_x"})
	a.Clock.Advance(80 * 24 * time.Hour)
	follower := followEvents(a, "event_01AAAAAAAAAAAAAAAAAAAAAAAA")
	follower.awaitHandled([]authkittest.Event{old})
	follower.stop()
	assert.Contains(t, a.Logs.String(), "WorkOS does not know the event to continue after")
}

// A delivery is lost, late, doubled, out of order or badly signed. Follow finds every event,
// and the session has ended at the latest then.
func TestDeliveriesInBadWeatherHaveTheirEffectOnceFollowReadsTheList(t *testing.T) {
	for name, fault := range map[string]authkittest.WebhookFault{
		"none":              {},
		"lost":              {Lost: true},
		"late":              {Late: time.Hour},
		"twice":             {Twice: true},
		"reordered":         {Reordered: true},
		"badly signed":      {BadSignature: true},
		"stale":             {ClockDifference: -181 * time.Second},
		"of the future":     {ClockDifference: 181 * time.Second},
		"signed in seconds": {SignedInSeconds: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWebhookApp(t)
			w.Fake.AddWebhookEndpoint(w.URL+"/webhooks/workos", endpointSecret)
			w.Fake.InjectWebhookFault(fault)
			w.Fake.RevokeSession(w.SessionID())
			w.Fake.EmitEvent(workos.EventUserCreated, map[string]any{"id": "user_x"})
			require.NoError(t, w.Fake.WaitForWebhooks(t.Context()))
			delivered := map[string]int{"none": 2, "twice": 2, "reordered": 2}[name]
			assert.Len(t, w.called(), delivered, "once each")
			want := http.StatusOK
			if delivered > 0 {
				want = http.StatusUnauthorized
			}
			assert.Equal(t, want, w.Status(t, w.cookie))

			follower := followEvents(w.App, "")
			follower.await(func() bool { return w.Status(t, w.cookie) == http.StatusUnauthorized }, "Follow does not find the event")
			follower.stop()
		})
	}
}

// The application is deaf for deliveries too: WorkOS delivers again.
func TestADeliveryDuringAnOutageOfTheApplicationComesAgain(t *testing.T) {
	w := newWebhookApp(t)
	w.Fake.AddWebhookEndpoint(w.URL+"/webhooks/workos", endpointSecret, workos.EventSessionRevoked)
	inner := w.Handler()
	var down atomic.Bool
	w.Server.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if down.Load() {
			panic(http.ErrAbortHandler)
		}
		inner.ServeHTTP(rw, r)
	})
	down.Store(true)
	w.Fake.RevokeSession(w.SessionID())
	require.NoError(t, w.Fake.WaitForWebhooks(t.Context()))
	assert.Empty(t, w.called())
	down.Store(false)
	w.Clock.Advance(time.Minute)
	require.NoError(t, w.Fake.WaitForWebhooks(t.Context()))
	assert.Len(t, w.called(), 1)
	assert.Equal(t, http.StatusUnauthorized, w.Status(t, w.cookie))
}

func TestStatsOfTheEventsFollowTheirState(t *testing.T) {
	t.Parallel()
	a := NewApp(t, AppOptions{})
	assert.Equal(t, authkit.EventStats{State: authkit.EventsNone}, a.Stats().Events)
	a.Fake.InjectFault(authkittest.RouteListEvents, authkittest.Fault{Status: http.StatusForbidden})
	follower := followEvents(a, "")
	follower.await(func() bool { return a.Stats().Events.State == authkit.EventsFailing }, "the state is not failing")
	assert.Error(t, a.Stats().Events.Err)
	assert.True(t, a.Stats().Events.ReadAt.IsZero())
	a.Fake.ClearFault(authkittest.RouteListEvents)
	follower.await(func() bool { return a.Stats().Events.State == authkit.EventsFollowed }, "the state is not followed")
	assert.NoError(t, a.Stats().Events.Err)
	a.Fake.UpdateUser(Kim, func(u *authkittest.User) { u.FirstName = "Kimberly" })
	follower.await(func() bool { return a.Stats().Events.Read == 1 }, "the event is not read")
	assert.Equal(t, 1, a.Stats().Events.Marks)
	assert.Zero(t, a.Stats().Events.Failures)
	follower.stop()
	stats := a.Stats().Events
	assert.Equal(t, authkit.EventsNone, stats.State)
	assert.False(t, stats.ReadAt.IsZero())
}
