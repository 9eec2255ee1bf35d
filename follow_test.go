// Follow: when the list of events is read, what a failure does, and how it ends.

package authkit_test

import (
	"context"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/behaviour"
	"github.com/authkit-go/authkit/workos"
)

// revoke adds the event of the end of the newest session.
func (f *following) revoke(age, delay time.Duration) {
	f.list.add(workos.EventSessionRevoked, age, delay, `{"id":"`+f.SessionID()+`","user_id":"user_kim"}`)
}

func TestFollowAppliesAnEventAtTheNextRead(t *testing.T) {
	f := newFollowing(t)
	cookie := f.SignedIn(behaviour.Kim).CookieHeader()
	assert.Equal(t, authkit.EventsNone, f.Stats().Events.State)
	f.start(nil, "")
	f.settle(1)
	assert.Equal(t, authkit.EventsFollowed, f.Stats().Events.State)
	assert.Equal(t, f.Clock.Now(), f.Stats().Events.ReadAt)
	f.revoke(0, 0)
	require.Equal(t, http.StatusOK, f.Status(t, cookie), "the event is not read yet")
	f.read()
	assert.Equal(t, http.StatusUnauthorized, f.Status(t, cookie))
	assert.EqualValues(t, 1, f.Stats().Events.Read)
	f.read()
	assert.EqualValues(t, 1, f.Stats().Events.Read, "the overlap is left out")
	f.stop()
	assert.Equal(t, authkit.EventsNone, f.Stats().Events.State)
}

func TestFollowReadsOnlyTypesWithAnEffectFromTheLongestLifetimeBack(t *testing.T) {
	f := newFollowing(t)
	cookie := f.SignedIn(behaviour.Kim).CookieHeader()
	f.revoke(61*time.Minute, 0)
	f.start(nil, "")
	f.settle(1)
	asked := f.list.asked()
	require.Len(t, asked, 1)
	assert.Equal(t, behaviour.Start.Add(-62*time.Minute).Format("2006-01-02T15:04:05.000Z"), asked[0].Get("range_start"))
	assert.Len(t, strings.Split(asked[0].Get("events"), ","), 17)
	assert.NotContains(t, asked[0].Get("events"), "created")
	assert.EqualValues(t, 1, f.Stats().Events.Read)
	assert.Equal(t, http.StatusOK, f.Status(t, cookie), "the sign-in is after the event")
}

func TestTheEventIntervalIsConfigurableAndJittered(t *testing.T) {
	f := newFollowing(t, authkit.WithEventInterval(10*time.Second))
	f.start(nil, "")
	f.settle(1)
	f.list.asked()
	f.jumpBy(10*time.Second - 1)
	f.settle(1)
	assert.Empty(t, f.list.asked(), "not before the interval")
	f.advance(2500*time.Millisecond + 1)
	assert.Len(t, f.list.asked(), 1, "at most a quarter later")

	pauses := map[time.Duration]bool{}
	for range 100 {
		pause := authkit.EventPause(time.Second, 0, 0)
		assert.True(t, time.Second <= pause && pause <= 1250*time.Millisecond, pause)
		pauses[pause] = true
	}
	assert.Greater(t, len(pauses), 50)
}

func TestThePauseAfterFailuresIsAMinuteAtMost(t *testing.T) {
	for _, tt := range []struct {
		failures             int
		retryAfter, min, max time.Duration
	}{
		{1, 0, 1500 * time.Millisecond, 2 * time.Second},
		{2, 0, 3 * time.Second, 4 * time.Second},
		{5, 0, 24 * time.Second, 32 * time.Second},
		{6, 0, 45 * time.Second, time.Minute},
		{1_000_000, 0, 45 * time.Second, time.Minute},
		{1, 40 * time.Second, 40 * time.Second, 45 * time.Second},
		{9, time.Minute, time.Minute, 68 * time.Second},
	} {
		for range 100 {
			pause := authkit.EventPause(time.Second, tt.failures, tt.retryAfter)
			assert.True(t, tt.min <= pause && pause <= tt.max, "%d failures, Retry-After %s: %s", tt.failures, tt.retryAfter, pause)
		}
	}
}

