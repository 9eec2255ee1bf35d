// How long a call may take, whether it is made again, and how long it waits before that.

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

// limits bounds a call.
type limits struct {
	attempt time.Duration // each attempt
	total   time.Duration // all attempts with the delays between them
	retry   bool
}

// limits of a call are those of one that must not be made twice, unless it says otherwise.
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

// maxRetryAfter caps what a server may ask for.
const maxRetryAfter = time.Minute

// do makes a call and, where its limits allow that, makes it again after a failure that may pass. The reply is decoded
// into out; a nil out ignores it.
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
		if left() <= 0 { // the machine slept longer than we did
			return err
		}
	}
}

// retryable tells whether another attempt is worth its while: unlike a network error, a page where JSON should be is
// still there a second later.
func retryable(err error) bool {
	var apiErr *Error
	if errors.As(err, &apiErr) {
		return isTransientStatus(apiErr.StatusCode)
	}
	var transportErr *TransportError
	return errors.As(err, &transportErr) && !transportErr.unusable
}

// delay is the time between an attempt, counted from 0, and the next: 1 s doubled with each, or what the server asked
// for if that is longer, plus a jitter of up to a quarter of the former, which keeps clients that failed together from
// returning together.
func delay(attempt int, asked time.Duration) time.Duration {
	backoff := time.Second << attempt
	return max(backoff, asked) + rand.N(backoff/4)
}

// sleep waits on the client's clock. Its error is that of the context, if that ended first.
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

// retryAfter reads a Retry-After header (RFC 9110 section 10.2.3), which is a number of seconds or a date. It is 0 for
// what is neither, and for what has passed.
func retryAfter(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	// Of a number that is out of range, Atoi returns the nearest that is not.
	if seconds, err := strconv.Atoi(header); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(max(seconds, 0), int(maxRetryAfter/time.Second))) * time.Second
	}
	date, err := http.ParseTime(header)
	if err != nil {
		return 0
	}
	return min(max(date.Sub(now), 0), maxRetryAfter)
}
