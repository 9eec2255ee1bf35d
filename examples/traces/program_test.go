// The example as a program: the spans that it has not sent are sent when it ends.

package main

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

// asProgram is the variable that makes the test binary run as the example.
const asProgram = "AUTHKIT_TRACES_RUN"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestTheProgramSendsItsSpansWhenItIsToldToStop(t *testing.T) {
	r := newReceiver(t)
	binary, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), binary)
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "WORKOS_") {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	cmd.Env = append(cmd.Env, asProgram+"=1", "ADDR=localhost:0", "OTEL_EXPORTER_OTLP_ENDPOINT="+r.URL,
		"OTEL_BSP_SCHEDULE_DELAY=3600000") // ms: nothing is sent before the end
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	cmd.WaitDelay = time.Minute
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)

	browser := authkittest.NewBrowser()
	defer browser.CloseIdleConnections()
	page, err := browser.SignIn(strings.TrimPrefix(strings.TrimSpace(line), "Open "), "ada@harborpress.test")
	require.NoError(t, err)
	assert.Contains(t, page.Body, "Hello, ada@harborpress.test")
	assert.Empty(t, r.named("authkit.sign_in"))
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, cmd.Wait())
	signIn, callback := r.named("authkit.sign_in"), r.named("GET /callback")
	require.Len(t, signIn, 1)
	require.Len(t, callback, 1)
	assert.Equal(t, callback[0].SpanId, signIn[0].ParentSpanId)
}
