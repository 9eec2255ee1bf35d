// A short run: authkit proxy alone, and with oauth2-proxy if its program is there.

package main

import (
	"context"
	"go/version"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/bench/server"
)

// TestMain makes the test binary run as the processes of a run.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		run := map[string]func(io.Reader, io.Writer) error{server.ServeProcess: server.Serve, server.GenerateProcess: server.Generate}[os.Args[1]]
		if run != nil {
			if err := run(os.Stdin, os.Stdout); err != nil {
				os.Stderr.WriteString(err.Error() + "\n")
				os.Exit(1)
			}
			return
		}
	}
	os.Exit(m.Run())
}

// shortRun measures for a moment. It leaves Redis out if that is not installed, and oauth2-proxy without its program.
func shortRun(t *testing.T, s settings, oauth2Proxy string) *results {
	t.Helper()
	if version.Compare(runtime.Version(), "go1.26") < 0 {
		t.Skip("the module cmd/authkit needs Go 1.26, and this is " + runtime.Version())
	}
	if runtime.GOOS != "linux" {
		t.Skip("the CPU time of another process can be read on Linux only")
	}
	unsetForeign()
	folder := t.TempDir()
	p := programs{oauth2Proxy: oauth2Proxy}
	var err error
	p.authkit, err = buildAuthkit(t.Context(), filepath.Join("..", "..", "cmd", "authkit"), folder)
	require.NoError(t, err)
	if p.redis, err = exec.LookPath("redis-server"); err != nil {
		require.NotEqual(t, "required", os.Getenv("AUTHKIT_REDIS"), "redis-server is not installed")
		t.Log("redis-server is not installed: without the proxies that need it")
	}
	own, err := os.Executable()
	require.NoError(t, err)
	processes := func(ctx context.Context, name string) *exec.Cmd { return exec.CommandContext(ctx, own, name) }
	r, err := measure(t.Context(), s, processes, p, folder)
	require.NoError(t, err)
	return r
}

// requireSound checks the measurements of a run with one round.
func requireSound(t *testing.T, r *results, names ...string) {
	t.Helper()
	sessions := []string{inCookie}
	if r.redis != "" {
		sessions = append(sessions, withRedis)
	}
	var doors []string
	for _, session := range sessions {
		for _, name := range names {
			doors = append(doors, name+" "+session)
		}
	}
	require.Len(t, r.rounds, 1)
	require.Len(t, r.doors, len(doors))
	for i, d := range r.doors {
		assert.Equal(t, doors[i], d.Name+" "+d.Session)
		assert.Positive(t, d.CookieSize())
		for _, size := range []float64{r.memory[i].signedIn, r.memory[i].rounds[0], r.memory[i].idle} {
			assert.Greater(t, size, float64(1<<20), doors[i])
		}
		assert.GreaterOrEqual(t, r.memory[i].most, r.memory[i].signedIn, doors[i])
		for _, l := range server.FrontLoads() {
			sum := r.rounds[0][l].Sum(i)
			assert.GreaterOrEqual(t, sum.Requests, 2*l.Concurrency, "%s: %s", doors[i], title(l))
			assert.Positive(t, sum.CPU, "%s: %s", doors[i], title(l))
			assert.Positive(t, sum.P99, "%s: %s", doors[i], title(l))
			if !l.Anonymous {
				assert.Positive(t, sum.Application, "%s: %s", doors[i], title(l))
			}
		}
	}
}

func TestAShortRunMeasuresTheProxyOfAuthkit(t *testing.T) {
	s := settings{rounds: 1, measure: 20 * time.Millisecond, sessions: 2, idle: 3}
	r := shortRun(t, s, "")
	requireSound(t, r, ours)
	text, err := newPage(s, r).render()
	require.NoError(t, err)
	assert.Contains(t, string(text), "| page with a session, 256 connections | cookie | authkit proxy | ")
	assert.Contains(t, string(text), "| redirect without a session, 16 connections | cookie | authkit proxy | ")
}

func TestAShortRunComparesTheProxies(t *testing.T) {
	program := os.Getenv("AUTHKIT_OAUTH2_PROXY")
	if program == "" {
		t.Skip("set AUTHKIT_OAUTH2_PROXY to the path of the program oauth2-proxy " + server.ProxyVersion)
	}
	s := settings{rounds: 1, measure: 20 * time.Millisecond, sessions: 2, idle: 3, gogc: 70}
	r := shortRun(t, s, program)
	requireSound(t, r, ours, theirs, "authkit proxy, GOGC=70")
	p := newPage(s, r)
	require.Len(t, p.Ratios, len(server.FrontLoads())*len(r.doors)*2/3, "each authkit proxy beside the oauth2-proxy of its kind")
	for _, one := range p.Ratios {
		for _, ratio := range []string{one.CPU, one.All, one.Throughput, one.P99} {
			assert.Regexp(t, `^\d+\.\d\dx \(`, ratio)
		}
	}
}

func TestAProgramThatDoesNotListenIsNotMeasured(t *testing.T) {
	program := filepath.Join(t.TempDir(), "authkit")
	require.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\necho the configuration is wrong\n"), 0o700))
	own, err := os.Executable()
	require.NoError(t, err)
	processes := func(ctx context.Context, name string) *exec.Cmd { return exec.CommandContext(ctx, own, name) }
	_, err = newStage(t.Context(), settings{sessions: 1}, processes, programs{authkit: program}, t.TempDir())
	assert.ErrorContains(t, err, `start authkit proxy with cookie: authkit proxy has printed "the configuration is wrong\n"`)
}

func TestAnInvalidCommandLineOfTheFrontDoorIsRefused(t *testing.T) {
	base := settings{rounds: 1, measure: time.Second, sessions: 1, idle: 1}
	for _, arguments := range []string{"-rounds=0", "-load=0s", "-sessions=0", "-idle=0", "-load=long", "-gogc=-1", "-unknown"} {
		_, err := base.parse([]string{arguments})
		assert.Error(t, err, arguments)
	}
	s, err := base.parse(strings.Fields("-rounds 5 -load 300ms -out page.md"))
	require.NoError(t, err)
	assert.Equal(t, settings{rounds: 5, measure: 300 * time.Millisecond, sessions: 1, idle: 1, out: "page.md"}, s)
}

func TestAMedianOfTheFrontDoorIsBetweenTwoValues(t *testing.T) {
	assert.EqualValues(t, 2, median([]float64{9, 2, 1}))
	assert.EqualValues(t, 1.5, median([]float64{2, 1}))
}

func TestTheVersionOfRedisIsInWhatItPrints(t *testing.T) {
	assert.Equal(t, "7.0.15", versionIn("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64\n"))
}

func TestDurationsAndSizesOfTheFrontDoorHaveUnits(t *testing.T) {
	assert.Equal(t, "12.3 µs", duration(12_345))
	assert.Equal(t, "12.35 ms", duration(12_345_678))
	assert.Equal(t, "1.50 s", duration(1.5e9))
	assert.Equal(t, "1.5 MB", megabytes(1.5*(1<<20)))
}
