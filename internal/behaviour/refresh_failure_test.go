// Each way in which WorkOS can fail, at each of the moments when it is needed.

package behaviour

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// failure is a way in which a call can fail, and what is promised of it.
type failure struct {
	fault authkittest.Fault
	dial  dialFunc // how no connection comes about, in place of the fault
	holds bool     // no reply comes before the library's own deadline
	// attempts is how many of them one refresh makes within its ten seconds,
	// the pauses between them included.
	attempts int
	pause    time.Duration // after which it is tried again
	signIn   int           // status of the callback whose code could not be exchanged
	refuses  bool          // to WorkOS it is a refusal of the refresh: asked again after a minute
}

var failures = map[string]failure{
	"500": {
		fault: authkittest.Fault{Status: 500}, attempts: 4, pause: 5 * time.Second, signIn: 503,
	},
	"a page with 502": {
		fault: page(502), attempts: 4, pause: 5 * time.Second, signIn: 503,
	},
	"429 that says nothing of when": {
		fault: tooMany(""), attempts: 4, pause: 5 * time.Second, signIn: 429,
	},
	"429 with a Retry-After that fits in": {
		fault: tooMany("3"), attempts: 3, pause: 5 * time.Second, signIn: 429,
	},
	"429 with a Retry-After that does not": {
		fault: tooMany("30"), attempts: 1, pause: 30 * time.Second, signIn: 429,
	},
	"429 with a date": {
		fault: tooMany(Start.Add(time.Hour).Format(http.TimeFormat)), attempts: 1, pause: time.Minute, signIn: 429,
	},
	"404 of the API's": {
		fault: authkittest.Fault{Status: 404, Body: `{"message":"Not Found"}`}, attempts: 1, pause: 5 * time.Second, signIn: 400, refuses: true,
	},
	"404 of something in between": {
		fault: page(404), attempts: 1, pause: 5 * time.Second, signIn: 503,
	},
	"a page with 200": {
		fault: page(200), attempts: 1, pause: 5 * time.Second, signIn: 503,
	},
	"another format with 200": {
		fault: authkittest.Fault{Body: "<user/>", Header: http.Header{"Content-Type": {"application/xml"}}}, attempts: 1, pause: 5 * time.Second, signIn: 503,
	},
	"half a reply": {
		fault: authkittest.Fault{Body: `{"user":{"id":"user_kim"},"keys":[]}`, Truncate: true}, attempts: 4, pause: 5 * time.Second, signIn: 503,
	},
	"an endless reply": {
		fault: authkittest.Fault{Body: strings.Repeat(" ", 4096), Endless: true}, attempts: 1, pause: 5 * time.Second, signIn: 503,
	},
	"an endless refusal": {
		fault: authkittest.Fault{Status: 503, Body: strings.Repeat(" ", 4096), Endless: true}, attempts: 4, pause: 5 * time.Second, signIn: 503,
	},
	"a connection that is reset": {
		fault: authkittest.Fault{Reset: true}, attempts: 4, pause: 5 * time.Second, signIn: 503,
	},
	"a reply that drips": {
		fault: authkittest.Fault{Drip: 2 * time.Second, Body: strings.Repeat(" ", 64)}, holds: true, attempts: 2, pause: 5 * time.Second, signIn: 503,
	},
	"an address that is not found": {
		dial: notFound, attempts: 4, pause: 5 * time.Second, signIn: 503,
	},
	"a connection that is refused": {
		dial: refused, attempts: 4, pause: 5 * time.Second, signIn: 503,
	},
	"a reply that comes too late": {
		fault: authkittest.Fault{Delay: time.Minute}, holds: true, attempts: 2, pause: 5 * time.Second, signIn: 503,
	},
	"no reply": {
		fault: authkittest.Fault{Hang: true}, holds: true, attempts: 2, pause: 5 * time.Second, signIn: 503,
	},
}

func page(status int) authkittest.Fault {
	return authkittest.Fault{Status: status, Body: "<!doctype html><h1>Maintenance</h1>", Header: http.Header{"Content-Type": {"text/html"}}}
}

func tooMany(retryAfter string) authkittest.Fault {
	header := http.Header{}
	if retryAfter != "" {
		header.Set("Retry-After", retryAfter)
	}
	return authkittest.Fault{Status: 429, Body: `{"error":"too_many_requests"}`, Header: header}
}

// renewing is what a request comes to that needed a refresh.
type renewing struct {
	Response
	took     time.Duration // until the response, on the clock
	exchange time.Duration // until the exchange was over
}

