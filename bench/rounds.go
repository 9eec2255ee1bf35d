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
	"github.com/authkit-go/authkit/bench/server"
)

// floorShare divides the duration of a benchmark: the floor runs for one floorShare-th of it, before and after.
const floorShare = 4

// measurement is the result of one benchmark in one round.
type measurement struct {
	Floor       float64 // the mean time of the floor before and after, in nanoseconds
	Nanoseconds float64 // per operation
	Allocations float64 // per operation
	Bytes       float64 // per operation
	Extra       map[string]float64
}

// round holds the results of one round.
type round struct {
	benchmarks map[string]measurement // that of the floor is the median of its runs in the round
	server     server.Round
	conditions conditions
}

// results holds all rounds.
type results []round

// measure runs the rounds. Each round reverses the order, so that a drift during a round does not always affect the same
// benchmarks.
func measure(ctx context.Context, s settings, stage *contender.Stage, trial *server.Trial) (results, error) {
	benchmarks := stage.Benchmarks()
	at := slices.IndexFunc(benchmarks, func(b contender.Benchmark) bool { return b.Name == floorName })
	floor := benchmarks[at]
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
		r.conditions = between(before, takeSnapshot(procFolder, os.Getpid()))
		all = append(all, r)
		slices.Reverse(benchmarks)
		fmt.Fprintf(os.Stderr, "round %d of %d: other programs used %s of the processors\n", number+1, s.rounds, r.conditions.othersText())
	}
	return all, nil
}

// runRound runs each benchmark once, with the floor between them.
func runRound(ctx context.Context, s settings, benchmarks []contender.Benchmark, floor contender.Benchmark) (round, error) {
	r := round{benchmarks: map[string]measurement{}}
	before, err := runBenchmark(floor, s.benchtime/floorShare)
	if err != nil {
		return r, err
	}
	floors := []float64{before.Nanoseconds}
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
		m.Floor = (before.Nanoseconds + after.Nanoseconds) / 2
		r.benchmarks[b.Name] = m
		floors = append(floors, after.Nanoseconds)
		before = after
	}
	before.Nanoseconds = median(floors)
	before.Floor = before.Nanoseconds
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
	failed := false
	result := testing.Benchmark(func(tb *testing.B) {
		defer func() { failed = failed || tb.Failed() }()
		b.F(tb)
	})
	if failed || result.N == 0 {
		return measurement{}, fmt.Errorf("%s failed; for the reason run go test -run '^$' -bench '^Benchmark/%s$'", b.Name, b.Name)
	}
	fmt.Printf("Benchmark/%s-%d\t%s\t%s\n", b.Name, runtime.GOMAXPROCS(0), result, result.MemString())
	return measurement{
		Nanoseconds: float64(result.T.Nanoseconds()) / float64(result.N),
		Allocations: float64(result.AllocsPerOp()),
		Bytes:       float64(result.AllocedBytesPerOp()),
		Extra:       result.Extra,
	}, nil
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

// nanoseconds returns the time of a benchmark.
func (rs results) nanoseconds(name string) spread {
	return rs.ofEach(func(r round) float64 { return r.benchmarks[name].Nanoseconds })
}

// ratio returns the time of a benchmark, divided by the time of the floor before and after it.
func (rs results) ratio(name string) spread {
	return rs.ofEach(func(r round) float64 { return r.benchmarks[name].Nanoseconds / r.benchmarks[name].Floor })
}

// speedup returns the throughput on all processors, divided by the throughput of one request after the other. Both are
// relative to the floor before and after them.
func (rs results) speedup(s contender.Subject) spread {
	return rs.ofEach(func(r round) float64 {
		serial, parallel := r.benchmarks[s.Serial()], r.benchmarks[s.Parallel()]
		return (serial.Nanoseconds / serial.Floor) / (parallel.Nanoseconds / parallel.Floor)
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
