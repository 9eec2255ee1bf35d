// Signing out: the marks of one process, the orders that they need, and what WorkOS is told.

package authkit

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/sessioncache"
	"github.com/authkit-go/authkit/workos"
)

// sessionFor is a session by its parts, as a seal would vouch for it.
func sessionFor(t testing.TB, id string, signedInAt, issuedAt, expiresAt time.Time) *Session {
	t.Helper()
	s := NewSession(SessionParams{ID: id, ExpiresAt: expiresAt, Claims: map[string]any{"iat": issuedAt.Unix()}})
	s.sealed.SignedInAt = signedInAt
	s.sealed.RefreshToken = "refresh " + id
	return s
}

// deaf is an AuthKit that nothing leaves, on a clock that a test sets.
func deaf(t testing.TB, clock Clock, opts ...Option) *AuthKit {
	t.Helper()
	a, err := New(append([]Option{
		WithAPIKey("sk_1"), WithClientID("client_1"), WithCookiePassword("0123456789abcdef0123456789abcdef"),
		WithRedirectURL("https://app.example.com/callback"), WithLogger(slog.New(slog.DiscardHandler)),
		WithHTTPClient(&http.Client{Transport: unreachable{}}), WithClock(clock),
	}, opts...)...)
	require.NoError(t, err)
	return a
}

// A sign-out that a request with a cached session falls into. Whatever the step
// that the request meets, it is refused from then on.
func TestNoCachedSessionOutlivesASignOutThatItsRequestFallsInto(t *testing.T) {
	for _, step := range []string{"marked"} {
		t.Run("the request falls into the sign-out: "+step, func(t *testing.T) {
			clock := newSetClock()
			a := deaf(t, clock)
			s := sessionFor(t, "session_1", clock.now.Add(-time.Minute), clock.now, clock.now.Add(time.Hour))
			entry := &sessioncache.Entry[*Session]{Value: s}
			require.False(t, a.isSignedOutSince(entry))
			inside := 0
			a.signedOut.step = func(at string) {
				if at == step && inside == 0 {
					inside++
					a.isSignedOutSince(entry)
				}
			}
			a.markSignedOut(s, true, 0)
			require.Equal(t, 1, inside)
			assert.True(t, a.isSignedOutSince(entry))
		})
	}
	for _, step := range []string{"epoch read", "no mark found"} {
		t.Run("the sign-out falls into the request: "+step, func(t *testing.T) {
			clock := newSetClock()
			a := deaf(t, clock)
			s := sessionFor(t, "session_1", clock.now.Add(-time.Minute), clock.now, clock.now.Add(time.Hour))
			entry := &sessioncache.Entry[*Session]{Value: s}
			inside := 0
			a.signedOut.step = func(at string) {
				if at == step && inside == 0 {
					inside++
					a.markSignedOut(s, true, 0)
				}
			}
			a.isSignedOutSince(entry) // it may have been faster
			require.Equal(t, 1, inside)
			assert.True(t, a.isSignedOutSince(entry))
		})
	}
}

// A session is verified, signed out, and put into the cache after that.
func TestASessionThatIsCachedAfterItsSignOutIsChecked(t *testing.T) {
	clock := newSetClock()
	a := deaf(t, clock)
	s := sessionFor(t, "session_1", clock.now.Add(-time.Minute), clock.now, clock.now.Add(time.Hour))
	cookie := []string{"sealed"}
	a.markSignedOut(s, false, 0)
	a.cache.Put(cookie, s, s.size())
	assert.True(t, a.isSignedOutSince(a.cache.Get(cookie)))
}

// Finding A13.
func TestASignOutHoldsWhateverTheClocksSay(t *testing.T) {
	clock := newSetClock()
	a := deaf(t, clock)
	for _, ahead := range []time.Duration{0, time.Millisecond, time.Second, 59 * time.Second} {
		id := fmt.Sprintf("session_%d", ahead)
		s := sessionFor(t, id, clock.now.Add(ahead), clock.now.Add(ahead), clock.now.Add(ahead+5*time.Minute))
		a.markSignedOut(s, false, 0)
		assert.True(t, a.isSignedOut(s), ahead)

		again := sessionFor(t, id, a.signInTime(id), clock.now.Add(ahead), clock.now.Add(ahead+5*time.Minute))
		assert.False(t, a.isSignedOut(again), "a sign-in that comes after it counts: %s", ahead)
		resealed := sessionFor(t, id, time.UnixMilli(again.SignedInAt().UnixMilli()), clock.now, clock.now.Add(5*time.Minute))
		assert.False(t, a.isSignedOut(resealed), "in the precision of the seal too: %s", ahead)

		older := sessionFor(t, id, clock.now.Add(-time.Hour), clock.now, clock.now.Add(5*time.Minute))
		a.markSignedOut(older, false, 0)
		assert.True(t, a.isSignedOut(s), "an older cookie takes nothing back: %s", ahead)
	}
	assert.Equal(t, clock.now, a.signInTime("session_another"))
}

