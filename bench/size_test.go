// How much larger authkit makes a program.

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// mostAdded is the limit of what authkit adds to a server of net/http on linux/amd64, without the symbols, in bytes.
const mostAdded = 3_600_000

func TestAProgramWithAuthkitIsAtMost3600KilobytesLarger(t *testing.T) {
	if platform := runtime.GOOS + "/" + runtime.GOARCH; platform != "linux/amd64" {
		t.Skip("the limit is for linux/amd64, and this is " + platform)
	}
	size := func(name string) int64 {
		program := filepath.Join(t.TempDir(), name)
		output, err := exec.Command("go", "build", "-ldflags=-s -w", "-o", program, "./testdata/"+name).CombinedOutput()
		require.NoError(t, err, "%s", output)
		built, err := os.Stat(program)
		require.NoError(t, err)
		return built.Size()
	}
	bare, signIn := size("bare"), size("signin")
	t.Logf("without a sign-in %d bytes, with authkit %d: %d more", bare, signIn, signIn-bare)
	assert.LessOrEqual(t, signIn-bare, int64(mostAdded))
}
