// The calls of WorkOS: their number, their time, and what their responses tell about the clock.

package authkit

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// WorkOSStats counts the requests to WorkOS: those of this package, those of [AuthKit.Client], and the fetches of the
// signing keys. A call that is tried again counts again.
type WorkOSStats struct {
	Calls uint64
	// Failures counts the calls that got no response, or one with status 429 or 5xx. A call that ends because its request
	// does, such as that of a callback whose client closes the connection, is not one of them.
	Failures uint64
	// FailuresInRow is how many calls have failed since the last that has not.
	FailuresInRow int
	// Time is the sum of the times until the response headers came, on the system's clock.
	Time time.Duration
	// AnsweredAt is when the last call ended that has not failed, and FailedAt when the last one did that has. They are zero
	// if there was none.
	AnsweredAt, FailedAt time.Time

	// CredentialsRefused counts the answers by which WorkOS did not accept the client ID or the API key of this application,
	// and CredentialsRefusedAt is the time of the last.
	CredentialsRefused   uint64
	CredentialsRefusedAt time.Time
}

// ClockStats compares the clock of this instance with that of WorkOS, by the Date header of its responses (RFC 9110, section
// 6.6.1). The header has whole seconds, so Skew is exact to a second. Tokens are accepted with a skew of 60 seconds.
type ClockStats struct {
	Known bool // there was a response with a Date
	// Skew is how far the clock of this instance is ahead of that of WorkOS. It is negative if it is behind.
	Skew       time.Duration
	MeasuredAt time.Time
}

// maxSkewDelay is the longest time of a call that is used to compare clocks. The time of the response is known to half of
// it.
const maxSkewDelay = 2 * time.Second

// workosCalls sees all calls of WorkOS.
type workosCalls struct {
	clock                    Clock
	calls, failures, refused atomic.Uint64
	time                     atomic.Int64 // in nanoseconds

	mu                              sync.Mutex // guards the fields below, and is held for no call
	answeredAt, failedAt, refusedAt time.Time
	failuresInRow                   int
	skew                            ClockStats
}

// client returns a copy of the application's HTTP client whose calls c sees.
func (c *workosCalls) client(own *http.Client) *http.Client {
	watched := *own
	watched.Transport = &watchedTransport{own.Transport, c}
	return &watched
}

// watchedTransport passes requests to the transport of the application.
type watchedTransport struct {
	own   http.RoundTripper // nil for http.DefaultTransport
	calls *workosCalls
}

func (t *watchedTransport) transport() http.RoundTripper {
	if t.own == nil {
		return http.DefaultTransport
	}
	return t.own
}

func (t *watchedTransport) RoundTrip(r *http.Request) (response *http.Response, err error) {
	c := t.calls
	c.calls.Add(1)
	begin, sent := time.Now(), c.clock.Now()
	result := callFailed
	defer func() { // the application's transport may panic
		c.time.Add(int64(time.Since(begin)))
		c.ended(result, sent, response)
	}()
	response, err = t.transport().RoundTrip(r)
	switch {
	case err == nil && response.StatusCode < 500 && response.StatusCode != http.StatusTooManyRequests:
		result = callAnswered
	case err != nil && errors.Is(context.Cause(r.Context()), context.Canceled): // a time limit has another cause
		result = callCancelled
	}
	return response, err
}

// callResult is how a call ended.
type callResult uint8

const (
	callFailed callResult = iota
	callAnswered
	callCancelled // by its caller, so the call tells nothing about WorkOS
)

// CloseIdleConnections closes those of the application's transport, for http.Client.CloseIdleConnections.
func (t *watchedTransport) CloseIdleConnections() {
	if own, ok := t.transport().(interface{ CloseIdleConnections() }); ok {
		own.CloseIdleConnections()
	}
}

// ended notes the end of a call. The response is nil if the call has failed.
func (c *workosCalls) ended(result callResult, sent time.Time, response *http.Response) {
	now := c.clock.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	switch result {
	case callAnswered:
		c.answeredAt, c.failuresInRow = now, 0
	case callFailed:
		c.failedAt = now
		c.failuresInRow++
		c.failures.Add(1)
	}
	if response == nil {
		return
	}
	if skew, ok := skewOf(response.Header, sent, now); ok {
		c.skew = ClockStats{Known: true, Skew: skew, MeasuredAt: now}
	}
}

// skewOf returns how far the clock of sent and received is ahead of that of a response. A response of a cache, which has
// Age, is dated when the cache got it (RFC 9111, section 4.2.3).
func skewOf(h http.Header, sent, received time.Time) (skew time.Duration, ok bool) {
	date, err := http.ParseTime(h.Get("Date"))
	delay := received.Sub(sent)
	if err != nil || h.Get("Age") != "" || delay < 0 || delay > maxSkewDelay {
		return 0, false
	}
	const half = time.Second / 2 // Date is rounded down
	return sent.Add(delay / 2).Sub(date.Add(half)), true
}

// refuseCredentials notes that WorkOS has not accepted the client ID or the API key of this application.
func (c *workosCalls) refuseCredentials() {
	now := c.clock.Now()
	c.refused.Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refusedAt = now
}

func (c *workosCalls) stats() WorkOSStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return WorkOSStats{
		Calls: c.calls.Load(), Failures: c.failures.Load(), Time: time.Duration(c.time.Load()),
		FailuresInRow: c.failuresInRow, AnsweredAt: c.answeredAt, FailedAt: c.failedAt,
		CredentialsRefused: c.refused.Load(), CredentialsRefusedAt: c.refusedAt,
	}
}

func (c *workosCalls) clockStats() ClockStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.skew
}
