// The rounds: each measures everything once.

package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/authkit-go/authkit/bench/contender"
	"github.com/authkit-go/authkit/bench/cputime"
	"github.com/authkit-go/authkit/bench/server"
)

// floorShare divides the duration of a benchmark: the floor runs for one floorShare-th of it, before and after.
const floorShare = 4

// cpuMetric is the unit of the CPU time in the lines for benchstat.
const cpuMetric = "cpu-ns/op"

// measurement is the result of one benchmark in one round.
type measurement struct {
	Floor       float64 // the mean CPU time of the floor before and after, in nanoseconds
	CPU         float64 // process CPU time per operation, in nanoseconds
	Nanoseconds float64 // elapsed time per operation
	Allocations float64 // per operation
	Bytes       float64 // per operation
	Extra       map[string]float64
}

// round holds the results of one round.
type round struct {
	benchmarks map[string]measurement // that of the floor is the median of its runs in the round
	server     server.Round
	conditions conditions
	proxy      *server.ProxyRound // nil without -oauth2-proxy
}

// results holds all rounds.
type results []round

// measure runs the rounds. Each round reverses the order, so that a drift during a round does not always affect the same
// benchmarks.
func measure(ctx context.Context, s settings, stage *contender.Stage, trial *server.Trial, proxy *server.Proxy) (results, error) {
	benchmarks := stage.Benchmarks()
	at := slices.IndexFunc(benchmarks, func(b contender.Benchmark) bool { return b.Name == floorName })
	floor := benchmarks[at]
	if err := setUp(ctx, benchmarks); err != nil {
		return nil, err
	}
	benchmarks = slices.Delete(benchmarks, at, at+1)
	printConfiguration()
	var all results
	for number := range s.rounds {
		before := takeSnapshot(procFolder, os.Getpid())
		r, err := runRound(ctx, s, benchmarks, floor)
		if err != nil {
			return nil, err
		}
		if r.server, err = trial.Round(ctx, number, s.measure); err != nil {
			return nil, err
		}
		if proxy != nil {
			measured, err := proxy.Round(ctx, s.measure)
			if err != nil {
				return nil, err
			}
			r.proxy = &measured
		}
		r.conditions = between(before, takeSnapshot(procFolder, os.Getpid()))
		all = append(all, r)
		slices.Reverse(benchmarks)
		fmt.Fprintf(os.Stderr, "round %d of %d: other programs used %s of the processors\n", number+1, s.rounds, r.conditions.othersText())
	}
	return all, nil
}

// setUp runs each benchmark once without measuring it, because the first run of a benchmark creates its sessions.
func setUp(ctx context.Context, benchmarks []contender.Benchmark) error {
	if err := flag.Set("test.benchtime", "1x"); err != nil {
		return err
	}
	for _, b := range benchmarks {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, _, err := execute(b); err != nil {
			return err
		}
	}
	return nil
}

// runRound runs each benchmark once, with the floor between them.
func runRound(ctx context.Context, s settings, benchmarks []contender.Benchmark, floor contender.Benchmark) (round, error) {
	r := round{benchmarks: map[string]measurement{}}
	before, err := runBenchmark(floor, s.benchtime/floorShare)
	if err != nil {
		return r, err
	}
	floors := []float64{before.CPU}
	for _, b := range benchmarks {
		if err := ctx.Err(); err != nil {
			return r, err
		}
		m, err := runBenchmark(b, s.benchtime)
		if err != nil {
			return r, err
		}
		after, err := runBenchmark(floor, s.benchtime/floorShare)
		if err != nil {
			return r, err
		}
		m.Floor = (before.CPU + after.CPU) / 2
		r.benchmarks[b.Name] = m
		floors = append(floors, after.CPU)
		before = after
	}
	before.CPU = median(floors)
	before.Floor = before.CPU
	r.benchmarks[floor.Name] = before
	return r, nil
}

var floorName = contender.Subject{Name: contender.Floor}.Serial()

