// What instances that share a store do together.

package behaviour

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

func TestASignOutAtOneInstanceHoldsAtAll(t *testing.T) {
	r := NewReplicas(t, 3, AppOptions{})
	cookie := r.Instances[0].SignedIn(Kim).CookieHeader()
	for _, a := range r.Instances {
		require.Equal(t, http.StatusOK, a.Status(t, cookie))
	}
	r.Instances[0].SignOut(t, cookie)
	for i, a := range r.Instances {
		assert.Equal(t, http.StatusUnauthorized, a.Status(t, cookie), "instance %d", i)
	}
	late := r.Add(t, AppOptions{})
	assert.Equal(t, http.StatusUnauthorized, late.Status(t, cookie), "an instance that starts later")
	for _, beyond := range []time.Duration{10 * time.Minute, time.Hour} {
		r.Clock.Advance(beyond)
		for i, a := range r.Instances {
			assert.Equal(t, http.StatusUnauthorized, a.Status(t, cookie), "instance %d after %s", i, beyond)
		}
	}
}

func TestParallelRequestsAtThreeInstancesMakeOneExchange(t *testing.T) {
	r := NewReplicas(t, 3, AppOptions{})
	cookie := r.Instances[0].SignedIn(Kim).CookieHeader()
	r.expireBy(2 * time.Minute)
	var wg sync.WaitGroup
	for i := range 30 {
		wg.Go(func() {
			resp, err := r.Instances[i%3].Do(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
			assert.NoError(t, err)
			assert.Equal(t, http.StatusOK, resp.Status)
			assert.NotEmpty(t, resp.Header["Set-Cookie"])
		})
	}
	wg.Wait()
	assert.Equal(t, 1, r.Fake.Calls(authkittest.RouteRefresh))
}

func TestALostRefreshIsServedByAnotherInstanceWithinADay(t *testing.T) {
	r := NewReplicas(t, 2, AppOptions{})
	cookie := r.Instances[0].SignedIn(Kim).CookieHeader()
	r.expireBy(2 * time.Minute)
	r.Instances[0].Send(Request{Target: "/account", Cookie: cookie}).NewCookie(t) // the browser never gets it
	for _, later := range []time.Duration{33 * time.Second, 20 * time.Hour} {
		r.Clock.Advance(later)
		assert.Equal(t, http.StatusOK, r.Instances[1].Status(t, cookie), later)
	}
}

func TestASessionThatWorkOSEndedEndsAfterTheOtherInstancesWereAsked(t *testing.T) {
	r := NewReplicas(t, 2, AppOptions{})
	one := r.Instances[0]
	cookie := one.SignedIn(Kim).CookieHeader()
	require.Equal(t, http.StatusOK, r.Instances[1].Status(t, cookie))
	r.Fake.RevokeSession(one.SessionID())
	r.expireBy(2 * time.Minute)
	resp := one.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
	assert.Equal(t, http.StatusServiceUnavailable, resp.Status)
	assert.NotEmpty(t, resp.Header.Get("Retry-After"))
	require.Eventually(t, func() bool {
		r.Clock.Advance(time.Second)
		return one.Status(t, cookie) == http.StatusUnauthorized
	}, 10*time.Second, time.Millisecond)
	assert.LessOrEqual(t, r.Fake.Calls(authkittest.RouteRefresh), 1)
}
