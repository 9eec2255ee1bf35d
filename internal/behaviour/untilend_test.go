// UntilEnd: long requests and the end of their sessions.

package behaviour

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// stream is a long request that waits for the end of its session.
type stream struct {
	t     *testing.T
	ended chan error // gets the cause
}

// cause waits for the end of the stream and returns its cause.
func (s *stream) cause() error {
	s.t.Helper()
	select {
	case err := <-s.ended:
		return err
	case <-time.After(10 * time.Second):
		require.Fail(s.t, "the stream has not ended")
		return nil
	}
}

// isOpen reports whether the stream has not ended.
func (s *stream) isOpen() bool { return len(s.ended) == 0 }

// openStream starts a long request and waits until its handler runs. The client leaves when ctx ends.
func openStream(ctx context.Context, t *testing.T, a *App, cookie string) *stream {
	t.Helper()
	return openUntil(ctx, t, a, cookie, a.UntilEnd)
}

// openDownload is openStream for a response that may go on for a time whatever happens to its session.
func openDownload(t *testing.T, a *App, cookie string, d time.Duration) *stream {
	t.Helper()
	return openUntil(t.Context(), t, a, cookie, func(ctx context.Context) context.Context { return a.UntilEndAfter(ctx, d) })
}

// openUntil starts a request whose handler returns when the context of until ends.
func openUntil(ctx context.Context, t *testing.T, a *App, cookie string, until func(context.Context) context.Context) *stream {
	t.Helper()
	s := &stream{t: t, ended: make(chan error, 1)}
	begun := make(chan struct{})
	a.Mux.Handle("/stream/"+t.Name(), a.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		ctx := until(r.Context())
		close(begun)
		<-ctx.Done()
		s.ended <- context.Cause(ctx)
	})))
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, a.URL+"/stream/"+t.Name(), nil)
	require.NoError(t, err)
	r.Header.Set("Cookie", cookie)
	go func() {
		if resp, err := a.client.RoundTrip(r); err == nil {
			resp.Body.Close()
		}
	}()
	<-begun
	return s
}

func TestAStreamEndsAtOnceWithItsSession(t *testing.T) {
	for name, end := range map[string]func(a *App, cookie string) error{
		"sign-out": func(a *App, cookie string) error { a.SignOut(a.T, cookie); return nil },
		"EndSession": func(a *App, _ string) error {
			return a.EndSession(a.T.Context(), a.SessionID())
		},
		"EndUser": func(a *App, _ string) error { return a.EndUser(a.T.Context(), "user_kim") },
	} {
		t.Run(name, func(t *testing.T) {
			a := NewApp(t, AppOptions{})
			cookie := a.SignedIn(Kim).CookieHeader()
			s := openStream(t.Context(), t, a, cookie)
			require.True(t, s.isOpen())
			require.NoError(t, end(a, cookie))
			assert.ErrorIs(t, s.cause(), authkit.ErrUnauthenticated)
		})
	}
}

func TestAStreamOfAnotherUserDoesNotEnd(t *testing.T) {
	a := NewApp(t, AppOptions{})
	kim, other := a.SignedIn(Kim).CookieHeader(), a.SignedIn(lee).CookieHeader()
	ctx, leave := context.WithCancel(t.Context())
	s := openStream(ctx, t, a, other)
	a.SignOut(t, kim)
	require.NoError(t, a.EndUser(t.Context(), "user_kim"))
	assert.True(t, s.isOpen())
	leave()
	assert.ErrorIs(t, s.cause(), context.Canceled, "the client has left")
}

func TestAStreamEndsAfterTheExpiryOfTheNewestToken(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	s := openStream(t.Context(), t, a, cookie)
	a.Clock.Advance(5*time.Minute - 30*time.Second)
	fresh := a.Send(Request{Target: "/account", Cookie: cookie}).NewCookie(t) // refreshes the session
	a.Clock.Advance(time.Minute)
	require.Equal(t, http.StatusOK, a.Status(t, fresh))
	a.Clock.Advance(4 * time.Minute)
	assert.True(t, s.isOpen(), "another request has refreshed the session")
	a.Clock.Advance(90 * time.Second)
	assert.ErrorIs(t, s.cause(), authkit.ErrUnauthenticated)
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh), "the stream refreshes nothing")
}

func TestAStreamEndsAtTheTimeoutsOfTheApplication(t *testing.T) {
	for name, option := range map[string]authkit.Option{
		"absolute": authkit.WithAbsoluteTimeout(2 * time.Minute), "idle": authkit.WithIdleTimeout(2 * time.Minute),
	} {
		t.Run(name, func(t *testing.T) {
			a := NewApp(t, AppOptions{AuthKit: []authkit.Option{option}})
			s := openStream(t.Context(), t, a, a.SignedIn(Kim).CookieHeader())
			a.Clock.Advance(119 * time.Second)
			assert.True(t, s.isOpen())
			a.Clock.Advance(time.Second)
			assert.ErrorIs(t, s.cause(), authkit.ErrUnauthenticated)
		})
	}
}

func TestAStreamEndsWhenWorkOSHasEndedTheSession(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	s := openStream(t.Context(), t, a, cookie)
	a.Fake.RevokeSession(a.SessionID())
	a.Clock.Advance(5*time.Minute - 30*time.Second)
	require.Equal(t, http.StatusUnauthorized, a.Status(t, cookie))
	assert.ErrorContains(t, s.cause(), "ended by WorkOS")
}

