// A session or a user that ends while the callback of a sign-in is under way.

package behaviour

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// WorkOS has made the tokens when the end happens, and its reply is on the way.
func TestAnEndDuringTheExchangeOfACodeEndsTheNewSession(t *testing.T) {
	for name, end := range map[string]func(a *App, c *Changes){
		"the session is revoked": func(a *App, c *Changes) {
			id := a.SessionID()
			a.Fake.RevokeSession(id)
			c.Now(workos.EventSessionRevoked, map[string]any{"object": "session", "id": id, "user_id": "user_kim"})
		},
		"the user is deleted": func(_ *App, c *Changes) { c.Now(workos.EventUserDeleted, UserData("user_kim")) },
		"EndUser":             func(a *App, _ *Changes) { assert.NoError(a.T, a.EndUser(a.T.Context(), "user_kim")) },
	} {
		t.Run(name, func(t *testing.T) {
			a := NewApp(t, AppOptions{})
			c := ChangesOf(a)
			require.NoError(t, a.Ready(t.Context()))
			s := a.StartSignIn("/login?return_to=/account")
			a.Fake.InjectFault(authkittest.RouteCodeExchange, authkittest.Fault{TakeEffect: true, Delay: time.Second, Times: 1})
			answer := a.SendAsync(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()})
			a.Fake.AwaitCalls(t, authkittest.RouteCodeExchange, 1)
			require.Eventually(t, func() bool { return len(a.Fake.Sessions()) == 1 }, 10*time.Second, time.Millisecond)
			end(a, c)
			a.Clock.AwaitTimers(2) // of the attempt and of the fault
			a.Clock.Advance(time.Second)
			resp := <-answer
			require.Equal(t, http.StatusSeeOther, resp.Status, resp.Body)
			assert.Equal(t, http.StatusUnauthorized, a.Status(t, JarAfter(s.Cookie, resp)))
		})
	}
}
