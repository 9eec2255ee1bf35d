// The limits that authkit should meet.

package main

import (
	"fmt"
	"runtime"

	"github.com/authkit-go/authkit/bench/contender"
	"github.com/authkit-go/authkit/bench/server"
)

// limit is one limit.
type limit struct {
	What     string
	Limit    float64
	Measured func(results) spread
	Show     func(float64) string
}

// maxScaling is how much more CPU time a request may take when all processors are busy. It corresponds to 90 % of the throughput
// that processors without influence on one another would have.
const maxScaling = 1.11

// maxStorm is the CPU time of a request of a storm, relative to the floor. It is 7 µs on a machine whose floor takes 24 µs.
const maxStorm = 0.29

// atMost returns the upper limits. Sizes are the same in every round.
func atMost(sizes contender.Sizes) []limit {
	serial := func(name string) string { return contender.Subject{Name: name}.Serial() }
	ratio := func(name string) func(results) spread {
		return func(rs results) spread { return rs.ratio(serial(name)) }
	}
	of := func(value func(results) float64) func(results) spread {
		return func(rs results) spread {
			v := value(rs)
			return spread{v, v, v}
		}
	}
	allocations := func(name string) func(results) spread {
		return of(func(rs results) float64 { return rs.allocations(serial(name)) })
	}
	requests := contender.Storms[len(contender.Storms)-1]
	storm := contender.Storm(requests)
	return []limit{
		{"Warm: time", 0.018, ratio(contender.Warm), times},
		{"Warm: allocations", 2, allocations(contender.Warm), whole},
		{"Warm, the profile is read: allocations", 2, allocations(contender.WarmProfile), whole},
		{"Warm, the profile with metadata is read: allocations", 4, allocations(contender.WarmMetadata), whole},
		{"Warm: allocated", 512, of(func(rs results) float64 { return rs.bytes(serial(contender.Warm)) }), size},
		{"Cold: time", 1.75, ratio(contender.Cold), times},
		{"Cold: allocations", 42, allocations(contender.Cold), whole},
		{"Cold, compact seal: time", 1.55, ratio(contender.Compact), times},
		{"Cold, compact seal: allocations", 42, allocations(contender.Compact), whole},
		{"Cold, compact seal: allocated", 10 << 10, of(func(rs results) float64 { return rs.bytes(serial(contender.Compact)) }), size},
		{"Cookie header, compact seal", 1900, of(func(results) float64 { return float64(sizes.Compact) }), size},
		{"Cache off: time", 1.75, ratio(contender.Uncached), times},
		{"Cache off: allocations", 42, allocations(contender.Uncached), whole},
		{"Anonymous: time", 0.01, ratio(contender.Anonymous), times},
		{"Bearer, the same token: time", 0.025, ratio(contender.BearerAgain), times},
		{"Bearer, the same token: allocations", 2, allocations(contender.BearerAgain), whole},
		{"Resource, the same token: time", 0.025, ratio(contender.ResourceAgain), times},
		{"Resource, the same token with scopes: time", 0.025, ratio(contender.ResourceScope), times},
		{"Resource, new tokens: time", 1.3, ratio(contender.ResourceNew), times},
		{"Memory of a cached session", 4608, func(rs results) spread {
			return rs.extra(contender.Memory(contender.Remembering()[0]), contender.PerSession)
		}, size},
		{fmt.Sprintf("A storm of %s requests: exchanges", thousands(requests)), 1, func(rs results) spread {
			return rs.extra(storm, contender.ExchangesPerStorm)
		}, whole},
		{fmt.Sprintf("A storm of %s requests: CPU time per request", thousands(requests)), maxStorm, func(rs results) spread {
			return rs.ofEach(func(r round) float64 {
				return r.benchmarks[storm].Extra[contender.PerWaiter] / r.benchmarks[storm].Floor
			})
		}, times},
		{fmt.Sprintf("A storm of %s requests: allocated per request", thousands(requests)), 1700, of(func(rs results) float64 { return rs.bytes(storm) / float64(requests) }), size},
	}
}

// ofServers returns the limits of whole servers.
func ofServers() (limits []limit) {
	for _, l := range server.Loads() {
		if !l.SignedIn {
			continue
		}
		limits = append(limits, limit{fmt.Sprintf("A whole server, %s: CPU per request relative to no middleware", l), 1.15, func(rs results) spread {
			return rs.cpuOfServer(func(r server.Round) server.Pair { return r.Pairs[l] })
		}, times})
	}
	return limits
}

// ofScaling returns the limits of the CPU time of a request when all processors are busy.
func ofScaling() []limit {
	scaling := func(name string) func(results) spread {
		return func(rs results) spread { return rs.scaling(contender.Subject{Name: name}) }
	}
	on := fmt.Sprintf("CPU per request on %d processors, relative to one request at a time", runtime.GOMAXPROCS(0))
	return []limit{
		{"Warm: " + on, maxScaling, scaling(contender.Warm), times},
		{"Cold: " + on, maxScaling, scaling(contender.Cold), times},
	}
}
