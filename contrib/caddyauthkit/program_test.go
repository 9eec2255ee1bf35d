// A test of Caddy as a program: the command of this module with a Caddyfile, as a user runs it.

package caddyauthkit_test

import (
	"bytes"
	"context"
	"fmt"
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

func TestCaddyWithTheModuleRunsAsAProgram(t *testing.T) {
	forgetEnvironment(t)
	folder := t.TempDir()
	program := filepath.Join(folder, "caddy")
	built, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./cmd/caddy").CombinedOutput()
	require.NoError(t, err, string(built))
	modules, err := exec.CommandContext(t.Context(), program, "list-modules").CombinedOutput()
	require.NoError(t, err, string(modules))
	assert.Contains(t, string(modules), "http.handlers.authkit\n")

	fake := authkittest.New(t)
	port, err := testserver.Reserve()
	require.NoError(t, err)
	defer func() { assert.NoError(t, port.Release()) }()
	address := "http://localhost:" + port.String()
	file := filepath.Join(folder, "Caddyfile")
	require.NoError(t, os.WriteFile(file, []byte(fmt.Sprintf(`{
	admin off
	persist_config off
}
http://:%s {
	bind 127.0.0.1
	authkit {
		workos {
			base_url %s
			cookie_passwords {file.%s}
		}
		rule / {
			allow public
		}
	}
	encode gzip
	respond "Hello, {http.auth.user.email}"
}
`, port, fake.URL(), filepath.Join(folder, "password"))), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "password"), []byte(strings.Repeat("p", 40)+"\n"), 0o600))

	var log bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), 4*waitTimeout)
	defer cancel()
	caddy := exec.CommandContext(ctx, program, "run", "--config", file)
	caddy.Env = append(os.Environ(), "HOME="+folder, "XDG_CONFIG_HOME="+folder, "XDG_DATA_HOME="+folder, "WORKOS_API_KEY="+fake.APIKey(),
		"WORKOS_CLIENT_ID="+fake.ClientID(), "WORKOS_REDIRECT_URI="+address+"/callback")
	caddy.Stdout, caddy.Stderr = &log, &log
	require.NoError(t, caddy.Start())
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	require.Eventually(t, func() bool {
		resp, err := client.Get(address + "/")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}, 2*waitTimeout, 50*time.Millisecond)
	b := authkittest.NewBrowser()
	page, err := b.SignIn(address+"/reports", ben)
	require.NoError(t, err)
	assert.Equal(t, "Hello, "+ben, page.Body)
	b.CloseIdleConnections()

	require.NoError(t, caddy.Process.Signal(syscall.SIGTERM))
	assert.NoError(t, caddy.Wait(), log.String())
	assert.NotContains(t, log.String(), fake.APIKey())
}
