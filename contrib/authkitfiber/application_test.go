// The application of the tests: fiber with authkit, served on localhost.

package authkitfiber_test

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v3"
	fiberlog "github.com/gofiber/fiber/v3/log"
	"github.com/gofiber/fiber/v3/middleware/adaptor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/contrib/authkitfiber"
	"github.com/authkit-go/authkit/internal/behaviour"
)

// largeHeader is a ReadBufferSize for the oversized headers of the tests.
const largeHeader = 4 << 20

// listen returns a listener on localhost and the URL for it.
func listen(t testing.TB) (net.Listener, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return l, "http://" + strings.Replace(l.Addr().String(), "127.0.0.1", "localhost", 1)
}

// serve serves an application on l until the test ends.
func serve(t testing.TB, l net.Listener, app *fiber.App) {
	t.Helper()
	done := make(chan error, 1)
	accepting := make(chan struct{})
	tracked := &trackingListener{Listener: l, accepts: sync.OnceFunc(func() { close(accepting) })}
	go func() { done <- app.Listener(tracked, fiber.ListenConfig{DisableStartupMessage: true}) }()
	<-accepting // before that, a shutdown of fiber stops nothing
	t.Cleanup(func() {
		tracked.closeConnections() // fiber waits for the idle ones too
		assert.NoError(t, app.Shutdown())
		assert.NoError(t, <-done)
	})
}

func TestAuthkittestRunsAnApplicationOnFiber(t *testing.T) {
	app := authkittest.Run(t, func(env authkittest.Env) http.Handler {
		ak := env.AuthKit()
		a := newApp(ak, fiber.Config{})
		a.Get("/account", authkitfiber.Guard(ak.RequireAuth), func(c fiber.Ctx) error { return c.SendString(visitor(c)) })
		return adaptor.FiberApp(a)
	})
	browser := app.SignIn("ada@harborpress.test")
	page, err := browser.Get("/account")
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, page.StatusCode)
	assert.Equal(t, app.URL+"/account", page.URL.String())
	app.Clock.Advance(10 * time.Minute)
	page, err = browser.Get("/account")
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, page.StatusCode, "refreshed")
	assert.Equal(t, 1, app.Fake.Calls(authkittest.RouteRefresh))
}

// newApp returns an application behind the middleware, with the handlers of authkit.
func newApp(ak *authkit.AuthKit, config fiber.Config) *fiber.App {
	config.ReadBufferSize = largeHeader
	// fiber answers 501 to a method that it does not know, before any handler.
	config.RequestMethods = append(slices.Clone(fiber.DefaultMethods), "PROPFIND", "get")
	app := fiber.New(config)
	app.Use(authkitfiber.Middleware(ak))
	addHandlers(app, ak)
	return app
}

// addHandlers adds the handlers of authkit. They refuse the methods that they do not have.
func addHandlers(app *fiber.App, ak *authkit.AuthKit) {
	app.All("/login", authkitfiber.Handler(ak.Login()))
	app.All("/callback", authkitfiber.Handler(ak.Callback()))
	app.All("/logout", authkitfiber.Handler(ak.Logout()))
}

// logger returns a logger for all levels.
func logger(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// visitor describes the user of a request.
func visitor(c fiber.Ctx) string {
	s, ok := authkitfiber.Session(c)
	switch {
	case ok:
		return s.User().Email + " in " + s.ID()
	case authkit.ErrorFromContext(c.Context()) != nil:
		return "an unknown user"
	}
	return "anonymous"
}

// html sends a page.
func html(c fiber.Ctx, format string, values ...any) error {
	return c.Type("html", "utf-8").SendString("<!doctype html><h1>" + fmt.Sprintf(format, values...) + "</h1>")
}

// trackingListener is a listener that can close the connections that it has accepted.
type trackingListener struct {
	net.Listener
	accepts     func() // called when the server begins to accept
	mu          sync.Mutex
	connections []net.Conn
}

func (l *trackingListener) Accept() (net.Conn, error) {
	l.accepts()
	conn, err := l.Listener.Accept()
	if err == nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.connections = append(l.connections, conn)
	}
	return conn, err
}

func (l *trackingListener) closeConnections() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, conn := range l.connections {
		_ = conn.Close()
	}
}

// application is an application on fiber with a fake AuthKit. Both use one fake clock.
type application struct {
	*fiber.App
	t     testing.TB
	ak    *authkit.AuthKit
	fake  *authkittest.Server
	clock *authkittest.FakeClock
	url   string
}

// kim is the user of the tests.
const kim = "kim@example.com"

