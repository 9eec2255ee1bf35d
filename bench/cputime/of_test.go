//go:build linux

package cputime

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheClockOfAProcessIsItsCPUTime(t *testing.T) {
	before := Self()
	between, err := Of(os.Getpid())
	require.NoError(t, err)
	after := Self()
	// Getrusage counts in microseconds.
	assert.GreaterOrEqual(t, between.Microseconds()+1, before.Microseconds())
	assert.LessOrEqual(t, between.Microseconds()-1, after.Microseconds())
	_, err = Of(1 << 23) // more than the largest ID of a process
	assert.Error(t, err)
}
