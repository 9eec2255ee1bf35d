// The fake AuthKit, the clock, and the connection from the application to the fake.

package soak

import (
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/testrun"
)

const (
	acme = "org_acme" // the first organization of every user
	beta = "org_beta"

	password = "correct horse battery staple"

	// tokenLifetime is the lifetime of access tokens. leeway is how long authkit
	// accepts a token after that.
	tokenLifetime = 5 * time.Minute
	leeway        = time.Minute

	// tick is the real time between two steps of the fake clock while something
	// waits for it. Without a fault, one step is as long as a tick.
	tick = time.Millisecond
	step = 250 * time.Millisecond
	// slowStep is for faults whose reply arrives in the end. It gives a busy
	// machine enough time: a request that waits longer than 2 s is served without
	// the new cookie.
	slowStep = 10 * time.Millisecond
)

// restStep is for the time after the visits of a soak with a store. No browser waits then, only the work that goes on in the
// processes.
var restStep = testrun.Length(50*time.Millisecond, slowStep)

var start = time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)

// clock is the clock of the application and the fake. It does not move while a
// call to WorkOS is in progress, so that no call times out on a busy machine.
// Otherwise WorkOS could exchange a refresh token and the reply would be lost.
type clock struct {
	*authkittest.FakeClock
	waiting atomic.Int64 // pending timers of the application
	// free reports that runUntil moves the clock also if no timer is pending.
	free  bool
	calls sync.RWMutex // read-locked by every call
	// faultTakesTime reports that the current fault itself takes time.
	faultTakesTime atomic.Bool
	step           atomic.Int64 // a time.Duration
}

func (c *clock) AfterFunc(d time.Duration, f func()) func() bool {
	c.waiting.Add(1)
	stop := c.FakeClock.AfterFunc(d, func() {
		c.waiting.Add(-1)
		f()
	})
	return func() bool {
		stopped := stop()
		if stopped {
			c.waiting.Add(-1)
		}
		return stopped
	}
}

// move moves the clock forward when no call is in progress.
func (c *clock) move(d time.Duration) {
	if !c.faultTakesTime.Load() {
		c.calls.Lock()
		defer c.calls.Unlock()
	}
	c.Advance(d)
}

// runUntil moves the clock while a timer is pending, until done is closed.
func (c *clock) runUntil(done <-chan struct{}) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-done:
			return
		case <-ticker.C:
			if c.free || c.waiting.Load() > 0 {
				c.move(time.Duration(c.step.Load()))
			}
		}
	}
}

// settle returns when no timer is pending and no call is in progress. Work that a
// request started can continue after the request has been answered.
func (c *clock) settle() {
	const enough = 10 // ticks, because a goroutine may be about to start a timer
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for quiet := 0; quiet < enough; {
		<-ticker.C
		free := c.calls.TryLock()
		if free {
			c.calls.Unlock()
		}
		switch {
		case c.waiting.Load() > 0:
			c.move(time.Duration(c.step.Load()))
			quiet = 0
		case !free:
			quiet = 0
		default:
			quiet++
		}
	}
}

// upstream is the transport of one process to WorkOS. It counts how often each
// refresh token was exchanged.
type upstream struct {
	clock *clock
	base  *http.Transport

	mu        sync.Mutex
	exchanges map[string]int // guarded by mu
}

func (u *upstream) RoundTrip(r *http.Request) (*http.Response, error) {
	token := refreshToken(r)
	if u.clock.faultTakesTime.Load() {
		return u.base.RoundTrip(r)
	}
	u.clock.calls.RLock()
	release := sync.OnceFunc(u.clock.calls.RUnlock)
	resp, err := u.base.RoundTrip(r)
	if err != nil {
		release()
		return nil, err
	}
	if token != "" && resp.StatusCode == http.StatusOK {
		u.mu.Lock()
		u.exchanges[token]++
		u.mu.Unlock()
	}
	resp.Body = &notifyingBody{resp.Body, release}
	return resp, nil
}

