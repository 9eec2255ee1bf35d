// Tests of streams: WebSockets, server-sent events, uploads, informational responses and trailers.

package proxy_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/cmd/authkit/internal/proxy"
)

// allPublic opens all paths.
func allPublic(c *proxy.Config) { c.Rules = []proxy.Rule{{Path: "/*", Allow: []string{"public"}}} }

// dial opens a connection to the proxy, which ends with the test.
func (d *door) dial() net.Conn {
	d.t.Helper()
	conn, err := net.Dial("tcp", d.host())
	require.NoError(d.t, err)
	d.t.Cleanup(func() { conn.Close() })
	require.NoError(d.t, conn.SetDeadline(time.Now().Add(waitTimeout)))
	return conn
}

// socket is an upstream that upgrades and then repeats what it reads.
var socket = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") == "" {
		return
	}
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	fmt.Fprintf(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSet-Cookie: authkit-session=evil\r\nX-User: %s\r\n\r\n", r.Header.Get("X-Authkit-Email"))
	_ = rw.Flush()
	_, _ = io.Copy(conn, rw)
})

// upgrade asks for a WebSocket with a Cookie header, and returns the response and the connection.
func (d *door) upgrade(cookie string) (*http.Response, net.Conn, *bufio.Reader) {
	d.t.Helper()
	conn := d.dial()
	fmt.Fprintf(conn, "GET /socket HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade, X-Authkit-Email\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nCookie: %s\r\n\r\n", d.host(), cookie)
	reader := bufio.NewReader(conn)
	resp, err := http.ReadResponse(reader, &http.Request{Method: "GET"})
	require.NoError(d.t, err)
	return resp, conn, reader
}

func TestAWebSocketNeedsASessionAndEndsWithIt(t *testing.T) {
	d := start(t, socket, setUp{})
	resp, _, _ := d.upgrade("theme=dark")
	assert.Equal(t, 401, resp.StatusCode)

	cookie := d.cookieOf(ben)
	resp, conn, reader := d.upgrade(cookie)
	require.Equal(t, 101, resp.StatusCode)
	assert.Equal(t, ben, resp.Header.Get("X-User"))
	assert.Empty(t, resp.Header["Set-Cookie"])
	_, err := io.WriteString(conn, "hello\n")
	require.NoError(t, err)
	line, err := reader.ReadString('\n')
	require.NoError(t, err)
	assert.Equal(t, "hello\n", line)

	require.Equal(t, 200, d.do(ben, "POST", "/logout", nil).StatusCode)
	_, err = reader.ReadByte()
	assert.ErrorIs(t, err, io.EOF, "the sign-out ends the WebSocket")
	resp, _, _ = d.upgrade(cookie)
	assert.Equal(t, 401, resp.StatusCode)
}

func TestAnEventStreamArrivesBeforeItEndsAndEndsWithItsSession(t *testing.T) {
	next := make(chan struct{})
	ended := make(chan struct{}, 1)
	d := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/events" {
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		for i := 0; ; i++ {
			fmt.Fprintf(w, "data: %d\n\n", i)
			_ = http.NewResponseController(w).Flush()
			select {
			case <-next:
			case <-r.Context().Done():
				ended <- struct{}{}
				return
			}
		}
	}), setUp{})
	r, err := http.NewRequest("GET", d.URL+"/events", nil)
	require.NoError(t, err)
	r.Header.Set("Cookie", d.cookieOf(ben))
	resp, err := http.DefaultTransport.RoundTrip(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	lines := bufio.NewReader(resp.Body)
	line, err := lines.ReadString('\n')
	require.NoError(t, err)
	assert.Equal(t, "data: 0\n", line)
	next <- struct{}{}
	_, err = lines.ReadString('\n')
	require.NoError(t, err)
	line, err = lines.ReadString('\n')
	require.NoError(t, err)
	assert.Equal(t, "data: 1\n", line)

	d.do(ben, "POST", "/logout", nil)
	_, err = io.ReadAll(lines)
	assert.Error(t, err, "the stream is cut, not finished")
	select {
	case <-ended:
	case <-time.After(waitTimeout):
		assert.Fail(t, "the upstream was not told")
	}
}

func TestAStreamEndsWhenItsSessionIsNotRefreshed(t *testing.T) {
	clock := authkittest.NewFakeClock(time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC))
	d := start(t, socket, setUp{clock: clock, fake: []authkittest.Option{authkittest.WithClock(clock)}, change: func(c *proxy.Config) { c.Events.Follow = false }})
	resp, _, reader := d.upgrade(d.cookieOf(ben))
	require.Equal(t, 101, resp.StatusCode)
	clock.Advance(7 * time.Minute) // past the five minutes of a token and its skew
	_, err := reader.ReadByte()
	assert.ErrorIs(t, err, io.EOF)
}

