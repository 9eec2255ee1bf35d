// A list of events for tests of Follow, and a test that follows it step by step.

package authkit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/internal/behaviour"
	"github.com/authkit-go/authkit/workos"
)

// listedEvent is an event of the list. It is listed from a time on.
type listedEvent struct {
	ID        string          `json:"id"`
	Type      string          `json:"event"`
	CreatedAt time.Time       `json:"created_at"`
	Data      json.RawMessage `json:"data"`
	listedAt  time.Time
}

// eventServer serves GET /events.
type eventServer struct {
	*httptest.Server
	now func() time.Time

	mu       sync.Mutex
	events   []listedEvent
	made     int
	requests []url.Values
	fault    func(w http.ResponseWriter, r *http.Request) bool // answers instead of the list; may be nil
	types    map[string]bool                                   // further types that it knows
}

func newEventServer(t testing.TB) *eventServer {
	s := &eventServer{types: map[string]bool{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// knownTypes are the types that WorkOS knows. EventTypes sorts them each time.
var knownTypes = workos.EventTypes()

// RoundTrip is the transport of an application: it sends the requests for events here.
func (s *eventServer) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path == "/events" {
		r = r.Clone(r.Context())
		r.URL.Host = strings.TrimPrefix(s.URL, "http://")
	}
	return http.DefaultTransport.RoundTrip(r)
}

// add adds an event that was created before now, and is listed after a delay.
func (s *eventServer) add(typ string, age, delay time.Duration, data string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made++
	created := s.now().Add(-age)
	id := fmt.Sprintf("event_%013d%013d", created.UnixMilli(), s.made)
	place, _ := slices.BinarySearchFunc(s.events, created, func(e listedEvent, at time.Time) int {
		if e.CreatedAt.After(at) {
			return 1
		}
		return -1
	})
	s.events = slices.Insert(s.events, place, listedEvent{id, typ, created, json.RawMessage(data), s.now().Add(delay)})
	return id
}

// addMany adds n new events of users and returns their IDs.
func (s *eventServer) addMany(n int) (ids []string) {
	for range n {
		ids = append(ids, s.add(workos.EventUserCreated, 0, 0, `{"id":"user_new"}`))
	}
	return ids
}

// forget removes the events, as WorkOS does after 90 days.
func (s *eventServer) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = nil
}

func (s *eventServer) setFault(fault func(w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = fault
}

// asked returns the queries of the requests since the last call.
func (s *eventServer) asked() []url.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	requests := s.requests
	s.requests = nil
	return requests
}

func (s *eventServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	query := r.URL.Query()
	s.requests = append(s.requests, query)
	fault := s.fault
	s.mu.Unlock()
	if fault != nil && fault(w, r) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	types := strings.Split(query.Get("events"), ",")
	for _, typ := range types {
		if !slices.Contains(knownTypes, typ) && !s.types[typ] {
			refuse(w, http.StatusUnprocessableEntity)
			return
		}
	}
	now, first := s.now(), 0
	if after := query.Get("after"); after != "" {
		first = 1 + slices.IndexFunc(s.events, func(e listedEvent) bool { return e.ID == after })
		if first == 0 {
			refuse(w, http.StatusBadRequest)
			return
		}
	}
	start, _ := time.Parse(time.RFC3339, query.Get("range_start"))
	end, _ := time.Parse(time.RFC3339, query.Get("range_end"))
	limit, _ := strconv.Atoi(query.Get("limit"))
	page := []listedEvent{}
	more := false
	for _, e := range s.events[first:] {
		if e.listedAt.After(now) || e.CreatedAt.Before(start) || !end.IsZero() && !e.CreatedAt.Before(end) || !slices.Contains(types, e.Type) {
			continue
		}
		if more = len(page) == limit; more {
			break
		}
		page = append(page, e)
	}
	metadata := map[string]string{}
	if more {
		metadata["after"] = page[len(page)-1].ID
	}
	json.NewEncoder(w).Encode(map[string]any{"object": "list", "data": page, "list_metadata": metadata})
}

func refuse(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"code":"refused","message":"refused"}`)
}

// following is an application whose Follow a test leads step by step.
type following struct {
	*behaviour.App
	t      testing.TB
	list   *eventServer
	cancel context.CancelCauseFunc
	ended  chan error // the result of Follow
	loops  int        // 1, or 2 with a function

	mu      sync.Mutex
	waiting int        // loops that wait for the clock
	changed *sync.Cond // of mu: waiting has changed

	jump sync.Mutex // held while jumpBy moves the clock
}

// followed is what the function of Follow is called with.
type followed = func(ctx context.Context, event workos.Event, cursor string) error

// errStopped is why the tests stop to follow.
var errStopped = errors.New("stopped by the test")

// newFollowing returns an application that does not follow yet.
func newFollowing(t testing.TB, opts ...authkit.Option) *following {
	return newFollowingWith(t, behaviour.AppOptions{AuthKit: opts})
}

func newFollowingWith(t testing.TB, o behaviour.AppOptions) *following {
	f := &following{t: t, list: newEventServer(t)}
	f.changed = sync.NewCond(&f.mu)
	o.AuthKit = append([]authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: f.list})}, o.AuthKit...)
	f.App = behaviour.NewApp(t, o)
	f.list.now = f.Clock.Now
	authkit.OnEventStep(f.AuthKit, func(step string) {
		if step == "pause over" {
			f.jump.Lock() // a request that begins within a jump of the clock would time out within it
			defer f.jump.Unlock()
			return
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		switch step {
		case "waits":
			f.waiting++
		case "pause ends":
			f.waiting--
		}
		f.changed.Broadcast()
	})
	return f
}

// start starts to follow, and returns at once.
func (f *following) start(function followed, after string, types ...string) {
	f.t.Helper()
	var ctx context.Context
	ctx, f.cancel = context.WithCancelCause(context.Background())
	f.ended, f.loops, f.waiting = make(chan error, 1), 1, 0
	if function != nil {
		f.loops = 2
	}
	ended := f.ended
	go func() { ended <- f.Follow(ctx, function, after, types...) }()
	f.t.Cleanup(func() { f.cancel(errStopped) })
}

// stop ends Follow and waits until it returns.
func (f *following) stop() {
	f.t.Helper()
	f.cancel(errStopped)
	f.awaitEnd()
}

func (f *following) awaitEnd() {
	f.t.Helper()
	select {
	case err := <-f.ended:
		require.ErrorIs(f.t, err, errStopped)
	case <-time.After(behaviour.WaitTimeout):
		require.Fail(f.t, "Follow does not return")
	}
}

// settle waits until this many loops wait for the clock.
func (f *following) settle(loops int) {
	f.t.Helper()
	late := false
	timeout := time.AfterFunc(4*behaviour.WaitTimeout, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		late = true
		f.changed.Broadcast()
	})
	defer timeout.Stop()
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.waiting != loops && !late {
		f.changed.Wait()
	}
	require.Equal(f.t, loops, f.waiting, "the loops do not wait")
}

// read lets every loop read the list once more, a second and a quarter later.
func (f *following) read() { f.advance(1250 * time.Millisecond) }

// advance moves the clock between two reads of every loop.
func (f *following) advance(d time.Duration) {
	f.t.Helper()
	f.settle(f.loops)
	f.jumpBy(d)
	f.settle(f.loops)
}

// jumpBy moves the clock. No loop begins a request meanwhile, because the rest of the jump
// could exceed its time limit.
func (f *following) jumpBy(d time.Duration) {
	f.jump.Lock()
	defer f.jump.Unlock()
	f.Clock.Advance(d)
}

// advanceWhileFailing moves the clock second by second until every loop waits: the client
// retries its requests on the clock too.
func (f *following) advanceWhileFailing() {
	f.t.Helper()
	require.Eventually(f.t, func() bool {
		f.mu.Lock()
		waiting := f.waiting
		f.mu.Unlock()
		if waiting == f.loops {
			return true
		}
		f.Clock.Advance(time.Second)
		return false
	}, behaviour.WaitTimeout, time.Millisecond, "the loops do not wait")
}
