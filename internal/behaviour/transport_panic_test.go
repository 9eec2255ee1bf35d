// Transports, hooks and log handlers of the application that panic or exit their goroutine.

package behaviour

import (
	"context"
	"log/slog"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// panickingTransport is a transport that panics while on is set.
type panickingTransport struct{ on bool }

func (p *panickingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if p.on {
		panic("a transport of the application's own")
	}
	return http.DefaultTransport.RoundTrip(r)
}

// exitingTransport is a transport that exits its goroutine while on is set, as t.FailNow does in the transport of a test.
type exitingTransport struct{ on atomic.Bool }

func (e *exitingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if e.on.Load() {
		runtime.Goexit()
	}
	return http.DefaultTransport.RoundTrip(r)
}

// The refresh hook runs on the goroutine of the flight. If the hook exits it, as t.FailNow does in a test, the
// requests must still be answered.
func TestARefreshHookThatExitsItsGoroutineBlocksNoRequest(t *testing.T) {
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithOnRefresh(func(context.Context, authkit.RefreshEvent) { runtime.Goexit() })}})
	cookie := a.SignedIn(Kim).CookieHeader()
	a.ExpireToken(2 * time.Minute)
	assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/account", Cookie: cookie}).Status)
}

func TestAPanicOfTheTransportDoesNotEndTheProcess(t *testing.T) {
	transport := &panickingTransport{}
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: transport})}})
	cookie := a.SignedIn(Kim).CookieHeader()
	a.ExpireToken(2 * time.Minute)
	transport.on = true
	assert.Equal(t, http.StatusServiceUnavailable, a.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()}).Status)
}

func TestATransportThatExitsItsGoroutineBlocksNoRequest(t *testing.T) {
	transport := &exitingTransport{}
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: transport})}})
	cookie := a.SignedIn(Kim).CookieHeader()

	a.Clock.Advance(4 * time.Minute)
	transport.on.Store(true)
	resp := a.Send(Request{Target: "/account", Cookie: cookie})
	assert.Equal(t, http.StatusOK, resp.Status, "the old token is still accepted")
	assert.Empty(t, resp.SetCookies(t))

	a.Clock.Advance(3 * time.Minute)
	var waiting []chan Response
	for range 5 {
		waiting = append(waiting, a.SendAsync(Request{Target: "/account", Cookie: cookie}))
	}
	for _, answered := range waiting {
		resp := <-answered
		assert.Equal(t, http.StatusServiceUnavailable, resp.Status)
		assert.Empty(t, resp.SetCookies(t))
	}
	assert.Contains(t, a.Logs.String(), "ended its goroutine")

	transport.on.Store(false)
	a.Clock.Advance(5 * time.Second)
	assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/account", Cookie: cookie}).Status, "the next refresh succeeds")
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
}

func TestAPanicOfTheTransportIsLoggedAndTheNextRefreshSucceeds(t *testing.T) {
	transport := &panickingTransport{}
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: transport})}})
	cookie := a.SignedIn(Kim).CookieHeader()
	a.Clock.Advance(4 * time.Minute)
	transport.on = true
	assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/account", Cookie: cookie}).Status, "the old token is still accepted")
	assert.Contains(t, a.Logs.String(), "a transport of the application's own")
	transport.on = false
	a.Clock.Advance(5 * time.Second)
	a.Send(Request{Target: "/account", Cookie: cookie}).NewCookie(t)
}

// The log handler of the application is called during the refresh.
func TestALogHandlerThatExitsItsGoroutineBlocksNoRequest(t *testing.T) {
	handler := &exitingLog{}
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithLogger(slog.New(handler))}})
	cookie := a.SignedIn(Kim).CookieHeader()
	a.ExpireToken(2 * time.Minute)
	a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 401})
	handler.on.Store(true)
	assert.Contains(t, a.Send(Request{Target: "/", Cookie: cookie}).Body, "home of an unknown user")
	handler.on.Store(false)
	a.Fake.ClearFault(authkittest.RouteRefresh)
	a.Clock.Advance(5 * time.Second)
	assert.Contains(t, a.Send(Request{Target: "/", Cookie: cookie}).Body, "home of "+Kim)
}

// exitingLog is a log handler that exits its goroutine while on is set.
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
