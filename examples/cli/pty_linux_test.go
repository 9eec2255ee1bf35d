// The tool on a terminal: a pseudo-terminal of Linux, made by hand (pty(7)).

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

func TestAProcessOnATerminalMovesItsLine(t *testing.T) {
	for _, c := range []struct {
		term  string
		moves bool
	}{{"xterm", true}, {"dumb", false}} {
		w := newWorld(t, realTime)
		w.workOS.ApproveDevice(w.presetDevice(nil), ada)
		screen, terminal := openTerminal(t)
		p := w.prepare("login")
		p.Env = append(p.Env, "TERM="+c.term)
		p.Stdout = terminal
		require.NoError(t, p.Run(), p.stderr.String())
		require.NoError(t, terminal.Close())
		// With nobody left at the other end, Linux ends what there is to read with EIO.
		shown, err := io.ReadAll(screen)
		require.ErrorIs(t, err, syscall.EIO)
		lines := strings.ReplaceAll(string(shown), "\r\n", "\n") // as a terminal ends them
		assert.Equal(t, c.moves, strings.Contains(lines, "\r/ Waiting for you to approve, "), "%q", lines)
		assert.Equal(t, c.moves, strings.Contains(lines, "\r"), "%q", lines)
		assert.True(t, strings.HasSuffix(lines, signedIn), "%q", lines)
		assert.NotContains(t, lines, "\x1b")
		w.assertNoToken(lines)
	}
}

// openTerminal returns both ends of a terminal: what shows it, and what a program writes to.
func openTerminal(t *testing.T) (screen, terminal *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("there are no pseudo-terminals here: %v", err)
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
		t.Skipf("there are no pseudo-terminals here: %v", err)
	}
	return screen, terminal
}
