// The metrics: those of an engine, in the registry of each configuration of Caddy that uses it.

package caddyauthkit

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/contrib/authkitotel"
)

// nameLabel tells the engines of one configuration apart. authkitotel has the same attribute.
const nameLabel = "authkit_name"

// engineMetrics are the metrics of an engine. They go on over reloads, although Caddy makes a registry for each configuration.
type engineMetrics struct {
	observer  *authkitotel.Observer
	provider  *metric.MeterProvider
	collector prometheus.Collector
	stopWatch func() // nil before watch
}

// newEngineMetrics returns the metrics of an engine whose AuthKit gets the observer.
func newEngineMetrics() (*engineMetrics, error) {
	var taken collectorTaker
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(&taken), otelprometheus.WithoutScopeInfo(), otelprometheus.WithoutTargetInfo())
	if err != nil {
		return nil, fmt.Errorf("authkit: metrics: %w", err)
	}
	m := &engineMetrics{provider: metric.NewMeterProvider(metric.WithReader(exporter)), collector: taken.collector}
	if m.observer, err = authkitotel.New(authkitotel.WithMeterProvider(m.provider)); err != nil {
		return nil, fmt.Errorf("authkit: metrics: %w", err)
	}
	return m, nil
}

// watch adds the statistics of the AuthKit.
func (m *engineMetrics) watch(ak *authkit.AuthKit) (err error) {
	if m.stopWatch, err = m.observer.Watch(ak); err != nil {
		return fmt.Errorf("authkit: metrics: %w", err)
	}
	return nil
}

// stop ends the metrics. A registry that still has them collects none of them.
func (m *engineMetrics) stop() {
	if m.stopWatch != nil {
		m.stopWatch()
	}
	_ = m.provider.Shutdown(context.Background()) // it has nothing to send
}

// collectorTaker is a registerer that keeps the collector of an exporter.
type collectorTaker struct{ collector prometheus.Collector }

func (t *collectorTaker) Register(c prometheus.Collector) error {
	t.collector = c
	return nil
}

func (t *collectorTaker) MustRegister(all ...prometheus.Collector) {
	for _, c := range all {
		_ = t.Register(c) // it never fails
	}
}

func (t *collectorTaker) Unregister(prometheus.Collector) bool { return false }

// registries has the engines whose metrics are in a registry, by their names. Handlers with the same settings share an engine, and a registry
// must have its metrics once.
var registries = struct {
	mu    sync.Mutex
	names map[*prometheus.Registry]map[*engine]string
	users map[*prometheus.Registry]int // handlers of the configuration
}{names: map[*prometheus.Registry]map[*engine]string{}, users: map[*prometheus.Registry]int{}}

// register adds the metrics of an engine to the registry of a configuration. unregister is called at the end of the handler.
func register(registry *prometheus.Registry, e *engine, name string) (unregister func(), err error) {
	registries.mu.Lock()
	defer registries.mu.Unlock()
	engines := registries.names[registry]
	if engines == nil {
		engines = map[*engine]string{}
		registries.names[registry] = engines
	}
	if engines[e] == "" {
		taken := map[string]bool{}
		for other := range maps.Values(engines) {
			taken[other] = true
		}
		unique := name
		for n := 2; taken[unique]; n++ {
			unique = fmt.Sprintf("%s %d", name, n)
		}
		labelled := prometheus.WrapRegistererWith(prometheus.Labels{nameLabel: unique}, registry)
		if err := labelled.Register(e.metrics.collector); err != nil {
			return nil, fmt.Errorf("authkit: metrics: %w", err)
		}
		engines[e] = unique
	}
	registries.users[registry]++
	return sync.OnceFunc(func() {
		registries.mu.Lock()
		defer registries.mu.Unlock()
		if registries.users[registry]--; registries.users[registry] == 0 {
			delete(registries.users, registry)
			delete(registries.names, registry)
		}
	}), nil
}

// name returns the name of an engine in metrics: the host of its first redirect URL.
func (s *settings) name() string {
	for _, address := range s.redirectURLs() {
		if u, err := url.Parse(address); err == nil && u.Host != "" {
			return u.Host
		}
	}
	return "authkit"
}
