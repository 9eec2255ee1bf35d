// Two instances of one application, the proxy in front of them, and the requests that tests send.

package proxy_test

import (
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// The users. The session of val needs several cookies.
const (
	kim = "kim@example.com"
	val = "val@example.com"
)

// site is two instances of an application behind nginx. The instances share the
// cookie password and the fake.
type site struct {
	t         *testing.T
	url       string // address of nginx: http://localhost:port
	fake      *authkittest.Server
	clock     *authkittest.FakeClock
	nginx     *nginx
	instances [2]*instance
}

// instance is one instance of the application.
type instance struct {
	server *httptest.Server
	served atomic.Int64 // number of requests
}

// newSite starts a site with nginx's default buffers.
func newSite(t *testing.T) *site { return newSiteWithBuffer(t, defaultBuffer) }

func newSiteWithBuffer(t *testing.T, buffer string) *site {
	t.Helper()
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	s := &site{
		t: t, clock: authkittest.NewFakeClock(time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)),
		url: fmt.Sprintf("http://localhost:%d", listener.Addr().(*net.TCPAddr).Port),
	}
	acme := []authkittest.Membership{{OrganizationID: "org_acme", Role: "admin", Permissions: []string{"posts:read", "posts:write"}}}
	s.fake = authkittest.New(t, authkittest.WithClock(s.clock), authkittest.WithUsers(
		authkittest.User{ID: "user_kim", Email: kim, FirstName: "Kim", LastName: "Oduya", Metadata: map[string]string{"plan": "pro"}, Memberships: acme},
		authkittest.User{ID: "user_val", Email: val, FirstName: "Val", Claims: map[string]any{"padding": strings.Repeat(rand.Text(), 80)}},
	))
	password := rand.Text() + rand.Text()
	var upstreams []string
	for i := range s.instances {
		s.instances[i] = s.newInstance(password)
		upstreams = append(upstreams, s.instances[i].server.Listener.Addr().String())
	}
	s.nginx = startNginx(t, listener, buffer, upstreams...)
	return s
}

// forTest returns the site for one test of several that share it.
func (s *site) forTest(t *testing.T) *site {
	own, proxy := *s, *s.nginx
	proxy.t = t
	own.t, own.nginx = t, &proxy
	return &own
}

// newInstance starts an instance that is configured for use behind a proxy. It
// knows its public address only from the redirect URL, because nginx changes the
// Host header.
func (s *site) newInstance(password string) *instance {
	s.t.Helper()
	ak, err := authkit.New(
		authkit.WithAPIKey(s.fake.APIKey()),
		authkit.WithClientID(s.fake.ClientID()),
		authkit.WithBaseURL(s.fake.URL()),
		authkit.WithCookiePassword(password),
		authkit.WithRedirectURL(s.url+"/callback"),
		authkit.WithPostLogoutRedirectURL(s.url+"/"),
		authkit.WithBearerTokens(),
		authkit.WithClock(s.clock),
		authkit.WithLogger(slog.New(slog.DiscardHandler)),
	)
	require.NoError(s.t, err)
	mux := http.NewServeMux()
	// The patterns have no methods, so the handlers must check the method.
	mux.Handle("/login", ak.Login())
	mux.Handle("/callback", ak.Callback())
	mux.Handle("/logout", ak.Logout())
	mux.Handle("/organization", ak.SwitchOrganization())
	mux.Handle("/account", ak.RequireAuth(page("account")))
	mux.Handle("/programs", ak.RequireAPIKey()(page("programs")))
	mux.Handle("/either", ak.RequireAuthOrAPIKey("posts:read")(page("either")))
	mux.Handle("/{$}", page("home"))
	handler := ak.Middleware(mux)
	i := &instance{}
	i.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.served.Add(1)
		handler.ServeHTTP(w, r)
	}))
	s.t.Cleanup(i.server.Close)
	return i
}

// page shows its name and the signed-in user.
func page(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user := "anonymous"
		if session, ok := authkit.FromContext(r.Context()); ok {
			user = session.User().Email
		}
		fmt.Fprintf(w, "<!doctype html><h1>%s of %s</h1>"+`<form method="post" action="/logout"><button>Sign out</button></form>`, name, user)
	})
}

