// The tool as a process: its arguments, its environment, its signals and its exit status, on real time.

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

// asProgram makes the test binary run as the tool.
const asProgram = "AUTHKIT_EXAMPLE_RUN"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// realTime is what processes go by, and so must the fake.
var realTime = authkittest.WithClock(systemClock{})

// process is a command that runs as one.
type process struct {
	*exec.Cmd
	t      *testing.T
	stdout *bufio.Reader
	stderr bytes.Buffer // to be read after wait
}

// prepare makes a process in the world's environment and no other.
func (w *world) prepare(args ...string) *process {
	w.Helper()
	binary, err := os.Executable()
	require.NoError(w, err)
	// Should the tool hang, it fails this test rather than all of them.
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	w.Cleanup(cancel)
	p := &process{Cmd: exec.CommandContext(ctx, binary, args...), t: w.T}
	p.Env = []string{asProgram + "=1", "TERM=xterm", "GORACE=atexit_sleep_ms=0"}
	for name, value := range w.env {
		p.Env = append(p.Env, name+"="+value)
	}
	p.Stderr = &p.stderr
	return p
}

// start starts a process with its output in a pipe.
func (w *world) start(args ...string) *process {
	w.Helper()
	p := w.prepare(args...)
	stdout, err := p.StdoutPipe()
	require.NoError(w, err)
	p.stdout = bufio.NewReader(stdout)
	require.NoError(w, p.Start())
	return p
}

// read is what the process prints from now on until a line with text in it.
func (p *process) read(text string) string {
	p.t.Helper()
	var printed strings.Builder
	for !strings.Contains(printed.String(), text) {
		line, err := p.stdout.ReadString('\n')
		require.NoError(p.t, err, "%q is not in %q", text, printed.String())
		printed.WriteString(line)
	}
	return printed.String()
}

// wait returns the exit status and what has not been read yet.
func (p *process) wait() (status int, rest string) {
	p.t.Helper()
	printed, err := io.ReadAll(p.stdout)
	require.NoError(p.t, err)
	_ = p.Wait() // an exit status other than zero is an error too
	return p.ProcessState.ExitCode(), string(printed)
}

// presetDevice makes WorkOS hand out a device that is known already, and can have been answered before the first poll,
// with lifetimes of the test's choice. Nothing then waits for long.
func (w *world) presetDevice(change map[string]any) (userCode string) {
	w.Helper()
	body := strings.NewReader(`{"client_id":"` + w.workOS.ClientID() + `"}`)
	resp, err := http.Post(w.workOS.URL()+"/user_management/authorize/device", "application/json", body)
	require.NoError(w, err)
	defer resp.Body.Close()
	var device map[string]any
	require.NoError(w, json.NewDecoder(resp.Body).Decode(&device))
	device["interval"] = 0.01
	maps.Copy(device, change)
	preset, err := json.Marshal(device)
	require.NoError(w, err)
	w.workOS.InjectFault(authkittest.RouteAuthorizeDevice, authkittest.Fault{Body: string(preset)})
	return device["user_code"].(string)
}

// minutes hides a time that depends on how fast the machine is.
var minutes = regexp.MustCompile(`for \d:\d\d at`)

func TestProcessesThatLogIn(t *testing.T) {
	const waiting = "Waiting for you to approve, for M:SS at most.\n"
	for _, c := range []struct {
		name           string
		answer         func(w *world)
		status         int
		stdout, stderr string // after the invitation
	}{
		{
			"approved",
			func(w *world) { w.workOS.ApproveDevice(w.presetDevice(nil), ada) },
			0, waiting + signedIn, "",
		},
		{
			"denied",
			func(w *world) { w.workOS.DenyDevice(w.presetDevice(nil)) },
			exitFailure, waiting, "login: the sign-in was denied; nothing has been stored\n",
		},
		{
			"expired",
			func(w *world) { w.presetDevice(map[string]any{"expires_in": 0.005}) },
			exitFailure, waiting, "login: nobody approved in time and the code has expired; run login again for a new one\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, realTime)
			c.answer(w)
			p := w.start("login")
			status, stdout := p.wait()
			assert.Equal(t, c.status, status)
			assert.Equal(t, w.invitation()+c.stdout, minutes.ReplaceAllString(stdout, "for M:SS at"))
			assert.Equal(t, c.stderr, p.stderr.String())
			if c.status == 0 {
				w.assertOwnersAlone()
				w.assertNoToken(stdout)
			} else {
				w.assertNothingStored()
			}
		})
	}
}

func TestProcessesThatAreInterrupted(t *testing.T) {
	for _, c := range []struct {
		name   string
		env    map[string]string
		before func(w *world)
		line   string // is printed before the signal comes
	}{
		{"while waiting", nil, func(*world) {}, "Waiting for you to approve"},
		{"when slowed down", nil, func(w *world) { w.presetDevice(nil); w.workOS.SlowDownDevices(1) }, "WorkOS asks for patience"},
		{"with the fake inside", map[string]string{"WORKOS_CLIENT_ID": ""}, func(*world) {}, "Waiting for you to approve"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, realTime)
			maps.Copy(w.env, c.env)
			c.before(w)
			p := w.start("login")
			p.read(c.line)
			require.NoError(t, p.Process.Signal(os.Interrupt))
			status, rest := p.wait()
			assert.Equal(t, exitInterrupted, status)
			assert.Empty(t, rest)
			assert.Equal(t, "login: interrupted\n", p.stderr.String())
			w.assertNothingStored()
		})
	}
}

func TestTwoProcessesAtOnceMakeOneExchange(t *testing.T) {
	w := newWorld(t)
	w.clock.Set(time.Now().Add(-time.Hour))
	w.signIn()
	w.clock.Set(time.Now()) // the token has expired by the clock that the processes go by
	w.workOS.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true})
	first, second := w.start("whoami"), w.start("whoami")
	w.workOS.AwaitCalls(t, authkittest.RouteRefresh, 1)
	w.workOS.ClearFault(authkittest.RouteRefresh)
	for _, p := range []*process{first, second} {
		status, stdout := p.wait()
		assert.Zero(t, status)
		assert.Contains(t, stdout, "Signed in as Ada Okafor")
		assert.Empty(t, p.stderr.String())
		w.assertNoToken(stdout)
	}
	assert.Equal(t, 1, w.workOS.Calls(authkittest.RouteRefresh))
	w.assertOwnersAlone()
}

func TestACommandLineThatIsNoneIsAnsweredWithTheUsage(t *testing.T) {
	for _, args := range [][]string{nil, {"register"}, {"login", "now"}, {""}} {
		w := newWorld(t)
		p := w.start(args...)
		status, stdout := p.wait()
		assert.Equal(t, exitUsage, status)
		assert.Empty(t, stdout)
		assert.Equal(t, "usage: cli login | whoami | logout\n", p.stderr.String())
	}
}

func TestWithoutADirectoryOfItsOwnTheStoreIsInTheUsers(t *testing.T) {
	w := newWorld(t, realTime)
	delete(w.env, "AUTHKIT_EXAMPLE_DIR")
	// Whatever the system, its configuration directory is below one of these.
	home := t.TempDir()
	w.env["HOME"], w.env["AppData"] = home, home
	w.workOS.ApproveDevice(w.presetDevice(nil), ada)
	status, _ := w.start("login").wait()
	require.Zero(t, status)
	config, err := filepath.Glob(filepath.Join(home, "*", "authkit-example", "session.json"))
	require.NoError(t, err)
	assert.Len(t, config, 1)
}
