// A handler behind the middleware compared with the same handler without it. Real servers serve it to an anonymous request,
// to a signed-in user, and to a user whose session is refreshed by the same response.

package behaviour

import (
	"context"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/testrun"
)

// handlerBehaviour is one use of a connection by a handler.
type handlerBehaviour struct {
	handle func(*httpExchange, http.ResponseWriter, *http.Request)
	// around and inside wrap the handler outside and inside of the middleware. Each may be nil.
	around, inside func(http.Handler) http.Handler
	// request returns the request. If it is nil, the request is a plain GET.
	request func(*httpExchange) *http.Request
	// read reads the response. If it is nil, the body is read to its end.
	read func(*httpExchange, *http.Response) string
	only string // the only protocol that supports it, or "" for both
	// outsideMiddleware reports that another handler answers, outside of the middleware.
	outsideMiddleware bool
}

// observation is what the client and the handler observe during one request.
type observation struct {
	failed        bool // no response, or a truncated one
	status        int
	proto         string
	header        http.Header // without the fields that the middleware may add
	body          string
	trailer       http.Header
	informational []string
	notes         []string // of the handler, by note
	closes        bool     // the server closes the connection after the response
	sentFiles     int64    // number of files that the server handed to the connection
}

// httpExchange is one request and the handler that serves it.
type httpExchange struct {
	t       *testing.T
	url     string
	began   chan struct{} // closed when the handler begins
	resume  chan struct{} // closed by the client
	ended   chan struct{} // closed when the handler returns
	ctx     context.Context
	cancel  context.CancelFunc // cancels the request, as a client that disconnects
	mu      sync.Mutex
	notes   []string // guarded by mu
	visitor string   // the session that the handler saw; set before began is closed
}

// note records an observation of the handler.
func (e *httpExchange) note(format string, args ...any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.notes = append(e.notes, fmt.Sprintf(format, args...))
}

// wait blocks the handler until the client closes resume or disconnects.
func (e *httpExchange) wait(r *http.Request) {
	select {
	case <-e.resume:
	case <-r.Context().Done():
	}
}

// request returns a request without a body.
func (e *httpExchange) request(method string, header http.Header) *http.Request {
	return e.requestWithBody(method, header, nil)
}

// requestWithBody returns a request with a body.
func (e *httpExchange) requestWithBody(method string, header http.Header, body io.Reader) *http.Request {
	r, err := http.NewRequestWithContext(e.ctx, method, e.url, body)
	require.NoError(e.t, err)
	for name, values := range header {
		r.Header[name] = values
	}
	return r
}

// run starts a server with the handler behind the given middleware and sends the request. It returns the observations, the
// unchanged header of the response, and the user whom the handler saw.
func (b handlerBehaviour) run(t *testing.T, http2 bool, middleware func(http.Handler) http.Handler, cookie string) (s observation, header http.Header, visitor string) {
	t.Helper()
	e := &httpExchange{t: t, began: make(chan struct{}), resume: make(chan struct{}), ended: make(chan struct{})}
	e.ctx, e.cancel = context.WithTimeout(t.Context(), WaitTimeout)
	defer e.cancel()

	var handler http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(e.ended)
		e.visitor = Visitor(r)
		close(e.began)
		cacheable(w)
		b.handle(e, w, r)
	})
	for _, wrap := range []func(http.Handler) http.Handler{b.inside, middleware, b.around} {
		if wrap != nil {
			handler = wrap(handler)
		}
	}
	server := httptest.NewUnstartedServer(handler)
	listener := &fileListener{Listener: server.Listener}
	server.Listener = listener
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	if server.EnableHTTP2 = http2; http2 {
		startTLS(server)
	} else {
		server.Start()
	}
	defer server.Close()
	e.url = server.URL
	// Without a timeout the transport would not wait for 100 Continue.
	server.Client().Transport.(*http.Transport).ExpectContinueTimeout = WaitTimeout

	r := e.request(http.MethodGet, nil)
	if b.request != nil {
		r = b.request(e)
	}
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	resp, err := server.Client().Do(r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(status int, header textproto.MIMEHeader) error {
			s.informational = append(s.informational, fmt.Sprint(status, handlerFields(http.Header(header))))
			return nil
		},
	})))
	if err != nil {
		s.failed = true
		resp = &http.Response{}
	} else {
		defer resp.Body.Close()
		if b.read != nil {
			s.body = b.read(e, resp)
		} else {
			body, err := io.ReadAll(resp.Body)
			s.body, s.failed = string(body), err != nil
		}
	}
	select {
	case <-e.ended:
	case <-time.After(WaitTimeout):
		require.FailNow(t, "the handler does not return")
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	s.notes = e.notes
	s.status, s.proto, s.trailer, s.header = resp.StatusCode, resp.Proto, resp.Trailer, handlerFields(resp.Header)
	s.closes, s.sentFiles = resp.Close, listener.files.Load()
	return s, resp.Header, e.visitor
}

