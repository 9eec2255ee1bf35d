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
)

const (
	crowd  = 12 // number of browsers
	tabs   = 4  // concurrent tabs per browser
	epochs = 12 // per browser; an epoch lasts from a sign-in to the end of the session
	views  = 40 // pages per tab and epoch

	// longest is how much fake time can pass during a request. It is less than the
	// 30 s for which a consumed refresh token is answered with its successor.
	longest = 20 * time.Second
)

// end is how an epoch ends.
type end int

const (
	endLogout end = iota
	endRevoked
	endNone // the session does not end; the browser signs in again
	ends
)

// crowdTest is several browsers that use one process.
type crowdTest struct {
	*world
	slot *slot

	mu       sync.Mutex
	underWay map[*time.Time]struct{} // guarded by mu: start times of the requests in progress
	findings []string                // guarded by mu

	requests, refusals, undecided, signOuts, revocations, switches, faults, rotations atomic.Int64
}

func TestConcurrentRequestsNeverMixOrLoseSessions(t *testing.T) {
	emails := make([]string, crowd)
	for i := range emails {
		emails[i] = fmt.Sprintf("crowd-%02d@example.com", i)
	}
	c := &crowdTest{world: newWorld(t, everybody(emails), 1), underWay: map[*time.Time]struct{}{}}
	c.slot = c.slots[0]
	c.slot.replace(passwords(0)...)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()

	var people sync.WaitGroup
	for i, email := range emails {
		b := &browser{number: i, email: email, jar: c.signedInPages(email)}
		c.joinBeta(email)
		people.Go(func() { c.live(ctx, b, rand.New(rand.NewPCG(*soakSeed, uint64(i)))) })
	}
	done := make(chan struct{})
	go func() {
		people.Wait()
		close(done)
	}()
	c.disturb(done, rand.New(rand.NewPCG(*soakSeed, 1<<32)))

	t.Logf("%d requests, %d refreshes, %d logouts, %d revocations, %d switches, %d faults (%d answers of 503), %d key rotations, %d refusals, %.1f fake minutes",
		c.requests.Load(), c.fake.Calls(authkittest.RouteRefresh), c.signOuts.Load(), c.revocations.Load(), c.switches.Load(),
		c.faults.Load(), c.undecided.Load(), c.rotations.Load(), c.refusals.Load(), c.clock.Now().Sub(start).Minutes())
	require.Empty(t, c.findings)
	require.NoError(t, ctx.Err(), "the test timed out")
	assert.LessOrEqual(t, c.slot.process.Load().upstream.most(), 1, "exchanges of the same refresh token that WorkOS answered")
	assert.Positive(t, c.faults.Load())
	assert.Positive(t, c.rotations.Load())
}

// signedInPages signs in through the pages of the fake and returns the cookies.
func (c *crowdTest) signedInPages(email string) map[string]string {
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

func (c *crowdTest) report(f *finding) {
	if f == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.findings) < 10 {
		c.findings = append(c.findings, f.String())
	}
}

func (c *crowdTest) failed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.findings) > 0
}

// begin records a request in progress. The returned function records its end.
func (c *crowdTest) begin() (finished func()) {
	c.requests.Add(1)
	now := c.clock.Now()
	c.mu.Lock()
	c.underWay[&now] = struct{}{}
	c.mu.Unlock()
	return func() {
		c.mu.Lock()
		delete(c.underWay, &now)
		c.mu.Unlock()
	}
}

// age returns how long the oldest request has been in progress, in fake time.
func (c *crowdTest) age() (oldest time.Duration) {
	now := c.clock.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	for began := range c.underWay {
		oldest = max(oldest, now.Sub(*began))
	}
	return oldest
}

// disturb moves the clock, rotates the keys, and injects and clears faults, until
// done is closed.
func (c *crowdTest) disturb(done <-chan struct{}, r *rand.Rand) {
	ticker := time.NewTicker(2 * tick)
	defer ticker.Stop()
	var healed, rotated time.Time // time of the next fault change and of the next rotation
	for {
		select {
		case <-done:
			c.heal()
			return
		case <-ticker.C:
		}
		if c.age() < longest-5*time.Second {
			c.clock.move(time.Duration(1+r.IntN(5)) * time.Second)
		} else if c.clock.waiting.Load() > 0 {
			c.clock.move(step)
		}
		switch now := c.clock.Now(); {
		case c.fault.Load() != nil && now.After(healed):
			c.heal()
			healed = now.Add(time.Duration(60+r.IntN(120)) * time.Second)
		case c.fault.Load() == nil && now.After(healed):
			c.faults.Add(1)
			c.fail(calm[r.IntN(len(calm))])
			healed = now.Add(time.Duration(30+r.IntN(210)) * time.Second)
		case c.fault.Load() == nil && now.After(rotated): // the interval is longer than the cool-down of key fetches
			c.rotations.Add(1)
			c.fake.RotateSigningKeys()
			rotated = now.Add(time.Duration(3+r.IntN(6)) * time.Minute)
		}
	}
}

