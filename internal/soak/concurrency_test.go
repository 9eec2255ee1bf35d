// A few browsers that send many concurrent requests while the clock moves.

package soak

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/testrun"
)

const (
	tabs = 4 // concurrent tabs per browser

	// maxRequestTime is how much fake time can pass during a request. It is less than the
	// 30 s for which a consumed refresh token is answered with its successor.
	maxRequestTime = 20 * time.Second
)

var (
	browserCount = testrun.Length(8, 12)
	// epochs is per browser; an epoch lasts from a sign-in to the end of the session. Each of the ends comes as often.
	epochs = testrun.Length(3, 12)
	// pagesPerTab is how many pages each tab loads in an epoch.
	pagesPerTab = testrun.Length(14, 40)
	// moveEvery is how often the clock moves. With fewer pages it moves more often, so that a session is refreshed as often.
	moveEvery = testrun.Length(tick/2, 2*tick)
)

// end is how an epoch ends.
type end int

const (
	endLogout end = iota
	endRevoked
	endNone // the session does not end; the browser signs in again
	ends
)

// concurrencyTest is several browsers that use one process.
type concurrencyTest struct {
	*world
	slot *slot

	mu         sync.Mutex
	inProgress map[*time.Time]struct{} // guarded by mu: start times of the requests in progress
	findings   []string                // guarded by mu

	requests, refusals, unavailable, signOuts, revocations, switches, faults, rotations atomic.Int64
}

func TestConcurrentRequestsNeverMixOrLoseSessions(t *testing.T) {
	emails := make([]string, browserCount)
	for i := range emails {
		emails[i] = fmt.Sprintf("user-%02d@example.com", i)
	}
	c := &concurrencyTest{world: newWorld(t, newUsers(emails), 1), inProgress: map[*time.Time]struct{}{}}
	c.slot = c.slots[0]
	c.slot.replace(passwords(0)...)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()

	var users sync.WaitGroup
	for i, email := range emails {
		b := &browser{number: i, email: email, jar: c.signedInPages(email)}
		c.joinBeta(email)
		users.Go(func() { c.runEpochs(ctx, b, rand.New(rand.NewPCG(*soakSeed, uint64(i)))) })
	}
	done := make(chan struct{})
	go func() {
		users.Wait()
		close(done)
	}()
	c.disturb(done, rand.New(rand.NewPCG(*soakSeed, 1<<32)))

	t.Logf("%d requests, %d refreshes, %d logouts, %d revocations, %d switches, %d faults (%d answers of 503), %d key rotations, %d refusals, %.1f fake minutes",
		c.requests.Load(), c.fake.Calls(authkittest.RouteRefresh), c.signOuts.Load(), c.revocations.Load(), c.switches.Load(),
		c.faults.Load(), c.unavailable.Load(), c.rotations.Load(), c.refusals.Load(), c.clock.Now().Sub(start).Minutes())
	require.Empty(t, c.findings)
	require.NoError(t, ctx.Err(), "the test timed out")
	assert.LessOrEqual(t, c.slot.process.Load().upstream.maxExchanges(), 1, "exchanges of the same refresh token that WorkOS answered")
	assert.Positive(t, c.faults.Load())
	assert.Positive(t, c.rotations.Load())
}

// signedInPages signs in through the pages of the fake and returns the cookies.
func (c *concurrencyTest) signedInPages(email string) map[string]string {
	b := authkittest.NewBrowser()
	defer b.CloseIdleConnections()
	_, err := b.SignIn(c.slot.url+"/login", email)
	require.NoError(c.t, err)
	address, err := url.Parse(c.slot.url)
	require.NoError(c.t, err)
	jar := map[string]string{}
	for _, cookie := range b.Jar.Cookies(address) {
		jar[cookie.Name] = cookie.Value
	}
	return jar
}

func (c *concurrencyTest) report(f *finding) {
	if f == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.findings) < 10 {
		c.findings = append(c.findings, f.String())
	}
}

func (c *concurrencyTest) failed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.findings) > 0
}

