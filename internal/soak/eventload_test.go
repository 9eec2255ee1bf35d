// Many events: the memory, the marks, and the allocations of requests meanwhile.

package soak

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/testrun"
	"github.com/authkit-go/authkit/workos"
)

var soakEvents = flag.Int("soak.events", testrun.Length(4000, 10_000), "number of events in each test of many events, a multiple of 1000; at 100,000 they reach all limits")

// heapNoise is the heap that may differ between two measurements: buffers of
// connections, and the state of the clock. With fewer events it is smaller, so that the test finds as small a leak per event.
var heapNoise = testrun.Length(800<<10, 2<<20)

const (
	// bytesPerMark bounds the heap for a change that is in force.
	bytesPerMark = 300
	// bytesPerID bounds the heap for an ID that a cursor or a webhook endpoint remembers.
	bytesPerID = 300
	// rememberedIDs is how many IDs a cursor or a webhook endpoint remembers.
	rememberedIDs = 1 << 16
	// markLifetime is longer than a mark of an event is in force.
	markLifetime = 63 * time.Minute
	// idLifetime is longer than a webhook endpoint remembers an ID.
	idLifetime = 5 * 24 * time.Hour
)

// eventLoad is an application without a network, whose WorkOS has a list of many events.
type eventLoad struct {
	t     *testing.T
	clock *authkittest.FakeClock
	fake  *authkittest.Server
	list  *eventList
	ak    *authkit.AuthKit

	page              http.Handler
	served, anonymous atomic.Int64 // requests of page

	goroutines int // at the start
	connection *http.Transport
}

// newEventLoad returns an application whose list of events is empty. The first *soakEvents events are created at age
// before the start. All others are created later by the given time.
func newEventLoad(t *testing.T, age, later time.Duration) *eventLoad {
	l := &eventLoad{t: t, clock: authkittest.NewFakeClock(start), connection: &http.Transport{}}
	l.fake = authkittest.New(t, authkittest.WithClock(l.clock))
	l.list = &eventList{createdAt: func(n int) time.Time {
		at := start.Add(-age + time.Duration(n)*time.Millisecond/10)
		if n >= *soakEvents {
			at = at.Add(later)
		}
		return at
	}}
	events := httptest.NewServer(l.list)
	t.Cleanup(events.Close)
	to, err := url.Parse(events.URL)
	require.NoError(t, err)
	l.ak, err = authkit.New(
		authkit.WithAPIKey(l.fake.APIKey()), authkit.WithClientID(l.fake.ClientID()), authkit.WithBaseURL(l.fake.URL()),
		authkit.WithCookiePassword(passwords(0)[0]), authkit.WithRedirectURL("https://app.example.com/callback"),
		authkit.WithHTTPClient(&http.Client{Transport: &eventTransport{l.connection, to}}),
		authkit.WithClock(l.clock), authkit.WithLogger(slog.New(slog.DiscardHandler)),
	)
	require.NoError(t, err)
	l.page = l.ak.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := authkit.FromContext(r.Context()); ok {
			l.served.Add(1)
		} else {
			l.anonymous.Add(1)
		}
	}))
	l.goroutines = runtime.NumGoroutine()
	return l
}

// eventTransport sends the requests for events to the list, and all others to the fake.
type eventTransport struct {
	base *http.Transport
	list *url.URL
}

func (e *eventTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path == "/events" {
		r = r.Clone(r.Context())
		r.URL.Host, r.Host = e.list.Host, e.list.Host
	}
	return e.base.RoundTrip(r)
}

// follow starts Follow. The test must call end.
func (l *eventLoad) follow(f func(context.Context, workos.Event, string) error) (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.ak.Follow(ctx, f, "", unknownEvent) }()
	return func() {
		cancel()
		assert.ErrorIs(l.t, <-done, context.Canceled)
		l.requireNoGoroutine()
	}
}

// requireNoGoroutine checks that the application has left no goroutine behind.
func (l *eventLoad) requireNoGoroutine() {
	ended := func() bool {
		l.connection.CloseIdleConnections()
		return runtime.NumGoroutine() <= l.goroutines
	}
	for range 1000 {
		if ended() {
			return
		}
		<-time.After(10 * tick)
	}
	stacks := make([]byte, 1<<20)
	require.Fail(l.t, "goroutines were left behind", "%s", stacks[:runtime.Stack(stacks, true)])
}

// session is a signed-in session that makes requests.
type session struct {
	load    *eventLoad
	request *http.Request
	reply   discard
}

