//go:build !unix

// Systems without process groups: the command gets the signals itself.

package dev

import (
	"os"
	"os/exec"
)

func hasTerminal() bool { return false }

func setGroup(*exec.Cmd) {}

func signalDescendants(cmd *exec.Cmd, s os.Signal) { signalGroup(cmd, s) }

func signalGroup(cmd *exec.Cmd, s os.Signal) {
	_ = cmd.Process.Signal(s) // an error means that the command has ended
}
