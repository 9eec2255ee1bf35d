// The clock during faults: Run and FakeClock.AdvanceWhile.

package authkittest_test

import (
	"bufio"
	"fmt"
	"maps"
	"net/http"
	"runtime/metrics"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/testrun"
)

// faults are the kinds of a fault. All but the first make the call fail.
var faults = map[string]authkittest.Fault{
	"a delay of 3 s":         {Delay: 3 * time.Second},
	"a delay of an hour":     {Delay: time.Hour},
	"a hang":                 {Hang: true},
	"a drip":                 {Drip: 100 * time.Millisecond},
	"500":                    {Status: 500},
	"429 with a Retry-After": {Status: 429, Header: http.Header{"Retry-After": {"60"}}},
	"a reset connection":     {Reset: true},
	"a truncated body":       {Truncate: true},
	"an endless body":        {Endless: true},
}

func TestNoFaultHangsARequestOfRun(t *testing.T) {
	t.Parallel()
	// At the short length, each call meets every second kind, and each kind is met by every second call.
	every := testrun.Length(2, 1)
	for turn, kind := range slices.Sorted(maps.Keys(faults)) {
		fault := faults[kind]
		meet := func(name string, test func(t *testing.T)) {
			if turn++; turn%every == 0 {
				t.Run(name+kind, test)
			}
		}
		ok := kind == "a delay of 3 s"
		// faulted returns the time that a request takes with the fault, on the clock.
		faulted := func(t *testing.T, app *authkittest.App, route authkittest.Route, request func()) time.Duration {
			app.Fake.InjectFault(route, fault)
			before := app.Clock.Now()
			request()
			took := app.Clock.Now().Sub(before)
			assert.LessOrEqual(t, took, 15*time.Second)
			return took
		}
		meet("a refresh meets ", func(t *testing.T) {
			t.Parallel()
			app := run(t)
			browser := app.SignIn(ada)
			app.Clock.Advance(10 * time.Minute)
			faulted(t, app, authkittest.RouteRefresh, func() {
				page := open(t, browser, "/account")
				assert.Equal(t, either(ok, 200, 503), page.StatusCode)
				assert.Equal(t, !ok, page.Header.Get("Retry-After") != "")
			})
			app.Fake.ClearFault(authkittest.RouteRefresh)
			app.Clock.Advance(2 * time.Minute)
			assert.Equal(t, 200, open(t, browser, "/account").StatusCode, "the session is not lost")
		})
		meet("an early refresh meets ", func(t *testing.T) {
			t.Parallel()
			app := run(t)
			browser := app.SignIn(ada)
			app.Clock.Advance(270 * time.Second) // 30 s before the expiry
			took := faulted(t, app, authkittest.RouteRefresh, func() {
				assert.Equal(t, 200, open(t, browser, "/account").StatusCode)
			})
			assert.LessOrEqual(t, took, 2*time.Second)
			assert.Equal(t, 200, open(t, browser, "/account").StatusCode, "a later request does not hang either")
		})
		meet("the signing keys meet ", func(t *testing.T) {
			t.Parallel()
			app := run(t)
			faulted(t, app, authkittest.RouteJWKS, func() {
				response, _ := ask(t, app.APIClient(app.BearerToken(ada)), app.URL+"/account")
				assert.Equal(t, either(ok, 200, 503), response.StatusCode)
			})
		})
		meet("a code exchange meets ", func(t *testing.T) {
			t.Parallel()
			app := run(t)
			faulted(t, app, authkittest.RouteCodeExchange, func() {
				_, err := app.Browser().SignIn("/login", ada)
				if ok {
					assert.NoError(t, err)
					return
				}
				require.ErrorContains(t, err, "the application answered")
				assert.Contains(t, err.Error(), either(strings.HasPrefix(kind, "429"), "429", "50"))
			})
			app.Fake.ClearFault(authkittest.RouteCodeExchange)
			assert.Equal(t, 200, open(t, app.SignIn(ada), "/account").StatusCode)
		})
		meet("an API key meets ", func(t *testing.T) {
			t.Parallel()
			app := run(t)
			faulted(t, app, authkittest.RouteValidateAPIKey, func() {
				response, _ := ask(t, app.APIClient(app.APIKey("posts:read")), app.URL+"/api/posts")
				assert.Equal(t, either(ok, 200, either(strings.HasPrefix(kind, "429"), 429, 503)), response.StatusCode)
			})
		})
		meet("a sign-in page meets ", func(t *testing.T) {
			t.Parallel()
			if kind == "a hang" || kind == "a delay of an hour" || kind == "an endless body" {
				return // a browser waits without a limit
			}
			app := run(t)
			app.Fake.InjectFault(authkittest.RouteAuthorize, fault)
			_, err := app.Browser().SignIn("/login", ada)
			redirects := ok || kind == "a drip" || kind == "a truncated body" // only the body of a redirect is cut
			assert.Equal(t, redirects, err == nil, "%v", err)
		})
	}
}