func TestFollowRefusesWhatItCannotFollow(t *testing.T) {
	f := newFollowing(t)
	assert.EqualError(t, f.Follow(t.Context(), nil, "", "dsync.user.created", ""), "authkit: Follow: a type of event is empty")
	f.start(nil, "")
	f.settle(1)
	assert.EqualError(t, f.Follow(t.Context(), nil, ""), "authkit: Follow: this AuthKit follows the events already")
	for _, reason := range []string{"a type of event is empty", "this AuthKit follows the events already"} {
		assert.Contains(t, f.Logs.String(), `level=ERROR msg="authkit: Follow has returned at once" error="authkit: Follow: `+reason+`"`)
	}
	f.stop()
	f.start(nil, "")
	f.settle(1)

	public, err := authkit.New(authkit.WithPublicClient(), authkit.WithClientID("client_1"),
		authkit.WithCookiePassword(behaviour.Password), authkit.WithRedirectURL("https://app.example.com/callback"))
	require.NoError(t, err)
	assert.EqualError(t, public.Follow(t.Context(), nil, ""), "authkit: Follow: a public client has no API key to read events with")
}

func TestFollowEndsWithItsContextAndLeavesNoGoroutine(t *testing.T) {
	for name, prepare := range map[string]func(t *testing.T, f *following) followed{
		"before it starts": nil,
		"while it pauses": func(t *testing.T, f *following) followed {
			return func(context.Context, workos.Event, string) error { return nil }
		},
		"while the list is read": func(t *testing.T, f *following) followed {
			f.list.setFault(func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true })
			return func(context.Context, workos.Event, string) error { return nil }
		},
		"while the function runs": func(t *testing.T, f *following) followed {
			f.list.addMany(3)
			return func(ctx context.Context, _ workos.Event, _ string) error { <-ctx.Done(); return context.Cause(ctx) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFollowing(t)
			if prepare == nil {
				ctx, cancel := context.WithCancelCause(t.Context())
				cancel(errStopped)
				assert.ErrorIs(t, f.Follow(ctx, nil, ""), errStopped)
				assert.Empty(t, f.list.asked())
				return
			}
			function := prepare(t, f)
			called := make(chan struct{}, 10)
			f.start(func(ctx context.Context, e workos.Event, cursor string) error {
				called <- struct{}{}
				return function(ctx, e, cursor)
			}, "")
			switch name {
			case "while it pauses":
				f.settle(2)
			case "while the function runs":
				<-called
			default:
				require.Eventually(t, func() bool { return len(f.list.asked()) > 0 }, behaviour.WaitTimeout, time.Millisecond)
			}
			f.stop()
			require.Eventually(t, func() bool {
				stacks := make([]byte, 1<<20)
				return !strings.Contains(string(stacks[:runtime.Stack(stacks, true)]), "authkit.(*follower)")
			}, behaviour.WaitTimeout, time.Millisecond, "a goroutine is left")
			assert.NotContains(t, f.Logs.String(), "level=WARN", "the end is no failure")
			assert.Zero(t, f.Stats().Events.Failures)
		})
	}
}

func TestAFailureToReadTheEventsIsLoggedOnceUntilItIsOver(t *testing.T) {
	for name, tt := range map[string]struct {
		fault func(http.ResponseWriter)
		level string
	}{
		"503": {func(w http.ResponseWriter) { w.WriteHeader(http.StatusServiceUnavailable) }, "WARN"},
		"429": {func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "50")
			w.WriteHeader(http.StatusTooManyRequests)
		}, "WARN"},
		"a closed connection": {func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, "WARN"},
		"HTML":                {func(w http.ResponseWriter) { w.Write([]byte("<html>")) }, "WARN"},
		"401":                 {func(w http.ResponseWriter) { refuse(w, http.StatusUnauthorized) }, "ERROR"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFollowing(t)
			cookie := f.SignedIn(behaviour.Kim).CookieHeader()
			f.list.setFault(func(w http.ResponseWriter, _ *http.Request) bool { tt.fault(w); return true })
			assert.Equal(t, authkit.EventsNone, f.Stats().Events.State)
			f.start(nil, "")
			f.advanceWhileFailing()
			assert.Equal(t, authkit.EventsFailing, f.Stats().Events.State)
			assert.Error(t, f.Stats().Events.Err)
			assert.True(t, f.Stats().Events.ReadAt.IsZero())
			if name == "429" {
				f.list.asked()
				f.jumpBy(50*time.Second - 1)
				f.settle(1)
				assert.Empty(t, f.list.asked(), "not before the Retry-After")
			}
			for range 3 {
				f.jumpBy(time.Minute + 10*time.Second)
				f.advanceWhileFailing()
			}
			const failed, over = "the events of WorkOS cannot be read, changes there", "the events of WorkOS are read again"
			assert.Equal(t, 1, strings.Count(f.Logs.String(), failed))
			assert.Contains(t, f.Logs.String(), "level="+tt.level+` msg="authkit: `+failed)
			assert.NotContains(t, f.Logs.String(), over)

			f.list.setFault(nil)
			f.revoke(0, 0)
			f.advance(time.Minute + 10*time.Second)
			f.read()
			assert.Equal(t, 1, strings.Count(f.Logs.String(), "level=INFO msg=\"authkit: "+over))
			assert.Equal(t, authkit.EventsFollowed, f.Stats().Events.State)
			assert.NoError(t, f.Stats().Events.Err)
			f.stop()
			assert.Equal(t, http.StatusUnauthorized, f.Status(t, cookie), "an event of the outage is applied")
		})
	}
}

