// The process that generates the load.

package server

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// plan describes a load: as many clients for each target as requests are sent at a time. Each client sends a request, waits for
// the response, and sends the next.
type plan struct {
	Targets  []target `json:"targets"`
	Path     string   `json:"path"`
	Protocol Protocol `json:"protocol"`
	Clients  int      `json:"clients"` // of each target
	// Warmup is the number of requests of each client before the measurement.
	Warmup int `json:"warmup"`
}

// target is a server.
type target struct {
	addresses
	Cookies []string `json:"cookies"` // Cookie headers, distributed over the connections; empty for anonymous requests
	// Stale are Cookie headers of sessions that must be refreshed. One request in RefreshEvery has one of them, until all
	// are used.
	Stale []string `json:"stale"`
	// Status is that of every response, 200 if it is 0. A response with another one may set cookies.
	Status int `json:"status"`
}

// slice is an order to send requests to one of the targets for some time.
type slice struct {
	Target  int           `json:"target"`
	Measure time.Duration `json:"measure"`
}

// Tally is the result of a slice.
type Tally struct {
	Requests  int           `json:"requests"`
	Refreshed int           `json:"refreshed"` // requests that refreshed a session
	Took      time.Duration `json:"took"`
}

// Percentiles are those of the time from the first byte of a request to the last byte of its response.
type Percentiles struct {
	P50 time.Duration `json:"p50"`
	P95 time.Duration `json:"p95"`
	P99 time.Duration `json:"p99"`
}

// RefreshEvery is the number of requests for each refresh of a session. authkit refreshes a token after four minutes, so
// the value corresponds to users who send a request every 2.4 seconds.
const RefreshEvery = 100

// deadline limits a request, so that a server that hangs ends the run.
const deadline = 30 * time.Second

// Generate reads a plan, connects to its targets and sends the requests of the warm-up. It writes an empty tally when it is
// ready, and one for each slice that it reads. When its input ends, it writes the percentiles of each target. A response
// with another status than that of its target is an error.
func Generate(in io.Reader, out io.Writer) error {
	orders, results := json.NewDecoder(in), json.NewEncoder(out)
	var p plan
	if err := orders.Decode(&p); err != nil {
		return fmt.Errorf("read the plan: %w", err)
	}
	crews := make([]crew, len(p.Targets))
	for i, t := range p.Targets {
		c, err := p.connect(t)
		if err != nil {
			return err
		}
		defer c.close()
		if err := c.warmUp(p.Warmup); err != nil {
			return err
		}
		crews[i] = c
	}
	if err := results.Encode(Tally{}); err != nil {
		return err
	}
	for {
		var s slice
		if err := orders.Decode(&s); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return fmt.Errorf("read a slice: %w", err)
		}
		t, err := crews[s.Target].send(s.Measure)
		if err != nil {
			return err
		}
		if err := results.Encode(t); err != nil {
			return err
		}
	}
	all := make([]Percentiles, len(crews))
	for i, c := range crews {
		all[i] = c.percentiles()
	}
	return results.Encode(all)
}

// crew are the clients of one target.
type crew []*client

// connect returns the clients of a target, which have their connections.
func (p plan) connect(t target) (crew, error) {
	var c crew
	for i := range p.Clients {
		one := &client{took: make([]time.Duration, 0, 1<<12), stale: share(t.Stale, i, p.Clients), mayGetCookies: t.Status != 0}
		c = append(c, one)
		var err error
		if p.Protocol == HTTP2 {
			connection := i / StreamsPerConnection
			if i%StreamsPerConnection == 0 {
				one.exchanger, err = newHTTP2(t.addresses, p.Path)
			} else {
				one.exchanger = c[i-1].exchanger
			}
			one.cookies = share(t.Cookies, connection, len(t.Cookies))
		} else {
			one.exchanger, err = dialHTTP1(t.HTTP, p.Path, cmp.Or(t.Status, http.StatusOK))
			one.cookies = share(t.Cookies, i, min(p.Clients, len(t.Cookies)))
		}
		if err != nil {
			c.close()
			return nil, err
		}
	}
	return c, nil
}

