// The fiber handlers: the middleware, guards, the handlers of authkit, and what a handler calls.

package authkitfiber

import (
	"net/http"
	"sync"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/log"

	"github.com/authkit-go/authkit"
)

// minReadBuffer is the smallest ReadBufferSize that has room for the usual cookies of a
// browser: 4 KB of session, 4 KB of pending sign-ins, and the rest of the header.
const minReadBuffer = 16 << 10

// Middleware returns a handler that loads the session of each request, as
// [authkit.AuthKit.Middleware] does. It blocks no request. Use it for the whole
// application, before the handlers and the middleware that need the session:
//
//	app.Use(authkitfiber.Middleware(ak))
//
// It logs a warning once if the ReadBufferSize of the application is below 16 KB. fiber
// answers 431 to a request whose header is larger than that buffer, and its default of 4 KB
// is less than the cookies of a browser can have.
func Middleware(ak *authkit.AuthKit) fiber.Handler {
	serve := adapt(ak.Middleware)
	var once sync.Once
	return func(c fiber.Ctx) error {
		once.Do(func() {
			if size := c.App().Config().ReadBufferSize; size < minReadBuffer {
				log.Warnf("authkitfiber: ReadBufferSize of fiber.Config is %d bytes, so fiber answers 431 to requests with many or large cookies: set it to 65536", size)
			}
		})
		return serve(c)
	}
}

// Guard returns a handler that passes the requests that a guard of authkit passes, and
// answers the others. It works with [Middleware] and without.
//
//	app.Get("/account", authkitfiber.Guard(ak.RequireAuth), profile)
//	admin := app.Group("/admin", authkitfiber.Guard(ak.RequireRole("admin")))
//
// If the guard answers, no handler behind it runs, and Guard returns nil, so that the error
// handler of the application does not change the answer.
//
// Another middleware of net/http works too if it calls its handler before it returns, in
// the same goroutine. It sees the header of the response, and it can change the header, the
// context and the request, which is the one of [Do]. It does not see the body of the
// response, and fiber's own request stays as it is. Guard panics if the guard is nil.
func Guard(guard func(http.Handler) http.Handler) fiber.Handler {
	if guard == nil {
		panic("authkitfiber: Guard needs a guard, such as the method value ak.RequireAuth, and this one is nil")
	}
	return adapt(guard)
}

// Handler returns a fiber handler for a handler of authkit: [authkit.AuthKit.Login],
// [authkit.AuthKit.Callback], [authkit.AuthKit.Logout], [authkit.AuthKit.Me],
// [authkit.AuthKit.SwitchOrganization].
//
// It replaces HTTPHandler of fiber's adaptor for them. That one passes only the last of
// several header lines of one name, shares the memory of the request, which fasthttp uses
// again, and has neither the session nor the header that the response has already.
//
// The response is sent when h has returned. A handler that flushes gets
// http.ErrNotSupported from http.ResponseController. Handler panics if h is nil.
func Handler(h http.Handler) fiber.Handler {
	if f, ok := h.(http.HandlerFunc); h == nil || ok && f == nil {
		panic("authkitfiber: Handler needs a handler, and this one is nil")
	}
	return func(c fiber.Ctx) error {
		return Do(c, func(w http.ResponseWriter, r *http.Request) error {
			h.ServeHTTP(w, r)
			return nil
		})
	}
}

// Session returns the session of the request. It returns nil and false if the request is
// anonymous, or if its session could not be checked. In the second case
// [authkit.ErrorFromContext] with c.Context() says why.
//
// Call it in the handler. A function of SendStreamWriter runs after the handler, when c may
// belong to another request.
func Session(c fiber.Ctx) (*authkit.Session, bool) { return authkit.FromContext(c.Context()) }

// Do calls f with the response and the request of c, for the calls of authkit that need
// them: [authkit.AuthKit.Refresh], [authkit.AuthKit.SwitchTo], [authkit.AuthKit.SignOut],
// [authkit.AuthKit.SignIn], [authkit.AuthKit.Fail]. It returns the error of f.
//
//	app.Post("/billing", func(c fiber.Ctx) error {
//		return authkitfiber.Do(c, func(w http.ResponseWriter, r *http.Request) error {
//			session, err := ak.Refresh(w, r)
//			if err != nil {
//				ak.Fail(w, r, err)
//				return nil
//			}
//			return c.JSON(session.Entitlements())
//		})
//	})
//
// w.Header() has the header that the response has when Do is called. What f changes in it
// is in the response when f has returned. If f writes to w, that replaces the status and
// the body of the response. The context of r is c.Context().
//
// w and the body of r are valid until f returns. Do works without [Middleware] too.
func Do(c fiber.Ctx, f func(w http.ResponseWriter, r *http.Request) error) error {
	tracked, err := track(c)
	if err != nil {
		return err
	}
	w := newWriter(c.RequestCtx())
	defer w.store() // also if f panics
	return f(w, routed(c.Context(), tracked.request, c))
}
