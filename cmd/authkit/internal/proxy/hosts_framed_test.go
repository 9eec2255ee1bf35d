// Tests of the host of a request in the frames of HTTP/2: the list of hosts and the upstream look at the same host.

package proxy_test

import (
	"encoding/binary"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/cmd/authkit/internal/proxy"
)

// Types of frames of HTTP/2 (RFC 9113, section 6).
const (
	frameHeaders  = 1
	frameReset    = 3
	frameSettings = 4
	frameGoAway   = 7
)

// sendFrames sends a request over HTTP/2 with fields that no client of Go would send. It reports whether a response has come: the server may
// reset the stream or end the connection.
func (d *door) sendFrames(fields [][2]string) (answered bool) {
	d.t.Helper()
	conn := d.dial()
	var block []byte
	for _, field := range fields { // each one is a literal without an index (RFC 7541, section 6.2.2)
		require.Less(d.t, max(len(field[0]), len(field[1])), 127, "a length of one byte")
		block = append(append(block, 0, byte(len(field[0]))), field[0]...)
		block = append(append(block, byte(len(field[1]))), field[1]...)
	}
	frame := func(kind, flags byte, stream uint32, payload []byte) string {
		head := append(binary.BigEndian.AppendUint32(nil, uint32(len(payload)))[1:], kind, flags)
		return string(append(binary.BigEndian.AppendUint32(head, stream), payload...))
	}
	const endOfStreamAndHeaders = 5
	_, err := io.WriteString(conn, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"+frame(frameSettings, 0, 0, nil)+frame(frameHeaders, endOfStreamAndHeaders, 1, block))
	require.NoError(d.t, err)
	for {
		head := make([]byte, 9)
		if _, err := io.ReadFull(conn, head); err != nil {
			require.ErrorIs(d.t, err, io.EOF, "not the deadline of the test")
			return false
		}
		_, err := io.CopyN(io.Discard, conn, int64(binary.BigEndian.Uint32(append([]byte{0}, head[:3]...))))
		require.NoError(d.t, err)
		switch head[3] {
		case frameHeaders:
			return true
		case frameReset, frameGoAway:
			return false
		}
	}
}

func TestAFrameWithTwoHostsCannotLeadAnotherHostToTheUpstream(t *testing.T) {
	reached := make(chan string, 1)
	d := start(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		reached <- r.Host + " " + r.Header.Get("X-Forwarded-Host") + " " + strings.Join(r.Header["Host"], ",")
	}), setUp{change: func(c *proxy.Config) {
		allPublic(c)
		c.Hosts = []string{"app.example.com"}
		c.WorkOS.RedirectURLs = []string{"https://app.example.com/callback"}
	}})
	const good, evil = "app.example.com", "evil.example"
	for name, c := range map[string]struct {
		path   string
		fields [][2]string
		passes bool
	}{
		"the authority":                                {"/1", [][2]string{{":authority", good}}, true},
		"the authority in capital letters":             {"/2", [][2]string{{":authority", "APP.example.com:443"}}, true},
		"the authority of another host":                {"/3", [][2]string{{":authority", evil}}, false},
		"host alone":                                   {"/4", [][2]string{{"host", good}}, true},
		"host of another one":                          {"/5", [][2]string{{"host", evil}}, false},
		"the authority and another host":               {"/6", [][2]string{{":authority", good}, {"host", evil}}, true},
		"another authority and the host":               {"/7", [][2]string{{":authority", evil}, {"host", good}}, false},
		"two authorities":                              {"/8", [][2]string{{":authority", good}, {":authority", evil}}, false},
		"two hosts":                                    {"/9", [][2]string{{"host", evil}, {"host", good}}, false},
		"neither":                                      {"/10", nil, false},
		"an empty authority and another host":          {"/11", [][2]string{{":authority", ""}, {"host", evil}}, false},
		"an authority with a user":                     {"/12", [][2]string{{":authority", "evil@" + good}}, false},
		"an authority with a path":                     {"/13", [][2]string{{":authority", good + "/a"}}, false},
		"an absolute path of another host":             {"http://evil.example/14", [][2]string{{":authority", good}}, true},
		"an absolute path of the host at another one":  {"http://app.example.com/15", [][2]string{{":authority", evil}}, false},
		"X-Forwarded-Host":                             {"/16", [][2]string{{":authority", evil}, {"x-forwarded-host", good}}, false},
		"the path of the probe with a path after it":   {"/healthz/17", [][2]string{{":authority", evil}}, false},
		"the path of the probe with a parameter":       {"/healthz;18", [][2]string{{":authority", evil}}, false},
		"the path of the probe with an escape":         {"/%68ealthz?19", [][2]string{{":authority", evil}}, false},
		"the path of the probe in a path of two roots": {"//healthz?20", [][2]string{{":authority", evil}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			d.sendFrames(append([][2]string{{":method", "GET"}, {":scheme", "http"}, {":path", c.path}}, c.fields...))
			select {
			case hosts := <-reached:
				assert.True(t, c.passes, hosts)
				host, rest, _ := strings.Cut(hosts, " ")
				assert.Contains(t, strings.ToLower(host), good)
				assert.Equal(t, host+" ", rest, "X-Forwarded-Host is the same, and there is no field Host")
			default:
				assert.False(t, c.passes, "the upstream was not reached")
			}
		})
	}
	assert.True(t, d.sendFrames([][2]string{{":method", "GET"}, {":scheme", "http"}, {":path", "/healthz"}, {":authority", evil}}))
}
