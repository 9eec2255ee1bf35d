//go:build unix

// The limit of open files of this process.

package proxy_test

import (
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
