// All benchmarks, run once.

package contender

import (
	"flag"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEveryBenchmarkRunsAndReportsItsMetrics(t *testing.T) {
	benchtime(t, "1x")
	results := map[string]testing.BenchmarkResult{}
	for _, benchmark := range newTestStage(t, 16).Benchmarks() {
		assert.NotContains(t, results, benchmark.Name, "two benchmarks have the same name")
		failed := false
		result := testing.Benchmark(func(b *testing.B) {
			defer func() { failed = failed || b.Failed() }()
			benchmark.F(b)
		})
		assert.False(t, failed, "%s failed", benchmark.Name)
		assert.Positive(t, result.N, benchmark.Name)
		results[benchmark.Name] = result
	}
	for _, s := range Subjects() {
		assert.Contains(t, results, s.Serial())
		assert.Contains(t, results, s.Parallel())
	}
	for _, requests := range Storms {
		extra := results[Storm(requests)].Extra
		assert.Positive(t, extra[PerWaiter])
		assert.Contains(t, extra, PerBareWaiter)
		assert.LessOrEqual(t, extra[LatePerStorm], float64(requests-heldUntil(requests)), "too few requests were sent before the reply")
		assert.EqualValues(t, 1, extra[ExchangesPerStorm])
	}
	for _, c := range Flooded() {
		assert.Contains(t, results[Flood(c)].Extra, FetchesPerRequest)
	}
	for _, r := range Refusals() {
		assert.Contains(t, results, r.Benchmark())
	}
	for _, c := range Remembering() {
		assert.Contains(t, results[Memory(c)].Extra, PerSession)
	}
}

func TestAnExchangeAllocatesNothing(t *testing.T) {
	benchtime(t, "1000x")
	stage := newTestStage(t, 1)
	for _, benchmark := range stage.Benchmarks() {
		if benchmark.Name == (Subject{Name: Handler}).Serial() {
			assert.Zero(t, testing.Benchmark(benchmark.F).AllocsPerOp())
			return
		}
	}
	t.Fatal("there is no benchmark of the handler alone")
}

// benchtime sets the harness's -benchtime until the end of the test.
func benchtime(t *testing.T, d string) {
	t.Helper()
	value := flag.Lookup("test.benchtime").Value
	given := value.String()
	require.NoError(t, value.Set(d))
	t.Cleanup(func() { require.NoError(t, value.Set(given)) })
}
