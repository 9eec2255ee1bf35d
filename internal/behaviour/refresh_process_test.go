// A refresh whose response is lost, and the next request at another process.

package behaviour

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit/authkittest"
)

func TestAnotherProcessServesALostRefreshForThirtySeconds(t *testing.T) {
	for name, c := range map[string]struct {
		later  time.Duration
		status int
	}{
		"within 30 s": {29 * time.Second, http.StatusOK},
		"after 30 s":  {31 * time.Second, http.StatusUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			one := NewApp(t, AppOptions{})
			two := NewInstance(t, one.Fake, one.Clock, AppOptions{})
			cookie := one.SignedIn(Kim).CookieHeader()
			one.ExpireToken(2 * time.Minute)
			one.Send(Request{Target: "/account", Cookie: cookie}).NewCookie(t) // the browser never gets it

			one.Clock.Advance(c.later)
			assert.Equal(t, c.status, two.Send(Request{Target: "/account", Cookie: cookie}).Status)
			assert.Equal(t, 2, one.Fake.Calls(authkittest.RouteRefresh), "the other process asks WorkOS")
		})
	}
}
