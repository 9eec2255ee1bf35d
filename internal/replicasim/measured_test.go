// The simulation, compared with real instances: they get the same events on a fake clock, and their store counts.

package replicasim

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/behaviour"
	"github.com/authkit-go/authkit/internal/testrun"
)

// countingStore counts the commands by what they are for. It tells that from the key and from the kind of the record.
type countingStore struct {
	*authkittest.MemoryStore

	mu       sync.Mutex
	counts   Counts
	leases   map[string]bool // that were claimed
	sizes    map[byte]int    // of the values, by their first byte
	notice   int             // size of a notice
	key      int             // size of a key
	unlisted []string        // commands that the simulation does not have
}

func (s *countingStore) Get(ctx context.Context, key string) ([]byte, time.Duration, bool, error) {
	value, left, found, err := s.MemoryStore.Get(ctx, key)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case kindOf(key) == "k":
		s.counts.KeyReads++
	case found:
		s.counts.Delivered++
	default:
		s.counts.Responses++
	}
	return value, left, found, err
}

func (s *countingStore) Swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) ([]byte, time.Duration, bool, error) {
	current, left, swapped, err := s.MemoryStore.Swap(ctx, key, old, value, ttl)
	s.mu.Lock() // after the change, because the next event begins when it is counted
	defer s.mu.Unlock()
	s.key = len(key)
	switch kind := kindOf(key); {
	case value == nil:
		s.unlisted = append(s.unlisted, "a removal")
	case kind == "s":
		s.counts.UsedStates++
		s.sizes['s'] = len(value)
	case kind == "k":
		s.counts.KeyWrites++
		s.sizes['k'] = len(value)
	case value[0] == 'L' && bytes.Equal(old, value):
		s.unlisted = append(s.unlisted, "an extension of a lease")
	case value[0] == 'L' && s.leases[string(value)]:
		s.counts.Polls++
	case value[0] == 'L':
		s.leases[string(value)] = true
		s.counts.Claims++
	case value[0] == 'S' && bytes.Equal(old, value):
		s.counts.Shortened++
	case value[0] == 'S':
		s.counts.Publishes++
		s.sizes['S'] = len(value)
	case value[0] == 'D':
		s.counts.Marks++
		s.sizes['D'] = len(value)
	default:
		s.unlisted = append(s.unlisted, fmt.Sprintf("a swap to %q", value[0]))
	}
	return current, left, swapped, err
}

func (s *countingStore) Append(ctx context.Context, notice []byte) error {
	err := s.MemoryStore.Append(ctx, notice)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Notices++
	s.notice = len(notice)
	return err
}

func kindOf(key string) string { return strings.Split(key, ":")[1] }

func (s *countingStore) snapshot() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts
}

// world is the application that repeats the events.
type world struct {
	t         *testing.T
	store     *countingStore
	fake      *authkittest.Server
	clock     *authkittest.FakeClock
	instances []*behaviour.App
	cookies   []string // by session
	keys      []string
}

