// The test harness: the tool in this process, with a fake AuthKit and a clock that the test controls.

package main

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

const ada = "ada@harborpress.test"

var start = time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC)

// fixture is the environment of the tool: its store, its variables, its clock and a fake AuthKit.
type fixture struct {
	*testing.T
	workOS *authkittest.Server
	clock  *clock
	dir    string
	env    map[string]string
}

func newFixture(t *testing.T, opts ...authkittest.Option) *fixture {
	t.Helper()
	f := &fixture{T: t, clock: newClock(start), dir: filepath.Join(t.TempDir(), "config", "authkit-example")}
	f.workOS = authkittest.New(t, append([]authkittest.Option{authkittest.WithClock(f.clock)}, opts...)...)
	f.env = f.workOS.Env()
	delete(f.env, "WORKOS_API_KEY")
	f.env["AUTHKIT_EXAMPLE_DIR"] = f.dir
	return f
}

// command is a running command.
type command struct {
	fixture        *fixture
	stdout, stderr output
	interrupt      context.CancelFunc
	status         chan int
}

// startCommand starts a command and does not wait for its end.
func (f *fixture) startCommand(terminal bool, args ...string) *command {
	f.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	f.Cleanup(cancel)
	c := &command{fixture: f, interrupt: cancel, status: make(chan int, 1)}
	t := &tool{
		stdout:   &c.stdout,
		stderr:   &c.stderr,
		terminal: terminal,
		clock:    f.clock,
		getenv:   func(name string) string { return f.env[name] },
	}
	go func() { c.status <- t.run(ctx, args) }()
	return c
}

// run runs a command and returns its exit status and output.
func (f *fixture) run(args ...string) (status int, stdout, stderr string) {
	f.Helper()
	c := f.startCommand(false, args...)
	status = c.wait()
	return status, c.stdout.String(), c.stderr.String()
}

// wait returns the exit status. It fails the test if the output contains a stored token.
func (c *command) wait() int {
	c.fixture.Helper()
	status := <-c.status
	c.fixture.assertNoToken(c.stdout.String() + c.stderr.String())
	return status
}

// signIn completes a login.
func (f *fixture) signIn() {
	f.Helper()
	c := f.startCommand(false, "login")
	f.clock.awaitPoll(1)
	f.workOS.ApproveDevice(f.userCode(), ada)
	f.clock.Advance(interval)
	require.Zero(f, c.wait(), c.stderr.String())
	f.clock.reset()
}

const interval = 5 * time.Second // between two polls, as the fake AuthKit asks for

// userCode returns the code of the latest login.
func (f *fixture) userCode() string {
	f.Helper()
	devices := f.workOS.Devices()
	require.NotEmpty(f, devices)
	return devices[len(devices)-1].UserCode
}

// instructions returns what the latest login printed first.
func (f *fixture) instructions() string {
	f.Helper()
	code := f.userCode()
	return fmt.Sprintf(`To sign in, open  %[1]s/device
and enter         %[2]s
or open           %[1]s/device?user_code=%[2]s
                  and check that it shows the same code.
`, f.workOS.URL(), code)
}

func (f *fixture) stored() *session {
	f.Helper()
	s, err := store{dir: f.dir}.load()
	require.NoError(f, err)
	return s
}

func (f *fixture) assertNothingStored() {
	f.Helper()
	assert.NoFileExists(f, filepath.Join(f.dir, "session.json"))
	left, err := filepath.Glob(filepath.Join(f.dir, "*.tmp"))
	require.NoError(f, err)
	assert.Empty(f, left)
}

func (f *fixture) assertNoToken(printed string) {
	f.Helper()
	s, _, err := store{dir: f.dir}.read()
	if err != nil {
		return
	}
	for _, secret := range []token{s.AccessToken, s.RefreshToken} {
		assert.NotContains(f, printed, string(secret))
	}
}

// assertPrivate checks that only the owner can access the stored session and the lock.
func (f *fixture) assertPrivate() {
	f.Helper()
	assert.FileExists(f, filepath.Join(f.dir, "session.json"))
	require.NoError(f, filepath.WalkDir(f.dir, func(path string, entry fs.DirEntry, err error) error {
		require.NoError(f, err)
		info, err := entry.Info()
		require.NoError(f, err)
		if entry.IsDir() {
			assert.Equal(f, os.FileMode(0o700), info.Mode().Perm(), path)
		} else {
			assert.Equal(f, os.FileMode(0o600), info.Mode().Perm(), path)
		}
		return nil
	}))
}

// unavailable is an outage with a Retry-After that is longer than the client retries.
var unavailable = authkittest.Fault{Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"60"}}}

// clock is a fake clock that counts the timers. A test advances it when the tool waits for the right one.
type clock struct {
	*authkittest.FakeClock
	mu      sync.Mutex
	changed *sync.Cond
	timers  map[time.Duration]int
}

func newClock(start time.Time) *clock {
	c := &clock{FakeClock: authkittest.NewFakeClock(start), timers: map[time.Duration]int{}}
	c.changed = sync.NewCond(&c.mu)
	return c
}

func (c *clock) AfterFunc(d time.Duration, f func()) func() bool {
	stop := c.FakeClock.AfterFunc(d, f)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.timers[d]++
	c.changed.Broadcast()
	return stop
}

// await blocks until the n-th timer of length d has been set.
func (c *clock) await(d time.Duration, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.timers[d] < n {
		c.changed.Wait()
	}
}

// awaitPoll blocks until a login waits for its n-th poll. The fetch of the signing keys, before the first poll, sets a
// timer of the same length.
func (c *clock) awaitPoll(n int) { c.await(interval, n+1) }

// reset starts to count from zero.
func (c *clock) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.timers)
}

// output collects what is printed.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
