// Refresh tokens that a browser presents late, or that WorkOS does not rotate, at instances that share a store.

package behaviour

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
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
