//go:build unix

// Package cputime reads the CPU time of this process. A benchmark on a machine that other programs use measures CPU time,
// because it leaves out the time in which the process waits for a processor.
package cputime

import (
	"fmt"
	"syscall"
	"time"
)

// Self returns the CPU time that this process has used so far, on all processors and in all threads: its own and that of the
// kernel on its behalf. The garbage collector is part of it.
func Self() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(fmt.Sprintf("cputime: read the CPU time of this process: %v", err)) // no Unix refuses it for RUSAGE_SELF
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
