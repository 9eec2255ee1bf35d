// The middleware of gin that runs a middleware of net/http, and the session of a gin.Context.

package authkitgin

import (
	"context"
	"net/http"
	"sync/atomic"

	"github.com/gin-gonic/gin"

	"github.com/authkit-go/authkit"
)

// Middleware returns [authkit.AuthKit.Middleware] for gin. It loads the session of each request, and blocks no request. Use it
// for the whole engine, after gin.Recovery and gin.Logger and before everything that reads the session:
//
//	r.Use(gin.Recovery(), authkitgin.Middleware(ak))
//
// Engine.Use also covers the handlers of NoRoute and NoMethod. Middleware panics if ak is nil.
func Middleware(ak *authkit.AuthKit) gin.HandlerFunc {
	if ak == nil {
		panic("authkitgin: Middleware: the AuthKit is nil")
	}
	return wrap(ak.Middleware(http.HandlerFunc(serveNext)), true)
}

// Guard returns a guard of authkit for gin. Use it for a route, a group or the whole engine, with or without [Middleware]:
//
//	r.GET("/account", authkitgin.Guard(ak.RequireAuth), account)
//	r.Group("/admin", authkitgin.Guard(ak.RequireRole("admin")))
//
// If the guard answers the request, the handlers after it do not run (gin.Context.Abort). If it passes the request, they run
// with the request and the writer that the guard has passed on, as c.Request and c.Writer. Handlers before it see their own
// again after gin.Context.Next.
//
// Any other middleware of net/http works too if it calls its next handler at most once, on the goroutine of the request, and
// with a context that derives from that of the request. So http.TimeoutHandler does not work: use http.Server.WriteTimeout.
//
// Guard calls guard once, at construction. It panics if guard is nil or returns nil, or if guard panics.
func Guard(guard func(http.Handler) http.Handler) gin.HandlerFunc {
	if guard == nil {
		panic("authkitgin: Guard: the guard is nil")
	}
	handler := guard(http.HandlerFunc(serveNext))
	if handler == nil {
		panic("authkitgin: Guard: the guard returned nil")
	}
	return wrap(handler, false)
}

// Session returns the session of a request, and false if the request is anonymous or its session could not be checked. In
// the second case authkit.ErrorFromContext(c.Request.Context()) says why. It works in every handler after [Middleware] or
// [Guard]. It works in handlers before them too, once gin.Context.Next has returned: a logger, for example.
//
// authkit.FromContext(c.Request.Context()) returns the same session. authkit.FromContext(c) does so only if the engine has
// ContextWithFallback.
func Session(c *gin.Context) (*authkit.Session, bool) {
	if c.Request != nil {
		if session, ok := authkit.FromContext(c.Request.Context()); ok {
			return session, true
		}
	}
	if resp := responseOf(c); resp != nil {
		if passed := resp.passed.Load(); passed != nil {
			return authkit.FromContext(*passed)
		}
	}
	return nil, false
}

// wrap returns the middleware of gin that runs a middleware of net/http, whose next handler is serveNext. loads reports
// whether that is authkit.AuthKit.Middleware.
func wrap(handler http.Handler, loads bool) gin.HandlerFunc {
	return func(c *gin.Context) {
		resp, finish := begin(c)
		defer finish()
		run := &call{Context: c.Request.Context(), gin: c, loads: loads, response: resp, server: &serverWriter{ResponseWriter: c.Writer}}
		handler.ServeHTTP(run.server, c.Request.WithContext(run))
		if !run.passed {
			c.Abort()
		}
	}
}

// serveNext is the next handler of every middleware of net/http. It runs the following handlers of gin.
func serveNext(w http.ResponseWriter, r *http.Request) {
	run, ok := r.Context().Value(callKey{}).(*call)
	if !ok {
		panic("authkitgin: the guard called its next handler without the context of the request")
	}
	ctx := r.Context()
	run.passed = true
	run.response.passed.Store(&ctx)
	c, request, writer := run.gin, run.gin.Request, run.gin.Writer
	c.Request = r
	if w != http.ResponseWriter(run.server) {
		own := &handlerWriter{serverWriter: run.server, guard: w, status: writer.Status(), size: writer.Size()}
		defer own.finish()
		// A guard of authkit passes only requests with a session or a key.
		if run.response.writer == nil && (run.loads || isAuthenticated(ctx) && !isAuthenticated(run.Context)) {
			run.response.writer = own
		}
		c.Writer = own
	}
	defer func() {
		// net/http removes the files of a form after the request, and knows only the first copy of the request.
		if form := c.Request.MultipartForm; form != nil {
			request.MultipartForm = form
		}
		c.Request, c.Writer = request, writer
	}()
	c.Next()
}

// isAuthenticated reports whether a context has a session or an API key.
func isAuthenticated(ctx context.Context) bool {
	if _, ok := authkit.FromContext(ctx); ok {
		return true
	}
	_, ok := authkit.APIKeyFromContext(ctx)
	return ok
}

// call is one run of a middleware of net/http. It is also the context of the request that the middleware gets. There the next
// handler of the middleware finds it.
type call struct {
	context.Context
	gin      *gin.Context
	loads    bool // the middleware is authkit.AuthKit.Middleware
	response *response
	server   *serverWriter // what the middleware writes to
	passed   bool          // the middleware called its next handler
}

// callKey is the key of the innermost *call in a request's context.
type callKey struct{}

func (run *call) Value(key any) any {
	if key == (callKey{}) {
		return run
	}
	return run.Context.Value(key)
}

// response is what the calls of one request share.
type response struct {
	writer *handlerWriter // completes the header for the session, nil before a middleware of authkit has wrapped the writer
	// passed is what the innermost middleware passed last, nil before. A goroutine with a copy of the gin.Context may read it.
	passed atomic.Pointer[context.Context]
	ended  atomic.Bool // the outermost call has returned, and gin may use the gin.Context for another request
}

// responseKey is the key of the *response in gin.Context.Keys.
type responseKey struct{}

// responseOf returns the response of a request, or nil before the first call.
func responseOf(c *gin.Context) *response {
	value, _ := c.Get(responseKey{})
	resp, _ := value.(*response)
	return resp
}

// begin returns the response of a request. The caller calls finish when its handlers have returned.
//
// Engine.HandleContext starts a request again. It replaces c.Writer by the writer of the engine and removes c.Keys. The request
// keeps its context, with the session. The writer that completes the header for this session then has to be put in front of
// the writer of the engine again.
//
// A handler may pass another request to an engine in the context of its own one: to an engine inside of its engine, or as a
// part of a batch. That request has another gin.Context, so it gets a response of its own.
func begin(c *gin.Context) (resp *response, finish func()) {
	if resp = responseOf(c); resp != nil {
		return resp, func() {}
	}
	before, _ := c.Request.Context().Value(callKey{}).(*call)
	if before == nil || before.gin != c || before.response.ended.Load() {
		resp = &response{}
		c.Set(responseKey{}, resp)
		return resp, func() { resp.ended.Store(true) }
	}
	resp = before.response
	c.Set(responseKey{}, resp)
	if resp.writer == nil {
		return resp, func() {}
	}
	engine := c.Writer
	behind := resp.writer.serverWriter.ResponseWriter
	resp.writer.serverWriter.ResponseWriter = engine
	resp.writer.status = engine.Status() // 404 before the handlers of NoRoute
	c.Writer = resp.writer
	return resp, func() {
		// Engine.HandleContext writes the header after this.
		resp.writer.set = true
		resp.writer.finish()
		resp.writer.serverWriter.ResponseWriter = behind
		c.Writer = engine
	}
}
