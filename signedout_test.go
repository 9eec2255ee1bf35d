// Signed-out sessions: their marks, and the orders that signedout.go lists.

package authkit

import (
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/replica"
	"github.com/authkit-go/authkit/internal/sessioncache"
)

// sessionFor returns a session with the given ID and times, as if it was opened
// from a cookie.
func sessionFor(t testing.TB, id string, signedInAt, issuedAt, expiresAt time.Time) *Session {
	t.Helper()
	s := NewSession(SessionParams{ID: id, ExpiresAt: expiresAt, Claims: map[string]any{"iat": issuedAt.Unix()}})
	s.sealed.SignedInAt = signedInAt
	s.sealed.RefreshToken = "refresh " + id
	return s
}

// newOffline returns an AuthKit that can make no call.
func newOffline(t testing.TB, clock Clock, opts ...Option) *AuthKit {
	t.Helper()
	a, err := New(append([]Option{
		WithAPIKey("sk_1"), WithClientID("client_1"), WithCookiePassword("0123456789abcdef0123456789abcdef"),
		WithRedirectURL("https://app.example.com/callback"), WithLogger(slog.New(slog.DiscardHandler)),
		WithHTTPClient(&http.Client{Transport: unreachable{}}), WithClock(clock),
	}, opts...)...)
	require.NoError(t, err)
	return a
}

// A request with a cached session and its sign-out run at the same time: one of
// them runs completely between two steps of the other. The next request must be
// refused.
func TestACachedSessionIsRefusedAfterASignOutDuringItsRequest(t *testing.T) {
	for _, step := range []string{"marked"} {
		t.Run("request during the sign-out, "+step, func(t *testing.T) {
			clock := newSetClock()
			a := newOffline(t, clock)
			s := sessionFor(t, "session_1", clock.now.Add(-time.Minute), clock.now, clock.now.Add(time.Hour))
			entry := &sessioncache.Entry[*Session]{Value: s}
			require.False(t, a.standingSince(entry, true).signedOut)
			calls := 0
			a.signedOut.step = func(at string) {
				if at == step && calls == 0 {
					calls++
					a.standingSince(entry, true)
				}
			}
			a.markSignedOut(s, true, 0)
			require.Equal(t, 1, calls)
			assert.True(t, a.standingSince(entry, true).signedOut)
		})
	}
	for _, step := range []string{"epoch read", "no mark found"} {
		t.Run("sign-out during the request, "+step, func(t *testing.T) {
			clock := newSetClock()
			a := newOffline(t, clock)
			s := sessionFor(t, "session_1", clock.now.Add(-time.Minute), clock.now, clock.now.Add(time.Hour))
			entry := &sessioncache.Entry[*Session]{Value: s}
			calls := 0
			a.signedOut.step = func(at string) {
				if at == step && calls == 0 {
					calls++
					a.markSignedOut(s, true, 0)
				}
			}
			a.standingSince(entry, true) // this request may come before the sign-out
			require.Equal(t, 1, calls)
			assert.True(t, a.standingSince(entry, true).signedOut)
		})
	}
}

// The same for the end of a session or a user by its ID: a request runs between two steps of the first one.
func TestACachedSessionIsRefusedAfterANoticeDuringItsRequest(t *testing.T) {
	clock := newSetClock()
	for name, key := range map[string]string{"session": noticeKey(replica.SessionEnded, "session_1"), "user": noticeKey(replica.UserEnded, "user_1")} {
		t.Run(name, func(t *testing.T) {
			a := newOffline(t, clock)
			s := NewSession(SessionParams{ID: "session_1", User: User{ID: "user_1"}, ExpiresAt: clock.now.Add(time.Hour)})
			entry := &sessioncache.Entry[*Session]{Value: s}
			require.False(t, a.standingSince(entry, true).signedOut)
			calls := 0
			a.signedOut.step = func(at string) {
				if at == "noted" {
					calls++
					a.standingSince(entry, true)
				}
			}
			a.signedOut.note(key, clock.now, clock.now.Add(time.Hour))
			require.Equal(t, 1, calls)
			assert.True(t, a.standingSince(entry, true).signedOut)
		})
	}
}

