// The process that generates the load.

package server

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// plan describes a load: a number of keep-alive connections. Each sends a request, waits for the response, and sends the
// next.
type plan struct {
	Address string   `json:"address"`
	Path    string   `json:"path"`
	Cookies []string `json:"cookies"` // Cookie headers, distributed over the connections; empty for anonymous requests
	// Stale are Cookie headers of sessions that must be refreshed. One request in RefreshEvery has one of them, until all
	// are used.
	Stale       []string `json:"stale"`
	Connections int      `json:"connections"`
	// Warmup is the number of requests on each connection before the measurement.
	Warmup  int           `json:"warmup"`
	Measure time.Duration `json:"measure"`
}

// RefreshEvery is the number of requests for each refresh of a session. authkit refreshes a token after four minutes, so
// the value corresponds to users who send a request every 2.4 seconds.
const RefreshEvery = 100

// Load is the result of a plan.
type Load struct {
	Requests  int           `json:"requests"`
	Refreshed int           `json:"refreshed"` // requests that refreshed a session
	Took      time.Duration `json:"took"`
	// Percentiles of the time from the first byte of a request to the last byte of its response.
	P50 time.Duration `json:"p50"`
	P95 time.Duration `json:"p95"`
	P99 time.Duration `json:"p99"`
}

// Throughput returns the requests per second.
func (l Load) Throughput() float64 { return float64(l.Requests) / l.Took.Seconds() }

// deadline limits a request, so that a server that hangs ends the run.
const deadline = 30 * time.Second

// Generate reads a plan, executes it and writes the result. A response other than 200 is an error.
func Generate(in io.Reader, out io.Writer) error {
	var p plan
	if err := json.NewDecoder(in).Decode(&p); err != nil {
		return fmt.Errorf("read the plan: %w", err)
	}
	l, err := p.run()
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(l)
}

func (p plan) run() (Load, error) {
	loops := make([]*loop, p.Connections)
	for i := range loops {
		l, err := p.connect(i)
		if err != nil {
			return Load{}, err
		}
		defer l.conn.Close()
		loops[i] = l
	}
	all := func(f func(*loop) error) error {
		errs := make([]error, len(loops))
		var done sync.WaitGroup
		for i, l := range loops {
			done.Go(func() { errs[i] = f(l) })
		}
		done.Wait()
		return errors.Join(errs...)
	}
	err := all(func(l *loop) error {
		for range p.Warmup {
			if err := l.request(); err != nil {
				return err
			}
		}
		l.took, l.measured = l.took[:0], true
		return nil
	})
	if err != nil {
		return Load{}, err
	}
	began := time.Now()
	err = all(func(l *loop) error {
		for time.Since(began) < p.Measure {
			if err := l.request(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Load{}, err
	}
	result := Load{Took: time.Since(began)}
	var took []time.Duration
	for _, l := range loops {
		took = append(took, l.took...)
		result.Refreshed += l.refreshed
	}
	slices.Sort(took)
	result.Requests = len(took)
	result.P50, result.P95, result.P99 = percentile(took, 50), percentile(took, 95), percentile(took, 99)
	return result, nil
}

// percentile returns the smallest of the sorted durations that p percent of them do not exceed.
func percentile(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(len(sorted)*p+99)/100-1]
}

// loop sends the requests of one connection. Several sessions share it.
type loop struct {
	conn    net.Conn
	reader  *bufio.Reader
	head    string
	cookies []string
	stale   []string // not sent yet
	sent    int      // number of requests
	buffer  []byte
	took    []time.Duration // of each measured request
	// measured is false during the warm-up, which refreshes no session.
	measured  bool
	refreshed int
}

func (p plan) connect(i int) (*loop, error) {
	conn, err := net.Dial("tcp", p.Address)
	if err != nil {
		return nil, err
	}
	l := &loop{
		conn: conn, reader: bufio.NewReaderSize(conn, 16<<10), took: make([]time.Duration, 0, 1<<16),
		head: "GET " + p.Path + " HTTP/1.1\r\n" +
			"Host: " + p.Address + "\r\n" +
			"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n" +
			"Accept: text/html\r\n" +
			"Accept-Language: en-GB,en;q=0.5\r\n" +
			"Sec-Fetch-Dest: document\r\n" +
			"Sec-Fetch-Mode: navigate\r\n" +
			"Sec-Fetch-Site: same-origin\r\n",
	}
	l.cookies, l.stale = share(p.Cookies, i, p.Connections), share(p.Stale, i, p.Connections)
	return l, nil
}

// share returns the part of a slice for one of several connections.
func share(of []string, connection, connections int) (own []string) {
	for i := connection; i < len(of); i += connections {
		own = append(own, of[i])
	}
	return own
}

// cookie returns the Cookie header of the next request, and whether its session is stale.
func (l *loop) cookie() (cookie string, stale bool) {
	l.sent++
	switch {
	case len(l.stale) > 0 && l.measured && l.sent%RefreshEvery == 0:
		cookie, l.stale = l.stale[0], l.stale[1:]
		return cookie, true
	case len(l.cookies) > 0:
		return l.cookies[l.sent%len(l.cookies)], false
	}
	return "", false
}

// request sends the next request and reads the response. The response must refresh the session if and only if it is
// stale.
func (l *loop) request() error {
	began := time.Now()
	if err := l.conn.SetDeadline(began.Add(deadline)); err != nil {
		return err
	}
	l.buffer = append(l.buffer[:0], l.head...)
	cookie, stale := l.cookie()
	if cookie != "" {
		l.buffer = append(append(append(l.buffer, "Cookie: "...), cookie...), "\r\n"...)
	}
	l.buffer = append(l.buffer, "\r\n"...)
	if _, err := l.conn.Write(l.buffer); err != nil {
		return err
	}
	refreshed, err := l.response()
	switch {
	case err != nil:
		return err
	case refreshed != stale:
		return fmt.Errorf("a session was stale: %t, and was refreshed: %t", stale, refreshed)
	case refreshed:
		l.refreshed++
	}
	l.took = append(l.took, time.Since(began))
	return nil
}

// response reads one response, and reports whether it sets a cookie.
func (l *loop) response() (refreshed bool, err error) {
	status, err := l.reader.ReadSlice('\n')
	if err != nil {
		return false, err
	}
	if !bytes.HasPrefix(status, []byte("HTTP/1.1 200 ")) {
		return false, fmt.Errorf("a request got the response %q", strings.TrimSpace(string(status)))
	}
	length := -1
	for {
		line, err := l.reader.ReadSlice('\n')
		if err != nil {
			return false, err
		}
		if line = bytes.TrimRight(line, "\r\n"); len(line) == 0 {
			break
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(value)); err != nil {
				return false, fmt.Errorf("Content-Length: %w", err)
			}
		}
		refreshed = refreshed || bytes.HasPrefix(line, []byte("Set-Cookie: "))
	}
	if length < 0 {
		return false, errors.New("a response has no Content-Length")
	}
	_, err = l.reader.Discard(length)
	return refreshed, err
}
