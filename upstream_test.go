// What tests put between the application and the fake AuthKit.

package authkit_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/authkit-go/authkit/authkittest"
)

// rewriting is a transport to WorkOS that changes the replies of the
// authenticate call, for what the fake has no reason to say.
type rewriting struct {
	change func(reply map[string]any) // nil leaves them as they are
	sent   map[string]any             // the last request to authenticate
}

func (t *rewriting) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path == "/user_management/authenticate" {
		body, err := r.GetBody()
		if err != nil {
			return nil, err
		}
		t.sent = nil
		if err := json.NewDecoder(body).Decode(&t.sent); err != nil {
			return nil, err
		}
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || t.change == nil || resp.StatusCode != http.StatusOK || r.URL.Path != "/user_management/authenticate" {
		return resp, err
	}
	defer resp.Body.Close()
	var reply map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&reply); err != nil {
		return nil, err
	}
	t.change(reply)
	body, err := json.Marshal(reply)
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	resp.ContentLength = int64(len(body))
	resp.Header.Del("Content-Length")
	return resp, nil
}

// observedClock tells a test of each timer that the code under test sets.
type observedClock struct {
	*authkittest.Clock
	set chan time.Duration
}

func newObservedClock() observedClock {
	return observedClock{authkittest.NewClock(start), make(chan time.Duration, 1000)}
}

func (c observedClock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	stop = c.Clock.AfterFunc(d, f)
	c.set <- d
	return stop
}

// await blocks until a timer of at least min and at most max has been set, and
// returns how long it is.
func (c observedClock) await(min, max time.Duration) time.Duration {
	for d := range c.set {
		if min <= d && d <= max {
			return d
		}
	}
	return 0
}
