// The tool on a terminal: a Linux pseudo-terminal (pty(7)).

package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestALoginProcessAnimatesItsLineOnATerminal(t *testing.T) {
	for _, c := range []struct {
		term     string
		animated bool
	}{{"xterm", true}, {"dumb", false}} {
		f := newFixture(t, realTime)
		f.workOS.ApproveDevice(f.presetDevice(nil), ada)
		screen, terminal := openTerminal(t)
		p := f.newProcess("login")
		p.Env = append(p.Env, "TERM="+c.term)
		p.Stdout = terminal
		require.NoError(t, p.Run(), p.stderr.String())
		require.NoError(t, terminal.Close())
		// When the other end is closed, Linux ends the output with EIO.
		shown, err := io.ReadAll(screen)
		require.ErrorIs(t, err, syscall.EIO)
		lines := strings.ReplaceAll(string(shown), "\r\n", "\n") // a terminal ends lines with CR LF
		assert.Equal(t, c.animated, strings.Contains(lines, "\r/ Waiting for you to approve, "), "%q", lines)
		assert.Equal(t, c.animated, strings.Contains(lines, "\r"), "%q", lines)
		assert.True(t, strings.HasSuffix(lines, signedIn), "%q", lines)
		assert.NotContains(t, lines, "\x1b")
		f.assertNoToken(lines)
	}
}

// openTerminal returns both ends of a terminal: the screen, and the end that a program writes to.
func openTerminal(t *testing.T) (screen, terminal *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("this system has no pseudo-terminals: %v", err)
	}
	t.Cleanup(func() { screen.Close() })
	control := func(request uintptr, value *int32) {
		_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, screen.Fd(), request, uintptr(unsafe.Pointer(value)))
		require.Zero(t, errno)
	}
	var locked, number int32
	control(syscall.TIOCSPTLCK, &locked)
	control(syscall.TIOCGPTN, &number)
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("this system has no pseudo-terminals: %v", err)
	}
	return screen, terminal
}
