// Rounds: everything is measured once, and then again.

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

// floorShare is the part of a benchmark's time that the floor gets, before it and after it.
const floorShare = 4

// measurement is one benchmark in one round.
type measurement struct {
	Floor       float64 // what the floor took just before and just after, in nanoseconds
	Nanoseconds float64 // for each operation
	Allocations float64 // likewise
	Bytes       float64 // likewise
	Extra       map[string]float64
}

// round is everything once.
type round struct {
	benchmarks map[string]measurement // the floor is the median of all in the round
	server     server.Round
}

// results are all rounds.
type results []round

// measure makes the rounds. The order within one is turned round each time, so that what a round gets slower by meets
// nobody in particular.
func measure(ctx context.Context, s settings, stage *contender.Stage, trial *server.Trial) (results, error) {
	benchmarks := stage.Benchmarks()
	at := slices.IndexFunc(benchmarks, func(b contender.Benchmark) bool { return b.Name == floorName })
	floor := benchmarks[at]
	benchmarks = slices.Delete(benchmarks, at, at+1)
	describe()
	var all results
	for number := range s.rounds {
		r, err := roundOf(ctx, s, benchmarks, floor)
		if err != nil {
			return nil, err
		}
		if r.server, err = trial.Round(ctx, number, s.measure); err != nil {
			return nil, err
		}
		all = append(all, r)
		slices.Reverse(benchmarks)
		fmt.Fprintf(os.Stderr, "round %d of %d\n", number+1, s.rounds)
	}
	return all, nil
}

// roundOf runs each benchmark once, and the floor between them.
func roundOf(ctx context.Context, s settings, benchmarks []contender.Benchmark, floor contender.Benchmark) (round, error) {
	r := round{benchmarks: map[string]measurement{}}
	before, err := once(floor, s.benchtime/floorShare)
	if err != nil {
		return r, err
	}
	floors := []float64{before.Nanoseconds}
	for _, b := range benchmarks {
		if err := ctx.Err(); err != nil {
			return r, err
		}
		m, err := once(b, s.benchtime)
		if err != nil {
			return r, err
		}
		after, err := once(floor, s.benchtime/floorShare)
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

// describe prints what benchstat wants to know of a run.
func describe() {
	fmt.Printf("goos: %s\ngoarch: %s\npkg: %s\ncpu: %s\n", runtime.GOOS, runtime.GOARCH, module, thisMachine().CPU)
}

// once runs a benchmark for some time and prints what it came to.
func once(b contender.Benchmark, benchtime time.Duration) (measurement, error) {
	if err := flag.Set("test.benchtime", benchtime.String()); err != nil {
		return measurement{}, err
	}
	failed := false
	result := testing.Benchmark(func(tb *testing.B) {
		defer func() { failed = failed || tb.Failed() }()
		b.F(tb)
	})
	if failed || result.N == 0 {
		return measurement{}, fmt.Errorf("%s failed: go test -run '^$' -bench '^Benchmark/%s$' tells why", b.Name, b.Name)
	}
	fmt.Printf("Benchmark/%s-%d\t%s\t%s\n", b.Name, runtime.GOMAXPROCS(0), result, result.MemString())
	return measurement{
		Nanoseconds: float64(result.T.Nanoseconds()) / float64(result.N),
		Allocations: float64(result.AllocsPerOp()),
		Bytes:       float64(result.AllocedBytesPerOp()),
		Extra:       result.Extra,
	}, nil
}

// ofEach is the median of something over the rounds, with the least and the most.
func (rs results) ofEach(value func(round) float64) spread {
	var values []float64
	for _, r := range rs {
		values = append(values, value(r))
	}
	return spread{Median: median(values), Least: slices.Min(values), Most: slices.Max(values)}
}

// spread is what a measurement came to in the rounds.
type spread struct{ Median, Least, Most float64 }

// nanoseconds is the time of a benchmark.
func (rs results) nanoseconds(name string) spread {
	return rs.ofEach(func(r round) float64 { return r.benchmarks[name].Nanoseconds })
}

// ratio is the time of a benchmark in multiples of the floor around it.
func (rs results) ratio(name string) spread {
	return rs.ofEach(func(r round) float64 { return r.benchmarks[name].Nanoseconds / r.benchmarks[name].Floor })
}

// speedup is how many times as many requests are served on all processors as one after the other, each held against the
// floor around it.
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

// median is the middle of values, or the mean of the two in the middle.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) == 0 {
		return 0
	}
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}
