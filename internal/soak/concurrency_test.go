// A few browsers that do everything at once, while the time moves under them.

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
	crowd  = 12 // browsers
	tabs   = 4  // of each, at once
	epochs = 12 // from a sign-in to what ends it, of each
	views  = 40 // pages of each tab in an epoch

	// longest is how much fake time may pass under a request: less than the 30 s
	// for which a retired token is answered once the new one has been seen.
	longest = 20 * time.Second
)

// end is what ends an epoch.
type end int

const (
	endLogout end = iota
	endRevoked
	endNone // signs in anew over a live session
	ends
)

// crowdTest is many browsers before one process.
type crowdTest struct {
	*world
	slot *slot

	mu       sync.Mutex
	underWay map[*time.Time]struct{} // guarded by mu: when the requests under way began
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
	require.NoError(t, ctx.Err(), "somebody waited for too long")
	assert.LessOrEqual(t, c.slot.process.Load().upstream.most(), 1, "exchanges of one refresh token that WorkOS answered")
	assert.Positive(t, c.faults.Load())
	assert.Positive(t, c.rotations.Load())
}

// signedInPages goes through the real pages and returns the jar afterwards.
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

// begin notes that a request is under way until the function that it returns is
// called.
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

// age is how much fake time has passed under the oldest request.
func (c *crowdTest) age() (oldest time.Duration) {
	now := c.clock.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	for began := range c.underWay {
		oldest = max(oldest, now.Sub(*began))
	}
	return oldest
}

// disturb moves the time, rotates the keys and lets faults come and go, until
// done is closed.
func (c *crowdTest) disturb(done <-chan struct{}, r *rand.Rand) {
	ticker := time.NewTicker(2 * tick)
	defer ticker.Stop()
	var healed, rotated time.Time // when it is time to
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
		case c.fault.Load() == nil && now.After(rotated): // longer apart than the cool-down of keys
			c.rotations.Add(1)
			c.fake.RotateSigningKeys()
			rotated = now.Add(time.Duration(3+r.IntN(6)) * time.Minute)
		}
	}
}

// calm are the faults that take no time themselves and lose no reply, so that
// every exchange that WorkOS answers counts.
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

// life is one epoch of a browser, as far as all its tabs can know of it.
type life struct {
	signedOut atomic.Bool  // the answer to the logout has arrived
	signing   atomic.Bool  // it has been asked for
	revoked   atomic.Int64 // Unix nanoseconds, on the fake clock; 0 for not
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

// signIn tries until it works: the keys may not be at hand.
func (c *crowdTest) signIn(ctx context.Context, b *browser) bool {
	for ctx.Err() == nil {
		finished := c.begin()
		ok, f := b.signIn(c.slot)
		finished()
		if ok {
			return true
		}
		if f != nil && f.kind != inconsistent { // the fault may have begun or ended meanwhile
			c.report(f)
			return false
		}
	}
	return false
}

func (c *crowdTest) epoch(ctx context.Context, b *browser, how end, r *rand.Rand) {
	var l life
	var running sync.WaitGroup
	var asked atomic.Int64 // pages so far
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
		// Whatever arrived last, this process takes none of it.
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

// await looks at a page until it is as it has to be in the end.
func (c *crowdTest) await(ctx context.Context, b *browser, l *life, good func(answer) bool) {
	for ctx.Err() == nil {
		if good(c.view(b, l)) || c.failed() {
			return
		}
	}
	c.report(found(wrongful, "%s in %s: what has to come in the end did not", b.email, b.session))
}

// view asks for a page and judges it by what was known before it was asked for,
// and by what had happened when it arrived.
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
			return a // either is right while it is under way
		}
	}
	// Faults begin and end under a request here: that a 503 needs an outage is
	// held in the soak, where they do not.
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

// switchOrganization switches while pages are asked for and the time moves: it
// may be refused by an outage, a logout or a revocation, and never takes the
// session with it.
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
