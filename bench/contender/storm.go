// Refresh storms: many concurrent requests with one stale session, and one token exchange for all.

package contender

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// Storms are the numbers of requests that wait for one exchange.
var Storms = []int{1, 100, 10_000}

// Storm returns the name of the benchmark with that many requests.
func Storm(requests int) string { return fmt.Sprintf("storm/requests-%d", requests) }

// The metrics of a storm.
const (
	PerWaiter         = "ns/waiter" // the time without the exchange itself, divided by the requests
	ExchangesPerStorm = "exchanges/storm"
)

// stormTokenLifetime is short, so that the clock passes it without making the signing keys due for a fetch.
const stormTokenLifetime = 10 * time.Second

func (s *Stage) storms() []Benchmark {
	ready := sync.OnceValues(func() (*stormTarget, error) { return newStormTarget(s.ctx) })
	var all []Benchmark
	for _, requests := range Storms {
		all = append(all, Benchmark{Storm(requests), func(b *testing.B) {
			c, err := ready()
			if err != nil {
				b.Fatal(err)
			}
			c.storms(b, requests)
		}})
	}
	return all
}

// stormTarget is an application with a fake AuthKit, and the current cookie of one session.
type stormTarget struct {
	fake    *authkittest.Server
	clock   *authkittest.FakeClock
	gate    *gate
	handler http.Handler
	cookie  string
	served  atomic.Int64 // requests that had a session
}

func newStormTarget(ctx context.Context) (*stormTarget, error) {
	const email, password = "rosalind@harborpress.example", "correct horse battery"
	clock := authkittest.NewFakeClock(time.Now())
	fake, err := authkittest.Start(
		authkittest.WithClock(clock), authkittest.WithAccessTokenLifetime(stormTokenLifetime),
		authkittest.WithOrganizations(authkittest.Organization{ID: "org_01", Name: "Harbor Press"}),
		authkittest.WithUsers(authkittest.User{
			Email: email, Password: password, FirstName: "Rosalind", LastName: "Okonkwo",
			Memberships: []authkittest.Membership{{OrganizationID: "org_01", Role: "editor", Permissions: []string{
				"articles:read", "articles:write", "articles:publish", "comments:read", "comments:moderate",
				"media:read", "media:upload", "invoices:read", "members:read", "reports:export",
			}}},
		}))
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, fake.Close)
	c := &stormTarget{fake: fake, clock: clock, gate: &gate{next: &http.Transport{}}}
	ak, err := authkit.New(
		authkit.WithAPIKey(fake.APIKey()), authkit.WithClientID(fake.ClientID()), authkit.WithBaseURL(fake.URL()),
		authkit.WithCookiePassword(strings.Repeat("correct-horse-", 3)),
		authkit.WithRedirectURL("https://app.example.com/callback"),
		authkit.WithLogger(slog.New(slog.DiscardHandler)),
		authkit.WithClock(clock),
		authkit.WithHTTPClient(&http.Client{Transport: c.gate}))
	if err != nil {
		return nil, err
	}
	authentication, err := ak.Client().AuthenticateWithPassword(ctx, workos.AuthenticateWithPasswordParams{Email: email, Password: password})
	if err != nil {
		return nil, fmt.Errorf("sign in with the fake AuthKit: %w", err)
	}
	if c.cookie, err = signIn(ak, authentication); err != nil {
		return nil, err
	}
	c.handler = ak.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := authkit.FromContext(r.Context()); ok {
			c.served.Add(1)
		}
		answer(w, r)
	}))
	return c, c.checkFresh()
}

// storms runs one storm after the other.
func (c *stormTarget) storms(b *testing.B, requests int) {
	var total time.Duration
	storms := 0
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		storm := c.prepare(requests)
		b.StartTimer()
		storm.run()
		b.StopTimer()
		overhead, err := storm.end()
		if err != nil {
			b.Fatal(err)
		}
		total += overhead
		storms++
		b.StartTimer()
	}
	b.ReportMetric(float64(total.Nanoseconds())/float64(storms*requests), PerWaiter)
	b.ReportMetric(1, ExchangesPerStorm) // end returns an error for every other number
}

