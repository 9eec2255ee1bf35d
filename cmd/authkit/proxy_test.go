// Tests of the command line of "authkit proxy".

package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
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

func TestTheProgramReloadsAtSIGHUPAndEndsAtSIGTERM(t *testing.T) {
	program := filepath.Join(t.TempDir(), "authkit")
	output, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput()
	require.NoError(t, err, string(output))
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "upstream") }))
	defer upstream.Close()
	file := filepath.Join(t.TempDir(), "proxy.yaml")
	write := func(rules string) {
		require.NoError(t, os.WriteFile(file, []byte("listen: localhost:0\nlimits: {shutdown_delay: 0s}\nevents: {follow: false}\nupstreams: [{url: \""+upstream.URL+"\"}]\n"+rules), 0o600))
	}
	write("")
	fake := authkittest.New(t)
	cmd := exec.Command(program, "proxy", "--config", file)
	cmd.Env = append(os.Environ(), "WORKOS_COOKIE_PASSWORD="+strings.Repeat("p", 32), "WORKOS_REDIRECT_URI=http://localhost:8080/callback")
	for name, value := range fake.Env() {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	deadline := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer deadline.Stop()
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	address, found := strings.CutPrefix(strings.TrimSpace(line), "Listening on ")
	require.True(t, found, line)
	log := bufio.NewScanner(stderr)
	await := func(text string) {
		for log.Scan() {
			if strings.Contains(log.Text(), text) {
				return
			}
		}
		require.Fail(t, "the program has not logged "+text)
	}
	get := func() int {
		resp, err := http.Get("http://" + address + "/x")
		require.NoError(t, err)
		resp.Body.Close()
		return resp.StatusCode
	}
	assert.Equal(t, 401, get())
	write("rules: [{path: /*, allow: [public]}]\n")
	require.NoError(t, cmd.Process.Signal(syscall.SIGHUP))
	await("the configuration was reloaded")
	assert.Equal(t, 200, get())
	http.DefaultClient.CloseIdleConnections()
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	await("proxy: stopped")
	assert.NoError(t, cmd.Wait())
}
