// Tests of the modules of this repository, of the proxy files, and of a snapshot of a working tree.

package releasing

import (
	"archive/zip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"
)

// snapshot makes a repository of the archive of the command release, and a snapshot of it.
func snapshot(t *testing.T, change func(dir string)) string {
	t.Helper()
	archive, err := txtar.ParseFile(filepath.Join("..", "release", "testdata", "repository.txtar"))
	require.NoError(t, err)
	dir := t.TempDir()
	for _, file := range archive.Files {
		name := filepath.Join(dir, filepath.FromSlash(file.Name))
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, file.Data, 0o644))
	}
	_, err = git(dir, "init", "--quiet")
	require.NoError(t, err)
	_, err = git(dir, "add", "--all")
	require.NoError(t, err)
	if change != nil {
		change(dir)
	}
	to := filepath.Join(t.TempDir(), "snapshot")
	require.NoError(t, Snapshot(dir, to))
	return to
}

func TestEveryModuleOfTheRepositoryComesAfterThoseThatItUses(t *testing.T) {
	modules, err := Modules(filepath.Join("..", ".."))
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, m := range modules {
		for _, path := range m.uses {
			assert.True(t, seen[path], "%s comes before %s", m.Path, path)
		}
		seen[m.Path] = true
		assert.True(t, strings.HasPrefix(m.Path, modules[0].Path) && (m.Dir == "" || m.Dir == ".ci" || m.Path == modules[0].Path+"/"+m.Dir), "%s in %s", m.Path, m.Dir)
	}
	released := Released(modules)
	require.NotEmpty(t, released)
	assert.Equal(t, "", released[0].Dir)
	for _, m := range released {
		assert.NotRegexp(t, `^(\.ci|bench|examples/)`, m.Dir)
	}
	assert.True(t, seen["github.com/authkit-go/authkit/cmd/authkit"])
	assert.True(t, seen["github.com/authkit-go/authkit/contrib/redisstore"])
}

func TestTheProxyFilesOfAModuleHaveItAloneWithTheLicense(t *testing.T) {
	clone := snapshot(t, nil)
	release, err := Make(clone, "v0.0.0-test", io.Discard)
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, release.WriteProxy(dir))

	for path, want := range map[string][]string{
		"example.com/kit":               {"CHANGELOG.md", "LICENSE", "go.mod", "internal/word/word.go", "kit.go"},
		"example.com/kit/contrib/store": {"LICENSE", "go.mod", "go.sum", "store.go"},
		"example.com/kit/cmd/kit":       {"LICENSE", "go.mod", "go.sum", "main.go"},
	} {
		at := filepath.Join(dir, filepath.FromSlash(path), "@v")
		list, err := os.ReadFile(filepath.Join(at, "list"))
		require.NoError(t, err)
		assert.Equal(t, "v0.0.0-test\n", string(list))
		info, err := os.ReadFile(filepath.Join(at, "v0.0.0-test.info"))
		require.NoError(t, err)
		assert.Regexp(t, `^\{"Version":"v0\.0\.0-test","Time":"\d{4}-\d\d-\d\dT.*Z"\}$`, string(info))
		archive, err := zip.OpenReader(filepath.Join(at, "v0.0.0-test.zip"))
		require.NoError(t, err)
		var files []string
		for _, file := range archive.File {
			files = append(files, strings.TrimPrefix(file.Name, path+"@v0.0.0-test/"))
		}
		require.NoError(t, archive.Close())
		assert.ElementsMatch(t, want, files, path)
	}
	assert.NoDirExists(t, filepath.Join(dir, "example.com", "kit", "examples"))
	assert.Len(t, release.Sums(), 8, "two hashes for each of four modules")
}

func TestASnapshotHasTheWorkingTreeAndNotTheLastCommit(t *testing.T) {
	clone := snapshot(t, func(dir string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "new.go"), []byte("package kit\n"), 0o644))
		require.NoError(t, os.WriteFile(filepath.Join(dir, ".gitignore"), []byte("*.out\n"), 0o644))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "cpu.out"), []byte("x"), 0o644))
		require.NoError(t, os.Remove(filepath.Join(dir, "CHANGELOG.md")))
	})
	files, err := git(clone, "ls-tree", "--name-only", "HEAD")
	require.NoError(t, err)
	assert.Contains(t, files, "new.go\n")
	assert.NotContains(t, files, "cpu.out")
	assert.NotContains(t, files, "CHANGELOG.md")
}

func TestAConsumerInstallsAReleasedCommandThatUsesAnAdapter(t *testing.T) {
	release, err := Make(snapshot(t, nil), "v0.0.0-test", io.Discard)
	require.NoError(t, err)
	consumer, err := NewConsumer(release)
	require.NoError(t, err)
	defer consumer.Close()
	require.NoError(t, consumer.Go(t.TempDir(), "install", "example.com/kit/cmd/kit@latest"))
	printed, err := consumer.Run(t.TempDir(), filepath.Join(consumer.Bin(), "kit"))
	require.NoError(t, err)
	assert.Equal(t, "kit\n", printed)
	assert.Error(t, consumer.Go(t.TempDir(), "install", "example.com/kit/cmd/kit@v9.9.9"))
}

func TestAReplacedModuleThatIsNotRequiredDecidesTheOrderOnly(t *testing.T) {
	m, err := parse("cmd/kit/go.mod", []byte("module b\n\ngo 1.25.0\n\nreplace a => ../..\n"))
	require.NoError(t, err)
	modules, err := sorted([]Module{m, {Path: "a"}})
	require.NoError(t, err)
	assert.Equal(t, []Module{{Path: "a"}, {Path: "b", Dir: "cmd/kit", Go: "1.25.0", uses: []string{"a"}}}, withoutEmpty(modules))
}

// withoutEmpty replaces empty lists by nil.
func withoutEmpty(modules []Module) []Module {
	for i := range modules {
		if len(modules[i].requires) == 0 {
			modules[i].requires = nil
		}
		if len(modules[i].uses) == 0 {
			modules[i].uses = nil
		}
	}
	return modules
}

func TestModulesThatUseOneAnotherInACircleAreRefused(t *testing.T) {
	_, err := sorted([]Module{{Path: "a", uses: []string{"b"}}, {Path: "b", Dir: "b", uses: []string{"a"}}})
	assert.ErrorContains(t, err, "in a circle")
	_, err = parse("x/go.mod", []byte("module a\n"))
	assert.ErrorContains(t, err, "x/go.mod: the file needs")
}