// options configures an application. The zero value has only the handlers of authkit.
type options struct {
	fiber   fiber.Config
	authkit []authkit.Option
	before  func(*application) // adds what is in front of the middleware
	routes  func(*application) // adds what is behind it
	bare    bool               // without the middleware
}

// start starts an application.
func start(t testing.TB, o options) *application {
	t.Helper()
	l, url := listen(t)
	clock := authkittest.NewFakeClock(time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC))
	fake := authkittest.New(t, authkittest.WithClock(clock), authkittest.WithUsers(authkittest.User{
		ID: "user_kim", Email: kim,
		Memberships: []authkittest.Membership{{OrganizationID: "org_acme", Role: "admin"}, {OrganizationID: "org_beta", Role: "viewer"}},
	}), authkittest.WithOrganizations(authkittest.Organization{ID: "org_acme", Name: "Acme"}, authkittest.Organization{ID: "org_beta", Name: "Beta"}))
	ak, err := authkit.New(append([]authkit.Option{
		authkit.WithAPIKey(fake.APIKey()),
		authkit.WithClientID(fake.ClientID()),
		authkit.WithBaseURL(fake.URL()),
		authkit.WithCookiePassword(behaviour.Password),
		authkit.WithRedirectURL(url + "/callback"),
		authkit.WithPostLogoutRedirectURL(url + "/"),
		authkit.WithLogger(logger(t.Output())),
		authkit.WithClock(clock),
	}, o.authkit...)...)
	require.NoError(t, err)
	o.fiber.ReadBufferSize = largeHeader
	a := &application{App: fiber.New(o.fiber), t: t, ak: ak, fake: fake, clock: clock, url: url}
	if o.before != nil {
		o.before(a)
	}
	if !o.bare {
		a.Use(authkitfiber.Middleware(ak))
	}
	addHandlers(a.App, ak)
	if o.routes != nil {
		o.routes(a)
	}
	serve(t, l, a.App)
	return a
}

// expire moves the clock past the expiry of every access token and its skew.
func (a *application) expire() { a.clock.Advance(7 * time.Minute) }

// signIn signs kim in and returns the Cookie header of the browser.
func (a *application) signIn() string {
	a.t.Helper()
	b := authkittest.NewBrowser()
	defer b.CloseIdleConnections()
	b.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/after" {
			return http.ErrUseLastResponse // not every application has a page there
		}
		return nil
	}
	_, err := b.SignIn(a.url+"/login?return_to=/after", kim)
	require.NoError(a.t, err)
	u, err := url.Parse(a.url)
	require.NoError(a.t, err)
	return header(b.Jar.Cookies(u))
}

// header returns a Cookie header.
func header(cookies []*http.Cookie) string {
	var pairs []string
	for _, c := range cookies {
		pairs = append(pairs, c.Name+"="+c.Value)
	}
	return strings.Join(pairs, "; ")
}

// response is a response with its body.
type response struct {
	*http.Response
	body string
}

// session returns the Cookie header of the session that a response sets, or "".
func (r response) session() string {
	for _, c := range r.Cookies() {
		if c.Name == "authkit-session" && c.MaxAge > 0 {
			return header([]*http.Cookie{c})
		}
	}
	return ""
}

// client sends requests and follows no redirect.
var client = &http.Client{
	Transport:     &http.Transport{},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// send sends a request like a script on a page, with these header fields: name, value, …
func (a *application) send(method, path, cookie string, fields ...string) response {
	a.t.Helper()
	r, err := http.NewRequest(method, a.url+path, nil)
	require.NoError(a.t, err)
	r.Header.Set("Sec-Fetch-Mode", "cors")
	r.Header.Set("Sec-Fetch-Dest", "empty")
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	for i := 0; i+1 < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	resp, err := client.Do(r)
	require.NoError(a.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(a.t, err)
	return response{resp, string(body)}
}

func (a *application) get(path, cookie string, fields ...string) response {
	a.t.Helper()
	return a.send(http.MethodGet, path, cookie, fields...)
}

// checkPrivate checks that no cache may store a response, and that it varies on Cookie.
func checkPrivate(t testing.TB, r response, why string) {
	t.Helper()
	assert.Equal(t, []string{"private, no-store"}, r.Header["Cache-Control"], why)
	assert.NotContains(t, r.Header, "Cdn-Cache-Control", why)
	assert.Contains(t, strings.Join(r.Header["Vary"], ", "), "Cookie", why)
}

// captureLog makes fiber's logger write to w until the test ends.
func captureLog(t testing.TB, w io.Writer) {
	fiberlog.SetOutput(w)
	t.Cleanup(func() { fiberlog.SetOutput(os.Stderr) })
}
