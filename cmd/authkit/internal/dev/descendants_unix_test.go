//go:build unix

// The list of the processes that a command has started.

package dev

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheDescendantsOfAProcessHaveItsGrandchildren(t *testing.T) {
	assert.Equal(t, []int{2, 4, 5, 3}, descendantsOf(1, map[int][]int{1: {2, 3}, 2: {4}, 4: {5}, 6: {7}}))
	assert.Empty(t, descendantsOf(7, nil))
}

func TestTheParentOfAProcessIsReadAfterTheNameOfItsProgram(t *testing.T) {
	assert.Equal(t, "42", parentInStat([]byte("7 (a) S 1 (b) R 42 7 7 0")))
	assert.Empty(t, parentInStat([]byte("7 (a)")))
	assert.Empty(t, parentInStat(nil))
}

func TestTheListOfProcessesHasTheChildrenOfThisOne(t *testing.T) {
	child := exec.Command("sh", "-c", "read line")
	input, err := child.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	t.Cleanup(func() {
		assert.NoError(t, input.Close())
		_ = child.Wait() // read reports the end of its input
	})
	if started := startedInProc(); len(started) > 0 {
		assert.Contains(t, started[os.Getpid()], child.Process.Pid, "/proc")
	}
	if _, err := exec.LookPath("ps"); err == nil {
		assert.Contains(t, startedInPS()[os.Getpid()], child.Process.Pid, "ps")
	}
	assert.Contains(t, startedBy()[os.Getpid()], child.Process.Pid)
}