func either[T any](first bool, one, other T) T {
	if first {
		return one
	}
	return other
}

func TestAHundredRequestsMeetAFaultAndTheClockStopsWithTheLastOne(t *testing.T) {
	t.Parallel()
	app := run(t)
	browser := app.SignIn(ada)
	app.Clock.Advance(10 * time.Minute)
	app.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true})
	before := app.Clock.Now()
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			response, err := browser.Client.Get(app.URL + "/account")
			if assert.NoError(t, err) {
				response.Body.Close()
				assert.Equal(t, 503, response.StatusCode)
			}
		})
	}
	all.Wait()
	after := app.Clock.Now()
	assert.LessOrEqual(t, after.Sub(before), 10*time.Second)
	assert.Never(t, func() bool { return app.Clock.Now() != after }, 100*time.Millisecond, 10*time.Millisecond, "the clock stands still again")
}

func TestAFaultDoesNotMoveTheClockForAStream(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	app := authkittest.Run(t, func(env authkittest.Env) http.Handler {
		ak := env.AuthKit()
		mux := http.NewServeMux()
		mux.Handle("/", application(ak))
		mux.Handle("GET /stream", ak.Middleware(ak.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx := ak.UntilEnd(r.Context())
			fmt.Fprintln(w, "hello")
			_ = http.NewResponseController(w).Flush()
			<-ctx.Done()
			ended <- ctx.Err()
		}))))
		return mux
	})
	browser := app.SignIn(ada)
	stream, err := browser.Client.Get(app.URL + "/stream")
	require.NoError(t, err)
	defer stream.Body.Close()
	line, err := bufio.NewReader(stream.Body).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "hello\n", line)

	app.Clock.Advance(310 * time.Second)
	app.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true})
	before := app.Clock.Now()
	assert.Equal(t, 200, open(t, browser, "/account").StatusCode, "the token is accepted for a minute")
	assert.Equal(t, 2*time.Second, app.Clock.Now().Sub(before))
	assert.Never(t, func() bool { return len(ended) > 0 }, 100*time.Millisecond, 10*time.Millisecond)

	app.Clock.Advance(time.Minute)
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("the stream has not ended with its session")
	}
}

func TestAHandlerThatWaitsForSomethingElseMovesTheClockByAMinuteAtMost(t *testing.T) {
	t.Parallel()
	const pause = 20 * time.Second // each timer takes 50 ms of real time or more
	release := make(chan struct{})
	app := authkittest.Run(t, func(env authkittest.Env) http.Handler {
		ak := env.AuthKit()
		var again func()
		again = func() { env.Clock.AfterFunc(pause, again) } // a timer that starts itself again
		again()
		mux := http.NewServeMux()
		mux.Handle("/", application(ak))
		mux.Handle("GET /wait", ak.Middleware(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release })))
		return mux
	})
	browser := app.SignIn(ada)
	app.Clock.Advance(10 * time.Minute)
	before := app.Clock.Now()
	app.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 500})
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		if response, err := browser.Client.Get(app.URL + "/wait"); assert.NoError(t, err) {
			response.Body.Close()
		}
	}()
	require.Eventually(t, func() bool { return app.Clock.Now().Sub(before) >= time.Minute }, 20*time.Second, 10*time.Millisecond)
	assert.Never(t, func() bool { return app.Clock.Now().Sub(before) > time.Minute+pause }, 200*time.Millisecond, 10*time.Millisecond)
	close(release)
	<-answered
}

