// authkit with gofiber/fiber v3, through contrib/authkitfiber.

package routers

import (
	"bufio"
	"context"
	"fmt"
	"net/http"

	"github.com/fasthttp/websocket"
	"github.com/gofiber/fiber/v3"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/contrib/authkitfiber"
)

func onFiber(ak *authkit.AuthKit, p pages) *fiber.App {
	app := fiber.New(fiber.Config{ReadBufferSize: 64 << 10}) // a session may take several cookies
	app.Use(authkitfiber.Middleware(ak))
	app.Get("/login", authkitfiber.Handler(ak.Login()))
	app.Get("/callback", authkitfiber.Handler(ak.Callback()))
	app.Post("/logout", authkitfiber.Handler(ak.Logout()))
	app.Get("/", authkitfiber.Handler(http.HandlerFunc(p.home)))
	app.Get("/admin", authkitfiber.Guard(ak.RequireRole("admin")), p.accountOnFiber)

	requireAuth := authkitfiber.Guard(ak.RequireAuth)
	app.Get("/account", requireAuth, p.accountOnFiber)
	app.Get("/caching", requireAuth, authkitfiber.Handler(http.HandlerFunc(p.caching)))
	app.Get("/stream", requireAuth, p.streamOnFiber)
	app.Get("/socket", requireAuth, p.socketOnFiber)
	return app
}

// accountOnFiber is account with the methods of fiber.
func (p pages) accountOnFiber(c fiber.Ctx) error {
	p.ran()
	session, _ := authkitfiber.Session(c)
	return c.SendString(session.User().Email)
}

// streamOnFiber is stream with the methods of fiber. fiber sends the body after the handler has returned, and c is not valid then.
func (p pages) streamOnFiber(c fiber.Ctx) error {
	p.ran()
	session, _ := authkitfiber.Session(c)
	ctx, message, more := c.Context(), session.User().Email, true
	c.Set("Content-Type", "text/event-stream")
	return c.SendStreamWriter(func(w *bufio.Writer) {
		for more {
			fmt.Fprintf(w, "data: %s\n\n", message)
			if w.Flush() != nil {
				return // the client has left
			}
			message, more = next(ctx, p.messages)
		}
	})
}

// next waits for a message. It returns false when there are no more or ctx ends.
func next(ctx context.Context, messages <-chan string) (message string, more bool) {
	select {
	case message, more = <-messages:
		return message, more
	case <-ctx.Done():
		return "", false
	}
}

// socketOnFiber is socket on the connection of fasthttp.
func (p pages) socketOnFiber(c fiber.Ctx) error {
	p.ran()
	session, _ := authkitfiber.Session(c)
	email := session.User().Email
	return (&websocket.FastHTTPUpgrader{}).Upgrade(c.RequestCtx(), func(conn *websocket.Conn) {
		for {
			kind, message, err := conn.ReadMessage()
			if err != nil || conn.WriteMessage(kind, []byte(email+": "+string(message))) != nil {
				return // the client has left
			}
		}
	})
}
