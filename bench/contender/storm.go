// Storms: many requests with one stale session, and one exchange for them all.

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

// Storms are how many requests wait for one exchange.
var Storms = []int{1, 100, 10_000}

// Storm is the name of the benchmark in which so many requests wait.
func Storm(requests int) string { return fmt.Sprintf("storm/requests-%d", requests) }

// What a storm reports besides its time.
const (
	PerWaiter         = "ns/waiter" // the time beyond the exchange itself, divided by the requests
	ExchangesPerStorm = "exchanges/storm"
)

// stormTokenLifetime is short, so that the clock need not be moved past the age at which signing keys are refreshed.
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

// stormTarget is where storms strike: an application in front of a fake AuthKit, and the newest cookie of one session.
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
	c := &stormTarget{fake: fake, clock: clock, gate: &gate{to: &http.Transport{}}}
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
		return nil, fmt.Errorf("sign in at the fake: %w", err)
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
	return c, c.use()
}

// storms lets one storm strike after the other.
func (c *stormTarget) storms(b *testing.B, requests int) {
	var beyond time.Duration
	storms := 0
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		storm := c.prepare(requests)
		b.StartTimer()
		storm.strike()
		b.StopTimer()
		overhead, err := storm.end()
		if err != nil {
			b.Fatal(err)
		}
		beyond += overhead
		storms++
		b.StartTimer()
	}
	b.ReportMetric(float64(beyond.Nanoseconds())/float64(storms*requests), PerWaiter)
	b.ReportMetric(1, ExchangesPerStorm) // end has found no other number
}

// storm is requests that are ready to be sent at once.
type storm struct {
	target    *stormTarget
	requests  []*exchange
	exchanges int           // at the fake before
	served    int64         // requests that had a session before
	begin     chan struct{} // closed to send them
	done      sync.WaitGroup
	took      time.Duration
}

// prepare lets the session go stale and gets requests ready, each on a goroutine of its own.
func (c *stormTarget) prepare(requests int) *storm {
	c.clock.Advance(stormTokenLifetime + 2*time.Minute)
	s := &storm{
		target: c, requests: make([]*exchange, requests), begin: make(chan struct{}),
		exchanges: c.fake.Calls(authkittest.RouteRefresh), served: c.served.Load(),
	}
	everybody := c.gate.shut(requests)
	for i := range s.requests {
		e := newExchange("Cookie")
		e.asSent = *e.asSent.WithContext(&waiter{
			Context: e.asSent.Context(), done: make(chan struct{}), waits: sync.OnceFunc(everybody),
		})
		s.requests[i] = e
		s.done.Go(func() {
			<-s.begin
			e.serve(c.handler, c.cookie)
		})
	}
	return s
}

// strike sends the requests and returns when all of them are answered.
func (s *storm) strike() {
	started := time.Now()
	close(s.begin)
	s.done.Wait()
	s.took = time.Since(started)
}

// end makes sure that there was one exchange and that everybody was served, and tells what the storm took beyond that
// exchange.
func (s *storm) end() (time.Duration, error) {
	if n := s.target.fake.Calls(authkittest.RouteRefresh) - s.exchanges; n != 1 {
		return 0, fmt.Errorf("%d exchanges for %d requests with one session", n, len(s.requests))
	}
	if n := s.target.served.Load() - s.served; n != int64(len(s.requests)) {
		return 0, fmt.Errorf("%d of %d requests had a session", n, len(s.requests))
	}
	renewed := (&http.Response{Header: s.requests[0].writer.header}).Cookies()
	if len(renewed) == 0 {
		return 0, errors.New("no renewed cookie was set")
	}
	s.target.cookie = cookieHeader(renewed)
	return s.took - s.target.gate.took, s.target.use()
}

// use sends one request with the session while it is fresh, as its browser would.
func (c *stormTarget) use() error {
	served := c.served.Load()
	if newExchange("Cookie").serve(c.handler, c.cookie); c.served.Load() != served+1 {
		return errors.New("the renewed session is not accepted")
	}
	return nil
}

// waiter is the context of a request. Whoever waits in a request looks out for its end, and so tells that it waits.
type waiter struct {
	context.Context
	done  chan struct{}
	waits func()
}

func (w *waiter) Done() <-chan struct{} {
	w.waits()
	return w.done
}

// gate is the way to WorkOS. An exchange passes when everybody waits for it, so that none of the requests comes late.
type gate struct {
	to   http.RoundTripper
	open chan struct{} // closed when everybody waits; nil for a gate that stands open
	took time.Duration // of the last exchange, from the gate and back
}

// shut closes the gate until what it returns has been called so many times.
func (g *gate) shut(requests int) (waits func()) {
	open := make(chan struct{})
	g.open = open
	var waiting atomic.Int64
	return func() {
		if waiting.Add(1) == int64(requests) {
			close(open)
		}
	}
}

// RoundTrip implements http.RoundTripper.
func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.URL.Path, "/authenticate") || g.open == nil {
		return g.to.RoundTrip(r)
	}
	select {
	case <-g.open:
	case <-r.Context().Done():
		return nil, context.Cause(r.Context())
	}
	started := time.Now()
	resp, err := g.to.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(bytes.NewReader(body))
	g.took = time.Since(started)
	return resp, err
}
