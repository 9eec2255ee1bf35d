// Requests of due sessions whose client leaves before the refresh has ended.

package authkit_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/behaviour"
)

// A server calls the handler also if the client has left meanwhile. A removed member must not
// act with the old rights by closing the connection.
func TestAClientThatLeavesDuringARefreshDoesNotActWithItsOldRights(t *testing.T) {
	slow := authkittest.Fault{Delay: time.Minute}
	for name, prepare := range map[string]func(a *behaviour.App, c *behaviour.Changes) (before func()){
		"a change before the request": func(a *behaviour.App, c *behaviour.Changes) func() {
			c.SetRole("org_acme", "guest")
			a.Fake.InjectFault(authkittest.RouteRefresh, slow)
			return func() { a.Fake.AwaitCalls(t, authkittest.RouteRefresh, 1) }
		},
		"a change during an ordinary refresh": func(a *behaviour.App, c *behaviour.Changes) func() {
			a.Clock.Advance(4*time.Minute + 5*time.Second)
			a.Fake.InjectFault(authkittest.RouteRefresh, slow)
			return func() {
				a.Fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
				c.SetRole("org_acme", "guest")
			}
		},
		"a change after a refresh": func(a *behaviour.App, c *behaviour.Changes) func() {
			a.Clock.Advance(4*time.Minute + 5*time.Second)
			h := holdAt(a, "committed")
			return func() {
				<-h.reached
				a.Clock.Advance(time.Second)
				c.SetRole("org_acme", "guest")
				a.Fake.InjectFault(authkittest.RouteRefresh, slow)
				h.release()
				a.Fake.AwaitCalls(t, authkittest.RouteRefresh, 2)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, c, cookie := newWithChanges(t)
			type finding struct {
				session *authkit.Session
				err     error
			}
			found := make(chan finding, 1)
			a.Mux.HandleFunc("POST /posts", func(_ http.ResponseWriter, r *http.Request) {
				s, _ := authkit.FromContext(r.Context())
				found <- finding{s, authkit.ErrorFromContext(r.Context())}
			})
			awaitRefresh := prepare(a, c)
			ctx, leave := context.WithCancel(t.Context())
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.URL+"/posts", http.NoBody)
			require.NoError(t, err)
			r.Header.Set("Cookie", cookie)
			left := make(chan error, 1)
			go func() {
				_, err := http.DefaultTransport.RoundTrip(r)
				left <- err
			}()
			awaitRefresh()
			leave()
			require.ErrorIs(t, <-left, context.Canceled)
			got := <-found
			assert.Nil(t, got.session)
			assert.ErrorIs(t, got.err, authkit.ErrUnavailable)
		})
	}
}