// renew sends a request whose session has to be refreshed, and moves the clock
// from one moment to the next at which something is due: the request's own
// patience, an attempt's end, a pause's end.
func (o *outage) renew(f failure, q Request, usable bool) renewing {
	o.T.Helper()
	o.forgetTimers()
	began, calls := o.Clock.Now(), o.Fake.Calls(authkittest.RouteRefresh)
	answered := o.sending(q)

	var r renewing
	waiting := true
	var left time.Duration // that the request waits for, while its token is good
	if usable {
		left = o.timer()
		assert.Equal(o.T, 2*time.Second, left)
	}
	move := func(d time.Duration) {
		if usable && waiting && d >= left {
			o.Clock.Advance(left)
			d -= left
			waiting, r.Response, r.took = false, o.answer(answered), o.Clock.Now().Sub(began)
		}
		left -= d
		o.Clock.Advance(d)
	}
	for attempt := 1; attempt <= f.attempts; attempt++ {
		limit := o.timer()
		assert.LessOrEqual(o.T, limit, 5*time.Second, "an attempt has five seconds")
		if f.holds {
			o.Fake.AwaitCalls(o.T, authkittest.RouteRefresh, calls+attempt)
			move(limit)
		}
		if attempt < f.attempts {
			pause := o.timer()
			asked, _ := strconv.Atoi(f.fault.Header.Get("Retry-After"))
			assert.GreaterOrEqual(o.T, pause, time.Duration(asked)*time.Second)
			move(pause)
		}
	}
	if waiting {
		r.Response, r.took = o.answer(answered), o.Clock.Now().Sub(began)
	}
	r.exchange = o.Clock.Now().Sub(began)
	return r
}

func TestAFailedRefreshNeverEndsTheSession(t *testing.T) {
	for _, usable := range []bool{true, false} {
		token := "whose token has expired"
		if usable {
			token = "whose token is good still"
		}
		for name, f := range failures {
			t.Run(name+", of a session "+token, func(t *testing.T) {
				leavesNothing(t)
				signedOut := 0
				o := newOutage(t, AppOptions{AuthKit: []authkit.Option{
					authkit.WithOnSignOut(func(context.Context, authkit.SignOutEvent) { signedOut++ }),
				}})
				cookie, id := o.SignedIn(Kim).CookieHeader(), o.SessionID()
				o.ExpireToken(2 * time.Minute)
				if usable {
					o.Clock.Advance(-150 * time.Second) // half a minute before its expiry
				}
				ends := o.begins(authkittest.RouteRefresh, f)
				before := o.up.sent.Load()
				exchanges := func() int { return int(o.up.sent.Load() - before) }

				ask := func(resp Response) {
					t.Helper()
					assert.Empty(t, resp.SetCookies(t), "the cookie stays")
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
				first := o.renew(f, Request{Target: "/account", Cookie: cookie, Header: Scripted()}, usable)
				ask(first.Response)
				if usable {
					assert.LessOrEqual(t, first.took, 2*time.Second)
				}
				assert.LessOrEqual(t, first.exchange, 10*time.Second)

				// Nobody asks WorkOS again before it is time. The first waits for
				// the end of the exchange, if that goes on.
				again := Request{Target: "/account", Cookie: cookie, Header: Scripted()}
				ask(o.answer(o.sending(again)))
				assert.Equal(t, f.attempts, exchanges())
				pause := f.pause
				if f.refuses {
					pause = time.Minute
				}
				o.Clock.Advance(pause - time.Millisecond)
				ask(o.answer(o.sending(again)))
				if !usable {
					home := o.answer(o.sending(Request{Target: "/", Cookie: cookie}))
					visitor := "somebody unknown"
					if f.refuses {
						visitor = "nobody"
					}
					assert.Contains(t, home.Body, "home of "+visitor, "public pages work")
				}
				assert.Equal(t, f.attempts, exchanges())

				// Then the session goes on by itself.
				ends()
				o.Clock.Advance(time.Millisecond)
				resp := o.answer(o.sending(again))
				assert.Equal(t, http.StatusOK, resp.Status)
				assert.Equal(t, PageOf(Kim, id)+" at /account", resp.Body)
				assert.Equal(t, f.attempts+1, exchanges())
				resp = o.answer(o.sending(Request{Target: "/account", Cookie: resp.NewCookie(t)}))
				assert.Equal(t, PageOf(Kim, id)+" at /account", resp.Body)
				assert.Zero(t, signedOut)
			})
		}
	}
}

func TestARequestWithAUsableTokenWaitsTwoSecondsForASlowRefresh(t *testing.T) {
	for name, c := range map[string]struct {
		beyond time.Duration // the token's expiry
		serves time.Duration // after which the request is answered
	}{
		"a token that is good still": {-30 * time.Second, 2 * time.Second},
		"a token within skew":        {59*time.Second - 3*time.Second, 2 * time.Second},
		"a token that has expired":   {2 * time.Minute, 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			leavesNothing(t)
			o := newOutage(t, AppOptions{})
			cookie, id := o.SignedIn(Kim).CookieHeader(), o.SessionID()
			o.ExpireToken(c.beyond)
			o.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Delay: 3 * time.Second})

			answered := o.sending(Request{Target: "/account", Cookie: cookie})
			o.Fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
			timers := 2 // the attempt's and the fake's
			if c.beyond < time.Minute {
				timers++ // and the request's
			}
			o.Clock.AwaitTimers(timers)
			o.Clock.Advance(c.serves)
			resp := o.answer(answered)
			assert.Equal(t, PageOf(Kim, id)+" at /account", resp.Body)
			if c.serves < 3*time.Second {
				assert.Empty(t, resp.SetCookies(t))
				o.Clock.Advance(3*time.Second - c.serves)
				resp = o.answer(o.sending(Request{Target: "/account", Cookie: cookie}))
				assert.Equal(t, PageOf(Kim, id)+" at /account", resp.Body)
			}
			resp.NewCookie(t)
			assert.Equal(t, 1, o.Fake.Calls(authkittest.RouteRefresh))
		})
	}
}