// A session is verified, then signed out, then cached.
func TestASessionThatIsCachedAfterItsSignOutIsRefused(t *testing.T) {
	clock := newSetClock()
	a := newOffline(t, clock)
	s := sessionFor(t, "session_1", clock.now.Add(-time.Minute), clock.now, clock.now.Add(time.Hour))
	cookie := []string{"sealed"}
	a.markSignedOut(s, false, 0)
	a.cache.Put(sessioncache.Cookie, cookie[0], s, s.size())
	assert.True(t, a.standingSince(a.cache.Get(sessioncache.Cookie, cookie), true).signedOut)
}

// The clock that dates a sign-in may be ahead by up to a minute.
func TestASignOutHoldsIfTheClockOfTheSignInIsAhead(t *testing.T) {
	clock := newSetClock()
	a := newOffline(t, clock)
	for _, ahead := range []time.Duration{0, time.Millisecond, time.Second, 59 * time.Second} {
		id := fmt.Sprintf("session_%d", ahead)
		s := sessionFor(t, id, clock.now.Add(ahead), clock.now.Add(ahead), clock.now.Add(ahead+5*time.Minute))
		a.markSignedOut(s, false, 0)
		assert.True(t, a.isSignedOut(s), ahead)

		again := sessionFor(t, id, a.signInTime(id, "user_1", allNotices), clock.now.Add(ahead), clock.now.Add(ahead+5*time.Minute))
		assert.False(t, a.isSignedOut(again), "a later sign-in is accepted, clock ahead by %s", ahead)
		resealed := sessionFor(t, id, time.UnixMilli(again.SignedInAt().UnixMilli()), clock.now, clock.now.Add(5*time.Minute))
		assert.False(t, a.isSignedOut(resealed), "with the precision of the seal too, clock ahead by %s", ahead)

		older := sessionFor(t, id, clock.now.Add(-time.Hour), clock.now, clock.now.Add(5*time.Minute))
		a.markSignedOut(older, false, 0)
		assert.True(t, a.isSignedOut(s), "the sign-out of an older cookie does not undo the first one, clock ahead by %s", ahead)
	}
	assert.Equal(t, clock.now, a.signInTime("session_another", "user_1", allNotices))
}

func TestASignInInTheSameMillisecondAsASignOutIsAccepted(t *testing.T) {
	clock := newSetClock()
	a := newOffline(t, clock)
	clock.now = clock.now.Add(200 * time.Microsecond)
	s := sessionFor(t, "session_1", clock.now.Add(-time.Minute), clock.now, clock.now.Add(5*time.Minute))
	a.markSignedOut(s, true, 0)
	clock.now = clock.now.Add(500 * time.Microsecond)
	at := a.signInTime("session_1", "user_1", allNotices)
	resealed := sessionFor(t, "session_1", time.UnixMilli(at.UnixMilli()), clock.now, clock.now.Add(5*time.Minute))
	assert.False(t, a.isSignedOut(resealed), "the sign-in time with the precision of the cookie")
}

// An attacker signs out more expired sessions than there are marks.
func TestSignOutsOfExpiredSessionsEvictNoMarkOfASessionInUse(t *testing.T) {
	clock := newSetClock()
	a := newOffline(t, clock)
	s := sessionFor(t, "session_1", clock.now.Add(-time.Minute), clock.now, clock.now.Add(5*time.Minute))
	served := sessionFor(t, "session_2", clock.now.Add(-time.Hour), clock.now.Add(-time.Hour), clock.now.Add(-55*time.Minute))
	a.markSignedOut(s, false, 0)
	a.markSignedOut(served, true, 0)
	old := sessionFor(t, "session_0", clock.now.Add(-24*time.Hour), clock.now.Add(-24*time.Hour), clock.now.Add(-24*time.Hour+5*time.Minute))
	for i := range signedOutLimit + 100 {
		a.signedOut.mark("session_old_"+strconv.Itoa(i), clock.now, clock.now.Add(time.Hour), false)
	}
	a.markSignedOut(old, false, 0)
	assert.True(t, a.isSignedOut(s))
	assert.True(t, a.isSignedOut(served), "an expired session that this process has served is in use")
	assert.True(t, a.isSignedOut(old))
	assert.LessOrEqual(t, a.signedOut.expired.Len(), signedOutLimit)
	assert.LessOrEqual(t, a.signedOut.live.Len(), 2)
}
