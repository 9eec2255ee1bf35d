// A trial with all its processes.

package server

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

// TestMain makes the test binary run as the processes of a trial.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		run := map[string]func() error{
			ServeProcess:    func() error { return Serve(os.Stdin, os.Stdout) },
			GenerateProcess: func() error { return Generate(os.Stdin, os.Stdout) },
		}[os.Args[1]]
		if run != nil {
			if err := run(); err != nil {
				os.Stderr.WriteString(err.Error() + "\n")
				os.Exit(1)
			}
			return
		}
	}
	os.Exit(m.Run())
}

func ownProcess(t *testing.T) Processes {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	return func(ctx context.Context, name string) *exec.Cmd { return exec.CommandContext(ctx, program, name) }
}

func TestATrialMeasuresEveryLoad(t *testing.T) {
	trial, err := Start(t.Context(), ownProcess(t))
	require.NoError(t, err)
	round, err := trial.Round(t.Context(), 1, 20*time.Millisecond)
	require.NoError(t, err)
	for name, l := range map[string]Load{
		"public, with":       round.Public.With,
		"public, without":    round.Public.Without,
		"signed in, with":    round.SignedIn.With,
		"signed in, without": round.SignedIn.Without,
		"refreshing":         round.Refreshing,
	} {
		assert.GreaterOrEqual(t, l.Requests, Connections, name)
		assert.Positive(t, l.Throughput(), name)
		assert.LessOrEqual(t, l.P50, l.P95, name)
		assert.LessOrEqual(t, l.P95, l.P99, name)
	}
	assert.Positive(t, round.SignedIn.Ratio())
	assert.Positive(t, round.RefreshingRatio())
	assert.Equal(t, round.Refreshing.Refreshed, trial.with.fake.Calls(authkittest.RouteRefresh))
	require.NoError(t, trial.Close())
}

func TestTheSignedInPageNeedsASession(t *testing.T) {
	trial, err := Start(t.Context(), ownProcess(t))
	require.NoError(t, err)
	defer func() { assert.NoError(t, trial.Close()) }()
	handler, err := trial.with.config.handler()
	require.NoError(t, err)

	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, signedInPath, nil))
	assert.Equal(t, http.StatusUnauthorized, w.Code)

	r := httptest.NewRequest(http.MethodGet, signedInPath, nil)
	r.Header.Set("Cookie", trial.cookies[0])
	w = httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	assert.Equal(t, http.StatusOK, w.Code)
	assert.Contains(t, w.Body.String(), "Hello, "+firstName)
}

func TestOneRequestInAHundredRefreshesASession(t *testing.T) {
	trial, err := Start(t.Context(), ownProcess(t))
	require.NoError(t, err)
	defer func() { assert.NoError(t, trial.Close()) }()
	stale, err := trial.with.signInStale(t.Context(), 3)
	require.NoError(t, err)

	p := plan{Address: trial.with.address, Path: signedInPath, Cookies: trial.cookies[:1], Stale: stale, Connections: 1}
	l, err := p.connect(0)
	require.NoError(t, err)
	defer l.conn.Close()
	l.measured = true
	for range 4 * RefreshEvery {
		require.NoError(t, l.request())
	}
	assert.Equal(t, 3, l.refreshed, "one for each stale session")
	assert.Equal(t, 3, trial.with.fake.Calls(authkittest.RouteRefresh))
}

func TestTheLoadFailsForAResponseOtherThan200(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	input, err := json.Marshal(plan{
		Address: server.Listener.Addr().String(), Path: "/", Connections: 1, Warmup: 1, Measure: time.Millisecond,
	})
	require.NoError(t, err)
	require.ErrorContains(t, Generate(bytes.NewReader(input), new(bytes.Buffer)), "404")
}

func TestAPercentileIsOneOfTheMeasuredDurations(t *testing.T) {
	var sorted []time.Duration
	for i := range 200 {
		sorted = append(sorted, time.Duration(i+1))
	}
	assert.EqualValues(t, 100, percentile(sorted, 50))
	assert.EqualValues(t, 198, percentile(sorted, 99))
	assert.EqualValues(t, 1, percentile(sorted[:1], 99))
	assert.Zero(t, percentile(nil, 99))
}
