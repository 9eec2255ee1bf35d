// Slices of a load that several servers get in turns.

package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Result is what a server did under a load.
type Result struct {
	Tally
	Percentiles
	CPU         time.Duration // of the server process, while it got the requests
	Collections uint64        // of garbage, in the server process
	// CPU time beside the server process: of the application behind a proxy, and of the store that it uses.
	Application, Store time.Duration
}

// Throughput returns the requests per second.
func (r Result) Throughput() float64 { return float64(r.Requests) / r.Took.Seconds() }

// CPUPerRequest returns the CPU time of a request, in nanoseconds.
func (r Result) CPUPerRequest() float64 { return float64(r.CPU.Nanoseconds()) / float64(r.Requests) }

// add adds the result of a slice.
func (r *Result) add(s Result) {
	r.Requests += s.Requests
	r.Refreshed += s.Refreshed
	r.Took += s.Took
	r.CPU += s.CPU
	r.Collections += s.Collections
	r.Application += s.Application
	r.Store += s.Store
}

const (
	// sliceTime is about how long a slice is: the servers get requests in turns, so that what disturbs one disturbs the others.
	sliceTime = 200 * time.Millisecond
	minSlices = 2
	// processLimit limits the lifetime of a load process, in addition to its measurement.
	processLimit = time.Minute
	// minWarmup is the least number of requests of each client before the measurement.
	minWarmup = 8
)

// side is one of the servers that are compared.
type side struct {
	target target
	usage  func() (Usage, error)
}

// Turns are the results of several servers that got the same load in turns.
type Turns struct {
	slices  [][]Result // of each turn, for each server
	latency []Percentiles
}

// Sum returns the result of a server in all of its slices.
func (t Turns) Sum(server int) (sum Result) {
	for _, turn := range t.slices {
		sum.add(turn[server])
	}
	sum.Percentiles = t.latency[server]
	return sum
}

// Ratio returns the value of a server divided by that of another one. It is the median of the ratios of their slices of one turn.
func (t Turns) Ratio(server, other int, value func(Result) float64) float64 {
	var ratios []float64
	for _, turn := range t.slices {
		ratios = append(ratios, value(turn[server])/value(turn[other]))
	}
	slices.Sort(ratios)
	return (ratios[(len(ratios)-1)/2] + ratios[len(ratios)/2]) / 2
}

// inTurns sends slices of a load to the servers. Each turn has a slice for each, and begins with another server than the one before.
func (l Load) inTurns(ctx context.Context, processes Processes, measure time.Duration, sides []side) (t Turns, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(len(sides))*measure+processLimit)
	defer cancel()
	generator, err := startProcess(processes(ctx, GenerateProcess))
	if err != nil {
		return t, err
	}
	defer func() {
		if err = errors.Join(err, generator.finish(&t.latency)); err != nil {
			err = fmt.Errorf("%s: %w", l, err)
		}
	}()
	p := plan{Path: publicPath, Protocol: l.Protocol, Clients: l.Concurrency, Warmup: max(minWarmup, 2*Sessions/l.Concurrency)}
	for _, one := range sides {
		p.Targets = append(p.Targets, one.target)
	}
	if l.SignedIn {
		p.Path = signedInPath
	}
	if err := generator.ask(p, new(Tally)); err != nil {
		return t, err
	}
	number := max(minSlices, int(measure/sliceTime))
	for i := range number {
		turn := make([]Result, len(sides))
		for n := range sides {
			which := (i + n) % len(sides)
			if turn[which], err = sides[which].slice(generator, slice{which, measure / time.Duration(number)}); err != nil {
				return t, err
			}
		}
		t.slices = append(t.slices, turn)
	}
	return t, nil
}

// slice lets the generator send requests to this server, and reads the CPU time of its process before and after.
func (s side) slice(generator *process, order slice) (r Result, err error) {
	before, err := s.usage()
	if err != nil {
		return r, err
	}
	if err := generator.ask(order, &r.Tally); err != nil {
		return r, err
	}
	after, err := s.usage()
	r.CPU, r.Collections = after.CPU-before.CPU, after.Collections-before.Collections
	r.Application, r.Store = after.application-before.application, after.store-before.store
	return r, err
}
