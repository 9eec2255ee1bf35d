// The store that the instances share.

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/contrib/pgstore"
	"github.com/authkit-go/authkit/contrib/redisstore"
)

// openStore opens the store in REDIS_URL or DATABASE_URL and returns the option that sets it. Without either variable there
// is no option. The caller must call closeStore.
func openStore(ctx context.Context) (options []authkit.Option, closeStore func(), err error) {
	var store authkit.Store
	switch {
	case variable("REDIS_URL") != "":
		store, closeStore, err = openRedis(variable("REDIS_URL"))
	case variable("DATABASE_URL") != "":
		store, closeStore, err = openPostgres(ctx, variable("DATABASE_URL"))
	default:
		return nil, func() {}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	return []authkit.Option{authkit.WithStore(store)}, closeStore, nil
}

func openRedis(address string) (authkit.Store, func(), error) {
	client, err := newClient(address)
	if err != nil {
		return nil, nil, errors.New("app: REDIS_URL is no URL of Redis") // err can contain the password
	}
	store, err := redisstore.New(client)
	if err != nil {
		client.Close()
		return nil, nil, err
	}
	return store, func() { client.Close() }, nil
}

// newClient returns a client of the Redis at address. If it has the parameter master_name, it is the address of a Sentinel:
// redis://localhost:26379?master_name=mymaster
func newClient(address string) (*redis.Client, error) {
	if strings.Contains(address, "master_name=") {
		options, err := redis.ParseFailoverURL(address)
		if err != nil {
			return nil, err
		}
		options.ContextTimeoutEnabled = true
		return redis.NewFailoverClient(options), nil
	}
	options, err := redis.ParseURL(address)
	if err != nil {
		return nil, err
	}
	options.ContextTimeoutEnabled = true // a call gives its connection back when its context ends
	return redis.NewClient(options), nil
}

func openPostgres(ctx context.Context, address string) (authkit.Store, func(), error) {
	pool, err := pgxpool.New(ctx, address)
	if err != nil {
		return nil, nil, fmt.Errorf("app: DATABASE_URL: %w", err)
	}
	store, err := pgstore.New(pool)
	if err == nil {
		err = store.Migrate(ctx) // every instance may create the tables: only the first one does
	}
	if err != nil {
		pool.Close()
		return nil, nil, err
	}
	return store, pool.Close, nil
}

// variable returns an environment variable without surrounding white space.
func variable(name string) string { return strings.TrimSpace(os.Getenv(name)) }
