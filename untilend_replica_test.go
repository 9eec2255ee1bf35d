// UntilEnd beside other instances: the watch of a stream looks at the store.

package authkit_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/behaviour"
	"github.com/authkit-go/authkit/workos"
)

// looks counts the looks of an instance at the session of its stream.
type looks struct {
	clock   *authkittest.FakeClock
	mu      sync.Mutex
	pending int // guarded by mu: looks that are due and not over
	none    *sync.Cond
}

// watchLooks counts from before the stream is opened.
func watchLooks(a *behaviour.App) *looks {
	l := &looks{clock: a.Clock}
	l.none = sync.NewCond(&l.mu)
	authkit.OnRefreshStep(a.AuthKit, func(step string) {
		l.mu.Lock()
		defer l.mu.Unlock()
		switch step {
		case "look due":
			l.pending++
		case "looked":
			l.pending--
			l.none.Broadcast()
		}
	})
	return l
}

// pass moves the clock by d, at most twenty seconds at a time, and waits for each look that becomes due.
func (l *looks) pass(d time.Duration) {
	for d > 0 {
		step := min(d, 20*time.Second)
		l.clock.Advance(step)
		d -= step
		l.mu.Lock()
		for l.pending > 0 {
			l.none.Wait()
		}
		l.mu.Unlock()
	}
}

// watchedStream is a stream at one of two instances, whose looks at the session are counted.
type watchedStream struct {
	*behaviour.Stream
	looks  *looks
	cookie string         // of its session
	one    *behaviour.App // its instance
	two    *behaviour.App
	store  *authkittest.MemoryStore
}

func openWatched(t *testing.T) *watchedStream {
	t.Helper()
	return openWatchedAfter(t, 0)
}

// openWatchedAfter is openWatched for a stream that begins some time after the sign-in.
func openWatchedAfter(t *testing.T, d time.Duration, opts ...authkit.Option) *watchedStream {
	t.Helper()
	r := behaviour.NewReplicas(t, 2, behaviour.AppOptions{AuthKit: opts})
	one := r.Instances[0]
	looks := watchLooks(one)
	cookie := one.SignedIn(behaviour.Kim).CookieHeader()
	looks.pass(d)
	return &watchedStream{behaviour.OpenStream(t.Context(), t, one, cookie), looks, cookie, one, r.Instances[1], r.Store}
}

func TestASignOutAtAnotherInstanceEndsAStream(t *testing.T) {
	s := openWatched(t)
	s.looks.pass(4 * time.Minute) // without another request at the instance of the stream
	require.True(t, s.IsOpen())
	s.two.SignOut(t, s.cookie)
	assert.ErrorContains(t, s.Cause(), "signed out")
}

func TestARefreshAtAnotherInstanceKeepsAStream(t *testing.T) {
	s := openWatched(t)
	s.looks.pass(5*time.Minute - 30*time.Second)
	fresh := s.two.Send(behaviour.Request{Target: "/account", Cookie: s.cookie}).NewCookie(t)
	s.looks.pass(200 * time.Second)
	assert.True(t, s.IsOpen())
	s.two.SignOut(t, fresh)
	assert.ErrorContains(t, s.Cause(), "signed out")
}

func TestADeliveredRefreshAtAnotherInstanceKeepsAStream(t *testing.T) {
	s := openWatched(t)
	s.looks.pass(5*time.Minute - 50*time.Second)
	fresh := s.two.Send(behaviour.Request{Target: "/account", Cookie: s.cookie}).NewCookie(t)
	require.Equal(t, http.StatusOK, s.two.Status(t, fresh), "the browser presents the new cookie")
	s.looks.pass(200 * time.Second)
	assert.True(t, s.IsOpen())
	s.two.SignOut(t, fresh)
	assert.ErrorContains(t, s.Cause(), "signed out")
}

func TestADownloadGoesOnAfterItsTimeIfAnotherInstanceHasRefreshedItsSession(t *testing.T) {
	r := behaviour.NewReplicas(t, 2, behaviour.AppOptions{})
	one, two := r.Instances[0], r.Instances[1]
	looks := watchLooks(one)
	cookie := one.SignedIn(behaviour.Kim).CookieHeader()
	s := behaviour.OpenDownload(t, one, cookie, 30*time.Minute)
	for range 35 {
		if answer := two.Send(behaviour.Request{Target: "/account", Cookie: cookie}); len(answer.SetCookies(t)) > 0 {
			cookie = answer.NewCookie(t)
		}
		looks.pass(time.Minute)
	}
	assert.True(t, s.IsOpen())
	two.SignOut(t, cookie)
	assert.ErrorContains(t, s.Cause(), "signed out")
}

func TestAChangeOfAnAPIKeyAtAnotherInstanceEndsAStreamThatHasLastedLong(t *testing.T) {
	r := behaviour.NewReplicas(t, 2, behaviour.AppOptions{})
	one, two := r.Instances[0], r.Instances[1]
	looks := watchLooks(one)
	ctx := one.UntilEnd(authkit.NewAPIKeyContext(t.Context(), &authkit.APIKey{ID: "api_key_ci"}))
	looks.pass(10 * time.Minute) // without a request
	require.NoError(t, ctx.Err())
	behaviour.ChangesOf(two).Now(workos.EventAPIKeyRevoked, map[string]any{"object": "api_key", "id": "api_key_ci", "name": "ci"})
	select {
	case <-ctx.Done():
	case <-time.After(10 * time.Second):
		require.Fail(t, "the change does not end the context")
	}
	assert.ErrorIs(t, context.Cause(ctx), authkit.ErrUnauthenticated)
}

// The log is older than the revocation deadline for a part of the time in which the download goes on anyway.
func TestADownloadGoesOnAfterAnOutageOfTheStoreBeforeItsTime(t *testing.T) {
	r := behaviour.NewReplicas(t, 1, behaviour.AppOptions{AuthKit: []authkit.Option{authkit.WithRevocationDeadline(20 * time.Minute)}})
	one := r.Instances[0]
	looks := watchLooks(one)
	cookie := one.SignedIn(behaviour.Kim).CookieHeader()
	s := behaviour.OpenDownload(t, one, cookie, time.Hour)
	lives := func(minutes int) {
		for range minutes {
			if answer := one.Send(behaviour.Request{Target: "/account", Cookie: cookie}); len(answer.SetCookies(t)) > 0 {
				cookie = answer.NewCookie(t)
			}
			looks.pass(time.Minute)
		}
	}
	readTheLog := func() {
		t.Helper()
		require.Eventually(t, func() bool {
			looks.pass(time.Second)
			return one.Stats().Store.LogReadAt.After(r.Clock.Now().Add(-time.Minute))
		}, 10*time.Second, 10*time.Millisecond, "the log is not read")
	}
	lives(5)
	r.Store.SetDown(true)
	lives(25)
	require.Greater(t, r.Clock.Now().Sub(one.Stats().Store.LogReadAt), 20*time.Minute)
	r.Store.SetDown(false)
	readTheLog()
	for range 6 {
		lives(5)
		readTheLog()
	}
	assert.True(t, s.IsOpen(), "after more than an hour")
	one.SignOut(t, cookie)
	assert.ErrorContains(t, s.Cause(), "signed out")
}
