// The application's function for deliveries: duplicates, failures and calls that last.

package behaviour

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/workos"
)

// checkEventFailed checks an answer after which WorkOS delivers again.
func checkEventFailed(t testing.TB, resp Response) {
	t.Helper()
	require.Equal(t, http.StatusInternalServerError, resp.Status, resp.Body)
	assert.Equal(t, "event_failed", resp.Problem(t)["code"])
	assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
	assert.NotContains(t, resp.Body, "database")
}

func TestARepeatedDeliveryIsAcceptedAndCallsNoFunction(t *testing.T) {
	w := newWebhookApp(t)
	replayed := actionRequest(Start, w.body, endpointSecret)
	for range 3 {
		checkDelivered(t, w.sendAction("/webhooks/workos", replayed, w.body))
		w.Clock.Advance(time.Minute)
	}
	assert.Equal(t, []string{"event_01"}, w.called())
	assert.EqualValues(t, 1, w.Stats().Events.Webhooks)
	w.Clock.Advance(time.Millisecond)
	assert.Equal(t, http.StatusUnauthorized, w.sendAction("/webhooks/workos", replayed, w.body).Status, "after 180 s")
	w.Clock.Advance(3*24*time.Hour - 3*time.Minute)
	checkDelivered(t, w.deliver(w.body))
	assert.Len(t, w.called(), 1, "WorkOS delivers for three days")
}

func TestAnEventWhoseFunctionFailsIsDeliveredAgain(t *testing.T) {
	for name, fail := range map[string]func() error{
		"an error":             func() error { return errors.New("the database is down") },
		"a panic":              func() error { panic("the database is down") },
		"http.ErrAbortHandler": func() error { panic(http.ErrAbortHandler) },
		"runtime.Goexit":       func() error { runtime.Goexit(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWebhookApp(t)
			w.function = func(context.Context, workos.Event) error { return fail() }
			for range 2 {
				checkEventFailed(t, w.deliver(w.body))
			}
			assert.Equal(t, http.StatusUnauthorized, w.Status(t, w.cookie), "the effect does not depend on the function")
			assert.EqualValues(t, 2, w.Stats().Events.Failures)
			assert.Contains(t, w.Logs.String(), "event_01")
			assert.NotContains(t, w.Logs.String(), "impersonator-of-kim")
			w.function = nil
			checkDelivered(t, w.deliver(w.body))
			checkDelivered(t, w.deliver(w.body))
			assert.Len(t, w.called(), 3)
		})
	}
}

func TestAFunctionOfAWebhookHasThirtySeconds(t *testing.T) {
	w := newWebhookApp(t)
	called, causes := make(chan struct{}, 1), make(chan error, 1)
	w.function = func(ctx context.Context, _ workos.Event) error {
		called <- struct{}{}
		<-ctx.Done()
		causes <- context.Cause(ctx)
		return ctx.Err()
	}
	response := w.deliverAsync(w.body)
	<-called
	w.Clock.AwaitTimers(2)
	w.Clock.Advance(30*time.Second - 1)
	assert.Empty(t, causes)
	w.Clock.Advance(1)
	assert.EqualError(t, <-causes, "the function took more than 30s")
	checkEventFailed(t, <-response)
	assert.Contains(t, w.Logs.String(), "level=WARN")
}

// Each duplicate would otherwise add a call that does not return.
func TestAFunctionOfAWebhookThatIgnoresItsContextIsCalledOnce(t *testing.T) {
	w := newWebhookApp(t)
	called, release, returned := make(chan struct{}, 1), make(chan struct{}), make(chan struct{})
	w.function = func(context.Context, workos.Event) error {
		defer close(returned)
		called <- struct{}{}
		<-release
		return nil
	}
	response := w.deliverAsync(w.body)
	<-called
	w.Clock.AwaitTimers(2)
	w.Clock.Advance(30 * time.Second)
	checkEventFailed(t, <-response)
	assert.Contains(t, w.Logs.String(), "the event was not handled within 30s")

	response = w.deliverAsync(w.body)
	w.Clock.AwaitTimers(1)
	w.Clock.Advance(30 * time.Second)
	checkEventFailed(t, <-response)
	assert.Equal(t, http.StatusUnauthorized, w.Status(t, w.cookie))
	close(release)
	<-returned
	checkDelivered(t, w.deliver(w.body))
	assert.Equal(t, []string{"event_01"}, w.called(), "it was handled at last")
}

func TestTheEndOfAConnectionDoesNotEndTheHandlingOfADelivery(t *testing.T) {
	w := newWebhookApp(t)
	contexts, release := make(chan context.Context, 1), make(chan struct{})
	w.function = func(ctx context.Context, _ workos.Event) error {
		contexts <- ctx
		<-release
		return ctx.Err()
	}
	ctx, leave := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL+"/webhooks/workos", strings.NewReader(w.body))
	require.NoError(t, err)
	r.Header = actionRequest(Start, w.body, endpointSecret)
	left := make(chan error, 1)
	go func() {
		_, err := w.client.RoundTrip(r)
		left <- err
	}()
	running := <-contexts
	leave()
	require.ErrorIs(t, <-left, context.Canceled)
	w.Logs.await(t, "context canceled", 1)
	assert.NoError(t, running.Err())
	assert.NotContains(t, w.Logs.String(), "level=WARN", "the client has closed the connection")

	duplicate := w.deliverAsync(w.body)
	w.Clock.AwaitTimers(2) // of the function and of the duplicate
	close(release)
	checkDelivered(t, <-duplicate)
	assert.Equal(t, []string{"event_01"}, w.called())
}
