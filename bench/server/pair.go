// A load that is sent to both servers, in turns.

package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Protocol is the version of HTTP.
type Protocol string

// The protocols.
const (
	HTTP1 Protocol = "HTTP/1.1"
	HTTP2 Protocol = "HTTP/2" // over TLS
)

// StreamsPerConnection is the number of requests that share a connection of HTTP/2 at a time.
const StreamsPerConnection = 4

// Concurrencies are the numbers of requests that are sent at a time.
var Concurrencies = []int{16, 256}

// Load is a kind of load.
type Load struct {
	SignedIn    bool // the page for signed-in users, with a session. Otherwise the public page, without one.
	Protocol    Protocol
	Concurrency int
}

// RefreshingLoad is the load of which some requests refresh a session.
var RefreshingLoad = Load{SignedIn: true, Protocol: HTTP1, Concurrency: Concurrencies[0]}

// Loads returns all loads.
func Loads() (all []Load) {
	for _, signedIn := range []bool{true, false} {
		for _, protocol := range []Protocol{HTTP1, HTTP2} {
			for _, concurrency := range Concurrencies {
				all = append(all, Load{signedIn, protocol, concurrency})
			}
		}
	}
	return all
}

// String returns a description, for example "signed-in page over HTTP/2 on 16 streams".
func (l Load) String() string {
	page, at := "public page", "connections"
	if l.SignedIn {
		page = "signed-in page"
	}
	if l.Protocol == HTTP2 {
		at = "streams"
	}
	return fmt.Sprintf("%s over %s on %d %s", page, l.Protocol, l.Concurrency, at)
}

// Pair is the result of a load with the middleware and without it.
type Pair struct {
	With, Without Result
	// CPURatio is the CPU time of a request with the middleware, divided by that without it. It is the median of the ratios
	// of two slices that follow one another.
	CPURatio float64
}

// Result is what a server did under a load.
type Result struct {
	Tally
	Percentiles
	CPU         time.Duration // of the server process, while it got the requests
	Collections uint64        // of garbage, in the server process
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
}

const (
	// sliceTime is about how long a slice is: the two servers get requests in turns, so that what disturbs one disturbs the other.
	sliceTime = 200 * time.Millisecond
	minSlices = 2
	// processLimit limits the lifetime of a load process, in addition to its measurement.
	processLimit = time.Minute
	// minWarmup is the least number of requests of each client before the measurement.
	minWarmup = 8
)

// compare measures a load on both servers, for that time each. With stale sessions, some requests with the middleware refresh
// them.
func (t *Trial) compare(ctx context.Context, l Load, stale []string, measure time.Duration) (Pair, error) {
	var cookies []string
	if l.SignedIn {
		cookies = t.cookies
	}
	results, ratio, err := t.inTurns(ctx, l, measure, [2]side{
		{target{t.with.addresses, cookies, stale}, t.with.process.usage},
		{target{t.without.addresses, cookies, nil}, t.without.process.usage},
	})
	return Pair{results[0], results[1], ratio}, err
}

// side is one of two servers that are compared.
type side struct {
	target target
	usage  func() (Usage, error)
}

// inTurns sends slices of a load to the two servers. Each second pair of slices begins with the other server. It returns the
// results of both, and the median of the ratios of their CPU time.
func (t *Trial) inTurns(ctx context.Context, l Load, measure time.Duration, sides [2]side) (sums [2]Result, ratio float64, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*measure+processLimit)
	defer cancel()
	generator, err := startProcess(t.processes(ctx, GenerateProcess))
	if err != nil {
		return sums, 0, err
	}
	var latency [2]Percentiles
	defer func() {
		if err = errors.Join(err, generator.finish(&latency)); err != nil {
			err = fmt.Errorf("%s: %w", l, err)
		}
		sums[0].Percentiles, sums[1].Percentiles = latency[0], latency[1]
	}()
	p := plan{
		Targets: []target{sides[0].target, sides[1].target}, Path: publicPath, Protocol: l.Protocol,
		Clients: l.Concurrency, Warmup: max(minWarmup, 2*Sessions/l.Concurrency),
	}
	if l.SignedIn {
		p.Path = signedInPath
	}
	if err := generator.ask(p, new(Tally)); err != nil {
		return sums, 0, err
	}
	number := max(minSlices, int(measure/sliceTime))
	var ratios []float64
	for i := range number {
		var cost [2]float64
		for _, which := range [2]int{i % 2, 1 - i%2} {
			r, err := sides[which].slice(generator, slice{which, measure / time.Duration(number)})
			if err != nil {
				return sums, 0, err
			}
			sums[which].add(r)
			cost[which] = r.CPUPerRequest()
		}
		ratios = append(ratios, cost[0]/cost[1])
	}
	slices.Sort(ratios)
	return sums, (ratios[(number-1)/2] + ratios[number/2]) / 2, nil
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
	return r, err
}
