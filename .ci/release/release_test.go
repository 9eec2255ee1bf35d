// Tests of the command, with repositories in temporary directories.

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"
)

// repository makes a repository of the files in testdata/repository.txtar, committed on the branch main.
func repository(t *testing.T) string {
	t.Helper()
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	t.Setenv("GIT_CONFIG_SYSTEM", os.DevNull)
	archive, err := txtar.ParseFile(filepath.Join("testdata", "repository.txtar"))
	require.NoError(t, err)
	dir := t.TempDir()
	for _, file := range archive.Files {
		write(t, dir, file.Name, string(file.Data))
	}
	for _, args := range [][]string{
		{"init", "--quiet", "--initial-branch=main"}, {"config", "user.name", "Ada"}, {"config", "user.email", "ada@example.com"},
		{"add", "--all"}, {"commit", "--quiet", "-m", "Begin"},
	} {
		mustGit(t, dir, args...)
	}
	return dir
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	file := filepath.Join(dir, filepath.FromSlash(name))
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
}

func mustGit(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := git(dir, args...)
	require.NoError(t, err)
	return strings.TrimSpace(out)
}

func TestADryRunOfAReleaseChangesNothing(t *testing.T) {
	dir := repository(t)
	before := mustGit(t, dir, "for-each-ref")
	var log strings.Builder
	require.NoError(t, run(&log, dir, "v0.1.0", false), log.String())
	assert.Equal(t, before, mustGit(t, dir, "for-each-ref"))
	assert.Empty(t, mustGit(t, dir, "status", "--porcelain"))
	for _, part := range []string{
		"tag v0.1.0 at ", "tag contrib/store/v0.1.0 at ", "tag contrib/web/v0.1.0 at ", "tag cmd/kit/v0.1.0 at ", "build example.com/kit/cmd/kit\n", "dry run",
		"git push --atomic origin v0.1.0 contrib/store/v0.1.0 contrib/web/v0.1.0 cmd/kit/v0.1.0\n",
	} {
		assert.Contains(t, log.String(), part)
	}
}

func TestAReleaseTagsTheRootAndThenEachNestedModuleWithoutReplace(t *testing.T) {
	dir := repository(t)
	head := mustGit(t, dir, "rev-parse", "HEAD")
	var log strings.Builder
	require.NoError(t, run(&log, dir, "v0.1.0", true), log.String())

	assert.Equal(t, "cmd/kit/v0.1.0\ncontrib/store/v0.1.0\ncontrib/web/v0.1.0\nv0.1.0", mustGit(t, dir, "tag", "--list"), "examples and tools have no tag")
	assert.Equal(t, head, mustGit(t, dir, "rev-parse", "v0.1.0^{commit}"), "the root is tagged at the commit of the branch")
	assert.Equal(t, head, mustGit(t, dir, "rev-parse", "main"), "the branch stays")
	assert.Equal(t, "main", mustGit(t, dir, "branch", "--show-current"))
	assert.Empty(t, mustGit(t, dir, "status", "--porcelain"))
	assert.Contains(t, mustGit(t, dir, "show", "main:cmd/kit/go.mod"), "replace")

	for _, module := range []string{"contrib/store", "contrib/web", "cmd/kit"} {
		tag := module + "/v0.1.0"
		assert.Equal(t, head, mustGit(t, dir, "merge-base", tag, "main"), "the commit is a descendant of the release")
		goMod := mustGit(t, dir, "show", tag+":"+module+"/go.mod")
		assert.NotContains(t, goMod, "replace")
		assert.Contains(t, goMod, "example.com/kit v0.1.0")
		goSum := mustGit(t, dir, "show", tag+":"+module+"/go.sum")
		assert.Regexp(t, `(?m)^example\.com/kit v0\.1\.0 h1:\S{44}$`, goSum)
		assert.Regexp(t, `(?m)^example\.com/kit v0\.1\.0/go\.mod h1:\S{44}$`, goSum)
		changed := mustGit(t, dir, "diff", "--name-only", "main", tag, "--", module)
		assert.Equal(t, module+"/go.mod\n"+module+"/go.sum", changed, "nothing else changes")
	}
	assert.Contains(t, mustGit(t, dir, "show", "cmd/kit/v0.1.0:cmd/kit/go.mod"), "example.com/kit/contrib/web v0.1.0")
	assert.Contains(t, mustGit(t, dir, "show", "cmd/kit/v0.1.0:cmd/kit/go.sum"), "example.com/kit/contrib/web v0.1.0 h1:")
}

