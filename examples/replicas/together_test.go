//go:build unix

// What instances with one store do together: sign-outs and refreshes. Each test logs its figures.

package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

// onStores runs a test with each engine, in parallel.
func onStores(t *testing.T, test func(t *testing.T, shared engine)) {
	parallel(t, "with Redis", func(t *testing.T) { test(t, startRedis(t)) })
	parallel(t, "with PostgreSQL", func(t *testing.T) { test(t, startPostgres(t)) })
}

// onRedis runs a test with Redis and, with -long, also with PostgreSQL.
func onRedis(t *testing.T, test func(t *testing.T, shared engine)) {
	parallel(t, "with Redis", func(t *testing.T) { test(t, startRedis(t)) })
	if *long {
		parallel(t, "with PostgreSQL", func(t *testing.T) { test(t, startPostgres(t)) })
	}
}

// withoutAStore runs a test without a store, with -long.
func withoutAStore(t *testing.T, test func(t *testing.T, shared engine)) {
	if *long {
		parallel(t, "without a store", func(t *testing.T) { test(t, engine{}) })
	}
}

func parallel(t *testing.T, name string, test func(t *testing.T)) {
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		test(t)
	})
}

const (
	// lifetime is the lifetime of access tokens in these tests. They are refreshed in their last fifth, but not sooner than
	// this after a sign-in.
	lifetime = 10 * time.Second
	ahead    = lifetime / 5
	// later is the offset of the fake's clock after the sign-ins. A new access token is then not refreshed within a test.
	// More than a minute ahead of the instances' clocks, it would be refused.
	later = 50 * time.Second
)

// shiftedClock is real time with an offset. A fake that is behind issues access tokens that soon expire.
type shiftedClock struct {
	mu     sync.Mutex // guards offset
	offset time.Duration
}

func (c *shiftedClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset)
}

func (c *shiftedClock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	return time.AfterFunc(d, f).Stop
}

func (c *shiftedClock) set(offset time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset = offset
}

// people signs n users in, and waits until their access tokens are due for a refresh.
func (f *testFleet) people(clock *shiftedClock, n int) []*authkittest.Browser {
	f.Helper()
	clock.set(-lifetime)
	defer clock.set(later)
	var all []*authkittest.Browser
	for i := range n {
		email := fmt.Sprintf("user%d@example.com", i)
		f.fake.AddUser(authkittest.User{Email: email})
		b := f.browser()
		page, err := b.SignIn(f.home+"/login", email)
		require.NoError(f, err)
		require.Less(f, page.StatusCode, 400)
		all = append(all, b)
	}
	last := time.Now()
	require.Eventually(f, func() bool { return time.Since(last) > ahead }, time.Minute, 10*time.Millisecond)
	return all
}

// cookies returns the Cookie header that a browser sends now.
func (f *testFleet) cookies(b *authkittest.Browser) string {
	f.Helper()
	home, err := url.Parse(f.home)
	require.NoError(f, err)
	var pairs []string
	for _, c := range b.Jar.Cookies(home) {
		pairs = append(pairs, c.Name+"="+c.Value)
	}
	return strings.Join(pairs, "; ")
}

// meAt fetches /api/me from one instance with a Cookie header, without the front, and returns the status.
func (f *testFleet) meAt(instance, cookies string) int {
	f.Helper()
	status, err := f.ask(instance, cookies)
	require.NoError(f, err)
	return status
}

// direct sends requests to the instances past the front.
var direct = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 20}}

func (f *testFleet) ask(instance, cookies string) (int, error) {
	r, err := http.NewRequest(http.MethodGet, "http://"+f.fleet.find(instance).state().Host+"/api/me", nil)
	if err != nil {
		return 0, err
	}
	r.Host = strings.TrimPrefix(f.home, "http://")
	r.Header.Set("Cookie", cookies)
	r.Header.Set("Sec-Fetch-Mode", "cors")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	response, err := direct.Do(r)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body) // so that the connection can be used again
	return response.StatusCode, err
}

// knownEverywhere makes each instance verify the session, so that each one has it in its memory and follows the log.
func (f *testFleet) knownEverywhere(cookies string) {
	f.Helper()
	for _, i := range f.fleet {
		require.Equal(f, http.StatusOK, f.meAt(i.name, cookies), "instance %s", i.name)
	}
}

// figures returns the median and the largest of durations.
func figures(durations []time.Duration) string {
	sorted := slices.Sorted(slices.Values(durations))
	return fmt.Sprintf("median %v, largest %v", sorted[len(sorted)/2], sorted[len(sorted)-1])
}

