//go:build unix

// Benchmarks of what statistics, an observer and OpenTelemetry cost. They report the CPU time of the process per operation,
// as cpu-ns/op. It does not grow when other programs use the processors.

package authkitotel_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"
	exporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/contrib/authkitotel"
	"github.com/authkit-go/authkit/internal/behaviour"
)

// withOpenTelemetry returns an application with the batch processor of the SDK and the reader of Prometheus, and the handler
// of its metrics.
func withOpenTelemetry(b *testing.B) (a *behaviour.App, metrics http.Handler) {
	registry := prometheus.NewRegistry()
	reader, err := exporter.New(exporter.WithRegisterer(registry))
	require.NoError(b, err)
	tracers := sdktrace.NewTracerProvider(sdktrace.WithBatcher(tracetest.NewNoopExporter()))
	b.Cleanup(func() { require.NoError(b, tracers.Shutdown(context.Background())) })
	o, err := authkitotel.New(authkitotel.WithTracerProvider(tracers), authkitotel.WithMeterProvider(metric.NewMeterProvider(metric.WithReader(reader))))
	require.NoError(b, err)
	a = behaviour.NewApp(b, behaviour.AppOptions{AuthKit: []authkit.Option{authkit.WithObserver(o.Observe)}})
	_, err = o.Watch(a.AuthKit)
	require.NoError(b, err)
	everyKind(o)
	return a, promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

// observed measures an application in each way to observe it.
func observed(b *testing.B, measure func(*testing.B, *behaviour.App)) {
	with := func(opts ...authkit.Option) *behaviour.App {
		return behaviour.NewApp(b, behaviour.AppOptions{AuthKit: opts})
	}
	b.Run("without", func(b *testing.B) { measure(b, with()) })
	b.Run("observer", func(b *testing.B) {
		var n atomic.Int64
		measure(b, with(authkit.WithObserver(func(context.Context, authkit.Observation) { n.Add(1) })))
	})
	b.Run("otel", func(b *testing.B) {
		a, _ := withOpenTelemetry(b)
		measure(b, a)
	})
}

// cpuTime returns the time that this process has used the processors.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// loop measures an operation. The first call is not measured: it fills the caches.
func loop(b *testing.B, operation func()) {
	operation()
	b.ReportAllocs()
	b.ResetTimer()
	began := cpuTime(b)
	for range b.N {
		operation()
	}
	b.ReportMetric(float64(cpuTime(b)-began)/float64(b.N), "cpu-ns/op")
}

func BenchmarkCostWarm(b *testing.B) {
	observed(b, func(b *testing.B, a *behaviour.App) {
		handler := a.Middleware(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
		r := httptest.NewRequest("GET", "/account", nil)
		r.Header.Set("Cookie", a.SignedIn(behaviour.Kim).CookieHeader())
		w := &header{http.Header{}}
		loop(b, func() {
			clear(w.fields)
			handler.ServeHTTP(w, r)
		})
		require.Positive(b, a.Stats().Requests[authkit.RequestCached])
	})
}

// BenchmarkCostRefresh exchanges the refresh token of a session in each operation, over HTTP with the fake AuthKit in this
// process. The CPU time includes that of the fake.
func BenchmarkCostRefresh(b *testing.B) {
	observed(b, func(b *testing.B, a *behaviour.App) {
		cookie := a.SignedIn(behaviour.Kim).CookieHeader()
		loop(b, func() {
			r, w := httptest.NewRequest("POST", "/", nil), httptest.NewRecorder()
			r.Header.Set("Cookie", cookie)
			if _, err := a.Refresh(w, r); err != nil {
				b.Fatal(err)
			}
			next := w.Result().Cookies()
			require.Len(b, next, 1)
			cookie = next[0].Name + "=" + next[0].Value
		})
	})
}

func BenchmarkCostStats(b *testing.B) {
	a := behaviour.NewApp(b, behaviour.AppOptions{})
	loop(b, func() { a.Stats() })
}

// BenchmarkCostScrape reads all metrics as Prometheus does, without the network. It reports how many there are.
func BenchmarkCostScrape(b *testing.B) {
	_, metrics := withOpenTelemetry(b)
	size := 0
	loop(b, func() {
		w := httptest.NewRecorder()
		metrics.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
		size = strings.Count(w.Body.String(), "# TYPE authkit_")
	})
	b.ReportMetric(float64(size), "metrics")
}

// header is a ResponseWriter that costs almost nothing.
type header struct{ fields http.Header }

func (w *header) Header() http.Header         { return w.fields }
func (w *header) Write(p []byte) (int, error) { return len(p), nil }
func (w *header) WriteHeader(int)             {}
