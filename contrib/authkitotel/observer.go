// Observer: what it reports for each observation.

package authkitotel

import (
	"context"
	"fmt"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/authkit-go/authkit"
)

// scope is the instrumentation scope of all spans and metrics.
const scope = "github.com/authkit-go/authkit/contrib/authkitotel"

// The attributes that no convention has.
const (
	nameKey         = attribute.Key("authkit.name")
	outcomeKey      = attribute.Key("authkit.outcome")
	stateKey        = attribute.Key("authkit.state")
	exchangeKey     = attribute.Key("authkit.exchange")
	waitersKey      = attribute.Key("authkit.waiters")
	organizationKey = attribute.Key("authkit.organization.id")
)

// Observer makes spans and metrics of one AuthKit. It is safe for concurrent use. An application with several AuthKits needs
// an Observer with a name ([WithName]) for each.
type Observer struct {
	config    *config
	tracer    trace.Tracer
	meter     metric.Meter
	durations map[authkit.ObservationKind]metric.Float64Histogram
	exchanges exchangeSpans

	mu      sync.Mutex
	watched bool // guarded by mu
}

// New returns an Observer. Give its method [Observer.Observe] to [authkit.WithObserver], and the AuthKit to [Observer.Watch].
// It returns an error if an option is not valid, or if the meter provider refuses an instrument.
func New(opts ...Option) (*Observer, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	o := &Observer{
		config:    c,
		tracer:    c.tracers.Tracer(scope, trace.WithSchemaURL(semconv.SchemaURL)),
		meter:     c.meters.Meter(scope, metric.WithSchemaURL(semconv.SchemaURL)),
		durations: map[authkit.ObservationKind]metric.Float64Histogram{},
	}
	for _, h := range histograms {
		o.durations[h.kind], err = o.meter.Float64Histogram(h.name, metric.WithUnit("s"), metric.WithDescription(h.description),
			metric.WithExplicitBucketBoundaries(h.buckets...))
		if err != nil {
			return nil, fmt.Errorf("authkitotel: New: the metric %s: %w", h.name, err)
		}
	}
	return o, nil
}

// Observe is the function for [authkit.WithObserver]. It adds a span to the trace of the request that caused what is
// observed, and records its duration. The package documentation lists both.
func (o *Observer) Observe(ctx context.Context, seen authkit.Observation) {
	if histogram, ok := o.durations[seen.Kind]; ok && histogram.Enabled(ctx) {
		histogram.Record(ctx, seen.Duration.Seconds(), metric.WithAttributes(o.result(seen)...))
	}
	switch {
	case seen.Kind == authkit.ObservedRefusal:
		o.addRefusal(ctx, seen)
	case seen.Kind == authkit.ObservedStore && seen.Outcome == authkit.OutcomeOK:
		// A client library of the store has spans of its own.
	default:
		o.addSpan(ctx, seen)
	}
}

// result returns the attributes that spans and durations have in common.
func (o *Observer) result(seen authkit.Observation) []attribute.KeyValue {
	attributes := make([]attribute.KeyValue, 0, 8) // as many as a span has
	attributes = append(attributes, outcomeKey.String(seen.Outcome))
	if isFault(seen.Outcome) {
		attributes = append(attributes, semconv.ErrorTypeKey.String(seen.Code))
	}
	return o.named(attributes)
}

// named adds the name of the AuthKit.
func (o *Observer) named(attributes []attribute.KeyValue) []attribute.KeyValue {
	if o.config.name == "" {
		return attributes
	}
	return append(attributes, nameKey.String(o.config.name))
}

// isFault reports whether an outcome is neither a success nor an answer of WorkOS that is as good as one.
func isFault(outcome string) bool {
	switch outcome {
	case authkit.OutcomeOK, authkit.OutcomeDenied, authkit.OutcomeAdopted:
		return false
	}
	return true
}
