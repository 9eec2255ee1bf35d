// Command authkitfiber is an application on fiber with one guarded route.
package main

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/gofiber/fiber/v3"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/contrib/authkitfiber"
)

func main() {
	fake, err := authkittest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer fake.Close()
	ak, err := authkit.New(
		authkit.WithAPIKey(fake.APIKey()), authkit.WithClientID(fake.ClientID()), authkit.WithBaseURL(fake.URL()),
		authkit.WithCookiePassword(strings.Repeat("consumer", 4)), authkit.WithRedirectURL("http://localhost/callback"),
		authkit.WithBearerTokens(),
	)
	if err != nil {
		log.Fatal(err)
	}
	app := fiber.New(fiber.Config{ReadBufferSize: 64 << 10})
	app.Use(authkitfiber.Middleware(ak))
	app.Get("/account", authkitfiber.Guard(ak.RequireAuth), func(c fiber.Ctx) error {
		_, signedIn := authkitfiber.Session(c)
		return c.SendString(fmt.Sprint("signed in: ", signedIn))
	})
	for _, header := range []string{"", "Bearer " + fake.BearerToken("ada@harborpress.test")} {
		r := httptest.NewRequest(http.MethodGet, "/account", nil)
		if header != "" {
			r.Header.Set("Authorization", header)
		}
		response, err := app.Test(r)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(response.StatusCode, response.Header.Get("Cache-Control"))
	}
}
