//go:build unix

// Signals without a terminal: they reach the program that the command has started.

package dev_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
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

func TestSIGTERMOnATerminalEndsWhatTheCommandHasStartedAndNotTheShell(t *testing.T) {
	script, err := exec.LookPath("script")
	if err != nil {
		t.Skip("the program script, which makes a terminal, is not installed")
	}
	binary, err := os.Executable()
	require.NoError(t, err)
	var program int // the process ID of the program
	var keyboard io.Closer
	ended := make(chan string, 1)
	address, _ := startServing(t, func(address string) *bufio.Reader {
		// The outer shell leads the session, as that of a person does. It has no job control, so it is in the group of the program. The inner
		// shell passes no signal on, as "go run" does not.
		line := fmt.Sprintf(`%s dev --redirect http://%s/callback sh -c 'echo program $PPID; "$0" & wait' %s; echo ended; read key`, programPath(t), address, binary)
		cmd := exec.CommandContext(t.Context(), script, "-qec", line, os.DevNull)
		cmd.Env = append(os.Environ(), role+"=application", "ADDR="+address, "TERM=dumb", "SHELL=/bin/sh")
		input, err := cmd.StdinPipe()
		require.NoError(t, err)
		terminal, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		keyboard = input
		t.Cleanup(func() {
			input.Close() // the outer shell reads the end, and the session ends with everything in it
			_ = cmd.Wait()
		})
		lines, write := io.Pipe()
		go func() {
			defer write.Close()
			scanner := bufio.NewScanner(terminal)
			for scanner.Scan() {
				text := strings.TrimSpace(scanner.Text())
				switch {
				case strings.HasPrefix(text, "program "):
					program, _ = strconv.Atoi(strings.TrimPrefix(text, "program "))
				case text == "ended":
					ended <- text
				case !strings.HasPrefix(text, "authkit: "):
					fmt.Fprintln(write, text)
				}
			}
		}()
		return bufio.NewReader(lines)
	})
	require.NotZero(t, program)
	require.NoError(t, syscall.Kill(program, syscall.SIGTERM))
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Fatal("the program, or the shell that has started it, does not go on")
	}
	assert.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		}
		return err != nil
	}, 5*time.Second, 10*time.Millisecond, "the application is still running")
	require.NoError(t, keyboard.Close())
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
