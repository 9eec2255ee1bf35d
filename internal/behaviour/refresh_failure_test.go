// Failures of WorkOS of every kind, during a refresh and during a code exchange.

package behaviour

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/testrun"
)

// failure is a way in which a call to WorkOS can fail, and the expected behaviour.
type failure struct {
	fault authkittest.Fault
	dial  dialFunc // a dial that fails, instead of the fault
	hangs bool     // no reply comes before the deadline of the library
	// attempts is the number of attempts that one refresh makes within its ten seconds. The pauses between them count.
	attempts     int
	pause        time.Duration // until the next refresh or key fetch
	signInStatus int           // status of the callback if the code exchange fails
	refuses      bool          // the reply refuses the refresh, which is tried again after a minute
}

var failures = map[string]failure{
	"500": {
		fault: authkittest.Fault{Status: 500}, attempts: 4, pause: 5 * time.Second, signInStatus: 503,
	},
	"a page with 502": {
		fault: htmlFault(502), attempts: 4, pause: 5 * time.Second, signInStatus: 503,
	},
	"429 without Retry-After": {
		fault: rateLimitFault(""), attempts: 4, pause: 5 * time.Second, signInStatus: 429,
	},
	"429 with a short Retry-After": {
		fault: rateLimitFault("3"), attempts: 3, pause: 5 * time.Second, signInStatus: 429,
	},
	"429 with a long Retry-After": {
		fault: rateLimitFault("30"), attempts: 1, pause: 30 * time.Second, signInStatus: 429,
	},
	"429 with a Retry-After date": {
		fault: rateLimitFault(Start.Add(time.Hour).Format(http.TimeFormat)), attempts: 1, pause: time.Minute, signInStatus: 429,
	},
	"404 of the API": {
		fault: authkittest.Fault{Status: 404, Body: `{"message":"Not Found"}`}, attempts: 1, pause: 5 * time.Second, signInStatus: 400, refuses: true,
	},
	"404 of a proxy": {
		fault: htmlFault(404), attempts: 1, pause: 5 * time.Second, signInStatus: 503,
	},
	"a page with 200": {
		fault: htmlFault(200), attempts: 1, pause: 5 * time.Second, signInStatus: 503,
	},
	"XML with 200": {
		fault: authkittest.Fault{Body: "<user/>", Header: http.Header{"Content-Type": {"application/xml"}}}, attempts: 1, pause: 5 * time.Second, signInStatus: 503,
	},
	"a truncated reply": {
		fault: authkittest.Fault{Body: `{"user":{"id":"user_kim"},"keys":[]}`, Truncate: true}, attempts: 4, pause: 5 * time.Second, signInStatus: 503,
	},
	"an endless reply": {
		fault: authkittest.Fault{Body: strings.Repeat(" ", 4096), Endless: true}, attempts: 1, pause: 5 * time.Second, signInStatus: 503,
	},
	"an endless 503": {
		fault: authkittest.Fault{Status: 503, Body: strings.Repeat(" ", 4096), Endless: true}, attempts: 4, pause: 5 * time.Second, signInStatus: 503,
	},
	"a connection reset": {
		fault: authkittest.Fault{Reset: true}, attempts: 4, pause: 5 * time.Second, signInStatus: 503,
	},
	"a dripping reply": {
		fault: authkittest.Fault{Drip: 2 * time.Second, Body: strings.Repeat(" ", 64)}, hangs: true, attempts: 2, pause: 5 * time.Second, signInStatus: 503,
	},
	"an unknown host name": {
		dial: dialNotFound, attempts: 4, pause: 5 * time.Second, signInStatus: 503,
	},
	"a refused connection": {
		dial: dialRefused, attempts: 4, pause: 5 * time.Second, signInStatus: 503,
	},
	"a late reply": {
		fault: authkittest.Fault{Delay: time.Minute}, hangs: true, attempts: 2, pause: 5 * time.Second, signInStatus: 503,
	},
	"no reply": {
		fault: authkittest.Fault{Hang: true}, hangs: true, attempts: 2, pause: 5 * time.Second, signInStatus: 503,
	},
}