func TestASignInWithinTheMillisecondOfASignOutCounts(t *testing.T) {
	clock := newSetClock()
	a := deaf(t, clock)
	clock.now = clock.now.Add(200 * time.Microsecond)
	s := sessionFor(t, "session_1", clock.now.Add(-time.Minute), clock.now, clock.now.Add(5*time.Minute))
	a.markSignedOut(s, true, 0)
	clock.now = clock.now.Add(500 * time.Microsecond)
	at := a.signInTime("session_1")
	resealed := sessionFor(t, "session_1", time.UnixMilli(at.UnixMilli()), clock.now, clock.now.Add(5*time.Minute))
	assert.False(t, a.isSignedOut(resealed), "the new sign-in, as its cookie has it")
}

// Finding A12.
func TestSignOutsOfOldSessionsPushNoMarkOut(t *testing.T) {
	clock := newSetClock()
	a := deaf(t, clock)
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
	assert.True(t, a.isSignedOut(served), "this process has served it")
	assert.True(t, a.isSignedOut(old))
	assert.LessOrEqual(t, a.signedOut.expired.Len(), signedOutLimit)
	assert.LessOrEqual(t, a.signedOut.live.Len(), 2)
}

// steppingClock has timers that a test lets go off.
type steppingClock struct {
	*setClock
	timers []*steppingTimer
}

type steppingTimer struct {
	at   time.Time
	f    func()
	done bool
}

func (c *steppingClock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	timer := &steppingTimer{at: c.now.Add(d), f: f}
	c.timers = append(c.timers, timer)
	return func() bool {
		was := timer.done
		timer.done = true
		return !was
	}
}

func (c *steppingClock) advance(d time.Duration) {
	c.now = c.now.Add(d)
	for _, timer := range c.timers {
		if !timer.done && !timer.at.After(c.now) {
			timer.done = true
			timer.f()
		}
	}
}

// upstreamCalls is WorkOS as far as revoking goes.
type upstreamCalls struct {
	revoked   chan string // the path of each call
	finished  chan string // the log line that each attempt ends with
	answer    atomic.Pointer[func(http.ResponseWriter)]
	transport atomic.Pointer[http.RoundTripper] // instead of the network's
}

// RoundTrip makes the calls.
func (up *upstreamCalls) RoundTrip(r *http.Request) (*http.Response, error) {
	if transport := up.transport.Load(); transport != nil {
		return (*transport).RoundTrip(r)
	}
	return http.DefaultTransport.RoundTrip(r)
}

// Write takes the lines of the log.
func (up *upstreamCalls) Write(line []byte) (int, error) {
	up.finished <- string(line)
	return len(line), nil
}

func revoking(t testing.TB, clock *steppingClock) (*revocations, *upstreamCalls) {
	up := &upstreamCalls{revoked: make(chan string, 100), finished: make(chan string, 1000)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if answer := up.answer.Load(); answer != nil {
			(*answer)(w)
		} else {
			w.WriteHeader(http.StatusOK)
		}
		up.revoked <- r.URL.Path
	}))
	t.Cleanup(server.Close)
	// The calls' own deadlines run on the system's clock: this one belongs to the test's goroutine.
	client, err := workos.NewClient("client_1", workos.WithAPIKey("sk_1"), workos.WithBaseURL(server.URL), workos.WithHTTPClient(&http.Client{Transport: up}))
	require.NoError(t, err)
	log := slog.New(slog.NewTextHandler(up, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return newRevocations(client, clock, log), up
}

// after waits for the end of so many attempts and returns how many sessions wait.
func (v *revocations) after(up *upstreamCalls, attempts int) (waiting int) {
	for range attempts {
		<-up.finished
	}
	v.mu.Lock() // held until the attempt's outcome is noted
	defer v.mu.Unlock()
	return len(v.waiting)
}

func TestARevocationThatFailsIsTriedAgainAFewTimes(t *testing.T) {
	clock := &steppingClock{setClock: newSetClock()}
	v, up := revoking(t, clock)
	failing := func(w http.ResponseWriter) { w.WriteHeader(http.StatusBadGateway) }
	up.answer.Store(&failing)
	v.revoke(sessionFor(t, "session_1", clock.now, clock.now, clock.now), 0)
	<-up.revoked
	require.Equal(t, 1, v.after(up, 1))
	for _, pause := range revokePauses {
		clock.advance(pause - time.Millisecond)
		require.Empty(t, up.revoked)
		clock.advance(time.Millisecond)
		<-up.revoked
		v.after(up, 1)
	}
	v.mu.Lock()
	assert.Empty(t, v.waiting, "then it is given up")
	v.mu.Unlock()
	clock.advance(time.Hour)
	assert.Empty(t, up.revoked)

	limited := func(w http.ResponseWriter) {
		w.Header().Set("Retry-After", "20")
		w.WriteHeader(http.StatusTooManyRequests)
	}
	up.answer.Store(&limited)
	v.revoke(sessionFor(t, "session_2", clock.now, clock.now, clock.now), 0)
	<-up.revoked
	v.after(up, 1)
	up.answer.Store(nil)
	require.Equal(t, clock.now.Add(20*time.Second), clock.timers[len(clock.timers)-1].at, "Retry-After is obeyed")
	clock.advance(20 * time.Second)
	<-up.revoked
	assert.Zero(t, v.after(up, 1))
}

func TestARevocationThatWorkOSRefusesIsOver(t *testing.T) {
	clock := &steppingClock{setClock: newSetClock()}
	v, up := revoking(t, clock)
	for _, status := range []int{400, 401, 403, 404, 422} {
		refusing := func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			fmt.Fprint(w, `{"message":"no"}`)
		}
		up.answer.Store(&refusing)
		v.revoke(sessionFor(t, "session_"+strconv.Itoa(status), clock.now, clock.now, clock.now), 0)
		<-up.revoked
		assert.Zero(t, v.after(up, 1), status)
	}
}

