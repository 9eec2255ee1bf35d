// Due sessions whose refusal is not believed yet, because another instance may know the successor of their token.

package behaviour

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/workos"
)

func TestADueSessionHasNoOldRightsWhileItsRefusalIsAskedAbout(t *testing.T) {
	r := NewReplicas(t, 2, AppOptions{})
	a := r.Instances[0]
	c := ChangesOf(a)
	cookie := a.SignedIn(Kim).CookieHeader()
	for _, i := range r.Instances {
		require.Equal(t, http.StatusOK, i.Status(t, cookie))
	}
	r.Clock.Advance(time.Second)
	a.Fake.RevokeSession(a.SessionID())
	require.Equal(t, http.StatusOK, a.Status(t, cookie), "the event has not arrived")
	c.Now(workos.EventUserUpdated, UserData("user_kim"))
	resp := a.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
	assert.Equal(t, http.StatusServiceUnavailable, resp.Status)
	assert.NotEmpty(t, resp.Header.Get("Retry-After"))
	assert.Equal(t, cookie, JarAfter(cookie, resp), "the cookie is kept")
	r.awaitStatus(t, a, cookie, http.StatusUnauthorized)
}
