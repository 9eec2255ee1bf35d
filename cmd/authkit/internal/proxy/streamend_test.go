// Tests of responses without a known end: when they end with their session.

package proxy_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/cmd/authkit/internal/proxy"
)

// longResponse is a response of an upstream that sends a line whenever the test asks for one.
type longResponse struct {
	t     *testing.T
	door  *door
	clock *authkittest.FakeClock
	next  chan bool     // true for a line, false for the end
	ended chan struct{} // the upstream was told that the request has ended
	lines *bufio.Reader
}

// startLongResponse starts a proxy, and a response to a user, or an anonymous one for "". The first line is "line 0", or the given one.
func startLongResponse(t *testing.T, user, contentType, contentLength string, change func(*proxy.Config), first ...string) *longResponse {
	lines := append(first, "line 0\n")
	l := &longResponse{
		t: t, clock: authkittest.NewFakeClock(time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC)),
		next: make(chan bool), ended: make(chan struct{}, 1),
	}
	l.door = start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/long" {
			return
		}
		w.Header().Set("Content-Type", contentType)
		if contentLength != "" {
			w.Header().Set("Content-Length", contentLength)
		}
		_, _ = io.WriteString(w, lines[0])
		for i := 1; ; i++ {
			_ = http.NewResponseController(w).Flush()
			select {
			case more := <-l.next:
				if !more {
					return
				}
			case <-r.Context().Done():
				l.ended <- struct{}{}
				return
			}
			fmt.Fprintf(w, "line %d\n", i)
		}
	}), setUp{clock: l.clock, fake: []authkittest.Option{authkittest.WithClock(l.clock)}, change: func(c *proxy.Config) {
		c.Events.Follow = false
		change(c)
	}})
	ctx, cancel := context.WithTimeout(t.Context(), 2*waitTimeout) // longer than isCut waits
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, "GET", l.door.URL+"/long", nil)
	require.NoError(t, err)
	if user != "" {
		r.Header.Set("Cookie", l.door.cookieOf(user))
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	require.NoError(t, err)
	t.Cleanup(func() { resp.Body.Close() })
	l.lines = bufio.NewReader(resp.Body)
	if len(first) > 0 {
		_, err := io.CopyN(io.Discard, l.lines, 64<<10)
		require.NoError(t, err)
		return l
	}
	l.requireLine(lines[0])
	return l
}

func (l *longResponse) requireLine(text string) {
	l.t.Helper()
	line, err := l.lines.ReadString('\n')
	require.NoError(l.t, err)
	require.Equal(l.t, text, line)
}

// goesOn requires that the next line arrives.
func (l *longResponse) goesOn(text string) {
	l.t.Helper()
	select {
	case l.next <- true:
	case <-time.After(waitTimeout):
		require.Fail(l.t, "the upstream does not send any more")
	}
	l.requireLine(text)
}

// finishes requires that the response ends as the upstream ends it.
func (l *longResponse) finishes() {
	l.t.Helper()
	select {
	case l.next <- false:
	case <-time.After(waitTimeout):
		require.Fail(l.t, "the upstream does not send any more")
	}
	_, err := io.ReadAll(l.lines)
	assert.NoError(l.t, err)
}

// isCut requires that the response ends in the middle, and that the upstream is told.
func (l *longResponse) isCut() {
	l.t.Helper()
	select {
	case <-l.ended:
	case <-time.After(waitTimeout):
		require.Fail(l.t, "the upstream was not told")
	}
	_, err := io.ReadAll(l.lines)
	assert.Error(l.t, err, "the response is cut, not finished")
}

func (l *longResponse) signOut() {
	l.t.Helper()
	require.Equal(l.t, 200, l.door.do(ben, "POST", "/logout", nil).StatusCode)
}

func unchanged(*proxy.Config) {}

