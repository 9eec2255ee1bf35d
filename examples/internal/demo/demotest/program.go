// The example as a program: its environment, its output and its exit status.

package demotest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/testrun"
)

// asProgram is the variable that makes the test binary of an example run as the example.
const asProgram = "AUTHKIT_EXAMPLE_RUN"

// Main is the TestMain of an example that Program tests.
func Main(m *testing.M, main func()) {
	if os.Getenv(asProgram) != "" {
		main()
		os.Exit(0)
	}
	testrun.Main(m)
}

// Program tests an example as a process. The TestMain of its tests must be Main.
func Program(t *testing.T, signIn SignIn) {
	t.Run("Without variables for WorkOS it prints its URL and its users, and they can sign in", func(t *testing.T) {
		p := Start(t, map[string]string{"ADDR": "localhost:0"})
		home := p.Address()
		assert.Regexp(t, `^http://localhost:[1-9]\d*$`, home)
		assert.Contains(t, p.Line(), "Ada Okafor <ada@harborpress.test>")
		left := Walk(t, home, signIn)
		assert.Equal(t, home+"/", left.URL.String())
		assert.Zero(t, p.Stop())
	})

	t.Run("With the variables for WorkOS it uses WorkOS", func(t *testing.T) {
		workOS := authkittest.New(t)
		p := Start(t, workOS.Env(), map[string]string{"ADDR": "127.0.0.1:0", "WORKOS_COOKIE_PASSWORD": rand.Text() + rand.Text()})
		left := Walk(t, p.Address(), signIn)
		assert.Equal(t, workOS.URL(), origin(left), "the sign-out ends at WorkOS")
		assert.Zero(t, p.Stop())
	})

	t.Run("A role that is changed at WorkOS shows within seconds", func(t *testing.T) { changeRole(t, signIn, "") })

	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { taken.Close() })
	t.Run("With an address in use it names the address and prints no URL", func(t *testing.T) {
		p := Start(t, map[string]string{"ADDR": taken.Addr().String()})
		printed, err := io.ReadAll(p.stdout)
		require.NoError(t, err)
		assert.Empty(t, string(printed))
		assert.Equal(t, 1, p.wait())
		assert.Contains(t, p.stderr.String(), taken.Addr().String())
	})
}

// Webhook tests that an example with WORKOS_WEBHOOK_SECRET receives the webhooks of WorkOS.
func Webhook(t *testing.T, signIn SignIn) { changeRole(t, signIn, rand.Text()) }

// changeRole changes a role at WorkOS and waits for the page that shows it. With a secret, WorkOS sends a webhook, and its
// list of events stays empty.
func changeRole(t *testing.T, signIn SignIn, secret string) {
	t.Helper()
	workOS := authkittest.New(t)
	p := Start(t, workOS.Env(), map[string]string{
		"ADDR": "127.0.0.1:0", "WORKOS_COOKIE_PASSWORD": rand.Text() + rand.Text(), "WORKOS_WEBHOOK_SECRET": secret,
	})
	home := p.Address()
	if secret != "" {
		workOS.SetEventHoldBack(time.Hour)
		workOS.AddWebhookEndpoint(home+"/webhooks/workos", secret)
	}
	b := browser(t)
	visit(t, b.Get, home+"/account")
	page, err := signIn(b)
	require.NoError(t, err)
	require.Contains(t, page.Body, "<dd>admin</dd>")
	workOS.UpdateUser("ada@harborpress.test", func(u *authkittest.User) {
		for i := range u.Memberships {
			u.Memberships[i].Role = "member"
		}
	})
	require.NoError(t, workOS.WaitForWebhooks(t.Context()))
	require.Eventually(t, func() bool {
		page, err = b.Get(home + "/account")
		return err == nil && strings.Contains(page.Body, "<dd>member</dd>")
	}, 20*time.Second, 20*time.Millisecond)
	assert.Zero(t, p.Stop())
}

// Process is a running example.
type Process struct {
	t      testing.TB
	cmd    *exec.Cmd
	stdout *bufio.Reader
	stderr *bytes.Buffer // of Start; read it only after wait
}

// Start starts the example. Of the variables for WorkOS it has only those in env; a later map overrides an earlier one.
func Start(t testing.TB, env ...map[string]string) *Process {
	t.Helper()
	stderr := &bytes.Buffer{}
	p := start(t, stderr, env...)
	p.stderr = stderr
	return p
}

// start is Start with a writer for what the example prints to stderr.
func start(t testing.TB, stderr io.Writer, env ...map[string]string) *Process {
	t.Helper()
	binary, err := os.Executable()
	require.NoError(t, err)
	// If the example hangs, only this test fails.
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	variables := map[string]string{asProgram: "1"}
	for _, more := range env {
		maps.Copy(variables, more)
	}
	cmd := exec.CommandContext(ctx, binary)
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "WORKOS_") {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	for name, value := range variables {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	p := &Process{t: t, cmd: cmd, stdout: bufio.NewReader(stdout)}
	cmd.Stderr = stderr
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		if cmd.ProcessState == nil { // the test failed before the program ended
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	return p
}

// Line returns the next line that the example prints.
func (p *Process) Line() string {
	p.t.Helper()
	line, err := p.stdout.ReadString('\n')
	require.NoError(p.t, err)
	return line
}

// Address returns the URL in the first line that the example prints.
func (p *Process) Address() string {
	p.t.Helper()
	address, found := strings.CutPrefix(strings.TrimSpace(p.Line()), "Open ")
	require.True(p.t, found)
	return address
}

// Stop ends the example with SIGTERM, like a service manager, and returns its exit code.
func (p *Process) Stop() int {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Signal(syscall.SIGTERM))
	return p.wait()
}

// wait waits until the example has ended and returns its exit code.
func (p *Process) wait() int {
	_ = p.cmd.Wait() // returns an error for an exit code other than 0
	return p.cmd.ProcessState.ExitCode()
}
