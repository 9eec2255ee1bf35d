// The spans that arrive at a collector.

package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// scope is the instrumentation scope of the spans of an AuthKit.
const (
	scope = "github.com/authkit-go/authkit/contrib/authkitotel"

	secretsOfASignIn  = 5 // code, code_verifier, client_secret, access_token, refresh_token
	secretsOfARefresh = 4 // refresh_token, client_secret, access_token, refresh_token
)

// gate is a transport to WorkOS that holds refreshes while it is closed, and notes the secrets that pass.
type gate struct {
	mu      sync.Mutex
	closed  chan struct{} // guarded by mu: nil while it is open
	secrets []string      // guarded by mu: codes, code verifiers and tokens
}

func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path != "/user_management/authenticate" {
		return http.DefaultTransport.RoundTrip(r)
	}
	sent, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	closed, isRefresh := g.note(sent)
	if closed != nil && isRefresh {
		<-closed
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(sent))
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	received, err := io.ReadAll(resp.Body)
	g.note(received)
	resp.Body = io.NopCloser(bytes.NewReader(received))
	return resp, err
}

// note notes the secrets of a message to or from WorkOS.
func (g *gate) note(message []byte) (closed chan struct{}, isRefresh bool) {
	var fields map[string]any
	_ = json.Unmarshal(message, &fields) // an error of the fake may have another form
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, name := range []string{"code", "code_verifier", "client_secret", "access_token", "refresh_token"} {
		if secret, ok := fields[name].(string); ok {
			g.secrets = append(g.secrets, secret)
		}
	}
	return g.closed, fields["grant_type"] == "refresh_token"
}

func (g *gate) close() (open func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	closed := make(chan struct{})
	g.closed = closed
	return sync.OnceFunc(func() { close(closed) })
}

// noted returns the secrets that have passed.
func (g *gate) noted() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.secrets)
}

// tracedApp is the application, and the collector of its spans.
type tracedApp struct {
	*authkittest.App
	*gate
	receiver *receiver
	traces   *traces
	ak       *authkit.AuthKit
}

func newTracedApp(t *testing.T) *tracedApp {
	a := &tracedApp{receiver: newReceiver(t), gate: &gate{}}
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", a.receiver.URL)
	t.Setenv("OTEL_SERVICE_NAME", "harbor-press")
	var err error
	a.traces, err = newTraces(t.Context())
	require.NoError(t, err)
	a.App = authkittest.Run(t, func(env authkittest.Env) http.Handler {
		a.ak = env.AuthKit(authkit.WithObserver(a.traces.observer.Observe), authkit.WithHTTPClient(&http.Client{Transport: a.gate}))
		return a.traces.handler(a.ak)
	})
	return a
}

// flush sends all spans that have ended to the collector.
func (a *tracedApp) flush(t *testing.T) {
	t.Helper()
	require.NoError(t, a.traces.provider.ForceFlush(t.Context()))
}

// cookies returns the values of the cookies that a browser has.
func (a *tracedApp) cookies(t *testing.T, b *authkittest.Browser) (values []string) {
	t.Helper()
	address, err := url.Parse(a.URL)
	require.NoError(t, err)
	for _, c := range b.Jar.Cookies(address) {
		values = append(values, c.Value)
	}
	return values
}

