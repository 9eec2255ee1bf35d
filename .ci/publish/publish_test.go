// Tests of the consumers. The command itself is a step of .ci/run.

package main

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/ci/releasing"
)

func TestEveryReleasedLibraryHasAConsumerAndEveryConsumerALibrary(t *testing.T) {
	modules, err := releasing.Modules(filepath.Join("..", ".."))
	require.NoError(t, err)
	var want []string
	for _, m := range releasing.Released(modules) {
		switch {
		case m.Dir == "":
			want = append(want, "core")
		case !strings.HasPrefix(m.Dir, "cmd/"):
			want = append(want, path.Base(m.Path))
		}
	}
	entries, err := os.ReadDir(filepath.Join("testdata", "consumers"))
	require.NoError(t, err)
	var consumers []string
	for _, entry := range entries {
		consumers = append(consumers, entry.Name())
		for _, name := range []string{"main.go", "want.txt"} {
			info, err := os.Stat(filepath.Join("testdata", "consumers", entry.Name(), name))
			if assert.NoError(t, err) {
				assert.Positive(t, info.Size(), entry.Name())
			}
		}
	}
	assert.ElementsMatch(t, want, consumers)
}

func TestAModuleIsLeftOutOnlyIfItNeedsANewerGo(t *testing.T) {
	assert.True(t, runsHere(releasing.Module{Go: "1.25.0"}))
	assert.True(t, runsHere(releasing.Module{Go: "1.21"}))
	assert.False(t, runsHere(releasing.Module{Go: "1.999.0"}))
}

func TestAConsumerMustPrintWhatIsExpectedOfIt(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module example.com/kit\n\ngo 1.25.0\n", "go.sum": "", "kit.go": "package kit\n\n// Word is a word.\nconst Word = \"kit\"\n"} {
		require.NoError(t, os.WriteFile(filepath.Join(root, name), []byte(text), 0o644))
	}
	snapshot := filepath.Join(t.TempDir(), "snapshot")
	require.NoError(t, exec.Command("git", "init", "--quiet", root).Run())
	require.NoError(t, releasing.Snapshot(root, snapshot))
	release, err := releasing.Make(snapshot, testVersion, new(strings.Builder))
	require.NoError(t, err)
	consumer, err := releasing.NewConsumer(release)
	require.NoError(t, err)
	defer consumer.Close()

	program := filepath.Join(t.TempDir(), "kit")
	use := func() error {
		return consume(new(strings.Builder), consumer, release, snapshot, release.Modules[0], program)
	}
	assert.ErrorContains(t, use(), "the module has no consumer: add main.go and want.txt")
	require.NoError(t, os.MkdirAll(program, 0o755))
	source := "package main\n\nimport (\n\t\"fmt\"\n\n\t\"example.com/kit\"\n)\n\nfunc main() { fmt.Println(kit.Word) }\n"
	require.NoError(t, os.WriteFile(filepath.Join(program, "main.go"), []byte(source), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(program, "want.txt"), []byte("another word\n"), 0o644))
	assert.ErrorContains(t, use(), `prints "kit\n", want "another word\n"`)
	require.NoError(t, os.WriteFile(filepath.Join(program, "want.txt"), []byte("kit\n"), 0o644))
	assert.NoError(t, use())
}
