// Streaming, hijacking, trailers, ranges and other uses of a connection behind the middleware.

package behaviour

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// optionalInterfaces are the interfaces that an http.ResponseWriter may also implement.
type optionalInterfaces struct{ flusher, hijacker, pusher, readerFrom, closeNotifier bool }

func optionalInterfacesOf(w http.ResponseWriter) (has optionalInterfaces) {
	_, has.flusher = w.(http.Flusher)
	_, has.hijacker = w.(http.Hijacker)
	_, has.pusher = w.(http.Pusher)
	_, has.readerFrom = w.(io.ReaderFrom)
	_, has.closeNotifier = w.(closeNotifier)
	return has
}

func TestTheResponseWriterHasTheOptionalInterfacesOfTheServer(t *testing.T) {
	for version, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		t.Run(version, func(t *testing.T) {
			a := NewApp(t, AppOptions{})
			var bare, behind optionalInterfaces
			inner := a.Middleware(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				behind = optionalInterfacesOf(w)
				io.WriteString(w, "body")
			}))
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				assert.Equal(t, version, r.Proto)
				bare = optionalInterfacesOf(w)
				inner.ServeHTTP(w, r)
			}))
			server.EnableHTTP2 = http2
			startTLS(server)
			defer server.Close()
			resp, err := server.Client().Get(server.URL)
			require.NoError(t, err)
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			assert.Equal(t, "body", string(body))
			assert.Equal(t, "Cookie", resp.Header.Get("Vary"))
			assert.Equal(t, bare, behind)
		})
	}
}

// closeNotifier is http.CloseNotifier, which is deprecated and which gin needs.
type closeNotifier interface{ CloseNotify() <-chan bool }

func TestCloseNotifyTellsAHandlerThatItsClientHasLeft(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	left := make(chan bool, 1)
	a.Server.Config.Handler = a.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		gone := w.(closeNotifier).CloseNotify()
		io.WriteString(w, "event")
		w.(http.Flusher).Flush()
		select {
		case left <- <-gone:
		case <-time.After(WaitTimeout):
		}
	}))
	r, err := http.NewRequestWithContext(t.Context(), "GET", a.URL+"/", nil)
	require.NoError(t, err)
	r.Header.Set("Cookie", cookie)
	resp, err := a.Server.Client().Do(r)
	require.NoError(t, err)
	_, err = io.ReadFull(resp.Body, make([]byte, len("event")))
	require.NoError(t, err)
	resp.Body.Close()
	select {
	case sent := <-left:
		assert.True(t, sent)
	case <-time.After(WaitTimeout):
		assert.Fail(t, "the handler was not told")
	}
}

// serve replaces the routes of the application by one handler behind the middleware.
func (a *App) serve(handler http.HandlerFunc) { a.Server.Config.Handler = a.Middleware(handler) }

func TestAFlushedEventArrivesBeforeItsHandlerReturns(t *testing.T) {
	for name, flush := range map[string]func(http.ResponseWriter){
		"http.Flusher":            func(w http.ResponseWriter) { w.(http.Flusher).Flush() },
		"http.ResponseController": func(w http.ResponseWriter) { assert.NoError(t, http.NewResponseController(w).Flush()) },
	} {
		t.Run(name, func(t *testing.T) {
			a := NewApp(t, AppOptions{})
			received := make(chan struct{})
			a.serve(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				io.WriteString(w, "data: 1\n\n")
				flush(w)
				select {
				case <-received:
				case <-r.Context().Done():
				}
				io.WriteString(w, "data: 2\n\n")
			})
			resp, err := a.Server.Client().Get(a.URL)
			require.NoError(t, err)
			defer resp.Body.Close()
			first := make([]byte, len("data: 1\n\n"))
			_, err = io.ReadFull(resp.Body, first)
			require.NoError(t, err)
			assert.Equal(t, "data: 1\n\n", string(first))
			assert.Equal(t, "Cookie", resp.Header.Get("Vary"))
			close(received)
			rest, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			assert.Equal(t, "data: 2\n\n", string(rest))
		})
	}
}

func TestEarlyHintsArriveBeforeTheResponse(t *testing.T) {
	a := NewApp(t, AppOptions{})
	a.serve(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Vary", "Accept")
		w.WriteHeader(http.StatusAccepted)
		io.WriteString(w, "body")
	})
	var hints []int
	r, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(status int, header textproto.MIMEHeader) error {
			hints = append(hints, status)
			assert.NotEmpty(t, header.Get("Link"))
			return nil
		},
	}), "GET", a.URL, nil)
	require.NoError(t, err)
	resp, err := a.Server.Client().Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	assert.Equal(t, []int{103}, hints)
	assert.Equal(t, http.StatusAccepted, resp.StatusCode)
	assert.Equal(t, []string{"Accept", "Cookie"}, resp.Header.Values("Vary"))
}

