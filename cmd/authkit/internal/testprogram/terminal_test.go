// The program in a terminal and in a pipe: help, exit statuses, errors, completion and the version.

package testprogram

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) {
	status := m.Run()
	if err := Remove(); err != nil {
		fmt.Println(err)
		status = 1
	}
	os.Exit(status)
}

// environment returns the environment without the variables of AuthKit, and with others.
func environment(others ...string) []string {
	var env []string
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "WORKOS_") && !strings.HasPrefix(variable, "NO_COLOR=") && !strings.HasPrefix(variable, "TERM=") {
			env = append(env, variable)
		}
	}
	return append(env, others...)
}

// run runs the program in pipes.
func run(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	path, err := Path()
	require.NoError(t, err)
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = environment("TERM=xterm"), &out, &errs, 10*time.Second
	err = cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

func TestTheCommandHasAnExitStatusForEachEnd(t *testing.T) {
	for _, tt := range []struct {
		args           string
		status         int
		stdout, stderr string // parts; "" for no output at all
	}{
		{"help", 0, "Exit status: 0 if", ""},
		{"--help", 0, "Available Commands:", ""},
		{"help dev", 0, "authkit dev --fault refresh=503,times:2 go run .", ""},
		{"dev --help", 0, "--env-file file", ""},
		{"doctor -h", 0, "Exit status: 0 without a fault, 1 with one, 2 for wrong flags.", ""},
		{"help doctor", 0, "authkit doctor --env-file .env", ""},
		{"", 2, "", "Available Commands:"},
		{"docter", 2, "", `there is no command "docter"; do you mean doctor?`},
		{"help docter", 2, "", `there is no command "docter"; do you mean doctor?`},
		{"nothing-like-it", 2, "", `there is no command "nothing-like-it"` + "\n"},
		{"--no-such-flag", 2, "", "unknown flag: --no-such-flag"},
		{"dev --no-such-flag", 2, "", `"authkit COMMAND --help"`},
		{"dev --port x", 2, "", "--port"},
		{"doctor extra", 2, "", `"extra"`},
		{"doctor --timeout 0s", 2, "", "--timeout must be positive"},
		{"doctor --login-path login", 2, "", "--login-path must begin with /"},
		{"doctor --stand-in 127.0.0.1:1", 2, "", "--stand-in needs --url"},
		{"doctor --env-file /no/such/file", 2, "", "--env-file: "},
		{"doctor", 1, "fault    configuration: authkit: WithAPIKey (WORKOS_API_KEY): no API key", ""},
		{"completion", 2, "", "give a shell: bash, zsh, fish or powershell"},
		{"completion tcsh", 2, "", "give a shell"},
		{"version extra", 2, "", `"extra"`},
	} {
		status, stdout, stderr := run(t, strings.Fields(tt.args)...)
		assert.Equal(t, tt.status, status, "authkit %s", tt.args)
		for got, want := range map[*string]string{&stdout: tt.stdout, &stderr: tt.stderr} {
			if want == "" {
				assert.Empty(t, *got, "authkit %s", tt.args)
			} else {
				assert.Contains(t, *got, want, "authkit %s", tt.args)
			}
		}
		assert.NotContains(t, stdout+stderr, "\x1b", "authkit %s: a pipe gets no colours", tt.args)
		if status != 0 && tt.args != "" && stderr != "" {
			assert.True(t, strings.HasPrefix(stderr, "authkit: "), "authkit %s: %s", tt.args, stderr)
		}
	}
}

func TestTheCommandTellsItsVersion(t *testing.T) {
	_, plain, _ := run(t, "version")
	assert.Regexp(t, `^authkit \S+\n(commit .*\n)?go1\.\S+ \w+/\w+\n$`, plain)
	_, short, _ := run(t, "--version")
	assert.Equal(t, strings.SplitAfter(plain, "\n")[0], short)
	_, text, _ := run(t, "version", "--json")
	var version struct{ Version, Go, OS, Arch string }
	require.NoError(t, json.Unmarshal([]byte(text), &version))
	assert.Equal(t, short, "authkit "+version.Version+"\n")
	assert.NotEmpty(t, version.Go+version.OS+version.Arch)
}

func TestTheCommandCompletesItsCommandsInShells(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		status, stdout, stderr := run(t, "completion", shell)
		assert.Zero(t, status, shell)
		assert.Contains(t, stdout, "authkit", shell)
		assert.Empty(t, stderr, shell)
	}
	_, script, _ := run(t, "completion", "bash")
	cmd := exec.CommandContext(t.Context(), "bash", "-n")
	cmd.Stdin = strings.NewReader(script)
	output, err := cmd.CombinedOutput()
	assert.NoError(t, err, "%s", output)
	_, completions, _ := run(t, "__complete", "do")
	assert.Contains(t, completions, "doctor\t")
	_, completions, _ = run(t, "__complete", "dev", "--acc")
	assert.Contains(t, completions, "--access-token-lifetime")
}

