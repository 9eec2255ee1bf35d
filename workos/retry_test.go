// Retries: which calls are retried, and when a call ends.

package workos_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/workos"
)

func refresh(ctx context.Context, client *workos.Client) error {
	_, err := client.AuthenticateWithRefreshToken(ctx, workos.AuthenticateWithRefreshTokenParams{RefreshToken: refreshToken})
	return err
}

func redeem(ctx context.Context, client *workos.Client) error {
	_, err := client.AuthenticateWithCode(ctx, workos.AuthenticateWithCodeParams{Code: code})
	return err
}

func read(ctx context.Context, client *workos.Client) error {
	_, err := client.GetUser(ctx, "user_01A")
	return err
}

func TestATransientErrorIsRetried(t *testing.T) {
	for name, failing := range map[string]http.HandlerFunc{
		"408":                    respondWith(408, `{}`),
		"429":                    respondWith(429, `{"error":"too_many_requests"}`),
		"500":                    respondWith(500, `{"message":"Internal Server Error"}`),
		"502 with an HTML page":  respondWith(502, page),
		"503 with an empty body": respondWith(503, ""),
		"504":                    respondWith(504, `{}`),
		"a dropped connection":   dropConnection,
		"a truncated response":   respondWith(200, minimalResponse, "Content-Length", "1000"),
	} {
		t.Run(name, func(t *testing.T) {
			clock := newFakeClock()
			server := newServer(t, failing, respondWith(200, minimalResponse))
			client := server.client(t, workos.WithClock(clock))
			done := start(func() error { return refresh(t.Context(), client) })
			assert.Equal(t, 5*time.Second, clock.next())
			clock.requireWait(t, time.Second, time.Second/4)
			assert.NoError(t, <-done)
			requests := server.received()
			require.Len(t, requests, 2)
			assert.Equal(t, requests[0].body, requests[1].body)
			assert.Zero(t, clock.pending())

			single := newServer(t, failing, respondWith(200, minimalResponse))
			assert.True(t, workos.IsTransient(redeem(t.Context(), single.client(t))))
			assert.Len(t, single.received(), 1, "a code is sent only once")
		})
	}
}

func TestAFinalErrorResponseIsNotRetried(t *testing.T) {
	for _, status := range []int{400, 401, 403, 404, 409, 422} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			server := newServer(t, respondWith(status, `{"error":"invalid_grant"}`))
			client := server.client(t)
			assert.Equal(t, "invalid_grant", requireAPIError(t, refresh(t.Context(), client)).Code)
			assert.Equal(t, "invalid_grant", requireAPIError(t, read(t.Context(), client)).Code)
			assert.Len(t, server.received(), 2)
		})
	}
}

func TestRetriesEndAtTheTotalTimeLimit(t *testing.T) {
	for name, tt := range map[string]struct {
		call           func(context.Context, *workos.Client) error
		attempt, total time.Duration
		waits          []time.Duration
	}{
		"a refresh": {refresh, 5 * time.Second, 10 * time.Second, []time.Duration{1, 2, 4}},
		"a read":    {read, 10 * time.Second, 30 * time.Second, []time.Duration{1, 2, 4, 8}},
	} {
		t.Run(name, func(t *testing.T) {
			clock := newFakeClock()
			server := newServer(t, respondWith(503, `{"message":"Unavailable"}`))
			client := server.client(t, workos.WithClock(clock))
			done := start(func() error { return tt.call(t.Context(), client) })
			left := tt.total
			for _, wait := range tt.waits {
				assert.Equal(t, min(tt.attempt, left), clock.next())
				left -= clock.requireWait(t, wait*time.Second, wait*time.Second/4)
			}
			assert.Equal(t, min(tt.attempt, left), clock.next())
			assert.Equal(t, 503, requireAPIError(t, <-done).StatusCode)
			assert.Len(t, server.received(), len(tt.waits)+1)
			assert.Zero(t, clock.pending())
		})
	}
}

func TestRetryAfterIsObeyed(t *testing.T) {
	for name, tt := range map[string]struct {
		header       func(now time.Time) string
		wait, jitter time.Duration
	}{
		"seconds":               {func(time.Time) string { return "8" }, 8 * time.Second, time.Second / 4},
		"a date":                {func(now time.Time) string { return now.Add(8 * time.Second).Format(http.TimeFormat) }, 8 * time.Second, time.Second / 4},
		"less than the backoff": {func(time.Time) string { return "0" }, time.Second, time.Second / 4},
		"an invalid value":      {func(time.Time) string { return "soon" }, time.Second, time.Second / 4},
	} {
		t.Run(name, func(t *testing.T) {
			clock := newFakeClock()
			server := newServer(t, respondWith(429, `{}`, "Retry-After", tt.header(clock.Now())), respondWith(200, minimalResponse))
			client := server.client(t, workos.WithClock(clock))
			done := start(func() error { return refresh(t.Context(), client) })
			clock.next()
			clock.requireWait(t, tt.wait, tt.jitter)
			assert.NoError(t, <-done)
		})
	}
}

