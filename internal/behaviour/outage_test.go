// An application whose connection to WorkOS can fail, and checks that no goroutine and no connection is left over.

package behaviour

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// settleTime is how long, in real time, abandoned calls may take to end.
const settleTime = WaitTimeout

// upstream counts the requests and the connections of one application.
type upstream struct {
	*http.Transport
	sent        atomic.Int64 // requests, including those that get no connection
	open        atomic.Int64 // connections
	unreachable atomic.Pointer[unreachable]
}

// unreachable holds the transport for requests whose path begins with a prefix. It gets no connection.
type unreachable struct {
	prefix    string
	transport *http.Transport
}

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// dialRefused dials a port on which nothing listens.
func dialRefused(ctx context.Context, network, _ string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:1")
}

// dialNotFound dials a host name while no name server can be reached.
func dialNotFound(ctx context.Context, network, _ string) (net.Conn, error) {
	resolver := net.Resolver{PreferGo: true, Dial: dialRefused}
	return (&net.Dialer{Resolver: &resolver}).DialContext(ctx, network, "api.workos.example:443")
}

func newUpstream() *upstream {
	u := &upstream{}
	var dialer net.Dialer
	u.Transport = &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		u.open.Add(1)
		return &countedConn{Conn: conn, open: &u.open}, nil
	}}
	return u
}

func (u *upstream) RoundTrip(r *http.Request) (*http.Response, error) {
	u.sent.Add(1)
	if to := u.unreachable.Load(); to != nil && strings.HasPrefix(r.URL.Path, to.prefix) {
		return to.transport.RoundTrip(r)
	}
	return u.Transport.RoundTrip(r)
}

// countedConn is a connection that decrements open when it is closed.
type countedConn struct {
	net.Conn
	open   *atomic.Int64
	closed atomic.Bool
}

func (c *countedConn) Close() error {
	if !c.closed.Swap(true) {
		c.open.Add(-1)
	}
	return c.Conn.Close()
}

// outage is an application whose connection to WorkOS can fail.
type outage struct {
	*App
	timers   observedClock
	upstream *upstream
	logged   chan string // the message of each log line
}

func newOutage(t *testing.T, o AppOptions) *outage {
	t.Helper()
	timers := newObservedClock()
	out := &outage{timers: timers, upstream: newUpstream(), logged: make(chan string, 1000)}
	o.Clock = &timers
	o.AuthKit = append(out.options(), o.AuthKit...)
	out.App = NewApp(t, o)
	out.checkUpstreamLeaks(t)
	return out
}

// newOutageInstance returns another process of a running application, with the same clock.
func newOutageInstance(t *testing.T, running *App) *outage {
	t.Helper()
	out := &outage{timers: observedClock{running.Clock, make(chan time.Duration, 1000)}, upstream: newUpstream(), logged: make(chan string, 1000)}
	out.App = NewInstance(t, running.Fake, running.Clock, AppOptions{
		AuthKit: append(out.options(), authkit.WithClock(out.timers)),
	})
	out.checkUpstreamLeaks(t)
	return out
}

func (o *outage) options() []authkit.Option {
	return []authkit.Option{
		authkit.WithHTTPClient(&http.Client{Transport: o.upstream}),
		authkit.WithLogger(slog.New(messageHandler{o.logged})),
	}
}

// startOutage makes a route fail. It returns a function that makes the route work again.
func (o *outage) startOutage(route authkittest.Route, f failure) (endOutage func()) {
	if f.dial != nil {
		prefix, _, _ := strings.Cut(strings.Fields(string(route))[1], "{")
		o.upstream.unreachable.Store(&unreachable{prefix, &http.Transport{DialContext: f.dial}})
		return func() { o.upstream.unreachable.Store(nil) }
	}
	o.Fake.InjectFault(route, f.fault)
	return func() { o.Fake.ClearFault(route) }
}

// nextTimer returns the duration of the next timer that the library sets.
func (o *outage) nextTimer() time.Duration {
	o.T.Helper()
	select {
	case d := <-o.timers.set:
		return d
	case <-time.After(WaitTimeout):
		require.FailNow(o.T, "no timer was set")
		return 0
	}
}

// dropTimers drops the timers that were set so far.
func (o *outage) dropTimers() {
	for len(o.timers.set) > 0 {
		<-o.timers.set
	}
}

// awaitLog blocks until message has been logged.
func (o *outage) awaitLog(message string) {
	o.T.Helper()
	limit := time.After(WaitTimeout)
	for {
		select {
		case logged := <-o.logged:
			if logged == message {
				return
			}
		case <-limit:
			require.FailNow(o.T, "the message was not logged", message)
		}
	}
}

