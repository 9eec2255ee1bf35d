// A proxy in this process, with a fake AuthKit and an upstream that the test chooses.

package proxy_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/cmd/authkit/internal/proxy"
)

const (
	ada = "ada@harborpress.test" // an admin
	ben = "ben@harborpress.test" // a member

	// waitTimeout ends a test that waits for something that does not happen.
	waitTimeout = 15 * time.Second
)

// door is a running proxy.
type door struct {
	t        testing.TB
	URL      string // http://localhost:port
	Admin    string // host:port of the listener for operators
	Fake     *authkittest.Server
	Log      *lockedBuffer
	config   *proxy.Config
	reload   chan struct{}
	stop     context.CancelFunc
	ended    chan error
	browsers map[string]*authkittest.Browser
}

// lockedBuffer is a log.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// await waits until the log contains a text.
func (b *lockedBuffer) await(t testing.TB, text string) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Contains(b.String(), text) }, waitTimeout, 5*time.Millisecond, "the log has no %q", text)
}

// setUp is what a test changes before a proxy starts.
type setUp struct {
	fake    []authkittest.Option
	clock   authkit.Clock
	file    string // the configuration is read from it and watched
	server  *authkittest.Server
	change  func(*proxy.Config)
	log     io.Writer
	cookies string // the cookie password
}

// writeFile writes a file of a test and returns its name.
func writeFile(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// baseConfig returns a configuration for a fake AuthKit.
func baseConfig(t testing.TB, fake *authkittest.Server, password, upstream string) *proxy.Config {
	c := proxy.Default()
	c.Listen = "localhost:0"
	c.Admin.Listen = "localhost:0"
	c.WorkOS.ClientID, c.WorkOS.BaseURL = fake.ClientID(), fake.URL()
	c.WorkOS.APIKeyFile = writeFile(t, "key", fake.APIKey()+"\n")
	c.WorkOS.CookiePasswordFiles = []string{writeFile(t, "password", password)}
	c.Upstreams = []proxy.Upstream{{URL: upstream}}
	c.Limits.ShutdownDelay = 0
	return c
}

// start starts a proxy in front of an upstream.
func start(t testing.TB, upstream http.Handler, s setUp) *door {
	t.Helper()
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "WORKOS_") {
			require.NoError(t, os.Unsetenv(name))
		}
	}
	behind := httptest.NewServer(upstream)
	t.Cleanup(behind.Close)
	fake := s.server
	if fake == nil {
		fake = authkittest.New(t, s.fake...)
	}
	if s.cookies == "" {
		s.cookies = strings.Repeat("door", 10)
	}
	c := baseConfig(t, fake, s.cookies, behind.URL)
	if s.change != nil {
		s.change(c)
	}
	d := &door{
		t: t, Fake: fake, Log: &lockedBuffer{}, config: c, reload: make(chan struct{}), ended: make(chan error, 1),
		browsers: map[string]*authkittest.Browser{},
	}
	ctx, stop := context.WithCancel(context.Background())
	d.stop = stop
	ready := make(chan string, 1)
	var log io.Writer = d.Log
	if s.log != nil {
		log = io.MultiWriter(d.Log, s.log)
	}
	go func() {
		d.ended <- proxy.Run(ctx, c, proxy.Options{
			File: s.file, Log: log, Reload: d.reload, Clock: s.clock,
			AdminReady: func(address string) { d.Admin = address },
			Ready:      func(address string) { ready <- address },
		})
	}()
	select {
	case address := <-ready:
		d.URL = "http://localhost" + address[strings.LastIndexByte(address, ':'):]
	case err := <-d.ended:
		require.NoError(t, err)
		require.Fail(t, "the proxy has ended")
	}
	t.Cleanup(func() {
		for _, b := range d.browsers {
			b.CloseIdleConnections()
		}
		stop()
		assert.NoError(t, d.wait())
		assert.NotContains(t, d.Log.String(), fake.APIKey())
		assert.NotContains(t, d.Log.String(), s.cookies)
		assert.NotContains(t, d.Log.String(), "panic")
	})
	return d
}

// wait waits until the proxy has ended.
func (d *door) wait() error {
	select {
	case err := <-d.ended:
		d.ended <- err
		return err
	case <-time.After(waitTimeout):
		return assert.AnError
	}
}

// host returns host:port of the proxy.
func (d *door) host() string { return strings.TrimPrefix(d.URL, "http://") }

// browser returns a browser that is signed in as a user.
func (d *door) browser(user string) *authkittest.Browser {
	d.t.Helper()
	if d.browsers[user] == nil {
		b := authkittest.NewBrowser()
		_, err := b.SignIn(d.URL+"/login", user)
		require.NoError(d.t, err)
		d.browsers[user] = b
	}
	return d.browsers[user]
}

// cookieOf returns the Cookie header of a signed-in user.
func (d *door) cookieOf(user string) string {
	d.t.Helper()
	r, err := http.NewRequest(http.MethodGet, d.URL, nil)
	require.NoError(d.t, err)
	for _, cookie := range d.browser(user).Jar.Cookies(r.URL) {
		r.AddCookie(cookie)
	}
	return r.Header.Get("Cookie")
}

// answer is a response with its body.
type answer struct {
	*http.Response
	Text string
}

// do sends a request as a script of a user, or anonymously for "".
func (d *door) do(user, method, target string, body io.Reader, headers ...string) answer {
	d.t.Helper()
	r, err := http.NewRequest(method, d.URL+target, body)
	require.NoError(d.t, err)
	if user != "" {
		r.Header.Set("Cookie", d.cookieOf(user))
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header[name] = append(r.Header[name], value)
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	require.NoError(d.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(d.t, err)
	return answer{resp, string(text)}
}

// apiKey returns an API key of an organization with the permissions.
func (d *door) apiKey(permissions ...string) string {
	organization := d.Fake.AddOrganization(authkittest.Organization{Name: "Acme " + strings.Join(permissions, " ")})
	return d.Fake.AddAPIKey(authkittest.APIKey{OrganizationID: organization.ID, Permissions: permissions})
}

// seen is what the echo of an upstream tells about its request.
type seen struct {
	Method, Path, Query, Host, Proto, Body string
	Header                                 http.Header
}

// echo answers with what it has got.
var echo = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("X-Reached", "upstream")
	_ = json.NewEncoder(w).Encode(seen{r.Method, r.URL.EscapedPath(), r.URL.RawQuery, r.Host, r.Proto, string(body), r.Header})
})

// sees returns what the upstream has seen.
func (a answer) sees(t testing.TB) seen {
	t.Helper()
	var s seen
	require.NoError(t, json.Unmarshal([]byte(a.Text), &s), "%d %s", a.StatusCode, a.Text)
	return s
}
