// The tool as a process, on the system clock: arguments, environment, signals and exit status.

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

// asProgram is the variable that makes the test binary run as the tool.
const asProgram = "AUTHKIT_EXAMPLE_RUN"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// realTime gives the fake AuthKit the clock of the processes.
var realTime = authkittest.WithClock(systemClock{})

// process is a command that runs as a process.
type process struct {
	*exec.Cmd
	t      *testing.T
	stdout *bufio.Reader
	stderr bytes.Buffer // read it only after wait
}

// newProcess returns a process that has only the variables of the fixture.
func (f *fixture) newProcess(args ...string) *process {
	f.Helper()
	binary, err := os.Executable()
	require.NoError(f, err)
	// If the tool hangs, only this test fails.
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	f.Cleanup(cancel)
	p := &process{Cmd: exec.CommandContext(ctx, binary, args...), t: f.T}
	p.Env = []string{
		asProgram + "=1", "TERM=xterm", "GORACE=atexit_sleep_ms=0",
		"GOCOVERDIR=" + f.TempDir(), // without it, a binary built with -cover prints a warning on stderr
	}
	for name, value := range f.env {
		p.Env = append(p.Env, name+"="+value)
	}
	p.Stderr = &p.stderr
	return p
}

// startProcess starts a process whose output is a pipe.
func (f *fixture) startProcess(args ...string) *process {
	f.Helper()
	p := f.newProcess(args...)
	stdout, err := p.StdoutPipe()
	require.NoError(f, err)
	p.stdout = bufio.NewReader(stdout)
	require.NoError(f, p.Start())
	return p
}

// read returns what the process prints, up to and including the line that contains text.
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

// wait returns the exit status and the output that has not been read yet.
func (p *process) wait() (status int, rest string) {
	p.t.Helper()
	printed, err := io.ReadAll(p.stdout)
	require.NoError(p.t, err)
	_ = p.Wait() // returns an error for an exit status other than 0
	return p.ProcessState.ExitCode(), string(printed)
}

// presetDevice creates a device code and makes WorkOS answer the next login with it. A test can approve it before the
// first poll, and can change its lifetime. Its polling interval is 10 ms.
func (f *fixture) presetDevice(change map[string]any) (userCode string) {
	f.Helper()
	body := strings.NewReader(`{"client_id":"` + f.workOS.ClientID() + `"}`)
	resp, err := http.Post(f.workOS.URL()+"/user_management/authorize/device", "application/json", body)
	require.NoError(f, err)
	defer resp.Body.Close()
	var device map[string]any
	require.NoError(f, json.NewDecoder(resp.Body).Decode(&device))
	device["interval"] = 0.01
	maps.Copy(device, change)
	preset, err := json.Marshal(device)
	require.NoError(f, err)
	f.workOS.InjectFault(authkittest.RouteAuthorizeDevice, authkittest.Fault{Body: string(preset)})
	return device["user_code"].(string)
}

// minutes matches the time that depends on the speed of the machine.
var minutes = regexp.MustCompile(`for \d:\d\d at`)

func TestALoginProcessHasTheRightOutputAndExitStatus(t *testing.T) {
	const waiting = "Waiting for you to approve, for M:SS at most.\n"
	for _, c := range []struct {
		name           string
		answer         func(f *fixture)
		status         int
		stdout, stderr string // stdout without the instructions
	}{
		{
			"approved",
			func(f *fixture) { f.workOS.ApproveDevice(f.presetDevice(nil), ada) },
			0, waiting + signedIn, "",
		},
		{
			"denied",
			func(f *fixture) { f.workOS.DenyDevice(f.presetDevice(nil)) },
			exitFailure, waiting, "login: the sign-in was denied; nothing was stored\n",
		},
		{
			"expired",
			func(f *fixture) { f.presetDevice(map[string]any{"expires_in": 0.005}) },
			exitFailure, waiting, "login: the code expired before it was approved; run login again to get a new code\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, realTime)
			c.answer(f)
			p := f.startProcess("login")
			status, stdout := p.wait()
			assert.Equal(t, c.status, status)
			assert.Equal(t, f.instructions()+c.stdout, minutes.ReplaceAllString(stdout, "for M:SS at"))
			assert.Equal(t, c.stderr, p.stderr.String())
			if c.status == 0 {
				f.assertPrivate()
				f.assertNoToken(stdout)
			} else {
				f.assertNothingStored()
			}
		})
	}
}

func TestAnInterruptedLoginProcessExitsWith130(t *testing.T) {
	for _, c := range []struct {
		name   string
		env    map[string]string
		before func(f *fixture)
		line   string // the signal is sent after this line
	}{
		{"while waiting", nil, func(*fixture) {}, "Waiting for you to approve"},
		{"after a slow_down", nil, func(f *fixture) { f.presetDevice(nil); f.workOS.SlowDownDevices(1) }, "WorkOS asks to slow down"},
		{"with a fake AuthKit", map[string]string{"WORKOS_CLIENT_ID": ""}, func(*fixture) {}, "Waiting for you to approve"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, realTime)
			maps.Copy(f.env, c.env)
			c.before(f)
			p := f.startProcess("login")
			p.read(c.line)
			require.NoError(t, p.Process.Signal(os.Interrupt))
			status, rest := p.wait()
			assert.Equal(t, exitInterrupted, status)
			assert.Empty(t, rest)
			assert.Equal(t, "login: interrupted\n", p.stderr.String())
			f.assertNothingStored()
		})
	}
}

func TestTwoProcessesAtOnceMakeOneExchange(t *testing.T) {
	f := newFixture(t)
	f.clock.Set(time.Now().Add(-time.Hour))
	f.signIn()
	f.clock.Set(time.Now()) // the token has expired by the clock of the processes
	f.workOS.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true})
	first, second := f.startProcess("whoami"), f.startProcess("whoami")
	f.workOS.AwaitCalls(t, authkittest.RouteRefresh, 1)
	f.workOS.ClearFault(authkittest.RouteRefresh)
	for _, p := range []*process{first, second} {
		status, stdout := p.wait()
		assert.Zero(t, status)
		assert.Contains(t, stdout, "Signed in as Ada Okafor")
		assert.Empty(t, p.stderr.String())
		f.assertNoToken(stdout)
	}
	assert.Equal(t, 1, f.workOS.Calls(authkittest.RouteRefresh))
	f.assertPrivate()
}

func TestAnInvalidCommandLinePrintsTheUsage(t *testing.T) {
	for _, args := range [][]string{nil, {"register"}, {"login", "now"}, {""}} {
		f := newFixture(t)
		p := f.startProcess(args...)
		status, stdout := p.wait()
		assert.Equal(t, exitUsage, status)
		assert.Empty(t, stdout)
		assert.Equal(t, "usage: cli login | whoami | logout\n", p.stderr.String())
	}
}

func TestTheDefaultStoreIsInTheUserConfigurationDirectory(t *testing.T) {
	f := newFixture(t, realTime)
	delete(f.env, "AUTHKIT_EXAMPLE_DIR")
	// On every system the configuration directory is below one of these.
	home := t.TempDir()
	f.env["HOME"], f.env["AppData"] = home, home
	f.workOS.ApproveDevice(f.presetDevice(nil), ada)
	status, _ := f.startProcess("login").wait()
	require.Zero(t, status)
	config, err := filepath.Glob(filepath.Join(home, "*", "authkit-example", "session.json"))
	require.NoError(t, err)
	assert.Len(t, config, 1)
}
