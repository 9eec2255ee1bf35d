// Tests of reload and of the end of the proxy.

package proxy_test

import (
	"bufio"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/cmd/authkit/internal/proxy"
)

// fileDoor is a proxy whose configuration is a file.
type fileDoor struct {
	*door
	name  string
	text  string // the file without its rules
	clock *authkittest.FakeClock
}

// logHook is a log that calls a function with each line.
type logHook func(line string)

func (h logHook) Write(p []byte) (int, error) {
	h(string(p))
	return len(p), nil
}

// startFromFile starts a proxy from a file with rules, on a clock that the test moves. It logs to logs too.
func startFromFile(t *testing.T, upstream http.Handler, rules string, logs ...io.Writer) *fileDoor {
	f := &fileDoor{name: filepath.Join(t.TempDir(), "proxy.yaml"), clock: authkittest.NewFakeClock(time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC))}
	f.door = start(t, upstream, setUp{clock: f.clock, fake: []authkittest.Option{authkittest.WithClock(f.clock)}, file: f.name, log: io.MultiWriter(logs...), change: func(c *proxy.Config) {
		f.text = fmt.Sprintf("listen: %q\nadmin: {listen: %q}\nworkos:\n  client_id: %s\n  base_url: %s\n  api_key_file: %s\n  cookie_password_files: [%s]\nupstreams: [{url: %q}]\nlimits: {shutdown_delay: 0s}\nevents: {follow: false}\n",
			c.Listen, c.Admin.Listen, c.WorkOS.ClientID, c.WorkOS.BaseURL, c.WorkOS.APIKeyFile, c.WorkOS.CookiePasswordFiles[0], c.Upstreams[0].URL)
		f.write(t, rules)
		loaded, err := proxy.Load(f.name)
		require.NoError(t, err)
		*c = *loaded
	}})
	return f
}

func (f *fileDoor) write(t testing.TB, rules string) {
	require.NoError(t, os.WriteFile(f.name, []byte(f.text+rules), 0o600))
}

// poll moves the clock to the next look at the files.
func (f *fileDoor) poll() {
	f.clock.AwaitTimers(1)
	f.clock.Advance(2 * time.Second)
}

func TestAChangedFileIsUsedAndAWrongOneIsNot(t *testing.T) {
	f := startFromFile(t, echo, "")
	cookie := f.cookieOf(ben)
	status := func() int { return f.do("", "GET", "/new/a", nil).StatusCode }
	assert.Equal(t, 401, status())

	f.write(t, "rules: [{path: /new/*, allow: [public]}]\n")
	f.poll()
	f.Log.await(t, "the configuration was reloaded")
	assert.Equal(t, 200, status())
	assert.Equal(t, 200, f.do("", "GET", "/a", nil, "Cookie: "+cookie).StatusCode, "sessions stay")

	f.write(t, "rules: [{path: new}]\n")
	f.poll()
	f.Log.await(t, "rules[0].path")
	f.write(t, "rulez: [{path: new}]\n")
	f.poll()
	f.Log.await(t, "field rulez does not exist")
	assert.Equal(t, 200, status(), "the earlier rules stay")

	f.write(t, "rules: []\nsign_in: {provider: GoogleOAuth}\n")
	f.reload <- struct{}{} // as SIGHUP does
	f.Log.await(t, "needs a restart")
	require.Eventually(t, func() bool { return status() == 401 }, waitTimeout, 5*time.Millisecond)

	f.write(t, "paths: {login: /sign-in}\nrules: [{path: /*, allow: [public]}]\n")
	f.reload <- struct{}{}
	f.Log.await(t, "section=paths.login")
	page, err := authkittest.NewBrowser().SignIn(f.URL+"/login", ben)
	require.NoError(t, err, "the login path is that of the start")
	assert.Equal(t, 200, page.StatusCode)

	require.NoError(t, os.Remove(f.name))
	f.poll()
	f.Log.await(t, "no such file")
	assert.Equal(t, 200, f.do("", "GET", "/a", nil, "Cookie: "+cookie).StatusCode)
}

func TestAFileThatChangesDuringAReloadIsUsed(t *testing.T) {
	var f *fileDoor
	var once sync.Once
	closing := logHook(func(line string) {
		if strings.Contains(line, "needs a restart") { // after the file was read, and before the reload has ended
			once.Do(func() { f.write(t, "rules: [{path: /new/*, roles: [admin]}]\n") })
		}
	})
	f = startFromFile(t, echo, "", closing)
	f.write(t, "sign_in: {provider: GoogleOAuth}\nrules: [{path: /new/*, allow: [public]}]\n")
	f.poll()
	f.Log.await(t, "the configuration was reloaded")
	require.Equal(t, 200, f.do("", "GET", "/new/a", nil).StatusCode)
	f.poll()
	require.Eventually(t, func() bool { return f.do("", "GET", "/new/a", nil).StatusCode == 401 }, waitTimeout, 5*time.Millisecond, "the rule that closes the path again is used")
}

