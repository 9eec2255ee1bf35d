// The network between the application and WorkOS, which can be slow or down.

package main

import (
	"errors"
	"net/http"
	"sync"
	"time"
)

// errUnreachable is the error of a request while the network is down.
var errUnreachable = errors.New("no route to host (the example has cut the network)")

// network sends the requests of the application to WorkOS.
type network struct {
	own *http.Transport

	mu    sync.Mutex // guards the fields below
	down  bool
	delay time.Duration // of each request, on the system's clock
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
	return n.own.RoundTrip(r)
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
