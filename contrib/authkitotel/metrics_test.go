// The metrics: each has the number of what was done, and its name, unit and attributes are documented.

package authkitotel_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	exporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/contrib/authkitotel"
	"github.com/authkit-go/authkit/internal/behaviour"
)

// run does all kinds of things once, or a few times.
func (a *app) run() {
	a.Fake.AddResource(authkittest.Resource{OrganizationID: "org_acme", TypeSlug: "project", ExternalID: "1"})
	cookie := a.SignedIn(behaviour.Kim).CookieHeader()
	require.Equal(a.T, http.StatusOK, a.get("/project", cookie).Status)
	a.ExpireToken(2 * time.Minute)
	a.share(cookie, 3, func() {})
	a.get("/account", "")
	a.get("/account", "authkit-session=planted")
	a.Send(behaviour.Request{Target: "/callback?state=x&code=a-code-that-is-planted-here", Header: behaviour.Navigation()})
	pending := a.StartSignInAs("/login", behaviour.Kim)
	a.Send(behaviour.Request{Target: pending.With("code", "junk"), Cookie: pending.Cookie, Header: behaviour.Navigation()})
	key := a.Fake.AddAPIKey(authkittest.APIKey{ID: "api_key_one", Name: "one", OrganizationID: "org_acme"})
	require.Equal(a.T, http.StatusOK, a.withKey(key).Status)
	a.withKey(key)
	a.withKey("sk_made_up_and_never_valid")

	other := a.staleCookie()
	a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 401, Body: `{"error":"invalid_client","error_description":"no"}`})
	require.Equal(a.T, http.StatusServiceUnavailable, a.get("/account", other).Status)
	a.Fake.ClearFault(authkittest.RouteRefresh)
	a.Fake.AddWebhookEndpoint(a.URL+"/webhooks/workos", endpointSecret, "user.updated")
	a.Fake.EmitEvent("user.updated", map[string]string{"id": "user_lee"})
	require.NoError(a.T, a.Fake.WaitForWebhooks(a.T.Context()))
	require.Equal(a.T, http.StatusUnauthorized, a.Send(behaviour.Request{Method: "POST", Target: "/webhooks/workos"}).Status)
	a.SignOut(a.T, a.SignedIn(behaviour.Kim).CookieHeader())
	a.spansOf(a.T, "authkit.key_fetch", 2) // the second is made while no request waits for it
	a.awaitVisits()
}

// moved has the metrics of run that are not 0, without times and sizes. Each line is a metric with its attributes.
const moved = `
authkit.api_key.cached 1
authkit.api_key.call.duration{authkit.outcome=denied} 1
authkit.api_key.call.duration{authkit.outcome=ok} 1
authkit.api_key.calls 2
authkit.api_key.remembered 2
authkit.api_key.validations{authkit.outcome=denied} 1
authkit.api_key.validations{authkit.outcome=ok} 2
authkit.cache.entries 3
authkit.cache.lookups{authkit.outcome=hit} 6
authkit.cache.lookups{authkit.outcome=miss} 4
authkit.cache.max_entries 10000
authkit.events.marks 1
authkit.events.refused 1
authkit.events.state{authkit.state=none} 1
authkit.events.webhooks 1
authkit.keys.fetch.duration{authkit.outcome=ok} 2
authkit.keys.fetches{authkit.outcome=ok} 2
authkit.keys.usable 1
authkit.refresh.duration{authkit.outcome=failed error.type=unavailable} 1
authkit.refresh.duration{authkit.outcome=ok} 1
authkit.refresh.remembered 2
authkit.refresh.wait.duration{authkit.outcome=ok} 2
authkit.refresh.waits 2
authkit.refreshes{authkit.outcome=failed} 1
authkit.refreshes{authkit.outcome=ok} 1
authkit.refusals{error.type=invalid_state} 1
authkit.refusals{error.type=invalid_webhook_signature} 1
authkit.refusals{error.type=sign_in_refused} 1
authkit.refusals{error.type=unauthenticated} 3
authkit.refusals{error.type=unavailable} 1
authkit.requests{authkit.outcome=anonymous} 15
authkit.requests{authkit.outcome=cached} 2
authkit.requests{authkit.outcome=cookie_refused} 1
authkit.requests{authkit.outcome=refreshed} 3
authkit.requests{authkit.outcome=unavailable} 1
authkit.requests{authkit.outcome=verified} 3
authkit.resource_permission.call.duration{authkit.outcome=ok} 1
authkit.resource_permission.calls 1
authkit.resource_permission.checks{authkit.outcome=ok} 1
authkit.resource_permission.remembered 1
authkit.sign_in.duration{authkit.outcome=ok} 3
authkit.sign_in.duration{authkit.outcome=refused error.type=sign_in_refused} 1
authkit.sign_in.redirects 4
authkit.sign_ins{authkit.outcome=failed error.type=sign_in_refused} 1
authkit.sign_ins{authkit.outcome=ok} 3
authkit.sign_out.remembered 1
authkit.sign_outs 1
authkit.store.state{authkit.state=none} 1
authkit.workos.calls 12
authkit.workos.credentials_refused 1
`

