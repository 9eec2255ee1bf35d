// Example: an application on fiber.

package authkitfiber_test

import (
	"bufio"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/gofiber/fiber/v3"
	recoverer "github.com/gofiber/fiber/v3/middleware/recover"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/contrib/authkitfiber"
)

func Example_fiber() {
	ak, err := authkit.FromEnv()
	if err != nil {
		log.Fatal(err)
	}
	app := fiber.New(fiber.Config{ReadBufferSize: 64 << 10})
	app.Use(recoverer.New())
	app.Use(authkitfiber.Middleware(ak))
	app.Get("/login", authkitfiber.Handler(ak.Login()))
	app.Get("/callback", authkitfiber.Handler(ak.Callback()))
	app.Post("/logout", authkitfiber.Handler(ak.Logout()))

	app.Get("/", func(c fiber.Ctx) error {
		if session, ok := authkitfiber.Session(c); ok {
			return c.SendString("Hello " + session.User().FirstName)
		}
		return c.SendString("Hello, please sign in")
	})
	app.Get("/account", authkitfiber.Guard(ak.RequireAuth), func(c fiber.Ctx) error {
		session, _ := authkitfiber.Session(c)
		return c.SendString("The account of " + session.User().Email)
	})
	admin := app.Group("/admin", authkitfiber.Guard(ak.RequireRole("admin")))
	admin.Get("/", func(c fiber.Ctx) error { return c.SendString("The settings") })

	log.Fatal(app.Listen(":8080"))
}

// A handler that changes something at WorkOS refreshes the session, so that the next page
// shows it.
func ExampleDo() {
	ak, err := authkit.FromEnv()
	if err != nil {
		log.Fatal(err)
	}
	app := fiber.New(fiber.Config{ReadBufferSize: 64 << 10})
	app.Post("/billing", authkitfiber.Guard(ak.RequireAuth), func(c fiber.Ctx) error {
		return authkitfiber.Do(c, func(w http.ResponseWriter, r *http.Request) error {
			session, err := ak.Refresh(w, r)
			if err != nil {
				ak.Fail(w, r, err)
				return nil
			}
			return c.JSON(session.Entitlements())
		})
	})
}

// Server-sent events until the session ends. The context is taken before the handler
// returns. fasthttp notices at a write that the client has left, so a comment is sent now
// and then.
func ExampleGuard_stream() {
	ak, err := authkit.FromEnv()
	if err != nil {
		log.Fatal(err)
	}
	messages := make(chan string)
	app := fiber.New(fiber.Config{ReadBufferSize: 64 << 10})
	app.Get("/events", authkitfiber.Guard(ak.RequireAuth), func(c fiber.Ctx) error {
		ctx := ak.UntilEnd(c.Context())
		c.Set("Content-Type", "text/event-stream")
		return c.SendStreamWriter(func(w *bufio.Writer) {
			ticker := time.NewTicker(15 * time.Second)
			defer ticker.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case message := <-messages:
					fmt.Fprintf(w, "data: %s\n\n", message)
				case <-ticker.C:
					fmt.Fprint(w, ":\n\n")
				}
				if w.Flush() != nil {
					return
				}
			}
		})
	})
}
