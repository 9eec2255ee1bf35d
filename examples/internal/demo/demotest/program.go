// The example as a program: what its environment makes of it, what it prints, how it ends.

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
)

// asProgram makes the test binary of an example run as the example.
const asProgram = "AUTHKIT_EXAMPLE_RUN"

// Main is the TestMain of an example whose main function Program is to run.
func Main(m *testing.M, main func()) {
	if os.Getenv(asProgram) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// Program tests an example from the outside, as a process of its own. Its test binary has Main for a TestMain.
func Program(t *testing.T, signIn SignIn) {
	t.Run("Without a word about WorkOS it says where to go and as whom, and a person goes through it", func(t *testing.T) {
		p := Start(t, map[string]string{"ADDR": "localhost:0"})
		home := p.Address()
		assert.Regexp(t, `^http://localhost:[1-9]\d*$`, home)
		assert.Contains(t, p.Line(), "Ada Okafor <ada@harborpress.test>")
		left := Walk(t, home, signIn)
		assert.Equal(t, home+"/", left.URL.String())
		assert.Zero(t, p.Stop())
	})

	t.Run("With the variables of WorkOS it uses WorkOS", func(t *testing.T) {
		workOS := authkittest.New(t)
		p := Start(t, workOS.Env(), map[string]string{"ADDR": "127.0.0.1:0", "WORKOS_COOKIE_PASSWORD": rand.Text() + rand.Text()})
		left := Walk(t, p.Address(), signIn)
		assert.Equal(t, workOS.URL(), origin(left), "only WorkOS knows where a sign-out ends")
		assert.Zero(t, p.Stop())
	})

	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { taken.Close() })
	t.Run("At an address that is taken it names the address and invites nobody", func(t *testing.T) {
		p := Start(t, map[string]string{"ADDR": taken.Addr().String()})
		printed, err := io.ReadAll(p.stdout)
		require.NoError(t, err)
		assert.Empty(t, string(printed))
		assert.Equal(t, 1, p.wait())
		assert.Contains(t, p.stderr.String(), taken.Addr().String())
	})
}

// Process is an example that runs.
type Process struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdout *bufio.Reader
	stderr *bytes.Buffer // to be read after wait
}

// Start runs the example with an environment in which nothing but env, the later maps first, tells of WorkOS.
func Start(t *testing.T, env ...map[string]string) *Process {
	t.Helper()
	binary, err := os.Executable()
	require.NoError(t, err)
	// Should the example hang, it fails this test rather than all of them.
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
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
	p := &Process{t: t, cmd: cmd, stdout: bufio.NewReader(stdout), stderr: &bytes.Buffer{}}
	cmd.Stderr = p.stderr
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		if cmd.ProcessState == nil { // the test has failed on the way
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	return p
}

// Line is the next line that the example prints.
func (p *Process) Line() string {
	p.t.Helper()
	line, err := p.stdout.ReadString('\n')
	require.NoError(p.t, err)
	return line
}

// Address is what the first line invites to.
func (p *Process) Address() string {
	p.t.Helper()
	address, found := strings.CutPrefix(strings.TrimSpace(p.Line()), "Open ")
	require.True(p.t, found)
	return address
}

// Stop asks the example to end, as a service manager does, and returns its exit code.
func (p *Process) Stop() int {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Signal(syscall.SIGTERM))
	return p.wait()
}

// wait returns the exit code once the example has ended.
func (p *Process) wait() int {
	_ = p.cmd.Wait() // an exit code other than zero is an error too
	return p.cmd.ProcessState.ExitCode()
}