// begin records a request in progress. The returned function records its end.
func (c *concurrencyTest) begin() (finished func()) {
	c.requests.Add(1)
	now := c.clock.Now()
	c.mu.Lock()
	c.inProgress[&now] = struct{}{}
	c.mu.Unlock()
	return func() {
		c.mu.Lock()
		delete(c.inProgress, &now)
		c.mu.Unlock()
	}
}

// age returns how long the oldest request has been in progress, in fake time.
func (c *concurrencyTest) age() (oldest time.Duration) {
	now := c.clock.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	for began := range c.inProgress {
		oldest = max(oldest, now.Sub(*began))
	}
	return oldest
}

// disturb moves the clock, rotates the keys, and injects and clears faults, until
// done is closed.
func (c *concurrencyTest) disturb(done <-chan struct{}, r *rand.Rand) {
	ticker := time.NewTicker(moveEvery)
	defer ticker.Stop()
	var nextFaultChange, nextRotation time.Time
	for {
		select {
		case <-done:
			c.clearFault()
			return
		case <-ticker.C:
		}
		if c.age() < maxRequestTime-5*time.Second {
			c.clock.move(time.Duration(1+r.IntN(5)) * time.Second)
		} else if c.clock.waiting.Load() > 0 {
			c.clock.move(step)
		}
		switch now := c.clock.Now(); {
		case c.fault.Load() != nil && now.After(nextFaultChange):
			c.clearFault()
			nextFaultChange = now.Add(time.Duration(60+r.IntN(120)) * time.Second)
		case c.fault.Load() == nil && now.After(nextRotation): // the interval is longer than the cool-down of key fetches
			c.rotations.Add(1)
			c.fake.RotateSigningKeys()
			nextRotation = now.Add(time.Duration(3+r.IntN(6)) * time.Minute)
		case c.fault.Load() == nil && now.After(nextFaultChange):
			c.faults.Add(1)
			c.injectFault(countableFaults[r.IntN(len(countableFaults))])
			nextFaultChange = now.Add(time.Duration(30+r.IntN(210)) * time.Second)
		}
	}
}

// countableFaults are the faults that take no time and lose no reply, so that every
// exchange that WorkOS answers can be counted.
var countableFaults = func() (countable []*fault) {
	for _, f := range faults {
		lost := f.takesTime
		for _, how := range f.routes {
			lost = lost || how.Truncate || how.TakeEffect || how.Status == 0 && how.Body != ""
		}
		if !lost {
			countable = append(countable, f)
		}
	}
	return countable
}()

// epochState is the state of an epoch that all tabs of a browser share.
type epochState struct {
	signedOut  atomic.Bool  // the response to the logout has arrived
	signingOut atomic.Bool  // the logout request has been sent
	revoked    atomic.Int64 // in Unix nanoseconds of the fake clock; 0 if not revoked
}

func (c *concurrencyTest) runEpochs(ctx context.Context, b *browser, r *rand.Rand) {
	resp, err := b.get(c.slot, "/account")
	if err != nil || resp.page.Email != b.email {
		c.report(newFinding(inconsistent, "after sign-in: %d, %v", resp.status, err))
		return
	}
	b.session = resp.page.Session
	for epoch := range epochs {
		if b.session == "" || epoch > 0 {
			if !c.signIn(ctx, b) {
				return
			}
		}
		c.epoch(ctx, b, end(epoch%int(ends)), r)
		if ctx.Err() != nil || c.failed() {
			return
		}
	}
}

// signIn tries until it succeeds, because the keys may not be available.
func (c *concurrencyTest) signIn(ctx context.Context, b *browser) bool {
	for ctx.Err() == nil {
		finished := c.begin()
		ok, f := b.signIn(c.slot)
		finished()
		if ok {
			return true
		}
		if f != nil && f.kind != inconsistent { // a fault may have started or ended during the request
			c.report(f)
			return false
		}
	}
	return false
}