// start sends a request in a new goroutine. It returns the channel to which the response is sent.
func (o *outage) start(q Request) <-chan Response {
	responses := make(chan Response, 1)
	go func() {
		defer close(responses)
		if resp, err := o.Do(q); err == nil {
			responses <- resp
		}
	}()
	return responses
}

// await returns a response that comes without a further move of the clock.
func (o *outage) await(responses <-chan Response) Response {
	o.T.Helper()
	select {
	case resp, ok := <-responses:
		require.True(o.T, ok, "the request failed")
		return resp
	case <-time.After(WaitTimeout):
		require.FailNow(o.T, "no response, although the clock has moved far enough")
		return Response{}
	}
}

// messageHandler is a slog.Handler that sends the message of each record to a channel.
type messageHandler struct{ messages chan string }

func (h messageHandler) Enabled(context.Context, slog.Level) bool { return true }
func (h messageHandler) WithAttrs([]slog.Attr) slog.Handler       { return h }
func (h messageHandler) WithGroup(string) slog.Handler            { return h }
func (h messageHandler) Handle(_ context.Context, r slog.Record) error {
	h.messages <- r.Message
	return nil
}

// checkGoroutineLeaks fails the test if, at its end, a goroutine runs that did not run before. Call it before the test
// starts its servers, so that they are closed when it checks. It returns the goroutines that run now.
func checkGoroutineLeaks(t *testing.T) (before stacks) {
	t.Helper()
	before = goroutines()
	t.Cleanup(func() {
		t.Helper()
		eventuallyNone(t, WaitTimeout, func() []string {
			if n := runtime.NumGoroutine() - len(before); n > 0 { // then at least one is new, and the traces, which take long, tell no more
				return []string{strconv.Itoa(n) + " goroutines more than before"}
			}
			return before.newer(func(string) bool { return true })
		}, func() []string { return before.newer(func(string) bool { return true }) })
	})
	return before
}

// checkUpstreamLeaks does the same for goroutines and connections of the library while the servers still run. A connection
// that cannot be closed has a reply that was not read.
func (o *outage) checkUpstreamLeaks(t *testing.T) {
	t.Helper()
	before := goroutines()
	t.Cleanup(func() {
		t.Helper()
		eventuallyNone(t, settleTime, func() []string {
			if t.Failed() { // then a goroutine may still wait for the clock
				o.Clock.Advance(10 * time.Second)
			}
			o.upstream.CloseIdleConnections()
			left := before.newer(runsLibraryCode)
			if n := o.upstream.open.Load(); n > 0 {
				left = append(left, "open connections to WorkOS")
			}
			return left
		}, nil)
	})
}

// stacks holds the stack traces of the running goroutines, by the name of the goroutine.
type stacks map[string]string

// stackText is where goroutines gets the stack traces. A new one each time would have to be cleared.
var stackText = struct {
	sync.Mutex
	text []byte
}{text: make([]byte, 1<<20)}

func goroutines() stacks {
	stackText.Lock()
	defer stackText.Unlock()
	n := runtime.Stack(stackText.text, true)
	for n == len(stackText.text) {
		stackText.text = make([]byte, 2*n)
		n = runtime.Stack(stackText.text, true)
	}
	found := stacks{}
	for stack := range strings.SplitSeq(string(stackText.text[:n]), "\n\n") {
		name, _, _ := strings.Cut(stack, " [")
		found[name] = stack
	}
	return found
}

// newer returns the stacks of the goroutines that started since and that match.
func (before stacks) newer(match func(stack string) bool) []string {
	var newer []string
	for name, stack := range goroutines() {
		if _, known := before[name]; !known && match(stack) {
			newer = append(newer, stack)
		}
	}
	return newer
}

// runsLibraryCode reports whether a goroutine runs code of the library, and not only code of a test or of the fake.
func runsLibraryCode(stack string) bool {
	for _, pkg := range []string{"/authkit.", "/authkit/jwks.", "/authkit/workos.", "/singleflight."} {
		if strings.Contains(stack, pkg) {
			return true
		}
	}
	return false
}

// eventuallyNone fails the test if left still returns something at the end of the given time. describe says more about it, if it
// is not nil.
func eventuallyNone(t *testing.T, within time.Duration, left, describe func() []string) {
	t.Helper()
	limit, ticker := time.After(within), time.NewTicker(5*time.Millisecond)
	defer ticker.Stop()
	for {
		found := left()
		if len(found) == 0 {
			return
		}
		select {
		case <-ticker.C:
		case <-limit:
			if describe != nil {
				found = append(found, describe()...)
			}
			require.Fail(t, "something is left over", strings.Join(found, "\n\n"))
			return
		}
	}
}
