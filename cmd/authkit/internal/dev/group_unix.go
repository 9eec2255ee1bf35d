//go:build unix

// The process group of the command, on Unix.

package dev

import (
	"os"
	"os/exec"
	"syscall"
)

// hasTerminal reports whether this process has a controlling terminal, which sends its signals to the whole group.
func hasTerminal() bool {
	terminal, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return false
	}
	terminal.Close()
	return true
}

// setGroup makes a command that is not started yet the leader of a process group.
func setGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// signalGroup sends a signal to the group of a command.
func signalGroup(cmd *exec.Cmd, s os.Signal) {
	_ = syscall.Kill(-cmd.Process.Pid, s.(syscall.Signal)) // an error means that the group has ended
}