func TestEachMetricHasTheNumberOfWhatWasDone(t *testing.T) {
	a := newApp(t)
	a.run()
	got := a.collected(t)
	for _, name := range []string{"authkit.cache.memory", "authkit.cache.max_memory", "authkit.refresh.memory", "authkit.workos.time"} {
		assert.Positive(t, got[name], name)
		delete(got, name)
	}
	assert.InDelta(t, 0, got["authkit.clock.skew"], 1)
	delete(got, "authkit.clock.skew")
	maps.DeleteFunc(got, func(_ string, value float64) bool { return value == 0 })
	assert.Equal(t, strings.TrimSpace(moved), lines(got))
}

// Prometheus counts no increase at the first value of a series. If many instances have one failed sign-in each, the alerts must
// see them nevertheless.
func TestSignInsThatAlertsCountHaveASeriesFromTheStart(t *testing.T) {
	rules, err := os.ReadFile("../../examples/operations/alerts.yml")
	require.NoError(t, err)
	filters := regexp.MustCompile(`authkit_sign_ins_total\{error_type=~"([a-z_|]+)"\}`).FindAllStringSubmatch(string(rules), -1)
	require.NotEmpty(t, filters)
	got := newApp(t).collected(t)
	for _, filter := range filters {
		for code := range strings.SplitSeq(strings.TrimPrefix(filter[1], "|"), "|") {
			value, reported := got["authkit.sign_ins{authkit.outcome=failed error.type="+code+"}"]
			assert.True(t, reported, code)
			assert.Zero(t, value, code)
		}
	}
}

func TestTheMetricsOfResourcePermissionsTellTheAnswersApart(t *testing.T) {
	a := newApp(t)
	for _, id := range []string{"1", "2", "3"} {
		a.Fake.AddResource(authkittest.Resource{OrganizationID: "org_acme", TypeSlug: "project", ExternalID: id})
	}
	cookie := a.SignedIn(behaviour.Kim).CookieHeader()
	for range 3 {
		require.Equal(t, http.StatusOK, a.get("/project", cookie).Status)
	}
	a.Fake.UpdateUser(behaviour.Kim, func(u *authkittest.User) { u.Memberships[0].Permissions = []string{"posts:read"} })
	require.Equal(t, http.StatusForbidden, a.get("/project?project=2", cookie).Status)
	a.Fake.InjectFault(authkittest.RouteCheckAuthorization, authkittest.Fault{Status: http.StatusInternalServerError})
	require.Equal(t, http.StatusServiceUnavailable, a.get("/project?project=3", cookie).Status)

	got := a.collected(t)
	maps.DeleteFunc(got, func(name string, _ float64) bool { return !strings.HasPrefix(name, "authkit.resource_permission.") })
	assert.Equal(t, map[string]float64{
		"authkit.resource_permission.checks{authkit.outcome=ok}":                              3,
		"authkit.resource_permission.checks{authkit.outcome=denied}":                          1,
		"authkit.resource_permission.checks{authkit.outcome=failed}":                          1,
		"authkit.resource_permission.cached":                                                  2,
		"authkit.resource_permission.call.duration{authkit.outcome=ok}":                       1,
		"authkit.resource_permission.call.duration{authkit.outcome=denied}":                   1,
		"authkit.resource_permission.call.duration{authkit.outcome=failed error.type=failed}": 1,
		"authkit.resource_permission.calls":                                                   3,
		"authkit.resource_permission.waiting":                                                 0,
		"authkit.resource_permission.remembered":                                              1,
	}, got)
}

