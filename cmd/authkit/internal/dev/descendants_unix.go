//go:build unix

// The processes that the command has started, on Unix.

package dev

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// signalDescendants sends a signal to a command and to everything that it has started. On a terminal, the group of the command is also that
// of this program and, in a script, that of the shell, so the group cannot get it. A process whose parent has ended before has
// another parent now, and does not get it.
func signalDescendants(cmd *exec.Cmd, s os.Signal) {
	descendants := descendantsOf(cmd.Process.Pid, startedBy()) // before a process ends, because its children then have another parent
	_ = cmd.Process.Signal(s)                                  // an error means that the command has ended
	for _, pid := range descendants {
		_ = syscall.Kill(pid, s.(syscall.Signal))
	}
}

// descendantsOf returns the processes that a process has started, and those that they have started.
func descendantsOf(pid int, started map[int][]int) (all []int) {
	for _, child := range started[pid] {
		all = append(append(all, child), descendantsOf(child, started)...)
	}
	return all
}

// startedBy returns the children of each process. It is empty on a system with neither /proc nor the program ps.
func startedBy() map[int][]int {
	if started := startedInProc(); len(started) > 0 {
		return started
	}
	return startedInPS()
}

// startedInProc reads /proc of Linux.
func startedInProc() map[int][]int {
	started := map[int][]int{}
	files, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is right
	for _, name := range files {
		if content, err := os.ReadFile(name); err == nil { // else the process has ended
			note(started, filepath.Base(filepath.Dir(name)), parentInStat(content))
		}
	}
	return started
}

// startedInPS asks the program ps, which POSIX describes.
func startedInPS() map[int][]int {
	started := map[int][]int{}
	output, _ := exec.Command("ps", "-A", "-o", "pid=,ppid=").Output() // empty without ps
	for line := range strings.Lines(string(output)) {
		if fields := strings.Fields(line); len(fields) == 2 {
			note(started, fields[0], fields[1])
		}
	}
	return started
}

// note adds a process to the children of its parent.
func note(started map[int][]int, pid, parent string) {
	child, childErr := strconv.Atoi(pid)
	by, parentErr := strconv.Atoi(parent)
	if childErr == nil && parentErr == nil && by > 0 {
		started[by] = append(started[by], child)
	}
}

// parentInStat returns the parent in a file stat of /proc. The name of the program before it is in parentheses, and may have some too.
func parentInStat(content []byte) string {
	fields := bytes.Fields(content[bytes.LastIndexByte(content, ')')+1:])
	if len(fields) < 2 {
		return ""
	}
	return string(fields[1])
}