// storm is a set of requests that are sent together.
type storm struct {
	target    *stormTarget
	requests  []*exchange
	exchanges int           // token exchanges before the storm
	served    int64         // requests with a session before the storm
	begin     chan struct{} // closed to send the requests
	done      sync.WaitGroup
	took      time.Duration
}

// prepare makes the session stale, and prepares the requests, each on its own goroutine.
func (c *stormTarget) prepare(requests int) *storm {
	c.clock.Advance(stormTokenLifetime + 2*time.Minute)
	s := &storm{
		target: c, requests: make([]*exchange, requests), begin: make(chan struct{}),
		exchanges: c.fake.Calls(authkittest.RouteRefresh), served: c.served.Load(),
	}
	requestWaits := c.gate.close(requests)
	for i := range s.requests {
		e := newExchange("Cookie")
		e.original = *e.original.WithContext(&waiter{
			Context: e.original.Context(), done: make(chan struct{}), waits: sync.OnceFunc(requestWaits),
		})
		s.requests[i] = e
		s.done.Go(func() {
			<-s.begin
			e.serve(c.handler, c.cookie)
		})
	}
	return s
}

// run sends the requests and returns when all of them are answered.
func (s *storm) run() {
	started := time.Now()
	close(s.begin)
	s.done.Wait()
	s.took = time.Since(started)
}

// end checks that there was one exchange and that every request had a session. It returns the time of the storm without
// that of the exchange.
func (s *storm) end() (time.Duration, error) {
	if n := s.target.fake.Calls(authkittest.RouteRefresh) - s.exchanges; n != 1 {
		return 0, fmt.Errorf("%d exchanges for %d requests with one session", n, len(s.requests))
	}
	if n := s.target.served.Load() - s.served; n != int64(len(s.requests)) {
		return 0, fmt.Errorf("%d of %d requests had a session", n, len(s.requests))
	}
	refreshed := (&http.Response{Header: s.requests[0].writer.header}).Cookies()
	if len(refreshed) == 0 {
		return 0, errors.New("the response sets no session cookie")
	}
	s.target.cookie = cookieHeader(refreshed)
	return s.took - s.target.gate.took, s.target.checkFresh()
}

// checkFresh sends one request with the fresh session, as its browser would, and checks that it is accepted.
func (c *stormTarget) checkFresh() error {
	served := c.served.Load()
	if newExchange("Cookie").serve(c.handler, c.cookie); c.served.Load() != served+1 {
		return errors.New("the refreshed session is not accepted")
	}
	return nil
}

// waiter is the context of a request. Code that waits in a request calls Done, so the first call of Done shows that the
// request waits.
type waiter struct {
	context.Context
	done  chan struct{}
	waits func()
}

func (w *waiter) Done() <-chan struct{} {
	w.waits()
	return w.done
}

// gate is the transport to WorkOS. It delays a token exchange until all requests wait for it, so that none comes late.
type gate struct {
	next http.RoundTripper
	open chan struct{} // closed when all requests wait; nil if the gate is open
	took time.Duration // of the last exchange, after the delay
}

// close closes the gate until the returned function has been called as often as there are requests.
func (g *gate) close(requests int) (waits func()) {
	open := make(chan struct{})
	g.open = open
	var waiting atomic.Int64
	return func() {
		if waiting.Add(1) == int64(requests) {
			close(open)
		}
	}
}

// RoundTrip implements [http.RoundTripper].
func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.URL.Path, "/authenticate") || g.open == nil {
		return g.next.RoundTrip(r)
	}
	select {
	case <-g.open:
	case <-r.Context().Done():
		return nil, context.Cause(r.Context())
	}
	started := time.Now()
	resp, err := g.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(bytes.NewReader(body))
	g.took = time.Since(started)
	return resp, err
}
