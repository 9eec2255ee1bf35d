// Sessions that something is about to lose, and must not.

package authkit_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

type panicking struct{ on bool }

func (p *panicking) RoundTrip(r *http.Request) (*http.Response, error) {
	if p.on {
		panic("a transport of the application's own")
	}
	return http.DefaultTransport.RoundTrip(r)
}

// exiting is a transport that ends its goroutine, as t.FailNow does in the
// transport of a test.
type exiting struct{ on atomic.Bool }

func (e *exiting) RoundTrip(r *http.Request) (*http.Response, error) {
	if e.on.Load() {
		runtime.Goexit()
	}
	return http.DefaultTransport.RoundTrip(r)
}

// Use counts at the latest at half the limit.
func TestASessionInUseOutlivesTheSmallestIdleLimit(t *testing.T) {
	for _, limit := range []time.Duration{time.Minute, 90 * time.Second} {
		t.Run(limit.String(), func(t *testing.T) {
			a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithIdleTimeout(limit)}})
			cookie := a.signedIn(kim).cookieHeader()
			for i := range 20 {
				a.clock.Advance(20 * time.Second)
				resp := a.send(request{target: "/account", cookie: cookie, header: scripted()})
				require.Equal(t, http.StatusOK, resp.status, "after %d s of steady use", 20*(i+1))
				if _, renewed := resp.setCookies(t)["authkit-session"]; renewed {
					cookie = resp.newCookie(t)
				}
			}
		})
	}
}

// A handler that answers late (a report, a long poll) sends the cookie that was new when it began. By then the browser has
// had the next one; the late answer takes it back to a retired token, and the next refresh is "already exchanged".
func TestALateResponseDoesNotTakeTheBrowserBackToARetiredToken(t *testing.T) {
	began, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	a := newApp(t, appOptions{routes: func(a *app, mux *http.ServeMux) {
		mux.HandleFunc("/report", func(w http.ResponseWriter, r *http.Request) {
			once.Do(func() { close(began) })
			<-goOn
			io.WriteString(w, visitor(r))
		})
	}})
	first := a.signedIn(kim).cookieHeader()
	a.clock.Advance(4*time.Minute + time.Second)
	late := make(chan response, 1)
	go func() {
		r, _ := a.do(request{target: "/report", cookie: first})
		late <- r
	}()
	<-began
	second := a.send(request{target: "/account", cookie: first}).newCookie(t)
	a.clock.Advance(4*time.Minute + time.Second)
	third := a.send(request{target: "/account", cookie: second}).newCookie(t)
	a.send(request{target: "/account", cookie: third})
	a.clock.Advance(31 * time.Second)
	close(goOn)
	jar := third
	if r := <-late; r.header.Get("Set-Cookie") != "" {
		jar = r.newCookie(t) // what a browser keeps now
	}
	a.clock.Advance(4 * time.Minute)
	assert.Contains(t, a.send(request{target: "/account", cookie: jar}).body, kim)
}

// A refresh token is spent once it has been exchanged, whatever became of the access token that came with the new one: an
// issuer that WorkOS has switched and WithAdditionalIssuers does not know yet must not end every session that is refreshed meanwhile.
func TestARefusedNewTokenDoesNotCostTheSession(t *testing.T) {
	upstream := &rewriting{}
	a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: upstream})}})
	cookie, id := a.signedIn(kim).cookieHeader(), a.sessionID()
	a.expireToken(2 * time.Minute)
	upstream.change = func(reply map[string]any) {
		now := a.clock.Now().Unix()
		reply["access_token"] = a.fake.SignToken(map[string]any{
			"iss": "https://auth.example.com", "sub": "user_kim", "sid": id, "client_id": a.fake.ClientID(), "iat": now, "exp": now + 300,
		})
	}
	resp := a.send(request{target: "/account", cookie: cookie, header: scripted()})
	require.Equal(t, http.StatusUnauthorized, resp.status)
	if resp.header.Get("Set-Cookie") != "" {
		cookie = resp.newCookie(t)
	}
	upstream.change = nil // the operator has mended it
	a.clock.Advance(61 * time.Second)
	resp = a.send(request{target: "/account", cookie: cookie, header: scripted()})
	assert.Equal(t, http.StatusOK, resp.status, resp.body)
}

// The same with keys that cannot be had just after a rotation, and a process that restarts: the new pair was in memory
// alone.
func TestANewPairThatCannotBeVerifiedYetOutlivesTheProcess(t *testing.T) {
	a := newApp(t, appOptions{})
	cookie := a.signedIn(kim).cookieHeader()
	a.send(request{target: "/account", cookie: cookie}) // keys are had
	a.clock.Advance(4*time.Minute + 30*time.Second)
	a.fake.AddKey()
	a.fake.Fail(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	resp := a.send(request{target: "/account", cookie: cookie, header: scripted()})
	require.Equal(t, http.StatusOK, resp.status)
	if resp.header.Get("Set-Cookie") != "" {
		cookie = resp.newCookie(t)
	}
	a.fake.Heal(authkittest.RouteJWKS)
	a.clock.Advance(40 * time.Second)
	restarted := newInstance(t, a.fake, a.clock, appOptions{})
	resp = restarted.send(request{target: "/account", cookie: cookie, header: scripted()})
	assert.Equal(t, http.StatusOK, resp.status) // the token at hand is good still ...
	a.clock.Advance(2 * time.Minute)
	resp = restarted.send(request{target: "/account", cookie: cookie, header: scripted()})
	assert.Equal(t, http.StatusOK, resp.status, resp.body)
}

// The hook of a refresh runs on singleflight's goroutine: when it exits that (t.FailNow in a test's hook), DoChan answers nobody.
func TestAHookThatExitsItsGoroutineLeavesNobodyWaiting(t *testing.T) {
	a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithOnRefresh(func(context.Context, *authkit.Session) { runtime.Goexit() })}})
	cookie := a.signedIn(kim).cookieHeader()
	a.expireToken(2 * time.Minute)
	assert.Equal(t, http.StatusOK, a.send(request{target: "/account", cookie: cookie}).status)
}