// lines returns a line for each metric, sorted.
func lines(values map[string]float64) string {
	var all []string
	for metric, value := range values {
		all = append(all, fmt.Sprint(metric, " ", value))
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

// unreported are the times of Stats that are in no metric: ages are.
var unreported = []string{"Keys.FetchedAt", "WorkOS.AnsweredAt", "WorkOS.FailedAt", "WorkOS.CredentialsRefusedAt", "Clock.MeasuredAt", "Store.LogReadAt"}

// filled returns statistics in which each number, duration and time is another one, and these numbers by their field.
func filled() (s authkit.Stats, numbers map[string]float64) {
	numbers = map[string]float64{}
	var fill func(v reflect.Value, path string)
	fill = func(v reflect.Value, path string) {
		next := int64(1000 + 10*len(numbers))
		switch field := v.Addr().Interface().(type) {
		case *time.Time:
			*field = time.Unix(next, 0)
		case *time.Duration:
			*field = time.Duration(next) * time.Second
		case *uint64:
			*field = uint64(next)
		case *int:
			*field = int(next)
		case *map[string]uint64:
			*field = map[string]uint64{"some_code": uint64(next)}
		case *map[authkit.RequestOutcome]uint64:
			*field = map[authkit.RequestOutcome]uint64{authkit.RequestCached: uint64(next)}
		case *bool:
			*field = true
			return
		case *string, *error:
			return
		default:
			for i := range v.NumField() {
				fill(v.Field(i), strings.TrimPrefix(path+"."+v.Type().Field(i).Name, "."))
			}
			return
		}
		numbers[path] = float64(next)
	}
	fill(reflect.ValueOf(&s).Elem(), "")
	s.Keys.Failures = 1 // Fetches without Failures are reported
	numbers["Keys.Failures"] = 1
	numbers["Keys.Fetches"]--
	s.Store.State, s.Events.State = authkit.StoreConnected, authkit.EventsFollowed
	return s, numbers
}

func TestEachNumberOfStatsIsInOneMetric(t *testing.T) {
	p := newProviders()
	stats, numbers := filled()
	_, err := p.observer(t).WatchStats(func() authkit.Stats { return stats })
	require.NoError(t, err)
	times := map[float64]int{}
	for name, value := range p.collected(t) {
		if !strings.Contains(name, "authkit.state=") {
			times[value]++
		}
	}
	for path, number := range numbers {
		want := 1
		if slices.Contains(unreported, path) {
			want = 0
		}
		assert.Equal(t, want, times[number], path)
	}
	assert.Greater(t, len(numbers), 60)
}

func TestTheStatesOfTheStoreAndTheEventsAreMetrics(t *testing.T) {
	source, err := os.ReadFile("../../statsstore.go")
	require.NoError(t, err)
	more, err := os.ReadFile("../../statsevents.go")
	require.NoError(t, err)
	states := regexp.MustCompile(`(?m)^\t(Store|Events)\w+ = "(\w+)"`).FindAllStringSubmatch(string(source)+string(more), -1)
	require.Len(t, states, 10)
	p := newProviders()
	var stats authkit.Stats
	_, err = p.observer(t).WatchStats(func() authkit.Stats { return stats })
	require.NoError(t, err)
	for _, state := range states {
		stats.Store.State, stats.Events.State = state[2], state[2]
		metric := "authkit." + strings.ToLower(state[1]) + ".state{authkit.state="
		got := p.collected(t)
		sum := 0.0
		for name, value := range got {
			if strings.HasPrefix(name, metric) {
				sum += value
			}
		}
		assert.EqualValues(t, 1, got[metric+state[2]+"}"], state[2])
		assert.EqualValues(t, 1, sum, state[2])
	}
}

func TestMetricsOfUnknownTimesAreNotReported(t *testing.T) {
	p := newProviders()
	_, err := p.observer(t).WatchStats(func() authkit.Stats { return authkit.Stats{} })
	require.NoError(t, err)
	got := p.collected(t)
	assert.Zero(t, got["authkit.keys.usable"])
	assert.Contains(t, got, "authkit.keys.usable")
	for _, name := range []string{"authkit.keys.age", "authkit.clock.skew", "authkit.store.log.age", "authkit.events.read_at"} {
		assert.NotContains(t, got, name)
	}
}

// everyKind calls Observe for each kind of observation.
func everyKind(o *authkitotel.Observer) {
	for _, kind := range []authkit.ObservationKind{
		authkit.ObservedSignIn, authkit.ObservedRefresh, authkit.ObservedRefreshWait, authkit.ObservedKeyFetch,
		authkit.ObservedAPIKey, authkit.ObservedResourcePermission, authkit.ObservedStore,
	} {
		o.Observe(context.Background(), authkit.Observation{
			Kind: kind, Outcome: authkit.OutcomeFailed, Code: "unavailable", Begin: behaviour.Start, Duration: 3 * time.Second, Exchange: 1,
			UserID: "user_kim", SessionID: "session_01", OrganizationID: "org_acme",
		})
	}
}

// The exporter is that of OpenTelemetry. The table of README.md has the names, units and kinds that it makes.
func TestTheReadmeListsEachMetricAndItsNameInPrometheus(t *testing.T) {
	registry := prometheus.NewRegistry()
	reader, err := exporter.New(exporter.WithRegisterer(registry), exporter.WithoutScopeInfo(), exporter.WithoutTargetInfo())
	require.NoError(t, err)
	p := newProviders(metric.WithReader(reader))
	o := p.observer(t)
	stats, _ := filled()
	_, err = o.WatchStats(func() authkit.Stats { return stats })
	require.NoError(t, err)
	everyKind(o)

	var want, inPrometheus []string
	for _, m := range p.collect(t) {
		want = append(want, fmt.Sprintf("%s %s %s", m.Name, m.Unit, m.Description))
		assert.NotEmpty(t, m.Description, m.Name)
	}
	families, err := registry.Gather()
	require.NoError(t, err)
	for _, f := range families {
		inPrometheus = append(inPrometheus, f.GetName()+" "+f.GetHelp())
	}
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	var listed, listedInPrometheus []string
	for line := range strings.Lines(string(text)) {
		if cells := strings.Split(strings.TrimSpace(line), " | "); len(cells) > 2 && strings.HasPrefix(cells[1], "`authkit_") {
			name, meaning := strings.Trim(cells[0], "| `"), strings.TrimSuffix(cells[len(cells)-1], " |")
			unit := regexp.MustCompile("`(By|s|{\\w+})`").FindStringSubmatch(line)
			require.NotNil(t, unit, line)
			listed = append(listed, name+" "+unit[1]+" "+meaning)
			listedInPrometheus = append(listedInPrometheus, strings.Trim(cells[1], "`")+" "+meaning)
		}
	}
	assert.ElementsMatch(t, want, listed)
	assert.ElementsMatch(t, inPrometheus, listedInPrometheus)
}

func TestMetricsHaveNoUserSessionOrOrganization(t *testing.T) {
	a := newApp(t, authkitotel.WithUserID(), authkitotel.WithSessionID(), authkitotel.WithOrganizationID())
	a.run()
	keys := map[string]bool{}
	for name := range a.collected(t) {
		for _, pair := range regexp.MustCompile(`[{ ]([\w.]+)=`).FindAllStringSubmatch(name, -1) {
			keys[pair[1]] = true
		}
	}
	assert.Equal(t, map[string]bool{"authkit.outcome": true, "authkit.state": true, "error.type": true}, keys)
}

func TestTheDurationOfARefreshIsInABucketOfSeconds(t *testing.T) {
	p := newProviders()
	everyKind(p.observer(t))
	found := 0
	for _, m := range p.collect(t) {
		data, ok := m.Data.(metricdata.Histogram[float64])
		require.True(t, ok, m.Name)
		require.Len(t, data.DataPoints, 1)
		point := data.DataPoints[0]
		assert.EqualValues(t, 3, point.Sum, m.Name)
		if m.Name == "authkit.refresh.duration" {
			found++
			i, _ := slices.BinarySearch(point.Bounds, 3)
			assert.EqualValues(t, 5, point.Bounds[i])
			assert.EqualValues(t, 1, point.BucketCounts[i])
		}
	}
	assert.Equal(t, 1, found)
}
