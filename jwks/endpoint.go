// The HTTP request that fetches the keys.

package jwks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	fetchTimeout = 5 * time.Second
	maxBodySize  = 1 << 20
	maxRedirects = 10 // the default of net/http
)

// errTimeout matches [context.DeadlineExceeded].
var errTimeout = fmt.Errorf("no response within %s: %w", fetchTimeout, context.DeadlineExceeded)

// fetchError is the error of a fetch. retryAfter is the pause that the endpoint asked for, or zero.
type fetchError struct {
	err        error
	retryAfter time.Duration
}

// endpoint is the source of a KeySet's keys.
type endpoint struct {
	url       string
	client    *http.Client
	userAgent string
}

// String returns the URL without its password, for logs.
func (e *endpoint) String() string {
	u, err := url.Parse(e.url)
	if err != nil {
		return "invalid URL"
	}
	return u.Redacted()
}

// get returns the response body. A date in Retry-After counts from the start of the request.
func (e *endpoint) get(ctx context.Context, clock Clock) ([]byte, *fetchError) {
	now := clock.Now()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer clock.AfterFunc(fetchTimeout, func() { cancel(errTimeout) })()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.url, nil)
	if err != nil { // its text could contain the URL's password
		return nil, &fetchError{err: errors.New("invalid URL")}
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	if e.userAgent != "" {
		req.Header.Set("User-Agent", e.userAgent)
	}
	resp, err := e.client.Do(req)
	if err != nil {
		return nil, &fetchError{err: cmp.Or(context.Cause(ctx), err)}
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, &fetchError{
			err:        fmt.Errorf("the endpoint responded with status %d", resp.StatusCode),
			retryAfter: parseRetryAfter(resp.Header.Get("Retry-After"), now),
		}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBodySize+1))
	if err != nil {
		return nil, &fetchError{err: cmp.Or(context.Cause(ctx), err)}
	}
	if len(body) > maxBodySize {
		return nil, &fetchError{err: fmt.Errorf("the response exceeds %d bytes", maxBodySize)}
	}
	return body, nil
}

// parseRetryAfter reads both forms of RFC 9110 section 10.2.3. It returns zero for anything else.
func parseRetryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(0, date.Sub(now))
	}
	return 0
}

// sameHostOnly returns a copy of client that refuses redirects to another host or away from https, which could deliver an
// attacker's keys.
func sameHostOnly(client *http.Client) *http.Client {
	restricted := *client
	restricted.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		previous := via[len(via)-1].URL
		if !strings.EqualFold(req.URL.Host, previous.Host) {
			return errors.New("redirected to another host")
		}
		if previous.Scheme == "https" && req.URL.Scheme != "https" {
			return errors.New("redirected away from https")
		}
		if client.CheckRedirect != nil {
			return client.CheckRedirect(req, via)
		}
		if len(via) >= maxRedirects {
			return errors.New("too many redirects")
		}
		return nil
	}
	return &restricted
}
