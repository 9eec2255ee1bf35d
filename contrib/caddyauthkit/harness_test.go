// A Caddy in this process, with sites that tests add and remove, a fake AuthKit, and an application behind reverse_proxy.

package caddyauthkit_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	_ "github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	_ "github.com/caddyserver/caddy/v2/modules/caddyevents"
	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/headers"
	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy/forwardauth"
	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/rewrite"
	_ "github.com/caddyserver/caddy/v2/modules/caddytls"
	_ "github.com/caddyserver/caddy/v2/modules/filestorage"
	_ "github.com/caddyserver/caddy/v2/modules/logging"
	_ "github.com/caddyserver/caddy/v2/modules/metrics"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	_ "github.com/authkit-go/authkit/contrib/caddyauthkit"
	"github.com/authkit-go/authkit/internal/testserver"
)

const (
	ada = "ada@harborpress.test" // an admin
	ben = "ben@harborpress.test" // a member

	// waitTimeout ends a test that waits for something that does not happen.
	waitTimeout = 15 * time.Second
)

// running is the Caddy of this process. It has one configuration, so that each change of a site is a reload for all sites.
var running struct {
	sync.Mutex
	sites map[*site]string // the block of each site in the Caddyfile
	logs  map[*site]io.Writer
}

// site is a site of Caddy with an application behind it.
type site struct {
	t        testing.TB
	port     *testserver.Port
	URL      string // http://localhost:port
	upstream string // host:port of the application
	Fake     *authkittest.Server
	Log      *lockedBuffer
	password string
	files    string // a folder
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

// logWriter is a module of Caddy that writes each line to the logs of all sites.
type logWriter struct{}

func init() { caddy.RegisterModule(logWriter{}) }

func (logWriter) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddy.logging.writers.authkit_test", New: func() caddy.Module { return new(logWriter) }}
}

func (logWriter) UnmarshalCaddyfile(d *caddyfile.Dispenser) error { d.Next(); return nil }
func (logWriter) String() string                                  { return "the logs of the tests" }
func (logWriter) WriterKey() string                               { return "authkit_test" }
func (logWriter) OpenWriter() (io.WriteCloser, error)             { return logWriter{}, nil }
func (logWriter) Close() error                                    { return nil }

func (logWriter) Write(p []byte) (int, error) {
	for _, log := range allLogs() {
		_, _ = log.Write(p)
	}
	return len(p), nil
}

// logsMu guards running.logs: Caddy logs while a test holds running.
var logsMu sync.Mutex

func allLogs() []io.Writer {
	logsMu.Lock()
	defer logsMu.Unlock()
	return slices.Collect(maps.Values(running.logs))
}

// setUp is what a test chooses.
type setUp struct {
	fake    *authkittest.Server // nil for one of its own
	options []authkittest.Option
	log     io.Writer // besides the log of the site
	cookies string    // the cookie password
	authkit string    // lines of the directive authkit, besides those that every test needs
	more    string    // lines of the site, instead of "reverse_proxy {upstream}"
	without bool      // whether the site is without the directive
}

// start adds a site in front of an application.
func start(t testing.TB, application http.Handler, s setUp) *site {
	t.Helper()
	forgetEnvironment(t)
	behind := httptest.NewServer(application)
	t.Cleanup(behind.Close)
	if s.fake == nil {
		s.fake = authkittest.New(t, s.options...)
	}
	if s.cookies == "" {
		s.cookies = strings.Repeat("site", 10)
	}
	port, err := testserver.Reserve()
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, port.Release()) })
	own := &site{
		t: t, port: port, URL: "http://localhost:" + port.String(), upstream: strings.TrimPrefix(behind.URL, "http://"), Fake: s.fake,
		Log: &lockedBuffer{}, password: s.cookies, files: t.TempDir(), browsers: map[string]*authkittest.Browser{},
	}
	var log io.Writer = own.Log
	if s.log != nil {
		log = io.MultiWriter(own.Log, s.log)
	}
	logsMu.Lock()
	if running.logs == nil {
		running.logs, running.sites = map[*site]io.Writer{}, map[*site]string{}
	}
	running.logs[own] = log
	logsMu.Unlock()
	require.NoError(t, own.load(s))
	t.Cleanup(func() {
		for _, b := range own.browsers {
			b.CloseIdleConnections()
		}
		assert.NoError(t, own.replace(""))
		logsMu.Lock()
		delete(running.logs, own)
		logsMu.Unlock()
		for _, secret := range []string{s.fake.APIKey(), s.cookies, "panic"} {
			assert.NotContains(t, own.Log.String(), secret)
		}
	})
	return own
}

func forgetEnvironment(t testing.TB) {
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "WORKOS_") {
			require.NoError(t, os.Unsetenv(name))
		}
	}
}

