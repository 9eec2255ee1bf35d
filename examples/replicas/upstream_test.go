//go:build unix

// A proxy between the instances and the fake AuthKit. It records whose exchange was in progress when an instance was killed.

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

// upstream is the proxy. It sends a refresh to the end, also if the instance that asked for it is gone, as WorkOS does.
type upstream struct {
	url    string
	server *httptest.Server
	proxy  *httputil.ReverseProxy

	mu        sync.Mutex // guards everything below
	exchanges []*exchange
	closed    map[net.Conn]time.Time
}

// exchange is an exchange that WorkOS has answered.
type exchange struct {
	email      string
	connection net.Conn
	asked      period // from the request to WorkOS's answer
}

type connectionKey struct{}

func newUpstream(t *testing.T) *upstream {
	u := &upstream{closed: map[net.Conn]time.Time{}}
	u.server = httptest.NewUnstartedServer(u)
	u.server.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, connectionKey{}, c)
	}
	u.server.Config.ConnState = func(c net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			u.isClosed(c)
		}
	}
	u.url = "http://" + u.server.Listener.Addr().String()
	t.Cleanup(u.server.Close)
	return u
}

// forward starts the proxy in front of a fake, and points the variables of the instances at it.
func (u *upstream) forward(fake *authkittest.Server, env map[string]string) {
	target, _ := url.Parse(fake.URL()) // the fake's own URL is valid
	u.proxy = httputil.NewSingleHostReverseProxy(target)
	u.server.Start()
	_, env["WORKOS_API_PORT"], _ = net.SplitHostPort(strings.TrimPrefix(u.url, "http://"))
}

// isClosed records the end of a connection.
func (u *upstream) isClosed(c net.Conn) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, known := u.closed[c]; !known {
		u.closed[c] = time.Now()
	}
}

func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || r.URL.Path != "/user_management/authenticate" {
		u.proxy.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if !bytes.Contains(body, []byte(`"refresh_token"`)) {
		u.proxy.ServeHTTP(w, r)
		return
	}
	connection, _ := r.Context().Value(connectionKey{}).(net.Conn)
	stop := context.AfterFunc(r.Context(), func() { u.isClosed(connection) }) // the server reports it only after the answer
	defer stop()
	asked, answer := time.Now(), httptest.NewRecorder()
	u.proxy.ServeHTTP(answer, r.WithContext(context.WithoutCancel(r.Context())))
	u.record(connection, period{asked, time.Now()}, answer)
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes()) // an error means that the instance is gone
}

func (u *upstream) record(connection net.Conn, asked period, answer *httptest.ResponseRecorder) {
	var document struct {
		User struct {
			Email string `json:"email"`
		} `json:"user"`
	}
	if answer.Code != http.StatusOK || json.Unmarshal(answer.Body.Bytes(), &document) != nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.exchanges = append(u.exchanges, &exchange{document.User.Email, connection, asked})
}

// answersTooLate returns the users for whom WorkOS exchanged a refresh token so slowly that their instance may have given up. A
// client waits 5 s, and the way through a busy machine takes some of it. Only WorkOS has the new tokens then, and with strict
// rotation the next attempt is refused.
func (u *upstream) answersTooLate() map[string]bool {
	const patience = 4 * time.Second
	u.mu.Lock()
	defer u.mu.Unlock()
	late := map[string]bool{}
	for _, e := range u.exchanges {
		if closedAt, closed := u.closed[e.connection]; closed && closedAt.After(e.asked.from) && e.asked.to.Sub(e.asked.from) > patience {
			late[e.email] = true
		}
	}
	return late
}

// killedInMidExchange returns the users whose request was cut after WorkOS has exchanged their refresh token for it, or while
// it did so. Nothing says whether their instance has published the new tokens. cut are the requests of each user that were cut
// because their instance was killed.
func (u *upstream) killedInMidExchange(cut map[string][]period) map[string]bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	killed := map[string]bool{}
	for _, e := range u.exchanges {
		for _, request := range cut[e.email] {
			if closedAt, closed := u.closed[e.connection]; closed && e.isOf(request, closedAt) {
				killed[e.email] = true
			}
		}
	}
	return killed
}