func TestARetryBeyondTheTotalTimeLimitIsNotMade(t *testing.T) {
	clock := newFakeClock()
	server := newServer(t, respondWith(429, `{"error":"too_many_requests"}`, "Retry-After", "10"))
	err := refresh(t.Context(), server.client(t, workos.WithClock(clock)))
	assert.Equal(t, "too_many_requests", requireAPIError(t, err).Code)
	assert.Equal(t, 10*time.Second, workos.RetryAfter(err))
	assert.Len(t, server.received(), 1)
	assert.Zero(t, clock.pending())
}

func TestARetryAfterAnOverlongWaitIsNotMade(t *testing.T) {
	clock := newFakeClock()
	server := newServer(t, respondWith(503, `{"message":"Unavailable"}`))
	client := server.client(t, workos.WithClock(clock))
	done := start(func() error { return refresh(t.Context(), client) })
	clock.next()
	clock.next()
	clock.advance(time.Hour)
	assert.Equal(t, 503, requireAPIError(t, <-done).StatusCode)
	assert.Len(t, server.received(), 1)
}

func TestACallToASilentServerEndsAtItsTimeLimit(t *testing.T) {
	entered := make(chan struct{})
	for name, handler := range map[string]http.HandlerFunc{
		"no response": hang(entered),
		"a body that does not end": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, `{"user":`)
			_ = http.NewResponseController(w).Flush()
			hang(entered)(w, r)
		},
	} {
		t.Run("a code and "+name, func(t *testing.T) {
			clock := newFakeClock()
			server := newServer(t, handler)
			client := server.client(t, workos.WithClock(clock))
			done := start(func() error { return redeem(t.Context(), client) })
			assert.Equal(t, 10*time.Second, clock.next())
			<-entered
			clock.advance(10 * time.Second)
			err := <-done
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			assert.EqualError(t, err, "workos: POST /user_management/authenticate (authorization_code): no response within 10s: context deadline exceeded")
			assert.True(t, workos.IsTransient(err))
			assert.Len(t, server.received(), 1)
		})
		t.Run("a refresh and "+name, func(t *testing.T) {
			clock := newFakeClock()
			server := newServer(t, handler)
			client := server.client(t, workos.WithClock(clock))
			began := clock.Now()
			done := start(func() error { return refresh(t.Context(), client) })
			assert.Equal(t, 5*time.Second, clock.next())
			<-entered
			clock.advance(5 * time.Second)
			waited := clock.requireWait(t, time.Second, time.Second/4)
			left := clock.next()
			assert.Equal(t, 5*time.Second-waited, left)
			<-entered
			clock.advance(left)
			err := <-done
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			assert.True(t, workos.IsTransient(err))
			assert.Equal(t, 10*time.Second, clock.Now().Sub(began))
			assert.Len(t, server.received(), 2)
		})
	}
}

func TestTheCallersContextEndsACall(t *testing.T) {
	for name, call := range map[string]func(context.Context, *workos.Client) error{"a code": redeem, "a refresh": refresh, "a read": read} {
		t.Run(name+" during a request", func(t *testing.T) {
			entered := make(chan struct{})
			clock := newFakeClock()
			server := newServer(t, hang(entered))
			client := server.client(t, workos.WithClock(clock))
			ctx, cancel := context.WithCancelCause(t.Context())
			done := start(func() error { return call(ctx, client) })
			<-entered
			cancel(errors.New("the caller's cause"))
			err := <-done
			assert.ErrorIs(t, err, context.Canceled)
			assert.NotContains(t, err.Error(), "waiting to retry")
			assert.False(t, workos.IsTransient(err))
			assert.Len(t, server.received(), 1)
			assert.Zero(t, clock.pending())
		})
		t.Run(name+" before the call", func(t *testing.T) {
			server := newServer(t, respondWith(200, minimalResponse))
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			assert.ErrorIs(t, call(ctx, server.client(t)), context.Canceled)
			assert.Empty(t, server.received())
		})
		t.Run(name+" by its deadline", func(t *testing.T) {
			server := newServer(t, respondWith(200, minimalResponse))
			ctx, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
			defer cancel()
			err := call(ctx, server.client(t))
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			assert.True(t, workos.IsTransient(err))
			assert.Empty(t, server.received())
		})
	}
}

func TestTheCallersContextEndsTheWaitForARetry(t *testing.T) {
	clock := newFakeClock()
	server := newServer(t, respondWith(503, `{"message":"Unavailable"}`, "Retry-After", "3"))
	client := server.client(t, workos.WithClock(clock))
	ctx, cancel := context.WithCancel(t.Context())
	done := start(func() error { return refresh(ctx, client) })
	clock.next()
	clock.next()
	cancel()
	err := <-done
	assert.ErrorIs(t, err, context.Canceled)
	assert.False(t, workos.IsTransient(err))
	assert.Equal(t, 503, requireAPIError(t, err).StatusCode, "the error contains the previous failure")
	assert.Equal(t, 3*time.Second, workos.RetryAfter(err))
	assert.Len(t, server.received(), 1)
	assert.Zero(t, clock.pending())
}

func TestTheSystemClockIsTheDefault(t *testing.T) {
	server := newServer(t, respondWith(200, minimalResponse))
	client := server.client(t)
	results := make(chan error)
	for range 20 {
		go func() { results <- refresh(t.Context(), client) }()
	}
	for i := range 20 {
		assert.NoError(t, <-results, fmt.Sprint("call ", i))
	}
	assert.Len(t, server.received(), 20)
}
