// The options of New.

package authkitotel

import (
	"errors"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// Option configures [New].
type Option func(*config)

type config struct {
	tracers                         trace.TracerProvider
	meters                          metric.MeterProvider
	name                            string
	userID, sessionID, organization bool
}

func newConfig(opts []Option) (*config, error) {
	c := &config{tracers: otel.GetTracerProvider(), meters: otel.GetMeterProvider()}
	for _, opt := range opts {
		if opt == nil {
			return nil, errors.New("authkitotel: New: an option is nil")
		}
		opt(c)
	}
	if c.tracers == nil {
		return nil, errors.New("authkitotel: WithTracerProvider: the provider is nil")
	}
	if c.meters == nil {
		return nil, errors.New("authkitotel: WithMeterProvider: the provider is nil")
	}
	return c, nil
}

// WithTracerProvider sets where spans go. The default is the global provider ([otel.GetTracerProvider]).
func WithTracerProvider(p trace.TracerProvider) Option { return func(c *config) { c.tracers = p } }

// WithMeterProvider sets where metrics go. The default is the global provider ([otel.GetMeterProvider]).
func WithMeterProvider(p metric.MeterProvider) Option { return func(c *config) { c.meters = p } }

// WithName adds the attribute authkit.name to all spans and metrics. It is needed if a process has several AuthKits: without
// different names, their metrics cannot be told apart, and some of them are lost. The default is no attribute.
func WithName(name string) Option { return func(c *config) { c.name = name } }

// WithUserID adds the attribute user.id to spans. It is personal data. It is never an attribute of a metric. The default is
// no attribute.
func WithUserID() Option { return func(c *config) { c.userID = true } }

// WithSessionID adds the attribute session.id to spans: the ID of the session at WorkOS, by which its requests can be linked
// to each other. It is never an attribute of a metric. The default is no attribute.
func WithSessionID() Option { return func(c *config) { c.sessionID = true } }

// WithOrganizationID adds the attribute authkit.organization.id to spans. It is never an attribute of a metric. The default
// is no attribute.
func WithOrganizationID() Option { return func(c *config) { c.organization = true } }