func htmlFault(status int) authkittest.Fault {
	return authkittest.Fault{Status: status, Body: "<!doctype html><h1>Maintenance</h1>", Header: http.Header{"Content-Type": {"text/html"}}}
}

func rateLimitFault(retryAfter string) authkittest.Fault {
	header := http.Header{}
	if retryAfter != "" {
		header.Set("Retry-After", retryAfter)
	}
	return authkittest.Fault{Status: 429, Body: `{"error":"too_many_requests"}`, Header: header}
}

// refreshResult is the response to a request that needed a refresh, with its times.
type refreshResult struct {
	Response
	took     time.Duration // until the response, on the clock
	exchange time.Duration // until the end of the exchange
}

// sendRefreshing sends a request whose session needs a refresh. It moves the clock from one deadline to the next: the end of
// the wait of the request, of an attempt or of a pause. With a usable token the request waits two seconds at most.
func (o *outage) sendRefreshing(f failure, q Request, usable bool) refreshResult {
	o.T.Helper()
	o.dropTimers()
	began, calls := o.Clock.Now(), o.Fake.Calls(authkittest.RouteRefresh)
	responses := o.start(q)

	var r refreshResult
	waiting := true
	var remaining time.Duration // of the wait of the request, if its token is usable
	if usable {
		remaining = o.nextTimer()
		assert.Equal(o.T, 2*time.Second, remaining)
	}
	move := func(d time.Duration) {
		if usable && waiting && d >= remaining {
			o.Clock.Advance(remaining)
			d -= remaining
			waiting, r.Response, r.took = false, o.await(responses), o.Clock.Now().Sub(began)
		}
		remaining -= d
		o.Clock.Advance(d)
	}
	for attempt := 1; attempt <= f.attempts; attempt++ {
		limit := o.nextTimer()
		assert.LessOrEqual(o.T, limit, 5*time.Second, "an attempt may take five seconds")
		if f.hangs {
			o.Fake.AwaitCalls(o.T, authkittest.RouteRefresh, calls+attempt)
			move(limit)
		}
		if attempt < f.attempts {
			pause := o.nextTimer()
			retryAfter, _ := strconv.Atoi(f.fault.Header.Get("Retry-After"))
			assert.GreaterOrEqual(o.T, pause, time.Duration(retryAfter)*time.Second)
			move(pause)
		}
	}
	if waiting {
		r.Response, r.took = o.await(responses), o.Clock.Now().Sub(began)
	}
	r.exchange = o.Clock.Now().Sub(began)
	return r
}

// everyFailure is which of two cases each failure meets: both, or one, and the next failure the other one.
var everyFailure = testrun.Length(2, 1)

