// OpenTelemetry: the SDK with the exporter for Prometheus, and traces on request.

package main

import (
	"context"
	"errors"
	"io"
	"net/http"

	client "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/authkit-go/authkit/contrib/authkitotel"
)

// telemetry has the metrics and the traces of this process.
type telemetry struct {
	observer *authkitotel.Observer
	metrics  http.Handler // for Prometheus
	meters   *metric.MeterProvider
	tracers  *trace.TracerProvider
}

// newTelemetry returns the metrics, and the traces if spans is not nil. Each span is written there as JSON.
//
// An application that sends its traces to a collector uses the exporter otlptracehttp instead of stdouttrace.
func newTelemetry(spans io.Writer) (*telemetry, error) {
	// A registry of its own, so that a test can start several sites. A program usually has prometheus.DefaultRegisterer.
	registry := client.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	exporter, err := prometheus.New(prometheus.WithRegisterer(registry), prometheus.WithoutScopeInfo())
	if err != nil {
		return nil, err
	}
	t := &telemetry{
		metrics: promhttp.HandlerFor(registry, promhttp.HandlerOpts{}),
		meters:  metric.NewMeterProvider(metric.WithReader(exporter)),
	}
	var options []trace.TracerProviderOption
	if spans != nil {
		exporter, err := stdouttrace.New(stdouttrace.WithWriter(spans))
		if err != nil {
			return nil, err
		}
		options = append(options, trace.WithBatcher(exporter))
	}
	t.tracers = trace.NewTracerProvider(options...)
	t.observer, err = authkitotel.New(authkitotel.WithMeterProvider(t.meters), authkitotel.WithTracerProvider(t.tracers))
	return t, err
}

// stop exports the remaining spans.
func (t *telemetry) stop(ctx context.Context) error {
	return errors.Join(t.tracers.Shutdown(ctx), t.meters.Shutdown(ctx))
}
