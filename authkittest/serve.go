// Serve: a whole application, started for a test.

package authkittest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// ServeApp starts the application that build returns and stops it when the test ends. The application is served on
// localhost, which to a browser is another site than the fake on 127.0.0.1, at the address that build is told and Serve
// returns: "http://localhost:port". Before that the environment is set as by [Server.Setenv], and WORKOS_REDIRECT_URI to
// the address followed by /callback, so that authkit.FromEnv needs nothing more. Serve cannot be used in parallel tests.
func (f *Server) ServeApp(tb testing.TB, build func(url string) http.Handler) (url string) {
	tb.Helper()
	server := httptest.NewUnstartedServer(nil)
	url = "http://" + strings.Replace(server.Listener.Addr().String(), "127.0.0.1", "localhost", 1)
	f.Setenv(tb)
	tb.Setenv("WORKOS_REDIRECT_URI", url+"/callback")
	server.Config.Handler = build(url)
	server.Start()
	tb.Cleanup(server.Close)
	return url
}
