// The rate limit of API calls.

package authkittest

import (
	"net/http"
	"sync"
	"time"
)

// limiter counts the calls of the current second. The zero value is ready to use.
type limiter struct {
	mu    sync.Mutex // guards everything below
	since time.Time  // when the current second began
	calls int
}

// rateLimitError counts a call and returns the error for it if it is beyond the limit of WithRateLimit, or nil.
func (f *Server) rateLimitError() *apiError {
	limit := f.settings.rateLimit
	if limit == 0 || f.limiter.add(f.clock.Now()) <= limit {
		return nil
	}
	return tooManyRequests("Rate limit exceeded.", 1)
}

// add counts a call and returns the number of calls in its second. A second begins with the first call after the last one.
func (l *limiter) add(now time.Time) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if sinceStart := now.Sub(l.since); sinceStart < 0 || sinceStart >= time.Second {
		l.since, l.calls = now, 0
	}
	l.calls++
	return l.calls
}

// withRateLimit returns the handler of a route with the rate limit.
func (f *Server) withRateLimit(route Route, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if apiErr := f.rateLimitError(); apiErr != nil {
			f.traffic.limit([]Route{route})
			f.calls.noteFault()                // its caller waits before it tries again
			if route != RouteAuthorizeDevice { // the OAuth endpoints alone have the OAuth format
				apiErr.Message, apiErr.OAuthError, apiErr.Description = apiErr.Description, "", ""
			}
			apiErr.write(w)
			return
		}
		h(w, r)
	}
}
