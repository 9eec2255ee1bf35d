// The way of a request through a middleware of net/http, around the fiber handlers behind it.

package authkitfiber

import (
	"context"
	"net/http"

	"github.com/gofiber/fiber/v3"
)

// adapt returns a fiber handler that runs wrap, a middleware of net/http, around the
// handlers behind it.
func adapt(wrap func(http.Handler) http.Handler) fiber.Handler {
	h := wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, ok := r.Context().Value(passKey{}).(*pass)
		if !ok {
			panic("authkitfiber: the middleware has replaced the context of its request")
		}
		p.next(w, r)
	}))
	return func(c fiber.Ctx) error {
		tracked, err := track(c)
		if err != nil {
			return err
		}
		p := &pass{c: c, tracked: tracked, writer: newWriter(c.RequestCtx()), outermost: !tracked.entered}
		if p.outermost {
			tracked.entered = true
			defer func() { tracked.entered = false }()
		}
		defer p.writer.store() // also if a handler panics
		h.ServeHTTP(p.writer, routed(&passContext{c.Context(), p}, tracked.request, c))
		return p.err
	}
}

// pass is the way of one request through one adapted middleware. If the middleware does
// not call its handler, the middleware has answered.
type pass struct {
	c         fiber.Ctx
	tracked   *trackedRequest
	writer    *writer
	outermost bool // no other adapted middleware is around this one
	err       error
}

// passKey is the context key of a *pass.
type passKey struct{}

// passContext is a context with a *pass. The handler that adapt gives to the middleware
// finds the pass of a request in it.
type passContext struct {
	context.Context
	pass *pass
}

func (ctx *passContext) Value(key any) any {
	if key == (passKey{}) {
		return ctx.pass
	}
	return ctx.Context.Value(key)
}

// next runs the fiber handlers behind the middleware. w and r are what the middleware
// gives to its handler.
func (p *pass) next(w http.ResponseWriter, r *http.Request) {
	p.tracked.request = r
	p.c.SetContext(r.Context())
	// An informational header makes the middleware complete the header once before the
	// handlers run. fiber's cache behind the middleware needs Vary and Cache-Control, and a
	// response after a timeout keeps them. p.writer does not send it.
	w.WriteHeader(http.StatusEarlyHints)
	p.writer.store()
	p.writer.passing = true
	completed := false
	defer func() {
		if !completed { // a handler panics: the middleware may complete the header
			p.writer.load()
		}
	}()
	p.err = p.c.Next()
	if !p.writer.isTimedOut() {
		if p.err != nil && p.outermost {
			p.handleError()
		}
		p.writer.load()
		w.WriteHeader(p.c.Response().StatusCode())
	}
	completed = true
}

// handleError makes the error handler of the application write the response, as fiber does
// with an error that every middleware has returned. It is called here because the
// middleware must see the header of that response.
func (p *pass) handleError() {
	if p.c.App().ErrorHandler(p.c, p.err) != nil {
		_ = p.c.SendStatus(fiber.StatusInternalServerError) // it always returns nil
	}
	p.err = nil
}
