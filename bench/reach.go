// The reach: what authkit is meant to keep to, and whether it does.

package main

import (
	"fmt"
	"runtime"

	"github.com/authkit-go/authkit/bench/contender"
	"github.com/authkit-go/authkit/bench/server"
)

// limit is something that authkit is meant to keep to.
type limit struct {
	What     string
	Limit    float64
	Measured func(results) spread
	Show     func(float64) string
}

// parallelShare is the part of what processors could serve together that is to be reached.
const parallelShare = 0.9

// atMost are the limits that are not to be exceeded.
func atMost() []limit {
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
	storm := contender.Storm(contender.Storms[len(contender.Storms)-1])
	return []limit{
		{"Warm: time", 0.05, ratio(contender.Warm), times},
		{"Warm: allocations", 3, allocations(contender.Warm), whole},
		{"Warm: allocated", 512, of(func(rs results) float64 { return rs.bytes(serial(contender.Warm)) }), size},
		{"Cold: time", 1.9, ratio(contender.Cold), times},
		{"Cold: allocations", 100, allocations(contender.Cold), whole},
		{"Cache off: time", 1.9, ratio(contender.Uncached), times},
		{"Cache off: allocations", 100, allocations(contender.Uncached), whole},
		{"Anonymous: time", 0.01, ratio(contender.Anonymous), times},
		{"Anonymous: allocations beyond the handler's own", 0, of(func(rs results) float64 {
			return rs.allocations(serial(contender.Anonymous)) - rs.allocations(serial(contender.Handler))
		}), whole},
		{"Memory of a cached session", 6 << 10, func(rs results) spread {
			return rs.extra(contender.Memory(contender.Remembering()[0]), contender.PerSession)
		}, size},
		{fmt.Sprintf("A storm of %s requests: exchanges", thousands(contender.Storms[len(contender.Storms)-1])), 1, func(rs results) spread {
			return rs.extra(storm, contender.ExchangesPerStorm)
		}, whole},
		{"The same: overhead for each waiter", 20_000, func(rs results) spread { return rs.extra(storm, contender.PerWaiter) }, duration},
	}
}

// atLeast are the limits that are to be reached.
func atLeast() []limit {
	processors := float64(runtime.GOMAXPROCS(0))
	speedup := func(name string) func(results) spread {
		return func(rs results) spread { return rs.speedup(contender.Subject{Name: name}) }
	}
	on := fmt.Sprintf("on %d processors, to one after the other", runtime.GOMAXPROCS(0))
	return []limit{
		{"Warm: throughput " + on, parallelShare * processors, speedup(contender.Warm), times},
		{"Cold: throughput " + on, parallelShare * processors, speedup(contender.Cold), times},
		{"A whole server, signed in: throughput to that without the middleware", 0.9, func(rs results) spread {
			return rs.ofEach(func(r round) float64 { return server.Pair.Ratio(r.server.SignedIn) })
		}, times},
	}
}
