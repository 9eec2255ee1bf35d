// The conditions of a round, with made-up counters of Linux.

package main

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// writeProc writes a folder with counters of Linux.
func writeProc(t *testing.T, files map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	for name, text := range files {
		path := filepath.Join(folder, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	return folder
}

// Process 7 is this one. It has the child 8, which has the child 9. Process 10 is another program.
func TestTheShareOfOtherProgramsLeavesOutThisProcessAndItsChildren(t *testing.T) {
	before := writeProc(t, map[string]string{
		"loadavg": "0.25 0.10 0.05 1/100 10\n",
		"stat":    "cpu  1000 0 500 8000 0 10 20 100 0 0\ncpu0 1 2 3\n",
		"7/stat":  "7 (bench) S 1 7 7 0 -1 0 0 0 0 0 100 50 30 20 20 0 1 0",
		"8/stat":  "8 (a (strange) name) S 7 7 7 0 -1 0 0 0 0 0 10 10 0 0 20 0 1 0",
		"9/stat":  "9 (bench) S 8 7 7 0 -1 0 0 0 0 0 5 5 0 0 20 0 1 0",
		"10/stat": "10 (other) S 1 7 7 0 -1 0 0 0 0 0 500 500 0 0 20 0 1 0",
	})
	// Process 9 has ended, and 8 has its time.
	after := writeProc(t, map[string]string{
		"loadavg": "1.50 0.20 0.05 1/100 10\n",
		"stat":    "cpu  1600 0 700 8130 0 15 25 160 0 0\n",
		"7/stat":  "7 (bench) S 1 7 7 0 -1 0 0 0 0 0 500 150 30 20 20 0 1 0",
		"8/stat":  "8 (a (strange) name) S 7 7 7 0 -1 0 0 0 0 0 100 60 55 35 20 0 1 0",
		"10/stat": "10 (other) S 1 7 7 0 -1 0 0 0 0 0 540 530 0 0 20 0 1 0",
	})
	// 800 ticks were used, 1000 passed. This process used 500, the child 140, and its child 80.
	c := between(takeSnapshot(before, 7), takeSnapshot(after, 7))
	assert.True(t, c.Measured)
	assert.InDelta(t, 0.08, c.Others, 1e-9)
	assert.InDelta(t, 0.06, c.Stolen, 1e-9)
	assert.Equal(t, "0.25", c.LoadBefore)
	assert.Equal(t, "1.50", c.LoadAfter)
	assert.Positive(t, c.Heap.Goal)
}

func TestWithoutTheCountersOfLinuxNothingIsMeasured(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"no files":           {},
		"no own process":     {"stat": "cpu  1 2 3 4 5 6 7 8 9 10\n", "8/stat": "8 (x) S 7 7 7 0 -1 0 0 0 0 0 10 10 0 0 20"},
		"short line":         {"stat": "cpu  1 2 3\n"},
		"not a number":       {"stat": "cpu  a b c d e f g h i j\n"},
		"process without it": {"stat": "cpu  1 2 3 4 5 6 7 8 9 10\n", "7/stat": ""},
	} {
		before := takeSnapshot(writeProc(t, files), 7)
		c := between(before, before)
		assert.False(t, c.Measured, name)
		assert.Zero(t, c.Others, name)
	}
}

func TestOnLinuxTheSystemTellsWhatOtherProgramsUse(t *testing.T) {
	s := takeSnapshot(procFolder, os.Getpid())
	assert.Equal(t, runtime.GOOS == "linux", s.measured)
}

func TestADisturbedRunIsRefused(t *testing.T) {
	disturbed := func(measured bool, shares ...float64) error {
		var rs results
		for _, share := range shares {
			rs = append(rs, round{conditions: conditions{Measured: measured, Others: share}})
		}
		return rs.checkUndisturbed()
	}
	assert.NoError(t, disturbed(true, 0.01, 0.04, 0.9), "the median counts")
	assert.ErrorContains(t, disturbed(true, 0.01, 0.06, 0.9), "other programs used 6.0 % of the processors (median of the rounds, at most 90 %)")
	assert.NoError(t, disturbed(false, 0, 0, 0))
}
