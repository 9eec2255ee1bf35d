// The store that several instances share.

package caddyauthkit

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/contrib/pgstore"
	"github.com/authkit-go/authkit/contrib/redisstore"
)

// sharedStore is an open store.
type sharedStore struct {
	store   authkit.Store
	migrate func(context.Context) error // nil if there is nothing to create
	close   func()
}

// openStore returns the store at an address, and nil for none or after a fault. It does not connect, so that Caddy starts while the
// store is down. The address may have a password, so no fault shows it.
func openStore(address string, migrate bool, faults *Faults) *sharedStore {
	const place = "store.url"
	scheme, _, _ := strings.Cut(address, "://")
	switch {
	case address == "":
		if migrate {
			faults.add("store.migrate", "needs the url of a PostgreSQL server")
		}
	case scheme == "redis" || scheme == "rediss" || scheme == "unix":
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
			_ = pool.Close()
			faults.add(place, "%v", err)
			return nil
		}
		return &sharedStore{store, nil, func() { _ = pool.Close() }}
	case scheme == "postgres" || scheme == "postgresql":
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
	default:
		faults.add(place, "the address begins neither with redis://, rediss:// or unix:// nor with postgres://")
	}
	return nil
}
