// What happens to the calls of each route: they are counted, waited for and made to fail.

package authkittest

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"
)

// awaitLimit ends AwaitCalls when what the test waits for is never going to happen. It runs on real time: the fake's
// clock may well stand still.
const awaitLimit = 10 * time.Second

// traffic keeps account of the calls of every route. Its zero value is ready.
type traffic struct {
	mu      sync.Mutex // guards everything below
	routes  map[Route]*routeTraffic
	arrived chan struct{} // closed and replaced whenever a call arrives
}

type routeTraffic struct {
	calls int
	fault *activeFault
}

// activeFault is a fault in force.
type activeFault struct {
	Fault
	applied int           // how many calls it has met
	cleared chan struct{} // closed by ClearFault, for the calls that wait in it
}

// InjectFault makes route fail until the fault has struck Fault.Times calls or ClearFault is called. It replaces the fault that was
// there. A fault on one grant wins over one on RouteAuthenticate. It panics on a route that the fake does not serve.
func (f *Server) InjectFault(route Route, fault Fault) {
	f.traffic.setFault(route, &activeFault{Fault: fault, cleared: make(chan struct{})})
}

// ClearFault ends the fault of a route. Calls that hang or wait in it are answered as if it had never been.
func (f *Server) ClearFault(route Route) {
	f.traffic.setFault(route, nil)
}

// Calls tells how many calls of a route have arrived so far, failed ones included.
func (f *Server) Calls(route Route) int {
	f.traffic.mu.Lock()
	defer f.traffic.mu.Unlock()
	return f.traffic.route(route).calls
}

// AwaitCalls blocks until the n-th call of a route has arrived, though not yet been answered: with a fault that hangs,
// the test then knows that a call is under way. It fails the test when that takes more than ten seconds of real time,
// and like tb.FailNow must be called on the test's own goroutine.
func (f *Server) AwaitCalls(tb testing.TB, route Route, n int) {
	tb.Helper()
	limit := time.NewTimer(awaitLimit)
	defer limit.Stop()
	for {
		calls, arrived := f.traffic.watch(route)
		if calls >= n {
			return
		}
		select {
		case <-arrived:
		case <-limit.C:
			tb.Fatalf("authkittest: %d of %d calls of %q arrived within %v", calls, n, route, awaitLimit)
		}
	}
}

// add makes a route known.
func (t *traffic) add(route Route) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.routes == nil {
		t.routes = map[Route]*routeTraffic{}
		t.arrived = make(chan struct{})
	}
	t.routes[route] = &routeTraffic{}
}

// route must be called with the lock held.
func (t *traffic) route(route Route) *routeTraffic {
	found, ok := t.routes[route]
	if !ok {
		panic(fmt.Sprintf("authkittest: no route %q; there are %q", route, slices.Sorted(maps.Keys(t.routes))))
	}
	return found
}

func (t *traffic) setFault(route Route, fault *activeFault) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.route(route)
	if r.fault != nil {
		close(r.fault.cleared)
	}
	r.fault = fault
}

func (t *traffic) watch(route Route) (calls int, arrived <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.route(route).calls, t.arrived
}

// arrive counts a call under all its routes, the most particular one first, and returns the fault that strikes it.
func (t *traffic) arrive(routes []Route) *activeFault {
	t.mu.Lock()
	defer t.mu.Unlock()
	var active *activeFault
	for _, route := range routes {
		r := t.routes[route]
		if r == nil {
			continue // a grant that the fake does not know
		}
		r.calls++
		if fault := r.fault; active == nil && fault != nil && (fault.Times == 0 || fault.applied < fault.Times) {
			fault.applied++
			active = fault
		}
	}
	close(t.arrived)
	t.arrived = make(chan struct{})
	return active
}
