// The example as a program, on two ports of localhost.

package main

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/chromium"
)

// asProgram is the variable that makes the test binary run as the example.
const asProgram = "AUTHKIT_SPA_RUN"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	chromium.MainWithOthers(m)
}

func TestTheProgramServesThePageAndItsAPI(t *testing.T) {
	b := chromium.Open(t)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	binary, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(ctx, binary)
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "WORKOS_") && !strings.HasPrefix(variable, "PAGE_") {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	cmd.Env = append(cmd.Env, asProgram+"=1", "ADDR=localhost:0", "PAGE_ADDR=localhost:0")
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	page, ok := strings.CutPrefix(strings.TrimSpace(line), "Open ")
	require.True(t, ok, line)

	(&site{page: page}).signIn(b, deepLink, admin)
	b.Fill("title", "Over two ports"+chromium.Enter)
	b.Find(`//li[.="Over two ports"]`)
	b.Click("Sign out")
	b.Sees("Please sign in")
	assert.Equal(t, page+"/", b.URL())

	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	assert.NoError(t, cmd.Wait())
}
