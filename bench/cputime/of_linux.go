package cputime

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Of returns the CPU time that another process has used so far.
func Of(pid int) (time.Duration, error) {
	// clock_getcpuclockid(3) makes the clock of a process in the same way: its complement, and 2 for the time that the scheduler
	// has measured.
	const scheduled = 2
	var now unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|scheduled), &now); err != nil {
		return 0, fmt.Errorf("cputime: read the CPU time of the process %d: %w", pid, err)
	}
	return time.Duration(now.Nano()), nil
}