// What counts is what a reply says, not what it is called.
func TestAReplyWithAnotherContentTypeIsAccepted(t *testing.T) {
	leavesNothing(t)
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

// The exchange has been made, and its reply is lost. WorkOS answers the retired
// token for half a minute, and that is longer than the pause.
func TestASessionSurvivesARefreshWhoseReplyIsLost(t *testing.T) {
	for name, fault := range map[string]authkittest.Fault{
		"in a failure":             {TakeEffect: true, Status: 500},
		"half way":                 {Truncate: true},
		"with its connection":      {TakeEffect: true, Reset: true},
		"behind the last deadline": {TakeEffect: true, Hang: true},
	} {
		t.Run(name, func(t *testing.T) {
			f := failure{fault: fault, holds: fault.Hang, attempts: 4}
			if f.holds {
				f.attempts = 2
			}
			leavesNothing(t)
			o := newOutage(t, AppOptions{})
			cookie, id := o.SignedIn(Kim).CookieHeader(), o.SessionID()
			o.ExpireToken(2 * time.Minute)
			ends := o.begins(authkittest.RouteRefresh, f)
			resp := o.renew(f, Request{Target: "/account", Cookie: cookie}, false)
			assert.Equal(t, http.StatusServiceUnavailable, resp.Status)
			assert.Empty(t, resp.SetCookies(t))

			ends()
			o.Clock.Advance(5 * time.Second)
			again := o.answer(o.sending(Request{Target: "/account", Cookie: cookie}))
			assert.Equal(t, PageOf(Kim, id)+" at /account", again.Body)
			again.NewCookie(t)
		})
	}
}

// A code that is known to WorkOS as a refusal is one, whatever its status.
func TestARefreshRefusedWithAKnownCodeIsTriedAgainAfterAMinute(t *testing.T) {
	for name, usable := range map[string]bool{"a token that is good still": true, "a token that has expired": false} {
		t.Run(name, func(t *testing.T) {
			leavesNothing(t)
			o := newOutage(t, AppOptions{})
			cookie, id := o.SignedIn(Kim).CookieHeader(), o.SessionID()
			o.ExpireToken(2 * time.Minute)
			if usable {
				o.Clock.Advance(-150 * time.Second)
			}
			f := failure{fault: authkittest.Fault{Status: 404, Body: `{"code":"entity_not_found","message":"m"}`}, attempts: 1}
			ends := o.begins(authkittest.RouteRefresh, f)
			want := http.StatusUnauthorized
			if usable {
				want = http.StatusOK // with the token that it has
			}
			resp := o.renew(f, Request{Target: "/account", Cookie: cookie, Header: Scripted()}, usable).Response
			assert.Equal(t, want, resp.Status)
			assert.Empty(t, resp.SetCookies(t), "the cookie stays")

			ends()
			o.Clock.Advance(time.Minute - time.Millisecond)
			resp = o.answer(o.sending(Request{Target: "/account", Cookie: cookie, Header: Scripted()}))
			assert.Equal(t, want, resp.Status)
			assert.Empty(t, resp.SetCookies(t))
			o.Clock.Advance(time.Millisecond)
			resp = o.answer(o.sending(Request{Target: "/account", Cookie: cookie}))
			assert.Equal(t, PageOf(Kim, id)+" at /account", resp.Body)
			resp.NewCookie(t)
		})
	}
}

func TestAFailedCodeExchangeCostsOnlyThatSignIn(t *testing.T) {
	for name, f := range failures {
		t.Run(name, func(t *testing.T) {
			leavesNothing(t)
			o := newOutage(t, AppOptions{})
			old := o.SignedIn("lee@example.com").CookieHeader()
			s := o.Begin("/login?return_to=/account")
			ends := o.begins(authkittest.RouteCodeExchange, f)
			before, calls := o.up.sent.Load(), o.Fake.Calls(authkittest.RouteCodeExchange)

			o.forgetTimers()
			began := o.Clock.Now()
			answered := o.sending(Request{Target: s.Target(), Cookie: old + "; " + s.Cookie, Header: Navigation()})
			limit := o.timer()
			if f.holds {
				o.Fake.AwaitCalls(t, authkittest.RouteCodeExchange, calls+1)
				o.Clock.Advance(limit)
			}
			resp := o.answer(answered)
			assert.LessOrEqual(t, limit, 10*time.Second)
			assert.LessOrEqual(t, o.Clock.Now().Sub(began), 10*time.Second)
			assert.Equal(t, f.signIn, resp.Status)
			assert.Contains(t, resp.Header.Get("Content-Type"), "text/html")
			assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
			assert.Contains(t, resp.Body, "/login", "the way on is a new sign-in")
			assert.NotContains(t, resp.SetCookies(t), "authkit-session")
			assert.EqualValues(t, 1, o.up.sent.Load()-before, "a code is sent once")
			if resp.Status == http.StatusServiceUnavailable || resp.Status == http.StatusTooManyRequests {
				seconds, err := strconv.Atoi(resp.Header.Get("Retry-After"))
				require.NoError(t, err)
				asked, _ := strconv.Atoi(f.fault.Header.Get("Retry-After"))
				assert.GreaterOrEqual(t, seconds, max(asked, 1))
				assert.LessOrEqual(t, seconds, 60)
			}
			assert.Contains(t, o.Send(Request{Target: "/account", Cookie: old}).Body, "page of lee@example.com")

			// The next sign-in waits for nothing.
			ends()
			s = o.Begin("/login?return_to=/account")
			resp = o.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()})
			assert.Equal(t, http.StatusSeeOther, resp.Status)
			assert.Contains(t, o.Send(Request{Target: "/account", Cookie: resp.NewCookie(t)}).Body, "page of "+Kim)
		})
	}
}

