// A client for WebSockets (RFC 6455) that sends and receives short text messages.

package behaviour

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// socketKey is the key of every opening handshake. It is random in a browser.
const socketKey = "dGhlIHNhbXBsZSBub25jZQ=="

// socketAccept returns the Sec-WebSocket-Accept of a key (RFC 6455, section 4.2.2).
func socketAccept(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// socket is a connection after an opening handshake. If the response was not 101, body is its body.
type socket struct {
	conn   net.Conn
	reader *bufio.Reader
	status int
	header http.Header
	body   string
}

// openSocket sends an opening handshake for /socket, as a page of this application does.
func (a *routerInstance) openSocket(t *testing.T, cookie string) *socket {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(a.URL, "http://"))
	require.NoError(t, err)
	require.NoError(t, conn.SetDeadline(time.Now().Add(WaitTimeout)))
	r, err := http.NewRequest(http.MethodGet, a.URL+"/socket", nil)
	require.NoError(t, err)
	for name, value := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": socketKey,
		"Origin": a.URL, "Sec-Fetch-Mode": "websocket", "Sec-Fetch-Dest": "websocket", "Sec-Fetch-Site": "same-origin",
	} {
		r.Header.Set(name, value)
	}
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	a.Logs.addSecrets(r.Header, nil)
	require.NoError(t, r.Write(conn))
	reader := bufio.NewReader(conn)
	resp, err := http.ReadResponse(reader, r)
	require.NoError(t, err)
	a.Logs.addSecrets(resp.Header, nil)
	s := &socket{conn: conn, reader: reader, status: resp.StatusCode, header: resp.Header}
	if s.status == http.StatusSwitchingProtocols {
		assert.Equal(t, socketAccept(socketKey), resp.Header.Get("Sec-WebSocket-Accept"))
		return s
	}
	read, err := a.read(resp)
	require.NoError(t, err)
	s.body = read.Body
	return s
}

// A frame has a byte with the FIN bit and the opcode, and a byte with the mask bit and the length (RFC 6455, section 5.2).
const (
	textFrame     = 0x81
	maskBit       = 0x80
	maxFrameBytes = 125 // a longer message needs a longer header
)

// write sends a text message. A client masks its frames. A mask of zeros leaves the text as it is.
func (s *socket) write(t *testing.T, message string) {
	t.Helper()
	require.LessOrEqual(t, len(message), maxFrameBytes)
	frame := append([]byte{textFrame, maskBit | byte(len(message)), 0, 0, 0, 0}, message...)
	_, err := s.conn.Write(frame)
	require.NoError(t, err)
}

// read receives a text message.
func (s *socket) read(t *testing.T) string {
	t.Helper()
	var head [2]byte
	_, err := io.ReadFull(s.reader, head[:])
	require.NoError(t, err)
	require.EqualValues(t, textFrame, head[0])
	require.LessOrEqual(t, int(head[1]), maxFrameBytes)
	message := make([]byte, head[1])
	_, err = io.ReadFull(s.reader, message)
	require.NoError(t, err)
	return string(message)
}