func TestACollectorReceivesTheLinksOfAHundredRequestsThatWait(t *testing.T) {
	const waiting = 100
	a := newTracedApp(t)
	browser := a.SignIn("ada@harborpress.test")
	cookies := a.cookies(t, browser)
	a.Clock.Advance(10 * time.Minute) // the access token has expired
	a.flush(t)
	a.receiver.reset()
	open := a.close()
	defer open()
	var load sync.WaitGroup
	for range 1 + waiting {
		load.Go(func() {
			resp, err := browser.Client.Get(a.URL + "/?code=a_query_that_must_not_arrive")
			if assert.NoError(t, err) {
				_, err = io.Copy(io.Discard, resp.Body)
				assert.NoError(t, err)
				resp.Body.Close()
				assert.Equal(t, http.StatusOK, resp.StatusCode)
			}
		})
	}
	require.Eventually(t, func() bool { return a.ak.Stats().Refreshes.Waiting == 1+waiting }, 20*time.Second, time.Millisecond)
	open()
	load.Wait()
	assert.Len(t, a.noted(), secretsOfASignIn+secretsOfARefresh)
	require.Eventually(t, func() bool {
		a.flush(t)
		return len(a.receiver.named("GET /{$}")) == 1+waiting // a response is complete before its span ends
	}, 20*time.Second, time.Millisecond)

	exchanges, waits := a.receiver.named("authkit.refresh"), a.receiver.named("authkit.refresh_wait")
	require.Len(t, exchanges, 1)
	require.Len(t, waits, waiting)
	exchange := exchanges[0]
	assert.Empty(t, exchange.Links)
	assert.EqualValues(t, waiting, valueOf(exchange.Attributes, "authkit.waiters").GetIntValue())
	requests := map[string]receivedSpan{}
	for _, request := range a.receiver.named("GET /{$}") {
		assert.Equal(t, otlp.Span_SPAN_KIND_SERVER, request.Kind)
		assert.Empty(t, request.ParentSpanId)
		assert.EqualValues(t, http.StatusOK, valueOf(request.Attributes, "http.response.status_code").GetIntValue())
		requests[string(request.TraceId)] = request
	}
	require.Len(t, requests, 1+waiting, "each request has a trace of its own")
	for _, span := range append(waits, exchange) {
		request := requests[string(span.TraceId)]
		assert.Equal(t, request.SpanId, span.ParentSpanId)
		assert.Equal(t, otlp.Span_SPAN_KIND_INTERNAL, span.Kind)
		assert.Equal(t, scope, span.scope)
		assert.Equal(t, "harbor-press", span.service)
		assert.Equal(t, otlp.Status_STATUS_CODE_UNSET, span.Status.GetCode())
		assert.Equal(t, "ok", valueOf(span.Attributes, "authkit.outcome").GetStringValue())
		assert.GreaterOrEqual(t, span.StartTimeUnixNano, request.StartTimeUnixNano)
		assert.LessOrEqual(t, span.EndTimeUnixNano, request.EndTimeUnixNano)
		delete(requests, string(span.TraceId))
	}
	assert.Empty(t, requests, "each has one span of the AuthKit")
	for _, wait := range waits {
		require.Len(t, wait.Links, 1)
		assert.Equal(t, exchange.TraceId, wait.Links[0].TraceId)
		assert.Equal(t, exchange.SpanId, wait.Links[0].SpanId)
		assert.GreaterOrEqual(t, wait.EndTimeUnixNano, exchange.EndTimeUnixNano)
	}
	a.receiver.assertHasNot(t, append(a.noted(), slices.Concat(cookies, a.cookies(t, browser), []string{"a_query_that_must_not_arrive"})...)...)
}

func TestACollectorReceivesTheStatusOfARefreshThatFails(t *testing.T) {
	a := newTracedApp(t)
	browser := a.SignIn("ada@harborpress.test")
	a.Clock.Advance(10 * time.Minute)
	a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: http.StatusInternalServerError})
	page, err := browser.Get("/")
	require.NoError(t, err)
	require.Equal(t, http.StatusServiceUnavailable, page.StatusCode)
	require.Eventually(t, func() bool {
		a.flush(t)
		return len(a.receiver.named("authkit.refresh")) == 1
	}, 20*time.Second, time.Millisecond)
	exchange := a.receiver.named("authkit.refresh")[0]
	assert.Equal(t, otlp.Status_STATUS_CODE_ERROR, exchange.Status.Code)
	assert.Equal(t, "unavailable", exchange.Status.Message)
	assert.Equal(t, "unavailable", valueOf(exchange.Attributes, "error.type").GetStringValue())
}

func TestAnApplicationWithoutACollectorWorks(t *testing.T) {
	a := newTracedApp(t)
	a.receiver.Close()
	page, err := a.SignIn("ada@harborpress.test").Get("/")
	require.NoError(t, err)
	assert.Equal(t, "Hello, ada@harborpress.test\n", page.Body)
	assert.NoError(t, a.traces.shutdown())
}
