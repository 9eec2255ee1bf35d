// The context of a request: what it holds, when it ends, and long responses.

package authkitfiber_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/adaptor"
	"github.com/gofiber/fiber/v3/middleware/timeout"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/contrib/authkitfiber"
)

// waitFor receives a value. It fails the test if none comes.
func waitFor[T any](t testing.TB, c <-chan T, why string) (value T) {
	t.Helper()
	select {
	case value = <-c:
	case <-time.After(10 * time.Second):
		require.Fail(t, "nothing came", why)
	}
	return value
}

// open sends a request and returns the response when its header is there. The body is read later.
func (a *application) open(path, cookie string) *http.Response {
	a.t.Helper()
	r, err := http.NewRequest(http.MethodGet, a.url+path, nil)
	require.NoError(a.t, err)
	r.Header.Set("Cookie", cookie)
	resp, err := client.Do(r)
	require.NoError(a.t, err)
	a.t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func TestTheContextHasTheSessionOrTheReasonForNone(t *testing.T) {
	type key struct{}
	a := start(t, options{
		before: func(a *application) {
			a.Use(func(c fiber.Ctx) error {
				c.SetContext(context.WithValue(c.Context(), key{}, "a value in front"))
				return c.Next()
			})
		},
		routes: func(a *application) {
			a.Get("/", func(c fiber.Ctx) error {
				s, ok := authkit.FromContext(c.Context())
				own, has := authkitfiber.Session(c)
				assert.Same(t, s, own)
				assert.Equal(t, ok, has)
				assert.Equal(t, "a value in front", c.Context().Value(key{}))
				return c.SendString(visitor(c))
			})
		},
	})
	assert.Equal(t, "anonymous", a.get("/", "").body)
	cookie := a.signIn()
	assert.Contains(t, a.get("/", cookie).body, kim)
	a.fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 500, Header: http.Header{"Retry-After": {"60"}}})
	a.expire()
	assert.Equal(t, "an unknown user", a.get("/", cookie).body)
}

// The session of an access log in front of the middleware.
func TestTheSessionIsThereAfterTheMiddlewareHasReturned(t *testing.T) {
	a := start(t, options{before: func(a *application) {
		a.Use(func(c fiber.Ctx) error {
			_, before := authkitfiber.Session(c)
			err := c.Next()
			s, _ := authkitfiber.Session(c)
			c.Set("X-Log", s.UserID())
			assert.False(t, before, "the middleware has not run yet")
			return err
		})
	}})
	cookie := a.signIn()
	assert.Equal(t, "user_kim", a.get("/absent", cookie).Header.Get("X-Log"))
	assert.Empty(t, a.get("/absent", "").Header.Get("X-Log"), "the next request of the connection")
}

func TestTheMiddlewareTwiceLoadsTheSessionOnce(t *testing.T) {
	a := start(t, options{routes: func(a *application) {
		a.Use(authkitfiber.Middleware(a.ak))
		a.Get("/new", authkitfiber.Guard(a.ak.RequireAuth), show)
		a.Get("/old", func(c fiber.Ctx) error {
			c.Path("/new")
			return c.RestartRouting()
		})
	}})
	cookie := a.signIn()
	for _, path := range []string{"/new", "/old"} {
		a.expire()
		before := a.fake.Calls(authkittest.RouteRefresh)
		r := a.get(path, cookie)
		assert.Equal(t, kim, r.body, path)
		assert.Equal(t, 1, a.fake.Calls(authkittest.RouteRefresh)-before, path)
		assert.Len(t, r.Cookies(), 1, path)
		checkPrivate(t, r, path)
		cookie = r.session()
	}
}

func TestASessionOfAnotherAuthKitPassesNoGuard(t *testing.T) {
	other := start(t, options{})
	a := start(t, options{routes: func(a *application) {
		a.Get("/both", authkitfiber.Guard(other.ak.RequireAuth), show)
	}})
	assert.Equal(t, http.StatusUnauthorized, a.get("/both", a.signIn()).StatusCode)
}

