// What a test can measure of this process, on systems with limits of open files.

package proxy_test

import (
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// idleConnections returns how many connections a test can hold: each takes two files of this process.
func idleConnections(t testing.TB) int {
	var limit syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	return min(10_000, int(min(limit.Cur, 1<<20)-500)/2)
}

// heap returns the bytes of the heap and of the stacks that are in use.
func heap() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc + stats.StackInuse)
}
