// Applications on a router, and the run of the router suite over them.

package behaviour

import (
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// Router is a small application on a router that RunRouter can test. The application has these routes, all behind the
// middleware. The guarded ones count each run of their handler with RouterApp.Ran.
//
//	GET  /           a public page that shows the email address of the signed-in user, or "anonymous"
//	GET  /account    behind RequireAuth: shows the email address
//	GET  /admin      behind RequireRole("admin"): shows the email address
//	GET  /caching    behind RequireAuth: shows the email address, with the header that SetCachingHeader sets
//	GET  /stream     behind RequireAuth: server-sent events. The first event has the email address as its data. It is
//	                 flushed at once. Then each message that arrives from RouterApp.Messages is the data of one more event,
//	                 flushed too. The handler returns when the channel is closed or the request ends.
//	GET  /socket     behind RequireAuth: a WebSocket. It answers each text message m with "EMAIL: m".
//	GET  /login, GET /callback, POST /logout    the handlers of authkit
//
// Any other path answers 404.
type Router struct {
	Name string
	// Serve serves the application on l over plain HTTP. It returns at once. t.Cleanup stops the server. For an
	// http.Handler, RouterApp.ServeHandler does all of it.
	Serve func(t testing.TB, l net.Listener, app *RouterApp)
	// Without names the columns that the application does not have, each with the reason. They are not tested.
	Without map[string]string
}

// RouterApp is what an application on a router needs of RunRouter.
type RouterApp struct {
	AuthKit  *authkit.AuthKit
	Ran      func()        // guarded handlers call it when they begin
	Messages <-chan string // what the handler of /stream sends after the first event
	Log      io.Writer     // receives the log of the server and of the router
}

// RouterColumns are the columns of the router suite, in the order of its table:
//
//   - session: a user signs in at a guarded page, returns to it, and signs out.
//   - guard: a request that may not pass is answered 303, 401, 403 or 503.
//   - refresh: an expired session is refreshed, and the response sets its cookie with the headers of net/http.
//   - abort: the answer of a guard is the whole response, and the guarded handler does not run.
//   - stream: events reach the client while the handler runs.
//   - upgrade: a WebSocket opens behind a guard.
var RouterColumns = []string{"session", "guard", "refresh", "abort", "stream", "upgrade"}

// SetCachingHeader sets the header of /caching.
func SetCachingHeader(h http.Header) {
	h.Set("Cache-Control", "max-age=60")
	h.Set("CDN-Cache-Control", "max-age=60")
	h.Set("Vary", "Accept-Language")
	h.Add("Set-Cookie", "seen=yes; Path=/caching")
}

// ServeHandler serves a handler on l until the test ends.
func (app *RouterApp) ServeHandler(t testing.TB, l net.Listener, h http.Handler) {
	server := &http.Server{Handler: h, ErrorLog: log.New(app.Log, "", 0)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
}

// RunRouter tests an application on a router, one column after the other, each with a new process. It returns which columns
// hold. The tests use a fake clock. At its end, every test checks that the log contains no secret, no panic and no second
// response to one request.
func RunRouter(t *testing.T, r Router) (holds map[string]bool) {
	columns := map[string]func(*testing.T, *routerInstance){
		"session": checkRouterSession,
		"guard":   checkRouterGuard,
		"refresh": checkRouterRefresh,
		"abort":   checkRouterAbort,
		"stream":  checkRouterStream,
		"upgrade": checkRouterUpgrade,
	}
	holds = map[string]bool{}
	for _, column := range RouterColumns {
		if r.Without[column] != "" {
			continue
		}
		holds[column] = t.Run(column, func(t *testing.T) {
			clock := authkittest.NewFakeClock(Start)
			columns[column](t, r.start(t, authkittest.New(t, testUsers(), authkittest.WithClock(clock)), clock))
		})
	}
	return holds
}

// routerInstance is one process of an application on a router.
type routerInstance struct {
	*Instance
	router   Router
	clock    *authkittest.FakeClock
	messages chan string   // what /stream sends
	ran      chan struct{} // one value for each run of a guarded handler
}

// start starts a process of an application on a router.
func (r Router) start(t testing.TB, fake *authkittest.Server, clock *authkittest.FakeClock) *routerInstance {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	a := &routerInstance{
		Instance: &Instance{
			T: t, Fake: fake, Password: Password, Logs: newLog(fake.APIKey(), Password), client: direct.Clone(),
			URL: "http://" + strings.Replace(l.Addr().String(), "127.0.0.1", "localhost", 1), atAuthKit: map[string]*authkittest.Browser{},
		},
		router: r, clock: clock, messages: make(chan string), ran: make(chan struct{}, 1000),
	}
	ak, err := authkit.New(
		authkit.WithAPIKey(fake.APIKey()),
		authkit.WithClientID(fake.ClientID()),
		authkit.WithBaseURL(fake.URL()),
		authkit.WithCookiePassword(Password),
		authkit.WithRedirectURL(a.URL+"/callback"),
		authkit.WithPostLogoutRedirectURL(a.URL+"/"),
		authkit.WithLogger(slog.New(slog.NewTextHandler(a.Logs, &slog.HandlerOptions{Level: slog.LevelDebug}))),
		authkit.WithClock(clock),
	)
	require.NoError(t, err)
	t.Cleanup(func() { // after the server has stopped
		for _, b := range a.atAuthKit {
			b.CloseIdleConnections()
		}
		a.checkLog()
		if a.Logs.has("superfluous") {
			t.Error("a handler wrote a second response header")
		}
	})
	r.Serve(t, l, &RouterApp{AuthKit: ak, Ran: func() { a.ran <- struct{}{} }, Messages: a.messages, Log: a.Logs})
	t.Cleanup(a.client.(*http.Transport).CloseIdleConnections)
	return a
}

// signIn signs a user in and returns the Cookie header of the session.
func (a *routerInstance) signIn(email string) (cookie string) {
	a.T.Helper()
	resp := a.finishSignIn(a.StartSignInAs("/login", email))
	require.Equal(a.T, http.StatusSeeOther, resp.Status, resp.Body)
	return resp.session(a.T)
}

// runs returns how often a guarded handler has run since the last call.
func (a *routerInstance) runs() (n int) {
	for {
		select {
		case <-a.ran:
			n++
		default:
			return n
		}
	}
}
