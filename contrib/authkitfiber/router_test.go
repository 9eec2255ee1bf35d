// The router suite, over an application on fiber.

package authkitfiber_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
	"github.com/gofiber/fiber/v3"
	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit/contrib/authkitfiber"
	"github.com/authkit-go/authkit/internal/behaviour"
)

func TestTheRouterSuitePassesForFiber(t *testing.T) {
	holds := behaviour.RunRouter(t, behaviour.Router{Name: "fiber", Serve: func(t testing.TB, l net.Listener, app *behaviour.RouterApp) {
		serve(t, l, routerApp(app))
	}})
	for _, column := range behaviour.RouterColumns {
		assert.True(t, holds[column], column)
	}
}

// routerApp returns the application of the router suite.
func routerApp(app *behaviour.RouterApp) *fiber.App {
	ak, f := app.AuthKit, newApp(app.AuthKit, fiber.Config{})
	f.Get("/", show)
	guarded := func(path string, guard func(http.Handler) http.Handler, h fiber.Handler) {
		f.Get(path, authkitfiber.Guard(guard), func(c fiber.Ctx) error {
			app.Ran()
			return h(c)
		})
	}
	guarded("/account", ak.RequireAuth, show)
	guarded("/admin", ak.RequireRole("admin"), show)
	guarded("/caching", ak.RequireAuth, func(c fiber.Ctx) error {
		h := http.Header{}
		behaviour.SetCachingHeader(h)
		for name, lines := range h {
			for _, line := range lines {
				c.Set(name, line)
			}
		}
		return show(c)
	})
	var last atomic.Value // a channel that is closed when the function of the last stream returns
	guarded("/stream", ak.RequireAuth, func(c fiber.Ctx) error {
		ctx, event, more := c.Context(), "data: "+email(c)+"\n\n", true
		ended := make(chan struct{})
		if before := last.Swap(ended); before != nil {
			<-before.(chan struct{}) // or it would take a message of this stream
		}
		c.Set("Content-Type", "text/event-stream")
		return c.SendStreamWriter(func(w *bufio.Writer) {
			defer close(ended)
			// A write to a client that has left fails. fasthttp does not notice it otherwise.
			pulse := time.NewTicker(5 * time.Millisecond)
			defer pulse.Stop()
			for more {
				io.WriteString(w, event)
				if w.Flush() != nil {
					return
				}
				var message string
				select {
				case message, more = <-app.Messages:
					event = "data: " + message + "\n\n"
				case <-pulse.C:
					event = ": still here\n\n"
				case <-ctx.Done():
					return
				}
			}
		})
	})
	guarded("/socket", ak.RequireAuth, func(c fiber.Ctx) error {
		name := email(c)
		return (&websocket.FastHTTPUpgrader{}).Upgrade(c.RequestCtx(), func(conn *websocket.Conn) {
			for {
				kind, message, err := conn.ReadMessage()
				if err != nil || conn.WriteMessage(kind, []byte(name+": "+string(message))) != nil {
					return
				}
			}
		})
	})
	return f
}

func email(c fiber.Ctx) string {
	if s, ok := authkitfiber.Session(c); ok {
		return s.User().Email
	}
	return "anonymous"
}

func show(c fiber.Ctx) error { return c.SendString(email(c)) }