func newWorld(t *testing.T, c Config) *world {
	users := make([]authkittest.User, c.Sessions)
	for i := range users {
		users[i] = authkittest.User{
			ID: fmt.Sprintf("user_%d", i), Email: emailOf(i), FirstName: "Kim", LastName: "Oduya",
			Claims: map[string]any{"padding": strings.Repeat("x", 430)}, // makes an access token of about 1,400 bytes
		}
	}
	w := &world{t: t, cookies: make([]string, c.Sessions), clock: authkittest.NewFakeClock(behaviour.Start)}
	w.store = &countingStore{MemoryStore: authkittest.NewMemoryStore(w.clock), leases: map[string]bool{}, sizes: map[byte]int{}}
	w.fake = authkittest.New(t, authkittest.WithClock(w.clock), authkittest.WithUsers(users...),
		authkittest.WithOrganizations(authkittest.Organization{ID: "org_acme", Name: "Acme"}))
	for range c.Instances {
		w.instances = append(w.instances, behaviour.NewInstance(t, w.fake, w.clock, behaviour.AppOptions{
			AuthKit: []authkit.Option{authkit.WithStore(w.store), authkit.WithSessionCache(10_000, 64<<20)},
			Routes: func(a *behaviour.App, mux *http.ServeMux) {
				mux.Handle("/token", a.RequireAuth(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
					session, _ := authkit.FromContext(r.Context())
					fmt.Fprint(rw, len(session.AccessToken()))
				})))
				mux.Handle("/key", a.RequireAPIKey()(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
			},
		}))
	}
	for i := range c.APIKeys {
		w.keys = append(w.keys, w.fake.AddAPIKey(authkittest.APIKey{ID: fmt.Sprint("api_key_", i), Name: "ci", OrganizationID: "org_acme"}))
	}
	return w
}

func emailOf(session int) string { return fmt.Sprintf("user%d@example.com", session) }

// repeat does in the application what happens in an event.
func (w *world) repeat(e Event) {
	w.clock.Set(behaviour.Start.Add(e.At))
	a := w.instances[e.Instances[0]]
	switch e.Kind {
	case SignIn:
		pending := a.StartSignInAs("/login", emailOf(e.Session))
		w.cookies[e.Session] = a.Send(behaviour.Request{
			Target: pending.Target(), Cookie: pending.Cookie, Header: behaviour.Navigation(),
		}).NewCookie(w.t)
	case SignOut:
		a.SignOut(w.t, w.cookies[e.Session])
	case UseKey:
		require.Equal(w.t, http.StatusOK, a.Send(behaviour.Request{Target: "/key", Header: behaviour.Bearer(w.keys[e.Session])}).Status)
	case View:
		w.view(e)
	}
}

func (w *world) view(e Event) {
	responses := make([]behaviour.Response, len(e.Instances))
	var requests sync.WaitGroup
	for i, instance := range e.Instances {
		requests.Go(func() {
			var err error
			responses[i], err = w.instances[instance].Do(behaviour.Request{
				Target: "/account", Cookie: w.cookies[e.Session], Header: behaviour.Scripted(),
			})
			assert.NoError(w.t, err)
		})
	}
	requests.Wait()
	for _, r := range responses {
		require.Equal(w.t, http.StatusOK, r.Status)
		if len(r.Header["Set-Cookie"]) > 0 && !e.Lost {
			w.cookies[e.Session] = r.NewCookie(w.t)
		}
	}
}

// compare runs a simulation and repeats its events with real instances. After each event, it waits until the counts are
// equal, because instances read and shorten records in the background. The test fails at the first event after which they
// do not become equal.
func compare(t *testing.T, c Config, equal func(simulated, measured Counts) bool) (Counts, Counts, *world, Result) {
	w := newWorld(t, c)
	var simulated, measured Counts
	result := New(c).Run(func(e Event, after Counts) {
		if t.Failed() {
			return
		}
		w.repeat(e)
		simulated = after
		reached := func() bool {
			measured = w.store.snapshot()
			return equal(simulated, measured)
		}
		if !reached() {
			assert.Eventually(t, reached, 20*time.Second, time.Millisecond)
		}
		require.True(t, equal(simulated, measured), "after %+v\nsimulated %s\nmeasured  %s", e, simulated, measured)
	})
	assert.Empty(t, w.store.unlisted)
	return simulated, measured, w, result
}

// commands returns the counts that a store knows.
func commands(c Counts) Counts {
	c.Requests, c.Exchanges, c.SignIns, c.SignOuts = 0, 0, 0, 0
	return c
}

func small(seed uint64) Config {
	return Config{
		Seed: seed, Sessions: 8, Instances: 3, TokenLifetime: 5 * time.Minute, Views: 15, Requests: 3, Lost: 0.1,
		SignOuts: 0.5, Closed: 0.5, APIKeys: 2, KeyUses: 0.02,
		Measure: 80 * time.Minute, Sizes: DefaultSizes(),
	}
}

