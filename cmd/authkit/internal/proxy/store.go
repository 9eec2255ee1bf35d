// The store that several instances share, and the metrics: the adapters that the proxy uses.

package proxy

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	client "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/contrib/authkitotel"
	"github.com/authkit-go/authkit/contrib/pgstore"
	"github.com/authkit-go/authkit/contrib/redisstore"
)

// sharedStore is the store of the configuration.
type sharedStore struct {
	store   authkit.Store
	migrate func(context.Context) error // nil if there is nothing to create
	close   func()
}

// migrateTimeout bounds the creation of the tables at the start.
const migrateTimeout = 30 * time.Second

// openStore returns the store, and nil if none is configured. It does not connect, so that the proxy starts while the store is down.
func (c *Config) openStore(faults *faultList) *sharedStore {
	address, place := c.Store.URL, "store.url"
	if c.Store.URLFile != "" {
		if address != "" {
			faults.add("store.url_file", "give either url or url_file")
		}
		secret, err := secretFile(c.Store.URLFile)
		if err != nil {
			faults.add("store.url_file", "%v", err)
			return nil
		}
		address, place = secret, "store.url_file"
	}
	scheme, _, _ := strings.Cut(address, "://")
	switch {
	case address == "":
		if c.Store.Migrate {
			faults.add("store.migrate", "needs the url of a PostgreSQL server")
		}
		return nil
	case scheme == "redis" || scheme == "rediss" || scheme == "unix":
		return openRedis(address, place, c.Store.Migrate, faults)
	case scheme == "postgres" || scheme == "postgresql":
		return openPostgres(address, place, c.Store.Migrate, faults)
	}
	// The address may have a password, so no fault shows it.
	faults.add(place, "the address begins neither with redis://, rediss:// or unix:// nor with postgres://")
	return nil
}

func openRedis(address, place string, migrate bool, faults *faultList) *sharedStore {
	options, err := redis.ParseURL(address)
	if err != nil {
		faults.add(place, "the address of Redis cannot be parsed; give redis://user:password@host:port/database")
		return nil
	}
	if migrate {
		faults.add("store.migrate", "Redis has no tables; remove it")
	}
	options.ContextTimeoutEnabled = true
	pool := redis.NewClient(options)
	store, err := redisstore.New(pool)
	if err != nil {
		faults.add(place, "%v", err)
		return nil
	}
	return &sharedStore{store, nil, func() { _ = pool.Close() }}
}

func openPostgres(address, place string, migrate bool, faults *faultList) *sharedStore {
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		faults.add(place, "the address of PostgreSQL cannot be parsed; give postgres://user:password@host:port/database")
		return nil
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		faults.add(place, "the pool of PostgreSQL cannot be made of the address")
		return nil
	}
	store, err := pgstore.New(pool)
	if err != nil {
		pool.Close()
		faults.add(place, "%v", err)
		return nil
	}
	shared := &sharedStore{store, nil, pool.Close}
	if migrate {
		shared.migrate = store.Migrate
	}
	return shared
}

// telemetry has the metrics of the process.
type telemetry struct {
	observer *authkitotel.Observer
	metrics  http.Handler
	meters   *metric.MeterProvider
}

// newTelemetry returns the metrics of authkit, of Go and of the process, in a registry of its own.
func newTelemetry() (*telemetry, error) {
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
	t.observer, err = authkitotel.New(authkitotel.WithMeterProvider(t.meters))
	return t, err
}
