// The examples as programs.

package browser_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/chromium"
)

var buildExamples = sync.OnceValue(func() error {
	const examples = "github.com/authkit-go/authkit/examples/"
	cmd := exec.Command("go", "build", "-o", chromium.Folder(), examples+"stdlib", examples+"chi", examples+"headless")
	cmd.Stderr = os.Stderr
	return cmd.Run()
})

// startExample starts an example with its fake AuthKit, and returns the example's URL. The example is on localhost and
// its AuthKit on 127.0.0.1. To a browser these are different sites.
func startExample(t *testing.T, name string) (home string) {
	t.Helper()
	require.NoError(t, buildExamples())
	program := filepath.Join(chromium.Folder(), name)
	cmd := exec.CommandContext(t.Context(), program)
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "WORKOS_") {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	cmd.Env = append(cmd.Env, "ADDR=localhost:0")
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { cmd.Wait() }) // the test's context kills it
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	home, ok := strings.CutPrefix(strings.TrimSpace(line), "Open ")
	require.True(t, ok, line)
	return home
}
