// The test harness: an application whose requests have spans, and what its AuthKit adds to them.

package authkitotel_test

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/contrib/authkitotel"
	"github.com/authkit-go/authkit/internal/behaviour"
	"github.com/authkit-go/authkit/workos"
)

// providers are an SDK whose data stays in memory.
type providers struct {
	spans   *tracetest.InMemoryExporter
	tracers *sdktrace.TracerProvider
	reader  *metric.ManualReader
	meters  *metric.MeterProvider
}

func newProviders(opts ...metric.Option) *providers {
	p := &providers{spans: tracetest.NewInMemoryExporter(), reader: metric.NewManualReader()}
	p.tracers = sdktrace.NewTracerProvider(sdktrace.WithSyncer(p.spans))
	p.meters = metric.NewMeterProvider(append(opts, metric.WithReader(p.reader))...)
	return p
}

// observer returns an Observer that uses the providers.
func (p *providers) observer(t testing.TB, opts ...authkitotel.Option) *authkitotel.Observer {
	t.Helper()
	o, err := authkitotel.New(append([]authkitotel.Option{authkitotel.WithTracerProvider(p.tracers), authkitotel.WithMeterProvider(p.meters)}, opts...)...)
	require.NoError(t, err)
	return o
}

// app is an application with the routes /project, /key and /webhooks/workos. Each of its requests has a span of the kind server.
type app struct {
	*behaviour.App
	*providers
	stop func()
}

const endpointSecret = "whsec_of_this_endpoint_1"

func newApp(t testing.TB, opts ...authkitotel.Option) *app {
	p := newProviders()
	o := p.observer(t, opts...)
	a := &app{providers: p, App: behaviour.NewApp(t, appOptions(o))}
	a.watch(o)
	return a
}

func appOptions(o *authkitotel.Observer) behaviour.AppOptions {
	projectOf := func(r *http.Request) workos.Resource {
		return workos.Resource{TypeSlug: "project", ExternalID: cmp.Or(r.URL.Query().Get("project"), "1")}
	}
	pass := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	return behaviour.AppOptions{AuthKit: []authkit.Option{authkit.WithObserver(o.Observe)}, Routes: func(a *behaviour.App, mux *http.ServeMux) {
		mux.Handle("/project", a.RequireResourcePermission(projectOf, "posts:write")(pass))
		mux.Handle("/key", a.RequireAPIKey()(pass))
		mux.Handle("/webhooks/workos", a.Webhook(nil, endpointSecret))
	}}
}

// watch registers the metrics, and gives each request a span.
func (a *app) watch(o *authkitotel.Observer) {
	var err error
	a.stop, err = o.Watch(a.AuthKit)
	require.NoError(a.T, err)
	inner, tracer := a.Server.Config.Handler, a.tracers.Tracer("application")
	a.Server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, span := tracer.Start(r.Context(), r.Method+" "+r.URL.Path, trace.WithSpanKind(trace.SpanKindServer))
		defer span.End()
		inner.ServeHTTP(w, r.WithContext(ctx))
	})
}

// get sends a request of a script, and lets the fake clock run while WorkOS is called.
func (a *app) get(target, cookie string) (resp behaviour.Response) {
	a.Clock.AdvanceWhile(func() {
		resp = a.Send(behaviour.Request{Target: target, Cookie: cookie, Header: behaviour.Scripted()})
	})
	return resp
}

// withKey sends a request with an API key.
func (a *app) withKey(key string) (resp behaviour.Response) {
	a.Clock.AdvanceWhile(func() {
		resp = a.Send(behaviour.Request{Target: "/key", Header: behaviour.Bearer(key)})
	})
	return resp
}

// staleCookie returns the cookie of a session of kim whose access token has expired.
func (a *app) staleCookie() string {
	cookie := a.SignedIn(behaviour.Kim).CookieHeader()
	a.ExpireToken(2 * time.Minute)
	return cookie
}

