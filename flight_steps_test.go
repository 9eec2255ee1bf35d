// What Stats counts and what observers are told if requests come and leave between two steps of an exchange.

package authkit_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/behaviour"
)

// countedApp is an application with a session of kim, whose exchanges and waits are observed.
type countedApp struct {
	*behaviour.App
	cookie string
	seen   chan string // a line for each exchange and each wait
}

func newCountedApp(t *testing.T) *countedApp {
	c := &countedApp{seen: make(chan string, 100)}
	c.App = behaviour.NewSwitchingApp(t, authkit.WithObserver(func(_ context.Context, o authkit.Observation) {
		switch o.Kind {
		case authkit.ObservedRefresh:
			c.seen <- fmt.Sprintf("exchange %d %s, %d waiters", o.Exchange, o.Outcome, o.Waiters)
		case authkit.ObservedRefreshWait:
			c.seen <- fmt.Sprintf("wait for %d %s", o.Exchange, o.Outcome)
		}
	}))
	c.cookie = c.AcmeCookie()
	return c
}

// next returns the next n lines, sorted.
func (c *countedApp) next(n int) (lines []string) {
	for range n {
		lines = append(lines, <-c.seen)
	}
	slices.Sort(lines)
	return lines
}

func (c *countedApp) begin() chan behaviour.Response {
	return c.SendAsync(behaviour.Request{Target: "/me", Cookie: c.cookie, Header: behaviour.Scripted()})
}

func (c *countedApp) awaitWaiting(n int) {
	c.T.Helper()
	require.Eventually(c.T, func() bool { return c.Stats().Refreshes.Waiting == n }, behaviour.WaitTimeout, time.Millisecond)
}

func TestEachRequestBetweenTwoStepsOfAnExchangeIsCountedOnce(t *testing.T) {
	refusal := authkittest.Fault{Status: 404, Body: `{"message":"Not found"}`}
	for name, c := range map[string]struct {
		act     func(c *countedApp)
		lines   []string
		waiters int
	}{
		"a second request during the call of WorkOS": {func(c *countedApp) {
			h := holdAt(c.App, "changes read")
			first := c.begin()
			<-h.reached
			second := c.begin()
			c.awaitWaiting(2)
			h.release()
			<-first
			<-second
		}, []string{"exchange 1 ok, 1 waiters", "wait for 1 ok"}, 1},
		"a second request before the outcome is stored": {func(c *countedApp) {
			h := holdAt(c.App, "exchanged")
			first := c.begin()
			<-h.reached
			second := c.begin()
			c.awaitWaiting(2)
			h.release()
			<-first
			<-second
		}, []string{"exchange 1 ok, 0 waiters", "wait for 1 ok"}, 1},
		"a second request after the outcome is stored": {func(c *countedApp) {
			h := holdAt(c.App, "committed")
			first := c.begin()
			<-h.reached
			<-c.begin()
			h.release()
			<-first
		}, []string{"exchange 1 ok, 0 waiters"}, 0},
		"a request whose flight finds the outcome of another one": {func(c *countedApp) {
			h := holdAt(c.App, "looked up")
			first := c.begin()
			<-h.reached
			<-c.begin()
			h.release()
			<-first
		}, []string{"exchange 1 ok, 0 waiters"}, 0},
		"a waiter that leaves during the call of WorkOS": {func(c *countedApp) {
			h := holdAt(c.App, "changes read")
			first := c.begin()
			<-h.reached
			_, giveUp := c.SendAndGiveUp(c.cookie)
			c.awaitWaiting(2)
			giveUp()
			c.awaitWaiting(1)
			h.release()
			<-first
		}, []string{"exchange 1 ok, 0 waiters", "wait for 1 left"}, 1},
		"a waiter that leaves after the outcome is stored": {func(c *countedApp) {
			h := holdAt(c.App, "changes read")
			first := c.begin()
			<-h.reached
			_, giveUp := c.SendAndGiveUp(c.cookie)
			c.awaitWaiting(2)
			stored := holdAt(c.App, "committed")
			h.release()
			<-stored.reached
			giveUp()
			c.awaitWaiting(1)
			stored.release()
			<-first
		}, []string{"exchange 1 ok, 1 waiters", "wait for 1 left"}, 1},
		"a first request that leaves before a second one": {func(c *countedApp) {
			h := holdAt(c.App, "changes read")
			_, giveUp := c.SendAndGiveUp(c.cookie)
			<-h.reached
			c.awaitWaiting(1)
			giveUp()
			c.awaitWaiting(0)
			second := c.begin()
			c.awaitWaiting(1)
			h.release()
			<-second
		}, []string{"exchange 1 ok, 1 waiters", "wait for 1 ok"}, 1},
		"a refusal": {func(c *countedApp) {
			c.Fake.InjectFault(authkittest.RouteRefresh, refusal)
			h := holdAt(c.App, "changes read")
			first := c.begin()
			<-h.reached
			second := c.begin()
			c.awaitWaiting(2)
			h.release()
			<-first
			<-second
		}, []string{"exchange 1 refused, 1 waiters", "wait for 1 refused"}, 1},
		"tokens that are verified by a second exchange": {func(c *countedApp) {
			c.Fake.AddSigningKey()
			c.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: http.StatusInternalServerError})
			<-c.begin()
			c.Fake.ClearFault(authkittest.RouteJWKS)
			c.Clock.Advance(time.Minute)
			h := holdAt(c.App, "exchanged")
			first := c.begin()
			<-h.reached
			second := c.begin()
			c.awaitWaiting(2)
			h.release()
			<-first
			<-second
		}, []string{"exchange 1 unverified, 0 waiters", "exchange 2 ok, 0 waiters", "wait for 2 ok"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			app := newCountedApp(t)
			app.ExpireToken(2 * time.Minute)
			before := app.Stats().Refreshes
			c.act(app)
			assert.Equal(t, c.lines, app.next(len(c.lines)))
			app.awaitWaiting(0)
			after := app.Stats().Refreshes
			assert.EqualValues(t, c.waiters, after.Waiters-before.Waiters)
			assert.Zero(t, after.InFlight)
			assert.Empty(t, app.seen)
		})
	}
}

