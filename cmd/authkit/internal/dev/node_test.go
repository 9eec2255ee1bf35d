// Applications in Node.js beside the fake: WorkOS's library in a process of its own, and the example with Next.js.

package dev_test

import (
	"bufio"
	"io"
	"net/http"
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
	"github.com/authkit-go/authkit/internal/testserver"
)

// nodePackages returns the folder whose node_modules have the libraries for JavaScript. The test is skipped without them, or fails
// if AUTHKIT_INTEROP says that they are required.
func nodePackages(t *testing.T) string {
	t.Helper()
	folder, err := filepath.Abs("../../../../internal/interop")
	require.NoError(t, err)
	missing := ""
	if _, err := exec.LookPath("node"); err != nil {
		missing = "Node.js is not installed"
	} else if _, err := os.Stat(filepath.Join(folder, "node_modules", "@workos-inc", "node")); err != nil {
		missing = "the package @workos-inc/node is not installed (npm ci --prefix internal/interop)"
	}
	switch {
	case missing != "" && os.Getenv("AUTHKIT_INTEROP") == "required":
		t.Fatal(missing)
	case missing != "":
		t.Skip(missing)
	}
	return folder
}

func TestAnApplicationInNodeWorksWithTheFakeProgram(t *testing.T) {
	folder := nodePackages(t)
	var cmd *exec.Cmd
	var stderr *output
	address, stdout := startServing(t, func(address string) (stdout *bufio.Reader) {
		cmd, stdout, stderr = start(t, nil, "--strict", "--redirect", "http://"+address+"/callback", "node", "testdata/application.mjs", folder)
		return stdout
	})
	browser := authkittest.NewBrowser()
	page, err := browser.SignIn("http://"+address+"/account", "ben@harborpress.test")
	require.NoError(t, err)
	assert.Regexp(t, `^Hello, ben@harborpress.test, member in org_\w+$`, page.Body)
	refreshed, err := browser.Client.Post("http://"+address+"/refresh", "", nil)
	require.NoError(t, err)
	body, err := io.ReadAll(refreshed.Body)
	require.NoError(t, err)
	require.NoError(t, refreshed.Body.Close())
	assert.Equal(t, "refreshed", string(body))
	for range 2 {
		line, err := stdout.ReadString('\n')
		require.NoError(t, err)
		assert.Regexp(t, `^webhook (authentication\.password_succeeded|session\.created)\n$`, line)
	}
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	_, err = io.ReadAll(stdout)
	require.NoError(t, err)
	_ = cmd.Wait() // its status is that of a process that a signal ends
	assert.NotContains(t, stderr.String(), "strict:", "WorkOS's own library makes no wrong request")
}

// TestTheExampleWithNextJSWorksWithTheFakeProgram needs the packages of examples/nextjs/web, which the check of a change does not install:
//
//	npm install --prefix examples/nextjs/web && go test -C cmd/authkit ./internal/dev -run NextJS
func TestTheExampleWithNextJSWorksWithTheFakeProgram(t *testing.T) {
	web, err := filepath.Abs("../../../../examples/nextjs/web")
	require.NoError(t, err)
	next := filepath.Join(web, "node_modules", ".bin", "next")
	if _, err := os.Stat(next); err != nil {
		t.Skip("the packages of examples/nextjs/web are not installed (npm install)")
	}
	port, err := testserver.Reserve()
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, port.Release()) })
	address := "http://localhost:" + port.String()
	cmd, stdout, stderr := start(t, []string{"NEXT_TELEMETRY_DISABLED=1"}, "--strict", "--redirect", address+"/callback",
		next, "dev", web, "--port", port.String(), "--hostname", "localhost")
	for line := ""; !strings.Contains(line, "Ready"); {
		line, err = stdout.ReadString('\n')
		require.NoError(t, err, stderr.String())
	}
	go func() { _, _ = io.Copy(io.Discard, stdout) }() // until the program ends
	client := &http.Client{Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Get(address) // it compiles the page
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode)
	page, err := authkittest.NewBrowser().SignIn(address+"/login", "ada@harborpress.test")
	require.NoError(t, err)
	assert.Contains(t, page.Body, "ada@harborpress.test")
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	_ = cmd.Wait() // its status is that of a process that a signal ends
	assert.NotContains(t, stderr.String(), "strict:")
}
