//go:build unix

// The load of the failure rows: 100 requests a second of signed-in users, three at a time, over three instances.

package main

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

const (
	loadUsers = 24
	// burst is how many requests a browser sends at once, one to each instance. So a refresh token is due at three
	// instances at the same time.
	burst      = 3
	burstEvery = burst * time.Second / 100

	// The clock of the fake is behind, so that its access tokens soon expire for the instances. They refresh a session two
	// seconds after its last refresh, and do not accept its access token loadTokens after it was issued.
	loadLifetime = 10 * time.Second
	loadTokens   = 5 * time.Second
	loadOffset   = loadTokens - loadLifetime - time.Minute
)

// load is what the users met.
type load struct {
	f        *testFleet
	browsers []*authkittest.Browser

	mu        sync.Mutex // guards everything below
	took      []time.Duration
	statuses  map[int]int
	signedOut map[int]bool // users who got 401
	failing   atomic.Bool  // the row's failure is not over yet
	early503  int          // answers of 503 while nothing failed
}

// startLoad starts a fleet and signs the users in.
func startLoad(t *testing.T, shared engine, strict bool) *load {
	t.Helper()
	clock := &shiftedClock{}
	clock.set(loadOffset)
	opts := []authkittest.Option{authkittest.WithClock(clock), authkittest.WithAccessTokenLifetime(loadLifetime), authkittest.WithRefreshLatency(10 * time.Millisecond)}
	if strict {
		opts = append(opts, authkittest.WithStrictRotation())
	}
	l := &load{f: startFleet(t, shared, opts...), statuses: map[int]int{}, signedOut: map[int]bool{}}
	l.browsers = make([]*authkittest.Browser, loadUsers)
	var signIns sync.WaitGroup
	for n := range l.browsers {
		email := fmt.Sprintf("user%d@example.com", n)
		l.f.fake.AddUser(authkittest.User{Email: email})
		b := l.f.browser()
		l.browsers[n] = b
		signIns.Go(func() {
			page, err := b.SignIn(l.f.home+"/login", email)
			if assert.NoError(t, err) {
				assert.Less(t, page.StatusCode, 400)
			}
		})
	}
	signIns.Wait()
	require.False(t, t.Failed())
	return l
}

// ask sends one request of a user and returns the status, 0 for none.
func (l *load) ask(n int) int {
	r, err := http.NewRequest(http.MethodGet, l.f.home+"/api/me", nil)
	if err != nil {
		return 0
	}
	r.Header.Set("Sec-Fetch-Mode", "cors")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Sec-Fetch-Dest", "empty")
	response, err := l.browsers[n].Client.Do(r)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	return response.StatusCode
}

// run sends requests for a time. Each user sends a burst in turn.
func (l *load) run(d time.Duration) {
	ticker := time.NewTicker(burstEvery)
	defer ticker.Stop()
	var requests sync.WaitGroup
	for began, turn := time.Now(), 0; time.Since(began) < d; turn++ {
		<-ticker.C
		for range burst {
			requests.Go(func() { l.record(turn%loadUsers, l.failing.Load()) })
		}
	}
	requests.Wait()
}

func (l *load) record(n int, failing bool) {
	began := time.Now()
	status := l.ask(n)
	took := time.Since(began)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.took = append(l.took, took)
	l.statuses[status]++
	switch status {
	case http.StatusUnauthorized:
		l.signedOut[n] = true
	case http.StatusServiceUnavailable:
		if !failing && !l.failing.Load() {
			l.early503++
		}
	}
}

// awaitServed waits until every user who was not signed out is served.
func (l *load) awaitServed() {
	for n := range l.browsers {
		require.Eventually(l.f, func() bool {
			status := l.ask(n)
			if status == http.StatusUnauthorized {
				l.signedOut[n] = true
			}
			return status == http.StatusOK || l.signedOut[n]
		}, 30*time.Second, 50*time.Millisecond, "user %d is served", n)
	}
}

// quantile returns the duration that a share of the requests did not exceed.
func (l *load) quantile(share float64) time.Duration {
	sorted := slices.Sorted(slices.Values(l.took))
	return sorted[int(share*float64(len(sorted)-1))].Round(100 * time.Microsecond)
}

// String returns the figures in one line.
func (l *load) String() string {
	return fmt.Sprintf("%d requests, %d of %d users signed out, %d answers of 503, p50 %v, p99 %v, longest %v; %+v",
		len(l.took), len(l.signedOut), loadUsers, l.statuses[http.StatusServiceUnavailable],
		l.quantile(0.5), l.quantile(0.99), l.quantile(1), l.f.fake.Refreshes())
}
