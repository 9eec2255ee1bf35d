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
			s := OpenStream(t.Context(), t, a, cookie)
			require.True(t, s.IsOpen())
			require.NoError(t, end(a, cookie))
			assert.ErrorIs(t, s.Cause(), authkit.ErrUnauthenticated)
		})
	}
}

func TestAStreamOfAnotherUserDoesNotEnd(t *testing.T) {
	a := NewApp(t, AppOptions{})
	kim, other := a.SignedIn(Kim).CookieHeader(), a.SignedIn(lee).CookieHeader()
	ctx, leave := context.WithCancel(t.Context())
	s := OpenStream(ctx, t, a, other)
	a.SignOut(t, kim)
	require.NoError(t, a.EndUser(t.Context(), "user_kim"))
	assert.True(t, s.IsOpen())
	leave()
	assert.ErrorIs(t, s.Cause(), context.Canceled, "the client has left")
}

func TestAStreamEndsAfterTheExpiryOfTheNewestToken(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	s := OpenStream(t.Context(), t, a, cookie)
	a.Clock.Advance(5*time.Minute - 30*time.Second)
	fresh := a.Send(Request{Target: "/account", Cookie: cookie}).NewCookie(t) // refreshes the session
	a.Clock.Advance(time.Minute)
	require.Equal(t, http.StatusOK, a.Status(t, fresh))
	a.Clock.Advance(4 * time.Minute)
	assert.True(t, s.IsOpen(), "another request has refreshed the session")
	a.Clock.Advance(90 * time.Second)
	assert.ErrorIs(t, s.Cause(), authkit.ErrUnauthenticated)
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh), "the stream refreshes nothing")
}

func TestAStreamEndsAtTheTimeoutsOfTheApplication(t *testing.T) {
	for name, option := range map[string]authkit.Option{
		"absolute": authkit.WithAbsoluteTimeout(2 * time.Minute), "idle": authkit.WithIdleTimeout(2 * time.Minute),
	} {
		t.Run(name, func(t *testing.T) {
			a := NewApp(t, AppOptions{AuthKit: []authkit.Option{option}})
			s := OpenStream(t.Context(), t, a, a.SignedIn(Kim).CookieHeader())
			a.Clock.Advance(119 * time.Second)
			assert.True(t, s.IsOpen())
			a.Clock.Advance(time.Second)
			assert.ErrorIs(t, s.Cause(), authkit.ErrUnauthenticated)
		})
	}
}

func TestAStreamEndsWhenWorkOSHasEndedTheSession(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	s := OpenStream(t.Context(), t, a, cookie)
	a.Fake.RevokeSession(a.SessionID())
	a.Clock.Advance(5*time.Minute - 30*time.Second)
	require.Equal(t, http.StatusUnauthorized, a.Status(t, cookie))
	assert.ErrorContains(t, s.Cause(), "ended by WorkOS")
}

func TestAnOldCopyOfTheCookieDoesNotEndAStream(t *testing.T) {
	a := NewApp(t, AppOptions{})
	old := a.SignedIn(Kim).CookieHeader()
	a.Clock.Advance(10 * time.Minute)
	fresh := a.Send(Request{Target: "/account", Cookie: old}).NewCookie(t)
	require.Equal(t, http.StatusOK, a.Status(t, fresh))
	s := OpenStream(t.Context(), t, a, fresh)
	a.Clock.Advance(2 * time.Minute) // beyond the replay window
	require.Equal(t, http.StatusUnauthorized, a.Status(t, old), "WorkOS refuses the old refresh token")
	assert.True(t, s.IsOpen())
	a.SignOut(t, fresh)
	assert.ErrorContains(t, s.Cause(), "signed out")
}

func TestAnAnonymousStreamHasEnded(t *testing.T) {
	a := NewApp(t, AppOptions{})
	ctx := a.UntilEnd(t.Context())
	assert.Error(t, ctx.Err())
	assert.ErrorIs(t, context.Cause(ctx), authkit.ErrUnauthenticated)
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
			s := OpenDownload(t, a, cookie, 3*time.Hour)
			start := a.Clock.Now()
			end(a, cookie)
			a.Clock.Advance(start.Add(3*time.Hour - time.Second).Sub(a.Clock.Now()))
			require.True(t, s.IsOpen())
			a.Clock.Advance(time.Second)
			a.Clock.Advance(time.Minute) // the next look at an expired token
			assert.ErrorIs(t, s.Cause(), authkit.ErrUnauthenticated)
		})
	}
}

func TestADownloadGoesOnAfterItsTimeWithASessionThatWasRefreshed(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	s := OpenDownload(t, a, cookie, time.Hour)
	for range 15 { // nothing refreshes the session for a quarter of an hour
		a.Clock.Advance(time.Minute)
	}
	for range 50 {
		if answer := a.Send(Request{Target: "/account", Cookie: cookie}); len(answer.SetCookies(t)) > 0 {
			cookie = answer.NewCookie(t)
		}
		a.Clock.Advance(time.Minute)
	}
	assert.True(t, s.IsOpen(), "an hour and five minutes")
	a.SignOut(t, cookie)
	assert.ErrorContains(t, s.Cause(), "signed out")
}
