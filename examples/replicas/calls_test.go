//go:build unix

// How many API calls many instances make: refreshes under a rate limit, and validations of an API key.

package main

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

// This test is not parallel: 50 processes need the machine for themselves.
func TestFiftyInstancesRefreshWithinTheRateLimitOfWorkOS(t *testing.T) {
	test := func(t *testing.T, shared engine, people int) {
		const instances, parallel, limit = 50, 12, 55
		var names []string
		for n := range instances {
			names = append(names, fmt.Sprintf("%02d", n+1))
		}
		clock := &shiftedClock{}
		f := startFleetWith(t, fleetOptions{shared: shared, names: names, fake: []authkittest.Option{
			authkittest.WithClock(clock), authkittest.WithAccessTokenLifetime(lifetime), authkittest.WithRateLimit(limit),
		}})
		clock.set(-lifetime)
		cookies := f.signInAll(clock, people, limit/2)
		wait(time.Now().Add(ahead))
		clock.set(later)
		require.Zero(t, f.fake.Calls(authkittest.RouteRefresh))

		var mu sync.Mutex // guards statuses
		statuses := map[int]int{}
		var all sync.WaitGroup
		arrivals := time.NewTicker(25 * time.Millisecond) // 40 users a second
		defer arrivals.Stop()
		for n, cookie := range cookies {
			<-arrivals.C
			for k := range parallel {
				all.Go(func() {
					status, err := f.ask(names[(n*parallel+k)%instances], cookie)
					assert.NoError(t, err)
					mu.Lock()
					defer mu.Unlock()
					statuses[status]++
				})
			}
		}
		all.Wait()
		commands, failures := f.storeCalls()
		calls, refused := f.fake.Calls(authkittest.RouteRefresh), f.fake.Limited(authkittest.RouteRefresh)
		t.Logf("%d instances, %d users with %d parallel requests each, %d calls a second allowed: %d calls, %d of them answered 429; answers %v; "+
			"%d commands of the store, %d failed", instances, people, parallel, limit, calls, refused, statuses, commands, failures)
		if shared.variable == "" {
			assert.Greater(t, calls, 2*people, "each instance refreshes for itself")
			return
		}
		// A command that the store does not answer in time, on a busy machine, may let another instance refresh too.
		assert.GreaterOrEqual(t, calls, people)
		assert.LessOrEqual(t, calls, people+int(failures))
		assert.LessOrEqual(t, refused, int(failures))
		assert.Equal(t, map[int]int{http.StatusOK: people * parallel}, statuses)
	}
	t.Run("with Redis", func(t *testing.T) { test(t, startRedis(t), 400) })
	t.Run("without a store", func(t *testing.T) {
		people := 100
		if *long {
			people = 400
		}
		test(t, engine{}, people)
	})
}

// storeCalls returns how many calls of the store all instances have made, and how many of them failed.
func (f *testFleet) storeCalls() (commands, failures uint64) {
	f.Helper()
	for _, i := range f.fleet {
		stats := f.stats(i)
		commands += stats.Commands
		failures += stats.Failures
	}
	return commands, failures
}

// stats returns what an instance that runs reports about the store. A busy one may not answer at once.
func (f *testFleet) stats(i *instance) (stats *storeStats) {
	f.Helper()
	require.Eventually(f, func() bool {
		stats = statsOf(f.Context(), i.state().Host)
		return stats != nil
	}, time.Minute, 20*time.Millisecond, "instance %s answers", i.name)
	return stats
}

// signInAll signs n users in and returns their Cookie headers. After each few of them the clock of the fake is moved forward by
// a second, because its rate limit counts sign-ins too. If it were moved back, those of a slow machine would be in one second.
func (f *testFleet) signInAll(clock *shiftedClock, n, each int) []string {
	f.Helper()
	cookies := make([]string, n)
	offset := time.Until(clock.Now())
	for first := 0; first < n; first += each {
		clock.set(offset - time.Duration((n-1-first)/each)*time.Second)
		var group sync.WaitGroup
		for i := first; i < min(first+each, n); i++ {
			group.Go(func() {
				b := authkittest.NewBrowser()
				defer b.CloseIdleConnections()
				_, err := b.SignIn(f.home+"/login", ada)
				if assert.NoError(f, err) {
					cookies[i] = f.cookies(b)
				}
			})
		}
		group.Wait()
	}
	require.False(f, f.Failed())
	return cookies
}

func TestADeletedAPIKeyIsValidatedOnceForAllInstances(t *testing.T) {
	t.Parallel()
	test := func(t *testing.T, shared engine) {
		f := startFleet(t, shared)
		value := f.fake.AddAPIKey(authkittest.APIKey{ID: "api_key_deleted", OrganizationID: f.fake.Organizations()[0].ID})
		ask := func(instance string) int {
			r, err := http.NewRequest(http.MethodGet, "http://"+f.fleet.find(instance).state().Host+"/api/key", nil)
			require.NoError(t, err)
			r.Header.Set("Authorization", "Bearer "+value)
			response, err := http.DefaultClient.Do(r)
			require.NoError(t, err)
			defer response.Body.Close()
			return response.StatusCode
		}
		for range 10 {
			for _, i := range f.fleet {
				require.Equal(t, http.StatusOK, ask(i.name))
			}
		}
		valid := f.fake.Calls(authkittest.RouteValidateAPIKey)
		f.deleteAPIKey("api_key_deleted")
		deleted := time.Now()
		refusedAfter := map[string]time.Duration{}
		require.Eventually(t, func() bool {
			for _, i := range f.fleet {
				if _, refused := refusedAfter[i.name]; !refused && ask(i.name) == http.StatusUnauthorized {
					refusedAfter[i.name] = time.Since(deleted).Round(100 * time.Millisecond)
				}
			}
			return len(refusedAfter) == len(f.fleet)
		}, 40*time.Second, 100*time.Millisecond)
		for range 10 {
			for _, i := range f.fleet {
				assert.Equal(t, http.StatusUnauthorized, ask(i.name))
			}
		}
		invalid := f.fake.Calls(authkittest.RouteValidateAPIKey) - valid
		_, failures := f.storeCalls()
		t.Logf("an API key at three instances: %d validations while it is valid, %d after its deletion; refused %v after the deletion; "+
			"%d commands of the store failed", valid, invalid, slices.Sorted(maps.Values(refusedAfter)), failures)
		if shared.variable == "" {
			assert.Equal(t, []int{3, 3}, []int{valid, invalid}, "each instance validates for itself")
			return
		}
		assert.Positive(t, valid)
		assert.Positive(t, invalid)
		assert.LessOrEqual(t, valid+invalid, 2+int(failures), "one each, and one more for each command that failed")
	}
	onRedis(t, test)
	withoutAStore(t, test)
}

// deleteAPIKey deletes an API key at the fake, as the application of its owner does.
func (f *testFleet) deleteAPIKey(id string) {
	f.Helper()
	r, err := http.NewRequest(http.MethodDelete, f.fake.URL()+"/api_keys/"+id, nil)
	require.NoError(f, err)
	r.Header.Set("Authorization", "Bearer "+f.fake.APIKey())
	response, err := http.DefaultClient.Do(r)
	require.NoError(f, err)
	defer response.Body.Close()
	require.Less(f, response.StatusCode, 300)
}