func TestARefreshThatEndsBeforeTheHandlerSetsItsCookie(t *testing.T) {
	refreshed, entered, leave := make(chan struct{}, 1), make(chan struct{}, 1), make(chan struct{})
	release := sync.OnceFunc(func() { close(leave) })
	a := start(t, options{
		authkit: []authkit.Option{authkit.WithOnRefresh(func(context.Context, authkit.RefreshEvent) { refreshed <- struct{}{} })},
		routes: func(a *application) {
			a.Get("/", func(c fiber.Ctx) error {
				entered <- struct{}{}
				<-leave
				return show(c)
			})
		},
	})
	t.Cleanup(release)
	cookie := a.signIn()
	a.get("/absent", cookie)
	a.clock.Advance(4*time.Minute + 10*time.Second) // the session is due for a refresh, and its token is good
	a.fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Delay: 3 * time.Second, Times: 1})
	answered := make(chan response, 1)
	go func() { answered <- a.get("/", cookie) }()
	a.fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
	a.clock.AwaitTimers(3) // of the refresh, of the waiting request and of the fault
	a.clock.Advance(2 * time.Second)
	waitFor(t, entered, "the handler begins with the old token")
	a.clock.Advance(time.Second)
	waitFor(t, refreshed, "the refresh")
	release()
	r := waitFor(t, answered, "the response")
	assert.Equal(t, kim, r.body)
	require.NotEmpty(t, r.session(), "the cookie goes out with the page")
	checkPrivate(t, r, "a late refresh")
}

func TestTheContextEndsAfterTheResponse(t *testing.T) {
	contexts := make(chan context.Context, 1)
	a := start(t, options{routes: func(a *application) {
		a.Get("/page", func(c fiber.Ctx) error {
			assert.NoError(t, c.Context().Err())
			contexts <- c.Context()
			return show(c)
		})
	}})
	a.get("/page", a.signIn())
	ctx := <-contexts
	waitFor(t, ctx.Done(), "the end of the context")
	s, ok := authkit.FromContext(ctx)
	assert.True(t, ok, "a context that was kept has its session")
	assert.Equal(t, kim, s.User().Email)
}

func TestAStreamEndsWithItsSession(t *testing.T) {
	causes := make(chan error, 1)
	a := start(t, options{routes: func(a *application) {
		a.Get("/stream", authkitfiber.Guard(a.ak.RequireAuth), func(c fiber.Ctx) error {
			ctx := a.ak.UntilEnd(c.Context())
			return c.SendStreamWriter(func(w *bufio.Writer) {
				io.WriteString(w, "begun\n")
				w.Flush()
				<-ctx.Done()
				causes <- context.Cause(ctx)
			})
		})
	}})
	cookie := a.signIn()
	resp := a.open("/stream", cookie)
	lines := bufio.NewReader(resp.Body)
	line, err := lines.ReadString('\n')
	require.NoError(t, err)
	assert.Equal(t, "begun\n", line)
	assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
	assert.Empty(t, causes)
	require.Equal(t, http.StatusOK, a.post("/logout", cookie, nil).StatusCode)
	assert.ErrorIs(t, waitFor(t, causes, "the end of the stream"), authkit.ErrUnauthenticated)
	_, err = lines.ReadString('\n')
	assert.ErrorIs(t, err, io.EOF)
}