func TestATimeoutOrResetOfARefreshKeepsTheSession(t *testing.T) {
	for name, fault := range map[string]authkittest.Fault{
		"a timeout leaves the session":            {Hang: true},
		"a connection that breaks leaves it, too": {Reset: true},
	} {
		t.Run(name, func(t *testing.T) {
			m := newPlainApp(t)
			cookie := m.signIn(Kim)
			m.Clock.Advance(4*time.Minute + 30*time.Second)
			m.Fake.InjectFault(authkittest.RouteRefresh, fault)
			answered := make(chan Response, 1)
			go func() {
				resp, err := m.Do(Request{Target: "/api/me", Cookie: cookie})
				assert.NoError(t, err)
				answered <- resp
			}()
			m.Fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
			m.Clock.AwaitTimers(2) // the request's, and the attempt's or the pause's
			m.Clock.Advance(2 * time.Second)
			resp := <-answered
			assert.Equal(t, Kim, m.visitorOf(resp))
			assert.Empty(t, resp.Header["Set-Cookie"])
			m.Fake.ClearFault(authkittest.RouteRefresh)
			m.Clock.Advance(time.Minute)
			assert.Equal(t, Kim, m.visitor(cookie)) // and has waited for the end of that exchange
			m.Clock.Advance(6 * time.Second)
			assert.NotEmpty(t, m.Send(Request{Target: "/api/me", Cookie: cookie}).session(t), "it heals by itself")
		})
	}
}