// A waiter that leaves is no waiter of the exchange before Stats leaves it out. So an application that sees no request wait
// is not told of a waiter afterwards.
func TestAWaiterLeavesTheExchangeBeforeStatsLeavesItOut(t *testing.T) {
	c := newCountedApp(t)
	c.ExpireToken(2 * time.Minute)
	steps := holdAtEach(c.App, "changes read", "left")
	exchange, left := steps[0], steps[1]
	first := c.begin()
	<-exchange.reached
	_, giveUp := c.SendAndGiveUp(c.cookie)
	c.awaitWaiting(2)
	giveUp()
	<-left.reached
	assert.Equal(t, 2, c.Stats().Refreshes.Waiting)
	exchange.release()
	<-first
	assert.Equal(t, []string{"exchange 1 ok, 0 waiters"}, c.next(1))
	left.release()
	assert.Equal(t, []string{"wait for 1 left"}, c.next(1))
	c.awaitWaiting(0)
}

// A switch of a usable session and a refresh of the same refresh token share one exchange.
func TestARefreshThatWaitsForASwitchIsCountedOnce(t *testing.T) {
	c := newCountedApp(t)
	h := holdAt(c.App, "changes read")
	switched := c.SendAsync(behaviour.Request{
		Method: "POST", Target: "/organization", Cookie: c.cookie, Header: behaviour.Scripted(), Form: map[string][]string{"organization_id": {"org_beta"}},
	})
	<-h.reached
	c.Clock.Advance(4*time.Minute + time.Second)
	refreshed := c.begin()
	c.awaitWaiting(2)
	h.release()
	assert.Equal(t, http.StatusOK, (<-switched).Status)
	assert.Contains(t, (<-refreshed).Body, "org_beta")
	assert.Equal(t, []string{"exchange 1 ok, 1 waiters", "wait for 1 ok"}, c.next(2))
	assert.EqualValues(t, 1, c.Stats().Refreshes.Waiters)
	assert.EqualValues(t, 1, c.Stats().Refreshes.Exchanged)
}
