// The suite of every application behind authkit, over an application on fiber.

package authkitfiber_test

import (
	"testing"

	"github.com/gofiber/fiber/v3"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/contrib/authkitfiber"
	"github.com/authkit-go/authkit/internal/behaviour"
)

func TestTheSuitePassesForAnApplicationOnFiber(t *testing.T) {
	behaviour.Run(t, behaviour.Target{Name: "fiber", Start: func(t testing.TB, d behaviour.Deployment) string {
		l, url := listen(t)
		ak, err := authkit.New(
			authkit.WithAPIKey(d.Fake.APIKey()),
			authkit.WithClientID(d.Fake.ClientID()),
			authkit.WithBaseURL(d.Fake.URL()),
			authkit.WithCookiePassword(d.CookiePassword),
			authkit.WithRedirectURL(url+"/callback"),
			authkit.WithPostLogoutRedirectURL(url+"/"),
			authkit.WithLogger(logger(d.Log)),
		)
		require.NoError(t, err)
		app := newApp(ak, fiber.Config{})
		app.Get("/", func(c fiber.Ctx) error { return html(c, "home of %s", visitor(c)) })
		app.Get("/healthz", func(c fiber.Ctx) error { return c.SendString("ok") })
		app.Get("/account", authkitfiber.Guard(ak.RequireAuth), func(c fiber.Ctx) error {
			return html(c, "page of %s at %s", visitor(c), c.OriginalURL())
		})
		app.Get("/api/me", authkitfiber.Guard(ak.RequireAuth), func(c fiber.Ctx) error {
			s, _ := authkitfiber.Session(c)
			return c.JSON(fiber.Map{
				"user":            fiber.Map{"id": s.UserID(), "email": s.User().Email},
				"session_id":      s.ID(),
				"organization_id": s.OrganizationID(),
			})
		})
		serve(t, l, app)
		return url
	}})
}
