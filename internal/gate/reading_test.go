// Tests of path tricks: what an upstream may read in another way than the gate.

package gate_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/gate"
	"github.com/authkit-go/authkit/internal/gate/gatetest"
)

// sendRaw sends a request line as it is, anonymously, and returns the status.
func (a *application) sendRaw(t testing.TB, line string, headers ...string) int {
	t.Helper()
	host := strings.TrimPrefix(a.URL, "http://")
	conn, err := net.Dial("tcp", host)
	require.NoError(t, err)
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s\r\n", line, host, strings.Join(append(headers, ""), "\r\n"))
	require.NoError(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer resp.Body.Close()
	return resp.StatusCode
}

func TestAPathTrickDoesNotPassTheGate(t *testing.T) {
	app := newApplication(t, withRules(gatetest.Rules...))
	for line, status := range gatetest.PathTricks {
		t.Run(line[:min(len(line), 60)], func(t *testing.T) {
			assert.Equal(t, status, app.sendRaw(t, line))
		})
	}
}

func TestTheStartOfAPathThatMayBeAHostOpensNothing(t *testing.T) {
	app := newApplication(t, withRules(gate.Rule{Path: "/*", Allow: []string{gate.Public}}, gate.Rule{Path: "/private/*"}))
	for line, status := range map[string]int{"GET /x/private": 200, "GET //x/private": 401, "GET //x:80/private/a": 401, "GET /%2Fx/private": 401, "GET //x/y": 200} {
		assert.Equal(t, status, app.sendRaw(t, line), line)
	}
}

func TestAHostThatIsNoneIsRefused(t *testing.T) {
	var env authkittest.Env
	authkittest.Run(t, func(e authkittest.Env) http.Handler { env = e; return http.NotFoundHandler() })
	g, err := gate.New(gate.Config{AuthKit: env.AuthKit(), Rules: []gate.Rule{{Path: "/*", Allow: []string{gate.Public}}}})
	require.NoError(t, err)
	for host, status := range map[string]int{
		"app.example.com": 200, "app.example.com:8443": 200, "[2001:db8::1]:80": 200, "my_app~1": 200, "": 200,
		"x/private?": 400, "x#y": 400, "user@x": 400, `x\y`: 400, `x"><script>`: 400, "x y": 400, "bücher.example": 400,
	} {
		r := httptest.NewRequest(http.MethodGet, "/a", nil)
		r.Host = host // of HTTP/2, where the server does not look at :authority
		w := httptest.NewRecorder()
		g.Serve(w, r, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		assert.Equal(t, status, w.Code, host)
	}
}

func TestAPathReachesTheUpstreamAsTheClientHasSentIt(t *testing.T) {
	app := newApplication(t, withRules())
	for _, path := range []string{"/a%2Fb", "/a//b", "/a;x=1/b", "/caf%c3%a9", "/a%20b", "/100%25", "/a+b", "/%41"} {
		status, upstream := app.send(t, ben, "GET", path)
		assert.Equal(t, 200, status, path)
		assert.Equal(t, path, upstream.Path)
	}
}
