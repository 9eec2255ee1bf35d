// Instances that follow the events of WorkOS, or receive its webhooks: what the tests of several instances share.

package behaviour

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
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

const (
	// sharedWebhookSecret signs the webhooks of the fake in the tests of several instances.
	sharedWebhookSecret = "a webhook secret for several instances"
	webhookPath         = "/webhooks/workos"
)

// eventFleet is a number of instances that share a fake and a clock, and a store unless they are alone.
type eventFleet struct {
	*Replicas
	members []*eventMember
	step    time.Duration // of round
	down    bool          // the store is down, so each instance reads the list
}

// eventMember is one of these instances.
type eventMember struct {
	*App
	fleet *eventFleet
	store *watchedStore // nil without a store
	lists atomic.Int64  // requests for the list of events that this instance has made

	stop func() // ends Follow and waits for its end, nil if this instance does not follow

	mu     sync.Mutex
	called []string // guarded by mu: the IDs of the events for which f was called here
}

// newEventFleet starts n instances that do not follow yet.
func newEventFleet(t testing.TB, n int, withStore bool, opts ...authkit.Option) *eventFleet {
	t.Helper()
	f := &eventFleet{Replicas: NewReplicas(t, 0, AppOptions{}), step: 3 * time.Second}
	for range n {
		f.add(t, withStore, opts...)
	}
	return f
}

// add starts one more instance.
func (f *eventFleet) add(t testing.TB, withStore bool, opts ...authkit.Option) *eventMember {
	t.Helper()
	m := &eventMember{fleet: f}
	opts = append([]authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: listCounter{m}})}, opts...)
	if withStore {
		m.store = &watchedStore{MemoryStore: f.Store}
		opts = append(opts, authkit.WithStore(m.store))
	}
	m.App = NewInstance(t, f.Fake, f.Clock, AppOptions{AuthKit: opts, Routes: func(a *App, mux *http.ServeMux) {
		mux.Handle(webhookPath, a.Webhook(nil, sharedWebhookSecret))
		mux.Handle("/role", a.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s, _ := authkit.FromContext(r.Context())
			io.WriteString(w, s.Role())
		})))
		mux.Handle("/key", a.RequireAPIKey()(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	}})
	f.members = append(f.members, m)
	f.Instances = append(f.Instances, m.App)
	return m
}

// setDown makes the store fail, or answer again.
func (f *eventFleet) setDown(down bool) {
	f.Store.SetDown(down)
	f.down = down
}

// listCounter is the transport of an instance. It counts the requests for the list of events.
type listCounter struct{ member *eventMember }

func (c listCounter) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path == "/events" {
		c.member.lists.Add(1)
	}
	return direct.RoundTrip(r)
}

// watchedStore is the store as one instance sees it. It counts how often the instance asks for its duty, and can be cut off.
type watchedStore struct {
	*authkittest.MemoryStore
	asked atomic.Int64
	moved atomic.Int64 // how often the position was stored
	cut   atomic.Bool
}

func (s *watchedStore) Swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) ([]byte, time.Duration, bool, error) {
	if strings.Contains(key, ":f:") {
		s.asked.Add(1)
	}
	if strings.Contains(key, ":p:") {
		s.moved.Add(1)
	}
	if s.cut.Load() {
		return nil, 0, false, context.DeadlineExceeded
	}
	return s.MemoryStore.Swap(ctx, key, old, value, ttl)
}

// follow starts to follow at each of some instances. Each remembers for which events f was called, unless f is nil.
func (f *eventFleet) follow(t testing.TB, after string, fail func(workos.Event) error, members ...*eventMember) {
	t.Helper()
	for _, m := range members {
		m.follow(t, after, func(_ context.Context, e workos.Event, _ string) error {
			if fail != nil {
				if err := fail(e); err != nil {
					return err
				}
			}
			m.mu.Lock()
			defer m.mu.Unlock()
			m.called = append(m.called, e.ID)
			return nil
		})
	}
}

func (m *eventMember) follow(t testing.TB, after string, function func(context.Context, workos.Event, string) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- m.Follow(ctx, function, after) }()
	stop := sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			assert.ErrorIs(t, err, context.Canceled)
		case <-time.After(20 * time.Second):
			t.Error("Follow does not end")
		}
	})
	m.stop = func() { stop(); m.stop = nil }
	t.Cleanup(stop)
	require.Eventually(t, func() bool { return m.Stats().Events.State != authkit.EventsNone }, 10*time.Second, time.Millisecond)
}

// calls returns the IDs of the events for which f was called at an instance.
func (m *eventMember) calls() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.called)
}

