// Several instances of an application that share a store.

package behaviour

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// Replicas are instances that share a store, a fake AuthKit and a clock.
type Replicas struct {
	Instances []*App
	Store     *authkittest.MemoryStore
	Fake      *authkittest.Server
	Clock     *authkittest.FakeClock
}

// NewReplicas starts n instances. The options of o.AuthKit are those of each instance.
func NewReplicas(t testing.TB, n int, o AppOptions) *Replicas {
	t.Helper()
	var store *authkittest.MemoryStore
	opts := o.AuthKit
	first := NewApp(t, AppOptions{Fake: o.Fake})
	store = authkittest.NewMemoryStore(first.Clock)
	o.AuthKit = append([]authkit.Option{authkit.WithStore(store)}, opts...)
	r := &Replicas{Store: store, Fake: first.Fake, Clock: first.Clock}
	for range n {
		r.Add(t, o)
	}
	return r
}

// Add starts one more instance.
func (r *Replicas) Add(t testing.TB, o AppOptions) *App {
	t.Helper()
	if len(o.AuthKit) == 0 {
		o.AuthKit = []authkit.Option{authkit.WithStore(r.Store)}
	}
	a := NewInstance(t, r.Fake, r.Clock, o)
	r.Instances = append(r.Instances, a)
	return a
}

// Status returns the status of a script's request for a guarded page.
func (a *App) Status(t testing.TB, cookie string) int {
	t.Helper()
	return a.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()}).Status
}

// SignOut posts the logout form with a session.
func (a *App) SignOut(t testing.TB, cookie string) {
	t.Helper()
	resp := a.Send(Request{Method: http.MethodPost, Target: "/logout", Cookie: cookie, Header: Navigation()})
	require.Equal(t, http.StatusSeeOther, resp.Status)
}

// expireBy advances the clock by the lifetime of a token and more, in steps, so that what
// runs every second can run.
func (r *Replicas) expireBy(beyond time.Duration) { r.Clock.Advance(5*time.Minute + beyond) }
