// The program: its output, its listeners and its end.

package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

// program is the program, in this process.
type program struct {
	lines *bufio.Reader
	stop  context.CancelFunc
	ended chan error
}

func startRun(t *testing.T, args ...string) *program {
	t.Helper()
	t.Setenv("ADDR", "localhost:0")
	t.Setenv("PRIVATE_ADDR", "localhost:0")
	ctx, stop := context.WithCancel(t.Context())
	in, out := io.Pipe()
	p := &program{bufio.NewReader(in), stop, make(chan error, 1)}
	go func() {
		err := run(ctx, args, out)
		_ = out.Close()
		p.ended <- err
	}()
	t.Cleanup(stop)
	return p
}

// address returns the first URL of the next line.
func (p *program) address(t *testing.T, begin string) string {
	t.Helper()
	line, err := p.lines.ReadString('\n')
	require.NoError(t, err)
	found := regexp.MustCompile(`^` + begin + ` (http://[\w.:]+)`).FindStringSubmatch(line)
	require.NotNil(t, found, line)
	return found[1]
}

func TestTheProgramHasUsersAndEndsWhenItIsTold(t *testing.T) {
	p := startRun(t)
	home, private := p.address(t, "Open"), p.address(t, "For the operator:")
	go func() { _, _ = io.Copy(io.Discard, p.lines) }()
	b := authkittest.NewBrowser()
	t.Cleanup(b.CloseIdleConnections)
	page, err := b.SignIn(home+"/login", "ada@harborpress.test")
	require.NoError(t, err)
	assert.Contains(t, page.Body, "Ada")
	require.Eventually(t, func() bool { // the synthetic users sign in too
		response, err := http.Get(private + "/metrics")
		if err != nil {
			return false
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		return err == nil && regexp.MustCompile(`(?m)^authkit_sign_ins_total\{authkit_outcome="ok"\} [1-9]\d`).Match(text)
	}, startLimit, poll)

	p.stop()
	assert.NoError(t, <-p.ended)
	_, err = http.Get(private + "/healthz")
	assert.Error(t, err)
}

func TestTheProgramPrintsSpansOnRequest(t *testing.T) {
	p := startRun(t, "-traces", "-no-traffic", "-lifetime", "5m")
	home := p.address(t, "Open")
	go func() { // the pipe must be read
		b := authkittest.NewBrowser()
		_, _ = b.SignIn(home+"/login", "ada@harborpress.test")
		b.CloseIdleConnections()
		p.stop()
	}()
	printed, err := io.ReadAll(p.lines)
	require.NoError(t, err)
	assert.NoError(t, <-p.ended)
	assert.Contains(t, string(printed), `"Name":"authkit.sign_in"`)
}

func TestTheProgramNamesAnAddressInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { taken.Close() })
	t.Setenv("ADDR", "localhost:0")
	t.Setenv("PRIVATE_ADDR", taken.Addr().String())
	assert.ErrorContains(t, run(t.Context(), nil, io.Discard), taken.Addr().String())
	assert.ErrorContains(t, run(t.Context(), []string{"-lifetime", "soon"}, io.Discard), "soon")
}

func TestARequestInProgressIsFinishedWhenTheProgramEnds(t *testing.T) {
	l, err := listen("localhost:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- serve(ctx, []server{{l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			cancel()
			_, _ = io.WriteString(w, "finished")
		})}})
	}()
	client := http.Client{Timeout: time.Minute}
	response, err := client.Get(l.url)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	assert.Equal(t, "finished", string(text))
	assert.NoError(t, <-ended)
}
