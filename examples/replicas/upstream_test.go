//go:build unix

// A proxy between the instances and the fake AuthKit. It records whose exchange was in progress when an instance was killed.

package main

import (
	"bytes"
	"context"
	"encoding/json"
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
	askedAt    time.Time
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
	u.record(connection, asked, answer)
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes()) // an error means that the instance is gone
}

func (u *upstream) record(connection net.Conn, asked time.Time, answer *httptest.ResponseRecorder) {
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

// killedInMidExchange returns the users whose request was cut after WorkOS has exchanged their refresh token for it, or while
// it did so. Nothing says whether their instance has published the new tokens. cut are the requests of each user that were cut
// because their instance was killed.
func (u *upstream) killedInMidExchange(cut map[string][]period) map[string]bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	killed := map[string]bool{}
	for _, e := range u.exchanges {
		closedAt, closed := u.closed[e.connection] // with its process
		for _, request := range cut[e.email] {
			if closed && e.askedAt.After(request.from) && e.askedAt.Before(request.to) && closedAt.After(request.from) {
				killed[e.email] = true
			}
		}
	}
	return killed
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
	require.Eventually(t, func() bool { return len(between.killedInMidExchange(cut)) > 0 }, 5*time.Second, 10*time.Millisecond)
	require.Equal(t, map[string]bool{"user1@example.com": true}, between.killedInMidExchange(cut), "not the user whose exchange was over")
}
