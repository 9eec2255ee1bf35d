package authkit_test

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
			a := newApp(t, appOptions{})
			cookie := a.signedIn(kim).cookieHeader()
			a.send(request{target: "/account", cookie: cookie})
			a.clock.Advance(4*time.Minute + 10*time.Second)
			a.fake.AddKey()
			a.fake.Fail(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
			resp := a.send(request{target: "/account", cookie: cookie, header: scripted()})
			require.Equal(t, http.StatusOK, resp.status, "the old token serves")
			if arrives {
				cookie = jarAfter(cookie, resp)
			}
			a.fake.Heal(authkittest.RouteJWKS)
			a.clock.Advance(7 * time.Minute)
			if stumbles { // the second exchange fails for a passing reason first
				a.fake.Fail(authkittest.RouteRefresh, authkittest.Fault{Status: 401, Body: `{"message":"Unauthorized"}`, Times: 1})
				resp = a.send(request{target: "/account", cookie: cookie, header: scripted()})
				require.Equal(t, http.StatusServiceUnavailable, resp.status, "arrives: %t", arrives)
				cookie = jarAfter(cookie, resp)
				a.clock.Advance(time.Minute)
			}
			resp = a.send(request{target: "/account", cookie: cookie, header: scripted()})
			assert.Equal(t, http.StatusOK, resp.status, "signed out without cause; arrives: %t, stumbles: %t", arrives, stumbles)
			a.clock.Advance(30 * time.Second)
			assert.Equal(t, http.StatusOK, a.send(request{target: "/account", cookie: jarAfter(cookie, resp), header: scripted()}).status)
		}
	}
}