func TestAGuardedHandlerCanHijackTheConnection(t *testing.T) {
	for name, hijack := range map[string]func(http.ResponseWriter) (net.Conn, *bufio.ReadWriter, error){
		"http.Hijacker": func(w http.ResponseWriter) (net.Conn, *bufio.ReadWriter, error) { return w.(http.Hijacker).Hijack() },
		"http.ResponseController": func(w http.ResponseWriter) (net.Conn, *bufio.ReadWriter, error) {
			return http.NewResponseController(w).Hijack()
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := NewApp(t, AppOptions{})
			cookie := a.SignedIn(Kim).CookieHeader()
			a.Server.Config.Handler = a.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				conn, buffered, err := hijack(w)
				if !assert.NoError(t, err) {
					return
				}
				defer conn.Close()
				fmt.Fprint(buffered, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
				buffered.Flush()
				line, err := buffered.ReadString('\n')
				assert.NoError(t, err)
				fmt.Fprint(buffered, Visitor(r)+" said "+line)
				buffered.Flush()
			}))
			conn, err := net.Dial("tcp", a.Server.Listener.Addr().String())
			require.NoError(t, err)
			defer conn.Close()
			fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: echo\r\nCookie: %s\r\n\r\n", cookie)
			reader := bufio.NewReader(conn)
			resp, err := http.ReadResponse(reader, nil)
			require.NoError(t, err)
			assert.Equal(t, http.StatusSwitchingProtocols, resp.StatusCode)
			fmt.Fprint(conn, "hello\n")
			echo, err := reader.ReadString('\n')
			require.NoError(t, err)
			assert.Contains(t, echo, Kim)
			assert.Contains(t, echo, "said hello")
		})
	}
}

func TestAHandlerCanSetDeadlines(t *testing.T) {
	a := NewApp(t, AppOptions{})
	a.serve(func(w http.ResponseWriter, _ *http.Request) {
		controller := http.NewResponseController(w)
		assert.NoError(t, controller.SetReadDeadline(time.Time{}))
		assert.NoError(t, controller.SetWriteDeadline(time.Time{}))
		assert.NoError(t, controller.EnableFullDuplex())
	})
	assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/"}).Status)
}

func TestServeContentAnswersRangeAndConditionalRequests(t *testing.T) {
	a := NewApp(t, AppOptions{})
	content := strings.Repeat("0123456789", 10_000)
	a.serve(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"v1"`)
		http.ServeContent(w, r, "digits.txt", Start, strings.NewReader(content))
	})
	for name, c := range map[string]struct {
		header http.Header
		status int
		body   string
	}{
		"the whole file":              {nil, http.StatusOK, content},
		"a range":                     {http.Header{"Range": {"bytes=5-14"}}, http.StatusPartialContent, "5678901234"},
		"a range beyond the end":      {http.Header{"Range": {"bytes=999999-"}}, http.StatusRequestedRangeNotSatisfiable, "invalid range: failed to overlap\n"},
		"an unchanged file":           {http.Header{"If-None-Match": {`"v1"`}}, http.StatusNotModified, ""},
		"a changed file":              {http.Header{"If-None-Match": {`"v0"`}}, http.StatusOK, content},
		"a range of an older version": {http.Header{"Range": {"bytes=5-14"}, "If-Range": {`"v0"`}}, http.StatusOK, content},
	} {
		t.Run(name, func(t *testing.T) {
			resp := a.Send(Request{Target: "/", Header: c.header})
			assert.Equal(t, c.status, resp.Status)
			assert.Equal(t, c.body, resp.Body)
			assert.Equal(t, []string{"Cookie"}, resp.Header.Values("Vary"))
		})
	}
}

func TestTrailersReachTheClient(t *testing.T) {
	a := NewApp(t, AppOptions{})
	a.serve(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "X-Checksum")
		io.WriteString(w, "body")
		w.Header().Set("X-Checksum", "42")
		w.Header().Set(http.TrailerPrefix+"X-Late", "yes")
	})
	resp, err := a.Server.Client().Get(a.URL)
	require.NoError(t, err)
	defer resp.Body.Close()
	_, err = io.ReadAll(resp.Body)
	require.NoError(t, err)
	assert.Equal(t, http.Header{"X-Checksum": {"42"}, "X-Late": {"yes"}}, resp.Trailer)
	assert.Equal(t, "Cookie", resp.Header.Get("Vary"))
}

func TestAnAbortedHandlerAbortsTheResponse(t *testing.T) {
	a := NewApp(t, AppOptions{})
	a.serve(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "half")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	_, err := a.Do(Request{Target: "/"})
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

func TestTimeoutHandlerAnswersForASlowGuardedHandler(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	answered := make(chan struct{})
	slow := a.RequireAuth(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-answered }))
	// TimeoutHandler answers on one goroutine while the slow handler runs on another.
	a.Server.Config.Handler = a.Middleware(http.TimeoutHandler(slow, 0, "too slow"))
	defer close(answered)
	for range 20 { // so that the race detector sees both orders
		resp := a.Send(Request{Target: "/", Cookie: cookie})
		assert.Equal(t, http.StatusServiceUnavailable, resp.Status)
		assert.Equal(t, "too slow", resp.Body)
		assert.Contains(t, resp.Header.Values("Vary"), "Cookie")
	}
}

func TestTheRequestBodyReachesTheHandler(t *testing.T) {
	a := NewApp(t, AppOptions{})
	a.serve(func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	resp, err := a.Server.Client().Post(a.URL, "text/plain", strings.NewReader("hello"))
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	assert.Equal(t, "hello", string(body))
}

// A 101 is the last response of HTTP on its connection (RFC 9110, section 15.2.2), unlike other statuses below 200.
func TestA101ResponseClearsTheCookieOfAnEndedSession(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	a.Fake.RevokeSession(a.SessionID())
	a.ExpireToken(2 * time.Minute)
	for status, cleared := range map[int]bool{http.StatusSwitchingProtocols: true, http.StatusEarlyHints: false} {
		var header http.Header
		handler := a.Middleware(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			header = w.Header().Clone()
		}))
		a.ServeDirectly(handler, Request{Method: http.MethodGet, Target: "/", Cookie: cookie})
		assert.Equal(t, cleared, strings.Contains(strings.Join(header["Set-Cookie"], "\n"), "authkit-session=;"), "status %d", status)
	}
}
