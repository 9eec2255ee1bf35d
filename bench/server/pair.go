// A load that is sent to both servers, in turns.

package server

import (
	"context"
	"fmt"
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

// compare measures a load on both servers, for that time each. With stale sessions, some requests with the middleware refresh
// them.
func (t *Trial) compare(ctx context.Context, l Load, stale []string, measure time.Duration) (Pair, error) {
	var cookies []string
	if l.SignedIn {
		cookies = t.cookies
	}
	turns, err := l.inTurns(ctx, t.processes, measure, []side{
		{target{addresses: t.with.addresses, Cookies: cookies, Stale: stale}, t.with.process.usage},
		{target{addresses: t.without.addresses, Cookies: cookies}, t.without.process.usage},
	})
	if err != nil {
		return Pair{}, err
	}
	return Pair{turns.Sum(0), turns.Sum(1), turns.Ratio(0, 1, Result.CPUPerRequest)}, nil
}