func TestASignOutOnOneInstanceIsKnownToTheOthersWithinTwoSeconds(t *testing.T) {
	t.Parallel()
	onStores(t, func(t *testing.T, shared engine) {
		f := startFleet(t, shared)
		var took []time.Duration
		for range 20 {
			b := f.signedIn(ada)
			cookies := f.cookies(b)
			f.knownEverywhere(cookies)
			_, err := b.Fetch(http.MethodPost, f.home+"/logout")
			require.NoError(t, err)
			began := time.Now()
			for _, i := range f.fleet {
				require.Eventually(t, func() bool { return f.meAt(i.name, cookies) == http.StatusUnauthorized }, 2*time.Second,
					time.Millisecond, "instance %s refuses the old cookie", i.name)
			}
			took = append(took, time.Since(began))
		}
		t.Logf("from a sign-out to the refusal of the cookie by all three instances: %s", figures(took))
	})
}

func TestAStartedInstanceRefusesASignedOutSessionAtItsFirstRequest(t *testing.T) {
	t.Parallel()
	onStores(t, func(t *testing.T, shared engine) {
		f := startFleet(t, shared)
		b := f.signedIn(ada)
		cookies := f.cookies(b)
		f.knownEverywhere(cookies)
		_, err := b.Fetch(http.MethodPost, f.home+"/logout")
		require.NoError(t, err)
		for _, i := range f.fleet { // a busy store may get the sign-out later, from the instance that is killed below
			require.Eventually(t, func() bool { return f.meAt(i.name, cookies) == http.StatusUnauthorized }, 20*time.Second,
				time.Millisecond, "instance %s learns of the sign-out", i.name)
		}
		for _, i := range f.fleet {
			i.kill()
			require.NoError(t, i.start())
			began := time.Now()
			assert.Equal(t, http.StatusUnauthorized, f.meAt(i.name, cookies), "instance %s", i.name)
			t.Logf("the first request of instance %s: %v", i.name, time.Since(began))
		}
	})
}

func TestParallelRequestsOverThreeInstancesMakeOneExchange(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]authkittest.Option{
		"with a replay window": nil,
		"with strict rotation": {authkittest.WithStrictRotation()},
		"with strict rotation and a session lock": {
			authkittest.WithStrictRotation(), authkittest.WithSessionLock(), authkittest.WithRefreshLatency(50 * time.Millisecond),
		},
	} {
		parallel(t, name, func(t *testing.T) {
			onStores(t, func(t *testing.T, shared engine) {
				const people, parallel = 20, 30
				clock := &shiftedClock{}
				f := startFleet(t, shared, append(opts, authkittest.WithClock(clock), authkittest.WithAccessTokenLifetime(lifetime))...)
				browsers := f.people(clock, people)
				require.Zero(t, f.fake.Calls(authkittest.RouteRefresh))
				signedOut := 0
				for _, b := range browsers {
					statuses := make([]int, parallel)
					var all sync.WaitGroup
					for n := range statuses {
						all.Go(func() {
							if response, err := b.Client.Get(f.home + "/api/me"); assert.NoError(t, err) {
								response.Body.Close()
								statuses[n] = response.StatusCode
							}
						})
					}
					all.Wait()
					status, _ := f.signedInStatus(b)
					if slices.Max(statuses) != http.StatusOK || status != http.StatusOK {
						signedOut++
						t.Logf("answers: %v, then %d", statuses, status)
					}
				}
				assert.Zero(t, signedOut)
				assert.Equal(t, authkittest.RefreshCounts{Exchanged: people, MostPresented: 1}, f.fake.Refreshes())
				commands, failures := f.storeCalls()
				t.Logf("%d users with %d parallel requests each: %d exchanges, %d users signed out; %d commands of the store, %d failed",
					people, parallel, f.fake.Calls(authkittest.RouteRefresh), signedOut, commands, failures)
			})
		})
	}
}

// signedInStatus opens the home page and fetches /api/me from it.
func (f *testFleet) signedInStatus(b *authkittest.Browser) (status int, by string) {
	f.Helper()
	_, err := b.Get(f.home + "/")
	require.NoError(f, err)
	return f.me(b)
}

func TestALostResponseOfASlowExchangeIsServedByAnotherInstance(t *testing.T) {
	t.Parallel()
	onStores(t, func(t *testing.T, shared engine) {
		clock := &shiftedClock{}
		f := startFleet(t, shared, authkittest.WithClock(clock), authkittest.WithAccessTokenLifetime(lifetime))
		b := f.people(clock, 1)[0]
		cookies := f.cookies(b)
		f.fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Delay: 3 * time.Second, TakeEffect: true, Times: 1})
		began := time.Now()
		assert.Equal(t, http.StatusOK, f.meAt("A", cookies)) // the new cookie is dropped
		t.Logf("the request during the exchange of 3 s: %v", time.Since(began))
		require.Equal(t, 1, f.fake.Refreshes().Exchanged)

		clock.set(later + 33*time.Second) // past the replay window of WorkOS
		for _, i := range []string{"B", "C", "A"} {
			assert.Equal(t, http.StatusOK, f.meAt(i, cookies), "instance %s", i)
		}
		assert.Equal(t, authkittest.RefreshCounts{Exchanged: 1, MostPresented: 1}, f.fake.Refreshes())
	})
}
