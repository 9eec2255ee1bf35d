// Counts the calls of each route and holds the faults.

package authkittest

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// awaitLimit is how long AwaitCalls waits before it fails the test. It is real time, because the fake's clock may not move.
const awaitLimit = 10 * time.Second

// traffic holds the call count and the fault of every route. The zero value is ready to use.
type traffic struct {
	mu      sync.Mutex // guards everything below
	routes  map[Route]*routeTraffic
	arrived chan struct{} // closed and replaced when a call arrives
}

type routeTraffic struct {
	calls   int
	working int // calls that have arrived, and whose fault lets them take effect first, which they have not done yet
	limited int // calls that were answered 429 by the fake itself
	fault   *activeFault
}

// activeFault is an injected fault.
type activeFault struct {
	Fault
	applied int           // number of calls that it has applied to
	cleared chan struct{} // closed when the fault is cleared or replaced
}

// InjectFault makes a route fail until fault.Times calls have failed or ClearFault is called. It replaces an earlier fault of
// the route. A fault of a single grant takes precedence over a fault of RouteAuthenticate.
//
// A route that the fake does not have can have a fault with Status or Body. From then on it exists: Calls counts its calls. It is
// for operations that an application calls with workos.Client.Call. The route is a method and a path of the API, with {name} for
// each ID. When the fault is over, the answer is 404 again, as that of every unknown path:
//
//	fake.InjectFault("GET /directories", authkittest.Fault{Body: `{"data":[{"id":"directory_01A","name":"Acme"}]}`})
//
// InjectFault panics if the fake has no such route and the fault has neither Status nor Body, and if the route is not of this form.
//
// Retries and time limits of authkit run on the clock of authkit.WithClock. If that is a [*FakeClock], a request that meets a
// fault waits until the clock moves. An application of [Run] moves it itself. Without Run, send the request in
// [FakeClock.AdvanceWhile]. To stop at a moment in between, send it in a goroutine, call [FakeClock.AwaitTimers], then
// [FakeClock.Advance].
func (f *Server) InjectFault(route Route, fault Fault) {
	if (fault.Status != 0 || fault.Body != "") && otherRoute.MatchString(string(route)) {
		f.addOtherRoute(route)
	}
	f.traffic.setFault(route, &activeFault{Fault: fault, cleared: make(chan struct{})})
}

// otherRoute matches a route that InjectFault can add.
var otherRoute = regexp.MustCompile(`^(GET|POST|PUT|PATCH|DELETE) (/[A-Za-z0-9._~-]+|/\{\w+\})+$`)

// addOtherRoute adds a route, unless the fake has it, perhaps with other names in its path. Then it is not a new one.
func (f *Server) addOtherRoute(route Route) {
	method, path, _ := strings.Cut(string(route), " ")
	r := &http.Request{Method: method, URL: &url.URL{Path: path}}
	isOther := !slices.ContainsFunc(f.routes, func(mux *http.ServeMux) bool {
		_, pattern := mux.Handler(r)
		return pattern != "/"
	})
	if isOther && f.traffic.addOnce(route) {
		f.otherRoutes.HandleFunc(string(route), func(w http.ResponseWriter, r *http.Request) {
			f.handleCall(w, r, serveNotFound, route)
		})
	}
}

func serveNotFound(w http.ResponseWriter, _ *http.Request) {
	write(w, http.StatusNotFound, &apiError{Message: "Not Found"})
}

// ClearFault removes the fault of a route. Calls that wait because of it get the real response. With TakeEffect, it is the one that
// was made when they took effect.
func (f *Server) ClearFault(route Route) {
	f.traffic.setFault(route, nil)
}

// Routes returns all routes, in alphabetical order, with those that [Server.InjectFault] has added.
func (f *Server) Routes() []Route {
	f.traffic.mu.Lock()
	defer f.traffic.mu.Unlock()
	return slices.Sorted(maps.Keys(f.traffic.routes))
}

