// Refresh storms: many requests with one stale session, while its token is exchanged once for all.

package contender

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/bench/cputime"
	"github.com/authkit-go/authkit/workos"
)

// Storms are the numbers of requests of one session that arrive around one exchange.
var Storms = []int{1, 100, 10_000}

// Storm returns the name of the benchmark with that many requests.
func Storm(requests int) string { return fmt.Sprintf("storm/requests-%d", requests) }

// The metrics of a storm.
const (
	PerWaiter         = "cpu-ns/waiter"      // the CPU time of the process, divided by the requests
	PerBareWaiter     = "bare-cpu-ns/waiter" // the same where a handler without authkit waits for the reply
	LatePerStorm      = "late/storm"         // the requests that were sent after the reply to the exchange
	ExchangesPerStorm = "exchanges/storm"
)

// The arrivals of a storm. They are spread over the exchange and go on after it, so that requests meet a session that is
// being refreshed, one whose refresh ends at this moment, and one that was refreshed.
const (
	Batch   = time.Millisecond // between two batches of requests
	batches = 100              // at most
)

// heldUntil is the number of requests that are sent before the reply to the exchange. It is three quarters of them.
func heldUntil(requests int) int { return max(1, requests*3/4) }

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
	var total, bareTotal time.Duration
	storms, late := 0, 0
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		bare := bareStorm(requests)
		bare.run()
		storm := c.prepare(requests)
		b.StartTimer()
		storm.run()
		b.StopTimer()
		if err := storm.end(); err != nil {
			b.Fatal(err)
		}
		total += storm.cpu
		bareTotal += bare.cpu
		late += requests - int(storm.early)
		storms++
		b.StartTimer()
	}
	b.ReportMetric(float64(total.Nanoseconds())/float64(storms*requests), PerWaiter)
	b.ReportMetric(float64(bareTotal.Nanoseconds())/float64(storms*requests), PerBareWaiter)
	b.ReportMetric(float64(late)/float64(storms), LatePerStorm)
	b.ReportMetric(1, ExchangesPerStorm) // end returns an error for every other number
}

// storm is a set of requests of one session.
type storm struct {
	requests []*exchange
	turn     chan struct{} // each value sends one request
	sent     atomic.Int64
	reply    chan struct{} // closed to let the reply to the exchange through
	done     sync.WaitGroup
	cpu      time.Duration // the CPU time of the process

	target    *stormTarget // nil without authkit
	exchanges int          // token exchanges before the storm
	served    int64        // requests with a session before the storm
	early     int64        // requests that were sent before the reply to the exchange
}

// newStorm prepares requests, each on its own goroutine. Its stack is as large as that of a goroutine of net/http when the handler
// begins: a new stack has 2 KB, of which 1.1 KB can be used before it grows, and the frames of the server take 1.1 KB over HTTP/1.1
// and 0.6 KB over HTTP/2. Otherwise the storm would measure how the runtime copies stacks.
func newStorm(requests int, cookie string, handler func(*storm) http.Handler) *storm {
	s := &storm{requests: make([]*exchange, requests), turn: make(chan struct{}), reply: make(chan struct{})}
	h := handler(s)
	for i := range s.requests {
		e := newExchange("Cookie")
		e.original = *e.original.WithContext(connection{Context: e.original.Context(), done: make(chan struct{})})
		s.requests[i] = e
		s.done.Go(func() {
			frameOfServer()
			<-s.turn
			e.serve(h, cookie)
		})
	}
	return s
}

// frameOfServer has a frame of the size of that of net/http's conn.serve.
//
//go:noinline
func frameOfServer() byte {
	var frame [1104]byte
	for i := range frame {
		frame[i] = byte(i)
	}
	return frame[len(frame)/2]
}

// bareStorm prepares a storm whose requests only wait for the reply.
func bareStorm(requests int) *storm {
	return newStorm(requests, "", func(s *storm) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			<-s.reply
			answer(w, r)
		})
	})
}

// prepare makes the session stale, and prepares the requests.
func (c *stormTarget) prepare(requests int) *storm {
	c.clock.Advance(stormTokenLifetime + 2*time.Minute)
	s := newStorm(requests, c.cookie, func(*storm) http.Handler { return c.handler })
	s.target, s.exchanges, s.served = c, c.fake.Calls(authkittest.RouteRefresh), c.served.Load()
	c.gate.storm = s
	return s
}

// run sends the requests in batches, and returns when all of them are answered.
func (s *storm) run() {
	began := cputime.Self()
	s.send()
	s.done.Wait()
	s.cpu = cputime.Self() - began
}

func (s *storm) send() {
	ticker := time.NewTicker(Batch)
	defer ticker.Stop()
	batch, held := max(1, len(s.requests)/batches), heldUntil(len(s.requests))
	for i := range s.requests {
		if i > 0 && i%batch == 0 {
			<-ticker.C
		}
		s.sent.Add(1)
		s.turn <- struct{}{}
		if i+1 == held {
			close(s.reply)
		}
	}
}

// end checks that there was one exchange, that every request had a session, and that all responses set the same cookies.
func (s *storm) end() error {
	s.target.gate.storm = nil
	if n := s.target.fake.Calls(authkittest.RouteRefresh) - s.exchanges; n != 1 {
		return fmt.Errorf("%d exchanges for %d requests with one session", n, len(s.requests))
	}
	if n := s.target.served.Load() - s.served; n != int64(len(s.requests)) {
		return fmt.Errorf("%d of %d requests had a session", n, len(s.requests))
	}
	first := s.requests[0].writer.header
	for _, e := range s.requests {
		if !slices.Equal(e.writer.header["Set-Cookie"], first["Set-Cookie"]) {
			return errors.New("two responses set different cookies")
		}
	}
	refreshed := (&http.Response{Header: first}).Cookies()
	if len(refreshed) == 0 {
		return errors.New("the response sets no session cookie")
	}
	s.target.cookie = cookieHeader(refreshed)
	return s.target.checkFresh()
}

// checkFresh sends one request with the fresh session, as its browser would, and checks that it is accepted.
func (c *stormTarget) checkFresh() error {
	served := c.served.Load()
	if newExchange("Cookie").serve(c.handler, c.cookie); c.served.Load() != served+1 {
		return errors.New("the refreshed session is not accepted")
	}
	return nil
}

// connection is the context of a request of net/http's server, which ends with the connection. Its channel is made before the
// measurement, like that of a connection.
type connection struct {
	context.Context
	done chan struct{}
}

func (c connection) Done() <-chan struct{} { return c.done }

// gate is the transport to WorkOS. During a storm, it holds the reply to the token exchange until the storm lets it through.
// The fake has used the refresh token by then.
type gate struct {
	next  http.RoundTripper
	storm *storm // nil between storms
}

// RoundTrip implements [http.RoundTripper].
func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := g.next.RoundTrip(r)
	if err != nil || g.storm == nil || !strings.HasSuffix(r.URL.Path, "/authenticate") {
		return resp, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	select {
	case <-g.storm.reply:
	case <-r.Context().Done():
		return nil, context.Cause(r.Context())
	}
	g.storm.early = g.storm.sent.Load()
	return resp, nil
}