func (c *concurrencyTest) epoch(ctx context.Context, b *browser, how end, r *rand.Rand) {
	var l epochState
	var running sync.WaitGroup
	var viewed atomic.Int64 // number of pages so far
	half := make(chan struct{})
	for range tabs {
		running.Go(func() {
			for range pagesPerTab {
				if int(viewed.Add(1)) == tabs*pagesPerTab/2 {
					close(half)
				}
				c.view(b, &l)
			}
		})
	}
	to := []string{acme, beta}[r.IntN(2)]
	running.Go(func() { c.switchOrganization(b, &l, to) })
	running.Go(func() {
		<-half
		switch how {
		case endLogout:
			c.logout(b, &l)
		case endRevoked:
			c.revocations.Add(1)
			l.revoked.Store(c.clock.Now().UnixNano())
			c.fake.RevokeSession(b.session)
		}
	})
	running.Wait()
	switch how {
	case endLogout:
		// This process refuses the session. The order in which responses arrived does not matter.
		c.view(b, &l)
		finished := c.begin()
		c.report(b.replay(c.slot))
		finished()
		b.session = ""
	case endRevoked:
		c.await(ctx, b, &l, func(resp response) bool { return resp.status == http.StatusUnauthorized })
		b.session = ""
	case endNone:
		c.await(ctx, b, &l, func(resp response) bool { return resp.page.Session == b.session })
	}
}

// await loads a page until the response is good.
func (c *concurrencyTest) await(ctx context.Context, b *browser, l *epochState, good func(response) bool) {
	for ctx.Err() == nil {
		if good(c.view(b, l)) || c.failed() {
			return
		}
	}
	c.report(newFinding(wrongfulLogout, "%s in %s: the expected response never came", b.email, b.session))
}

// view loads a page and checks the response against the state before the request
// and the state when the response arrived.
func (c *concurrencyTest) view(b *browser, l *epochState) response {
	signedOut := l.signedOut.Load()
	cookie := b.cookies()
	finished := c.begin()
	resp, err := b.send(c.slot, http.MethodGet, "/account", nil, cookie, true)
	finished()
	if err != nil {
		c.report(newFinding(inconsistent, "%v", err))
		return resp
	}
	switch resp.status {
	case http.StatusServiceUnavailable:
		c.unavailable.Add(1)
	case http.StatusUnauthorized:
		c.refusals.Add(1)
	}
	session, revokedAt := b.session, time.Time{}
	if nanoseconds := l.revoked.Load(); nanoseconds != 0 {
		revokedAt = time.Unix(0, nanoseconds)
	}
	switch {
	case signedOut:
		session = ""
	case l.signingOut.Load():
		if resp.page.Session == "" {
			return resp // both responses are valid while the logout is in progress
		}
	}
	// Here, faults start and end during a request. TestSoak checks that a 503 only
	// comes in an outage, because its faults do not change during a request.
	_, f := check(resp, b.email, session, revokedAt, conditions{outage: true})
	c.report(f)
	return resp
}

func (c *concurrencyTest) logout(b *browser, l *epochState) {
	l.signingOut.Store(true)
	c.signOuts.Add(1)
	cookie := b.cookies()
	session := b.session
	process := c.slot.number()
	finished := c.begin()
	resp, err := b.send(c.slot, http.MethodPost, "/logout", url.Values{}, cookie, true)
	finished()
	if err != nil || resp.status != http.StatusSeeOther {
		c.report(newFinding(inconsistent, "logout of %s: %d, %v", session, resp.status, err))
		return
	}
	b.signedOut = &signedOutSession{cookie: cookie, at: c.clock.Now(), process: process}
	l.signedOut.Store(true)
}

// switchOrganization switches the organization while pages load and the clock
// moves. An outage, a logout or a revocation can make it fail. It must never end
// the session.
func (c *concurrencyTest) switchOrganization(b *browser, l *epochState, to string) {
	c.switches.Add(1)
	finished := c.begin()
	resp, err := b.post(c.slot, "/organization", url.Values{"organization_id": {to}})
	finished()
	ended := l.signingOut.Load() || l.revoked.Load() != 0
	switch {
	case err != nil:
		c.report(newFinding(inconsistent, "switch: %v", err))
	case resp.status == http.StatusOK, resp.status == http.StatusServiceUnavailable, ended:
	case resp.cleared, resp.status == http.StatusUnauthorized:
		c.report(newFinding(wrongfulLogout, "a switch of %s: %d, cookie removed: %t", b.session, resp.status, resp.cleared))
	default:
		c.report(newFinding(inconsistent, "a switch of %s: %d", b.session, resp.status))
	}
}
