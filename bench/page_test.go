// The page and its plot, with made-up results.

package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/bench/contender"
	"github.com/authkit-go/authkit/bench/server"
)

// fakeResults returns results in which every benchmark takes twice the CPU time of the floor and half of that in elapsed time,
// and the middleware halves the throughput of a server.
func fakeResults(t *testing.T) results {
	t.Helper()
	stage, err := contender.NewStage(1)
	require.NoError(t, err)
	defer stage.Close()
	benchmarks := map[string]measurement{}
	for _, b := range stage.Benchmarks() {
		benchmarks[b.Name] = measurement{
			Floor: 50_000, CPU: 100_000, Nanoseconds: 50_000, Allocations: 3, Bytes: 512,
			Extra: map[string]float64{
				contender.PerWaiter: 10_000, contender.PerBareWaiter: 2_500, contender.LatePerStorm: 2_400, contender.ExchangesPerStorm: 1,
				contender.FetchesPerRequest: 0.25, contender.PerSession: 4096,
			},
		}
	}
	var pair server.Pair
	for _, r := range []*server.Result{&pair.With, &pair.Without} {
		r.Requests, r.Took, r.CPU, r.Collections = 1000, time.Second, 20*time.Millisecond, 2
		r.P50, r.P95, r.P99 = time.Millisecond, 2*time.Millisecond, 3*time.Millisecond
	}
	pair.With.Requests, pair.CPURatio = 500, 2
	refreshing := pair
	refreshing.With.Refreshed = 5
	whole := server.Round{
		Pairs: map[server.Load]server.Pair{}, Refreshing: refreshing,
		With: server.Usage{Heap: 20 << 20, GOGC: 100}, Without: server.Usage{Heap: 10 << 20, GOGC: 100},
	}
	for _, l := range server.Loads() {
		whole.Pairs[l] = pair
	}
	return results{{
		benchmarks: benchmarks, server: whole,
		conditions: conditions{
			Measured: true, Others: 0.012, Stolen: 0.003, LoadBefore: "0.25", LoadAfter: "2.10",
			Heap: heapSize{Live: 600 << 20, Goal: 1200 << 20},
		},
	}}
}

// written returns the text of the page for these results.
func written(t *testing.T, rs results) string {
	t.Helper()
	return writtenTo(t, t.TempDir(), rs)
}

func writtenTo(t *testing.T, folder string, rs results) string {
	t.Helper()
	p, err := newPage(settings{rounds: 1, sessions: 100_000}, rs, contender.Sizes{Token: 1385, Cookie: 2546, Compact: 1893}, time.Minute)
	require.NoError(t, err)
	require.NoError(t, p.write(folder))
	text, err := os.ReadFile(filepath.Join(folder, "performance.md"))
	require.NoError(t, err)
	return string(text)
}

func TestThePageContainsTheMeasurements(t *testing.T) {
	text := written(t, fakeResults(t))
	for _, line := range []string{
		"| Warm: time | 2.00x | 0.018x | no |",
		"| Warm: allocations | 3 | 2 | no |",
		"| Cold, compact seal: allocated | 512 B | 10 KB | yes |",
		"| Cookie header, compact seal | 1893 B | 1900 B | yes |",
		"| authkit, cold, compact seal | new sessions | 100 µs | 2.00x |",
		"has 2546 bytes, and 1893 with compact cookies.",
		"| Memory of a cached session | 4096 B | 4608 B | yes |",
		"| A storm of 10 000 requests: CPU time per request | 0.20x | 0.29x | yes |",
		"| 10 000 | 1 | 2400 | 10.0 µs | 2.50 µs |",
		"| A whole server, signed-in page over HTTP/2 on 256 streams: CPU per request relative to no middleware | 2.00x | 1.15x | no |",
		"| Warm: CPU per request on ",
		" processors, relative to one request at a time | 1.00x | 1.11x | yes |",
		"| scs, memory store | one session | 100 µs | 2.00x | 2.00x – 2.00x | 3 | 512 | 1.00x |",
		"| go-oidc | 50.0 µs | 0.25 |",
		"| Resource, new tokens: time | 2.00x | 1.3x | no |",
		"| a token with a wrong signature | 100 µs | 2.00x | 2.00x – 2.00x | 3 | 512 |",
		"| signed-in page over HTTP/1.1 on 16 connections | 20.0 µs | 40.0 µs | 2.00x | 2.00x – 2.00x |",
		"| public page over HTTP/2 on 16 streams | 1000 | 500 | 1.00 ms | 1.00 ms | 2.00 ms | 2.00 ms | 3.00 ms | 3.00 ms |",
		"1.0 % of the requests with authkit refreshed a session",
		"10 MB of its heap were in use without authkit and 20 MB with it",
		"## 100 000 sessions",
		"The run was undisturbed: other programs used 1.2 % of the processors.",
		"| 1 | 0.25 | 2.10 | 1.2 % | 0.30 % | 600 MB | 1200 MB |",
		"GOGC is 100, and GOMEMLIMIT is not set.",
	} {
		assert.Contains(t, text, line)
	}
	assert.NotContains(t, text, "<no value>")
	for _, c := range contender.Contenders() {
		assert.Contains(t, text, c.What)
		for _, path := range c.Modules {
			assert.Contains(t, text, "| "+path+" | ")
		}
	}
}

