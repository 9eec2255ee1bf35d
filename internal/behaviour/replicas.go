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

// NewReplicas starts n instances with the same options.
func NewReplicas(t testing.TB, n int, o AppOptions) *Replicas {
	t.Helper()
	clock := authkittest.NewFakeClock(Start)
	r := &Replicas{Store: authkittest.NewMemoryStore(clock), Fake: newFake(t, clock, o.Fake...), Clock: clock}
	for range n {
		r.Add(t, o)
	}
	return r
}

// Add starts one more instance.
func (r *Replicas) Add(t testing.TB, o AppOptions) *App {
	t.Helper()
	o.AuthKit = append([]authkit.Option{authkit.WithStore(r.Store)}, o.AuthKit...)
	a := NewInstance(t, r.Fake, r.Clock, o)
	r.Instances = append(r.Instances, a)
	return a
}

// commands returns what f costs at the store, without following the log.
func (r *Replicas) commands(f func()) authkittest.StoreCommands {
	r.Store.ResetCommands()
	f()
	c := r.Store.Commands()
	c.Follow = 0
	return c
}

// refreshTimes refreshes a session n times at the first instance, and returns its new cookie. It returns after the commands behind the
// responses: each request with a refreshed session shortens the record of the refresh before.
func (r *Replicas) refreshTimes(t testing.TB, n int, cookie string) string {
	t.Helper()
	r.Store.ResetCommands()
	for range n {
		r.expireTokens()
		cookie = r.Instances[0].Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()}).session(t)
		require.NotEmpty(t, cookie)
	}
	require.Eventually(t, func() bool {
		c := r.Store.Commands()
		return c.Get == n+n-1 && c.Swap == 2*n+n-1
	}, WaitTimeout, time.Millisecond, "one command of each kind for each record that is shortened")
	return cookie
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

// expireTokens advances the clock until every access token has expired, beyond the skew.
func (r *Replicas) expireTokens() { r.Clock.Advance(5*time.Minute + 2*time.Minute) }

// settle advances the clock until every instance that has followed the log has read it to
// its end again. One that connects while the clock moves reads it between two seconds.
func (r *Replicas) settle(t testing.TB) {
	t.Helper()
	start := r.Clock.Now()
	polls := 0
	require.Eventually(t, func() bool {
		if polls%20 == 0 { // the clock leaves the instances time to read
			r.Clock.Advance(time.Second)
		}
		polls++
		for _, a := range r.Instances {
			if s := a.Stats().Store; s.State != authkit.StoreIdle && !s.LogReadAt.After(start) {
				return false
			}
		}
		return true
	}, WaitTimeout, time.Millisecond, "an instance does not read the log")
}

// awaitStatus advances the clock second by second until a guarded page answers with a
// status. It returns how long that took.
func (r *Replicas) awaitStatus(t testing.TB, a *App, cookie string, status int) time.Duration {
	t.Helper()
	start := r.Clock.Now()
	polls := 0
	require.Eventually(t, func() bool {
		if a.Status(t, cookie) == status {
			return true
		}
		if polls++; polls%6 == 0 { // the clock leaves the instance time to learn of a change
			r.Clock.Advance(time.Second)
		}
		return false
	}, WaitTimeout, 5*time.Millisecond, "the status does not become %d", status)
	return r.Clock.Now().Sub(start)
}

// advanceUntil advances the clock second by second until a condition holds.
func (r *Replicas) advanceUntil(t testing.TB, condition func() bool, otherwise string) {
	t.Helper()
	polls := 0
	require.Eventually(t, func() bool {
		if condition() {
			return true
		}
		if polls++; polls%50 == 0 { // the clock leaves the instances time to work
			r.Clock.Advance(time.Second)
		}
		return false
	}, WaitTimeout, time.Millisecond, otherwise)
}
