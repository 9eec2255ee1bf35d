// Connections to an upstream that are not used.

package proxy_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/cmd/authkit/internal/proxy"
)

func TestAConnectionToAnUpstreamThatIsNotUsedIsClosed(t *testing.T) {
	idle, closed := make(chan time.Time, 1), make(chan time.Time, 1)
	behind := httptest.NewUnstartedServer(echo)
	behind.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateIdle:
			idle <- time.Now()
		case http.StateClosed:
			closed <- time.Now()
		}
	}
	behind.Start()
	t.Cleanup(behind.Close)
	d := start(t, http.NotFoundHandler(), setUp{change: func(c *proxy.Config) {
		c.Upstreams = []proxy.Upstream{{URL: behind.URL}}
		c.Rules = []proxy.Rule{{Path: "/*", Allow: []string{"public"}}}
	}})
	assert.Equal(t, http.StatusOK, d.do("", http.MethodGet, "/", nil).StatusCode)
	select {
	case at := <-closed:
		assert.Greater(t, at.Sub(<-idle), time.Second, "it can be used again")
	case <-time.After(waitTimeout): // the system's clock decides, and a busy machine is late
		require.Fail(t, "the connection is still open")
	}
}