// An outage is nobody's idleness.
func TestAnOutageOfRefreshesDoesNotRunDownTheIdleLimit(t *testing.T) {
	a := newApp(t, appOptions{
		authkit: []authkit.Option{authkit.WithIdleTimeout(10 * time.Minute)},
		fake:    []authkittest.Option{authkittest.WithTokenLifetime(time.Hour)},
	})
	cookie := a.signedIn(kim).cookieHeader()
	a.fake.Fail(authkittest.RouteRefresh, authkittest.Fault{Status: 429, Header: http.Header{"Retry-After": {"30"}}})
	for i := range 24 {
		a.clock.Advance(30 * time.Second)
		resp := a.send(request{target: "/account", cookie: cookie, header: scripted()})
		require.NotEqual(t, http.StatusUnauthorized, resp.status, "after %d s of steady use", 30*(i+1))
		if _, kept := resp.setCookies(t)["authkit-session"]; kept {
			cookie = resp.newCookie(t)
		}
	}
}

func TestAPanicOfTheTransportEndsNoProcess(t *testing.T) {
	transport := &panicking{}
	a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: transport})}})
	cookie := a.signedIn(kim).cookieHeader()
	a.expireToken(2 * time.Minute)
	transport.on = true
	assert.Equal(t, http.StatusServiceUnavailable, a.send(request{target: "/account", cookie: cookie, header: scripted()}).status)
}

func TestATransportThatEndsItsGoroutineLeavesNobodyWaiting(t *testing.T) {
	transport := &exiting{}
	a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: transport})}})
	cookie := a.signedIn(kim).cookieHeader()

	a.clock.Advance(4 * time.Minute)
	transport.on.Store(true)
	resp := a.send(request{target: "/account", cookie: cookie})
	assert.Equal(t, http.StatusOK, resp.status, "the old token serves")
	assert.Empty(t, resp.setCookies(t))

	a.clock.Advance(3 * time.Minute)
	var waiting []chan response
	for range 5 {
		waiting = append(waiting, a.sendAside(request{target: "/account", cookie: cookie}))
	}
	for _, answered := range waiting {
		resp := <-answered
		assert.Equal(t, http.StatusServiceUnavailable, resp.status)
		assert.Empty(t, resp.setCookies(t))
	}
	assert.Contains(t, a.logs.String(), "ended its goroutine")

	transport.on.Store(false)
	a.clock.Advance(5 * time.Second)
	assert.Equal(t, http.StatusOK, a.send(request{target: "/account", cookie: cookie}).status, "the next exchange works")
	assert.Equal(t, 1, a.fake.Calls(authkittest.RouteRefresh))
}

func TestAPanicOfTheTransportIsLoggedAndTheNextExchangeWorks(t *testing.T) {
	transport := &panicking{}
	a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: transport})}})
	cookie := a.signedIn(kim).cookieHeader()
	a.clock.Advance(4 * time.Minute)
	transport.on = true
	assert.Equal(t, http.StatusOK, a.send(request{target: "/account", cookie: cookie}).status, "the old token serves")
	assert.Contains(t, a.logs.String(), "a transport of the application's own")
	transport.on = false
	a.clock.Advance(5 * time.Second)
	a.send(request{target: "/account", cookie: cookie}).newCookie(t)
}

// A log handler of the application's own, on the way of the exchange.
func TestALogHandlerThatEndsItsGoroutineLeavesNobodyWaiting(t *testing.T) {
	handler := &exitingLog{}
	a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithLogger(slog.New(handler))}})
	cookie := a.signedIn(kim).cookieHeader()
	a.expireToken(2 * time.Minute)
	a.fake.Fail(authkittest.RouteRefresh, authkittest.Fault{Status: 401})
	handler.on.Store(true)
	assert.Contains(t, a.send(request{target: "/", cookie: cookie}).body, "home of somebody unknown")
	handler.on.Store(false)
	a.fake.Heal(authkittest.RouteRefresh)
	a.clock.Advance(5 * time.Second)
	assert.Contains(t, a.send(request{target: "/", cookie: cookie}).body, "home of "+kim)
}

type exitingLog struct{ on atomic.Bool }

func (l *exitingLog) Enabled(context.Context, slog.Level) bool { return true }

func (l *exitingLog) Handle(context.Context, slog.Record) error {
	if l.on.Load() {
		runtime.Goexit()
	}
	return nil
}

func (l *exitingLog) WithAttrs([]slog.Attr) slog.Handler { return l }

func (l *exitingLog) WithGroup(string) slog.Handler { return l }