func TestASecondReleaseLeavesTheTagsOfTheFirst(t *testing.T) {
	dir := repository(t)
	require.NoError(t, run(new(strings.Builder), dir, "v0.1.0", true))
	first := mustGit(t, dir, "rev-parse", "contrib/web/v0.1.0")
	write(t, dir, "CHANGELOG.md", "# Changelog\n\n## v0.2.0\n\n* More.\n\n## v0.1.0\n\n* Begin.\n")
	mustGit(t, dir, "commit", "--quiet", "-am", "Continue")
	require.NoError(t, run(new(strings.Builder), dir, "v0.2.0", true))
	assert.Equal(t, first, mustGit(t, dir, "rev-parse", "contrib/web/v0.1.0"))
	assert.Contains(t, mustGit(t, dir, "show", "contrib/web/v0.2.0:contrib/web/go.mod"), "example.com/kit v0.2.0")
}

func TestAReleaseIsRefusedWithTheReason(t *testing.T) {
	for name, c := range map[string]struct {
		version string
		change  func(t *testing.T, dir string)
		want    string
	}{
		"a changed file":             {"v0.1.0", func(t *testing.T, dir string) { write(t, dir, "kit.go", "package kit\n") }, "the working tree is not clean"},
		"a new file":                 {"v0.1.0", func(t *testing.T, dir string) { write(t, dir, "new.go", "package kit\n") }, "new.go"},
		"a tag of the root":          {"v0.1.0", func(t *testing.T, dir string) { mustGit(t, dir, "tag", "v0.1.0") }, "has tags already: v0.1.0"},
		"a tag of an adapter":        {"v0.1.0", func(t *testing.T, dir string) { mustGit(t, dir, "tag", "contrib/web/v0.1.0") }, "has tags already: contrib/web/v0.1.0"},
		"no changelog section":       {"v0.1.1", nil, `no section "## v0.1.1"`},
		"an empty section":           {"v0.1.0", changelog("## v0.1.0\n\n## v0.0.9\n\n* Old.\n"), "is empty"},
		"unreleased changes":         {"v0.1.0", changelog("## Unreleased\n\n* Late.\n\n## v0.1.0\n\n* Begin.\n"), `under "## Unreleased"`},
		"no v":                       {"0.1.0", nil, `the version "0.1.0" is not of the form v0.1.0`},
		"two numbers":                {"v0.1", nil, "is not of the form"},
		"build metadata":             {"v0.1.0+a", nil, "is not of the form"},
		"the second major":           {"v2.0.0", nil, "another major"},
		"a pseudo-version":           {"v0.0.0-20260314092653-0123456789ab", nil, "pseudo-version"},
		"a foreign replacement":      {"v0.1.0", foreignReplace, "go.mod replaces example.org/other"},
		"a module in another place":  {"v0.1.0", strayModule, "extra: the module"},
		"code that does not compile": {"v0.1.0", brokenAdapter, "contrib/web"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := repository(t)
			if c.change != nil {
				c.change(t, dir)
			}
			before := mustGit(t, dir, "for-each-ref")
			assert.ErrorContains(t, run(new(strings.Builder), dir, c.version, true), c.want)
			assert.Equal(t, before, mustGit(t, dir, "for-each-ref"), "no tag is created")
		})
	}
}

// changelog replaces the changelog and commits it.
func changelog(text string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		write(t, dir, "CHANGELOG.md", "# Changelog\n\n"+text)
		mustGit(t, dir, "commit", "--quiet", "-am", "Change the changelog")
	}
}

// foreignReplace replaces a module of others in an adapter.
func foreignReplace(t *testing.T, dir string) {
	text, err := os.ReadFile(filepath.Join(dir, "contrib", "web", "go.mod"))
	require.NoError(t, err)
	write(t, dir, "contrib/web/go.mod", string(text)+"\nreplace example.org/other => ../other\n")
	mustGit(t, dir, "commit", "--quiet", "-am", "Replace")
}

// brokenAdapter makes an adapter that does not compile.
func brokenAdapter(t *testing.T, dir string) {
	write(t, dir, "contrib/web/broken.go", "package web\n\nvar _ = missing\n")
	mustGit(t, dir, "add", "--all")
	mustGit(t, dir, "commit", "--quiet", "-m", "Break")
}

// strayModule adds a module that is neither at a place of released modules nor at one of the others.
func strayModule(t *testing.T, dir string) {
	write(t, dir, "extra/go.mod", "module example.com/kit/extra\n\ngo 1.25.0\n")
	write(t, dir, "extra/extra.go", "package extra\n")
	mustGit(t, dir, "add", "--all")
	mustGit(t, dir, "commit", "--quiet", "-m", "Add a module")
}