func TestAFailedRefreshNeverEndsTheSession(t *testing.T) {
	for i, name := range slices.Sorted(maps.Keys(failures)) {
		for j, usable := range []bool{true, false} {
			f, token := failures[name], "an expired token"
			if (i+j)%everyFailure != 0 && !f.refuses { // only one refuses
				continue
			}
			if usable {
				token = "a usable token"
			}
			t.Run(name+", with "+token, func(t *testing.T) {
				earlier := checkGoroutineLeaks(t)
				signedOut := 0
				o := newOutage(t, AppOptions{AuthKit: []authkit.Option{
					authkit.WithOnSignOut(func(context.Context, authkit.SignOutEvent) { signedOut++ }),
				}})
				cookie, id := o.SignedIn(Kim).CookieHeader(), o.SessionID()
				o.ExpireToken(2 * time.Minute)
				if usable {
					o.Clock.Advance(-150 * time.Second) // half a minute before its expiry
				}
				endOutage := o.startOutage(authkittest.RouteRefresh, f)
				before := o.upstream.sent.Load()
				exchanges := func() int { return int(o.upstream.sent.Load() - before) }

				assertAnswer := func(resp Response) {
					t.Helper()
					assert.Empty(t, resp.SetCookies(t), "the cookie is kept")
					if usable {
						assert.Equal(t, http.StatusOK, resp.Status)
						assert.Equal(t, PageOf(Kim, id)+" at /account", resp.Body)
						return
					}
					if f.refuses {
						assert.Equal(t, http.StatusUnauthorized, resp.Status)
						return
					}
					assert.Equal(t, http.StatusServiceUnavailable, resp.Status)
					assert.Equal(t, "unavailable", resp.Problem(t)["code"])
					assert.Equal(t, strconv.Itoa(int(f.pause/time.Second)), resp.Header.Get("Retry-After"))
				}
				first := o.sendRefreshing(f, Request{Target: "/account", Cookie: cookie, Header: Scripted()}, usable)
				assertAnswer(first.Response)
				if usable {
					assert.LessOrEqual(t, first.took, 2*time.Second)
				}
				assert.LessOrEqual(t, first.exchange, 10*time.Second)

				// WorkOS is not called again before the pause ends. If the exchange
				// still runs, the first of these requests waits for its end.
				again := Request{Target: "/account", Cookie: cookie, Header: Scripted()}
				assertAnswer(o.await(o.start(again)))
				assert.Equal(t, f.attempts, exchanges())
				pause := f.pause
				if f.refuses {
					pause = time.Minute
				}
				o.Clock.Advance(pause - time.Millisecond)
				assertAnswer(o.await(o.start(again)))
				if !usable {
					home := o.await(o.start(Request{Target: "/", Cookie: cookie}))
					visitor := "an unknown user"
					if f.refuses {
						visitor = "anonymous"
					}
					assert.Contains(t, home.Body, "home of "+visitor, "public pages work")
				}
				assert.Equal(t, f.attempts, exchanges())

				// A flight ends a moment after its outcome is known. A request that joined it then, with the clock past the
				// pause, would get the failure once more.
				eventuallyNone(t, WaitTimeout, func() []string {
					return earlier.newer(func(stack string) bool { return strings.Contains(stack, ".(*rotations).fly(") })
				}, nil)

				// After the outage the session is refreshed without a new sign-in.
				endOutage()
				o.Clock.Advance(time.Millisecond)
				resp := o.await(o.start(again))
				assert.Equal(t, http.StatusOK, resp.Status)
				assert.Equal(t, PageOf(Kim, id)+" at /account", resp.Body)
				assert.Equal(t, f.attempts+1, exchanges())
				resp = o.await(o.start(Request{Target: "/account", Cookie: resp.NewCookie(t)}))
				assert.Equal(t, PageOf(Kim, id)+" at /account", resp.Body)
				assert.Zero(t, signedOut)
			})
		}
	}
}

func TestARequestWithAUsableTokenWaitsTwoSecondsForASlowRefresh(t *testing.T) {
	for name, c := range map[string]struct {
		beyond time.Duration // the expiry of the token
		wait   time.Duration // until the request is answered
	}{
		"a valid token":       {-30 * time.Second, 2 * time.Second},
		"a token within skew": {59*time.Second - 3*time.Second, 2 * time.Second},
		"an expired token":    {2 * time.Minute, 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			checkGoroutineLeaks(t)
			o := newOutage(t, AppOptions{})
			cookie, id := o.SignedIn(Kim).CookieHeader(), o.SessionID()
			o.ExpireToken(c.beyond)
			o.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Delay: 3 * time.Second})

			responses := o.start(Request{Target: "/account", Cookie: cookie})
			o.Fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
			timers := 2 // of the attempt and of the fake
			if c.beyond < time.Minute {
				timers++ // and of the request
			}
			o.Clock.AwaitTimers(timers)
			o.Clock.Advance(c.wait)
			resp := o.await(responses)
			assert.Equal(t, PageOf(Kim, id)+" at /account", resp.Body)
			if c.wait < 3*time.Second {
				assert.Empty(t, resp.SetCookies(t))
				o.Clock.Advance(3*time.Second - c.wait)
				resp = o.await(o.start(Request{Target: "/account", Cookie: cookie}))
				assert.Equal(t, PageOf(Kim, id)+" at /account", resp.Body)
			}
			resp.NewCookie(t)
			assert.Equal(t, 1, o.Fake.Calls(authkittest.RouteRefresh))
		})
	}
}