// maxExchanges returns how often the same refresh token was exchanged since the last
// call of maxExchanges.
func (u *upstream) maxExchanges() (most int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, n := range u.exchanges {
		most = max(most, n)
	}
	clear(u.exchanges)
	return most
}

func refreshToken(r *http.Request) string {
	if r.URL.Path != "/user_management/authenticate" {
		return ""
	}
	body, err := r.GetBody()
	if err != nil {
		return ""
	}
	var p struct {
		RefreshToken string `json:"refresh_token"`
	}
	if json.NewDecoder(body).Decode(&p) != nil {
		return ""
	}
	return p.RefreshToken
}

// notifyingBody is a response body that calls closed when it is closed.
type notifyingBody struct {
	io.ReadCloser
	closed func()
}

func (a *notifyingBody) Close() error {
	defer a.closed()
	return a.ReadCloser.Close()
}

// world is a fake AuthKit and the processes of one application.
type world struct {
	t     testing.TB
	fake  *authkittest.Server
	clock *clock
	slots []*slot
	order atomic.Uint64 // number of responses sent, for orderHeader
	// processes is the number of processes started.
	processes atomic.Uint64
	// visits is the transport of all browsers to the application.
	visits *http.Transport
	fault  atomic.Pointer[fault] // the current fault, or nil
	// shared is the store of the processes and what is known of it. It is nil without a store.
	shared *sharedStore
	// slowPages are the slow pages in progress: *slowPage by number.
	slowPages sync.Map
}

func newWorld(t testing.TB, users []authkittest.User, slots int, opts ...authkittest.Option) *world {
	w := &world{
		t:      t,
		clock:  &clock{FakeClock: authkittest.NewFakeClock(start)},
		visits: &http.Transport{MaxIdleConnsPerHost: 64},
	}
	w.clock.step.Store(int64(tick))
	w.fake = authkittest.New(t, append([]authkittest.Option{authkittest.WithClock(w.clock.FakeClock), authkittest.WithUsers(users...),
		authkittest.WithOrganizations(authkittest.Organization{ID: acme}, authkittest.Organization{ID: beta})}, opts...)...)
	for range slots {
		w.slots = append(w.slots, w.newSlot())
	}
	t.Cleanup(w.visits.CloseIdleConnections)
	return w
}

// fault is one way in which WorkOS fails.
type fault struct {
	name         string
	routes       map[authkittest.Route]authkittest.Fault
	takesTime    bool // in fake time
	replyArrives bool // in the end
	// outlivesRequest reports that the reply can arrive when no request waits for it any more.
	outlivesRequest bool
}

var (
	serverError = authkittest.Fault{Status: 500}
	htmlBody    = authkittest.Fault{Body: "<!doctype html><p>maintenance"}
)

