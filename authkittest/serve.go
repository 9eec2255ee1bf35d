// ServeApp: starts an application for a test.

package authkittest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// ServeApp starts the application that build returns and stops it when the test ends. It passes the URL of the application
// to build and returns it: "http://localhost:port". To a browser, localhost is a different site from the fake on 127.0.0.1.
//
// Before it calls build, ServeApp sets the environment as [Server.Setenv] does, and WORKOS_REDIRECT_URI to the URL followed
// by /callback. authkit.FromEnv needs nothing more. ServeApp cannot be used in parallel tests.
//
// [Run] is for an application that takes options. It also gives the application the clock of the fake.
//
// Call ServeApp once for each instance of an application. The example of [MemoryStore] has two instances.
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
