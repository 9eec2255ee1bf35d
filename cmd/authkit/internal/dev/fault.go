// Faults by their names: what --fault and the page accept.

package dev

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/authkit-go/authkit/authkittest"
)

// slowness is how long a call waits with the fault "slow".
const slowness = 3 * time.Second

// faultRoutes are the short names of routes that applications depend on.
var faultRoutes = map[string]authkittest.Route{
	"api-keys":      authkittest.RouteValidateAPIKey,
	"authenticate":  authkittest.RouteAuthenticate,
	"authorize":     authkittest.RouteAuthorize,
	"code":          authkittest.RouteCodeExchange,
	"discovery":     authkittest.RouteDiscovery,
	"events":        authkittest.RouteListEvents,
	"keys":          authkittest.RouteJWKS,
	"logout":        authkittest.RouteLogout,
	"magic-auth":    authkittest.RouteMagicAuth,
	"memberships":   authkittest.RouteListMemberships,
	"organizations": authkittest.RouteListOrganizations,
	"password":      authkittest.RoutePassword,
	"refresh":       authkittest.RouteRefresh,
	"revoke":        authkittest.RouteRevokeSession,
	"users":         authkittest.RouteListUsers,
}

// namedFault is a fault and the route that has it.
type namedFault struct {
	route authkittest.Route
	text  string // the fault as it was written, such as "503,times:2"
	fault authkittest.Fault
}

// parseFault reads a fault such as "refresh=503" or "keys=slow:5s,times:2".
func parseFault(text string) (namedFault, error) {
	at := strings.LastIndex(text, "=")
	if at < 0 {
		return namedFault{}, fmt.Errorf("%q has no =; give a route and its fault, such as refresh=503", text)
	}
	return parseFaultOf(strings.TrimSpace(text[:at]), strings.TrimSpace(text[at+1:]))
}

// parseFaultOf reads the fault of a route, which is a short name or a method and a path.
func parseFaultOf(name, text string) (namedFault, error) {
	route, known := faultRoutes[name]
	if !known {
		route = authkittest.Route(name)
		if method, path, ok := strings.Cut(name, " "); !ok || method == "" || !strings.HasPrefix(path, "/") {
			return namedFault{}, fmt.Errorf("%q is no route; the short names are %s, and others are a method and a path, such as \"GET /user_management/users/{id}\"",
				name, strings.Join(slices.Sorted(maps.Keys(faultRoutes)), ", "))
		}
	}
	f := namedFault{route: route, text: text}
	for part := range strings.SplitSeq(text, ",") {
		if err := f.add(strings.TrimSpace(part)); err != nil {
			return namedFault{}, err
		}
	}
	if only := f.fault; only.Status == 0 && only.Delay == 0 && !only.Hang && !only.Reset && !only.Truncate {
		return namedFault{}, fmt.Errorf("%q says how often, and not what happens; give a fault too, such as 503,times:2", text)
	}
	return f, nil
}

// add adds one part of the text of a fault.
func (f *namedFault) add(part string) error {
	kind, value, hasValue := strings.Cut(part, ":")
	if status, err := strconv.Atoi(part); err == nil && status >= 200 && status <= 599 {
		f.fault.Status = status
		f.fault.Body = fmt.Sprintf(`{"message":%q}`, http.StatusText(status)+" (a fault of authkit dev)")
		if status == http.StatusTooManyRequests {
			f.fault.Body = `{"error":"too_many_requests","error_description":"A fault of authkit dev."}`
			f.fault.Header = http.Header{"Retry-After": {"1"}}
		}
		return nil
	}
	switch {
	case part == "slow":
		f.fault.Delay = slowness
	case kind == "slow" && hasValue:
		d, err := time.ParseDuration(value)
		if err != nil || d <= 0 {
			return fmt.Errorf("%q is no duration; give one such as slow:5s", part)
		}
		f.fault.Delay = d
	case kind == "times" && hasValue:
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 {
			return fmt.Errorf("%q is no number of calls; give one such as times:2", part)
		}
		f.fault.Times = n
	case part == "hang":
		f.fault.Hang = true
	case part == "reset":
		f.fault.Reset = true
	case part == "truncate":
		f.fault.Truncate = true
	case part == "lost":
		f.fault.Reset, f.fault.TakeEffect = true, true
	default:
		return fmt.Errorf("%q is no fault; give a status from 200 to 599, slow, slow:DURATION, hang, reset, truncate or lost, and times:N for the first calls alone", part)
	}
	return nil
}

// faults are the faults that were injected. It is safe for concurrent use.
type faults struct {
	fake *authkittest.Server

	mu    sync.Mutex // guards texts
	texts map[authkittest.Route]string
}

// otherRoute matches a route that the fake lacks and that can have a fault.
var otherRoute = regexp.MustCompile(`^(GET|POST|PUT|PATCH|DELETE) (/[A-Za-z0-9._~-]+|/\{\w+\})+$`)

// inject injects a fault in place of an earlier one of the route.
func (f *faults) inject(n namedFault) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !slices.Contains(f.fake.Routes(), n.route) && (n.fault.Status == 0 || !otherRoute.MatchString(string(n.route))) {
		return fmt.Errorf("the fake has no route %q; a route that it lacks can be a method and a path with a status, such as \"GET /directories=200\"", n.route)
	}
	if other := f.overlapping(n.route); other != "" {
		return fmt.Errorf("the route %q cannot have a fault of its own; it meets requests of %q, which the fake has", n.route, other)
	}
	f.fake.InjectFault(n.route, n.fault)
	f.texts[n.route] = n.text
	return nil
}

// overlapping returns another route of the fake that has requests of a new route, or "". The caller holds f.mu.
func (f *faults) overlapping(route authkittest.Route) authkittest.Route {
	if slices.Contains(f.fake.Routes(), route) {
		return ""
	}
	method, path, _ := strings.Cut(string(route), " ")
	if other, found := f.fake.RouteOf(&http.Request{Method: method, URL: &url.URL{Path: path}}); found {
		return other
	}
	for _, other := range f.fake.Routes() {
		if otherRoute.MatchString(string(other)) && conflict(string(route), string(other)) {
			return other
		}
	}
	return ""
}

// conflict reports whether a ServeMux refuses to have both patterns.
func conflict(a, b string) (refused bool) {
	defer func() { refused = recover() != nil }()
	mux := http.NewServeMux()
	mux.Handle(a, http.NotFoundHandler())
	mux.Handle(b, http.NotFoundHandler())
	return false
}

// clear removes the fault of a route, or of all routes for "", and returns how many it has removed.
func (f *faults) clear(route authkittest.Route) (cleared int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for r := range f.texts {
		if route == "" || r == route {
			f.fake.ClearFault(r)
			delete(f.texts, r)
			cleared++
		}
	}
	return cleared
}

// all returns the faults by their routes.
func (f *faults) all() map[authkittest.Route]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.texts)
}

// has reports whether a route, or a grant of it, has a fault.
func (f *faults) has(route authkittest.Route) bool {
	for r := range f.all() {
		if r == route || strings.HasPrefix(string(r), string(route)+" ") {
			return true
		}
	}
	return false
}
