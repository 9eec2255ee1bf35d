// A benchmark of the proxy: a request of a signed-in user, beside one that goes to the upstream directly.

package proxy_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/cmd/authkit/internal/proxy"
)

func BenchmarkARequestThroughTheProxy(b *testing.B) {
	text := make([]byte, 1<<10)
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(text) })
	d := start(b, page, setUp{change: func(c *proxy.Config) { c.Log.Access, c.Log.Level = false, "error" }})
	direct := httptest.NewServer(page)
	defer direct.Close()
	for name, address := range map[string]string{"signed in": d.URL, "without the proxy": direct.URL} {
		b.Run(name, func(b *testing.B) {
			r, err := http.NewRequest("GET", address+"/a/b", nil)
			require.NoError(b, err)
			r.Header.Set("Cookie", d.cookieOf(ada))
			transport := &http.Transport{}
			defer transport.CloseIdleConnections()
			b.ReportAllocs()
			for b.Loop() {
				resp, err := transport.RoundTrip(r)
				if err != nil || resp.StatusCode != 200 {
					b.Fatal(err, resp)
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		})
	}
}