func TestAResponseWithoutALengthEndsWithItsSessionAfterATime(t *testing.T) {
	fiveMinutes := func(c *proxy.Config) { c.Session.StreamAfter = 5 * time.Minute }
	t.Run("signed out before", func(t *testing.T) {
		l := startLongResponse(t, ben, "text/plain", "", unchanged)
		l.signOut()
		l.goesOn("line 1\n")
		l.clock.Advance(time.Hour - time.Second)
		l.goesOn("line 2\n")
		l.clock.Advance(time.Second)
		l.isCut()
	})
	t.Run("signed out after", func(t *testing.T) {
		l := startLongResponse(t, ben, "application/octet-stream", "", fiveMinutes)
		l.clock.Advance(5 * time.Minute)
		l.goesOn("line 1\n")
		l.signOut()
		l.isCut()
	})
	t.Run("the token expires and no request refreshes it", func(t *testing.T) {
		l := startLongResponse(t, ben, "text/csv", "", fiveMinutes)
		l.clock.Advance(5 * time.Minute)
		l.goesOn("line 1\n")
		l.clock.Advance(2 * time.Minute)
		l.isCut()
	})
	t.Run("another request refreshes the token", func(t *testing.T) {
		l := startLongResponse(t, ben, "text/csv", "", fiveMinutes)
		l.clock.Advance(5 * time.Minute)
		require.Equal(t, 200, l.door.do(ben, "GET", "/other", nil).StatusCode)
		l.clock.Advance(2 * time.Minute)
		l.goesOn("line 1\n")
		l.finishes()
	})
	t.Run("a time of its own", func(t *testing.T) {
		l := startLongResponse(t, ben, "text/plain", "", func(c *proxy.Config) { c.Session.StreamAfter = 10 * time.Second })
		l.signOut()
		l.goesOn("line 1\n")
		l.clock.Advance(10 * time.Second)
		l.isCut()
	})
}

func TestAResponseIsNotBoundToASessionIfThatIsTurnedOffOrItHasNone(t *testing.T) {
	for name, c := range map[string]struct {
		user   string
		change func(*proxy.Config)
	}{
		"turned off":       {ben, func(c *proxy.Config) { c.Session.StreamAfter = 0 }},
		"without identity": {"", allPublic},
	} {
		t.Run(name, func(t *testing.T) {
			l := startLongResponse(t, c.user, "text/plain", "", c.change)
			if c.user != "" {
				l.signOut()
			}
			l.clock.Advance(10 * time.Minute)
			l.goesOn("line 1\n")
			l.finishes()
		})
	}
}

func TestAResponseWithALengthOutlivesItsSession(t *testing.T) {
	// The proxy sends such a response in pieces of its buffers, so the first line is larger than those.
	first := strings.Repeat("x", 128<<10) + "\n"
	l := startLongResponse(t, ben, "application/octet-stream", fmt.Sprint(len(first)+len("line 1\n")), unchanged, first)
	l.signOut()
	l.clock.Advance(10 * time.Minute)
	l.next <- true
	l.next <- false
	text, err := io.ReadAll(l.lines)
	assert.NoError(t, err)
	assert.Len(t, text, 64<<10+len("\nline 1\n"), "the rest")
}

func TestAResponseOfAKindWithoutAnEndEndsAtOnceWithItsSession(t *testing.T) {
	for _, kind := range []string{
		"multipart/x-mixed-replace; boundary=frame", "application/x-ndjson", "application/json-seq", "application/jsonl", "Application/GRPC+proto",
		"application/connect+json", "text/event-stream; charset=utf-8",
	} {
		t.Run(kind, func(t *testing.T) {
			l := startLongResponse(t, ben, kind, "", func(c *proxy.Config) { c.Session.StreamAfter = 0 })
			l.signOut()
			l.isCut()
		})
	}
}

func TestAResponseWithoutALengthGoesOnAfterTheTimeIfAnOpenPageHasRefreshedItsSessionBefore(t *testing.T) {
	for name, after := range map[string]time.Duration{"an hour": time.Hour, "five minutes": 5 * time.Minute, "three hours": 3 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			l := startLongResponse(t, ben, "text/csv", "", func(c *proxy.Config) { c.Session.StreamAfter = after })
			page := l.door.browser(ben)
			for past := time.Duration(0); past < after+10*time.Minute; past += 90 * time.Second {
				l.clock.Advance(90 * time.Second)
				answer, err := page.Fetch("GET", l.door.URL+"/other")
				require.NoError(t, err)
				require.Equal(t, 200, answer.StatusCode)
			}
			l.goesOn("line 1\n")
			l.finishes()
		})
	}
}