func TestAnOldCopyOfTheCookieDoesNotEndAStream(t *testing.T) {
	a := NewApp(t, AppOptions{})
	old := a.SignedIn(Kim).CookieHeader()
	a.Clock.Advance(10 * time.Minute)
	fresh := a.Send(Request{Target: "/account", Cookie: old}).NewCookie(t)
	require.Equal(t, http.StatusOK, a.Status(t, fresh))
	s := openStream(t.Context(), t, a, fresh)
	a.Clock.Advance(2 * time.Minute) // beyond the replay window
	require.Equal(t, http.StatusUnauthorized, a.Status(t, old), "WorkOS refuses the old refresh token")
	assert.True(t, s.isOpen())
	a.SignOut(t, fresh)
	assert.ErrorContains(t, s.cause(), "signed out")
}

func TestAnAnonymousStreamHasEnded(t *testing.T) {
	a := NewApp(t, AppOptions{})
	ctx := a.UntilEnd(t.Context())
	assert.Error(t, ctx.Err())
	assert.ErrorIs(t, context.Cause(ctx), authkit.ErrUnauthenticated)
}

func TestASignOutAtAnotherInstanceEndsAStream(t *testing.T) {
	r := NewReplicas(t, 2, AppOptions{})
	one, two := r.Instances[0], r.Instances[1]
	cookie := one.SignedIn(Kim).CookieHeader()
	s := openStream(t.Context(), t, one, cookie)
	for range 4 { // without another request at the instance of the stream
		r.Clock.Advance(time.Minute)
	}
	require.True(t, s.isOpen())
	two.SignOut(t, cookie)
	assert.ErrorContains(t, s.cause(), "signed out")
}

func TestARefreshAtAnotherInstanceKeepsAStream(t *testing.T) {
	r := NewReplicas(t, 2, AppOptions{})
	one, two := r.Instances[0], r.Instances[1]
	cookie := one.SignedIn(Kim).CookieHeader()
	s := openStream(t.Context(), t, one, cookie)
	r.Clock.Advance(5*time.Minute - 30*time.Second)
	fresh := two.Send(Request{Target: "/account", Cookie: cookie}).NewCookie(t)
	for range 10 {
		r.Clock.Advance(20 * time.Second)
	}
	assert.True(t, s.isOpen())
	two.SignOut(t, fresh)
	assert.ErrorContains(t, s.cause(), "signed out")
}

func TestADeliveredRefreshAtAnotherInstanceKeepsAStream(t *testing.T) {
	r := NewReplicas(t, 2, AppOptions{})
	one, two := r.Instances[0], r.Instances[1]
	cookie := one.SignedIn(Kim).CookieHeader()
	s := openStream(t.Context(), t, one, cookie)
	r.Clock.Advance(5*time.Minute - 50*time.Second)
	fresh := two.Send(Request{Target: "/account", Cookie: cookie}).NewCookie(t)
	require.Equal(t, http.StatusOK, two.Status(t, fresh), "the browser presents the new cookie")
	for range 10 {
		r.Clock.Advance(20 * time.Second)
	}
	assert.True(t, s.isOpen())
	two.SignOut(t, fresh)
	assert.ErrorContains(t, s.cause(), "signed out")
}

func TestADownloadEndsNotBeforeItsTimeAndThenWithItsSession(t *testing.T) {
	for name, end := range map[string]func(a *App, cookie string){
		"signed out":    func(a *App, cookie string) { a.SignOut(a.T, cookie) },
		"not refreshed": func(*App, string) {},
		"ended by WorkOS": func(a *App, cookie string) {
			a.Fake.RevokeSession(a.SessionID())
			a.Clock.Advance(5*time.Minute - 30*time.Second)
			require.Equal(a.T, http.StatusUnauthorized, a.Status(a.T, cookie))
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := NewApp(t, AppOptions{})
			cookie := a.SignedIn(Kim).CookieHeader()
			s := openDownload(t, a, cookie, 3*time.Hour)
			start := a.Clock.Now()
			end(a, cookie)
			a.Clock.Advance(start.Add(3*time.Hour - time.Second).Sub(a.Clock.Now()))
			require.True(t, s.isOpen())
			a.Clock.Advance(time.Second)
			a.Clock.Advance(time.Minute) // the next look at an expired token
			assert.ErrorIs(t, s.cause(), authkit.ErrUnauthenticated)
		})
	}
}

func TestADownloadGoesOnAfterItsTimeWithASessionThatWasRefreshed(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	s := openDownload(t, a, cookie, time.Hour)
	for range 15 { // nothing refreshes the session for a quarter of an hour
		a.Clock.Advance(time.Minute)
	}
	for range 50 {
		if answer := a.Send(Request{Target: "/account", Cookie: cookie}); len(answer.SetCookies(t)) > 0 {
			cookie = answer.NewCookie(t)
		}
		a.Clock.Advance(time.Minute)
	}
	assert.True(t, s.isOpen(), "an hour and five minutes")
	a.SignOut(t, cookie)
	assert.ErrorContains(t, s.cause(), "signed out")
}

func TestADownloadGoesOnAfterItsTimeIfAnotherInstanceHasRefreshedItsSession(t *testing.T) {
	r := NewReplicas(t, 2, AppOptions{})
	one, two := r.Instances[0], r.Instances[1]
	cookie := one.SignedIn(Kim).CookieHeader()
	s := openDownload(t, one, cookie, 30*time.Minute)
	for range 35 {
		if answer := two.Send(Request{Target: "/account", Cookie: cookie}); len(answer.SetCookies(t)) > 0 {
			cookie = answer.NewCookie(t)
		}
		r.Clock.Advance(time.Minute)
	}
	// The watch of the download uses the log once a minute. It may be behind the clock, which has moved fast, and the log is not
	// read after two minutes without use.
	r.settle(t)
	require.Equal(t, http.StatusOK, one.Status(t, cookie), "the log is in use")
	assert.True(t, s.isOpen())
	two.SignOut(t, cookie)
	assert.ErrorContains(t, s.cause(), "signed out")
}
