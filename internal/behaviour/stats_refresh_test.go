// The statistics of sessions that serve a request although their refresh has failed.

package behaviour

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit/authkittest"
)

func TestASessionWhoseRefreshFailsCountsAsOneThatNeedsNone(t *testing.T) {
	for name, c := range map[string]struct {
		cached bool
		want   string
	}{
		"a cached session": {true, "Cache.Hits +1, Requests.cached +1"},
		"another one":      {false, "Cache.Entries +1, Cache.Misses +1, Requests.verified +1"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStatsApp(t)
			cookie := s.signedIn()
			if c.cached {
				s.get("/account", cookie)
			}
			s.Clock.Advance(4*time.Minute + 10*time.Second)
			s.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 404, Body: `{"message":"Not found"}`})
			before := countersOf(s.Stats())
			assert.Contains(t, s.get("/account", cookie).Body, Kim)
			differences := moved(before, countersOf(s.Stats()))
			for _, path := range append(sizes, "Refreshes.Refused", "Refreshes.Remembered", "WorkOS.Calls") {
				delete(differences, path)
			}
			assert.Equal(t, c.want, describeMoves(differences))
		})
	}
}

// The middleware of another AuthKit is between two of this one. It does not trust the session, so each of them looks for it.
func TestARequestThatPassesTheMiddlewareTwiceCountsOnce(t *testing.T) {
	s := newStatsApp(t)
	other := NewInstance(t, s.Fake, s.Clock, AppOptions{})
	cookie := s.signedIn()
	s.get("/account", cookie)
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { writePage(w) })
	before := countersOf(s.Stats())
	resp := s.ServeDirectly(s.Middleware(other.Middleware(s.Middleware(page))), Request{Method: http.MethodGet, Target: "/", Cookie: cookie})
	assert.Equal(t, http.StatusOK, resp.Status)
	assert.Equal(t, "Cache.Hits +1, Requests.cached +1", describeMoves(moved(before, countersOf(s.Stats()))))
}
