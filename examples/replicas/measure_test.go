//go:build unix

// The measurements: what the store costs a refresh, and how soon all instances refuse a signed-out session. They are left out
// without a flag, because a busy machine changes their figures:
//
//	go test -run TestMeasure -v -timeout 0 -measure

package main

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

var measure = flag.Bool("measure", false, "run the measurements, which need a quiet machine")

func onlyMeasured(t *testing.T) {
	t.Helper()
	if !*measure {
		t.Skip("the measurements are left out without -measure")
	}
}

// refreshing is an instance whose sessions are due for a refresh again 200 ms after their last one.
type refreshing struct {
	*testFleet
	name     string
	sessions []string // Cookie headers
	took     []time.Duration
	cpu      time.Duration
}

func startRefreshing(t *testing.T, name string, shared engine, latency time.Duration, sessions int) *refreshing {
	t.Helper()
	clock := &shiftedClock{}
	clock.set(-30 * time.Second)
	r := &refreshing{name: name}
	r.testFleet = startFleetWith(t, fleetOptions{shared: shared, names: []string{"A"}, fake: []authkittest.Option{
		authkittest.WithClock(clock), authkittest.WithAccessTokenLifetime(time.Second), authkittest.WithRefreshLatency(latency),
	}})
	for range sessions {
		r.sessions = append(r.sessions, r.cookies(r.signedIn(ada)))
	}
	return r
}

// get fetches /api/me with a session and returns how long it took, and the cookie of the response if it sets one.
func (r *refreshing) get(cookies string) (took time.Duration, next string) {
	r.Helper()
	request, err := http.NewRequest(http.MethodGet, "http://"+r.fleet[0].state().Host+"/api/me", nil)
	require.NoError(r, err)
	request.Host = strings.TrimPrefix(r.home, "http://")
	request.Header.Set("Cookie", cookies)
	request.Header.Set("Sec-Fetch-Mode", "cors")
	request.Header.Set("Sec-Fetch-Site", "same-origin")
	began := time.Now()
	response, err := direct.Do(request)
	took = time.Since(began)
	require.NoError(r, err)
	defer response.Body.Close()
	require.Equal(r, http.StatusOK, response.StatusCode)
	var pairs []string
	for _, c := range response.Cookies() {
		if c.MaxAge >= 0 {
			pairs = append(pairs, c.Name+"="+c.Value)
		}
	}
	return took, strings.Join(pairs, "; ")
}

