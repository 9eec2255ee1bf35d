// Watch: the metrics of an AuthKit, read from its statistics when they are collected.

package authkitotel

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/authkit-go/authkit"
)

// Watch registers the metrics of an AuthKit. Each collection reads [authkit.AuthKit.Stats] once, so a metric costs a request
// nothing. After stop, they are no longer reported, and the Observer can watch
// again. Watch returns an error if ak is nil, if the Observer watches an
// AuthKit already, or if the meter provider refuses an instrument.
func (o *Observer) Watch(ak *authkit.AuthKit) (stop func(), err error) {
	if ak == nil {
		return nil, errors.New("authkitotel: Watch: the AuthKit is nil")
	}
	return o.watch(ak.Stats)
}

func (o *Observer) watch(read func() authkit.Stats) (stop func(), err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.watched {
		return nil, errors.New("authkitotel: Watch: this Observer watches an AuthKit already: use a new Observer, with WithName")
	}
	created := make([]metric.Observable, len(instruments))
	for i, in := range instruments {
		if created[i], err = in.create(o.meter); err != nil {
			return nil, fmt.Errorf("authkitotel: Watch: the metric %s: %w", in.name, err)
		}
	}
	registration, err := o.meter.RegisterCallback(func(_ context.Context, to metric.Observer) error {
		stats := read()
		for i, in := range instruments {
			in.read(&stats, func(value float64, attributes ...attribute.KeyValue) {
				observe(to, created[i], value, metric.WithAttributes(o.named(attributes)...))
			})
		}
		return nil
	}, created...)
	if err != nil {
		return nil, fmt.Errorf("authkitotel: Watch: %w", err)
	}
	o.watched = true
	return sync.OnceFunc(func() { o.unwatch(registration) }), nil
}

func (o *Observer) unwatch(registration metric.Registration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.watched = false
	if err := registration.Unregister(); err != nil {
		otel.Handle(err)
	}
}

func observe(to metric.Observer, created metric.Observable, value float64, option metric.ObserveOption) {
	switch observable := created.(type) {
	case metric.Int64Observable:
		to.ObserveInt64(observable, int64(value), option)
	case metric.Float64Observable:
		to.ObserveFloat64(observable, value, option)
	}
}