func TestAnUploadStreamsToTheUpstream(t *testing.T) {
	first := make(chan string, 1)
	d := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b := make([]byte, 5)
		_, _ = io.ReadFull(r.Body, b)
		first <- string(b)
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, n)
	}), setUp{change: allPublic})
	body, send := io.Pipe()
	result := make(chan answer, 1)
	go func() { result <- d.do("", "POST", "/upload", body) }()
	_, err := io.WriteString(send, "begin")
	require.NoError(t, err)
	assert.Equal(t, "begin", <-first, "the upstream has the beginning while the rest does not exist")
	_, err = io.Copy(send, io.LimitReader(zeros{}, 32<<20))
	require.NoError(t, err)
	send.Close()
	assert.Equal(t, fmt.Sprint(32<<20), (<-result).Text)
}

// zeros is an endless reader.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestInformationalResponsesTrailersAndHEADPassTheProxy(t *testing.T) {
	d := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.Header().Set("Set-Cookie", "authkit-session=evil")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
		w.Header().Set("Set-Cookie", "theme=dark")
		w.Header().Set("Trailer", "X-Sum")
		_, _ = io.WriteString(w, "text")
		w.Header().Set("X-Sum", "7")
		w.Header().Set(http.TrailerPrefix+"X-Late", "8")
	}), setUp{})
	var hints []textproto.MIMEHeader
	trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
		hints = append(hints, header)
		return nil
	}}
	r, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), "GET", d.URL+"/", nil)
	require.NoError(t, err)
	r.Header.Set("Cookie", d.cookieOf(ben))
	resp, err := http.DefaultTransport.RoundTrip(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	_, err = io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Len(t, hints, 1)
	assert.Equal(t, "</style.css>; rel=preload", hints[0].Get("Link"))
	assert.Empty(t, hints[0]["Set-Cookie"])
	assert.Equal(t, []string{"theme=dark"}, resp.Header["Set-Cookie"])
	assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
	assert.Contains(t, strings.Join(resp.Header["Vary"], ","), "Cookie")
	assert.Equal(t, "7", resp.Trailer.Get("X-Sum"))
	assert.Equal(t, "8", resp.Trailer.Get("X-Late"))

	head := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Content-Length", "1000") }), setUp{change: allPublic})
	got := head.do("", "HEAD", "/", nil)
	assert.Equal(t, int64(1000), got.ContentLength)
}

func TestARefreshedSessionReachesTheBrowserBesideEarlyHints(t *testing.T) {
	clock := authkittest.NewFakeClock(time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC))
	d := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		_, _ = io.WriteString(w, "text")
	}), setUp{clock: clock, fake: []authkittest.Option{authkittest.WithClock(clock)}, change: func(c *proxy.Config) { c.Events.Follow = false }})
	cookie := d.cookieOf(ben)
	clock.Advance(7 * time.Minute)
	got := d.do("", "GET", "/", nil, "Cookie: "+cookie)
	assert.Equal(t, 200, got.StatusCode)
	assert.Contains(t, strings.Join(got.Header["Set-Cookie"], "\n"), "authkit-session=")
}

func TestABodyIsAskedForOnlyIfTheUpstreamWantsIt(t *testing.T) {
	d := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/refuse" {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		b, _ := io.ReadAll(r.Body)
		_, _ = w.Write(b)
	}), setUp{change: func(c *proxy.Config) {
		c.Rules = []proxy.Rule{{Path: "/*", Allow: []string{"public"}}, {Path: "/guarded"}}
	}})
	ask := func(path string) (first string, rest *bufio.Reader, conn net.Conn) {
		conn = d.dial()
		fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n", path)
		rest = bufio.NewReader(conn)
		first, err := rest.ReadString('\n')
		require.NoError(t, err)
		return first, rest, conn
	}
	first, _, _ := ask("/refuse")
	assert.Contains(t, first, "413")
	first, _, _ = ask("/guarded")
	assert.Contains(t, first, "401")
	first, rest, conn := ask("/take")
	assert.Contains(t, first, "100")
	for line := "-"; line != "\r\n"; {
		var err error
		line, err = rest.ReadString('\n')
		require.NoError(t, err)
	}
	_, err := io.WriteString(conn, "body")
	require.NoError(t, err)
	resp, err := http.ReadResponse(rest, nil)
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	assert.Equal(t, "body", string(b))
}

func TestASlowHeaderAndASlowBodyEndInTime(t *testing.T) {
	d := start(t, echo, setUp{change: func(c *proxy.Config) {
		allPublic(c)
		c.Limits.HeaderTimeout, c.Limits.BodyTimeout = 300*time.Millisecond, 300*time.Millisecond
	}})
	conn := d.dial()
	_, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost:")
	require.NoError(t, err)
	_, err = io.ReadAll(conn)
	assert.NoError(t, err, "the proxy closes the connection")

	conn = d.dial()
	_, err = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nab")
	require.NoError(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	assert.Equal(t, 408, resp.StatusCode)
	resp.Body.Close()

	// A response may take longer than the body may stand still.
	slow := make(chan struct{})
	d = start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-slow:
		case <-r.Context().Done():
			return
		}
		_, _ = io.WriteString(w, "late")
	}), setUp{change: func(c *proxy.Config) {
		allPublic(c)
		c.Limits.BodyTimeout = 500 * time.Millisecond
	}})
	time.AfterFunc(800*time.Millisecond, func() { close(slow) })
	assert.Equal(t, "late", d.do("", "POST", "/", strings.NewReader("body")).Text)
}

