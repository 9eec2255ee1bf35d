// The way to WorkOS, watched: what goes over it, what is left of it, and what is left running.

package behaviour

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// settling is how long, in real time, what has been given up may take to end.
const settling = 4 * time.Second

// upstream counts the requests and the connections of one application.
type upstream struct {
	*http.Transport
	sent atomic.Int64 // requests, those that get no connection included
	open atomic.Int64 // connections
	dead atomic.Pointer[deadEnd]
}

// deadEnd is where requests go whose path begins in a certain way.
type deadEnd struct {
	path string
	way  *http.Transport
}

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// refused is dialled where nobody listens.
func refused(ctx context.Context, network, _ string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:1")
}

// notFound is dialled by a name when no name server can be reached.
func notFound(ctx context.Context, network, _ string) (net.Conn, error) {
	nowhere := net.Resolver{PreferGo: true, Dial: refused}
	return (&net.Dialer{Resolver: &nowhere}).DialContext(ctx, network, "api.workos.example:443")
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
	if dead := u.dead.Load(); dead != nil && strings.HasPrefix(r.URL.Path, dead.path) {
		return dead.way.RoundTrip(r)
	}
	return u.Transport.RoundTrip(r)
}

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

// outage is an application whose way to WorkOS can fail.
type outage struct {
	*App
	timers observedClock
	up     *upstream
	logged chan string // the message of each line of the log
}

func newOutage(t *testing.T, o AppOptions) *outage {
	t.Helper()
	timers := newObservedClock()
	out := &outage{timers: timers, up: newUpstream(), logged: make(chan string, 1000)}
	o.Clock = &timers
	o.AuthKit = append(out.options(), o.AuthKit...)
	out.App = NewApp(t, o)
	out.leavesNothingUpstream(t)
	return out
}

// newOutageInstance is another process of a running application, on the same clock.
func newOutageInstance(t *testing.T, running *App) *outage {
	t.Helper()
	out := &outage{timers: observedClock{running.Clock, make(chan time.Duration, 1000)}, up: newUpstream(), logged: make(chan string, 1000)}
	out.App = NewInstance(t, running.Fake, running.Clock, AppOptions{
		AuthKit: append(out.options(), authkit.WithClock(out.timers)),
	})
	out.leavesNothingUpstream(t)
	return out
}

func (o *outage) options() []authkit.Option {
	return []authkit.Option{
		authkit.WithHTTPClient(&http.Client{Transport: o.up}),
		authkit.WithLogger(slog.New(overheard{o.logged})),
	}
}

// begins makes a route fail, and returns how to make it work again.
func (o *outage) begins(route authkittest.Route, f failure) (ends func()) {
	if f.dial != nil {
		path, _, _ := strings.Cut(strings.Fields(string(route))[1], "{")
		o.up.dead.Store(&deadEnd{path, &http.Transport{DialContext: f.dial}})
		return func() { o.up.dead.Store(nil) }
	}
	o.Fake.InjectFault(route, f.fault)
	return func() { o.Fake.ClearFault(route) }
}

// timer is the next timer that the library sets.
func (o *outage) timer() time.Duration {
	o.T.Helper()
	select {
	case d := <-o.timers.set:
		return d
	case <-time.After(Patience):
		require.FailNow(o.T, "no timer was set")
		return 0
	}
}

// forgetTimers passes over the timers that were set so far.
func (o *outage) forgetTimers() {
	for len(o.timers.set) > 0 {
		<-o.timers.set
	}
}

// awaitLog blocks until a message has been logged.
func (o *outage) awaitLog(message string) {
	o.T.Helper()
	limit := time.After(Patience)
	for {
		select {
		case logged := <-o.logged:
			if logged == message {
				return
			}
		case <-limit:
			require.FailNow(o.T, "it was not logged", message)
		}
	}
}

// sending sends a request and returns where its response will be.
func (o *outage) sending(q Request) <-chan Response {
	answered := make(chan Response, 1)
	go func() {
		defer close(answered)
		if resp, err := o.Do(q); err == nil {
			answered <- resp
		}
	}()
	return answered
}

// answer is a response that does not need the clock to move any more.
func (o *outage) answer(answered <-chan Response) Response {
	o.T.Helper()
	select {
	case resp, ok := <-answered:
		require.True(o.T, ok, "the request failed")
		return resp
	case <-time.After(Patience):
		require.FailNow(o.T, "no response, though it is time")
		return Response{}
	}
}

// overheard is a log of which a test hears each line.
type overheard struct{ messages chan string }

func (h overheard) Enabled(context.Context, slog.Level) bool { return true }
func (h overheard) WithAttrs([]slog.Attr) slog.Handler       { return h }
func (h overheard) WithGroup(string) slog.Handler            { return h }
func (h overheard) Handle(_ context.Context, r slog.Record) error {
	h.messages <- r.Message
	return nil
}

// leavesNothing fails a test that leaves a goroutine behind which was not there
// when it began. It is called before the test starts its servers, so that they
// are closed when it looks.
func leavesNothing(t *testing.T) {
	t.Helper()
	before := goroutines()
	t.Cleanup(func() {
		t.Helper()
		eventuallyNone(t, Patience, func() []string {
			return before.newer(func(string) bool { return true })
		})
	})
}

// leavesNothingUpstream is the same while the servers still run, and about the
// library: a connection that could not be closed has a reply that nobody reads.
func (o *outage) leavesNothingUpstream(t *testing.T) {
	t.Helper()
	before := goroutines()
	t.Cleanup(func() {
		t.Helper()
		eventuallyNone(t, settling, func() []string {
			if t.Failed() { // and left something waiting for the clock, perhaps
				o.Clock.Advance(10 * time.Second)
			}
			o.up.CloseIdleConnections()
			left := before.newer(ofTheLibrary)
			if n := o.up.open.Load(); n > 0 {
				left = append(left, "open connections to WorkOS")
			}
			return left
		})
	})
}

// stacks are those of the goroutines that run, by the goroutine's name.
type stacks map[string]string

func goroutines() stacks {
	text := make([]byte, 1<<20)
	for {
		n := runtime.Stack(text, true)
		if n < len(text) {
			text = text[:n]
			break
		}
		text = make([]byte, 2*len(text))
	}
	found := stacks{}
	for stack := range strings.SplitSeq(string(text), "\n\n") {
		name, _, _ := strings.Cut(stack, " [")
		found[name] = stack
	}
	return found
}

func (before stacks) newer(which func(stack string) bool) []string {
	var newer []string
	for name, stack := range goroutines() {
		if _, known := before[name]; !known && which(stack) {
			newer = append(newer, stack)
		}
	}
	return newer
}

// ofTheLibrary tells a goroutine that runs code of the library, and of neither
// a test nor the fake alone.
func ofTheLibrary(stack string) bool {
	for _, of := range []string{"/authkit.", "/authkit/jwks.", "/authkit/workos.", "/singleflight."} {
		if strings.Contains(stack, of) {
			return true
		}
	}
	return false
}

// eventuallyNone gives what is ending the time to end.
func eventuallyNone(t *testing.T, within time.Duration, left func() []string) {
	t.Helper()
	limit, look := time.After(within), time.NewTicker(5*time.Millisecond)
	defer look.Stop()
	for {
		found := left()
		if len(found) == 0 {
			return
		}
		select {
		case <-look.C:
		case <-limit:
			require.Fail(t, "something is left behind", strings.Join(found, "\n\n"))
			return
		}
	}
}