// file writes a file of the site and returns its name.
func (s *site) file(name, content string) string {
	path := filepath.Join(s.files, name)
	require.NoError(s.t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// block returns the site for the Caddyfile. The suite sends a token in X-Workos-Session, which has no meaning for authkit, so that Caddy
// would log it as any other header.
func (s *site) block(c setUp) string {
	more := c.more
	if more == "" {
		more = "reverse_proxy {upstream}"
	}
	more = strings.ReplaceAll(more, "{upstream}", s.upstream)
	if c.without {
		return fmt.Sprintf("http://:%s {\n\tbind 127.0.0.1\n\t%s\n}\n", s.port, more)
	}
	return fmt.Sprintf(`http://:%s {
	bind 127.0.0.1
	log {
		output authkit_test
		format filter {
			wrap json
			request>headers>X-Workos-Session delete
		}
	}
	authkit {
		workos {
			client_id %s
			base_url %s
			api_key_file %s
			cookie_password_files %s
			redirect_urls %s/callback
			post_logout_redirect_url %s/
		}
		%s
	}
	%s
}
`, s.port, s.Fake.ClientID(), s.Fake.URL(), s.file("key", s.Fake.APIKey()+"\n"), s.file("password", s.password), s.URL, s.URL, c.authkit, more)
}

// load adds the site to Caddy, or changes it.
func (s *site) load(c setUp) error { return s.replace(s.block(c)) }

// replace replaces the block of the site, and loads the Caddyfile. "" removes the site. After an error, the block stays as it was.
func (s *site) replace(block string) error {
	running.Lock()
	defer running.Unlock()
	before, existed := running.sites[s]
	running.sites[s] = block
	if block == "" {
		delete(running.sites, s)
	}
	err := loadAll()
	if err != nil {
		delete(running.sites, s)
		if existed {
			running.sites[s] = before
		}
	}
	s.awaitOneListener()
	return err
}

// awaitOneListener waits until each port has one listening socket. During a reload, Caddy has two, and resets the connections that wait
// at the old one. Systems without /proc have no such sockets to look at.
func (s *site) awaitOneListener() {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		sockets, err := os.ReadFile("/proc/net/tcp")
		if err != nil {
			return true
		}
		for other := range running.sites {
			address := fmt.Sprintf(": 0100007F:%04X 00000000:0000 0A ", other.port.Number) // 127.0.0.1, in the state LISTEN
			if strings.Count(string(sockets), address) != 1 {
				return false
			}
		}
		return true
	}, waitTimeout, time.Millisecond)
}

// globalOptions are the options of the Caddyfile.
const globalOptions = `{
	admin off
	persist_config off
	auto_https off
	grace_period 5s
	servers {
		max_header_size 64KB
		protocols h1 h2c
	}
	log default {
		output authkit_test
		level INFO
	}
	log authkit {
		output authkit_test
		level DEBUG
		include http.handlers.authkit
	}
}
`

func loadAll() error {
	if len(running.sites) == 0 {
		return caddy.Stop()
	}
	text := globalOptions
	for _, block := range running.sites {
		text += block
	}
	config, err := adapt(text)
	if err != nil {
		return err
	}
	return caddy.Load(config, true)
}

// adapt returns the JSON configuration of a Caddyfile.
func adapt(text string) ([]byte, error) {
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
	return config, err
}

// host returns host:port of the site.
func (s *site) host() string { return strings.TrimPrefix(s.URL, "http://") }

// browser returns a browser that is signed in as a user.
func (s *site) browser(user string) *authkittest.Browser {
	s.t.Helper()
	if s.browsers[user] == nil {
		b := authkittest.NewBrowser()
		_, err := b.SignIn(s.URL+"/login", user)
		require.NoError(s.t, err)
		s.browsers[user] = b
	}
	return s.browsers[user]
}

// cookieOf returns the Cookie header of a signed-in user.
func (s *site) cookieOf(user string) string {
	s.t.Helper()
	r, err := http.NewRequest(http.MethodGet, s.URL, nil)
	require.NoError(s.t, err)
	for _, cookie := range s.browser(user).Jar.Cookies(r.URL) {
		r.AddCookie(cookie)
	}
	return r.Header.Get("Cookie")
}

// answer is a response with its body.
type answer struct {
	*http.Response
	Text string
}

// do sends a request as a script of a user, or anonymously for "". Each header is "Name: value".
func (s *site) do(user, method, target string, headers ...string) answer {
	s.t.Helper()
	r, err := http.NewRequest(method, s.URL+target, nil)
	require.NoError(s.t, err)
	if user != "" {
		r.Header.Set("Cookie", s.cookieOf(user)+"; theme=dark")
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header[name] = append(r.Header[name], value)
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	require.NoError(s.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(s.t, err)
	return answer{resp, string(text)}
}

// seen is what the application tells about its request.
type seen struct {
	Method, Path, Query, Host string
	Header                    http.Header
}

// echo answers with what it has got, and tries to set a cookie of authkit.
var echo = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Reached", "upstream")
	w.Header().Add("Set-Cookie", "authkit-session=evil")
	w.Header().Add("Set-Cookie", "seen=yes")
	_ = json.NewEncoder(w).Encode(seen{r.Method, r.URL.EscapedPath(), r.URL.RawQuery, r.Host, r.Header})
})

// sees returns what the application has seen.
func (a answer) sees(t testing.TB) seen {
	t.Helper()
	var s seen
	require.NoError(t, json.Unmarshal([]byte(a.Text), &s), "%d %s", a.StatusCode, a.Text)
	return s
}
