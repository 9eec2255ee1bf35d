// A trial with all its processes.

package server

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
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

func startTrial(t *testing.T) *Trial {
	t.Helper()
	trial, err := Start(t.Context(), ownProcess(t))
	require.NoError(t, err)
	return trial
}

func TestATrialMeasuresEveryLoad(t *testing.T) {
	trial := startTrial(t)
	round, err := trial.Round(t.Context(), 1, 20*time.Millisecond)
	require.NoError(t, err)
	assert.Len(t, round.Pairs, 8)
	pairs := map[string]Pair{"refreshing": round.Refreshing}
	for l, p := range round.Pairs {
		pairs[l.String()] = p
	}
	assert.Contains(t, pairs, "signed-in page over HTTP/2 on 256 streams")
	assert.Contains(t, pairs, "public page over HTTP/1.1 on 16 connections")
	for name, p := range pairs {
		assert.Positive(t, p.CPURatio, name)
		for _, r := range []Result{p.With, p.Without} {
			assert.GreaterOrEqual(t, r.Requests, minSlices*Concurrencies[0], name)
			assert.Positive(t, r.Throughput(), name)
			assert.Positive(t, r.CPUPerRequest(), name)
			assert.LessOrEqual(t, r.P50, r.P95, name)
			assert.LessOrEqual(t, r.P95, r.P99, name)
		}
	}
	assert.Zero(t, round.Refreshing.Without.Refreshed)
	assert.Equal(t, round.Refreshing.With.Refreshed, trial.with.fake.Calls(authkittest.RouteRefresh))
	for _, u := range []Usage{round.With, round.Without} {
		assert.Positive(t, u.CPU)
		assert.Positive(t, u.Heap)
		assert.EqualValues(t, 100, u.GOGC)
	}
	require.NoError(t, trial.Close())
}

func TestTheCPUTimeOfAServerGrowsWithItsRequests(t *testing.T) {
	trial := startTrial(t)
	defer func() { assert.NoError(t, trial.Close()) }()
	before, err := trial.without.process.usage()
	require.NoError(t, err)
	c, err := dialHTTP1(trial.without.addresses.HTTP, publicPath, http.StatusOK)
	require.NoError(t, err)
	defer c.close()
	for range 1000 {
		_, err := c.exchange("")
		require.NoError(t, err)
	}
	after, err := trial.without.process.usage()
	require.NoError(t, err)
	assert.Greater(t, after.CPU, before.CPU)
}

func TestAServerProcessRefusesAnUnknownQuestion(t *testing.T) {
	err := Serve(strings.NewReader(`{} "weather"`), io.Discard)
	require.ErrorContains(t, err, `"weather"`)
}

func TestTheSignedInPageNeedsASession(t *testing.T) {
	trial := startTrial(t)
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
	for _, protocol := range []Protocol{HTTP1, HTTP2} {
		t.Run(string(protocol), func(t *testing.T) {
			trial := startTrial(t)
			defer func() { assert.NoError(t, trial.Close()) }()
			stale, err := trial.with.signInStale(t.Context(), 3)
			require.NoError(t, err)

			p := plan{Path: signedInPath, Protocol: protocol, Clients: 1}
			c, err := p.connect(target{addresses: trial.with.addresses, Cookies: trial.cookies[:1], Stale: stale})
			require.NoError(t, err)
			defer c.close()
			c[0].measured = true
			for range 4 * RefreshEvery {
				require.NoError(t, c[0].request())
			}
			assert.Equal(t, 3, c[0].refreshed, "one for each stale session")
			assert.Equal(t, 3, trial.with.fake.Calls(authkittest.RouteRefresh))
		})
	}
}

func TestFourStreamsOfHTTP2ShareAConnectionAndItsSession(t *testing.T) {
	l, err := listen(http.NotFoundHandler())
	require.NoError(t, err)
	defer func() { assert.NoError(t, l.shutdown()) }()
	c, err := plan{Path: "/", Protocol: HTTP2, Clients: 16}.connect(target{addresses: l.addresses, Cookies: []string{"a=1", "b=2", "c=3"}})
	require.NoError(t, err)
	defer c.close()
	connections := map[exchanger]string{}
	for _, one := range c {
		require.Len(t, one.cookies, 1)
		if cookie, known := connections[one.exchanger]; known {
			assert.Equal(t, cookie, one.cookies[0])
		}
		connections[one.exchanger] = one.cookies[0]
	}
	assert.Len(t, connections, 16/StreamsPerConnection)
}

func TestEverySessionHasAConnectionOfHTTP1AndEveryConnectionASession(t *testing.T) {
	l, err := listen(http.NotFoundHandler())
	require.NoError(t, err)
	defer func() { assert.NoError(t, l.shutdown()) }()
	cookies := []string{"a=1", "b=2", "c=3", "d=4", "e=5"}
	for _, clients := range []int{1, 2, 5, 12} {
		c, err := plan{Path: "/", Protocol: HTTP1, Clients: clients}.connect(target{addresses: l.addresses, Cookies: cookies})
		require.NoError(t, err)
		var sent []string
		for _, one := range c {
			assert.NotEmpty(t, one.cookies)
			sent = append(sent, one.cookies...)
		}
		assert.Subset(t, sent, cookies)
		c.close()
	}
}

func TestTheLoadFailsForAResponseOtherThan200(t *testing.T) {
	l, err := listen(http.NotFoundHandler())
	require.NoError(t, err)
	defer func() { assert.NoError(t, l.shutdown()) }()
	for _, protocol := range []Protocol{HTTP1, HTTP2} {
		input, err := json.Marshal(plan{Targets: []target{{addresses: l.addresses}}, Path: "/", Protocol: protocol, Clients: 1, Warmup: 1})
		require.NoError(t, err)
		require.ErrorContains(t, Generate(bytes.NewReader(input), io.Discard), "404")
	}
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