func TestAFileThatAChangedConfigurationWaitsForIsNoticed(t *testing.T) {
	f := startFromFile(t, echo, "")
	key := filepath.Join(t.TempDir(), "jwt.pem")
	f.write(t, "identity: {jwt: {key_files: ["+key+"], issuer: a, audience: b}}\nrules: [{path: /new/*, allow: [public]}]\n")
	f.poll()
	f.Log.await(t, "identity.jwt.key_files[0]")
	require.Equal(t, 401, f.do("", "GET", "/new/a", nil).StatusCode)
	_, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	f.poll() // Kubernetes replaces the volumes of a pod one after the other
	require.Eventually(t, func() bool { return f.do("", "GET", "/new/a", nil).StatusCode == 200 }, waitTimeout, 5*time.Millisecond, "the file is there now")
}

func TestASignOutHoldsAfterAReload(t *testing.T) {
	f := startFromFile(t, echo, "")
	cookie := f.cookieOf(ben)
	f.do("", "POST", "/logout", nil, "Cookie: "+cookie)
	f.write(t, "rules: [{path: /new/*, allow: [public]}]\n")
	f.reload <- struct{}{}
	f.Log.await(t, "the configuration was reloaded")
	assert.Equal(t, 401, f.do("", "GET", "/a", nil, "Cookie: "+cookie).StatusCode)
}

func TestReloadsDuringRequestsBreakNone(t *testing.T) {
	held := make(chan struct{})
	f := startFromFile(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/held" {
			_, _ = io.WriteString(w, "a")
			_ = http.NewResponseController(w).Flush()
			<-held
			_, _ = io.WriteString(w, "b")
		}
	}), "rules: [{path: /*, allow: [public]}]\n")
	resp, err := http.Get(f.URL + "/held")
	require.NoError(t, err)
	defer resp.Body.Close()
	var failed, answered atomic.Int64
	var clients sync.WaitGroup
	over := make(chan struct{})
	for range 4 {
		clients.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				resp, err := http.Get(f.URL + "/x")
				if err != nil || resp.StatusCode != 200 {
					failed.Add(1)
					return
				}
				resp.Body.Close()
				answered.Add(1)
			}
		})
	}
	for i := range 20 {
		f.write(t, fmt.Sprintf("rules: [{path: /*, allow: [public]}, {path: /r%d}]\n", i))
		f.reload <- struct{}{}
	}
	require.Eventually(t, func() bool { return answered.Load() > 50 }, waitTimeout, time.Millisecond)
	close(over)
	clients.Wait()
	assert.Zero(t, failed.Load())
	close(held)
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	assert.Equal(t, "ab", string(text), "a response that began before the reloads ends as it should")
}

func TestAShutdownFinishesRequestsAndBoundsWebSockets(t *testing.T) {
	clock := authkittest.NewFakeClock(time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC))
	held, begun := make(chan struct{}), make(chan struct{}, 1)
	d := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/held" {
			begun <- struct{}{}
			<-held
			_, _ = io.WriteString(w, "done")
			return
		}
		socket.ServeHTTP(w, r)
	}), setUp{clock: clock, fake: []authkittest.Option{authkittest.WithClock(clock)}, change: func(c *proxy.Config) {
		allPublic(c)
		c.Events.Follow = false
		c.Limits.ShutdownDelay = 5 * time.Second
	}})
	ready := func() int {
		resp, err := http.Get("http://" + d.Admin + "/readyz")
		require.NoError(t, err)
		resp.Body.Close()
		return resp.StatusCode
	}
	assert.Equal(t, 200, ready())
	result := make(chan answer, 1)
	go func() { result <- d.do("", "GET", "/held", nil) }()
	<-begun
	resp, conn, reader := d.upgrade("")
	require.Equal(t, 101, resp.StatusCode)

	d.stop()
	d.Log.await(t, "proxy: stopping")
	require.Equal(t, 503, ready(), "a load balancer sends no new requests")
	assert.Equal(t, 200, d.do("", "GET", "/x", nil).StatusCode, "requests are still answered")
	clock.AwaitTimers(2) // that of the watch, and that of the shutdown
	clock.Advance(5 * time.Second)
	close(held)
	assert.Equal(t, "done", (<-result).Text)
	_, err := io.WriteString(conn, "hello\n")
	require.NoError(t, err)
	line, err := reader.ReadString('\n')
	require.NoError(t, err)
	assert.Equal(t, "hello\n", line, "a WebSocket goes on until the timeout")
	clock.AwaitTimers(2) // that of the watch, and that of the shutdown
	clock.Advance(30 * time.Second)
	_, err = reader.ReadByte()
	assert.ErrorIs(t, err, io.EOF)
	assert.NoError(t, d.wait())
	_, err = bufio.NewReader(conn).ReadByte()
	assert.Error(t, err)
}
