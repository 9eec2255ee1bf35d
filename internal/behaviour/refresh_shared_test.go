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

// All responses of an exchange share what they do with the cookie. Handlers treat their headers in many ways, and none of them
// must reach the response of another handler.
func TestEachWaiterOfARefreshSetsTheCookieWhateverTheHandlersOfTheOthersDo(t *testing.T) {
	handlers := map[string]http.HandlerFunc{
		"writes":           func(w http.ResponseWriter, _ *http.Request) { writePage(w) },
		"writes nothing":   func(http.ResponseWriter, *http.Request) {},
		"sends a hint":     func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusEarlyHints); writePage(w) },
		"drops the header": func(w http.ResponseWriter, _ *http.Request) { clear(w.Header()); writePage(w) },
		"drops it after a hint": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			w.Header().Del("Set-Cookie")
			writePage(w)
		},
		"adds a cookie": func(w http.ResponseWriter, _ *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: "theme", Value: "dark"})
			writePage(w)
		},
		"replaces the lines in place": func(w http.ResponseWriter, _ *http.Request) {
			for i := range w.Header()["Set-Cookie"] {
				w.Header()["Set-Cookie"][i] = fmt.Sprintf("theirs%d=1", i)
			}
			writePage(w)
		},
		"times out": http.TimeoutHandler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), time.Millisecond, "late").ServeHTTP,
		"flushes": func(w http.ResponseWriter, _ *http.Request) {
			assert.NoError(t, http.NewResponseController(w).Flush())
			writePage(w)
		},
	}
	for name, size := range map[string]int{"one cookie": 0, "chunks": 6000} {
		t.Run(name, func(t *testing.T) {
			a := NewApp(t, AppOptions{})
			for name, handler := range handlers {
				a.Mux.Handle("/"+strings.ReplaceAll(name, " ", "-"), handler)
			}
			if size > 0 {
				a.fillTokens(size)
			}
			cookie := a.SignedIn(Kim).CookieHeader()
			a.ExpireToken(2 * time.Minute)
			a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true})
			answers := map[string]chan Response{}
			for name := range handlers {
				for _, method := range []string{http.MethodGet, http.MethodHead} {
					answers[method+" "+name] = a.SendAsync(Request{Method: method, Target: "/" + strings.ReplaceAll(name, " ", "-"), Cookie: cookie})
				}
			}
			require.Eventually(t, func() bool { return a.Stats().Refreshes.Waiting == len(answers) }, WaitTimeout, time.Millisecond)
			a.Fake.ClearFault(authkittest.RouteRefresh)
			var shared string
			for name, answer := range answers {
				_, refreshed := (<-answer).sessionCookies(t)
				require.NotEmpty(t, refreshed, name)
				parts := strings.Split(refreshed, "; ")
				slices.Sort(parts)
				refreshed = strings.Join(parts, "; ")
				if shared == "" {
					shared = refreshed
				}
				assert.Equal(t, shared, refreshed, name)
			}
			assert.Contains(t, a.Send(Request{Target: "/", Cookie: shared}).Body, Kim)
			assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
		})
	}
}

// Three requests wait for one refresh. The first one then switches the organization or signs out. The others respond later.
func TestAWaiterThatChangesTheSessionChangesTheCookiesOfTheOtherWaiters(t *testing.T) {
	for name, change := range map[string]Request{
		"a switch": {Method: http.MethodPost, Target: "/organization", Form: map[string][]string{"organization_id": {"org_beta"}}},
		"a logout": {Method: http.MethodPost, Target: "/signout"},
	} {
		t.Run(name, func(t *testing.T) {
			a := NewSwitchingApp(t)
			began, proceed := make(chan struct{}), make(chan struct{})
			a.Mux.HandleFunc("/held", func(w http.ResponseWriter, _ *http.Request) {
				began <- struct{}{}
				<-proceed
				writePage(w)
			})
			a.Mux.HandleFunc("POST /signout", func(w http.ResponseWriter, r *http.Request) {
				_, err := a.AuthKit.SignOut(w, r)
				assert.NoError(t, err)
			})
			old := a.AcmeCookie()
			a.ExpireToken(2 * time.Minute)
			a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true})
			change.Cookie, change.Header = old, Scripted()
			changed := a.SendAsync(change)
			held := []chan Response{a.SendAsync(Request{Target: "/held", Cookie: old}), a.SendAsync(Request{Target: "/held", Cookie: old})}
			require.Eventually(t, func() bool { return a.Stats().Refreshes.Waiting == 3 }, WaitTimeout, time.Millisecond)
			a.Fake.ClearFault(authkittest.RouteRefresh)
			for range held {
				<-began
			}
			assert.Equal(t, http.StatusOK, (<-changed).Status)
			close(proceed)
			for _, answer := range append(held, a.SendAsync(Request{Target: "/me", Cookie: old})) {
				jar := JarAfter("", <-answer)
				if name == "a logout" {
					assert.Empty(t, jar)
					continue
				}
				assert.Equal(t, "org_beta", a.Me(jar)["organization"])
			}
		})
	}
}

// A handler may end the session in its own way, beside the line of the refresh or in place of it.
func TestAHandlerThatExpiresTheSessionCookieAfterARefreshIsNotOverridden(t *testing.T) {
	const expiry = "authkit-session=; Path=/; Max-Age=0"
	for name, expire := range map[string]func(h http.Header){
		"beside":   func(h http.Header) { h.Add("Set-Cookie", expiry) },
		"in place": func(h http.Header) { h.Set("Set-Cookie", expiry) },
	} {
		t.Run(name, func(t *testing.T) {
			a := NewApp(t, AppOptions{})
			a.Mux.HandleFunc("/forget", func(w http.ResponseWriter, _ *http.Request) {
				expire(w.Header())
				writePage(w)
			})
			cookie := a.SignedIn(Kim).CookieHeader()
			a.ExpireToken(2 * time.Minute)
			lines := a.Send(Request{Target: "/forget", Cookie: cookie}).Header["Set-Cookie"]
			if name == "beside" {
				require.Len(t, lines, 2)
				assert.NotContains(t, lines[0], "Max-Age=0")
				lines = lines[1:]
			}
			assert.Equal(t, []string{expiry}, lines, "the last line counts in a browser")
		})
	}
}
