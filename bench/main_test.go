// The command line.

package main

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAQuickRunDoesNotOverwriteThePage(t *testing.T) {
	s, err := settings{rounds: 7, out: "docs", sessions: 100_000}.parse([]string{"-quick", "-rounds", "1"})
	require.NoError(t, err)
	assert.Equal(t, settings{rounds: 1, benchtime: 20 * time.Millisecond, measure: 200 * time.Millisecond, sessions: 2000, out: os.TempDir()}, s)
}

func TestAnInvalidCommandLineOfBenchIsRefused(t *testing.T) {
	for _, arguments := range [][]string{{"-rounds", "0"}, {"-sessions", "0"}, {"-benchtime", "long"}, {"-unknown"}} {
		_, err := settings{rounds: 7, sessions: 100}.parse(arguments)
		assert.Error(t, err, "%v", arguments)
	}
}
