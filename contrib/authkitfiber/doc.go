// Package authkitfiber puts authkit in front of an application on fiber v3
// (github.com/gofiber/fiber/v3).
//
//	app := fiber.New(fiber.Config{ReadBufferSize: 64 << 10})
//	app.Use(recoverer.New(), authkitfiber.Middleware(ak))
//	app.Get("/login", authkitfiber.Handler(ak.Login()))
//	app.Get("/callback", authkitfiber.Handler(ak.Callback()))
//	app.Post("/logout", authkitfiber.Handler(ak.Logout()))
//	app.Get("/account", authkitfiber.Guard(ak.RequireAuth), profile)
//
// [Middleware] loads the session of each request. [Guard] makes a fiber handler of a
// guard. [Handler] makes one of the handlers of authkit. [Session] returns the session of
// a request. [Do] calls what needs an http.ResponseWriter and an *http.Request, such as
// [authkit.AuthKit.Refresh].
//
// # Context
//
// The session is in c.Context(), so [authkit.FromContext], [authkit.ErrorFromContext],
// [authkit.APIKeyFromContext] and [authkit.AuthKit.UntilEnd] work with it. They do not
// work with c itself: as a context, a fiber.Ctx has only its Locals.
//
// Behind this package, c.Context() is the context of the request, as under net/http. It is
// cancelled when the response is written: after the body, if that is a stream, and after
// the last message of a WebSocket. Use [context.WithoutCancel] for work that continues
// after the response. fasthttp notices that a client has left only when it writes to the
// client, and the context is cancelled then. It is not cancelled while a handler runs.
//
// A fiber.Ctx is valid only until its handler returns. Take the context or the session out
// of it before that, for the function of SendStreamWriter, for a WebSocket, and for a
// goroutine.
//
// # Header
//
// The middleware completes the header of a response when the handlers behind it have
// returned. Then it holds what the documentation of [authkit.AuthKit.Middleware] says about
// Vary, Cache-Control and the session cookie. A refresh that takes long sets its cookie if
// it ends before the handlers return. The body stays with fiber, also if it is a stream.
//
// If the handlers return an error, the middleware calls the error handler of the
// application, so that the header is complete in that response too, and returns nil, as
// the logger of fiber does.
package authkitfiber
