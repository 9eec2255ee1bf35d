//go:build unix

// 300 users during rolling restarts, while responses are lost.

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
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

var long = flag.Bool("long", false, "run the long version of the tests, with every engine and also without a store")

const (
	// behind is how far the fake's clock is behind, so that its access tokens have expired when they arrive. They are accepted
	// until 60 s after their expiry, which is served below after their arrival.
	behind = lifetime + 60*time.Second - served
	served = 5 * time.Second
	// viewEvery is the time between two page views of a user. Each one is long enough after the last refresh for another one.
	viewEvery = 3 * time.Second
)

// visitorHeader names the user of a request to the front.
const visitorHeader = "X-Visitor"

// cutRequests records the requests that were cut because their instance was killed.
type cutRequests struct {
	http.RoundTripper
	mu  sync.Mutex // guards cut
	cut map[string][]period
}

// period is when a request of a user was at an instance.
type period struct{ from, to time.Time }

// RoundTrip implements http.RoundTripper.
func (c *cutRequests) RoundTrip(r *http.Request) (*http.Response, error) {
	from := time.Now()
	response, err := c.RoundTripper.RoundTrip(r)
	if err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		user := r.Header.Get(visitorHeader)
		c.cut[user] = append(c.cut[user], period{from, time.Now()})
	}
	return response, err
}

// visitor is a user whose browser loses responses.
type visitor struct {
	*authkittest.Browser
	email    string
	own      http.RoundTripper
	luck     *rand.Rand
	loses    bool // 5 % of the responses
	lost     *atomic.Int64
	statuses map[int]int
}

var errLost = errors.New("the response was lost")

// RoundTrip implements http.RoundTripper.
func (v *visitor) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := v.own.RoundTrip(r)
	if err != nil || !v.loses || v.luck.IntN(20) > 0 {
		return response, err
	}
	response.Body.Close()
	v.lost.Add(1)
	return nil, errLost
}

// view fetches /api/me and returns the status, or 0 if the response was lost.
func (v *visitor) view(home string) (int, error) {
	r, err := http.NewRequest(http.MethodGet, home+"/api/me", nil)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Sec-Fetch-Mode", "cors")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set(visitorHeader, v.email)
	response, err := v.Client.Do(r)
	if errors.Is(err, errLost) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}

// wait waits until a time.
func wait(until time.Time) { <-time.After(time.Until(until)) }

func TestRollingRestartsSignOutOnlyUsersWhoseInstanceWasKilledInMidExchange(t *testing.T) {
	t.Parallel()
	test := func(t *testing.T, shared engine) {
		people, views := 300, 4
		if *long {
			views = 20
		}
		clock, between := &shiftedClock{}, newUpstream(t)
		clock.set(-behind)
		f := startFleetWith(t, fleetOptions{shared: shared, upstream: between, fake: []authkittest.Option{
			authkittest.WithClock(clock), authkittest.WithAccessTokenLifetime(lifetime), authkittest.WithStrictRotation(),
			authkittest.WithRefreshLatency(50 * time.Millisecond),
		}})
		var lost atomic.Int64
		visitors := f.visitors(people, &lost)
		requests := &cutRequests{RoundTripper: f.front.transport, cut: map[string][]period{}}
		f.front.transport = requests

		var all, restarts sync.WaitGroup
		over := make(chan struct{})
		kills, graceful := 0, 0
		restarts.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-over:
					return
				case <-time.After(time.Second):
				}
				i := f.fleet[n%len(f.fleet)]
				if n%2 == 0 {
					kills++
					i.kill()
				} else {
					graceful++
					i.stop()
				}
				if !assert.NoError(t, i.start()) {
					return
				}
			}
		})
		start := time.Now()
		for n, v := range visitors {
			all.Go(func() {
				for k := range views {
					wait(start.Add(time.Duration(k)*viewEvery + time.Duration(n)*viewEvery/time.Duration(people)))
					status, err := v.view(f.home)
					assert.NoError(t, err)
					v.statuses[status]++
				}
			})
		}
		all.Wait()
		close(over)
		restarts.Wait()
		wait(time.Now().Add(served)) // no old token serves any more

		killed, late := between.killedInMidExchange(requests.cut), between.answersTooLate()
		var signedOut, wrongly []string
		statuses := map[int]int{}
		for _, v := range visitors {
			all.Go(func() { v.settle(t, f.home) })
		}
		all.Wait()
		for _, v := range visitors {
			for status, n := range v.statuses {
				statuses[status] += n
			}
			if v.statuses[http.StatusUnauthorized] > 0 {
				signedOut = append(signedOut, v.email)
				if !killed[v.email] && !late[v.email] {
					wrongly = append(wrongly, v.email)
					t.Logf("%s was signed out without a kill in mid-exchange:\n%s", v.email, between.story(v.email, requests.cut[v.email], start))
				}
			}
		}
		slices.Sort(signedOut)
		t.Logf("%d users, %d refreshes, %d responses lost, %d instances killed and %d stopped: %d users signed out %v, %d of them without "+
			"a kill in mid-exchange (%d users had one, and %d an answer that came too late); answers %v", people,
			f.fake.Refreshes().Exchanged, lost.Load(), kills, graceful, len(signedOut), signedOut, len(wrongly), len(killed), len(late), statuses)
		if shared.variable == "" {
			return
		}
		assert.Empty(t, wrongly, "signed out without a kill in mid-exchange")
		assert.Greater(t, f.fake.Refreshes().Exchanged, people*(views-1)*3/4)
		assert.Greater(t, lost.Load(), int64(people*views/40))
	}
	onRedis(t, test)
	withoutAStore(t, test)
}

// settle views pages until the answer is final, and records it.
func (v *visitor) settle(t *testing.T, home string) {
	v.loses = false
	var status int
	assert.Eventually(t, func() bool {
		var err error
		status, err = v.view(home)
		return err == nil && (status == http.StatusOK || status == http.StatusUnauthorized)
	}, 20*time.Second, 200*time.Millisecond, "%s gets a final answer", v.email)
	v.statuses[status]++
}

// visitors signs n users in. Their browsers lose responses from then on.
func (f *testFleet) visitors(n int, lost *atomic.Int64) []*visitor {
	f.Helper()
	all := make([]*visitor, n)
	var signingIn sync.WaitGroup
	for worker := range 8 {
		signingIn.Go(func() {
			for i := worker; i < n; i += 8 {
				v := &visitor{
					Browser: f.browser(), email: fmt.Sprintf("user%d@example.com", i), own: &http.Transport{}, lost: lost,
					luck: rand.New(rand.NewPCG(1, uint64(i))), statuses: map[int]int{},
				}
				v.Base = v
				f.Cleanup(v.own.(*http.Transport).CloseIdleConnections)
				f.fake.AddUser(authkittest.User{Email: v.email})
				_, err := v.SignIn(f.home+"/login", v.email)
				assert.NoError(f, err)
				v.loses = true
				all[i] = v
			}
		})
	}
	signingIn.Wait()
	require.False(f, f.Failed())
	return all
}