func TestFewSessionsAreRevokedAtOnceAndNoneIsCalledOffInMidCall(t *testing.T) {
	clock := &steppingClock{setClock: newSetClock()}
	v, up := revoking(t, clock)
	arrived, goOn := make(chan struct{}, 100), make(chan struct{})
	holding := func(w http.ResponseWriter) {
		arrived <- struct{}{}
		<-goOn
		w.WriteHeader(http.StatusOK)
	}
	up.answer.Store(&holding)
	for i := range 3 * maxRevoking {
		v.revoke(sessionFor(t, "session_"+strconv.Itoa(i), clock.now, clock.now, clock.now), 0)
	}
	for range maxRevoking {
		<-arrived
	}
	v.mu.Lock()
	assert.Equal(t, maxRevoking, v.calls)
	assert.Len(t, v.due, 2*maxRevoking)
	v.mu.Unlock()
	assert.Nil(t, v.cancel("session_0"), "its call is being made")
	last := "session_" + strconv.Itoa(3*maxRevoking-1)
	require.NotNil(t, v.cancel(last), "its call is due")
	close(goOn)
	assert.Zero(t, v.after(up, 3*maxRevoking-1))
	assert.Len(t, up.revoked, 3*maxRevoking-1)
}

func TestWhatWaitsToBeRevokedIsBoundedAndWaitsOnce(t *testing.T) {
	clock := &steppingClock{setClock: newSetClock()}
	v, up := revoking(t, clock)
	s := func(i int) *Session {
		return sessionFor(t, "session_"+strconv.Itoa(i), clock.now, clock.now, clock.now)
	}
	for range 3 {
		v.revoke(s(1), logoutGrace)
	}
	require.Len(t, clock.timers, 1)
	v.revoke(s(1), 0)
	<-up.revoked
	require.Zero(t, v.after(up, 1))
	clock.advance(logoutGrace)
	require.Empty(t, up.revoked, "once is enough")

	for i := range maxRevocations + 100 {
		v.revoke(s(i+2), logoutGrace)
	}
	assert.Len(t, v.waiting, maxRevocations)
	assert.Len(t, up.finished, 100, "the log tells of those that are too many")
	for i := range maxRevocations {
		v.cancel("session_" + strconv.Itoa(i+2))
	}
	assert.Empty(t, v.waiting)
	clock.advance(logoutGrace)
	assert.Empty(t, up.revoked, "they were called off")

	var public *revocations
	public.revoke(s(1), 0)
	public.cancel("session_1")
}

func TestATransportThatPanicsOrEndsItsGoroutineDoesNotStopRevoking(t *testing.T) {
	clock := &steppingClock{setClock: newSetClock()}
	v, up := revoking(t, clock)
	for name, transport := range map[string]http.RoundTripper{"panics": unreachable{}, "ends its goroutine": ending{}} {
		up.transport.Store(&transport)
		for i := range 2 * maxRevoking {
			v.revoke(sessionFor(t, name+strconv.Itoa(i), clock.now, clock.now, clock.now), 0)
		}
		assert.Equal(t, 2*maxRevoking, v.after(up, 2*maxRevoking), name)
		up.transport.Store(nil)
		clock.advance(revokePauses[0])
		assert.Zero(t, v.after(up, 2*maxRevoking), name)
		assert.Len(t, up.revoked, 2*maxRevoking, name)
		for range 2 * maxRevoking {
			<-up.revoked
		}
	}
}

// ending is a transport that ends its goroutine.
type ending struct{}

func (ending) RoundTrip(*http.Request) (*http.Response, error) {
	runtime.Goexit()
	return nil, nil
}