// crash ends an instance that follows. It does not give up its lease.
func (m *eventMember) crash() {
	m.store.cut.Store(true)
	m.stop()
}

// round advances the clock until each instance that follows has asked the store who follows, at least once. This takes
// three to four seconds. So no instance loses its lease because the clock is faster than the instance.
func (f *eventFleet) round(t testing.TB) {
	t.Helper()
	before := map[*eventMember]int64{}
	for _, m := range f.members {
		if m.stop != nil {
			before[m] = m.progress()
		}
	}
	f.Clock.Advance(f.step)
	require.Eventually(t, func() bool {
		for m, n := range before {
			if m.progress() == n {
				f.Clock.Advance(50 * time.Millisecond)
				return false
			}
		}
		return true
	}, 20*time.Second, 10*time.Millisecond, "an instance does not ask the store, or does not read the list")
}

// progress grows when the instance asks for its duty or, without the store, when it reads the list.
func (m *eventMember) progress() int64 {
	if m.store == nil || m.fleet.down {
		return m.lists.Load()
	}
	return m.store.asked.Load()
}

// rounds advances the clock until done returns true. It returns how long that took.
func (f *eventFleet) rounds(t testing.TB, done func() bool, what ...any) time.Duration {
	t.Helper()
	start := f.Clock.Now()
	poll := time.NewTicker(time.Millisecond)
	defer poll.Stop()
	for range 20 {
		for range 20 { // what an instance does after it has asked takes a moment
			if done() {
				return f.Clock.Now().Sub(start)
			}
			<-poll.C
		}
		f.round(t)
	}
	require.Fail(t, "it does not come to this", what...)
	return 0
}

// holder advances the clock until one instance follows for all, and all others know that. It returns that instance.
func (f *eventFleet) holder(t testing.TB) (holder *eventMember) {
	t.Helper()
	f.rounds(t, func() bool {
		holder = nil
		for _, m := range f.members {
			switch state := m.Stats().Events.State; {
			case m.stop == nil:
			case state == authkit.EventsFollowed && holder == nil:
				holder = m
			case state != authkit.EventsElsewhere:
				return false
			}
		}
		return holder != nil
	}, "one instance follows")
	return holder
}

// others returns the instances without some.
func (f *eventFleet) others(without ...*eventMember) (others []*eventMember) {
	for _, m := range f.members {
		if !slices.Contains(without, m) {
			others = append(others, m)
		}
	}
	return others
}

// warm sends a request with a session to each instance, which then has it in its cache and follows the log.
func (f *eventFleet) warm(t testing.TB, cookies ...string) {
	t.Helper()
	for _, m := range f.members {
		for _, cookie := range cookies {
			require.Equal(t, http.StatusOK, m.Status(t, cookie))
		}
	}
}

// changeRole gives Kim another role in org_acme, as the dashboard does.
func (f *eventFleet) changeRole(t testing.TB, role string) {
	t.Helper()
	client := f.members[0].Client()
	for m, err := range client.ListOrganizationMemberships(t.Context(), workos.ListOrganizationMembershipsParams{UserID: "user_kim"}) {
		require.NoError(t, err)
		_, err = client.UpdateOrganizationMembership(t.Context(), m.ID, workos.UpdateOrganizationMembershipParams{RoleSlug: role})
		require.NoError(t, err)
	}
}

// removeMembership removes Kim from org_acme.
func (f *eventFleet) removeMembership(t testing.TB) {
	t.Helper()
	client := f.members[0].Client()
	for m, err := range client.ListOrganizationMemberships(t.Context(), workos.ListOrganizationMembershipsParams{UserID: "user_kim"}) {
		require.NoError(t, err)
		require.NoError(t, client.DeleteOrganizationMembership(t.Context(), m.ID))
	}
}

// deliverTo makes the fake send all webhooks to one instance.
func (f *eventFleet) deliverTo(m *eventMember) {
	f.Fake.AddWebhookEndpoint(m.URL+webhookPath, sharedWebhookSecret)
}

// delivered waits for the webhooks, and checks that the instance has accepted them.
func (f *eventFleet) delivered(t testing.TB) {
	t.Helper()
	require.NoError(t, f.Fake.WaitForWebhooks(t.Context()))
	deliveries := f.Fake.WebhookDeliveries()
	require.NotEmpty(t, deliveries)
	for _, d := range deliveries {
		require.Equal(t, http.StatusNoContent, d.Status, "%s: %s", d.EventType, d.Error)
	}
}

// role returns the status and the role that an instance sees in a request.
func (m *eventMember) role(cookie string) (status int, role string, err error) {
	resp, err := m.Do(Request{Target: "/role", Cookie: cookie, Header: Scripted()})
	return resp.Status, resp.Body, err
}