// signIn signs a user in.
func (l *eventLoad) signIn() *session {
	user := workos.User{ID: "user_warm", Email: "kim.oduya@example.com"}
	now := l.clock.Now()
	token := l.fake.SignToken(map[string]any{
		"iss": l.fake.Issuer(), "sub": user.ID, "sid": "session_warm", "client_id": l.fake.ClientID(), "org_id": "org_load", "role": "member",
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	})
	w := httptest.NewRecorder()
	_, err := l.ak.SignIn(w, httptest.NewRequest(http.MethodPost, "/", nil), &workos.Authentication{
		User: user, AccessToken: token, RefreshToken: rand.Text(), AuthenticationMethod: "Password",
	})
	require.NoError(l.t, err)
	s := &session{load: l, request: httptest.NewRequest(http.MethodGet, "/", nil), reply: discard{http.Header{}}}
	for _, cookie := range w.Result().Cookies() {
		s.request.AddCookie(cookie)
	}
	s.serve() // it opens and verifies the cookie
	return s
}

// serve makes one request.
func (s *session) serve() {
	clear(s.reply.header)
	s.load.page.ServeHTTP(&s.reply, s.request)
}

// allocations returns the allocations of a warm request.
func (s *session) allocations() float64 { return testing.AllocsPerRun(1000, s.serve) }

// allocationsAfter returns the allocations of a request that follows a change each time.
func (s *session) allocationsAfter(change func(n int)) float64 {
	const runs = 200
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var mallocs uint64
	var before, after runtime.MemStats
	for n := range runs {
		change(n)
		runtime.ReadMemStats(&before)
		s.serve()
		runtime.ReadMemStats(&after)
		mallocs += after.Mallocs - before.Mallocs
	}
	return float64(mallocs / runs) // as [testing.AllocsPerRun] rounds
}

// discard is a ResponseWriter that keeps nothing.
type discard struct{ header http.Header }

func (w *discard) Header() http.Header         { return w.header }
func (w *discard) Write(b []byte) (int, error) { return len(b), nil }
func (w *discard) WriteHeader(int)             {}

// liveHeap returns the size of the heap after a garbage collection.
func liveHeap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// failingFunction is a function for events that fails the first time for one event in a thousand.
type failingFunction struct {
	handled atomic.Int64 // calls that have succeeded
	after   func()       // called after each call

	mu     sync.Mutex
	failed map[string]bool // guarded by mu
}

func (f *failingFunction) call(e workos.Event) error {
	defer f.after()
	n, err := strconv.Atoi(strings.TrimPrefix(e.ID, "event_load_"))
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if n%1000 == 7 && n < *soakEvents && !f.failed[e.ID] {
		f.failed[e.ID] = true
		return errors.New("the first attempt fails")
	}
	f.handled.Add(1)
	return nil
}

func newFailingFunction(after func()) *failingFunction {
	return &failingFunction{after: after, failed: map[string]bool{}}
}

// stages are the numbers of events after which the heap is measured.
func stages() []int { return []int{*soakEvents / 10, *soakEvents / 2, *soakEvents} }