// The library reads the body of a reply and ignores its Content-Type.
func TestAReplyWithAnotherContentTypeIsAccepted(t *testing.T) {
	checkGoroutineLeaks(t)
	o := newOutage(t, AppOptions{})
	other := authkittest.Fault{Header: http.Header{"Content-Type": {"text/plain"}}}
	for _, route := range []authkittest.Route{authkittest.RouteJWKS, authkittest.RouteCodeExchange, authkittest.RouteRefresh} {
		o.Fake.InjectFault(route, other)
	}
	cookie := o.SignedIn(Kim).CookieHeader()
	o.ExpireToken(2 * time.Minute)
	resp := o.Send(Request{Target: "/account", Cookie: cookie})
	assert.Equal(t, PageOf(Kim, o.SessionID())+" at /account", resp.Body)
	resp.NewCookie(t)
}

// WorkOS has made the exchange, but its reply is lost. WorkOS accepts the retired token for another half minute. That is
// longer than the pause.
func TestASessionSurvivesARefreshWhoseReplyIsLost(t *testing.T) {
	for name, fault := range map[string]authkittest.Fault{
		"a 500 instead of the reply":        {TakeEffect: true, Status: 500},
		"a truncated reply":                 {Truncate: true},
		"a connection reset":                {TakeEffect: true, Reset: true},
		"no reply before the last deadline": {TakeEffect: true, Hang: true},
	} {
		t.Run(name, func(t *testing.T) {
			f := failure{fault: fault, hangs: fault.Hang, attempts: 4}
			if f.hangs {
				f.attempts = 2
			}
			checkGoroutineLeaks(t)
			o := newOutage(t, AppOptions{})
			cookie, id := o.SignedIn(Kim).CookieHeader(), o.SessionID()
			o.ExpireToken(2 * time.Minute)
			endOutage := o.startOutage(authkittest.RouteRefresh, f)
			resp := o.sendRefreshing(f, Request{Target: "/account", Cookie: cookie}, false)
			assert.Equal(t, http.StatusServiceUnavailable, resp.Status)
			assert.Empty(t, resp.SetCookies(t))

			endOutage()
			o.Clock.Advance(5 * time.Second)
			again := o.await(o.start(Request{Target: "/account", Cookie: cookie}))
			assert.Equal(t, PageOf(Kim, id)+" at /account", again.Body)
			again.NewCookie(t)
		})
	}
}

// A reply with an error code of WorkOS is a refusal with every status.
func TestARefreshRefusedWithAKnownCodeIsTriedAgainAfterAMinute(t *testing.T) {
	for name, usable := range map[string]bool{"a valid token": true, "an expired token": false} {
		t.Run(name, func(t *testing.T) {
			checkGoroutineLeaks(t)
			o := newOutage(t, AppOptions{})
			cookie, id := o.SignedIn(Kim).CookieHeader(), o.SessionID()
			o.ExpireToken(2 * time.Minute)
			if usable {
				o.Clock.Advance(-150 * time.Second)
			}
			f := failure{fault: authkittest.Fault{Status: 404, Body: `{"code":"entity_not_found","message":"m"}`}, attempts: 1}
			endOutage := o.startOutage(authkittest.RouteRefresh, f)
			want := http.StatusUnauthorized
			if usable {
				want = http.StatusOK // with the current token
			}
			resp := o.sendRefreshing(f, Request{Target: "/account", Cookie: cookie, Header: Scripted()}, usable).Response
			assert.Equal(t, want, resp.Status)
			assert.Empty(t, resp.SetCookies(t), "the cookie is kept")

			endOutage()
			o.Clock.Advance(time.Minute - time.Millisecond)
			resp = o.await(o.start(Request{Target: "/account", Cookie: cookie, Header: Scripted()}))
			assert.Equal(t, want, resp.Status)
			assert.Empty(t, resp.SetCookies(t))
			o.Clock.Advance(time.Millisecond)
			resp = o.await(o.start(Request{Target: "/account", Cookie: cookie}))
			assert.Equal(t, PageOf(Kim, id)+" at /account", resp.Body)
			resp.NewCookie(t)
		})
	}
}

