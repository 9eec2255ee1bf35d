// The output of the program for programs: JSON, files, the strict mode and pipes.

package dev_test

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/testserver"
)

func TestTheFakeProgramPrintsJSONForPrograms(t *testing.T) {
	cmd, stdout, stderr := start(t, nil, "--json", "--strict", "--seed", "../../../../docs/dev-seed.yaml", "--scope", "posts:read")
	var out struct {
		URL, Page, Mailbox string
		Variables          map[string]string
		Users              []struct {
			Email       string
			Memberships []struct {
				Organization, Role string
				Permissions        []string
			}
		}
		Organizations []struct{ ID, Name string }
		APIKeys       []struct{ Name, Value string } `json:"api_keys"`
		Machine       *struct {
			ClientID string `json:"client_id"`
		}
	}
	require.NoError(t, json.NewDecoder(stdout).Decode(&out))
	assert.Equal(t, "http://localhost:3000/callback", out.Variables["WORKOS_REDIRECT_URI"], "of the seed file")
	assert.Equal(t, "http://localhost:3000/callback", out.Variables["NEXT_PUBLIC_WORKOS_REDIRECT_URI"])
	assert.Equal(t, "kim@acme.test", out.Users[0].Email)
	assert.Equal(t, "Acme", out.Users[0].Memberships[0].Organization)
	assert.Equal(t, "org_acme", out.Organizations[0].ID)
	assert.Equal(t, "CI", out.APIKeys[0].Name)
	require.NotNil(t, out.Machine)
	for _, address := range []string{out.Page, out.Mailbox, out.URL + "/sso/jwks/" + out.Variables["WORKOS_CLIENT_ID"]} {
		response, err := http.Get(address)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		assert.Equal(t, http.StatusOK, response.StatusCode, address)
	}
	response, err := http.Get(out.URL + "/user_management/jwks")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	var exit *exec.ExitError
	require.ErrorAs(t, cmd.Wait(), &exit)
	assert.Equal(t, 1, exit.ExitCode(), "the strict mode has found something")
	var finding struct{ Method, Path, Finding string }
	require.NoError(t, json.Unmarshal([]byte(strings.TrimSpace(stderr.String())), &finding), stderr.String())
	assert.Equal(t, "/user_management/jwks", finding.Path)
	assert.Contains(t, finding.Finding, "/sso/jwks/{client_id}")
}

func TestTheFakeProgramHasTheSameFileOfVariablesAfterARestart(t *testing.T) {
	port, err := testserver.Reserve()
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, port.Release()) })
	home := t.TempDir()
	env := []string{"HOME=" + home, "XDG_CONFIG_HOME=" + home, "NO_COLOR=1"}
	path := filepath.Join(t.TempDir(), ".env.local")
	var texts []string
	for range 2 {
		cmd, _, stderr := start(t, env, "--port", port.String(), "--env-file", path, "--strict")
		require.Eventually(t, func() bool { return strings.Contains(stderr.String(), "The variables are in "+path) }, 20*time.Second, 10*time.Millisecond)
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		texts = append(texts, string(text))
		require.NoError(t, cmd.Process.Signal(os.Interrupt))
		require.NoError(t, cmd.Wait(), "without a finding, the status is 0")
		assert.NotContains(t, stderr.String(), "\x1b", "a pipe gets no colours")
	}
	assert.Equal(t, texts[0], texts[1])
	assert.Contains(t, texts[0], "WORKOS_API_PORT="+port.String()+"\n")

	require.NoError(t, os.WriteFile(path, []byte("MINE=1\n"), 0o600))
	cmd, _, stderr := start(t, env, "--env-file", path)
	var exit *exec.ExitError
	require.ErrorAs(t, cmd.Wait(), &exit)
	assert.Equal(t, 2, exit.ExitCode())
	assert.Contains(t, stderr.String(), "was not written by authkit dev")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "MINE=1\n", string(text))
}

func TestTheFakeProgramTellsThatItsPortIsInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { taken.Close() })
	_, port, err := net.SplitHostPort(taken.Addr().String())
	require.NoError(t, err)
	for flag, want := range map[string]string{"--port": "the port " + port + " is in use", "--page-port": "choose another port with --page-port"} {
		home := t.TempDir()
		cmd, _, stderr := start(t, []string{"HOME=" + home, "XDG_CONFIG_HOME=" + home}, flag, port)
		var exit *exec.ExitError
		require.ErrorAs(t, cmd.Wait(), &exit)
		assert.Equal(t, 1, exit.ExitCode())
		assert.Contains(t, stderr.String(), want)
	}
}

func TestTheFakeProgramReportsEveryWrongFlagAtOnce(t *testing.T) {
	cmd, _, stderr := start(t, nil, "--redirect", "/callback", "--fault", "refresh", "--port", "70000", "--json", "--export", "--role", "=x", "--seed", "none.yaml")
	var exit *exec.ExitError
	require.ErrorAs(t, cmd.Wait(), &exit)
	assert.Equal(t, 2, exit.ExitCode())
	for _, want := range []string{"--redirect: ", "--fault: ", "--port: 70000", "--export and --json", "--role: ", "--seed: "} {
		assert.Contains(t, stderr.String(), want)
	}
}
