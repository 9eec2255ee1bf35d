// The network between the application and WorkOS, which can be slow or down.

package main

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// errUnreachable is the error of a request while the network is down.
var errUnreachable = errors.New("no route to host (the example has cut the network)")

// network sends the requests of the application to WorkOS.
type network struct {
	own *http.Transport

	mu       sync.Mutex // guards the fields below
	down     bool
	delay    time.Duration // of each request, on the system's clock
	underWay int           // requests whose response has not been read
}

func newNetwork() *network {
	own := http.DefaultTransport.(*http.Transport).Clone()
	own.Proxy = nil // the fake AuthKit is on this machine
	return &network{own: own}
}

// RoundTrip sends a request, unless the network is down.
func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	n.mu.Lock()
	down, delay := n.down, n.delay
	n.mu.Unlock()
	if down {
		return nil, errUnreachable
	}
	if delay > 0 {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	n.count(1)
	response, err := n.own.RoundTrip(r)
	if err != nil {
		n.count(-1)
		return nil, err
	}
	response.Body = &countedBody{ReadCloser: response.Body, closed: sync.OnceFunc(func() { n.count(-1) })}
	return response, nil
}

// countedBody is the body of a response. It calls closed when it is closed.
type countedBody struct {
	io.ReadCloser
	closed func()
}

func (b *countedBody) Close() error {
	defer b.closed()
	return b.ReadCloser.Close()
}

func (n *network) count(change int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.underWay += change
}

// isQuiet reports whether no request is under way.
func (n *network) isQuiet() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.underWay == 0
}

func (n *network) setDown(down bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.down = down
}

func (n *network) setDelay(delay time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.delay = delay
}