// handlerFields returns the fields of a header that the handler set: all but the Date and those that the middleware adds.
func handlerFields(h http.Header) http.Header {
	h = h.Clone()
	for _, name := range []string{"Date", "Cache-Control", "Cdn-Cache-Control", "Cloudflare-Cdn-Cache-Control", "Surrogate-Control"} {
		h.Del(name)
	}
	for name, drop := range map[string]func(string) bool{
		"Vary":       func(value string) bool { return value == "Cookie" },
		"Set-Cookie": func(line string) bool { return strings.HasPrefix(line, "authkit-session=") },
	} {
		if values := slices.DeleteFunc(h.Values(name), drop); len(values) > 0 {
			h[name] = values
		} else {
			h.Del(name)
		}
	}
	return h
}

// cachingFields returns the values of the header fields that control caches.
func cachingFields(h http.Header) []string {
	var values []string
	for _, name := range []string{"Cache-Control", "Cdn-Cache-Control", "Cloudflare-Cdn-Cache-Control", "Surrogate-Control"} {
		values = append(values, h.Values(name)...)
	}
	return values
}

// fileListener counts the files that the server hands to a connection by ReadFrom. The kernel then sends the file
// (sendfile).
type fileListener struct {
	net.Listener
	files atomic.Int64
}

func (l *fileListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &fileConn{conn, &l.files}, nil
}

type fileConn struct {
	net.Conn
	files *atomic.Int64
}

func (c *fileConn) ReadFrom(src io.Reader) (int64, error) {
	c.files.Add(1)
	return c.Conn.(io.ReaderFrom).ReadFrom(src)
}

// everyVisitor is whether a handler has an anonymous and a signed-in visitor over each protocol, or each of them over one protocol. A
// visitor whose session is refreshed comes over both.
var everyVisitor = testrun.Length(2, 1)

func TestAHandlerBehavesTheSameBehindTheMiddleware(t *testing.T) {
	a := NewApp(t, AppOptions{})
	stale := a.SignedIn(Kim).CookieHeader()
	a.ExpireToken(2 * time.Minute)
	fresh := a.SignedIn(Kim).CookieHeader()

	for i, name := range slices.Sorted(maps.Keys(handlerBehaviours)) {
		b := handlerBehaviours[name]
		for j, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
			if b.only != "" && b.only != protocol {
				continue
			}
			t.Run(name+", over "+protocol, func(t *testing.T) {
				checkGoroutineLeaks(t)
				http2 := protocol == "HTTP/2.0"
				bare, bareHeader, _ := b.run(t, http2, nil, "")
				if bare.proto != "" {
					require.Equal(t, protocol, bare.proto)
				}
				for k, user := range []string{"anonymous", Kim} {
					if (i+j+k)%everyVisitor != 0 {
						continue
					}
					behind, header, visitor := b.run(t, http2, a.Middleware, map[string]string{Kim: fresh}[user])
					assert.Equal(t, bare, behind, "for %s", user)
					assert.Equal(t, cachingFields(bareHeader), cachingFields(header), "for %s", user)
					assert.NotContains(t, Response{Header: header}.SetCookies(t), "authkit-session", "for %s", user)
					assert.Contains(t, visitor, user)
				}

				behind, header, visitor := b.run(t, http2, a.Middleware, stale)
				assert.Equal(t, bare, behind, "for a user whose session is refreshed")
				assert.Contains(t, visitor, Kim)
				if header == nil || b.outsideMiddleware {
					// The response does not carry the refreshed cookie. The next response carries it.
					a.Send(Request{Target: "/", Cookie: stale}).NewCookie(t)
					return
				}
				refreshed := Response{Header: header}.NewCookie(t)
				assert.Empty(t, a.Send(Request{Target: "/account", Cookie: refreshed}).SetCookies(t))
				assert.Equal(t, []string{"private, no-store"}, cachingFields(header))
				assert.Contains(t, header.Values("Vary"), "Cookie")
			})
		}
	}
}

// The server must hand the file to the connection, so that the kernel sends it. The test above only checks that the
// middleware changes nothing.
func TestTheMiddlewareKeepsSendfile(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	for _, name := range []string{"serve a file from disk", "copy a file from disk"} {
		t.Run(name, func(t *testing.T) {
			sent, _, _ := handlerBehaviours[name].run(t, false, a.Middleware, cookie)
			assert.Positive(t, sent.sentFiles)
			assert.Equal(t, digits, sent.body)
		})
	}
}