// share returns the part of a slice for one of several connections. More connections than parts get the first parts again.
func share(of []string, connection, parts int) (own []string) {
	if parts == 0 {
		return nil
	}
	for i := connection % parts; i < len(of); i += parts {
		own = append(own, of[i])
	}
	return own
}

func (c crew) close() {
	for _, one := range c {
		if one.exchanger != nil {
			one.exchanger.close()
		}
	}
}

// warmUp sends requests that do not count. The first client of a connection opens it before the others use it.
func (c crew) warmUp(requests int) error {
	for _, one := range c {
		if err := one.request(); err != nil {
			return err
		}
	}
	err := c.each(func(one *client) error {
		for range requests {
			if err := one.request(); err != nil {
				return err
			}
		}
		return nil
	})
	for _, one := range c {
		one.took, one.measured = one.took[:0], true
	}
	return err
}

// send sends requests for that time, and at least one from each client.
func (c crew) send(measure time.Duration) (t Tally, err error) {
	count := func() (requests, refreshed int) {
		for _, one := range c {
			requests, refreshed = requests+len(one.took), refreshed+one.refreshed
		}
		return requests, refreshed
	}
	requests, refreshed := count()
	began := time.Now()
	err = c.each(func(one *client) error {
		for {
			if err := one.request(); err != nil || time.Since(began) >= measure {
				return err
			}
		}
	})
	t.Took = time.Since(began)
	t.Requests, t.Refreshed = count()
	t.Requests, t.Refreshed = t.Requests-requests, t.Refreshed-refreshed
	return t, err
}

// each calls a function for all clients at the same time.
func (c crew) each(f func(*client) error) error {
	errs := make([]error, len(c))
	var done sync.WaitGroup
	for i, one := range c {
		done.Go(func() { errs[i] = f(one) })
	}
	done.Wait()
	return errors.Join(errs...)
}

func (c crew) percentiles() Percentiles {
	var took []time.Duration
	for _, one := range c {
		took = append(took, one.took...)
	}
	slices.Sort(took)
	return Percentiles{percentile(took, 50), percentile(took, 95), percentile(took, 99)}
}

// percentile returns the smallest of the sorted durations that p percent of them do not exceed.
func percentile(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(len(sorted)*p+99)/100-1]
}

// exchanger sends a request with a Cookie header, unless it is empty, and reads the response. It reports whether the
// response sets a cookie.
type exchanger interface {
	exchange(cookie string) (setsCookie bool, err error)
	close()
}

// client sends one request at a time. Several sessions may share it.
type client struct {
	exchanger exchanger
	cookies   []string
	stale     []string        // not sent yet
	sent      int             // number of requests
	took      []time.Duration // of each measured request
	// mayGetCookies is true if responses set cookies that are no session.
	mayGetCookies bool
	// measured is false during the warm-up, which refreshes no session.
	measured  bool
	refreshed int
}

// cookie returns the Cookie header of the next request, and whether its session is stale.
func (c *client) cookie() (cookie string, stale bool) {
	c.sent++
	switch {
	case len(c.stale) > 0 && c.measured && c.sent%RefreshEvery == 0:
		cookie, c.stale = c.stale[0], c.stale[1:]
		return cookie, true
	case len(c.cookies) > 0:
		return c.cookies[c.sent%len(c.cookies)], false
	}
	return "", false
}

// request sends the next request and reads the response. The response must refresh the session if and only if it is
// stale.
func (c *client) request() error {
	cookie, stale := c.cookie()
	began := time.Now()
	refreshed, err := c.exchanger.exchange(cookie)
	switch {
	case err != nil:
		return err
	case c.mayGetCookies:
	case refreshed != stale:
		return fmt.Errorf("a session was stale: %t, and was refreshed: %t", stale, refreshed)
	case refreshed:
		c.refreshed++
	}
	c.took = append(c.took, time.Since(began))
	return nil
}