func TestManyEventsInTheListTakeMemoryForTheirMarksOnly(t *testing.T) {
	l := newEventLoad(t, 30*time.Minute, markLifetime)
	warm := l.signIn()
	parallel := l.signIn()
	allocations := warm.allocations()

	wake, stop := make(chan struct{}, 1), make(chan struct{})
	var requests sync.WaitGroup
	requests.Go(func() { // requests at the same time as the events
		for {
			select {
			case <-wake:
				parallel.serve()
			case <-stop:
				return
			}
		}
	})
	function := newFailingFunction(func() {
		select {
		case wake <- struct{}{}:
		default: // the request before is under way
		}
	})
	end := l.follow(func(_ context.Context, e workos.Event, _ string) error { return function.call(e) })
	l.clock.AwaitTimers(2) // the loops for the effects and for the function wait
	empty := liveHeap()
	report := fmt.Sprintf("heap %.1f MB without events", float64(empty)/(1<<20))
	for _, n := range stages() {
		began := time.Now()
		before := l.list.shown.Swap(int64(n))
		l.clock.Advance(2 * time.Second)
		failing := (n - 8 + 1000) / 1000 // of the function, one attempt each
		read := func() bool {
			stats := l.ak.Stats().Events
			return int(stats.Read) == effective(n) && int(function.handled.Load())+stats.Retrying == n && int(stats.Failures) == failing
		}
		require.Eventually(t, read, 2*time.Minute, 10*tick, "%d events are not read", n)
		l.clock.AwaitTimers(2)
		took := time.Since(began) / time.Duration(int64(n)-before)
		grown := liveHeap() - empty
		marks := effective(n)
		assert.Less(t, grown, heapNoise+marks*bytesPerMark, "%d marks", marks)
		report += fmt.Sprintf("\n%d events, %s each: %d marks take %d bytes each", n, took, marks, grown/marks)
		assert.Equal(t, allocations, warm.allocations(), "of a warm request after %d events", n)
	}
	stats := l.ak.Stats().Events
	assert.Equal(t, *soakEvents*4/10, stats.Marks, "of users, memberships and organizations")
	assert.Zero(t, stats.Forgotten)
	close(stop)
	requests.Wait()
	assert.Zero(t, l.anonymous.Load(), "requests that were anonymous")

	l.clock.Advance(markLifetime)
	require.Eventually(t, func() bool { return int(function.handled.Load()) == *soakEvents }, time.Minute, 10*tick, "failed events are called again")
	l.clock.AwaitTimers(2)
	l.list.shown.Add(int64(len(eventKinds)))
	l.clock.Advance(2 * time.Second)
	tries := 0
	require.Eventually(t, func() bool {
		if tries++; tries%100 == 0 { // a request that began within the long move of the clock may have failed
			l.clock.Advance(2 * time.Second)
		}
		return int(function.handled.Load()) == *soakEvents+len(eventKinds) && int(l.ak.Stats().Events.Read) == effective(*soakEvents+len(eventKinds))
	}, time.Minute, 10*tick, "one more event of each kind is read")
	l.clock.AwaitTimers(2)
	grown := liveHeap() - empty
	assert.Less(t, grown, heapNoise, "after the end of the marks")
	assert.Equal(t, 4, l.ak.Stats().Events.Marks, "the marks in force")
	assert.Zero(t, l.ak.Stats().Events.Retrying)
	t.Logf("%s\n%d bytes are left after the end of the marks\n%d pages, %d requests meanwhile", report, grown, l.list.pages.Load(), l.served.Load())

	assert.Equal(t, allocations, l.signIn().allocations(), "of a warm request after the end of the marks")
	end()
}

func TestManyEventsWithinTheOverlapAreReadOnceInBoundedMemory(t *testing.T) {
	l := newEventLoad(t, 15*time.Second, markLifetime)
	empty := liveHeap()
	l.list.shown.Store(int64(*soakEvents))
	end := l.follow(nil)
	// listRead waits until the list was read to its end after a time. A request that began while the clock moved may have
	// failed then. Its reader tries again when the clock moves on.
	listRead := func(after time.Time) {
		tries := 0
		require.Eventually(t, func() bool {
			if tries++; tries%100 == 0 && l.ak.Stats().Events.State == authkit.EventsFailing {
				l.clock.Advance(3 * time.Second)
			}
			return l.ak.Stats().Events.ReadAt.After(after)
		}, time.Minute, 10*tick, "the list is not read")
		l.clock.AwaitTimers(1)
	}
	listRead(time.Time{})
	all := effective(*soakEvents)
	remembered := min(all, rememberedIDs)
	assert.Equal(t, remembered, int(l.ak.Stats().Events.Read), "the cursor can remember no further event")
	full := liveHeap() - empty
	assert.Less(t, full, heapNoise+remembered*(bytesPerMark+bytesPerID))

	for range 3 { // longer than the overlap, so that the cursor moves
		before := l.clock.Now()
		l.clock.Advance(31 * time.Second)
		listRead(before)
	}
	assert.Equal(t, all, int(l.ak.Stats().Events.Read), "each event is read once")
	grown := liveHeap() - empty
	assert.Less(t, grown, heapNoise+all*bytesPerMark, "%d marks", all)
	assert.Equal(t, *soakEvents*4/10, l.ak.Stats().Events.Marks)

	l.list.shown.Add(int64(len(eventKinds)))
	before := l.clock.Now()
	l.clock.Advance(markLifetime)
	listRead(before)
	assert.Equal(t, all+effective(len(eventKinds)), int(l.ak.Stats().Events.Read), "one more event of each kind is read")
	left := liveHeap() - empty
	assert.Less(t, left, heapNoise, "after the end of the marks and of the overlap")
	t.Logf("heap %.1f MB more with %d events, %.1f MB more with %d, %d bytes after the end of the marks; %d pages",
		float64(full)/(1<<20), remembered, float64(grown)/(1<<20), all, left, l.list.pages.Load())
	end()
}

