// The counters of an application, as differences between two moments.

package behaviour

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/testrun"
)

// loadRounds is how often the test of the outcomes sends each of its requests.
var loadRounds = testrun.Length(5, 40)

// countersOf returns the numbers in statistics, by the path of their fields, such as "Refreshes.Waiters" and
// "Requests.cached". Times and durations are left out.
func countersOf(s authkit.Stats) map[string]int {
	counters := map[string]int{}
	addCounters(counters, "", reflect.ValueOf(s))
	return counters
}

func addCounters(counters map[string]int, path string, v reflect.Value) {
	switch {
	case v.Kind() == reflect.Uint64:
		counters[path] = int(v.Uint())
	case v.Kind() == reflect.Int:
		counters[path] = int(v.Int())
	case v.Kind() == reflect.Map:
		for key, value := range v.Seq2() {
			addCounters(counters, path+"."+key.String(), value)
		}
	case v.Kind() == reflect.Struct && v.Type().PkgPath() != "time":
		for i := range v.NumField() {
			addCounters(counters, strings.TrimPrefix(path+"."+v.Type().Field(i).Name, "."), v.Field(i))
		}
	}
}

// counterPaths returns the paths of all numbers, with ".*" for the codes of a map.
func counterPaths(typ reflect.Type, path string) (paths []string) {
	switch {
	case typ.Kind() == reflect.Uint64, typ.Kind() == reflect.Int:
		return []string{path}
	case typ == reflect.TypeFor[map[authkit.RequestOutcome]uint64]():
		for _, outcome := range requestOutcomes {
			paths = append(paths, path+"."+string(outcome))
		}
	case typ.Kind() == reflect.Map:
		return []string{path + ".*"}
	case typ.Kind() == reflect.Struct && typ.PkgPath() != "time":
		for i := range typ.NumField() {
			field := typ.Field(i)
			paths = append(paths, counterPaths(field.Type, strings.TrimPrefix(path+"."+field.Name, "."))...)
		}
	}
	return paths
}

// moved returns which numbers differ, and by how much.
func moved(before, after map[string]int) map[string]int {
	differences := map[string]int{}
	for path, value := range after {
		if difference := value - before[path]; difference != 0 {
			differences[path] = difference
		}
	}
	return differences
}

// sumOf returns the sum of the numbers below a path.
func sumOf(counters map[string]int, path string) (sum int) {
	for at, value := range counters {
		if strings.HasPrefix(at, path+".") {
			sum += value
		}
	}
	return sum
}

// describeMoves returns differences as a sorted text: "Requests.cached +1".
func describeMoves(differences map[string]int) string {
	var lines []string
	for _, path := range slices.Sorted(maps.Keys(differences)) {
		lines = append(lines, fmt.Sprintf("%s %+d", path, differences[path]))
	}
	return strings.Join(lines, ", ")
}

// statsApp is an application with a route for each part of the statistics.
type statsApp struct {
	*webhookApp
	t *testing.T
}

func newStatsApp(t *testing.T, opts ...authkit.Option) *statsApp {
	t.Helper()
	s := &statsApp{webhookApp: &webhookApp{}, t: t}
	s.App = NewApp(t, statsOptions(s, opts))
	addProjects(s.Fake)
	return s
}

func statsOptions(s *statsApp, opts []authkit.Option) AppOptions {
	own := append(bearerOptions(), authkit.WithSessionCache(100, 1<<20)) // also in the run of all tests without the cache
	return AppOptions{AuthKit: append(own, opts...), Routes: func(a *App, mux *http.ServeMux) {
		resourceRoutes(a, mux)
		mux.Handle("/key", a.RequireAPIKey()(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
		mux.Handle("/webhooks/workos", a.Webhook(s.handle, endpointSecret))
	}}
}

// get sends a request of a script, and lets the fake clock run while WorkOS is called.
func (s *statsApp) get(target, cookie string) (resp Response) {
	s.Clock.AdvanceWhile(func() { resp = s.Send(Request{Target: target, Cookie: cookie, Header: Scripted()}) })
	return resp
}

// withKey is get with an API key.
func (s *statsApp) withKey(key string) (resp Response) {
	s.Clock.AdvanceWhile(func() { resp = s.Send(Request{Target: "/key", Header: Bearer(key)}) })
	return resp
}

// signedIn returns the cookie of a new session of kim, whose keys are loaded, and which no request has had.
func (s *statsApp) signedIn() (cookie string) {
	return s.finishSignIn(s.StartSignInAs("/login", Kim)).session(s.t)
}

// stale is signedIn with an access token that has expired.
func (s *statsApp) stale() (cookie string) {
	cookie = s.signedIn()
	s.ExpireToken(2 * 60e9)
	return cookie
}

// visitThatCanLeave sends a GET request. The client closes its connection when leave is called.
func (s *statsApp) visitThatCanLeave(path, cookie string) (leave func()) {
	return s.requestThatCanLeave(path, http.Header{"Cookie": {cookie}})
}

// requestThatCanLeave is visitThatCanLeave with any header.
func (s *statsApp) requestThatCanLeave(path string, header http.Header) (leave func()) {
	ctx, leave := context.WithCancel(context.Background())
	s.t.Cleanup(leave)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+path, nil)
	require.NoError(s.t, err)
	r.Header = header
	go func() {
		if resp, err := s.client.RoundTrip(r); err == nil {
			resp.Body.Close()
		}
	}()
	return leave
}

// awaitRefusal waits until a request was answered with an error.
func (s *statsApp) awaitRefusal() {
	require.Eventually(s.t, func() bool { return strings.Contains(s.Logs.String(), "authkit: request refused") }, WaitTimeout, time.Millisecond)
}

// widgetToken returns a handler that makes a token for the session of its request.
func (s *statsApp) widgetToken() http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, err := s.WidgetToken(w, r)
		assert.NoError(s.t, err)
	}
}

// fault makes a route of WorkOS answer with a status and a body.
func (s *statsApp) fault(route authkittest.Route, status int, body string) {
	s.Fake.InjectFault(route, authkittest.Fault{Status: status, Body: body})
}

// requestOutcomes are all outcomes of requests.
var requestOutcomes = []authkit.RequestOutcome{
	authkit.RequestCached, authkit.RequestVerified, authkit.RequestRefreshed, authkit.RequestBearer, authkit.RequestAnonymous, authkit.RequestStale,
	authkit.RequestEnded, authkit.RequestCookieRefused, authkit.RequestTokenRefused, authkit.RequestBearerRefused, authkit.RequestUnavailable,
	authkit.RequestLeft,
}
