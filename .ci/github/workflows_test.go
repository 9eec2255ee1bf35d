// Tests of the workflows.

package github

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"
)

// root is the root of the repository.
var root = filepath.Join("..", "..")

// workflow is what these tests read of a workflow.
type workflow struct {
	Permissions map[string]string `yaml:"permissions"`
	Concurrency struct {
		Group string `yaml:"group"`
	} `yaml:"concurrency"`
	Jobs map[string]struct {
		Permissions any            `yaml:"permissions"`
		Timeout     int            `yaml:"timeout-minutes"`
		Strategy    map[string]any `yaml:"strategy"`
		Steps       []step         `yaml:"steps"`
	} `yaml:"jobs"`
}

type step struct {
	Uses string         `yaml:"uses"`
	Run  string         `yaml:"run"`
	With map[string]any `yaml:"with"`
}

// workflows returns the workflows and their texts by their file names.
func workflows(t *testing.T) (map[string]workflow, map[string]string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, ".github", "workflows", "*.yml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	parsed, texts := map[string]workflow{}, map[string]string{}
	for _, file := range files {
		var w workflow
		texts[file] = load(t, file, &w)
		parsed[file] = w
	}
	return parsed, texts
}

// load parses a YAML file and returns its text.
func load(t *testing.T, file string, into any) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, into), file)
	return string(text)
}

func TestActionlintFindsNoFaultInTheWorkflows(t *testing.T) {
	_, texts := workflows(t)
	args := []string{"tool", "actionlint", "-no-color", "-shellcheck=", "-pyflakes="}
	for file := range texts {
		args = append(args, file)
	}
	out, err := exec.Command("go", args...).CombinedOutput()
	assert.NoError(t, err, string(out))
}

func TestEveryActionIsPinnedToACommitWithItsVersionInAComment(t *testing.T) {
	_, texts := workflows(t)
	pinned := regexp.MustCompile(`^\s*- uses: [a-z-]+/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	pins := map[string]string{}
	for file, text := range texts {
		for line := range strings.Lines(text) {
			if !strings.Contains(line, "uses:") {
				continue
			}
			line = strings.TrimRight(line, "\n")
			require.Regexp(t, pinned, line, file)
			action, pin, _ := strings.Cut(strings.TrimSpace(line), "@")
			if other, found := pins[action]; found {
				assert.Equal(t, other, pin, "two versions of one action")
			}
			pins[action] = pin
		}
	}
	assert.NotEmpty(t, pins)
}

func TestAWorkflowMayOnlyReadAndItsJobsEndByThemselves(t *testing.T) {
	parsed, texts := workflows(t)
	for file, w := range parsed {
		assert.Equal(t, map[string]string{"contents": "read"}, w.Permissions, file)
		assert.NotEmpty(t, w.Concurrency.Group, file)
		assert.NotContains(t, texts[file], "pull_request_target", file)
		assert.NotContains(t, texts[file], "secrets.", file)
		require.NotEmpty(t, w.Jobs, file)
		for name, job := range w.Jobs {
			assert.Nil(t, job.Permissions, name)
			assert.Positive(t, job.Timeout, name)
			for _, s := range job.Steps {
				assert.NotContains(t, s.Run, "${{", "%s: pass it in env, so that it is no code of the shell", name)
				if strings.HasPrefix(s.Uses, "actions/checkout@") {
					assert.Equal(t, false, s.With["persist-credentials"], name)
				}
			}
		}
	}
}

func TestEveryPathInAWorkflowExists(t *testing.T) {
	parsed, _ := workflows(t)
	script := regexp.MustCompile(`(?:^|\s)(\.ci/[\w/.-]+)`)
	directory := regexp.MustCompile(`\s-C (\S+)`)
	found := 0
	for file, w := range parsed {
		for _, job := range w.Jobs {
			for _, s := range job.Steps {
				for _, match := range script.FindAllStringSubmatch(s.Run, -1) {
					found++
					info, err := os.Stat(filepath.Join(root, match[1]))
					require.NoError(t, err, file)
					assert.True(t, info.IsDir() || info.Mode()&0o111 != 0, "%s is not executable", match[1])
				}
				for _, match := range directory.FindAllStringSubmatch(s.Run, -1) {
					found++
					assert.DirExists(t, filepath.Join(root, match[1]), file)
				}
			}
		}
	}
	assert.GreaterOrEqual(t, found, 4)
}

// The oldest version in the matrix is the one that the library promises.
func TestTheChecksRunOnTheOldestGoOfTheLibraryAndOnTheNewestOne(t *testing.T) {
	parsed, _ := workflows(t)
	goMod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	require.NoError(t, err)
	oldest := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(string(goMod))
	require.NotNil(t, oldest)
	matrix, ok := parsed[filepath.Join(root, ".github", "workflows", "ci.yml")].Jobs["check"].Strategy["matrix"].(map[string]any)
	require.True(t, ok)
	assert.Equal(t, []any{oldest[1] + ".x", "stable"}, matrix["go"])
}
