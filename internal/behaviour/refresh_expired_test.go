package behaviour

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

// The exchange succeeded, its key could not be had, and by the time that it can
// the new token has expired too. It is stale, as any other, and not refused.
func TestARenewalThatExpiredBeforeItCouldBeVerifiedIsRenewed(t *testing.T) {
	for _, arrives := range []bool{true, false} {
		for _, stumbles := range []bool{false, true} {
			a := NewApp(t, AppOptions{})
			cookie := a.SignedIn(Kim).CookieHeader()
			a.Send(Request{Target: "/account", Cookie: cookie})
			a.Clock.Advance(4*time.Minute + 10*time.Second)
			a.Fake.AddSigningKey()
			a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
			resp := a.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
			require.Equal(t, http.StatusOK, resp.Status, "the old token serves")
			if arrives {
				cookie = JarAfter(cookie, resp)
			}
			a.Fake.ClearFault(authkittest.RouteJWKS)
			a.Clock.Advance(7 * time.Minute)
			if stumbles { // the second exchange fails for a passing reason first
				a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 401, Body: `{"message":"Unauthorized"}`, Times: 1})
				resp = a.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
				require.Equal(t, http.StatusServiceUnavailable, resp.Status, "arrives: %t", arrives)
				cookie = JarAfter(cookie, resp)
				a.Clock.Advance(time.Minute)
			}
			resp = a.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
			assert.Equal(t, http.StatusOK, resp.Status, "signed out without cause; arrives: %t, stumbles: %t", arrives, stumbles)
			a.Clock.Advance(30 * time.Second)
			assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/account", Cookie: JarAfter(cookie, resp), Header: Scripted()}).Status)
		}
	}
}
