// authkit with labstack/echo v4: echo.WrapMiddleware takes the middleware and the guards.

package routers

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/authkit-go/authkit"
)

func onEcho4(ak *authkit.AuthKit, p pages) http.Handler {
	e := echo.New()
	e.Use(echo.WrapMiddleware(ak.Middleware))
	e.GET("/login", echo.WrapHandler(ak.Login()))
	e.GET("/callback", echo.WrapHandler(ak.Callback()))
	e.POST("/logout", echo.WrapHandler(ak.Logout()))
	e.GET("/", echo.WrapHandler(http.HandlerFunc(p.home)))

	// A group with a middleware and without a path would also answer absent paths, so the guard is at each route.
	requireAuth := echo.WrapMiddleware(ak.RequireAuth)
	e.GET("/account", func(c echo.Context) error { // a handler of echo
		p.ran()
		session, _ := authkit.FromContext(c.Request().Context())
		return c.String(http.StatusOK, session.User().Email)
	}, requireAuth)
	e.GET("/caching", echo.WrapHandler(http.HandlerFunc(p.caching)), requireAuth)
	e.GET("/stream", echo.WrapHandler(http.HandlerFunc(p.stream)), requireAuth)
	e.GET("/socket", echo.WrapHandler(http.HandlerFunc(p.socket)), requireAuth)
	e.GET("/admin", echo.WrapHandler(http.HandlerFunc(p.account)), echo.WrapMiddleware(ak.RequireRole("admin")))
	return e
}
