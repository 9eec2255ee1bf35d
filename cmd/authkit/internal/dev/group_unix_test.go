//go:build unix

// Signals without a terminal: they reach the program that the command has started.

package dev_test

import (
	"bufio"
	"io"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestASignalToTheFakeProgramEndsWhatItsCommandHasStarted(t *testing.T) {
	for name, signal := range map[string]syscall.Signal{"SIGTERM": syscall.SIGTERM, "SIGHUP": syscall.SIGHUP} {
		t.Run(name, func(t *testing.T) { requireSignalEnds(t, signal) })
	}
}

// requireSignalEnds sends a signal to the program, and fails the test if something that it has started does not end.
func requireSignalEnds(t *testing.T, signal syscall.Signal) {
	t.Helper()
	binary, err := os.Executable()
	require.NoError(t, err)
	var cmd *exec.Cmd
	address, stdout := startServing(t, func(address string) *bufio.Reader {
		// The shell passes no signal on, as "go run" does not.
		cmd = exec.CommandContext(t.Context(), programPath(t), "dev", "--redirect", "http://"+address+"/callback", "sh", "-c", `"$0" & wait`, binary)
		cmd.Env = append(os.Environ(), role+"=application", "ADDR="+address)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // without a terminal
		pipe, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		return bufio.NewReader(pipe)
	})

	ended := make(chan error, 1)
	require.NoError(t, cmd.Process.Signal(signal))
	go func() {
		_, err := io.ReadAll(stdout) // until no process writes to it any more
		ended <- err
	}()
	select {
	case err := <-ended:
		require.NoError(t, err)
	case <-time.After(20 * time.Second):
		t.Fatal("a process is still running")
	}
	_ = cmd.Wait() // its status is that of the shell
	_, err = net.Dial("tcp", address)
	assert.Error(t, err, "the application has ended")
}

func TestTheApplicationOfTheFakeProgramStartsOnAnotherPortIfItsPortIsTaken(t *testing.T) {
	binary, err := os.Executable()
	require.NoError(t, err)
	var tried []string
	var cmd *exec.Cmd
	address, stdout := startServing(t, func(address string) (stdout *bufio.Reader) {
		tried = append(tried, address)
		if len(tried) == 1 {
			taken, err := net.Listen("tcp", address)
			require.NoError(t, err)
			t.Cleanup(func() { taken.Close() })
		}
		cmd, stdout, _ = start(t, []string{"ADDR=" + address}, "--redirect", "http://"+address+"/callback", binary)
		return stdout
	})
	assert.GreaterOrEqual(t, len(tried), 2, "starts")
	assert.NotEqual(t, tried[0], address)
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	_, err = io.ReadAll(stdout) // until the application has ended too
	require.NoError(t, err)
}
