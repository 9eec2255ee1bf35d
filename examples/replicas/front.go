// The front: a reverse proxy that sends each request to the next instance.

package main

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"sync"
	"sync/atomic"
	"time"
)

// logged is how many requests the front remembers.
const logged = 12

// front balances the requests over the instances, one after the other. It has no stickiness: two requests of one browser go
// to two instances.
type front struct {
	fleet     fleet
	transport http.RoundTripper
	turn      atomic.Uint64

	mu   sync.Mutex // guards last
	last []answered // the newest first
}

// answered is a request that an instance answered.
type answered struct {
	At           time.Time
	Instance     string
	Method, Path string
	Status       int
	Took         time.Duration
}

func newFront(f fleet) *front {
	return &front{fleet: f, transport: &http.Transport{MaxIdleConnsPerHost: 100, IdleConnTimeout: time.Minute}}
}

// handler returns the reverse proxy. It keeps the Host of the request, with which authkit compares the Origin of a form.
func (f *front) handler() http.Handler {
	return &httputil.ReverseProxy{
		Transport: f,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme = "http"
			r.Out.Host = r.In.Host
			r.SetXForwarded()
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() == nil {
				slog.Warn("no instance answered", slog.String("path", r.URL.Path), slog.Any("error", err))
			}
			http.Error(w, "No instance answered. Start one at /instances.", http.StatusBadGateway)
		},
	}
}

var errNoInstance = errors.New("no instance is running")

// RoundTrip sends the request to the instance whose turn it is. If that one is dead, the next one gets the request.
func (f *front) RoundTrip(r *http.Request) (*http.Response, error) {
	first := f.turn.Add(1) - 1
	err := errNoInstance
	for n := range f.fleet {
		i := f.fleet[(first+uint64(n))%uint64(len(f.fleet))]
		host := i.state().Host
		if host == "" {
			continue
		}
		began := time.Now()
		var response *http.Response
		if response, err = f.transport.RoundTrip(to(host, r)); err == nil {
			f.remember(answered{began, i.name, r.Method, r.URL.Path, response.StatusCode, time.Since(began)})
			return response, nil
		}
		if r.Context().Err() != nil || !repeatable(r, err) {
			return nil, err
		}
	}
	return nil, err
}

// to returns the request for an instance. Its body stays open, so that another instance can get the request.
func to(host string, r *http.Request) *http.Request {
	r = r.Clone(r.Context())
	r.URL.Host = host
	if r.Body != nil {
		r.Body = io.NopCloser(r.Body)
	}
	return r
}

// repeatable reports whether another instance can get a request after err. If the connection was refused, no instance has
// seen the request. Otherwise one may have processed it, and only a request without effects is repeated.
func repeatable(r *http.Request, err error) bool {
	var failed *net.OpError
	if errors.As(err, &failed) && failed.Op == "dial" {
		return true
	}
	return r.Method == http.MethodGet || r.Method == http.MethodHead
}

func (f *front) remember(a answered) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = append([]answered{a}, f.last[:min(len(f.last), logged-1)]...)
}

// requests returns the last requests, the newest first.
func (f *front) requests() []answered {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]answered(nil), f.last...)
}
