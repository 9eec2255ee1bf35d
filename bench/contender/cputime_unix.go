//go:build unix

// The CPU time of the process.

package contender

import (
	"fmt"
	"syscall"
	"time"
)

// cpuTime returns the CPU time that this process has used, in user mode and in the kernel.
func cpuTime() (time.Duration, error) {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0, fmt.Errorf("read the CPU time: %w", err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano()), nil
}