// request is sent unchanged. Redirects are not followed.
type request struct {
	method, target string // an empty method is GET
	header         http.Header
	cookie         string
	body           string
}

type response struct {
	status int
	header http.Header
	body   string
}

// navigation returns the header of a browser navigation.
func navigation() http.Header {
	return http.Header{"Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}, "Accept": {"text/html"}}
}

// scripted returns the header of a fetch() by a script.
func scripted() http.Header {
	return http.Header{"Sec-Fetch-Mode": {"cors"}, "Sec-Fetch-Dest": {"empty"}, "Accept": {"*/*"}}
}

// with sets one more field of a header and returns the header.
func with(h http.Header, name, value string) http.Header {
	h.Set(name, value)
	return h
}

// direct uses no proxy from the environment and keeps no connections.
var direct = &http.Transport{DisableKeepAlives: true}

func (s *site) send(q request) response {
	s.t.Helper()
	resp, err := s.do(q)
	require.NoError(s.t, err)
	return resp
}

// do is send for goroutines, which must not end the test.
func (s *site) do(q request) (response, error) { return doTo(s.url, q) }

func doTo(base string, q request) (response, error) {
	if q.method == "" {
		q.method = http.MethodGet
	}
	r, err := http.NewRequest(q.method, base+q.target, strings.NewReader(q.body))
	if err != nil {
		return response{}, err
	}
	for name, values := range q.header {
		r.Header[name] = values
	}
	if q.body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if q.cookie != "" {
		r.Header.Set("Cookie", q.cookie)
	}
	resp, err := direct.RoundTrip(r)
	if err != nil {
		return response{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return response{resp.StatusCode, resp.Header, string(body)}, err
}

// cookies returns the Cookie header that a browser sends after a response.
func (r response) cookies() string {
	var pairs []string
	for _, line := range r.header["Set-Cookie"] {
		if c, err := http.ParseSetCookie(line); err == nil && c.MaxAge >= 0 {
			pairs = append(pairs, c.Name+"="+c.Value)
		}
	}
	return strings.Join(pairs, "; ")
}

// pendingSignIn is a pending sign-in: its state and the cookie of the browser that
// started it.
type pendingSignIn struct{ state, cookie string }

// startSignIn starts a sign-in without a session, as an attacker can.
func (s *site) startSignIn() pendingSignIn {
	s.t.Helper()
	resp := s.send(request{target: "/login", header: navigation()})
	require.Equal(s.t, http.StatusSeeOther, resp.status)
	location, err := url.Parse(resp.header.Get("Location"))
	require.NoError(s.t, err)
	pending := pendingSignIn{location.Query().Get("state"), resp.cookies()}
	require.NotEmpty(s.t, pending.state)
	require.NotEmpty(s.t, pending.cookie)
	return pending
}

// browser returns a new browser without cookies.
func (s *site) browser() *authkittest.Browser {
	b := authkittest.NewBrowser()
	s.t.Cleanup(b.CloseIdleConnections)
	return b
}

// checkBothServe asserts that the proxy still sends requests to both instances. It
// alternates between them unless it has taken one out of rotation.
func (s *site) checkBothServe() {
	s.t.Helper()
	before := [2]int64{s.instances[0].served.Load(), s.instances[1].served.Load()}
	statuses := map[int]int{}
	for range 10 {
		statuses[s.send(request{target: "/"}).status]++
	}
	assert.Equal(s.t, map[int]int{http.StatusOK: 10}, statuses)
	for i, instance := range s.instances {
		assert.NotEqual(s.t, before[i], instance.served.Load(), "nginx has taken instance %d out of rotation", i)
	}
	for _, failure := range []string{"temporarily disabled", "no live upstreams", "too big header", "prematurely closed"} {
		for _, warning := range s.nginx.warnings() {
			if !assert.NotContains(s.t, warning, failure) {
				break
			}
		}
	}
}