func TestThePageSaysIfTheRunWasDisturbedOrNotMeasured(t *testing.T) {
	rs := fakeResults(t)
	rs[0].conditions.Others = 0.31
	text := written(t, rs)
	assert.Contains(t, text, "**The run was disturbed**: other programs used 31 % of the processors.")
	assert.NotContains(t, text, "The run was undisturbed")

	rs[0].conditions = conditions{Heap: rs[0].conditions.Heap}
	text = written(t, rs)
	assert.Contains(t, text, "It was not measured what other programs used")
	assert.Contains(t, text, "| 1 | – | – | – | – | 600 MB | 1200 MB |")
	assert.NotContains(t, text, "The run was")
}

func TestThePageHasOAuth2ProxyOnlyIfItWasMeasured(t *testing.T) {
	rs := fakeResults(t)
	assert.NotContains(t, written(t, rs), "oauth2-proxy in front of the server")
	pair := rs[0].server.Refreshing
	rs[0].proxy = &server.ProxyRound{
		Authkit: pair.Without, Proxy: pair.With, CPURatio: 2, AuthkitMemory: 30 << 20, ProxyMemory: 20 << 20, UpstreamMemory: 25 << 20,
	}
	text := written(t, rs)
	assert.Contains(t, text, "| authkit in the server | 20.0 µs | 1000 | 3.00 ms | 30 MB |")
	assert.Contains(t, text, "| oauth2-proxy in front of the server | 40.0 µs | 500 | 3.00 ms | 20 MB + 25 MB |")
}

// The program does not measure what statistics cost: command compare does.
func TestThePageHasTheTextAboutStatisticsOfTheTemplate(t *testing.T) {
	section := func(text string) string {
		_, text, found := strings.Cut(text, "## What statistics cost\n")
		require.True(t, found)
		text, _, found = strings.Cut(text, "\n## ")
		require.True(t, found)
		return text
	}
	published, err := os.ReadFile(filepath.Join("..", "docs", "performance.md"))
	require.NoError(t, err)
	assert.Equal(t, section(pageTemplate), section(string(published)))
}

func TestThePlotIsWellFormedAndHasEveryLabel(t *testing.T) {
	plot := string(draw([]bar{{"the <floor> & more", 1, false}, {"authkit", 0.02, true}, {"another", 4.5, false}}))
	decoder := xml.NewDecoder(strings.NewReader(plot))
	texts := ""
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		if text, ok := token.(xml.CharData); ok {
			texts += string(text)
		}
	}
	for _, text := range []string{"the <floor> & more", "authkit", "another", "0.020x", "4.50x", "0.01x", "10x"} {
		assert.Contains(t, texts, text)
	}
}

func TestAValueThatLooksLikeItsLimitAndIsLargerIsOverIt(t *testing.T) {
	assert.Equal(t, limitLine{"Warm", "0.018x", "0.018x", "yes"}, newLimitLine("Warm", 0.018, 0.018, times))
	assert.Equal(t, limitLine{"Warm", "0.018x", "0.018x", "yes"}, newLimitLine("Warm", 0.0176, 0.018, times))
	assert.Equal(t, limitLine{"Warm", "over 0.018x", "0.018x", "no"}, newLimitLine("Warm", 0.0181, 0.018, times))
	assert.Equal(t, limitLine{"Warm", "0.019x", "0.018x", "no"}, newLimitLine("Warm", 0.019, 0.018, times))
}
