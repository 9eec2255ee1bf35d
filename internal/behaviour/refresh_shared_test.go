// The cookie of one refresh in the responses of all requests that have waited for it.

package behaviour

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

// waitersApp is an application whose handler records the Set-Cookie lines that it finds, and then changes its header.
type waitersApp struct {
	*App
	mu    sync.Mutex
	lines [][]string // guarded by mu
}

func newWaitersApp(t *testing.T, change func(h http.Header)) *waitersApp {
	w := &waitersApp{}
	w.App = NewApp(t, AppOptions{Routes: func(_ *App, mux *http.ServeMux) {
		mux.HandleFunc("/seen", func(response http.ResponseWriter, r *http.Request) {
			lines := response.Header()["Set-Cookie"]
			w.mu.Lock()
			w.lines = append(w.lines, slices.Clone(lines))
			w.mu.Unlock()
			change(response.Header())
			fmt.Fprint(response, Visitor(r))
		})
	}})
	return w
}

// storm sends requests with a stale session, which all wait for one exchange.
func (w *waitersApp) storm(cookie string, requests int) (responses []Response) {
	w.T.Helper()
	w.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true})
	var answers []chan Response
	for range requests {
		answers = append(answers, w.SendAsync(Request{Target: "/seen", Cookie: cookie}))
	}
	require.Eventually(w.T, func() bool { return w.Stats().Refreshes.Waiting == requests }, WaitTimeout, time.Millisecond)
	w.Fake.ClearFault(authkittest.RouteRefresh)
	for _, answer := range answers {
		responses = append(responses, <-answer)
	}
	return responses
}

func TestTheWaitersOfARefreshShareTheTextOfItsCookieAndNotTheirHeaders(t *testing.T) {
	for name, size := range map[string]int{"one cookie": 0, "chunks": 6000} {
		t.Run(name, func(t *testing.T) {
			w := newWaitersApp(t, func(h http.Header) {
				for i := range h["Set-Cookie"] { // what a handler does with its header must not reach another response
					h["Set-Cookie"][i] = fmt.Sprintf("theirs%d=1; Path=/", i)
				}
				_ = append(h["Set-Cookie"], "appended=1; Path=/")
			})
			if size > 0 {
				w.fillTokens(size)
			}
			cookie := w.SignedIn(Kim).CookieHeader()
			w.ExpireToken(2 * time.Minute)
			responses := w.storm(cookie, 8)
			require.Len(t, w.lines, 8)
			first := w.lines[0]
			require.NotEmpty(t, first)
			assert.Equal(t, size > 0, len(first) > 1)
			for _, lines := range w.lines {
				assert.Equal(t, first, lines)
				for i := range lines {
					assert.Same(t, unsafe.StringData(first[i]), unsafe.StringData(lines[i]), "the text is made once")
				}
			}
			for _, resp := range responses {
				assert.Contains(t, resp.Body, Kim)
				set := resp.Header["Set-Cookie"]
				assert.Contains(t, set, "theirs0=1; Path=/")
				for _, line := range first {
					assert.Contains(t, set, line, "the session is set again")
				}
				assert.NotContains(t, strings.Join(set, "\n"), "appended")
			}
			_, refreshed := responses[0].sessionCookies(t)
			assert.Contains(t, w.Send(Request{Target: "/", Cookie: refreshed}).Body, Kim)
			assert.Equal(t, 1, w.Fake.Calls(authkittest.RouteRefresh))
		})
	}
}

// The requests of two sessions that are refreshed at once.
func TestTwoRefreshesAtOnceSetTheirOwnCookies(t *testing.T) {
	w := newWaitersApp(t, func(http.Header) {})
	cookies := map[string]string{Kim: w.SignedIn(Kim).CookieHeader(), lee: w.SignedIn(lee).CookieHeader()}
	w.ExpireToken(2 * time.Minute)
	w.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true})
	answers := map[string][]chan Response{}
	for range 4 {
		for email, cookie := range cookies {
			answers[email] = append(answers[email], w.SendAsync(Request{Target: "/seen", Cookie: cookie}))
		}
	}
	require.Eventually(t, func() bool { return w.Stats().Refreshes.Waiting == 8 }, WaitTimeout, time.Millisecond)
	w.Fake.ClearFault(authkittest.RouteRefresh)
	for email, all := range answers {
		for _, answer := range all {
			resp := <-answer
			assert.Contains(t, resp.Body, email)
			assert.Contains(t, w.Send(Request{Target: "/", Cookie: resp.NewCookie(t)}).Body, email)
		}
	}
}

// A session can become too large for one cookie at a refresh. A proxy that drops one of its cookies is then found.
func TestARefreshedSessionOfWhichSomeCookiesComeBackIsLogged(t *testing.T) {
	w := newWaitersApp(t, func(http.Header) {})
	cookie := w.SignedIn(Kim).CookieHeader()
	w.fillTokens(6000)
	w.ExpireToken(2 * time.Minute)
	names, refreshed := w.Send(Request{Target: "/seen", Cookie: cookie}).sessionCookies(t)
	require.Len(t, names, 3)
	part, _, _ := strings.Cut(refreshed, "; ")
	for range 2 {
		assert.NotContains(t, w.Logs.String(), "only some of them came back")
		w.Send(Request{Target: "/seen", Cookie: part, Header: with(Navigation(), "User-Agent", "Mozilla/5.0")})
	}
	assert.Contains(t, w.Logs.String(), "only some of them came back")
}
