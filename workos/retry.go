// Time limits, retries and the delay before a retry.

package workos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// limits are the time limits of a call.
type limits struct {
	attempt time.Duration // each attempt
	total   time.Duration // all attempts and the delays between them
	retry   bool
}

// limits returns the limits of a call. By default a call is not retried.
func (call call) limits() limits {
	switch {
	case call.idempotent:
		return limits{attempt: 5 * time.Second, total: 10 * time.Second, retry: true}
	case call.method == http.MethodGet:
		return limits{attempt: 10 * time.Second, total: 30 * time.Second, retry: true}
	default:
		return limits{attempt: 10 * time.Second, total: 10 * time.Second}
	}
}

// maxRetryAfter limits the delay that a server can request.
const maxRetryAfter = time.Minute

// do makes a call. It retries transient failures where the limits of the call permit it. The response is decoded into
// out. If out is nil, the body is ignored.
func (c *Client) do(ctx context.Context, call call, out any) error {
	if err := c.checkCall(call); err != nil {
		return err
	}
	target, err := call.address()
	if err != nil {
		return err
	}
	call.target = target
	call.secrets = append(call.secrets, c.apiKey)
	limits := call.limits()
	deadline := c.clock.Now().Add(limits.total)
	left := func() time.Duration { return deadline.Sub(c.clock.Now()) }
	for attempt := 0; ; attempt++ {
		err := c.attempt(ctx, call, min(limits.attempt, left()), out)
		if err == nil || !limits.retry || ctx.Err() != nil || !retryable(err) {
			return err
		}
		wait := delay(attempt, RetryAfter(err))
		if wait >= left() {
			return err
		}
		if ended := c.sleep(ctx, wait); ended != nil {
			return fmt.Errorf("%w; while waiting to retry: %w", err, ended)
		}
		if left() <= 0 { // the machine was suspended during the wait
			return err
		}
	}
}

// retryable reports whether another attempt can help. A network error may be gone a second later. An unusable response,
// such as HTML instead of JSON, stays.
func retryable(err error) bool {
	var apiErr *Error
	if errors.As(err, &apiErr) {
		return isTransientStatus(apiErr.StatusCode)
	}
	var transportErr *TransportError
	return errors.As(err, &transportErr) && !transportErr.unusable
}

// delay returns the wait after the given attempt, counted from 0. It is 1 s, doubled with each attempt, or the server's
// Retry-After if that is longer. A jitter of up to a quarter of the doubled second prevents clients that failed
// together from retrying together.
func delay(attempt int, asked time.Duration) time.Duration {
	backoff := time.Second << attempt
	return max(backoff, asked) + rand.N(backoff/4)
}

// sleep waits on the client's clock. If the context ends first, it returns the error of the context.
func (c *Client) sleep(ctx context.Context, d time.Duration) error {
	over := make(chan struct{})
	stop := c.clock.AfterFunc(d, func() { close(over) })
	defer stop()
	select {
	case <-over:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// retryAfter reads a Retry-After header (RFC 9110 section 10.2.3), which is a number of seconds or a date. It returns 0
// for an invalid value and for a date in the past.
func retryAfter(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	// Atoi returns the nearest int for a number that is out of range.
	if seconds, err := strconv.Atoi(header); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(max(seconds, 0), int(maxRetryAfter/time.Second))) * time.Second
	}
	date, err := http.ParseTime(header)
	if err != nil {
		return 0
	}
	return min(max(date.Sub(now), 0), maxRetryAfter)
}
