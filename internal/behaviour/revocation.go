// Revocations in real time: how soon instances refuse a session that is revoked at WorkOS.

package behaviour

import (
	"context"
	"flag"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/testrun"
)

const (
	// EventWebhookPath is where instances of NewRealInstances receive webhooks, and eventWebhookSecret signs them.
	EventWebhookPath   = "/webhooks/workos"
	eventWebhookSecret = "the webhook secret of real instances"
	// revocationLimit is how long a test waits until a revoked session is refused.
	revocationLimit = 20 * time.Second
)

// RealInstances are instances of an application on the real clock, with one fake AuthKit.
type RealInstances struct {
	Apps []*App
	Fake *authkittest.Server
}

// NewRealInstances starts n instances. connect returns the store of one of them. A nil connect stands for no store.
func NewRealInstances(t testing.TB, n int, connect func() authkit.Store, opts ...authkit.Option) *RealInstances {
	t.Helper()
	i := &RealInstances{Fake: authkittest.New(t, authkittest.WithUsers(
		authkittest.User{ID: "user_kim", Email: Kim, FirstName: "Kim"}, authkittest.User{ID: "user_lee", Email: lee, FirstName: "Lee"},
	))}
	for range n {
		o := AppOptions{AuthKit: slices.Clone(opts), Routes: func(a *App, mux *http.ServeMux) {
			mux.Handle(EventWebhookPath, a.Webhook(nil, eventWebhookSecret))
		}}
		if connect != nil {
			o.AuthKit = append(o.AuthKit, authkit.WithStore(connect()))
		}
		i.Apps = append(i.Apps, NewInstance(t, i.Fake, nil, o))
	}
	return i
}

// Follow makes each instance follow the events of WorkOS until the test ends. It returns when each of them has read the list,
// or knows that another one does.
func (i *RealInstances) Follow(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var following sync.WaitGroup
	for _, a := range i.Apps {
		following.Go(func() { assert.ErrorIs(t, a.Follow(ctx, nil, ""), context.Canceled) })
	}
	t.Cleanup(func() {
		cancel()
		following.Wait()
	})
	require.Eventually(t, func() bool { return i.Following()+i.states()[authkit.EventsElsewhere] == len(i.Apps) }, revocationLimit, 5*time.Millisecond)
}

// Following returns how many instances read the list of events.
func (i *RealInstances) Following() int { return i.states()[authkit.EventsFollowed] }

func (i *RealInstances) states() map[string]int {
	states := map[string]int{}
	for _, a := range i.Apps {
		states[a.Stats().Events.State]++
	}
	return states
}

// SendWebhooks makes the fake send webhooks to the first instance.
func (i *RealInstances) SendWebhooks() {
	i.Fake.AddWebhookEndpoint(i.Apps[0].URL+EventWebhookPath, eventWebhookSecret, "session.revoked")
}

// TimesToRefusal revokes the session of a user, and returns how long each instance has served it after that. The session of
// another user stays. The instances have served both before. A request that comes every interval finds the time.
func (i *RealInstances) TimesToRefusal(t testing.TB, interval time.Duration) []time.Duration {
	t.Helper()
	cookie, other := i.Apps[0].SignedIn(Kim).CookieHeader(), i.Apps[0].SignedIn(lee).CookieHeader()
	var id string
	for _, s := range i.Fake.Sessions() {
		if s.UserID == "user_kim" {
			id = s.ID // the last one is the newest
		}
	}
	for _, a := range i.Apps {
		require.Equal(t, http.StatusOK, a.Status(t, cookie))
		require.Equal(t, http.StatusOK, a.Status(t, other))
	}
	times := make([]time.Duration, len(i.Apps))
	var refused sync.WaitGroup
	revoked := time.Now()
	i.Fake.RevokeSession(id)
	for n, a := range i.Apps {
		refused.Go(func() {
			ask := time.NewTicker(interval)
			defer ask.Stop()
			for time.Since(revoked) < revocationLimit {
				resp, err := a.Do(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
				if err != nil || resp.Status == http.StatusUnauthorized {
					assert.NoError(t, err)
					break
				}
				<-ask.C
			}
			times[n] = time.Since(revoked)
		})
	}
	refused.Wait()
	for _, a := range i.Apps {
		require.Equal(t, http.StatusUnauthorized, a.Status(t, cookie))
		require.Equal(t, http.StatusOK, a.Status(t, other))
	}
	return times
}

// RunRevocationWithStore shows with a store that a webhook at one instance refuses a session at the other, and that one of two
// instances follows the events. connect returns the store of an instance.
func RunRevocationWithStore(t *testing.T, connect func() authkit.Store) {
	t.Run("a webhook at one instance ends the session at the other", func(t *testing.T) {
		i := NewRealInstances(t, 2, connect)
		i.SendWebhooks()
		for _, took := range i.TimesToRefusal(t, time.Millisecond) {
			assert.Less(t, took, 5*time.Second)
		}
		assert.Zero(t, i.Fake.Calls(authkittest.RouteListEvents))
	})
	t.Run("one of two instances follows, and ends the session at both", func(t *testing.T) {
		i := NewRealInstances(t, 2, connect, authkit.WithEventInterval(100*time.Millisecond))
		i.Follow(t)
		for range 2 {
			for _, took := range i.TimesToRefusal(t, 5*time.Millisecond) {
				assert.Less(t, took, 5*time.Second)
			}
			assert.Equal(t, 1, i.Following())
		}
	})
}

// refusalTimes are measured times of several revocations: how long until the first instance has refused the session, and
// until the last one has.
type refusalTimes struct{ first, last []time.Duration }

// Refusals is how many sessions are revoked for a row of the table of times to refusal.
var Refusals = flag.Int("refusals", testrun.Length(1, 3), "number of sessions that are revoked for each time to refusal")

// MeasureRefusal logs a row of the table of times to refusal: the median and the longest time, until the first and until the
// last instance refuses a session. A session is revoked at any time between two reads of the list of events. It fails if one of
// the times is longer than a generous limit.
func (i *RealInstances) MeasureRefusal(t testing.TB, name string, eventInterval time.Duration) {
	t.Helper()
	interval := 20 * time.Millisecond // how exact the times are
	if *Refusals > 1 {                // the table is made from several
		interval = 2 * time.Millisecond
	}
	var times refusalTimes
	for range *Refusals {
		<-time.After(rand.N(eventInterval))
		took := i.TimesToRefusal(t, interval)
		times.first, times.last = append(times.first, slices.Min(took)), append(times.last, slices.Max(took))
	}
	t.Logf("| %s | %s | %s |", name, describeTimes(times.first), describeTimes(times.last))
	assert.Less(t, slices.Max(times.last), 5*time.Second)
}

func describeTimes(times []time.Duration) string {
	slices.Sort(times)
	median, most := times[len(times)/2], times[len(times)-1]
	return median.Round(time.Millisecond).String() + " (" + most.Round(time.Millisecond).String() + ")"
}