// calm are the faults that take no time and lose no reply, so that every exchange
// that WorkOS answers can be counted.
var calm = func() (calm []*fault) {
	for _, f := range faults {
		lost := f.late
		for _, how := range f.routes {
			lost = lost || how.Truncate || how.TakeEffect || how.Status == 0 && how.Body != ""
		}
		if !lost {
			calm = append(calm, f)
		}
	}
	return calm
}()

// life is the state of an epoch that all tabs of a browser share.
type life struct {
	signedOut atomic.Bool  // the response to the logout has arrived
	signing   atomic.Bool  // the logout request has been sent
	revoked   atomic.Int64 // in Unix nanoseconds of the fake clock; 0 if not revoked
}

func (c *crowdTest) live(ctx context.Context, b *browser, r *rand.Rand) {
	a, err := b.get(c.slot, "/account")
	if err != nil || a.page.Email != b.email {
		c.report(found(inconsistent, "after sign-in: %d, %v", a.status, err))
		return
	}
	b.session = a.page.Session
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
func (c *crowdTest) signIn(ctx context.Context, b *browser) bool {
	for ctx.Err() == nil {
		finished := c.begin()
		ok, f := b.signIn(c.slot)
		finished()
		if ok {
			return true
		}
		if f != nil && f.kind != inconsistent { // a fault may have started or ended meanwhile
			c.report(f)
			return false
		}
	}
	return false
}

func (c *crowdTest) epoch(ctx context.Context, b *browser, how end, r *rand.Rand) {
	var l life
	var running sync.WaitGroup
	var asked atomic.Int64 // number of pages so far
	half := make(chan struct{})
	for range tabs {
		running.Go(func() {
			for range views {
				if asked.Add(1) == tabs*views/2 {
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
		// This process refuses the session, whichever response arrived last.
		c.view(b, &l)
		finished := c.begin()
		c.report(b.replay(c.slot))
		finished()
		b.session = ""
	case endRevoked:
		c.await(ctx, b, &l, func(a answer) bool { return a.status == http.StatusUnauthorized })
		b.session = ""
	case endNone:
		c.await(ctx, b, &l, func(a answer) bool { return a.page.Session == b.session })
	}
}

// await loads a page until the response is good.
func (c *crowdTest) await(ctx context.Context, b *browser, l *life, good func(answer) bool) {
	for ctx.Err() == nil {
		if good(c.view(b, l)) || c.failed() {
			return
		}
	}
	c.report(found(wrongful, "%s in %s: the expected response never came", b.email, b.session))
}

// view loads a page and checks the response against the state before the request
// and the state when the response arrived.
func (c *crowdTest) view(b *browser, l *life) answer {
	signedOut := l.signedOut.Load()
	cookie := b.cookies()
	finished := c.begin()
	a, err := b.send(c.slot, http.MethodGet, "/account", nil, cookie, true)
	finished()
	if err != nil {
		c.report(found(inconsistent, "%v", err))
		return a
	}
	switch a.status {
	case http.StatusServiceUnavailable:
		c.undecided.Add(1)
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
	case l.signing.Load():
		if a.page.Session == "" {
			return a // both responses are valid while the logout is in progress
		}
	}
	// Here, faults start and end during a request. TestSoak checks that a 503 only
	// comes in an outage, because its faults do not change during a request.
	_, f := judge(a, b.email, session, revokedAt, circumstances{outage: true})
	c.report(f)
	return a
}

func (c *crowdTest) logout(b *browser, l *life) {
	l.signing.Store(true)
	c.signOuts.Add(1)
	cookie := b.cookies()
	session := b.session
	process := c.slot.number()
	finished := c.begin()
	a, err := b.send(c.slot, http.MethodPost, "/logout", url.Values{}, cookie, true)
	finished()
	if err != nil || a.status != http.StatusSeeOther {
		c.report(found(inconsistent, "logout of %s: %d, %v", session, a.status, err))
		return
	}
	b.former = &former{cookie: cookie, at: c.clock.Now(), process: process}
	l.signedOut.Store(true)
}

// switchOrganization switches the organization while pages load and the clock
// moves. An outage, a logout or a revocation can make it fail. It must never end
// the session.
func (c *crowdTest) switchOrganization(b *browser, l *life, to string) {
	c.switches.Add(1)
	finished := c.begin()
	a, err := b.post(c.slot, "/organization", url.Values{"organization_id": {to}})
	finished()
	ended := l.signing.Load() || l.revoked.Load() != 0
	switch {
	case err != nil:
		c.report(found(inconsistent, "switch: %v", err))
	case a.status == http.StatusOK, a.status == http.StatusServiceUnavailable, ended:
	case a.cleared, a.status == http.StatusUnauthorized:
		c.report(found(wrongful, "a switch of %s: %d, cookie removed: %t", b.session, a.status, a.cleared))
	default:
		c.report(found(inconsistent, "a switch of %s: %d", b.session, a.status))
	}
}