func TestStatsOfASecondFollowDoNotShowTheFirst(t *testing.T) {
	f := newFollowing(t)
	f.list.setFault(func(w http.ResponseWriter, _ *http.Request) bool { refuse(w, http.StatusUnauthorized); return true })
	f.start(nil, "")
	f.settle(1)
	require.Equal(t, authkit.EventsFailing, f.Stats().Events.State)
	f.stop()
	asked, proceed := make(chan struct{}), make(chan struct{})
	f.list.setFault(func(http.ResponseWriter, *http.Request) bool { asked <- struct{}{}; <-proceed; return false })
	f.start(nil, "")
	<-asked
	assert.Equal(t, authkit.EventsStarting, f.Stats().Events.State)
	assert.NoError(t, f.Stats().Events.Err)
	f.list.setFault(nil)
	close(proceed)
	f.settle(1)
	assert.Equal(t, authkit.EventsFollowed, f.Stats().Events.State)
}

// brokenTransport panics or exits its goroutine as long as broken is set.
type brokenTransport struct {
	*eventServer
	broken atomic.Pointer[func()]
}

func (b *brokenTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if broken := b.broken.Load(); broken != nil {
		(*broken)()
	}
	return b.eventServer.RoundTrip(r)
}

func TestABrokenTransportDoesNotEndFollow(t *testing.T) {
	for name, broken := range map[string]func(){
		"panic":          func() { panic("a transport of the application's own") },
		"runtime.Goexit": runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			transport := &brokenTransport{}
			f := newFollowing(t, authkit.WithHTTPClient(&http.Client{Transport: transport}))
			transport.eventServer = f.list
			cookie := f.SignedIn(behaviour.Kim).CookieHeader()
			transport.broken.Store(&broken)
			f.start(func(context.Context, workos.Event, string) error { return nil }, "")
			f.settle(2)
			assert.Equal(t, authkit.EventsFailing, f.Stats().Events.State)
			transport.broken.Store(nil)
			f.revoke(0, 0)
			f.advance(3 * time.Second)
			f.stop()
			assert.Equal(t, http.StatusUnauthorized, f.Status(t, cookie))
		})
	}
}

// brokenLog is a log handler that panics or exits its goroutine as long as broken is set.
type brokenLog struct {
	broken atomic.Pointer[func()]
}

func (b *brokenLog) Enabled(context.Context, slog.Level) bool { return true }
func (b *brokenLog) WithAttrs([]slog.Attr) slog.Handler       { return b }
func (b *brokenLog) WithGroup(string) slog.Handler            { return b }
func (b *brokenLog) Handle(_ context.Context, r slog.Record) error {
	if broken := b.broken.Load(); broken != nil && strings.Contains(r.Message, "cannot be read") {
		(*broken)()
	}
	return nil
}

func TestABrokenLoggerDoesNotEndFollow(t *testing.T) {
	for name, broken := range map[string]func(){"panic": func() { panic("no disk") }, "runtime.Goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			handler := &brokenLog{}
			f := newFollowing(t, authkit.WithLogger(slog.New(handler)))
			cookie := f.SignedIn(behaviour.Kim).CookieHeader()
			handler.broken.Store(&broken)
			f.list.setFault(func(w http.ResponseWriter, _ *http.Request) bool { refuse(w, http.StatusForbidden); return true })
			f.start(func(context.Context, workos.Event, string) error { return nil }, "")
			f.settle(2)
			handler.broken.Store(nil)
			f.list.setFault(nil)
			f.revoke(0, 0)
			f.advance(3 * time.Second)
			f.stop()
			assert.Equal(t, http.StatusUnauthorized, f.Status(t, cookie))
		})
	}
}