func TestTheDoctorPrintsOneJSONObjectForPrograms(t *testing.T) {
	status, stdout, stderr := run(t, "doctor", "--json")
	assert.Equal(t, 1, status)
	assert.Empty(t, stderr, "progress is for terminals")
	var report struct {
		Faults, Warnings int
		Results          []struct{ Check, Status, Finding, Cure string }
	}
	require.NoError(t, json.Unmarshal([]byte(stdout), &report))
	assert.Equal(t, 3, report.Faults, "no key, no client ID, no password: %s", stdout)
	for _, r := range report.Results {
		assert.Contains(t, []string{"ok", "warning", "fault", "skipped"}, r.Status)
		assert.Equal(t, r.Status == "fault" || r.Status == "warning", r.Cure != "", "%v", r)
	}
}

// onTerminal runs the program on a terminal, and returns everything that it writes.
func onTerminal(t *testing.T, env []string, args string) string {
	t.Helper()
	script, err := exec.LookPath("script")
	if err != nil {
		t.Skip("the program script, which makes a terminal, is not installed")
	}
	path, err := Path()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), script, "-qec", path+" "+args, os.DevNull)
	cmd.Env, cmd.WaitDelay = env, 10*time.Second
	output, err := cmd.Output()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	return string(output)
}

func TestColoursAndProgressAreForTerminals(t *testing.T) {
	output := onTerminal(t, environment("TERM=xterm"), "doctor")
	if !strings.Contains(output, "configuration") {
		t.Skip("this script has other options: " + output)
	}
	assert.Contains(t, output, "\x1b[1;31mfault", "colours")
	assert.Contains(t, output, "\r\x1b[Ksession size …", "progress")
	for _, env := range [][]string{environment("TERM=xterm", "NO_COLOR=1"), environment("TERM=dumb")} {
		output = onTerminal(t, env, "doctor")
		assert.Contains(t, output, "fault    configuration: ")
		assert.NotContains(t, output, "\x1b[1;31m")
	}
	assert.NotContains(t, output, "\x1b", "a dumb terminal gets no progress either")
	output = onTerminal(t, environment("TERM=xterm"), "dev true")
	assert.Contains(t, output, "\x1b[2mauthkit: \x1b[0m")
}

func TestTheDocumentationNamesEveryFlag(t *testing.T) {
	for _, command := range []string{"dev", "doctor"} {
		_, help, _ := run(t, command, "--help")
		page, err := os.ReadFile("../../../../docs/" + command + ".md")
		require.NoError(t, err)
		flags := regexp.MustCompile(`(?m)^ +(?:-\w, )?(--[\w-]+)`).FindAllStringSubmatch(help, -1)
		require.NotEmpty(t, flags)
		for _, flag := range flags {
			if flag[1] != "--help" {
				assert.Contains(t, string(page), flag[1], "docs/%s.md", command)
			}
		}
	}
}