// fasthttp notices it at the next write.
func TestTheContextOfAStreamEndsWhenTheClientHasLeft(t *testing.T) {
	ended := make(chan error, 1)
	writes := make(chan struct{})
	a := start(t, options{routes: func(a *application) {
		a.Get("/stream", func(c fiber.Ctx) error {
			ctx := c.Context()
			return c.SendStreamWriter(func(w *bufio.Writer) {
				for range writes {
					io.WriteString(w, "more\n")
					w.Flush()
				}
				<-ctx.Done()
				ended <- ctx.Err()
			})
		})
	}})
	conn, err := net.Dial("tcp", strings.TrimPrefix(strings.Replace(a.url, "localhost", "127.0.0.1", 1), "http://"))
	require.NoError(t, err)
	_, err = io.WriteString(conn, "GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
	require.NoError(t, err)
	writes <- struct{}{}
	_, err = http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	require.NoError(t, conn.(*net.TCPConn).SetLinger(0)) // the close resets the connection
	conn.Close()
	writes <- struct{}{}
	writes <- struct{}{}
	close(writes)
	assert.ErrorIs(t, waitFor(t, ended, "the end of the context"), context.Canceled)
}

func TestAWebSocketEndsWithItsSession(t *testing.T) {
	contexts, causes := make(chan context.Context, 1), make(chan error, 1)
	a := start(t, options{routes: func(a *application) {
		a.Get("/socket", authkitfiber.Guard(a.ak.RequireAuth), func(c fiber.Ctx) error {
			ctx := a.ak.UntilEnd(c.Context())
			contexts <- c.Context()
			return (&websocket.FastHTTPUpgrader{}).Upgrade(c.RequestCtx(), func(conn *websocket.Conn) {
				s, _ := authkit.FromContext(ctx)
				conn.WriteMessage(websocket.TextMessage, []byte(s.User().Email))
				<-ctx.Done()
				causes <- context.Cause(ctx)
			})
		})
	}})
	cookie := a.signIn()
	address := "ws" + strings.TrimPrefix(a.url, "http") + "/socket"
	a.expire()
	conn, resp, err := websocket.DefaultDialer.Dial(address, http.Header{"Cookie": {cookie}})
	require.NoError(t, err)
	defer conn.Close()
	upgrade := response{resp, ""}
	require.NotEmpty(t, upgrade.session(), "the 101 has the refreshed cookie")
	checkPrivate(t, upgrade, "the upgrade")
	_, message, err := conn.ReadMessage()
	require.NoError(t, err)
	assert.Equal(t, kim, string(message))
	ctx := <-contexts
	assert.NoError(t, ctx.Err(), "the context lives as long as the connection")
	require.Equal(t, http.StatusOK, a.post("/logout", upgrade.session(), nil).StatusCode)
	assert.ErrorIs(t, waitFor(t, causes, "the end of the session"), authkit.ErrUnauthenticated)
	waitFor(t, ctx.Done(), "the end of the connection")

	_, resp, err = websocket.DefaultDialer.Dial(address, http.Header{"Cookie": {upgrade.session()}})
	assert.ErrorIs(t, err, websocket.ErrBadHandshake)
	assert.Equal(t, http.StatusUnauthorized, resp.StatusCode)
}

// The handler of a request that has timed out runs on, on its own goroutine.
func TestATimeoutBehindTheMiddlewareKeepsTheHeader(t *testing.T) {
	leave, left := make(chan struct{}), make(chan error, 1)
	a := start(t, options{routes: func(a *application) {
		a.Get("/slow", authkitfiber.Guard(a.ak.RequireAuth), timeout.New(func(c fiber.Ctx) error {
			<-leave
			left <- authkitfiber.Do(c, func(w http.ResponseWriter, _ *http.Request) error {
				w.Header().Set("X-Late", "yes")
				_, err := io.WriteString(w, "late")
				return err
			})
			return nil
		}, timeout.Config{Timeout: time.Millisecond}))
	}})
	cookie := a.signIn()
	a.expire()
	r := a.get("/slow", cookie)
	assert.Equal(t, http.StatusRequestTimeout, r.StatusCode)
	assert.NotEmpty(t, r.session())
	checkPrivate(t, r, "a timeout")
	assert.NotContains(t, r.body, "late")
	close(leave)
	assert.ErrorIs(t, waitFor(t, left, "the handler"), http.ErrHandlerTimeout)
}

// An application of fiber can be a handler of net/http. Its requests share memory.
func TestAnApplicationBehindNetHTTPMixesNoRequests(t *testing.T) {
	a := start(t, options{routes: func(a *application) { a.Get("/", show) }})
	cookie := a.signIn()
	server := httptest.NewServer(adaptor.FiberApp(a.App))
	defer server.Close()
	other := *a
	other.url = server.URL
	for range 20 {
		assert.Equal(t, kim, other.get("/", cookie).body)
		assert.Equal(t, "anonymous", other.get("/", "").body)
	}
}

func TestASmallReadBufferIsReportedOnce(t *testing.T) {
	var logged strings.Builder
	captureLog(t, &logged)
	for size, warnings := range map[int]int{0: 1, 8 << 10: 1, 16 << 10: 0} {
		logged.Reset()
		ak := start(t, options{}).ak
		app := fiber.New(fiber.Config{ReadBufferSize: size})
		app.Use(authkitfiber.Middleware(ak))
		app.Get("/", show)
		for range 3 {
			resp, err := app.Test(httptest.NewRequest(http.MethodGet, "/", nil))
			require.NoError(t, err)
			resp.Body.Close()
		}
		assert.Equal(t, warnings, strings.Count(logged.String(), "ReadBufferSize"), "%d: %s", size, logged.String())
	}
}

func TestTheDefaultReadBufferRefusesAHeaderOfFiveKilobytes(t *testing.T) {
	ak := start(t, options{}).ak
	for size, status := range map[int]int{0: http.StatusRequestHeaderFieldsTooLarge, 64 << 10: http.StatusOK} {
		l, _ := listen(t)
		app := fiber.New(fiber.Config{ReadBufferSize: size})
		app.Use(authkitfiber.Middleware(ak))
		app.Get("/", show)
		serve(t, l, app)
		r := sendRaw(t, l.Addr().String(), "GET / HTTP/1.1\r\nHost: localhost\r\nCookie: a="+strings.Repeat("A", 5<<10)+"\r\n\r\n")
		assert.Equal(t, status, r.StatusCode)
	}
}
