// oauth2-proxy in front of the application without the middleware, which is another way to authenticate requests.

package server

import (
	"context"
	"errors"
	"os/exec"
	"time"

	"github.com/authkit-go/authkit/bench/cputime"
)

// ProxyLoad is the load that is measured through oauth2-proxy too.
var ProxyLoad = RefreshingLoad

// ProxyRound is the result of [ProxyLoad] in one round, with authkit in the server and with oauth2-proxy in front of a server
// without it.
type ProxyRound struct {
	Authkit, Proxy Result // the CPU time of Proxy is that of both processes
	// CPURatio is the CPU time of a request with oauth2-proxy, divided by that with authkit.
	CPURatio float64
	// The resident memory of the processes, in bytes.
	AuthkitMemory, ProxyMemory, UpstreamMemory float64
}

// Proxy is an oauth2-proxy with signed-in users, in front of the application of a trial.
type Proxy struct {
	*Door
	trial *Trial
}

// StartProxy starts oauth2-proxy in front of the application without the middleware, and signs users in through it.
func (t *Trial) StartProxy(ctx context.Context, program string) (*Proxy, error) {
	d, err := StartOAuth2Proxy(ctx, program, t.with.fake.URL(), "http://"+t.without.addresses.HTTP)
	if err != nil {
		return nil, err
	}
	t.with.clock.Set(time.Now())
	if err := d.SignIn(ProxyLoad.Concurrency); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return &Proxy{d, t}, nil
}

// Close stops oauth2-proxy. It does nothing for a nil Proxy.
func (p *Proxy) Close() error {
	if p == nil {
		return nil
	}
	return p.Door.Close()
}

// Round measures the load for the given time, with oauth2-proxy and with authkit in turns.
func (p *Proxy) Round(ctx context.Context, measure time.Duration) (r ProxyRound, err error) {
	t := p.trial
	turns, err := ProxyLoad.inTurns(ctx, t.processes, measure, []side{
		{target{addresses: addresses{HTTP: p.address}, Cookies: p.cookies}, p.usage},
		{target{addresses: t.with.addresses, Cookies: t.cookies}, t.with.process.usage},
	})
	if err != nil {
		return r, err
	}
	r.Proxy, r.Authkit, r.CPURatio = turns.Sum(0), turns.Sum(1), turns.Ratio(0, 1, Result.CPUPerRequest)
	for _, one := range []struct {
		into *float64
		cmd  *exec.Cmd
	}{{&r.ProxyMemory, p.cmd}, {&r.UpstreamMemory, t.without.process.cmd}, {&r.AuthkitMemory, t.with.process.cmd}} {
		resident, memoryErr := residentMemory(one.cmd.Process.Pid)
		*one.into, err = resident, errors.Join(err, memoryErr)
	}
	return r, err
}

// usage returns what the application has used, with the CPU time of oauth2-proxy added.
func (p *Proxy) usage() (Usage, error) {
	u, err := p.trial.without.process.usage()
	if err != nil {
		return u, err
	}
	own, err := cputime.Of(p.cmd.Process.Pid)
	u.CPU += own
	return u, err
}
