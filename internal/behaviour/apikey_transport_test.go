// API keys while the transport to WorkOS fails, and how long a failure is cached.

package behaviour

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

func TestEveryAPIKeyRequestIsAnsweredIfTheTransportPanicsOrExits(t *testing.T) {
	for name, end := range map[string]func(){
		"it exits its goroutine": runtime.Goexit,
		"it panics":              func() { panic("a transport of the application") },
		"it panics with nil":     func() { panic(nil) },
	} {
		t.Run(name, func(t *testing.T) {
			called, proceed := make(chan struct{}, 2), make(chan struct{})
			transport := &validationTransport{intercept: func(*http.Request, string) (*http.Response, error) {
				called <- struct{}{}
				<-proceed
				end()
				return nil, errors.New("not reached")
			}}
			a := NewAPIKeyApp(t, transport.option())
			a.Logs.allowPanics()
			key := a.addKey("ci")
			answered := make(chan Response, 100)
			for range cap(answered) {
				go func() { answered <- a.WithKey(t.Context(), "/key", key) }()
			}
			<-called
			close(proceed)
			for range cap(answered) {
				select {
				case resp := <-answered:
					assert.Equal(t, http.StatusServiceUnavailable, resp.Status)
					assert.Equal(t, "5", resp.Header.Get("Retry-After"))
				case <-time.After(WaitTimeout):
					require.FailNow(t, "a request has no answer")
				}
			}
			assert.Empty(t, called, "one validation for all requests")
			assert.Contains(t, a.Logs.String(), "API key not validated")

			transport.intercept = nil
			a.Clock.Advance(5 * time.Second)
			assert.Equal(t, http.StatusOK, a.WithKey(t.Context(), "/key", key).Status)

			// The same holds for a key that WorkOS has accepted before.
			transport.intercept = func(*http.Request, string) (*http.Response, error) { end(); return nil, nil }
			a.Clock.Advance(time.Minute)
			assert.Equal(t, http.StatusServiceUnavailable, a.WithKey(t.Context(), "/key", key).Status)
			transport.intercept = nil
			a.Clock.Advance(5 * time.Second)
			assert.Equal(t, http.StatusOK, a.WithKey(t.Context(), "/key", key).Status)
		})
	}
}

func TestATransportThatExitsItsGoroutineReleasesItsValidationSlot(t *testing.T) {
	transport := &validationTransport{intercept: func(*http.Request, string) (*http.Response, error) { runtime.Goexit(); return nil, nil }}
	a := NewAPIKeyApp(t, transport.option())
	for i := range 2 * ConcurrentUnknownKeys {
		assert.Equal(t, http.StatusServiceUnavailable, a.WithKey(t.Context(), "/key", UnknownKey(i)).Status)
	}
	transport.intercept = nil
	assert.Equal(t, http.StatusOK, a.WithKey(t.Context(), "/key", a.addKey("ci")).Status)
}

func TestTheCacheTimeOfAnAPIKeyStartsWithTheRequestToWorkOS(t *testing.T) {
	clock := newObservedClock()
	a := NewApp(t, AppOptions{Clock: &clock, Routes: func(a *App, mux *http.ServeMux) {
		mux.Handle("/key", a.RequireAPIKey()(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	}})
	key := a.addKey("ci")
	a.Fake.InjectFault(authkittest.RouteValidateAPIKey, authkittest.Fault{Delay: 9 * time.Second, TakeEffect: true, Times: 1})
	answered := make(chan Response)
	go func() { answered <- a.WithKey(t.Context(), "/key", key) }()
	a.Fake.AwaitCalls(t, authkittest.RouteValidateAPIKey, 1)
	a.Clock.AwaitTimers(2) // the time limit of the call and the delay of the reply
	a.deleteKey("ci")
	a.Clock.Advance(9 * time.Second)
	require.Equal(t, http.StatusOK, (<-answered).Status)
	a.Clock.Advance(20 * time.Second)
	assert.Equal(t, http.StatusOK, a.WithKey(t.Context(), "/key", key).Status)
	a.Clock.Advance(time.Second)
	assert.Equal(t, http.StatusUnauthorized, a.WithKey(t.Context(), "/key", key).Status)
}

func TestACancellationByTheTransportIsLoggedAtWarn(t *testing.T) {
	transport := &validationTransport{intercept: func(*http.Request, string) (*http.Response, error) { return nil, context.Canceled }}
	a := NewAPIKeyApp(t, transport.option())
	assert.Equal(t, http.StatusServiceUnavailable, a.WithKey(t.Context(), "/key", "sk_some").Status)
	assert.Contains(t, a.Logs.String(), `level=WARN msg="authkit: request refused"`, "the client has not cancelled")
}

func TestTheRetryAfterOfACachedFailureIsTheRemainingTime(t *testing.T) {
	a := NewAPIKeyApp(t)
	a.Fake.InjectFault(authkittest.RouteValidateAPIKey, authkittest.Fault{Status: 503, Header: http.Header{"Retry-After": {"30"}}})
	for _, remaining := range []string{"30", "21", "11", "1"} {
		assert.Equal(t, remaining, a.WithKey(t.Context(), "/key", "sk_some").Header.Get("Retry-After"))
		a.Clock.Advance(10*time.Second - time.Second/3)
	}
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteValidateAPIKey))
}