// processorTime returns the processor time that the instance has used. Linux counts it in hundredths of a second.
func (r *refreshing) processorTime() time.Duration {
	r.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", r.fleet[0].state().PID))
	if err != nil {
		r.Skip("the processor time of a process is read from /proc, which only Linux has")
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	ticks := 0
	for _, field := range fields[11:13] { // utime and stime
		n, err := strconv.Atoi(field)
		require.NoError(r, err)
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// rounds measures the requests of all instances in turn, so that a busy moment of the machine meets all of them.
func rounds(all []*refreshing, n int, round func(*refreshing)) {
	for _, r := range all {
		r.took, r.cpu = nil, -r.processorTime()
	}
	for range n {
		for _, r := range all {
			round(r)
		}
		wait(time.Now().Add(250 * time.Millisecond)) // until all sessions are due again
	}
	for _, r := range all {
		r.cpu += r.processorTime()
	}
}

func quantile(durations []time.Duration, share float64) time.Duration {
	sorted := slices.Sorted(slices.Values(durations))
	return sorted[int(share*float64(len(sorted)-1))].Round(10 * time.Microsecond)
}

func TestMeasureARefreshWithAndWithoutAStore(t *testing.T) {
	onlyMeasured(t)
	for latency, n := range map[time.Duration]int{0: 100, 50 * time.Millisecond: 20} {
		t.Run(fmt.Sprintf("WorkOS takes %v", latency), func(t *testing.T) {
			const sessions = 20
			all := []*refreshing{
				startRefreshing(t, "without a store", engine{}, latency, sessions),
				startRefreshing(t, "without a store, again", engine{}, latency, sessions),
				startRefreshing(t, "with Redis", startRedis(t), latency, sessions),
				startRefreshing(t, "with PostgreSQL", startPostgres(t), latency, sessions),
			}
			wait(time.Now().Add(300 * time.Millisecond))
			exchanged := func(r *refreshing) int { return r.fake.Refreshes().Exchanged }
			refresh := func(r *refreshing) {
				for k, cookies := range r.sessions {
					took, next := r.get(cookies)
					require.NotEmpty(t, next, "%s: a refresh", r.name)
					r.sessions[k], r.took = next, append(r.took, took)
				}
			}
			rounds(all, 5, refresh) // the connections are open, and the session is in the cache
			before := exchanged(all[0])
			rounds(all, n, refresh)
			require.Equal(t, n*sessions, exchanged(all[0])-before)
			base := all[0].cpu
			for _, r := range all {
				t.Logf("a refresh %s: p50 %v, p95 %v, %v of the instance's processor, ratio %.2f (%d refreshes)", r.name, quantile(r.took, 0.5),
					quantile(r.took, 0.95), (r.cpu / time.Duration(n*sessions)).Round(10*time.Microsecond), float64(r.cpu)/float64(base), len(r.took))
			}
			// The floor: the same requests with sessions that are not due. Their access token is fresh for 200 ms.
			const floor = 20
			rounds(all, n, func(r *refreshing) {
				_, next := r.get(r.sessions[0])
				require.NotEmpty(t, next, "%s: a refresh", r.name)
				r.sessions[0] = next
				for range floor {
					took, again := r.get(next)
					if again != "" { // the machine was slow, and a refresh was due
						r.sessions[0] = again
						break
					}
					r.took = append(r.took, took)
				}
			})
			for _, r := range all {
				t.Logf("a request without a refresh %s: p50 %v, p95 %v (%d requests)", r.name, quantile(r.took, 0.5), quantile(r.took, 0.95), len(r.took))
			}
		})
	}
}

func TestMeasureFromASignOutToTheRefusalByFiftyInstances(t *testing.T) {
	onlyMeasured(t)
	for name, start := range map[string]func(*testing.T) engine{"with Redis": startRedis, "with PostgreSQL": startPostgres} {
		t.Run(name, func(t *testing.T) {
			const instances, signOuts = 50, 40
			f := startInProcess(t, start(t), instances)
			var took []time.Duration
			for range signOuts {
				cookies := f.signIn()
				for n := range instances {
					require.Equal(t, http.StatusOK, f.status(n, cookies))
				}
				refusals := make([]time.Duration, instances)
				began := time.Now()
				var all sync.WaitGroup
				for n := range instances {
					all.Go(func() {
						assert.Eventually(t, func() bool { return f.status(n, cookies) == http.StatusUnauthorized }, 20*time.Second, 500*time.Microsecond)
						refusals[n] = time.Since(began)
					})
				}
				f.signOut(cookies)
				answered := time.Since(began)
				all.Wait()
				for _, refusal := range refusals {
					took = append(took, max(0, refusal-answered))
				}
			}
			t.Logf("%d sign-outs, %d instances in one process, from the response of the sign-out to the refusal by an instance: p50 %v, p95 %v, largest %v",
				signOuts, instances, quantile(took, 0.5), quantile(took, 0.95), quantile(took, 1))
		})
	}
}

// inProcess is instances in the process of the test.
type inProcess struct {
	*testing.T
	instances []http.Handler
	fake      *authkittest.Server
	visitor   *http.Cookie // the session of a browser at the fake
}

// status returns the status of a page for signed-in users.
func (f *inProcess) status(instance int, cookies string) int {
	return f.send(instance, http.MethodGet, "/page", cookies).Code
}

// signOut signs out at the first instance.
func (f *inProcess) signOut(cookies string) {
	f.Helper()
	require.Less(f, f.send(0, http.MethodPost, "/logout", cookies).Code, 400)
}

// send sends a request as a script of the application does.
func (f *inProcess) send(instance int, method, target, cookies string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://localhost"+target, nil)
	r.Header.Set("Cookie", cookies)
	r.Header.Set("Sec-Fetch-Mode", "cors")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	w := httptest.NewRecorder()
	f.instances[instance].ServeHTTP(w, r)
	return w
}