// RouteOf returns the route of a request, or the pattern of the page, such as "GET /user_management/users/{id}", and whether the
// fake has it. The route of every grant is [RouteAuthenticate]. A route that [Server.InjectFault] has added is not one that the
// fake has. RouteOf is for a program with [WithMiddleware].
func (f *Server) RouteOf(r *http.Request) (Route, bool) {
	for _, mux := range f.routes {
		if _, pattern := mux.Handler(r); pattern != "" && pattern != "/" {
			return Route(pattern), true
		}
	}
	return "", false
}

// Calls returns the number of calls of a route since the start, including failed ones. It panics if the route does not exist.
func (f *Server) Calls(route Route) int {
	f.traffic.mu.Lock()
	defer f.traffic.mu.Unlock()
	return f.traffic.route(route).calls
}

// Limited returns the number of calls of a route that were answered 429 because of [WithRateLimit] or [WithSessionLock]. A 429
// of a fault does not count. Limited panics if the route does not exist.
func (f *Server) Limited(route Route) int {
	f.traffic.mu.Lock()
	defer f.traffic.mu.Unlock()
	return f.traffic.route(route).limited
}

// AwaitCalls blocks until n calls of a route have arrived since the start, with retries. The n-th call may not be answered yet.
// With a fault that hangs, a test uses AwaitCalls to know that a call is in progress. A call whose fault has TakeEffect counts when
// it has taken effect. AwaitCalls fails the test after ten seconds of real time, and panics if the route does not exist. Like
// tb.FailNow, it must be called on the goroutine of the test.
//
// An application of [Run] moves the clock to the time limit of a call that hangs, after some milliseconds of real time. If a test
// does something between AwaitCalls and [Server.ClearFault], it starts its application with [WithStillClock].
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
			tb.Fatalf("authkittest: AwaitCalls: %d of %d calls of %q arrived within %v", calls, n, route, awaitLimit)
		}
	}
}

// add registers a route.
func (t *traffic) add(route Route) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.routes == nil {
		t.routes = map[Route]*routeTraffic{}
		t.arrived = make(chan struct{})
	}
	t.routes[route] = &routeTraffic{}
}

// addOnce registers a route and reports whether it is new.
func (t *traffic) addOnce(route Route) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.routes[route] != nil {
		return false
	}
	t.routes[route] = &routeTraffic{}
	return true
}

// route returns the data of a route. The caller holds t.mu.
func (t *traffic) route(route Route) *routeTraffic {
	found, ok := t.routes[route]
	if !ok {
		panic(fmt.Sprintf("authkittest: no route %q; the routes are %q", route, slices.Sorted(maps.Keys(t.routes))))
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

// watch returns the number that AwaitCalls waits for, and a channel that is closed when it may have changed.
func (t *traffic) watch(route Route) (calls int, arrived <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.route(route)
	return r.calls - r.working, t.arrived
}

// arrive counts a call for all its routes and returns the fault that applies to it, or nil. The most specific route is first.
func (t *traffic) arrive(routes []Route) *activeFault {
	t.mu.Lock()
	defer t.mu.Unlock()
	var active *activeFault
	for _, r := range t.known(routes) {
		r.calls++
		if fault := r.fault; active == nil && fault != nil && (fault.Times == 0 || fault.applied < fault.Times) {
			fault.applied++
			active = fault
		}
	}
	if active != nil && active.TakeEffect {
		t.work(routes, 1)
	}
	t.announce()
	return active
}

// tookEffect ends the work of a call whose fault has TakeEffect.
func (t *traffic) tookEffect(routes []Route) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.work(routes, -1)
	t.announce()
}

// work adds to the calls that have not taken effect yet. The caller holds t.mu.
func (t *traffic) work(routes []Route, n int) {
	for _, r := range t.known(routes) {
		r.working += n
	}
}

// announce wakes those that watch. The caller holds t.mu.
func (t *traffic) announce() {
	close(t.arrived)
	t.arrived = make(chan struct{})
}

// known returns the data of the routes, without an unknown grant type. The caller holds t.mu.
func (t *traffic) known(routes []Route) []*routeTraffic {
	var found []*routeTraffic
	for _, route := range routes {
		if r := t.routes[route]; r != nil {
			found = append(found, r)
		}
	}
	return found
}

// limit counts a call that is answered 429 for all its routes.
func (t *traffic) limit(routes []Route) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.known(routes) {
		r.limited++
	}
}
