// A webhook of WorkOS at an application on fiber.

package authkitfiber_test

import (
	"net/http"
	"testing"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/adaptor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/contrib/authkitfiber"
)

func TestAWebhookBehindFiberEndsASession(t *testing.T) {
	app := authkittest.Run(t, func(env authkittest.Env) http.Handler {
		ak := env.AuthKit()
		a := newApp(ak, fiber.Config{})
		a.Post("/webhooks/workos", authkitfiber.Handler(ak.Webhook(nil, "secret")))
		a.Get("/account", authkitfiber.Guard(ak.RequireAuth), func(c fiber.Ctx) error { return c.SendStatus(http.StatusOK) })
		return adaptor.FiberApp(a)
	})
	app.Fake.AddWebhookEndpoint(app.URL+"/webhooks/workos", "secret")
	browser := app.SignIn("ada@harborpress.test")
	app.Fake.RevokeSession(app.Fake.Sessions()[0].ID)
	require.NoError(t, app.Fake.WaitForWebhooks(t.Context()))
	page, err := browser.Fetch(http.MethodGet, "/account")
	require.NoError(t, err)
	assert.Equal(t, http.StatusUnauthorized, page.StatusCode)
}
