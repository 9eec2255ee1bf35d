//go:build unix

// The processor time of the process.

package contender

import (
	"fmt"
	"syscall"
	"time"
)

// cpuTime returns the processor time that this process has used, in user mode and in the kernel.
func cpuTime() (time.Duration, error) {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0, fmt.Errorf("read the processor time: %w", err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano()), nil
}