// share sends n requests with one cookie that need a refresh. It lets WorkOS answer when all of them wait. prepare is called
// while the first waits.
func (a *app) share(cookie string, n int, prepare func()) {
	a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true})
	calls := a.Fake.Calls(authkittest.RouteRefresh)
	send := func() chan behaviour.Response {
		return a.SendAsync(behaviour.Request{Target: "/account", Cookie: cookie, Header: behaviour.Scripted()})
	}
	answers := []chan behaviour.Response{send()}
	a.Fake.AwaitCalls(a.T, authkittest.RouteRefresh, calls+1)
	prepare()
	for range n - 1 {
		answers = append(answers, send())
	}
	a.awaitWaiting(n)
	a.Fake.ClearFault(authkittest.RouteRefresh)
	for _, answer := range answers {
		assert.Equal(a.T, http.StatusOK, (<-answer).Status)
	}
}

// awaitWaiting waits until this many requests wait for an exchange.
func (a *app) awaitWaiting(n int) {
	require.Eventually(a.T, func() bool { return a.Stats().Refreshes.Waiting == n }, behaviour.WaitTimeout, time.Millisecond)
}

// spansOf returns the spans with a name that have ended, once there are this many.
func (p *providers) spansOf(t testing.TB, name string, n int) (found []tracetest.SpanStub) {
	t.Helper()
	require.Eventually(t, func() bool {
		found = slices.DeleteFunc(p.spans.GetSpans(), func(s tracetest.SpanStub) bool { return s.Name != name })
		return len(found) >= n
	}, behaviour.WaitTimeout, time.Millisecond, name)
	require.Len(t, found, n, name)
	return found
}

// awaitVisits waits until the span of each request has ended that is the parent of another span.
func (a *app) awaitVisits() {
	a.T.Helper()
	require.Eventually(a.T, func() bool {
		ended := map[trace.SpanID]bool{}
		spans := a.spans.GetSpans()
		for _, span := range spans {
			ended[span.SpanContext.SpanID()] = true
		}
		return !slices.ContainsFunc(spans, func(s tracetest.SpanStub) bool { return s.Parent.IsValid() && !ended[s.Parent.SpanID()] })
	}, behaviour.WaitTimeout, time.Millisecond)
}

// described returns the attributes of a span, and its status.
func described(s tracetest.SpanStub) string {
	text := attributesText(s.Attributes)
	if s.Status.Code != 0 {
		text += " " + s.Status.Code.String() + ":" + s.Status.Description
	}
	return text
}

func attributesText(attributes []attribute.KeyValue) string {
	var pairs []string
	for _, a := range attributes {
		pairs = append(pairs, string(a.Key)+"="+a.Value.String())
	}
	slices.Sort(pairs)
	return strings.Join(pairs, " ")
}

// collected returns the value of each metric with its attributes, as "name{a=b c=d}". That of a histogram is its count.
func (p *providers) collected(t testing.TB) map[string]float64 {
	t.Helper()
	values := map[string]float64{}
	for _, m := range p.collect(t) {
		add := func(attributes attribute.Set, value float64) {
			key := m.Name
			if attributes.Len() > 0 {
				key += "{" + attributesText(attributes.ToSlice()) + "}"
			}
			require.NotContains(t, values, key)
			values[key] = value
		}
		switch data := m.Data.(type) {
		case metricdata.Sum[int64]:
			for _, point := range data.DataPoints {
				add(point.Attributes, float64(point.Value))
			}
		case metricdata.Sum[float64]:
			for _, point := range data.DataPoints {
				add(point.Attributes, point.Value)
			}
		case metricdata.Gauge[int64]:
			for _, point := range data.DataPoints {
				add(point.Attributes, float64(point.Value))
			}
		case metricdata.Gauge[float64]:
			for _, point := range data.DataPoints {
				add(point.Attributes, point.Value)
			}
		case metricdata.Histogram[float64]:
			for _, point := range data.DataPoints {
				add(point.Attributes, float64(point.Count))
			}
		default:
			require.Fail(t, "another kind of data", "%s: %T", m.Name, m.Data)
		}
	}
	return values
}

func (p *providers) collect(t testing.TB) (metrics []metricdata.Metrics) {
	t.Helper()
	var all metricdata.ResourceMetrics
	require.NoError(t, p.reader.Collect(t.Context(), &all))
	for _, scope := range all.ScopeMetrics {
		metrics = append(metrics, scope.Metrics...)
	}
	return metrics
}