func TestEarlierEventsAreReadWhenALongerTokenLifetimeIsSeen(t *testing.T) {
	f := newFollowing(t)
	f.list.add(workos.EventUserUpdated, 0, 0, `{"id":"user_kim"}`)
	f.list.add(workos.EventUserUpdated, 9*time.Hour, 0, `{"id":"user_lee"}`)
	f.start(nil, "")
	f.settle(1)
	require.EqualValues(t, 1, f.Stats().Events.Read)
	require.Equal(t, 1, f.Stats().Events.Marks)

	authkit.SawLifetime(f.AuthKit, 10*time.Hour)
	f.list.asked()
	f.read()
	assert.Len(t, f.list.asked(), 2)
	assert.EqualValues(t, 3, f.Stats().Events.Read)
	assert.Equal(t, 2, f.Stats().Events.Marks, "the event before the start has an effect")
	f.read()
	assert.Len(t, f.list.asked(), 1, "once")
}

// The mark of an event lives as long as the longest token. The event was read when only
// shorter tokens were known.
func TestAMarkLastsAsLongAsALongerTokenThatIsSeenLater(t *testing.T) {
	f := newFollowingWith(t, behaviour.AppOptions{Fake: []authkittest.Option{authkittest.WithAccessTokenLifetime(10 * time.Hour)}})
	other := behaviour.NewInstance(t, f.Fake, f.Clock, behaviour.AppOptions{})
	kim := other.SignedIn(behaviour.Kim).CookieHeader()
	lee := other.SignedIn("lee@example.com").CookieHeader()
	f.list.add(workos.EventUserUpdated, 0, 0, `{"id":"user_kim"}`)
	f.start(nil, "")
	f.settle(1)
	f.jumpBy(30 * time.Minute)
	f.settle(1)
	require.Equal(t, http.StatusOK, f.Status(t, lee), "now the lifetime is known")
	f.read()
	f.jumpBy(2 * time.Hour)
	f.settle(1)
	require.Zero(t, f.Fake.Calls(authkittest.RouteRefresh))
	require.Equal(t, http.StatusOK, f.Status(t, kim))
	assert.Equal(t, 1, f.Fake.Calls(authkittest.RouteRefresh), "the token is older than the event")
}

func TestEventsThatAppearLateAreApplied(t *testing.T) {
	f := newFollowing(t)
	cookie := f.SignedIn(behaviour.Kim).CookieHeader()
	f.start(nil, "")
	f.settle(1)
	f.revoke(0, 20*time.Second)
	for range 8 {
		f.list.add(workos.EventUserUpdated, 0, 0, `{"id":"user_lee"}`)
		f.read()
	}
	require.Equal(t, http.StatusOK, f.Status(t, cookie))
	for range 10 {
		f.list.add(workos.EventUserUpdated, 0, 0, `{"id":"user_lee"}`)
		f.read()
	}
	f.stop()
	assert.Equal(t, http.StatusUnauthorized, f.Status(t, cookie), "WorkOS showed it 20 s late, among older ones")
}

func TestAReadThatFindsTenThousandEventsAppliesAll(t *testing.T) {
	f := newFollowing(t, behaviour.WithoutLog)
	cookie := f.SignedIn(behaviour.Kim).CookieHeader()
	var handled int
	f.start(func(context.Context, workos.Event, string) error { handled++; return nil }, "")
	f.settle(2)
	for range 10_000 {
		f.list.add(workos.EventUserUpdated, 0, 0, `{"id":"user_lee"}`)
	}
	f.revoke(0, 0)
	f.read()
	f.stop()
	assert.EqualValues(t, 10_001, f.Stats().Events.Read)
	assert.Equal(t, 10_001, handled)
	assert.Equal(t, http.StatusUnauthorized, f.Status(t, cookie))
}

// WorkOS keeps events for 90 days. In an environment without events, the one after which the
// list continues can be deleted.
func TestFollowContinuesAfterWorkOSHasDeletedItsPosition(t *testing.T) {
	f := newFollowing(t)
	f.list.add(workos.EventUserUpdated, 20*time.Minute, 0, `{"id":"user_lee"}`)
	var mu sync.Mutex
	var handled []string
	f.start(func(_ context.Context, e workos.Event, _ string) error {
		mu.Lock()
		defer mu.Unlock()
		handled = append(handled, e.ID)
		return nil
	}, "")
	f.settle(2)
	f.list.forget()
	f.jumpBy(91 * 24 * time.Hour)
	f.settle(2)
	cookie := f.SignedIn(behaviour.Kim).CookieHeader()
	f.revoke(0, 0)
	f.read()
	f.read()
	f.read()
	f.stop()
	assert.Equal(t, http.StatusUnauthorized, f.Status(t, cookie))
	assert.Len(t, handled, 2)
	assert.Equal(t, 1, strings.Count(f.Logs.String(), "WorkOS does not know the event to continue after"))
}