func TestTheSimulationCountsTheCommandsOfRealInstances(t *testing.T) {
	for seed := range testrun.Length[uint64](1, 3) {
		simulated, measured, w, result := compare(t, small(seed), func(s, m Counts) bool { return commands(s) == commands(m) })
		assert.Equal(t, simulated.Exchanges, w.fake.Calls(authkittest.RouteRefresh))
		w.clock.Set(behaviour.Start.Add(80 * time.Minute))
		assert.InDelta(t, result.Values, w.store.Len(), 1, "the simulation rounds lives up to seconds")
		t.Logf("seed %d: %d requests, %d exchanges, %d values\nsimulated %s\nmeasured  %s",
			seed, simulated.Requests, simulated.Exchanges, w.store.Len(), simulated, measured)
	}
}

// In a burst, the order of the requests decides how often an instance polls, and whether two requests at one instance
// both find the cookie new. So these counts have limits instead of one value.
func TestTheSimulationCountsTheCommandsOfParallelRequests(t *testing.T) {
	c := small(7)
	c.Bursts, c.APIKeys = 0.5, 0
	exact := func(c Counts) Counts {
		c.Polls, c.Delivered, c.Shortened = 0, 0, 0
		return commands(c)
	}
	simulated, measured, _, _ := compare(t, c, func(s, m Counts) bool {
		return exact(s) == exact(m) && m.Delivered >= s.Delivered && m.Shortened >= s.Shortened
	})
	t.Logf("\nsimulated %s\nmeasured  %s", simulated, measured)
	assert.LessOrEqual(t, measured.Delivered, simulated.Delivered*115/100, "15 % more")
	assert.LessOrEqual(t, measured.Shortened, simulated.Shortened*130/100, "30 % more")
	waiting := simulated.Claims - simulated.Exchanges // by instances that wait for another one
	assert.LessOrEqual(t, measured.Polls, 10*waiting, "an exchange of the fake takes less than half a second")
}

func TestTheSizesAreThoseOfRealRecords(t *testing.T) {
	c := small(3)
	c.APIKeys = 1
	_, _, w, result := compare(t, c, func(s, m Counts) bool { return commands(s) == commands(m) })
	pending := w.instances[0].StartSignInAs("/login", emailOf(0))
	cookie := w.instances[0].Send(behaviour.Request{Target: pending.Target(), Cookie: pending.Cookie, Header: behaviour.Navigation()}).NewCookie(t)
	token, err := strconv.Atoi(w.instances[0].Send(behaviour.Request{Target: "/token", Cookie: cookie, Header: behaviour.Scripted()}).Body)
	require.NoError(t, err)
	assert.InDelta(t, 1400, token, 50, "bytes of an access token")
	sizes := DefaultSizes()
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	assert.Equal(t, sizes.Key, w.store.key)
	assert.Equal(t, sizes.Superseded, w.store.sizes['D'])
	assert.Equal(t, sizes.UsedState, w.store.sizes['s'])
	assert.Equal(t, sizes.Notice, w.store.notice, "with one cookie password")
	assert.InDelta(t, sizes.APIKeyResult, w.store.sizes['k'], 60)
	assert.InDelta(t, sizes.Success, w.store.sizes['S'], 100)
	assert.InEpsilon(t, result.Bytes, w.store.Bytes(), 0.05)
	t.Logf("access token %d bytes; sizes: key %d, success %d, superseded mark %d, used state %d, API key %d, notice %d; all values %d bytes, simulated %.0f",
		token, w.store.key, w.store.sizes['S'], w.store.sizes['D'], w.store.sizes['s'], w.store.sizes['k'], w.store.notice, w.store.Bytes(), result.Bytes)
}
