// Tests of request smuggling and of path tricks, over raw connections.

package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/cmd/authkit/internal/proxy"
)

// recorder is an upstream that records the requests that it gets.
type recorder struct {
	mu   sync.Mutex
	seen []string
}

func (u *recorder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	u.mu.Lock()
	u.seen = append(u.seen, fmt.Sprintf("%s %s %q", r.Method, r.RequestURI, body))
	u.mu.Unlock()
	w.Header().Set("X-Reached", "upstream")
}

func (u *recorder) take() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	seen := u.seen
	u.seen = nil
	return seen
}

// raw sends bytes and returns the status of the first response, or 0 if the connection ends without one.
func (d *door) raw(text string) int {
	d.t.Helper()
	conn := d.dial()
	_, err := io.WriteString(conn, text)
	require.NoError(d.t, err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

func TestASmuggledRequestDoesNotReachTheUpstream(t *testing.T) {
	upstream := &recorder{}
	d := start(t, upstream, setUp{change: func(c *proxy.Config) {
		c.Rules = []proxy.Rule{{Path: "/public/*", Allow: []string{"public"}}}
	}})
	const head = "POST /public/a HTTP/1.1\r\nHost: x\r\n"
	const smuggled = "GET /private HTTP/1.1\r\nHost: x\r\n\r\n"
	for name, c := range map[string]struct {
		request string
		status  int
		reaches []string
	}{
		"CL.TE":                       {head + "Content-Length: 40\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled, 200, []string{`POST /public/a ""`}},
		"TE.CL":                       {head + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n22\r\n" + smuggled + "\r\n0\r\n\r\n", 200, []string{fmt.Sprintf("POST /public/a %q", smuggled)}},
		"TE.TE, two lines":            {head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + smuggled, 501, nil},
		"TE.TE, a list":               {head + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + smuggled, 501, nil},
		"TE with a tab":               {head + "Transfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n", 200, []string{`POST /public/a ""`}},
		"TE with a space in front":    {head + " Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\nabcd", 400, nil},
		"TE with a space behind":      {head + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + smuggled, 400, nil},
		"TE with a vertical tab":      {head + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + smuggled, 400, nil},
		"two lengths":                 {head + "Content-Length: 4\r\nContent-Length: 40\r\n\r\nabcd" + smuggled, 400, nil},
		"two lengths in one line":     {head + "Content-Length: 4, 40\r\n\r\nabcd" + smuggled, 400, nil},
		"two equal lengths":           {head + "Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd", 200, []string{`POST /public/a "abcd"`}},
		"a length with a sign":        {head + "Content-Length: +4\r\n\r\nabcd", 400, nil},
		"a negative length":           {head + "Content-Length: -1\r\n\r\nabcd", 400, nil},
		"a length in hexadecimal":     {head + "Content-Length: 0x4\r\n\r\nabcd", 400, nil},
		"a folded header":             {head + "X-A: b\r\n Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\nabcd", 200, []string{`POST /public/a "abcd"`}},
		"a chunk size with a sign":    {head + "Transfer-Encoding: chunked\r\n\r\n+4\r\nabcd\r\n0\r\n\r\n" + smuggled, 400, nil},
		"a chunk size that overflows": {head + "Transfer-Encoding: chunked\r\n\r\n10000000000000004\r\nabcd\r\n0\r\n\r\n" + smuggled, 400, nil},
		"a chunk extension with LF":   {head + "Transfer-Encoding: chunked\r\n\r\n4;\nabcd\r\n0\r\n\r\n" + smuggled, 0, nil},
		"a NUL in a header":           {head + "X-A: \x00\r\nContent-Length: 4\r\n\r\nabcd", 400, nil},
		"a CR in a header":            {head + "X-A: b\rTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\nabcd", 400, nil},
		"two hosts":                   {"GET /public/a HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400, nil},
		"no host":                     {"GET /public/a HTTP/1.1\r\n\r\n", 400, nil},
		"a pipelined request":         {"GET /public/a HTTP/1.1\r\nHost: x\r\n\r\n" + smuggled, 200, []string{`GET /public/a ""`}},
		"HTTP/1.0 with chunks":        {"POST /public/a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled, 200, []string{`POST /public/a ""`}},
	} {
		t.Run(name, func(t *testing.T) {
			path := "/public/" + url.PathEscape(name)
			status := d.raw(strings.ReplaceAll(c.request, "/public/a", path))
			var seen []string
			for _, request := range upstream.take() {
				assert.Contains(t, request, " /public/", "nothing else reaches the upstream")
				if strings.Contains(request, path) { // a request with an invalid body may arrive during the next case
					seen = append(seen, strings.ReplaceAll(request, path, "/public/a"))
				}
			}
			if c.status == 0 {
				assert.NotEqual(t, 200, status)
				return
			}
			assert.Equal(t, c.status, status)
			if status == 200 {
				assert.Equal(t, c.reaches, seen)
			}
		})
	}
}

func TestAPathTrickOverARawConnectionDoesNotReachTheUpstream(t *testing.T) {
	upstream := &recorder{}
	d := start(t, upstream, setUp{change: func(c *proxy.Config) {
		c.Rules = []proxy.Rule{{Path: "/public/*", Allow: []string{"public"}}, {Path: "/public/admin/*", Roles: []string{"admin"}}}
	}})
	for target, status := range map[string]int{
		"/public/a": 200, "/public/../admin": 400, "/public/%2e%2e/admin": 400, "/public/..;/admin": 400, `/public\..\admin`: 400,
		"/public//admin": 401, "/public/%2561dmin": 401, "//public/a": 401, "/public/admin;x": 401, "/public/a%00": 400, "/PUBLIC/admin": 401,
		"http://x/public/a": 200, "http://x/private": 401, "*": 400, "public/a": 400, "/private#/public/a": 401, "/private?/public/a": 401,
	} {
		assert.Equal(t, status, d.raw("GET "+target+" HTTP/1.1\r\nHost: x\r\n\r\n"), target)
		for _, seen := range upstream.take() {
			assert.Contains(t, []string{`GET /public/a ""`}, seen, "%s: also an absolute URL reaches the upstream as a path", target)
		}
	}
	assert.Equal(t, 400, d.raw("CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n"))
	assert.Equal(t, 400, d.raw("CONNECT /public/a HTTP/1.1\r\nHost: x\r\n\r\n"))
	assert.Equal(t, 431, d.raw("GET /public/a HTTP/1.1\r\nHost: x\r\nX-A: "+strings.Repeat("a", 80<<10)+"\r\n\r\n"))
	assert.Empty(t, upstream.take())
}

// TestTenThousandIdleConnectionsAreHeld is scaled by the limit of open files.
func TestTenThousandIdleConnectionsAreHeld(t *testing.T) {
	d := start(t, echo, setUp{change: allPublic})
	n := idleConnections(t)
	before := heap()
	conns := make([]net.Conn, 0, n)
	defer func() {
		for _, conn := range conns {
			conn.Close()
		}
	}()
	for range n {
		conn, err := net.Dial("tcp", d.host())
		require.NoError(t, err)
		conns = append(conns, conn)
		require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
		_, err = io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
		require.NoError(t, err)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		require.Equal(t, 200, resp.StatusCode)
	}
	each := (heap() - before) / int64(n)
	t.Logf("%d idle connections, %d bytes of heap and stacks for each (with those of this test's side)", n, each)
	assert.Less(t, each, int64(64<<10))
	assert.Equal(t, 200, d.do("", "GET", "/a", nil).StatusCode, "another request is answered")
}
