// Tests of streams: WebSockets and server-sent events, which end with their session.

package caddyauthkit_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// socket is an application that upgrades and then repeats what it reads.
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
func (s *site) upgrade(cookie, protocol string) (*http.Response, net.Conn, *bufio.Reader) {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.host())
	require.NoError(s.t, err)
	s.t.Cleanup(func() { conn.Close() })
	require.NoError(s.t, conn.SetDeadline(time.Now().Add(waitTimeout)))
	fmt.Fprintf(conn, "GET /socket HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade, X-Authkit-Email\r\nUpgrade: %s\r\nSec-WebSocket-Version: 13\r\nCookie: %s\r\n\r\n", s.host(), protocol, cookie)
	reader := bufio.NewReader(conn)
	resp, err := http.ReadResponse(reader, &http.Request{Method: "GET"})
	require.NoError(s.t, err)
	return resp, conn, reader
}

func TestAWebSocketThroughCaddyNeedsASessionAndEndsWithIt(t *testing.T) {
	s := start(t, socket, setUp{})
	resp, _, _ := s.upgrade("theme=dark", "websocket")
	assert.Equal(t, 401, resp.StatusCode)

	cookie := s.cookieOf(ben)
	resp, conn, reader := s.upgrade(cookie, "websocket")
	require.Equal(t, 101, resp.StatusCode)
	assert.Equal(t, ben, resp.Header.Get("X-User"))
	assert.Empty(t, resp.Header["Set-Cookie"])
	_, err := io.WriteString(conn, "hello\n")
	require.NoError(t, err)
	line, err := reader.ReadString('\n')
	require.NoError(t, err)
	assert.Equal(t, "hello\n", line)

	require.Equal(t, 200, s.do(ben, "POST", "/logout").StatusCode)
	_, err = reader.ReadByte()
	assert.ErrorIs(t, err, io.EOF, "the sign-out ends the WebSocket")
	resp, _, _ = s.upgrade(cookie, "websocket")
	assert.Equal(t, 401, resp.StatusCode)
}

func TestNoUpgradeButThatToWebSocketPassesCaddy(t *testing.T) {
	s := start(t, socket, setUp{})
	resp, _, _ := s.upgrade(s.cookieOf(ben), "h2c")
	assert.Equal(t, 200, resp.StatusCode, "the application gets a request without Upgrade")
}

func TestAnEventStreamThroughCaddyArrivesBeforeItEndsAndEndsWithItsSession(t *testing.T) {
	next, ended := make(chan struct{}), make(chan struct{}, 1)
	s := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
	r, err := http.NewRequest("GET", s.URL+"/events", nil)
	require.NoError(t, err)
	r.Header.Set("Cookie", s.cookieOf(ben))
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

	s.do(ben, "POST", "/logout")
	_, err = io.ReadAll(lines)
	assert.Error(t, err, "the stream is cut, not finished")
	select {
	case <-ended:
	case <-time.After(waitTimeout):
		assert.Fail(t, "the application was not told")
	}
}

func TestAPageOfAnotherOriginCannotUseASessionThroughCaddy(t *testing.T) {
	s := start(t, echo, setUp{authkit: "session {\n trusted_origins https://trusted.test\n }"})
	for origin, status := range map[string]int{s.URL: 200, "https://trusted.test": 200, "https://evil.test": 403} {
		assert.Equal(t, status, s.do(ben, "POST", "/a", "Origin: "+origin).StatusCode, origin)
	}
}

func TestAResponseWithoutALengthThroughCaddyEndsWithItsSession(t *testing.T) {
	for name, c := range map[string]struct {
		session, contentType string
		isCut                bool
	}{
		"after the time":            {"stream_after 1ms", "text/plain", true},
		"before the time":           {"", "text/plain", false},
		"turned off":                {"stream_after 0", "text/plain", false},
		"of a kind that has no end": {"stream_after 0", "multipart/x-mixed-replace; boundary=x", true},
	} {
		t.Run(name, func(t *testing.T) {
			next, ended := make(chan struct{}), make(chan struct{}, 1)
			s := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/long" {
					return
				}
				w.Header().Set("Content-Type", c.contentType)
				_, _ = io.WriteString(w, "a")
				_ = http.NewResponseController(w).Flush()
				select {
				case <-next:
					_, _ = io.WriteString(w, "b")
				case <-r.Context().Done():
					ended <- struct{}{}
				}
			}), setUp{authkit: "session {\n" + c.session + "\n}"})
			r, err := http.NewRequest("GET", s.URL+"/long", nil)
			require.NoError(t, err)
			r.Header.Set("Cookie", s.cookieOf(ben))
			resp, err := http.DefaultTransport.RoundTrip(r)
			require.NoError(t, err)
			defer resp.Body.Close()
			first := make([]byte, 1)
			_, err = io.ReadFull(resp.Body, first)
			require.NoError(t, err)
			require.Equal(t, 200, s.do(ben, "POST", "/logout").StatusCode)
			if !c.isCut {
				next <- struct{}{}
				rest, err := io.ReadAll(resp.Body)
				assert.NoError(t, err)
				assert.Equal(t, "b", string(rest))
				return
			}
			select {
			case <-ended:
			case <-time.After(waitTimeout):
				assert.Fail(t, "the application was not told")
				close(next)
			}
			_, err = io.ReadAll(resp.Body)
			assert.Error(t, err, "the response is cut, not finished")
		})
	}
}
