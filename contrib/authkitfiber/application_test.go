// The application of the tests: fiber with authkit, served on localhost.

package authkitfiber_test

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gofiber/fiber/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/contrib/authkitfiber"
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
	tracked := &trackingListener{Listener: l}
	go func() { done <- app.Listener(tracked, fiber.ListenConfig{DisableStartupMessage: true}) }()
	t.Cleanup(func() {
		tracked.closeConnections() // fiber waits for the idle ones too
		assert.NoError(t, app.Shutdown())
		assert.NoError(t, <-done)
	})
}

// newApp returns an application behind the middleware, with the handlers of authkit.
func newApp(ak *authkit.AuthKit, config fiber.Config) *fiber.App {
	config.ReadBufferSize = largeHeader
	// fiber answers 501 to a method that it does not know, before any handler.
	config.RequestMethods = append(slices.Clone(fiber.DefaultMethods), "PROPFIND", "get")
	app := fiber.New(config)
	app.Use(authkitfiber.Middleware(ak))
	app.All("/login", authkitfiber.Handler(ak.Login()))
	app.All("/callback", authkitfiber.Handler(ak.Callback()))
	app.All("/logout", authkitfiber.Handler(ak.Logout()))
	return app
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
	mu          sync.Mutex
	connections []net.Conn
}

func (l *trackingListener) Accept() (net.Conn, error) {
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
