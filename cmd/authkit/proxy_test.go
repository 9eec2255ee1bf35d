// Tests of the command line of "authkit proxy".

package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// runCommand runs a command line and returns its status and outputs.
func runCommand(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = run(context.Background(), args, &out, &errs)
	return status, out.String(), errs.String()
}

func TestACheckOfTheProxySaysWhetherAFileIsRight(t *testing.T) {
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "WORKOS_") {
			t.Setenv(name, "")
		}
	}
	status, _, stderr := runCommand(t, "proxy", "--check", "authkit-proxy.example.yaml")
	assert.Equal(t, exitUsage, status)
	assert.Contains(t, stderr, "WORKOS_API_KEY")

	t.Setenv("WORKOS_API_KEY", "sk_test_1")
	t.Setenv("WORKOS_CLIENT_ID", "client_1")
	t.Setenv("WORKOS_COOKIE_PASSWORD", strings.Repeat("p", 32))
	status, stdout, stderr := runCommand(t, "proxy", "--check", "authkit-proxy.example.yaml")
	assert.Equal(t, exitOK, status, stderr)
	assert.Equal(t, "authkit-proxy.example.yaml is right.\n", stdout)

	wrong := filepath.Join(t.TempDir(), "wrong.yaml")
	require.NoError(t, os.WriteFile(wrong, []byte("upstreams: [{url: http://localhost:1}]\nrules:\n  - path: admin\n"), 0o600))
	status, stdout, stderr = runCommand(t, "proxy", "--check", wrong)
	assert.Equal(t, exitUsage, status)
	assert.Empty(t, stdout)
	assert.Contains(t, stderr, "line 3: rules[0].path")
}

func TestAWrongCommandLineOfTheProxyIsExplained(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"proxy"}, "give --upstream URL or --config FILE"},
		{[]string{"proxy", "--upstream", "ftp://x", "--listen", "localhost:0"}, "upstreams[0].url"},
		{[]string{"proxy", "--config", "absent.yaml"}, "absent.yaml"},
		{[]string{"proxy", "--config", "a", "--upstream", "b"}, "--config takes no other flag"},
		{[]string{"proxy", "--upstream", "http://localhost:1", "--listen", "nowhere"}, "listen"},
	} {
		status, _, stderr := runCommand(t, c.args...)
		assert.Equal(t, exitUsage, status, c.args)
		assert.Contains(t, stderr, c.want)
	}
}
