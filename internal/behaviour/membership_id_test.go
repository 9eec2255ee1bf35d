// OrganizationMembershipID: the membership of a session, which the guard of resources looks up too.

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

// membershipID requests the ID of the membership as a script.
func (a ResourceApp) membershipID(cookie string) Response {
	a.T.Helper()
	return a.Send(Request{Target: "/membership-id", Cookie: cookie, Header: Scripted()})
}

// kimsMembership returns the ID of the membership at WorkOS.
func (a ResourceApp) kimsMembership() string {
	for _, u := range a.Fake.Users() {
		if u.Email == Kim {
			return u.Memberships[0].ID
		}
	}
	return ""
}

func TestTheMembershipIDOfASessionIsLookedUpOnceWithTheGuard(t *testing.T) {
	a := NewResourceApp(t)
	cookie := a.SignedIn(Kim).CookieHeader()
	for range 2 {
		require.Equal(t, http.StatusOK, a.project(cookie, "").Status)
		resp := a.membershipID(cookie)
		assert.Equal(t, a.kimsMembership(), resp.Body)
		assert.NotEmpty(t, resp.Body)
	}
	assert.Equal(t, 1, a.lookups())
	require.NoError(t, a.RefreshUser(t.Context(), "user_kim"))
	assert.Equal(t, a.kimsMembership(), a.membershipID(cookie).Body)
	assert.Equal(t, 2, a.lookups(), "RefreshUser drops it")
	a.Clock.Advance(time.Hour)
	a.membershipID(a.SignedIn(Kim).CookieHeader())
	assert.Equal(t, 3, a.lookups(), "it is remembered for an hour")
}

func TestAMembershipIDNeedsAMemberAndAnAnswerOfWorkOS(t *testing.T) {
	a := NewResourceApp(t)
	assert.Equal(t, http.StatusUnauthorized, a.membershipID("").Status)
	cookie := a.SignedIn(Kim).CookieHeader()
	a.Fake.InjectFault(authkittest.RouteListMemberships, authkittest.Fault{Status: 500})
	a.Clock.AdvanceWhile(func() {
		resp := a.membershipID(cookie)
		assert.Equal(t, http.StatusServiceUnavailable, resp.Status)
		assert.NotEmpty(t, resp.Header.Get("Retry-After"))
	})
	a.Fake.InjectFault(authkittest.RouteListMemberships, authkittest.Fault{Body: `{"data":[],"list_metadata":{}}`})
	resp := a.membershipID(cookie)
	assert.Equal(t, http.StatusForbidden, resp.Status)
	assert.Equal(t, "an active membership of the organization", resp.Problem(t)["missing"])
	a.Fake.ClearFault(authkittest.RouteListMemberships)
	assert.Equal(t, http.StatusOK, a.membershipID(cookie).Status, "no failure is remembered")

	resp = a.membershipID(a.SignedIn(lee).CookieHeader())
	assert.Equal(t, http.StatusForbidden, resp.Status)
	assert.Equal(t, "a session in an organization", resp.Problem(t)["missing"])
}

func TestAPublicClientHasNoMembershipID(t *testing.T) {
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithPublicClient()}})
	_, err := a.OrganizationMembershipID(t.Context())
	assert.EqualError(t, err, "authkit: OrganizationMembershipID: a public client has no API key to look up a membership with")
}
