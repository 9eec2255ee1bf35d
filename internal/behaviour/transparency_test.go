// A handler behind the middleware, held against the same handler without it: over real servers, for nobody, for somebody
// signed in, and for somebody whose session is renewed by the very response.

package behaviour

import (
	"context"
	"fmt"
	"io"
	"log"
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
)

// behaviour is something that a handler does with its connection.
type behaviour struct {
	handle func(*encounter, http.ResponseWriter, *http.Request)
	// around and inside are handlers outside and inside of the middleware.
	around, inside func(http.Handler) http.Handler
	// ask makes the request; where it is nil, it is a plain GET.
	ask func(*encounter) *http.Request
	// read reads the response; where it is nil, its body is read to the end.
	read func(*encounter, *http.Response) string
	only string // the protocol that has it; both where it is empty
	// unseen says that the response is none of what the middleware sees.
	unseen bool
}

// seen is what the client and the handler saw of one request.
type seen struct {
	failed        bool // no response, or not all of it
	status        int
	proto         string
	header        http.Header // without what the middleware may add
	body          string
	trailer       http.Header
	informational []string
	notes         []string // of the handler
	closes        bool     // the connection
	sentFiles     int64    // how often the server handed a file to the connection
}

// encounter is one request and the handler that it meets.
type encounter struct {
	t     *testing.T
	url   string
	began chan struct{} // closed when the handler begins
	goOn  chan struct{} // closed by the client
	ended chan struct{} // closed when the handler has ended
	ctx   context.Context
	leave context.CancelFunc // is what a client does that goes away
	mu    sync.Mutex
	notes []string // guarded by mu
	whose string   // the session that the handler saw; set before began is closed
}

// note keeps what the handler saw.
func (e *encounter) note(format string, args ...any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.notes = append(e.notes, fmt.Sprintf(format, args...))
}

// wait blocks a handler until the client goes on, or has gone.
func (e *encounter) wait(r *http.Request) {
	select {
	case <-e.goOn:
	case <-r.Context().Done():
	}
}

// asking is a request without a body.
func (e *encounter) asking(method string, header http.Header) *http.Request {
	return e.sending(method, header, nil)
}

func (e *encounter) sending(method string, header http.Header, body io.Reader) *http.Request {
	r, err := http.NewRequestWithContext(e.ctx, method, e.url, body)
	require.NoError(e.t, err)
	for name, values := range header {
		r.Header[name] = values
	}
	return r
}

// meet serves the handler behind what is given, sends the request and tells
// what was seen, the header as it came, and whose session the handler saw.
func (b behaviour) meet(t *testing.T, http2 bool, middleware func(http.Handler) http.Handler, cookie string) (s seen, header http.Header, whose string) {
	t.Helper()
	e := &encounter{t: t, began: make(chan struct{}), goOn: make(chan struct{}), ended: make(chan struct{})}
	e.ctx, e.leave = context.WithTimeout(t.Context(), Patience)
	defer e.leave()

	var handler http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(e.ended)
		e.whose = Visitor(r)
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
		server.StartTLS()
	} else {
		server.Start()
	}
	defer server.Close()
	e.url = server.URL
	server.Client().Transport.(*http.Transport).ExpectContinueTimeout = Patience // or it would not wait at all

	r := e.asking(http.MethodGet, nil)
	if b.ask != nil {
		r = b.ask(e)
	}
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	resp, err := server.Client().Do(r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(status int, header textproto.MIMEHeader) error {
			s.informational = append(s.informational, fmt.Sprint(status, own(http.Header(header))))
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
	case <-time.After(Patience):
		require.FailNow(t, "the handler does not end")
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	s.notes = e.notes
	s.status, s.proto, s.trailer, s.header = resp.StatusCode, resp.Proto, resp.Trailer, own(resp.Header)
	s.closes, s.sentFiles = resp.Close, listener.files.Load()
	return s, resp.Header, e.whose
}

// own is a header without what the middleware adds, and without the date.
func own(h http.Header) http.Header {
	h = h.Clone()
	for _, name := range []string{"Date", "Cache-Control", "Cdn-Cache-Control", "Cloudflare-Cdn-Cache-Control", "Surrogate-Control"} {
		h.Del(name)
	}
	for name, drop := range map[string]func(string) bool{
		"Vary":       func(value string) bool { return value == "Cookie" },
		"Set-Cookie": func(line string) bool { return strings.HasPrefix(line, "authkit-session=") },
	} {
		if kept := slices.DeleteFunc(h.Values(name), drop); len(kept) > 0 {
			h[name] = kept
		} else {
			h.Del(name)
		}
	}
	return h
}

// cachingOf is what a response says to caches.
func cachingOf(h http.Header) []string {
	var said []string
	for _, name := range []string{"Cache-Control", "Cdn-Cache-Control", "Cloudflare-Cdn-Cache-Control", "Surrogate-Control"} {
		said = append(said, h.Values(name)...)
	}
	return said
}

// fileListener counts how often the server hands a file to a connection, which
// the kernel then sends by itself.
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

func TestAHandlerBehavesTheSameBehindTheMiddleware(t *testing.T) {
	a := NewApp(t, AppOptions{})
	stale := a.SignedIn(Kim).CookieHeader()
	a.ExpireToken(2 * time.Minute)
	fresh := a.SignedIn(Kim).CookieHeader()

	for name, b := range behaviours {
		for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
			if b.only != "" && b.only != protocol {
				continue
			}
			t.Run(name+", over "+protocol, func(t *testing.T) {
				leavesNothing(t)
				http2 := protocol == "HTTP/2.0"
				bare, bareHeader, _ := b.meet(t, http2, nil, "")
				if bare.proto != "" {
					require.Equal(t, protocol, bare.proto)
				}
				for visitor, cookie := range map[string]string{"nobody": "", Kim: fresh} {
					behind, header, whose := b.meet(t, http2, a.Middleware, cookie)
					assert.Equal(t, bare, behind, "for %s", visitor)
					assert.Equal(t, cachingOf(bareHeader), cachingOf(header), "for %s", visitor)
					assert.NotContains(t, Response{Header: header}.SetCookies(t), "authkit-session", "for %s", visitor)
					assert.Contains(t, whose, visitor)
				}

				behind, header, whose := b.meet(t, http2, a.Middleware, stale)
				assert.Equal(t, bare, behind, "for somebody who is renewed")
				assert.Contains(t, whose, Kim)
				if header == nil || b.unseen {
					// The cookie is lost with the response, and comes with the next.
					a.Send(Request{Target: "/", Cookie: stale}).NewCookie(t)
					return
				}
				renewed := Response{Header: header}.NewCookie(t)
				assert.Empty(t, a.Send(Request{Target: "/account", Cookie: renewed}).SetCookies(t))
				assert.Equal(t, []string{"private, no-store"}, cachingOf(header))
				assert.Contains(t, header.Values("Vary"), "Cookie")
			})
		}
	}
}

// Only so is a file sent by the kernel, and the test above compares what happens.
func TestTheMiddlewareKeepsSendfile(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	for _, name := range []string{"it sends a file from the disk", "it copies a file from the disk"} {
		t.Run(name, func(t *testing.T) {
			sent, _, _ := behaviours[name].meet(t, false, a.Middleware, cookie)
			assert.Positive(t, sent.sentFiles)
			assert.Equal(t, digits, sent.body)
		})
	}
}