// faults are the faults that must not end a session. If a reply is lost, the next
// attempt gets it. Otherwise only WorkOS would know the new refresh token.
var faults = []*fault{
	{name: "refresh: 500", routes: on(authkittest.RouteRefresh, serverError)},
	{name: "refresh: 500 once", routes: on(authkittest.RouteRefresh, authkittest.Fault{Status: 500, Times: 1}), replyArrives: true},
	{name: "refresh: 503, Retry-After", routes: on(authkittest.RouteRefresh, withRetryAfter(503, "3"))},
	{name: "refresh: 429, Retry-After", routes: on(authkittest.RouteRefresh, withRetryAfter(429, "20"))},
	{name: "refresh: reset", routes: on(authkittest.RouteRefresh, authkittest.Fault{Reset: true})},
	{name: "refresh: garbage", routes: on(authkittest.RouteRefresh, htmlBody)},
	{name: "refresh: invalid_client", routes: on(authkittest.RouteRefresh, authkittest.Fault{Status: 400, Body: `{"error":"invalid_client"}`})},
	{name: "refresh: reply cut off", routes: on(authkittest.RouteRefresh, authkittest.Fault{Truncate: true, Times: 1}), replyArrives: true},
	{name: "refresh: reply lost", routes: on(authkittest.RouteRefresh, authkittest.Fault{Reset: true, TakeEffect: true, Times: 1}), replyArrives: true},
	{name: "refresh: hangs", routes: on(authkittest.RouteRefresh, authkittest.Fault{Hang: true}), takesTime: true},
	{name: "refresh: slow", routes: on(authkittest.RouteRefresh, authkittest.Fault{Delay: 500 * time.Millisecond}), takesTime: true, replyArrives: true},
	{name: "keys: 500", routes: on(authkittest.RouteJWKS, serverError)},
	{name: "keys: 503, Retry-After", routes: on(authkittest.RouteJWKS, withRetryAfter(503, "40"))},
	{name: "keys: reset", routes: on(authkittest.RouteJWKS, authkittest.Fault{Reset: true})},
	{name: "keys: garbage", routes: on(authkittest.RouteJWKS, htmlBody)},
	{name: "keys: none", routes: on(authkittest.RouteJWKS, authkittest.Fault{Body: `{"keys":[]}`})},
	{name: "refresh: 500 twice", routes: on(authkittest.RouteRefresh, authkittest.Fault{Status: 500, Times: 2}), replyArrives: true, outlivesRequest: true},
	{name: "refresh: reply lost twice", routes: on(authkittest.RouteRefresh, authkittest.Fault{Reset: true, TakeEffect: true, Times: 2}), replyArrives: true, outlivesRequest: true},
	{name: "refresh: very slow", routes: on(authkittest.RouteRefresh, authkittest.Fault{Delay: 3 * time.Second}), takesTime: true, replyArrives: true, outlivesRequest: true},
	{name: "everything: 500", routes: map[authkittest.Route]authkittest.Fault{authkittest.RouteRefresh: serverError, authkittest.RouteJWKS: serverError}},
}

func on(route authkittest.Route, f authkittest.Fault) map[authkittest.Route]authkittest.Fault {
	return map[authkittest.Route]authkittest.Fault{route: f}
}

func withRetryAfter(status int, retryAfter string) authkittest.Fault {
	return authkittest.Fault{Status: status, Header: http.Header{"Retry-After": {retryAfter}}}
}

func (w *world) injectFault(f *fault) {
	w.fault.Store(f)
	if w.shared == nil {
		w.clock.faultTakesTime.Store(f.takesTime)
		w.clock.step.Store(int64(step))
		if f.replyArrives {
			w.clock.step.Store(int64(slowStep))
		}
	}
	for route, how := range f.routes {
		w.fake.InjectFault(route, how)
	}
}

func (w *world) clearFault() {
	f := w.fault.Load()
	if f == nil {
		return
	}
	for route := range f.routes {
		w.fake.ClearFault(route)
	}
	if w.shared == nil {
		w.clock.faultTakesTime.Store(false)
		w.clock.step.Store(int64(tick))
	}
	w.fault.Store(nil)
}

// newUsers returns users in one organization, so that their first sign-in offers
// no choice.
func newUsers(emails []string) []authkittest.User {
	users := make([]authkittest.User, len(emails))
	for i, email := range emails {
		users[i] = authkittest.User{
			Email: email, Password: password,
			Memberships: []authkittest.Membership{{OrganizationID: acme, Role: "member", Permissions: []string{"posts:read"}}},
		}
	}
	return users
}

// joinBeta makes a user a member of a second organization.
func (w *world) joinBeta(email string) {
	w.fake.UpdateUser(email, func(p *authkittest.User) {
		p.Memberships = append(p.Memberships, authkittest.Membership{OrganizationID: beta, Role: "admin"})
	})
}

func (w *world) require() *require.Assertions { return require.New(w.t) }
