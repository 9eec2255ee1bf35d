// The section of the page about whole servers.

package main

import (
	"github.com/authkit-go/authkit/bench/server"
)

// serverPart is the data of the section.
type serverPart struct {
	CPU     []cpuLine
	Latency []latencyLine
	Proxy   *proxyPart // nil if it was not measured

	Streams, Sessions                   int
	Refreshes                           string // percent
	Archive, HeapWith, HeapWithout      string
	GOGC                                uint64
	CollectionsWith, CollectionsWithout string // per 10 000 requests
}

type cpuLine struct{ Title, Without, With, Ratio, Range string }

// latencyLine has cells without authkit and with it, separated.
type latencyLine struct{ Title, Throughput, P50, P95, P99 string }

func newServerPart(rs results) serverPart {
	p := serverPart{Streams: server.StreamsPerConnection, Sessions: server.Sessions, Archive: megabytes(server.ArchiveSize), Proxy: newProxyPart(rs)}
	for _, l := range server.Loads() {
		p.add(rs, l.String(), func(r server.Round) server.Pair { return r.Pairs[l] })
	}
	refreshing := func(r server.Round) server.Pair { return r.Refreshing }
	p.add(rs, server.RefreshingLoad.String()+", with refreshes", refreshing)
	of := func(value func(server.Round) float64) float64 {
		return rs.ofEach(func(r round) float64 { return value(r.server) }).Median
	}
	p.Refreshes = significant(of(func(r server.Round) float64 {
		return 100 * float64(r.Refreshing.With.Refreshed) / float64(r.Refreshing.With.Requests)
	}), 2)
	p.HeapWith = megabytes(of(func(r server.Round) float64 { return float64(r.With.Heap) }))
	p.HeapWithout = megabytes(of(func(r server.Round) float64 { return float64(r.Without.Heap) }))
	p.GOGC = rs[0].server.With.GOGC
	collections := func(l server.Result) float64 { return 10_000 * float64(l.Collections) / float64(l.Requests) }
	first := server.Loads()[0]
	p.CollectionsWith = significant(of(func(r server.Round) float64 { return collections(r.Pairs[first].With) }), 2)
	p.CollectionsWithout = significant(of(func(r server.Round) float64 { return collections(r.Pairs[first].Without) }), 2)
	return p
}

// add adds a load to both tables.
func (p *serverPart) add(rs results, title string, pair func(server.Round) server.Pair) {
	of := func(side func(server.Pair) server.Result, value func(server.Result) float64) float64 {
		return rs.ofEach(func(r round) float64 { return value(side(pair(r.server))) }).Median
	}
	with := func(p server.Pair) server.Result { return p.With }
	without := func(p server.Pair) server.Result { return p.Without }
	both := func(show func(float64) string, value func(server.Result) float64) string {
		return show(of(without, value)) + " | " + show(of(with, value))
	}
	ratio := rs.cpuOfServer(pair)
	p.CPU = append(p.CPU, cpuLine{
		Title:   title,
		Without: duration(of(without, server.Result.CPUPerRequest)), With: duration(of(with, server.Result.CPUPerRequest)),
		Ratio: times(ratio.Median), Range: ranged(ratio, times),
	})
	p.Latency = append(p.Latency, latencyLine{
		Title:      title,
		Throughput: both(whole, server.Result.Throughput),
		P50:        both(duration, func(r server.Result) float64 { return nanoseconds(r.P50) }),
		P95:        both(duration, func(r server.Result) float64 { return nanoseconds(r.P95) }),
		P99:        both(duration, func(r server.Result) float64 { return nanoseconds(r.P99) }),
	})
}

// cpuOfServer returns the CPU time of a request with authkit, divided by that without it.
func (rs results) cpuOfServer(pair func(server.Round) server.Pair) spread {
	return rs.ofEach(func(r round) float64 { return pair(r.server).CPURatio })
}
