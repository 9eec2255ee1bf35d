// oauth2-proxy, which is measured only with a flag, because its program must be built from another module.

package main

import (
	"context"
	"errors"
	"os"

	"github.com/authkit-go/authkit/bench/server"
)

// startProxy builds oauth2-proxy and starts it in front of the application of a trial.
func startProxy(ctx context.Context, trial *server.Trial) (p *server.Proxy, err error) {
	folder, err := os.MkdirTemp("", "oauth2-proxy")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	program, err := server.BuildProxy(ctx, folder)
	if err != nil {
		return nil, err
	}
	return trial.StartProxy(ctx, program)
}

// proxyPart is the data of the page about oauth2-proxy.
type proxyPart struct {
	Load, Version, CPURatio, Range string
	Lines                          []proxyLine
}

type proxyLine struct{ Title, CPU, Throughput, P99, Memory string }

// newProxyPart returns nil if oauth2-proxy was not measured.
func newProxyPart(rs results) *proxyPart {
	if rs[0].proxy == nil {
		return nil
	}
	of := func(value func(server.ProxyRound) float64) float64 {
		return rs.ofEach(func(r round) float64 { return value(*r.proxy) }).Median
	}
	line := func(title string, side func(server.ProxyRound) server.Result, memory string) proxyLine {
		return proxyLine{
			Title:      title,
			CPU:        duration(of(func(r server.ProxyRound) float64 { return side(r).CPUPerRequest() })),
			Throughput: whole(of(func(r server.ProxyRound) float64 { return side(r).Throughput() })),
			P99:        duration(of(func(r server.ProxyRound) float64 { return nanoseconds(side(r).P99) })),
			Memory:     memory,
		}
	}
	ratio := rs.ofEach(func(r round) float64 { return r.proxy.CPURatio })
	return &proxyPart{
		Load: server.ProxyLoad.String(), Version: server.ProxyVersion, CPURatio: times(ratio.Median), Range: ranged(ratio, times),
		Lines: []proxyLine{
			line("authkit in the server", func(r server.ProxyRound) server.Result { return r.Authkit },
				megabytes(of(func(r server.ProxyRound) float64 { return r.AuthkitMemory }))),
			line("oauth2-proxy in front of the server", func(r server.ProxyRound) server.Result { return r.Proxy },
				megabytes(of(func(r server.ProxyRound) float64 { return r.ProxyMemory }))+" + "+
					megabytes(of(func(r server.ProxyRound) float64 { return r.UpstreamMemory }))),
		},
	}
}
