// Refresh tokens that a browser presents late, or that WorkOS does not rotate, at instances that share a store.

package behaviour

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// A client that stores no cookies presents the first one all day.
func TestACookieThatIsManyRefreshesBehindIsServedByEveryInstance(t *testing.T) {
	r := NewReplicas(t, 2, AppOptions{})
	cookie := r.Instances[0].SignedIn(Kim).CookieHeader()
	for range 20 {
		r.Clock.Advance(7 * time.Minute)
		require.Equal(t, http.StatusOK, r.Instances[0].Status(t, cookie))
	}
	r.Clock.Advance(7 * time.Minute)
	assert.Equal(t, http.StatusOK, r.Instances[1].Status(t, cookie))
}

func TestASessionWhoseTokenIsNotRotatedIsServedAfterADay(t *testing.T) {
	r := NewReplicas(t, 2, AppOptions{AuthKit: []authkit.Option{
		authkit.WithHTTPClient(&http.Client{Transport: &nonRotatingTransport{map[string]string{}}}),
	}})
	cookie := r.Instances[0].SignedIn(Kim).CookieHeader()
	r.Clock.Advance(7 * time.Minute)
	cookie = r.Instances[0].Send(Request{Target: "/account", Cookie: cookie}).NewCookie(t)
	r.Clock.Advance(24*time.Hour + 10*time.Minute)
	for i, a := range r.Instances {
		assert.Equal(t, http.StatusOK, a.Status(t, cookie), i)
	}
}

// The pause lasts for as long as the store keeps it. The clocks of two instances may differ.
func TestAPauseEndsAtAnInstanceWhoseClockIsBehind(t *testing.T) {
	r := NewReplicas(t, 1, AppOptions{})
	behind := authkittest.NewFakeClock(Start.Add(-50 * time.Second))
	one, two := r.Instances[0], NewInstance(t, r.Fake, behind, AppOptions{AuthKit: []authkit.Option{authkit.WithStore(r.Store)}})
	cookie := one.SignedIn(Kim).CookieHeader()
	advance := func(d time.Duration) {
		r.Clock.Advance(d)
		behind.Advance(d)
	}
	advance(7 * time.Minute)
	r.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"20"}}, Times: 1})
	require.Equal(t, http.StatusServiceUnavailable, one.Status(t, cookie))
	require.Equal(t, http.StatusServiceUnavailable, two.Status(t, cookie))
	advance(21 * time.Second)
	assert.Equal(t, http.StatusOK, two.Status(t, cookie))
}

func TestARefusalDuringAnOutageIsAskedAboutSoonAfterIt(t *testing.T) {
	t.Parallel()
	r := newImpatientReplicas(t, 2, AppOptions{})
	one := r.Instances[0]
	cookie := one.SignedIn(Kim).CookieHeader()
	r.Clock.Advance(7 * time.Minute)
	r.Fake.RevokeSession(one.SessionID())
	r.Store.SetDown(true)
	require.Equal(t, http.StatusServiceUnavailable, one.Status(t, cookie))
	r.Store.SetDown(false)
	r.Clock.Advance(6 * time.Second)
	require.Zero(t, r.Store.Commands().Append)
	require.Equal(t, http.StatusServiceUnavailable, one.Status(t, cookie))
	require.Eventually(t, func() bool { return r.Store.Commands().Append > 0 }, WaitTimeout, time.Millisecond)
}
