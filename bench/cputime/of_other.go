//go:build unix && !linux

package cputime

import (
	"errors"
	"time"
)

// Of returns the CPU time that another process has used so far. Only Linux tells it.
func Of(int) (time.Duration, error) {
	return 0, errors.New("cputime: the CPU time of another process can be read on Linux only")
}
