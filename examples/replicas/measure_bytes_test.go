//go:build unix

// The measurement of what an active session takes in the engine.

package main

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

// used returns the bytes that the engine uses for values.
func (e engine) used(ctx context.Context, t *testing.T) int {
	t.Helper()
	if e.variable == redisURL {
		client := e.redis(t)
		defer client.Close()
		text, err := client.Info(ctx, "memory").Result()
		require.NoError(t, err)
		_, after, _ := strings.Cut(text, "used_memory:")
		used, err := strconv.Atoi(strings.TrimSpace(strings.SplitN(after, "\n", 2)[0]))
		require.NoError(t, err)
		return used
	}
	connection, err := pgx.Connect(ctx, e.url)
	require.NoError(t, err)
	defer connection.Close(ctx)
	_, err = connection.Exec(ctx, "vacuum authkit_values")
	require.NoError(t, err)
	var used int
	require.NoError(t, connection.QueryRow(ctx, "select pg_total_relation_size('authkit_values')").Scan(&used))
	return used
}

func (e engine) redis(t *testing.T) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(e.url)
	require.NoError(t, err)
	return redis.NewClient(options)
}

// record describes the records of exchanges: how many there are, and the mean of their keys and values in bytes, and of what
// the engine itself says that one takes.
func (e engine) record(ctx context.Context, t *testing.T) (n int, data, taken float64) {
	t.Helper()
	if e.variable == redisURL {
		client := e.redis(t)
		defer client.Close()
		keys := client.Scan(ctx, 0, "*:x:*", 1000).Iterator()
		for keys.Next(ctx) {
			n++
			if n%10 > 0 {
				continue // a tenth of them is enough
			}
			length, err := client.StrLen(ctx, keys.Val()).Result()
			require.NoError(t, err)
			memory, err := client.MemoryUsage(ctx, keys.Val()).Result()
			require.NoError(t, err)
			data += float64(len(keys.Val())) + float64(length)
			taken += float64(memory)
		}
		require.NoError(t, keys.Err())
		return n, data / float64(n/10), taken / float64(n/10)
	}
	connection, err := pgx.Connect(ctx, e.url)
	require.NoError(t, err)
	defer connection.Close(ctx)
	require.NoError(t, connection.QueryRow(ctx, `select count(*), avg(length(key) + length(value)), avg(pg_column_size(v.*))
		from authkit_values v where key like '%:x:%'`).Scan(&n, &data, &taken))
	return n, data, taken
}

func TestMeasureTheBytesOfAnActiveSession(t *testing.T) {
	onlyMeasured(t)
	for name, start := range map[string]func(*testing.T) engine{"with Redis": startRedis, "with PostgreSQL": startPostgres} {
		t.Run(name, func(t *testing.T) {
			const sessions = 10_000
			clock, shared := &shiftedClock{}, start(t)
			clock.set(-30 * time.Second)
			f := startInProcess(t, shared, 1, authkittest.WithClock(clock), authkittest.WithAccessTokenLifetime(lifetime))
			cookies := make([]string, sessions)
			each := func(do func(i int)) {
				var all sync.WaitGroup
				for worker := range 8 {
					all.Go(func() {
						for i := worker; i < sessions; i += 8 {
							do(i)
						}
					})
				}
				all.Wait()
			}
			each(func(i int) { cookies[i] = f.signIn() })
			wait(time.Now().Add(ahead))
			before := shared.used(t.Context(), t)
			each(func(i int) {
				w := f.send(0, http.MethodGet, "/page", cookies[i])
				assert.Equal(t, http.StatusOK, w.Code)
				next := cookieHeader(w.Result())
				assert.NotEmpty(t, next)
				assert.Equal(t, http.StatusOK, f.status(0, next)) // the browser presents the successor
			})
			require.Equal(t, sessions, f.fake.Refreshes().Exchanged)
			used := float64(shared.used(t.Context(), t)-before) / sessions
			n, data, taken := shared.record(t.Context(), t)
			t.Logf("%d sessions with a refresh that was delivered, %d records: %.0f bytes of key and value, %.0f bytes by the engine's account of "+
				"one, %.0f bytes more in use for each; cookies of %d bytes", sessions, n, data, taken, used, len(cookies[0]))
		})
	}
}