func TestAFailedCodeExchangeCostsOnlyThatSignIn(t *testing.T) {
	for name, f := range failures {
		t.Run(name, func(t *testing.T) {
			checkGoroutineLeaks(t)
			o := newOutage(t, AppOptions{})
			old := o.SignedIn("lee@example.com").CookieHeader()
			s := o.SignInStartedBy(o.Send(Request{Target: "/login?return_to=/account", Header: Navigation()}))
			endOutage := o.startOutage(authkittest.RouteCodeExchange, f)
			before, calls := o.upstream.sent.Load(), o.Fake.Calls(authkittest.RouteCodeExchange)

			o.dropTimers()
			began := o.Clock.Now()
			responses := o.start(Request{Target: s.Target(), Cookie: old + "; " + s.Cookie, Header: Navigation()})
			limit := o.nextTimer()
			if f.hangs {
				o.Fake.AwaitCalls(t, authkittest.RouteCodeExchange, calls+1)
				o.Clock.Advance(limit)
			}
			resp := o.await(responses)
			assert.LessOrEqual(t, limit, 10*time.Second)
			assert.LessOrEqual(t, o.Clock.Now().Sub(began), 10*time.Second)
			assert.Equal(t, f.signInStatus, resp.Status)
			assert.Contains(t, resp.Header.Get("Content-Type"), "text/html")
			assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
			assert.Contains(t, resp.Body, "/login", "the page links to a new sign-in")
			assert.NotContains(t, resp.SetCookies(t), "authkit-session")
			assert.EqualValues(t, 1, o.upstream.sent.Load()-before, "a code is sent only once")
			if resp.Status == http.StatusServiceUnavailable || resp.Status == http.StatusTooManyRequests {
				seconds, err := strconv.Atoi(resp.Header.Get("Retry-After"))
				require.NoError(t, err)
				retryAfter, _ := strconv.Atoi(f.fault.Header.Get("Retry-After"))
				assert.GreaterOrEqual(t, seconds, max(retryAfter, 1))
				assert.LessOrEqual(t, seconds, 60)
			}
			assert.Contains(t, o.Send(Request{Target: "/account", Cookie: old}).Body, "page of lee@example.com")

			// The next sign-in works at once.
			endOutage()
			s = o.StartSignIn("/login?return_to=/account")
			resp = o.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()})
			assert.Equal(t, http.StatusSeeOther, resp.Status)
			assert.Contains(t, o.Send(Request{Target: "/account", Cookie: resp.NewCookie(t)}).Body, "page of "+Kim)
		})
	}
}

func TestATimeoutOrResetOfARefreshKeepsTheSession(t *testing.T) {
	for name, fault := range map[string]authkittest.Fault{
		"a timeout":          {Hang: true},
		"a connection reset": {Reset: true},
	} {
		t.Run(name, func(t *testing.T) {
			clock := newObservedClock()
			fake := authkittest.New(t, testUsers(), authkittest.WithClock(clock.FakeClock))
			a := newPlainInstance(t, fake, clock.FakeClock, newPassword(), authkit.WithClock(clock))
			cookie := a.signIn(Kim)
			a.Clock.Advance(4*time.Minute + 30*time.Second)
			a.Fake.InjectFault(authkittest.RouteRefresh, fault)
			responses := a.SendAsync(Request{Target: "/api/me", Cookie: cookie})
			a.Fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
			a.Clock.AwaitTimers(2) // of the request, and of the attempt or of the pause
			a.Clock.Advance(2 * time.Second)
			resp := <-responses
			assert.Equal(t, Kim, a.visitorOf(resp))
			assert.Empty(t, resp.Header["Set-Cookie"])
			a.Clock.Advance(3 * time.Second) // the end of the attempt
			a.Fake.ClearFault(authkittest.RouteRefresh)
			// The exchange is retried, or fails and may be repeated after five seconds.
			refreshed := ""
			for range 3 {
				resp := a.sendWhileTimePasses(clock, Request{Target: "/api/me", Cookie: cookie})
				assert.Equal(t, Kim, a.visitorOf(resp))
				if refreshed = resp.session(t); refreshed != "" {
					break
				}
				a.Clock.Advance(6 * time.Second)
			}
			assert.NotEmpty(t, refreshed, "a later request gets the new session")
		})
	}
}
