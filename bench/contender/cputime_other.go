//go:build !unix

// The CPU time of the process, where it is not measured.

package contender

import (
	"errors"
	"fmt"
	"runtime"
	"time"
)

// cpuTime returns an error.
func cpuTime() (time.Duration, error) {
	return 0, fmt.Errorf("the CPU time on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}