// printConfiguration prints the configuration lines for benchstat.
func printConfiguration() {
	fmt.Printf("goos: %s\ngoarch: %s\npkg: %s\ncpu: %s\n", runtime.GOOS, runtime.GOARCH, module, thisMachine().CPU)
}

// runBenchmark runs a benchmark for the given time and prints the result.
func runBenchmark(b contender.Benchmark, benchtime time.Duration) (measurement, error) {
	if err := flag.Set("test.benchtime", benchtime.String()); err != nil {
		return measurement{}, err
	}
	result, cpu, err := execute(b)
	if err != nil {
		return measurement{}, err
	}
	perOperation := float64(cpu.Nanoseconds()) / float64(result.N)
	if result.Extra == nil {
		result.Extra = map[string]float64{}
	}
	result.Extra[cpuMetric] = perOperation
	fmt.Printf("Benchmark/%s-%d\t%s\t%s\n", b.Name, runtime.GOMAXPROCS(0), result, result.MemString())
	return measurement{
		CPU:         perOperation,
		Nanoseconds: float64(result.T.Nanoseconds()) / float64(result.N),
		Allocations: float64(result.AllocsPerOp()),
		Bytes:       float64(result.AllocedBytesPerOp()),
		Extra:       result.Extra,
	}, nil
}

// execute runs a benchmark, and returns its result and the CPU time of all its operations.
func execute(b contender.Benchmark) (result testing.BenchmarkResult, cpu time.Duration, err error) {
	failed := false
	result = testing.Benchmark(func(tb *testing.B) {
		defer func() { failed = failed || tb.Failed() }()
		began := cputime.Self()
		b.F(tb)
		cpu = cputime.Self() - began // of the last call, which is the one that counts
	})
	if failed || result.N == 0 {
		return result, 0, fmt.Errorf("%s failed; for the reason run go test -run '^$' -bench '^Benchmark/%s$'", b.Name, b.Name)
	}
	return result, cpu, nil
}

// ofEach returns the median of a value over the rounds, with its minimum and maximum.
func (rs results) ofEach(value func(round) float64) spread {
	var values []float64
	for _, r := range rs {
		values = append(values, value(r))
	}
	return spread{Median: median(values), Min: slices.Min(values), Max: slices.Max(values)}
}

// spread is a measurement over all rounds.
type spread struct{ Median, Min, Max float64 }

// nanoseconds returns the elapsed time of a benchmark.
func (rs results) nanoseconds(name string) spread {
	return rs.ofEach(func(r round) float64 { return r.benchmarks[name].Nanoseconds })
}

// cpu returns the CPU time of a benchmark.
func (rs results) cpu(name string) spread {
	return rs.ofEach(func(r round) float64 { return r.benchmarks[name].CPU })
}

// ratio returns the CPU time of a benchmark, divided by the CPU time of the floor before and after it.
func (rs results) ratio(name string) spread {
	return rs.ofEach(func(r round) float64 { return r.benchmarks[name].CPU / r.benchmarks[name].Floor })
}

// scaling returns the CPU time of a request when all processors are busy, divided by that of one request after the other. Both are
// relative to the floor before and after them.
func (rs results) scaling(s contender.Subject) spread {
	return rs.ofEach(func(r round) float64 {
		serial, parallel := r.benchmarks[s.Serial()], r.benchmarks[s.Parallel()]
		return (parallel.CPU / parallel.Floor) / (serial.CPU / serial.Floor)
	})
}

func (rs results) allocations(name string) float64 {
	return rs.ofEach(func(r round) float64 { return r.benchmarks[name].Allocations }).Median
}

func (rs results) bytes(name string) float64 {
	return rs.ofEach(func(r round) float64 { return r.benchmarks[name].Bytes }).Median
}

func (rs results) extra(name, unit string) spread {
	return rs.ofEach(func(r round) float64 { return r.benchmarks[name].Extra[unit] })
}

// median returns the middle value, or the mean of the two middle values.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) == 0 {
		return 0
	}
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}
