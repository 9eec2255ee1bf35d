// The search for the engine of the store: Redis or PostgreSQL.

package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
)

const (
	redisURL    = "REDIS_URL"
	databaseURL = "DATABASE_URL"
	// localRedis is tried if neither variable is set.
	localRedis = "redis://localhost:6379"
	// answerLimit is how long an engine has to answer.
	answerLimit = 3 * time.Second
)

const howToStart = `Start Redis in one of these ways, and run this program again:
  docker run --rm -p 6379:6379 redis:7
  sudo apt-get install redis-server
  brew install redis && brew services start redis
Or start PostgreSQL, and name it in DATABASE_URL:
  docker run --rm -p 5432:5432 -e POSTGRES_PASSWORD=example postgres:17
  export DATABASE_URL=postgres://postgres:example@localhost:5432/postgres
To see the instances without a store: go run . -no-store`

// engine is an engine that answered, and the variable that names it.
type engine struct {
	variable string // empty for no store
	url      string
}

// String returns the address of the engine without a password.
func (e engine) String() string {
	if e.variable == "" {
		return "no store"
	}
	return withoutPassword(e.url)
}

// noEngineError says that no engine answered, and how to start one.
type noEngineError struct{ tried []string }

func (e noEngineError) Error() string {
	return "No engine for the store answers.\n  " + strings.Join(e.tried, "\n  ") + "\n" + howToStart
}

// findEngine returns the first engine that answers: the one in REDIS_URL, the one in DATABASE_URL or, if neither is set, Redis
// on this machine.
func findEngine(ctx context.Context, variable func(string) string) (engine, error) {
	var candidates []engine
	for _, name := range []string{redisURL, databaseURL} {
		if value := strings.TrimSpace(variable(name)); value != "" {
			candidates = append(candidates, engine{name, value})
		}
	}
	if len(candidates) == 0 {
		candidates = []engine{{redisURL, localRedis}}
	}
	var none noEngineError
	for _, e := range candidates {
		err := e.ask(ctx)
		if err == nil {
			return e, nil
		}
		none.tried = append(none.tried, fmt.Sprintf("%s=%s: %v", e.variable, e, err))
	}
	return engine{}, none
}

// ask returns nil if the engine answers.
func (e engine) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	if e.variable == redisURL {
		client, err := e.redisClient()
		if err != nil {
			return errors.New("this is no URL of Redis") // err can contain the password
		}
		defer client.Close()
		return client.Ping(ctx).Err()
	}
	connection, err := pgx.Connect(ctx, e.url)
	if err != nil {
		return err
	}
	defer connection.Close(ctx)
	return connection.Ping(ctx)
}

// redisClient returns a client that does not repeat a command. With the parameter master_name, the address is that of a Sentinel.
func (e engine) redisClient() (*redis.Client, error) {
	if strings.Contains(e.url, "master_name=") {
		options, err := redis.ParseFailoverURL(e.url)
		if err != nil {
			return nil, err
		}
		options.MaxRetries = -1
		return redis.NewFailoverClient(options), nil
	}
	options, err := redis.ParseURL(e.url)
	if err != nil {
		return nil, err
	}
	options.MaxRetries = -1
	return redis.NewClient(options), nil
}

// withoutPassword returns an address without the password. An address that cannot be parsed is not shown at all.
func withoutPassword(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "…"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
