// The example as programs: the server and the client.

package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/chromium"
)

// asProgram is the variable that makes the test binary run as the example.
const asProgram = "AUTHKIT_MCP_RUN"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	chromium.MainWithOthers(m)
}

// program starts the example with variables and arguments.
func program(t *testing.T, env []string, args ...string) (cmd *exec.Cmd, stdout *bufio.Reader, stderr *strings.Builder) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	binary, err := os.Executable()
	require.NoError(t, err)
	cmd = exec.CommandContext(ctx, binary, args...)
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "AUTHKIT_DOMAIN=") && !strings.HasPrefix(variable, "ORIGIN=") {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	cmd.Env = append(append(cmd.Env, asProgram+"=1", "ADDR=localhost:0"), env...)
	pipe, err := cmd.StdoutPipe()
	require.NoError(t, err)
	stderr = &strings.Builder{}
	cmd.Stderr = stderr
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		if cmd.ProcessState == nil { // the test failed before the program ended
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	return cmd, bufio.NewReader(pipe), stderr
}

// line returns the rest of the next line, which must begin with prefix.
func line(t *testing.T, stdout *bufio.Reader, prefix string) string {
	t.Helper()
	text, err := stdout.ReadString('\n')
	require.NoError(t, err)
	rest, ok := strings.CutPrefix(strings.TrimSpace(text), prefix)
	require.True(t, ok, text)
	return rest
}

func TestTheProgramServesToolsThatItsClientCalls(t *testing.T) {
	server, stdout, _ := program(t, nil)
	address := line(t, stdout, "The MCP server is at ")

	client, answer, _ := program(t, nil, "call", "-server", address, "-title", "Over two processes", "publish_post")
	browser := authkittest.NewBrowser()
	defer browser.CloseIdleConnections()
	for _, buttons := range [][]string{{userName, "Allow"}, {"Allow"}} { // the sign-in, and the further scope
		_, err := browser.Get(line(t, answer, "Open "))
		for _, button := range buttons {
			require.NoError(t, err)
			_, err = browser.Submit(button, nil)
		}
		require.NoError(t, err)
	}
	result, err := io.ReadAll(answer)
	require.NoError(t, err)
	assert.NoError(t, client.Wait())
	assert.Contains(t, string(result), `"title":"Over two processes"`)

	require.NoError(t, server.Process.Signal(syscall.SIGTERM))
	assert.NoError(t, server.Wait())
}

func TestTheProgramUsesTheAuthKitDomainOfTheEnvironment(t *testing.T) {
	for domain, issuer := range map[string]string{
		"acme.authkit.app":         "https://acme.authkit.app",
		"https://acme.authkit.app": "https://acme.authkit.app",
		"http://127.0.0.1:4100":    "http://127.0.0.1:4100",
	} {
		server, stdout, _ := program(t, []string{"AUTHKIT_DOMAIN=" + domain, "ORIGIN=https://mcp.acme.com"})
		assert.Equal(t, "https://mcp.acme.com/mcp", line(t, stdout, "The MCP server is at "))
		assert.Equal(t, issuer, line(t, stdout, "Users sign in at "))
		require.NoError(t, server.Process.Signal(syscall.SIGTERM))
		assert.NoError(t, server.Wait())
	}
}

func TestTheProgramSaysWhatIsWrongWithItsArguments(t *testing.T) {
	for want, args := range map[string][]string{
		`the command "serve" does not exist`:      {"serve"},
		"flag provided but not defined: -no-flag": {"call", "-no-flag"},
		"connection refused":                      {"call", "-server", "http://127.0.0.1:1/mcp"},
	} {
		cmd, stdout, stderr := program(t, nil, args...)
		_, err := io.ReadAll(stdout)
		require.NoError(t, err)
		var exit *exec.ExitError
		require.ErrorAs(t, cmd.Wait(), &exit)
		assert.Equal(t, 1, exit.ExitCode())
		assert.Contains(t, stderr.String(), want)
	}
}
