// The tool in this process, at a fake AuthKit, on a clock that the test moves.

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

// world is a machine with the tool on it, and WorkOS.
type world struct {
	*testing.T
	workOS *authkittest.Server
	clock  *clock
	dir    string
	env    map[string]string
}

func newWorld(t *testing.T, opts ...authkittest.Option) *world {
	t.Helper()
	w := &world{T: t, clock: newClock(start), dir: filepath.Join(t.TempDir(), "config", "authkit-example")}
	w.workOS = authkittest.New(t, append([]authkittest.Option{authkittest.WithClock(w.clock)}, opts...)...)
	w.env = w.workOS.Env()
	delete(w.env, "WORKOS_API_KEY")
	w.env["AUTHKIT_EXAMPLE_DIR"] = w.dir
	return w
}

// command is one that runs.
type command struct {
	world          *world
	stdout, stderr output
	interrupt      context.CancelFunc
	status         chan int
}

// begin starts a command without waiting for its end.
func (w *world) begin(terminal bool, args ...string) *command {
	w.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	w.Cleanup(cancel)
	c := &command{world: w, interrupt: cancel, status: make(chan int, 1)}
	t := &tool{
		stdout:   &c.stdout,
		stderr:   &c.stderr,
		terminal: terminal,
		clock:    w.clock,
		getenv:   func(name string) string { return w.env[name] },
	}
	go func() { c.status <- t.run(ctx, args) }()
	return c
}

// run runs a command to its end.
func (w *world) run(args ...string) (status int, stdout, stderr string) {
	w.Helper()
	c := w.begin(false, args...)
	status = c.wait()
	return status, c.stdout.String(), c.stderr.String()
}

// wait returns the exit status, and fails if anything printed is a token that the store has.
func (c *command) wait() int {
	c.world.Helper()
	status := <-c.status
	c.world.assertNoToken(c.stdout.String() + c.stderr.String())
	return status
}

// signIn goes through a login.
func (w *world) signIn() {
	w.Helper()
	c := w.begin(false, "login")
	w.clock.awaitPoll(1)
	w.workOS.ApproveDevice(w.userCode(), ada)
	w.clock.Advance(interval)
	require.Zero(w, c.wait(), c.stderr.String())
	w.clock.forget()
}

const interval = 5 * time.Second // between the polls of the fake's devices

// userCode is that of the latest device.
func (w *world) userCode() string {
	w.Helper()
	devices := w.workOS.Devices()
	require.NotEmpty(w, devices)
	return devices[len(devices)-1].UserCode
}

// invitation is what login shows of the latest device.
func (w *world) invitation() string {
	w.Helper()
	code := w.userCode()
	return fmt.Sprintf(`To sign in, open  %[1]s/device
and enter         %[2]s
or follow         %[1]s/device?user_code=%[2]s
                  and check that it shows the same code.
`, w.workOS.URL(), code)
}

func (w *world) stored() *session {
	w.Helper()
	s, err := store{dir: w.dir}.load()
	require.NoError(w, err)
	return s
}

func (w *world) assertNothingStored() {
	w.Helper()
	assert.NoFileExists(w, filepath.Join(w.dir, "session.json"))
	left, err := filepath.Glob(filepath.Join(w.dir, "*.tmp"))
	require.NoError(w, err)
	assert.Empty(w, left)
}

func (w *world) assertNoToken(printed string) {
	w.Helper()
	s, _, err := store{dir: w.dir}.read()
	if err != nil {
		return
	}
	for _, secret := range []token{s.AccessToken, s.RefreshToken} {
		assert.NotContains(w, printed, string(secret))
	}
}

// assertOwnersAlone checks that nobody else has any access to what is stored, or to the lock.
func (w *world) assertOwnersAlone() {
	w.Helper()
	assert.FileExists(w, filepath.Join(w.dir, "session.json"))
	require.NoError(w, filepath.WalkDir(w.dir, func(path string, entry fs.DirEntry, err error) error {
		require.NoError(w, err)
		info, err := entry.Info()
		require.NoError(w, err)
		if entry.IsDir() {
			assert.Equal(w, os.FileMode(0o700), info.Mode().Perm(), path)
		} else {
			assert.Equal(w, os.FileMode(0o600), info.Mode().Perm(), path)
		}
		return nil
	}))
}

// unavailable is an outage that asks to be left alone for longer than a call goes on trying.
var unavailable = authkittest.Fault{Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"60"}}}

// clock tells what is being waited for, so that a test knows when to move it.
type clock struct {
	*authkittest.FakeClock
	mu      sync.Mutex
	changed *sync.Cond
	waits   map[time.Duration]int
}

func newClock(start time.Time) *clock {
	c := &clock{FakeClock: authkittest.NewFakeClock(start), waits: map[time.Duration]int{}}
	c.changed = sync.NewCond(&c.mu)
	return c
}

func (c *clock) AfterFunc(d time.Duration, f func()) func() bool {
	stop := c.FakeClock.AfterFunc(d, f)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waits[d]++
	c.changed.Broadcast()
	return stop
}

// await blocks until something has begun to wait for d for the n-th time.
func (c *clock) await(d time.Duration, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.waits[d] < n {
		c.changed.Wait()
	}
}

// awaitPoll blocks until a login waits for its n-th poll. Before that it has fetched the signing keys, which sets a timer of
// the same length.
func (c *clock) awaitPoll(n int) { c.await(interval, n+1) }

// forget begins to count anew.
func (c *clock) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.waits)
}

// output is what has been printed so far.
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
