// The rounds: each compares all kinds of requests once, with new processes.

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"slices"
	"time"

	"github.com/authkit-go/authkit/bench/compare/order"
)

const (
	// turns is how often each side works on one kind of request in a round.
	turns = 4
	// bursts is how many bursts there are in a turn.
	bursts = 100
	// enough is how many undisturbed bursts a side needs in a round. Turns are added until both have them, but at most
	// maxTurns in all.
	enough   = 40
	maxTurns = 40
)

// cost is what one request costs.
type cost struct{ Nanoseconds, Allocations, Bytes float64 }

// comparison has the costs of one kind of request, before and after, in each round.
type comparison struct {
	kind   order.Order
	rounds [][2]cost
	// undisturbed is the number of undisturbed bursts of both sides in all rounds.
	undisturbed int
}

// addRound runs a round and adds its costs.
func addRound(ctx context.Context, programs [2]string, number int, burst time.Duration, all []comparison) (err error) {
	var sides [2]*process
	for i, program := range programs {
		if sides[i], err = start(ctx, program); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, sides[i].stop()) }()
	}
	for i := range all {
		if err := all[i].add(sides, number%2, burst); err != nil {
			return err
		}
	}
	return nil
}

// add measures this kind of request once. first is the side that begins.
func (c *comparison) add(sides [2]*process, first int, length time.Duration) error {
	kind := c.kind
	kind.Bursts, kind.Requests = bursts, 10
	for range 3 { // the first requests set the sides up, and are slower
		var mean float64
		for _, side := range sides {
			r, err := side.send(kind)
			if err != nil {
				return err
			}
			mean = r.Mean
		}
		kind.Requests = max(2, int(float64(length)/mean))
	}
	var results [2][]order.Result
	var undisturbed [2][]float64
	for turn := 0; turn < turns || turn < maxTurns && min(len(undisturbed[0]), len(undisturbed[1])) < enough; turn++ {
		for _, i := range [2]int{first, 1 - first} {
			if turn%2 == 1 {
				i = 1 - i
			}
			r, err := sides[i].send(kind)
			if err != nil {
				return err
			}
			results[i] = append(results[i], r)
			undisturbed[i] = append(undisturbed[i], r.Nanoseconds...)
		}
	}
	if min(len(undisturbed[0]), len(undisturbed[1])) < enough {
		return fmt.Errorf("other programs have disturbed nearly all bursts of %s on %d processors: run this again when there are fewer", kind.Subject, kind.Processors)
	}
	var costs [2]cost
	for i := range costs {
		costs[i] = cost{
			Nanoseconds: quantile(undisturbed[i], 0.5),
			Allocations: medianOf(results[i], func(r order.Result) float64 { return r.Allocations }),
			Bytes:       medianOf(results[i], func(r order.Result) float64 { return r.Bytes }),
		}
		c.undisturbed += len(undisturbed[i])
	}
	c.rounds = append(c.rounds, costs)
	return nil
}

// medianOf returns the median of a value.
func medianOf[T any](all []T, value func(T) float64) float64 {
	values := make([]float64, len(all))
	for i, one := range all {
		values[i] = value(one)
	}
	return quantile(values, 0.5)
}

// quantile returns a quantile of values, between the two nearest ones, and NaN if there are none.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	at := q * float64(len(sorted)-1)
	low := int(at)
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (at-float64(low))*(sorted[high]-sorted[low])
}

// process is a process that sends requests.
type process struct {
	command *exec.Cmd
	in      io.WriteCloser
	orders  *json.Encoder
	results *json.Decoder
}

func start(ctx context.Context, program string) (*process, error) {
	p := &process{command: exec.CommandContext(ctx, program)}
	p.command.Stderr = os.Stderr
	in, err := p.command.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.in, p.orders, p.results = in, json.NewEncoder(in), json.NewDecoder(out)
	return p, p.command.Start()
}

// send lets the process send requests, and returns what they have cost.
func (p *process) send(o order.Order) (r order.Result, err error) {
	if err := errors.Join(p.orders.Encode(o), p.results.Decode(&r)); err != nil {
		return r, fmt.Errorf("measure %s: %w", o.Subject, err)
	}
	return r, nil
}

// stop ends the process and waits for it.
func (p *process) stop() error { return errors.Join(p.in.Close(), p.command.Wait()) }
