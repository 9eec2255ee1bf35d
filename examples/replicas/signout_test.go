//go:build unix

// A sign-out that holds after the access token has expired, and a day later.

package main

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

// forget removes everything from the store, as if all of it had expired.
func (e engine) forget(ctx context.Context, t *testing.T) {
	t.Helper()
	if e.variable == redisURL {
		options, err := redis.ParseURL(e.url)
		require.NoError(t, err)
		client := redis.NewClient(options)
		defer client.Close()
		require.NoError(t, client.FlushAll(ctx).Err())
		return
	}
	connection, err := pgx.Connect(ctx, e.url)
	require.NoError(t, err)
	defer connection.Close(ctx)
	_, err = connection.Exec(ctx, "truncate authkit_values, authkit_log")
	require.NoError(t, err)
}

func TestASignOutHoldsAfterTheTokenHasExpiredAndADayLater(t *testing.T) {
	t.Parallel()
	onRedis(t, func(t *testing.T, shared engine) {
		clock := &shiftedClock{}
		clock.set(-behind)
		f := startFleet(t, shared, authkittest.WithClock(clock), authkittest.WithAccessTokenLifetime(lifetime))
		b := f.signedIn(ada)
		cookies := f.cookies(b)
		f.knownEverywhere(cookies)
		useless := time.Now().Add(served) // the token is refused from then on, whatever the log says
		_, err := b.Fetch(http.MethodPost, f.home+"/logout")
		require.NoError(t, err)
		calls := f.fake.Calls(authkittest.RouteRefresh)

		answers := map[int]int{}
		replay := func(until time.Time) {
			for {
				for _, i := range f.fleet {
					answers[f.meAt(i.name, cookies)]++
				}
				if time.Now().After(until) {
					return
				}
				wait(time.Now().Add(200 * time.Millisecond))
			}
		}
		for _, i := range f.fleet {
			require.Eventually(t, func() bool { return f.meAt(i.name, cookies) == http.StatusUnauthorized }, 10*time.Second, 10*time.Millisecond)
		}
		replay(useless.Add(2 * time.Second))
		f.fleet.find("B").kill()
		require.NoError(t, f.fleet.find("B").start())
		replay(time.Now())
		t.Logf("the cookie of a signed-out session, from the sign-out until 2 s after its token is of no use: answers %v, %d calls of WorkOS",
			answers, f.fake.Calls(authkittest.RouteRefresh)-calls)
		assert.Zero(t, f.fake.Calls(authkittest.RouteRefresh)-calls)
		assert.Len(t, answers, 1)
		assert.NotZero(t, answers[http.StatusUnauthorized])

		// The browser has not visited WorkOS's logout page, so the instance ends the session at WorkOS after a while.
		require.Eventually(t, func() bool { return !f.fake.Sessions()[0].Active() }, 45*time.Second, 100*time.Millisecond)
		f.fleet.each(func(_ int, i *instance) { i.kill() })
		shared.forget(t.Context(), t)
		clock.set(24*time.Hour - behind)
		require.NoError(t, f.fleet.start())
		later := map[int]int{}
		for _, i := range f.fleet {
			require.Eventually(t, func() bool {
				status := f.meAt(i.name, cookies)
				later[status]++
				return status == http.StatusUnauthorized
			}, 20*time.Second, 200*time.Millisecond, "instance %s", i.name)
		}
		t.Logf("a day later, without what the instances and the store knew: answers %v", later)
		assert.Zero(t, later[http.StatusOK])
	})
}