func TestManyDeliveriesTakeMemoryForTheirMarksAndTheLastIDs(t *testing.T) {
	l := newEventLoad(t, 30*time.Minute, idLifetime)
	warm := l.signIn()
	allocations := warm.allocations()
	function := newFailingFunction(func() {})
	webhook := l.ak.Webhook(func(_ context.Context, e workos.Event) error { return function.call(e) }, webhookSecret)
	reply := &statusOnly{discard: discard{http.Header{}}}
	deliver := func(n int) int {
		webhook.ServeHTTP(reply, l.list.delivery(n, l.clock.Now()))
		return reply.status
	}
	empty := liveHeap()
	report, delivered := "", 0
	for _, n := range stages() {
		began, first := time.Now(), delivered
		for ; delivered < n; delivered++ {
			for deliver(delivered) != http.StatusNoContent {
				require.Equal(t, http.StatusInternalServerError, reply.status)
				require.Equal(t, 7, delivered%1000, "the function fails only for these")
			}
		}
		took := time.Since(began) / time.Duration(n-first)
		require.Equal(t, n, int(function.handled.Load()))
		grown := liveHeap() - empty
		marks, remembered := effective(n), min(n, rememberedIDs)
		assert.Less(t, grown, heapNoise+marks*bytesPerMark+remembered*bytesPerID, "%d marks and %d IDs", marks, remembered)
		report += fmt.Sprintf("%d deliveries, %s each: %.1f MB for %d marks and %d IDs\n", n, took, float64(grown)/(1<<20), marks, remembered)
		assert.Equal(t, allocations, warm.allocations(), "of a warm request after %d deliveries", n)
	}
	oldest := max(0, *soakEvents-rememberedIDs)
	assert.Equal(t, http.StatusNoContent, deliver(oldest))
	assert.Equal(t, *soakEvents, int(function.handled.Load()), "the last 65,536 events are remembered")
	if oldest > 0 {
		assert.Equal(t, http.StatusNoContent, deliver(oldest-1))
		assert.Equal(t, *soakEvents+1, int(function.handled.Load()), "earlier ones are not")
	}

	assert.Equal(t, allocations, warm.allocationsAfter(func(n int) {
		deliver(n * len(eventKinds)) // a session ends once more
		require.NoError(t, l.ak.RefreshUser(t.Context(), strconv.Itoa(n)))
	}), "of a request after an end and a change")
	assert.Zero(t, l.anonymous.Load(), "requests that were anonymous")

	l.clock.Advance(idLifetime)
	for n := range eventKinds {
		require.Equal(t, http.StatusNoContent, deliver(*soakEvents+n))
	}
	grown := liveHeap() - empty
	assert.Less(t, grown, heapNoise, "after the end of the marks and the IDs")
	assert.Equal(t, 4, l.ak.Stats().Events.Marks, "the marks in force")
	t.Logf("%s%d bytes are left after five days", report, grown)
	l.requireNoGoroutine()
}

// statusOnly is a ResponseWriter that keeps the status.
type statusOnly struct {
	discard
	status int
}

func (w *statusOnly) WriteHeader(status int) { w.status = status }

func TestMarksBeyondTheirLimitAreForgottenAndCounted(t *testing.T) {
	const limit, more = 1 << 18, 1000
	l := newEventLoad(t, 0, 0)
	warm := l.signIn()
	allocations := warm.allocations()
	empty := liveHeap()
	began := time.Now()
	for n := range limit + more {
		require.NoError(t, l.ak.RefreshUser(t.Context(), strconv.Itoa(n)))
	}
	took := time.Since(began) / (limit + more)
	stats := l.ak.Stats().Events
	assert.Equal(t, limit, stats.Marks)
	assert.Equal(t, uint64(more), stats.Forgotten)
	grown := liveHeap() - empty
	assert.Less(t, grown, 60_000_000, "all marks")
	assert.Equal(t, allocations, warm.allocations())
	assert.Equal(t, allocations, warm.allocationsAfter(func(n int) {
		require.NoError(t, l.ak.RefreshUser(t.Context(), "later "+strconv.Itoa(n)))
	}), "of a request after a change")
	assert.Zero(t, l.anonymous.Load(), "requests that were anonymous")

	l.clock.Advance(2 * time.Hour)
	require.NoError(t, l.ak.RefreshUser(t.Context(), "last"))
	assert.Equal(t, 1, l.ak.Stats().Events.Marks)
	assert.Less(t, liveHeap()-empty, heapNoise, "after the end of the marks")
	t.Logf("%d marks, %s each: %d bytes each", limit, took, grown/limit)
	l.requireNoGoroutine()
}