// isOf reports whether an exchange was made for a request that was cut. Its connection was closed at a time, with its process. On
// a busy machine, this process may read the request for an exchange after it has seen the end of the instance that sent it.
func (e *exchange) isOf(cut period, closedAt time.Time) bool {
	return e.asked.from.After(cut.from) && closedAt.After(cut.from) && (e.asked.from.Before(cut.to) || closedAt.Before(e.asked.to))
}

// story lists the exchanges of a user, and the requests that were cut, in seconds since a time.
func (u *upstream) story(email string, cut []period, since time.Time) string {
	u.mu.Lock()
	defer u.mu.Unlock()
	var lines strings.Builder
	at := func(t time.Time) float64 { return t.Sub(since).Seconds() }
	for _, request := range cut {
		fmt.Fprintf(&lines, "request cut: from %.3f to %.3f\n", at(request.from), at(request.to))
	}
	for _, e := range u.exchanges {
		if e.email != email {
			continue
		}
		fmt.Fprintf(&lines, "exchange: from %.3f to %.3f", at(e.asked.from), at(e.asked.to))
		if closedAt, closed := u.closed[e.connection]; closed {
			fmt.Fprintf(&lines, ", connection closed at %.3f", at(closedAt))
		}
		lines.WriteByte('\n')
	}
	return lines.String()
}

func TestAnExchangeBelongsToTheRequestThatWasCut(t *testing.T) {
	at := func(second int) time.Time { return time.Unix(int64(second), 0) }
	cut := period{at(10), at(20)}
	for name, c := range map[string]struct {
		asked  period
		closed time.Time
		want   bool
	}{
		"in progress at the kill":                      {period{at(15), at(25)}, at(20), true},
		"answered before the kill":                     {period{at(12), at(15)}, at(20), true},
		"read after the kill":                          {period{at(21), at(25)}, at(22), true},
		"of an earlier request":                        {period{at(5), at(9)}, at(20), false},
		"of a later request":                           {period{at(21), at(25)}, at(40), false},
		"of an earlier request, on an idle connection": {period{at(5), at(8)}, at(9), false},
	} {
		e := &exchange{asked: c.asked}
		assert.Equal(t, c.want, e.isOf(cut, c.closed), name)
	}
}

func TestTheUpstreamNamesTheUserWhoseInstanceWasKilledInMidExchange(t *testing.T) {
	t.Parallel()
	clock, between := &shiftedClock{}, newUpstream(t)
	f := startFleetWith(t, fleetOptions{shared: startRedis(t), upstream: between, fake: []authkittest.Option{
		authkittest.WithClock(clock), authkittest.WithAccessTokenLifetime(lifetime), authkittest.WithRefreshLatency(300 * time.Millisecond),
	}})
	b := f.people(clock, 2)
	other := f.cookies(b[1])
	require.Equal(t, http.StatusOK, f.meAt("A", f.cookies(b[0])))
	calls, began := f.fake.Calls(authkittest.RouteRefresh), time.Now()
	asked := make(chan error, 1)
	go func() {
		_, err := f.ask("B", other)
		asked <- err
	}()
	f.fake.AwaitCalls(t, authkittest.RouteRefresh, calls+1)
	f.fleet.find("B").kill()
	require.Error(t, <-asked)
	cut := map[string][]period{}
	for _, email := range []string{"user0@example.com", "user1@example.com"} {
		cut[email] = []period{{began, time.Now()}}
	}
	require.Eventually(t, func() bool { return len(between.killedInMidExchange(cut)) > 0 }, 20*time.Second, 10*time.Millisecond)
	require.Equal(t, map[string]bool{"user1@example.com": true}, between.killedInMidExchange(cut), "not the user whose exchange was over")
}
