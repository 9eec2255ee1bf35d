// The router suite: the columns stream and upgrade, whose responses take long.

package behaviour

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

// Each stream has a process of its own, because some servers do not notice at once that a client has left. The handler of an
// earlier stream would take a message.
func checkRouterStream(t *testing.T, first *routerInstance) {
	cookie := first.signIn(Kim)
	for _, c := range []struct {
		name      string
		after     time.Duration
		refreshes int
	}{{"with a fresh session", 0, 0}, {"with a session that is refreshed first", pastSkew, 1}} {
		first.clock.Advance(c.after)
		before := first.Fake.Calls(authkittest.RouteRefresh)
		a := first.router.start(t, first.Fake, first.clock)
		s := a.openStream(t, cookie)
		require.Equal(t, http.StatusOK, s.StatusCode, c.name)
		assert.Contains(t, s.Header.Get("Content-Type"), "text/event-stream", c.name)
		assert.Equal(t, c.refreshes, a.Fake.Calls(authkittest.RouteRefresh)-before, c.name)
		start := Response{s.StatusCode, s.Header, ""}
		a.Logs.addSecrets(s.Header, nil)
		checkVaryOnCookie(t, start, c.name)
		if c.refreshes > 0 {
			checkNotCacheable(t, start, c.name)
			cookie = start.session(t)
			require.NotEmpty(t, cookie)
		} else {
			assert.Equal(t, "private, no-store", s.Header.Get("Cache-Control"), c.name)
			assert.Empty(t, s.Header["Set-Cookie"], c.name)
		}
		assert.Equal(t, Kim, s.event(t), "%s: the first event arrives while the handler runs", c.name)
		for _, message := range []string{"one", "two"} {
			select {
			case a.messages <- message:
			case <-time.After(WaitTimeout):
				t.Fatal("the handler of /stream takes no message")
			}
			assert.Equal(t, message, s.event(t), c.name)
		}
		close(a.messages)
		for s.lines.Scan() { // a handler may send an empty event for the closed channel
		}
		assert.NoError(t, s.lines.Err(), "%s: the response ends when the handler returns", c.name)
		s.close()
		assert.Equal(t, 1, a.runs(), c.name)
	}
	resp := first.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
	assert.Equal(t, http.StatusOK, resp.Status, "the cookie of the stream is a session")
}

// eventStream is an open response with server-sent events.
type eventStream struct {
	*http.Response
	lines *bufio.Scanner
	close func()
}

// openStream requests /stream. If a read takes longer than WaitTimeout, it fails.
func (a *routerInstance) openStream(t *testing.T, cookie string) *eventStream {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), WaitTimeout)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, a.URL+"/stream", nil)
	require.NoError(t, err)
	r.Header = with(with(Scripted(), "Accept", "text/event-stream"), "Cookie", cookie)
	a.Logs.addSecrets(r.Header, nil)
	resp, err := a.client.RoundTrip(r)
	require.NoError(t, err)
	return &eventStream{resp, bufio.NewScanner(resp.Body), func() {
		cancel()
		resp.Body.Close()
	}}
}

// event returns the data of the next event.
func (s *eventStream) event(t *testing.T) string {
	t.Helper()
	for s.lines.Scan() {
		if data, found := strings.CutPrefix(s.lines.Text(), "data:"); found {
			return strings.TrimPrefix(data, " ")
		}
	}
	require.Fail(t, "the stream ended without an event", "%v", s.lines.Err())
	return ""
}

func checkRouterUpgrade(t *testing.T, a *routerInstance) {
	cookie := a.signIn(Kim)
	for _, c := range []struct {
		name      string
		after     time.Duration
		refreshes int
	}{
		{"with a fresh session", 0, 0},
		{"with a session that is due for a refresh and whose token is still good", beforeExpiry, 0},
		{"with a session that is refreshed first", pastSkew, 1},
	} {
		a.clock.Advance(c.after)
		before := a.Fake.Calls(authkittest.RouteRefresh)
		s := a.openSocket(t, cookie)
		require.Equal(t, http.StatusSwitchingProtocols, s.status, "%s: %s", c.name, s.body)
		assert.Equal(t, c.refreshes, a.Fake.Calls(authkittest.RouteRefresh)-before, c.name)
		start := Response{s.status, s.header, ""}
		if c.refreshes > 0 {
			checkNotCacheable(t, start, c.name)
			cookie = start.session(t)
			require.NotEmpty(t, cookie)
		} else {
			assert.Empty(t, s.header["Set-Cookie"], c.name)
		}
		for _, message := range []string{"hello", "again"} {
			s.write(t, message)
			assert.Equal(t, Kim+": "+message, s.read(t), c.name)
		}
		s.conn.Close()
		assert.Equal(t, 1, a.runs(), c.name)
	}
	resp := a.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
	assert.Equal(t, http.StatusOK, resp.Status, "the cookie of the upgrade is a session")
	assert.Equal(t, 1, a.runs())

	s := a.openSocket(t, "")
	defer s.conn.Close()
	assert.Equal(t, http.StatusUnauthorized, s.status)
	checkProblem(t, Response{s.status, s.header, s.body}, "an anonymous upgrade")
	assert.Zero(t, a.runs())
}