func TestTheClockStandsStillDuringAFaultWithWithStillClock(t *testing.T) {
	t.Parallel()
	app := runWith(t, authkittest.WithStillClock())
	browser := app.SignIn(ada)
	app.Clock.Advance(10 * time.Minute)
	before := app.Clock.Now()
	app.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true})
	answer := make(chan int)
	go func() {
		page, err := browser.Get("/account")
		assert.NoError(t, err)
		answer <- page.StatusCode
	}()
	app.Fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
	// 200 ms is longer than a moving clock takes for one step.
	assert.Never(t, func() bool { return app.Clock.Now() != before }, 200*time.Millisecond, 10*time.Millisecond)
	app.Clock.AdvanceWhile(func() { assert.Equal(t, 503, <-answer) })
	assert.Greater(t, app.Clock.Now(), before)
}

func TestARefreshLatencyMovesTheClockOfRun(t *testing.T) {
	t.Parallel()
	app := runWith(t, authkittest.WithRefreshLatency(3*time.Second))
	browser := app.SignIn(ada)
	app.Clock.Advance(10 * time.Minute)
	before := app.Clock.Now()
	assert.Equal(t, 200, open(t, browser, "/account").StatusCode)
	assert.Equal(t, 3*time.Second, app.Clock.Now().Sub(before))
}

func TestARateLimitMovesTheClockOfRunToTheNextAttempt(t *testing.T) {
	t.Parallel()
	app := runWith(t, authkittest.WithRateLimit(1))
	browser := app.SignIn(ada)
	app.Clock.Advance(10 * time.Minute)
	only, err := http.Post(app.Fake.URL()+"/user_management/authenticate", "application/json", strings.NewReader("{}")) // in this second
	require.NoError(t, err)
	only.Body.Close()
	before := app.Clock.Now()
	assert.Equal(t, 200, open(t, browser, "/account").StatusCode)
	assert.Equal(t, 1, app.Fake.Limited(authkittest.RouteRefresh))
	assert.InDelta(t, 1.125, app.Clock.Now().Sub(before).Seconds(), 0.125)
}

// A goroutine that runs on a processor that the machine lends to another one makes no progress.
func TestAdvanceWhileWaitsForAGoroutineThatRuns(t *testing.T) {
	if !slices.ContainsFunc(metrics.All(), func(d metrics.Description) bool { return d.Name == "/sched/goroutines/running:goroutines" }) {
		t.Skip("this version of Go does not tell whether goroutines run")
	}
	var over atomic.Bool
	go func() {
		for !over.Load() {
		}
	}()
	t.Cleanup(func() { over.Store(true) })
	assert.Eventually(t, func() bool { return !authkittest.IsStill(false) }, 20*time.Second, time.Millisecond)
	assert.True(t, authkittest.IsStill(true), "a goroutine that runs for ever does not hold the clock up")
	over.Store(true)
	assert.Eventually(t, func() bool { return authkittest.IsStill(false) }, 20*time.Second, time.Millisecond)
}

func TestAdvanceWhileMovesTheClockForACallOfTheTest(t *testing.T) {
	t.Parallel()
	clock := authkittest.NewFakeClock(start)
	fake := authkittest.New(t, authkittest.WithClock(clock))
	fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Delay: time.Hour})
	clock.AdvanceWhile(func() {
		response, err := http.Get(fake.URL() + "/sso/jwks/" + fake.ClientID())
		if assert.NoError(t, err) {
			response.Body.Close()
		}
	})
	assert.Equal(t, start.Add(time.Hour), clock.Now())

	var again func()
	calls := 0
	again = func() { calls++; clock.AfterFunc(9*time.Hour, again) }
	again()
	clock.AdvanceWhile(func() {
		assert.Eventually(t, func() bool { return clock.Now().After(start.Add(25 * time.Hour)) }, 10*time.Second, time.Millisecond)
	})
	assert.Equal(t, 4, calls, "a timer that starts itself again does not move the clock for more than a day")
	assert.Equal(t, start.Add(28*time.Hour), clock.Now())
	clock.AdvanceWhile(func() {})
	assert.Equal(t, start.Add(28*time.Hour), clock.Now())
}

func TestAnEndOfAllSessionsInAnOutageHangsNoTest(t *testing.T) {
	t.Parallel()
	var ak *authkit.AuthKit
	app := authkittest.Run(t, func(env authkittest.Env) http.Handler {
		ak = env.AuthKit()
		return application(ak)
	})
	app.SignIn(ada)
	app.Fake.InjectFault(authkittest.RouteListSessions, authkittest.Fault{Hang: true})
	var err error
	app.Clock.AdvanceWhile(func() { err = ak.EndUser(t.Context(), app.Fake.Users()[0].ID) })
	assert.Error(t, err)
}
