// Revocations: retries, limits and cancelling.

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

	"github.com/authkit-go/authkit/workos"
)

// steppingClock is a clock whose timers run when the test advances it.
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

// upstreamCalls is a server for revocations, the transport to it and the log.
type upstreamCalls struct {
	revoked   chan string // the path of each call
	finished  chan string // the log line of each attempt
	answer    atomic.Pointer[func(http.ResponseWriter)]
	transport atomic.Pointer[http.RoundTripper] // used instead of the network if set
}

// RoundTrip implements http.RoundTripper for the calls.
func (up *upstreamCalls) RoundTrip(r *http.Request) (*http.Response, error) {
	if transport := up.transport.Load(); transport != nil {
		return (*transport).RoundTrip(r)
	}
	return http.DefaultTransport.RoundTrip(r)
}

// Write implements io.Writer for the log.
func (up *upstreamCalls) Write(line []byte) (int, error) {
	up.finished <- string(line)
	return len(line), nil
}

// newTestRevocations returns revocations that call a test server.
func newTestRevocations(t testing.TB, clock *steppingClock) (*revocations, *upstreamCalls) {
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
	// The client keeps the system clock, because a steppingClock is not safe for
	// concurrent use.
	client, err := workos.NewClient("client_1", workos.WithAPIKey("sk_1"), workos.WithBaseURL(server.URL), workos.WithHTTPClient(&http.Client{Transport: up}))
	require.NoError(t, err)
	log := slog.New(slog.NewTextHandler(up, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return newRevocations(client, clock, log), up
}

// waitFor waits for the end of attempts and returns how many sessions wait then.
func (r *revocations) waitFor(up *upstreamCalls, attempts int) (waiting int) {
	for range attempts {
		<-up.finished
	}
	r.mu.Lock() // finish holds it until the result is recorded
	defer r.mu.Unlock()
	return len(r.waiting)
}

func TestAFailedRevocationIsRetriedAFewTimes(t *testing.T) {
	clock := &steppingClock{setClock: newSetClock()}
	r, up := newTestRevocations(t, clock)
	failing := func(w http.ResponseWriter) { w.WriteHeader(http.StatusBadGateway) }
	up.answer.Store(&failing)
	r.revoke(sessionFor(t, "session_1", clock.now, clock.now, clock.now), 0)
	<-up.revoked
	require.Equal(t, 1, r.waitFor(up, 1))
	for _, pause := range revokePauses {
		clock.advance(pause - time.Millisecond)
		require.Empty(t, up.revoked)
		clock.advance(time.Millisecond)
		<-up.revoked
		r.waitFor(up, 1)
	}
	r.mu.Lock()
	assert.Empty(t, r.waiting, "no further attempt follows")
	r.mu.Unlock()
	clock.advance(time.Hour)
	assert.Empty(t, up.revoked)

	limited := func(w http.ResponseWriter) {
		w.Header().Set("Retry-After", "20")
		w.WriteHeader(http.StatusTooManyRequests)
	}
	up.answer.Store(&limited)
	r.revoke(sessionFor(t, "session_2", clock.now, clock.now, clock.now), 0)
	<-up.revoked
	r.waitFor(up, 1)
	up.answer.Store(nil)
	require.Equal(t, clock.now.Add(20*time.Second), clock.timers[len(clock.timers)-1].at, "the pause is that of Retry-After")
	clock.advance(20 * time.Second)
	<-up.revoked
	assert.Zero(t, r.waitFor(up, 1))
}

func TestARefusedRevocationIsNotRetried(t *testing.T) {
	clock := &steppingClock{setClock: newSetClock()}
	r, up := newTestRevocations(t, clock)
	for _, status := range []int{400, 401, 403, 404, 422} {
		refusing := func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			fmt.Fprint(w, `{"message":"no"}`)
		}
		up.answer.Store(&refusing)
		r.revoke(sessionFor(t, "session_"+strconv.Itoa(status), clock.now, clock.now, clock.now), 0)
		<-up.revoked
		assert.Zero(t, r.waitFor(up, 1), status)
	}
}

func TestFewRevocationsRunAtOnceAndARunningOneIsNotCancelled(t *testing.T) {
	clock := &steppingClock{setClock: newSetClock()}
	r, up := newTestRevocations(t, clock)
	arrived, release := make(chan struct{}, 100), make(chan struct{})
	waiting := func(w http.ResponseWriter) {
		arrived <- struct{}{}
		<-release
		w.WriteHeader(http.StatusOK)
	}
	up.answer.Store(&waiting)
	for i := range 3 * maxRevoking {
		r.revoke(sessionFor(t, "session_"+strconv.Itoa(i), clock.now, clock.now, clock.now), 0)
	}
	for range maxRevoking {
		<-arrived
	}
	r.mu.Lock()
	assert.Equal(t, maxRevoking, r.calls)
	assert.Len(t, r.due, 2*maxRevoking)
	r.mu.Unlock()
	assert.Nil(t, r.cancel("session_0"), "its call runs")
	last := "session_" + strconv.Itoa(3*maxRevoking-1)
	require.NotNil(t, r.cancel(last), "its call is due")
	close(release)
	assert.Zero(t, r.waitFor(up, 3*maxRevoking-1))
	assert.Len(t, up.revoked, 3*maxRevoking-1)
}

func TestPendingRevocationsAreLimitedAndASessionIsRevokedOnce(t *testing.T) {
	clock := &steppingClock{setClock: newSetClock()}
	r, up := newTestRevocations(t, clock)
	s := func(i int) *Session {
		return sessionFor(t, "session_"+strconv.Itoa(i), clock.now, clock.now, clock.now)
	}
	for range 3 {
		r.revoke(s(1), logoutGrace)
	}
	require.Len(t, clock.timers, 1)
	r.revoke(s(1), 0)
	<-up.revoked
	require.Zero(t, r.waitFor(up, 1))
	clock.advance(logoutGrace)
	require.Empty(t, up.revoked, "the session is revoked once")

	for i := range maxRevocations + 100 {
		r.revoke(s(i+2), logoutGrace)
	}
	assert.Len(t, r.waiting, maxRevocations)
	assert.Len(t, up.finished, 100, "each session above the limit is logged")
	for i := range maxRevocations {
		r.cancel("session_" + strconv.Itoa(i+2))
	}
	assert.Empty(t, r.waiting)
	clock.advance(logoutGrace)
	assert.Empty(t, up.revoked, "the revocations were cancelled")

	var public *revocations
	public.revoke(s(1), 0)
	public.cancel("session_1")
}

func TestATransportThatPanicsOrEndsItsGoroutineDoesNotStopRevocations(t *testing.T) {
	clock := &steppingClock{setClock: newSetClock()}
	r, up := newTestRevocations(t, clock)
	for name, transport := range map[string]http.RoundTripper{"panics": unreachable{}, "ends its goroutine": exitingTransport{}} {
		up.transport.Store(&transport)
		for i := range 2 * maxRevoking {
			r.revoke(sessionFor(t, name+strconv.Itoa(i), clock.now, clock.now, clock.now), 0)
		}
		assert.Equal(t, 2*maxRevoking, r.waitFor(up, 2*maxRevoking), name)
		up.transport.Store(nil)
		clock.advance(revokePauses[0])
		assert.Zero(t, r.waitFor(up, 2*maxRevoking), name)
		assert.Len(t, up.revoked, 2*maxRevoking, name)
		for range 2 * maxRevoking {
			<-up.revoked
		}
	}
}

// exiting is a transport that ends its goroutine.
type exitingTransport struct{}

func (exitingTransport) RoundTrip(*http.Request) (*http.Response, error) {
	runtime.Goexit()
	return nil, nil
}