func TestABodyThatIsNotReadEndsInTime(t *testing.T) {
	d := start(t, echo, setUp{change: func(c *proxy.Config) {
		c.Rules = []proxy.Rule{{Path: "/public/*", Allow: []string{"public"}}}
		c.Limits.BodyTimeout = 300 * time.Millisecond
	}})
	for name, head := range map[string]string{
		"refused by a guard":            "POST /private HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nab",
		"refused by a guard, in chunks": "POST /private HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
		"of the proxy's own path":       "POST /logout HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nab",
		"of a path that is refused":     "POST /a/../b HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nab",
	} {
		conn := d.dial()
		_, err := io.WriteString(conn, head)
		require.NoError(t, err)
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(waitTimeout)))
		_, err = io.ReadAll(conn)
		assert.NoError(t, err, "%s: an anonymous client does not hold the connection", name)
	}
	assert.Equal(t, 401, d.do("", "POST", "/private", strings.NewReader("body")).StatusCode)
}

func TestAResponseThatTheClientDoesNotReadEndsInTime(t *testing.T) {
	ended := make(chan struct{}, 2)
	d := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/pause" {
			select {
			case <-time.After(400 * time.Millisecond): // longer than the timeout, while the client waits
				_, _ = io.WriteString(w, "late")
			case <-r.Context().Done():
			}
			return
		}
		_, _ = io.Copy(w, zeros{})
		ended <- struct{}{}
	}), setUp{change: func(c *proxy.Config) {
		allPublic(c)
		c.Limits.WriteTimeout = 300 * time.Millisecond
	}})
	_, err := io.WriteString(d.dial(), "GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
	require.NoError(t, err)
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequest("GET", d.URL+"/big", nil)
	require.NoError(t, err)
	resp, err := transport.RoundTrip(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	for range 2 {
		select {
		case <-ended:
		case <-time.After(waitTimeout):
			require.Fail(t, "the upstream still sends to a client that reads nothing")
		}
	}
	assert.Equal(t, "late", d.do("", "GET", "/pause", nil).Text)
}

func TestAnUpstreamMayReadABodySlowlyOverHTTP2(t *testing.T) {
	read := make(chan struct{})
	d := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-read
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, n)
	}), setUp{change: func(c *proxy.Config) {
		allPublic(c)
		c.Limits.BodyTimeout = time.Second
	}})
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	r, err := http.NewRequest("POST", d.URL+"/upload", io.LimitReader(zeros{}, 16<<20)) // more than the buffers between
	require.NoError(t, err)
	time.AfterFunc(2500*time.Millisecond, func() { close(read) })
	resp, err := (&http.Transport{Protocols: protocols}).RoundTrip(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	assert.Equal(t, 200, resp.StatusCode, "the client has not stood still")
	assert.Equal(t, fmt.Sprint(16<<20), string(text))
}

func TestAClientThatLeavesEndsTheRequestOfTheUpstream(t *testing.T) {
	left := make(chan struct{}, 1)
	begun := make(chan struct{}, 1)
	d := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun <- struct{}{}
		<-r.Context().Done()
		left <- struct{}{}
	}), setUp{change: allPublic})
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "GET", d.URL+"/", nil)
	require.NoError(t, err)
	go func() { <-begun; cancel() }()
	_, err = http.DefaultTransport.RoundTrip(r)
	assert.ErrorIs(t, err, context.Canceled)
	select {
	case <-left:
	case <-time.After(waitTimeout):
		assert.Fail(t, "the upstream goes on")
	}
}

func TestAClientThatDoesNotReadIsCutOff(t *testing.T) {
	cut := make(chan struct{}, 1)
	d := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/silent" {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, "a")
			_ = http.NewResponseController(w).Flush()
			select {
			case <-time.After(400 * time.Millisecond): // longer than the limit
			case <-r.Context().Done():
			}
			_, _ = io.WriteString(w, "b")
			return
		}
		_, err := io.Copy(w, io.LimitReader(zeros{}, 256<<20))
		if err != nil {
			cut <- struct{}{}
		}
	}), setUp{change: func(c *proxy.Config) {
		allPublic(c)
		c.Limits.WriteTimeout = 200 * time.Millisecond
	}})
	conn := d.dial()
	_, err := fmt.Fprintf(conn, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
	require.NoError(t, err)
	select {
	case <-cut:
	case <-time.After(waitTimeout):
		assert.Fail(t, "the upstream still writes")
	}
	assert.Equal(t, "ab", d.do("", "GET", "/silent", nil).Text, "a stream may be silent for longer")
}
